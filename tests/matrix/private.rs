//! Nothing private in anything that is written.
