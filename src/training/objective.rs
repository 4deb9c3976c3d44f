//! What a task gives the trainer.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{BoxedError, Shuffle};
use crate::random::{Mode, RandomKey};

/// What a task gives the trainer: examples, a loss, and how to tell a good model.
///
/// Batches are made on other threads, ahead of their use. Whatever a batch draws at random it draws from the key it is
/// given, so that a batch is a pure function of its arguments.
///
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::{Device, Tensor};
/// use salient::parameters;
/// use salient::random::{Mode, RandomKey};
/// use salient::training::{BoxedError, Loss, Objective, Trainer, TrainingConfig};
///
/// #[derive(Module, Debug)]
/// struct Slope {
///     slope: Param<Tensor<1>>,
/// }
///
/// /// Finds the 2 in `y = 2 x`.
/// struct FindSlope;
///
/// impl Objective for FindSlope {
///     type Model = Slope;
///     type Batch = Vec<f32>;
///
///     fn n_examples(&self) -> usize {
///         8
///     }
///
///     fn batch(&self, examples: &[usize], _key: RandomKey) -> Result<Vec<f32>, BoxedError> {
///         Ok(examples.iter().map(|&example| example as f32 / 8.0).collect())
///     }
///
///     fn loss(&self, model: &Slope, batch: &Vec<f32>, _mode: Mode) -> Result<Loss, BoxedError> {
///         let x = Tensor::<1>::from_floats(batch.as_slice(), &Device::flex());
///         let error = x.clone() * model.slope.val() - x * 2.0;
///         Ok(Loss {
///             mean: error.square().mean(),
///             weight: batch.len() as f64,
///         })
///     }
/// }
///
/// let config = TrainingConfig {
///     batch_size: 4,
///     learning_rate: 0.1,
///     ..TrainingConfig::default()
/// };
/// let model = Slope {
///     slope: parameters::zeros([1], &Device::flex()),
/// };
/// let trained = Trainer::new(config).fit(model, &FindSlope)?;
/// let slope = parameters::read(&trained.model)["slope"].values[0];
/// assert!((slope - 2.0).abs() < 0.01);
/// # Ok::<(), salient::training::TrainingError>(())
/// ```
pub trait Objective: Sync {
    /// The model to train.
    type Model: Module;

    /// Examples made ready for the model; host data, or tensors.
    type Batch: Send;

    /// Number of training examples. The trainer shuffles the numbers `0..n_examples()` anew in every epoch.
    fn n_examples(&self) -> usize;

    /// How it shuffles them; all among each other by default.
    fn shuffle(&self) -> Shuffle {
        Shuffle::All
    }

    /// Makes a batch of these examples.
    ///
    /// # Errors
    /// Whatever makes an example unusable; it ends the run as [`TrainingError::Objective`](super::TrainingError).
    fn batch(&self, examples: &[usize], key: RandomKey) -> Result<Self::Batch, BoxedError>;

    /// The loss of a model on a batch. The model's weights require gradients; `mode` is always training.
    ///
    /// # Errors
    /// Whatever makes the loss undefined; it ends the run as [`TrainingError::Objective`](super::TrainingError).
    fn loss(
        &self,
        model: &Self::Model,
        batch: &Self::Batch,
        mode: Mode,
    ) -> Result<Loss, BoxedError>;

    /// How good a model is on data that it does not train on. The model's weights require no gradients.
    ///
    /// `None`, the default, where there is no such data: the run then never stops early and the last weights are the
    /// best.
    ///
    /// # Errors
    /// Whatever makes the metrics undefined; it ends the run as [`TrainingError::Objective`](super::TrainingError).
    fn validate(&self, model: &Self::Model) -> Result<Option<Validation>, BoxedError> {
        let _ = model;
        Ok(None)
    }
}

/// The loss of one batch.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Mean over the targets of the batch, one number with its gradient.
    pub mean: Tensor<1>,
    /// Number of targets, or the sum of their weights. A batch of weight 0 teaches nothing and is passed over.
    pub weight: f64,
}

/// How good a model is on data that it does not train on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// Name of the metric that early stopping, the plateau schedule and the choice of weights go by. Higher is better.
    pub deciding: String,
    /// All metrics by name, the deciding one among them.
    pub metrics: BTreeMap<String, f64>,
}

impl Validation {
    /// Metrics by name, and which of them decides.
    ///
    /// ```
    /// use salient::training::Validation;
    ///
    /// let validation = Validation::new("ndcg_at_10", [("ndcg_at_10", 0.18), ("hit_rate_at_10", 0.31)]);
    /// assert_eq!(validation.metrics["ndcg_at_10"], 0.18);
    /// ```
    pub fn new<N: Into<String>>(
        deciding: impl Into<String>,
        metrics: impl IntoIterator<Item = (N, f64)>,
    ) -> Self {
        Self {
            deciding: deciding.into(),
            metrics: metrics
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        }
    }
}
