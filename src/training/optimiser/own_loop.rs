//! The optimiser for a loop of one's own.

use burn::module::Module;
use burn::tensor::Tensor;

use super::state::Memory;
use crate::training::gradients::StepGradients;
use crate::training::{TrainingConfig, TrainingError};

/// Moves the weights of a model against the gradient of a loss, for whoever writes the training loop himself.
///
/// It is what the [`Trainer`](crate::training::Trainer) does in each step. Of the settings it takes the optimiser and
/// its numbers, `weight_decay` and `clip_norm`; all else about training is the loop's.
///
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::{Device, Tensor};
/// use salient::ops::embedding::embedding;
/// use salient::parameters;
/// use salient::training::{Optimiser, TrainingConfig};
///
/// #[derive(Module, Debug)]
/// struct Table {
///     rows: Param<Tensor<2>>,
/// }
///
/// let mut model = Table {
///     rows: parameters::ones([1000, 2], &Device::flex()),
/// }
/// .train();
/// let mut optimiser = Optimiser::new(&TrainingConfig::default());
/// for _ in 0..3 {
///     let loss = embedding(model.rows.val(), &[7, 42, 7]).square().sum();
///     model = optimiser.step(model, &loss, 0.1)?;
/// }
/// let rows = &parameters::read(&model)["rows"].values;
/// assert!(rows[2 * 42] < 0.8 && rows[2 * 41] == 1.0);
/// # Ok::<(), salient::training::TrainingError>(())
/// ```
#[derive(Debug)]
pub struct Optimiser {
    config: TrainingConfig,
    memory: Memory,
    steps: u64,
    last_finite_loss: Option<f64>,
}

impl Optimiser {
    /// An optimiser that remembers nothing yet, with these settings, which [`step`](Self::step) checks.
    pub fn new(config: &TrainingConfig) -> Self {
        Self {
            config: config.clone(),
            memory: Memory::default(),
            steps: 0,
            last_finite_loss: None,
        }
    }

    /// Calculates the gradient of `loss`, clips it, and updates every weight that has one.
    ///
    /// The model goes in and comes out by value, so that its weights are updated where they lie; a clone of it that is
    /// still alive costs a copy. Weights are known by their path in the model.
    ///
    /// # Shapes
    /// - `loss`: `[1]`, of a model in training mode (`model.train()`)
    ///
    /// # Errors
    /// [`TrainingError::ZeroCount`] and [`TrainingError::OutOfRange`] for the settings and the learning rate, which must
    /// be at least 0; [`TrainingError::NothingToTrain`] if the loss depends on no trainable weight;
    /// [`TrainingError::NotFinite`] if the loss or a gradient is not finite, with all steps counted as those of one
    /// epoch. The model is lost with an error, as it was with the trainer.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        loss: &Tensor<1>,
        learning_rate: f64,
    ) -> Result<M, TrainingError> {
        self.config.validate()?;
        TrainingConfig::validate_step_size(learning_rate)?;
        let step = self.steps + 1;
        if !loss.is_tracked() {
            return Err(TrainingError::NothingToTrain { step });
        }
        let mut gradients = StepGradients::default();
        gradients.add(&model, loss, 1.0);
        let numbers = gradients.numbers();
        if let Some(quantity) = numbers.not_finite() {
            return Err(TrainingError::NotFinite {
                quantity,
                epoch: 1,
                step,
                learning_rate,
                last_finite_loss: self.last_finite_loss,
            });
        }
        let gradients = (gradients.mean, numbers.scale(self.config.clip_norm));
        let config = &self.config;
        let model = self.memory.update(model, config, learning_rate, gradients);
        self.steps = step;
        self.last_finite_loss = Some(numbers.loss());
        Ok(model)
    }
}
