//! One error for the crate: a variant per stage, each wrapping that stage's own.

use crate::artifact::ArtifactError;
use crate::baselines::BaselineError;
use crate::data::DataError;
use crate::data::synthetic::SyntheticError;
use crate::device::DeviceError;
use crate::evaluation::EvaluationError;
use crate::features::FeatureError;
use crate::model::ModelError;
use crate::parameters::ParametersError;
use crate::tasks::TaskError;
use crate::tasks::churn::segments::SegmentError;
use crate::tasks::next_item::SearchError;
use crate::training::TrainingError;

/// Whatever can go wrong between a file and a prediction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The chosen device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A file or table cannot be read as asked.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A simulation cannot be run as configured.
    #[error(transparent)]
    Synthetic(#[from] SyntheticError),
    /// Records cannot be turned into features.
    #[error(transparent)]
    Feature(#[from] FeatureError),
    /// A configuration describes no valid model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Weights do not fit a model.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// Training cannot start or go on.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A metric is undefined for its input.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// A baseline cannot be fitted.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// A saved model cannot be written or read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A question to a task has no answer.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The temporary file with rows that do not fit in memory cannot be used.
    #[error("the temporary file of rows cannot be used: {0}")]
    RowStore(#[source] std::io::Error),
    /// A search for settings cannot start or go on.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// Customers cannot be cut into segments, or not be described by them.
    #[error(transparent)]
    Segment(#[from] SegmentError),
}
