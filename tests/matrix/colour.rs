//! Every colour signalling against a float64 reference.
