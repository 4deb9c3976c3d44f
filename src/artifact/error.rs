//! What can be wrong with a saved model.

/// What can be wrong with a saved model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {}
