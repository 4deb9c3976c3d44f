//! Promises made to users, one file each.

// Clippy lets `#[test]` functions unwrap, but not the functions that they share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

/// An interrupted run ends with the same bytes, and a bad checkpoint is refused.
mod resume;
/// Training does what its settings say, the same way every time.
mod training;
