//! Promises made to users, one file each.

/// An interrupted run ends with the same bytes, and a bad checkpoint is refused.
mod resume;
/// Training does what its settings say, the same way every time.
mod training;
