//! What is done about few customers leaving.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::tasks::TaskError;
use crate::tasks::tabular::cross_entropy;
use crate::writable::writable;

/// What is done in training about few customers leaving. The probabilities of the model are those of all customers in any
/// case: what a setting does to them is undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Imbalance {
    /// Nothing. The default: calibrated probabilities and a threshold by cost need no more.
    #[default]
    Ignored,
    /// Each customer who left counts as many.
    Weights {
        /// How many; above 0. Default none: as many as make both classes weigh the same.
        #[serde(default)]
        positive: Option<f64>,
    },
    /// Customers of whom the model is sure count less: the cross-entropy of each is multiplied by `(1 - p)^gamma`, where `p` is
    /// the probability given to what happened.
    ///
    /// # Source
    /// Lin et al. 2017, <https://arxiv.org/abs/1708.02002>; probabilities are restored by theorem 3 of Charoenphakdee et al.
    /// 2021, <https://arxiv.org/abs/2011.09172>. Differences: no class weight.
    Focal {
        /// How much less; at least 0. At 0 it is the cross-entropy.
        gamma: f64,
    },
}

/// The setting, once the share of customers who left is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Balance {
    Weights(f64),
    Focal(f64),
}

impl Imbalance {
    /// Takes the share of training customers who left.
    pub(super) fn balance(self, rate: f64) -> Result<Balance, TaskError> {
        let range = |setting, value, range| TaskError::OutOfRange {
            setting,
            value,
            range,
        };
        match self {
            Self::Ignored => Ok(Balance::Weights(1.0)),
            Self::Weights { positive: None } => Ok(Balance::Weights(writable((1.0 - rate) / rate))),
            Self::Weights {
                positive: Some(positive),
            } => match positive > 0.0 && positive.is_finite() {
                true => Ok(Balance::Weights(positive)),
                false => Err(range("imbalance.positive", positive, "(0, inf)")),
            },
            Self::Focal { gamma } => match gamma >= 0.0 && gamma.is_finite() {
                true => Ok(Balance::Focal(gamma)),
                false => Err(range("imbalance.gamma", gamma, "[0, inf)")),
            },
        }
    }
}

impl Balance {
    /// The setting with its number, for a file.
    pub(super) const fn setting(self) -> Imbalance {
        match self {
            Self::Weights(positive) => Imbalance::Weights {
                positive: Some(positive),
            },
            Self::Focal(gamma) => Imbalance::Focal { gamma },
        }
    }

    /// How much a customer counts, and so by what the loss is divided.
    pub(super) fn weight(self, label: f32) -> f32 {
        match self {
            Self::Weights(positive) if label > 0.5 => positive as f32,
            _ => 1.0,
        }
    }

    /// The loss of each customer before its weight, `[n_rows, 1]`.
    pub(super) fn loss(self, logits: Tensor<2>, labels: Tensor<2>) -> Tensor<2> {
        let cross_entropy = cross_entropy(logits, labels);
        match self {
            Self::Focal(gamma) if gamma > 0.0 => {
                let wrong: Tensor<2> = 1.0 - cross_entropy.clone().neg().exp();
                // The slope of a power below 1 has no end at 0.
                wrong.clamp_min(1e-6).powf_scalar(gamma) * cross_entropy
            }
            _ => cross_entropy,
        }
    }

    /// The logit of the probability among all customers, from that of a network which was trained in this way.
    pub(super) fn restored(self, logit: f64) -> f64 {
        match self {
            Self::Weights(positive) => logit - positive.ln(),
            Self::Focal(gamma) => logit + log_slope(-logit, gamma) - log_slope(logit, gamma),
        }
    }
}

/// `ln((1 - q)^gamma - gamma (1 - q)^(gamma - 1) q ln q)` at `q = 1 / (1 + exp(-logit))`.
fn log_slope(logit: f64, gamma: f64) -> f64 {
    let log_q = -softplus(-logit);
    let log_rest = -softplus(logit);
    // q ln q / (1 - q), which tends to -1 as q tends to 1.
    let share = if log_rest < -30.0 {
        -1.0
    } else {
        (log_q - log_rest).exp() * log_q
    };
    gamma * log_rest + (-gamma * share).ln_1p()
}

/// `ln(1 + exp(x))`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected loss of answering `logit` where a share `rate` leaves, and its slope by a small step.
    fn slope(balance: Balance, rate: f64, logit: f64) -> f64 {
        let expected = |logit: f64| {
            let of = |label: f64| {
                let q = 1.0 / (1.0 + (-logit).exp());
                let q = if label > 0.5 { q } else { 1.0 - q };
                let weight = f64::from(balance.weight(label as f32));
                match balance {
                    Balance::Weights(_) => -weight * q.ln(),
                    Balance::Focal(gamma) => -(1.0 - q).powf(gamma) * q.ln(),
                }
            };
            rate * of(1.0) + (1.0 - rate) * of(0.0)
        };
        (expected(logit + 1e-5) - expected(logit - 1e-5)) / 2e-5
    }

    #[test]
    fn what_minimises_the_loss_is_restored_to_the_true_rate() {
        for balance in [
            Balance::Weights(1.0),
            Balance::Weights(7.5),
            Balance::Focal(0.0),
            Balance::Focal(0.5),
            Balance::Focal(2.0),
            Balance::Focal(5.0),
        ] {
            for rate in [0.003, 0.1, 0.5, 0.9] {
                let (mut low, mut high) = (-30.0, 30.0);
                for _ in 0..100 {
                    let middle = (low + high) / 2.0;
                    match slope(balance, rate, middle) < 0.0 {
                        true => low = middle,
                        false => high = middle,
                    }
                }
                let restored = 1.0 / (1.0 + (-balance.restored(low)).exp());
                assert!(
                    (restored - rate).abs() < 1e-4 * rate.max(0.1),
                    "{balance:?} at {rate}: {restored}"
                );
            }
        }
    }

    #[test]
    fn logits_however_large_are_restored_to_numbers_in_their_order() {
        for balance in [
            Balance::Weights(3.0),
            Balance::Focal(2.0),
            Balance::Focal(0.3),
        ] {
            let logits = [-800.0, -100.0, -31.0, -29.0, 0.0, 29.0, 31.0, 100.0, 800.0];
            let restored = logits.map(|logit| balance.restored(logit));
            assert!(
                restored.windows(2).all(|pair| pair[0] < pair[1]),
                "{restored:?}"
            );
        }
    }

    #[test]
    fn settings_without_sense_are_refused() {
        for imbalance in [
            Imbalance::Weights {
                positive: Some(0.0),
            },
            Imbalance::Weights {
                positive: Some(f64::NAN),
            },
            Imbalance::Focal { gamma: -1.0 },
        ] {
            assert!(imbalance.balance(0.2).is_err(), "{imbalance:?}");
        }
    }
}
