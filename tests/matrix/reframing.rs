//! The speaker's face stays in the picture.
