//! What can be wrong with a file or a table.

/// What can be wrong with a file or a table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {}
