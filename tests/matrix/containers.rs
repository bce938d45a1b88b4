//! Every codec and container.
