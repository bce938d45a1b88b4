//! Pictures from tiny to 4K, odd, wide and tall.
