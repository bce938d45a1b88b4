//! Files that are no clips, and clips that are damaged.
