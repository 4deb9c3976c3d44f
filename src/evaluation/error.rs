//! Where a metric is undefined.

/// Where a metric is undefined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {}
