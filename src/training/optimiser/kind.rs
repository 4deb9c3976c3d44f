//! Which optimiser, and by what numbers it changes a weight.

use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::ops::weight_update::{Change, Sums};
use crate::training::TrainingConfig;

/// How gradients move weights.
///
/// Where a gradient is that of a table whose rows are read by id, and by nothing else, a step changes only the rows that
/// the batch names: weights, running means and decay of the others stay as they are, as in PyTorch's `SparseAdam`. This
/// holds for [`embedding`](crate::ops::embedding::embedding()) on the CPU (Flex, 32 bits); elsewhere a row that no batch
/// names keeps moving by its running mean, and decays.
///
/// ```
/// use salient::training::{OptimiserKind, TrainingConfig};
///
/// let config: TrainingConfig = serde_json::from_str(r#"{ "optimiser": { "adagrad": {} } }"#)?;
/// assert_eq!(config.optimiser, OptimiserKind::Adagrad { initial_sum: 0.0 });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum OptimiserKind {
    /// Running means of gradients and of their squares, by `beta_1`, `beta_2` and `epsilon`.
    ///
    /// Two numbers are kept for each weight.
    ///
    /// # Source
    /// Loshchilov and Hutter 2019, algorithm 2, <https://arxiv.org/abs/1711.05101>. Differences: vectors (biases, norms)
    /// do not decay; the running means are kept without their constant factors. Of a table with row gradients the running
    /// means are those over the steps that named the row, and their bias is corrected by the steps of the table.
    #[default]
    AdamW,
    /// The sum of squared gradients alone; `beta_1` and `beta_2` do nothing, `epsilon` and `weight_decay` act as in
    /// [`AdamW`](Self::AdamW).
    ///
    /// One number is kept for each weight, so a large table needs a third less memory than with AdamW. Rows that are
    /// rarely named take larger steps. Usual learning rates are 10 to 100 times those of AdamW.
    ///
    /// # Source
    /// Duchi, Hazan and Singer 2011, section 1.1 with diagonal matrices, <https://jmlr.org/papers/v12/duchi11a.html>.
    /// Differences: the decay, which is that of [`AdamW`](Self::AdamW).
    Adagrad {
        /// Sum of squares that each weight starts with; at least 0. Default 0, as in PyTorch; TensorFlow takes 0.1.
        /// Raising it makes the first steps smaller.
        #[serde(default)]
        initial_sum: f64,
    },
}

impl OptimiserKind {
    /// What is remembered of a weight before its first gradient.
    pub(super) fn start(self, n_weights: usize, device: &Device, dtype: DType) -> Sums {
        // Not `Tensor::zeros`, which writes its zeros twice on the CPU: memory that comes zeroed costs nothing until used.
        let all = |value: f64| Tensor::full([n_weights], value, (device, dtype));
        match self {
            Self::AdamW => Sums {
                first: Some(all(0.0)),
                second: all(0.0),
            },
            Self::Adagrad { initial_sum } => Sums {
                first: None,
                second: all(initial_sum),
            },
        }
    }

    /// The change of a weight by its gradient number `update`, counted from 1, without scale and decay.
    ///
    /// With `m = (1 - b1) M` and `v = (1 - b2) V` for the decayed sums `M` and `V`, Adam's
    /// `rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)` is `size * M / (sqrt(V) + floor)`.
    pub(super) fn change(self, config: &TrainingConfig, rate: f64, update: u64) -> Change {
        let plain = Change {
            scale: 1.0,
            beta_1: 0.0,
            beta_2: 1.0,
            floor: config.epsilon,
            size: rate,
            kept: 1.0,
        };
        match self {
            Self::AdamW => {
                let (beta_1, beta_2) = (config.beta_1, config.beta_2);
                let t = update as f64;
                let first_factor = (1.0 - beta_1) / (1.0 - beta_1.powf(t));
                let second_factor = ((1.0 - beta_2) / (1.0 - beta_2.powf(t))).sqrt();
                Change {
                    beta_1,
                    beta_2,
                    floor: config.epsilon / second_factor,
                    size: rate * first_factor / second_factor,
                    ..plain
                }
            }
            Self::Adagrad { .. } => plain,
        }
    }
}
