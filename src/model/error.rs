//! What can be wrong with the configuration of a model.

/// What can be wrong with the configuration of a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {}
