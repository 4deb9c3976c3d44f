//! What can be wrong with records on their way into a model.

/// What can be wrong with records on their way into a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeatureError {}
