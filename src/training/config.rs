//! Settings of a training run.

use serde::{Deserialize, Serialize};

use super::{OptimiserKind, TrainingError};

/// Settings of a training run, for every task.
///
/// Settings left out of a JSON file take their defaults, unknown ones are refused.
///
/// ```
/// use salient::training::{Schedule, TrainingConfig};
///
/// let config = TrainingConfig {
///     max_epochs: 50,
///     warmup_steps: 100,
///     schedule: Schedule::Cosine { final_fraction: 0.01 },
///     ..TrainingConfig::default()
/// };
/// config.validate()?;
/// # Ok::<(), salient::training::TrainingError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// Where all random numbers of the run start. Default 0.
    pub seed: u64,
    /// Passes over the examples after which the run ends; at least 1. Default 100.
    pub max_epochs: usize,
    /// Examples in a batch; at least 1. Default 128, as in Kang and McAuley 2018.
    pub batch_size: usize,
    /// Batches whose gradients are averaged for one step; at least 1. Default 1. Raising it acts as a larger batch that
    /// needs no more memory.
    pub batches_per_step: usize,
    /// How gradients move weights. Default AdamW.
    pub optimiser: OptimiserKind,
    /// Step size of the optimiser after warm-up; above 0. Default 1e-3, as in Kang and McAuley 2018.
    pub learning_rate: f64,
    /// Share of each weight matrix, times the learning rate, that a step takes away; at least 0. Vectors (biases, norms)
    /// do not decay, nor do rows of a table that the step does not touch (see [`OptimiserKind`]). Default 0.01, as in Loshchilov and Hutter's reference implementation in PyTorch.
    pub weight_decay: f64,
    /// Decay of the running mean of the gradient; in `[0, 1)`. Default 0.9 (Kingma and Ba 2015).
    pub beta_1: f64,
    /// Decay of the running mean of the squared gradient; in `[0, 1)`. Default 0.999 (Kingma and Ba 2015).
    pub beta_2: f64,
    /// Keeps the division by a small mean square tame; above 0. Default 1e-8 (Kingma and Ba 2015).
    pub epsilon: f64,
    /// Largest Euclidean norm of all gradients together, above which they are scaled down; above 0, or none to never
    /// clip. Default 1.0 (Brown et al. 2020, appendix B).
    pub clip_norm: Option<f64>,
    /// Steps over which the learning rate rises linearly from near 0; may be 0. Default 0.
    pub warmup_steps: u64,
    /// How the learning rate falls after warm-up. Default constant.
    pub schedule: Schedule,
    /// Epochs from one validation to the next; at least 1. The last epoch always validates. Default 1.
    pub validate_every_epochs: usize,
    /// Validations without improvement after which the run ends; at least 1, or none to never stop early. Default 10.
    pub patience: Option<usize>,
    /// Rise of the deciding metric that counts as improvement; at least 0. Default 0.
    pub min_delta: f64,
    /// Weight of the past in the moving average of the deciding metric, by which improvement is judged; in `[0, 1)`.
    /// Raise it where few examples make validation noisy. Default 0: each validation stands alone.
    pub smoothing: f64,
    /// Steps from one checkpoint to the next; at least 1, or none. Default none.
    pub checkpoint_every_steps: Option<u64>,
    /// Epochs from one checkpoint to the next; at least 1, or none. Default 1. Cancellation and the end of the run write
    /// one in any case.
    pub checkpoint_every_epochs: Option<usize>,
    /// Threads that make batches ahead of the training thread; with 0 it makes its own. The result does not depend on
    /// it. Default 1.
    pub loader_threads: usize,
}

/// How the learning rate falls after warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// Not at all.
    #[default]
    Constant,
    /// Along half a cosine, reaching the end at the last step of `max_epochs` (Loshchilov and Hutter 2017, without
    /// restarts).
    Cosine {
        /// Share of the learning rate that is left at the end; in `[0, 1]`.
        final_fraction: f64,
    },
    /// By a factor whenever the validation metric stops improving.
    Plateau {
        /// What the learning rate is multiplied by; in `(0, 1)`.
        factor: f64,
        /// Validations without improvement after which it is; at least 1.
        patience: usize,
    },
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            max_epochs: 100,
            batch_size: 128,
            batches_per_step: 1,
            optimiser: OptimiserKind::AdamW,
            learning_rate: 1e-3,
            weight_decay: 0.01,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            clip_norm: Some(1.0),
            warmup_steps: 0,
            schedule: Schedule::Constant,
            validate_every_epochs: 1,
            patience: Some(10),
            min_delta: 0.0,
            smoothing: 0.0,
            checkpoint_every_steps: None,
            checkpoint_every_epochs: Some(1),
            loader_threads: 1,
        }
    }
}

impl TrainingConfig {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`TrainingError::ZeroCount`], [`TrainingError::OutOfRange`].
    pub fn validate(&self) -> Result<(), TrainingError> {
        at_least_one("max_epochs", self.max_epochs as u64)?;
        at_least_one("batch_size", self.batch_size as u64)?;
        at_least_one("batches_per_step", self.batches_per_step as u64)?;
        at_least_one("validate_every_epochs", self.validate_every_epochs as u64)?;
        at_least_one("patience", self.patience.map_or(1, |n| n as u64))?;
        at_least_one(
            "checkpoint_every_steps",
            self.checkpoint_every_steps.unwrap_or(1),
        )?;
        at_least_one(
            "checkpoint_every_epochs",
            self.checkpoint_every_epochs.map_or(1, |n| n as u64),
        )?;
        above_zero("learning_rate", self.learning_rate)?;
        above_zero("epsilon", self.epsilon)?;
        above_zero("clip_norm", self.clip_norm.unwrap_or(1.0))?;
        not_negative("weight_decay", self.weight_decay)?;
        not_negative("min_delta", self.min_delta)?;
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)?;
        below_one("smoothing", self.smoothing)?;
        if let OptimiserKind::Adagrad { initial_sum } = self.optimiser {
            not_negative("optimiser.adagrad.initial_sum", initial_sum)?;
        }
        self.schedule.validate()
    }

    /// Checks the learning rate of one step, which a schedule may have brought down to 0.
    pub(super) fn validate_step_size(learning_rate: f64) -> Result<(), TrainingError> {
        not_negative("learning_rate", learning_rate)
    }
}

impl Schedule {
    fn validate(self) -> Result<(), TrainingError> {
        match self {
            Self::Constant => Ok(()),
            Self::Cosine { final_fraction } => within(
                "schedule.cosine.final_fraction",
                final_fraction,
                (0.0..=1.0).contains(&final_fraction),
                "[0, 1]",
            ),
            Self::Plateau { factor, patience } => {
                within(
                    "schedule.plateau.factor",
                    factor,
                    factor > 0.0 && factor < 1.0,
                    "(0, 1)",
                )?;
                at_least_one("schedule.plateau.patience", patience as u64)
            }
        }
    }
}

fn at_least_one(setting: &'static str, value: u64) -> Result<(), TrainingError> {
    match value {
        0 => Err(TrainingError::ZeroCount { setting }),
        _ => Ok(()),
    }
}

fn above_zero(setting: &'static str, value: f64) -> Result<(), TrainingError> {
    within(
        setting,
        value,
        value > 0.0 && value.is_finite(),
        "(0, infinity)",
    )
}

fn not_negative(setting: &'static str, value: f64) -> Result<(), TrainingError> {
    within(
        setting,
        value,
        value >= 0.0 && value.is_finite(),
        "[0, infinity)",
    )
}

fn below_one(setting: &'static str, value: f64) -> Result<(), TrainingError> {
    within(setting, value, (0.0..1.0).contains(&value), "[0, 1)")
}

fn within(
    setting: &'static str,
    value: f64,
    holds: bool,
    range: &'static str,
) -> Result<(), TrainingError> {
    if holds {
        Ok(())
    } else {
        Err(TrainingError::OutOfRange {
            setting,
            value,
            range,
        })
    }
}
