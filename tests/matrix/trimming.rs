//! Dead air goes, words stay.
