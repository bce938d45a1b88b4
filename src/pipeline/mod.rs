//! One clip through all stages; lanes across clips; cache; journal; events.
