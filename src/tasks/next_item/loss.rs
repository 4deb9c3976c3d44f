//! What training minimises, and against which items.

use serde::{Deserialize, Serialize};

use super::config::{at_least_one, within};
use crate::tasks::TaskError;
use crate::training::NegativeSampling;

/// What training minimises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NextItemLoss {
    /// Cross-entropy over the whole catalogue, as in Klenitskiy and Vasilev 2023, <https://arxiv.org/abs/2309.07602>.
    Softmax {
        /// Share of each target's certainty, in `[0, 1)`, that is spread over all items (Szegedy et al. 2016,
        /// <https://arxiv.org/abs/1512.00567>). Raise it where targets are noisy. Default 0.
        #[serde(default)]
        label_smoothing: f64,
    },
    /// Cross-entropy over the target and sampled negatives: the cost does not grow with the catalogue.
    SampledSoftmax {
        /// The items that a target competes with.
        #[serde(default = "Negatives::many")]
        negatives: Negatives,
        /// Take the logarithm of an item's chance to be drawn from its logit, so that the loss aims at that of the whole
        /// catalogue ("logQ", Bengio and Senécal 2008). Without effect on uniform negatives. Default true.
        #[serde(default = "yes")]
        log_q: bool,
    },
    /// Binary cross-entropy of the target against sampled negatives, as in Kang and McAuley 2018.
    BinaryCrossEntropy {
        /// The items that a target competes with.
        #[serde(default)]
        negatives: Negatives,
        /// How much of the overconfidence that sampling brings is taken back, in `[0, 1]`: gBCE's t (Petrov and Macdonald
        /// 2023, <https://arxiv.org/abs/2308.07192>, who take 0.75 with 256 negatives). Default 0, none.
        #[serde(default)]
        calibration: f64,
    },
    /// Bayesian personalised ranking: each target above each of its sampled negatives (Rendle et al. 2009,
    /// <https://arxiv.org/abs/1205.2618>).
    BayesianRanking {
        /// The items that a target competes with.
        #[serde(default)]
        negatives: Negatives,
    },
}

/// The items that a target competes with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Negatives {
    /// How many; at least 1. More of them come closer to the whole catalogue. Default 1.
    pub count: usize,
    /// How they are drawn. Default uniformly.
    pub sampling: NegativeSampling,
    /// Which targets compete with the same items. Default none do.
    pub sharing: NegativeSharing,
}

/// Which targets compete with the same items.
///
/// Shared negatives cost less, for they are read once, so that there can be more of them. Those that are drawn for one target
/// never equal it; shared ones that do are left out of its loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NegativeSharing {
    /// Each target has its own.
    #[default]
    PerTarget,
    /// The targets of one history.
    PerHistory,
    /// All targets of a batch.
    PerBatch,
}

impl Default for Negatives {
    fn default() -> Self {
        Self {
            count: 1,
            sampling: NegativeSampling::Uniform,
            sharing: NegativeSharing::PerTarget,
        }
    }
}

impl Negatives {
    /// 256 for each history, drawn uniformly.
    pub fn many() -> Self {
        Self {
            count: 256,
            sampling: NegativeSampling::Uniform,
            sharing: NegativeSharing::PerHistory,
        }
    }
}

impl Default for NextItemLoss {
    fn default() -> Self {
        Self::softmax()
    }
}

impl NextItemLoss {
    /// Cross-entropy over the whole catalogue, without label smoothing.
    pub const fn softmax() -> Self {
        Self::Softmax {
            label_smoothing: 0.0,
        }
    }

    /// The negatives of the loss, if it has any.
    pub fn negatives(&self) -> Option<&Negatives> {
        match self {
            Self::Softmax { .. } => None,
            Self::SampledSoftmax { negatives, .. }
            | Self::BinaryCrossEntropy { negatives, .. }
            | Self::BayesianRanking { negatives } => Some(negatives),
        }
    }

    /// The negatives of the loss, to change them.
    pub fn negatives_mut(&mut self) -> Option<&mut Negatives> {
        match self {
            Self::Softmax { .. } => None,
            Self::SampledSoftmax { negatives, .. }
            | Self::BinaryCrossEntropy { negatives, .. }
            | Self::BayesianRanking { negatives } => Some(negatives),
        }
    }

    pub(super) fn validate(&self) -> Result<(), TaskError> {
        if let Some(negatives) = self.negatives() {
            at_least_one("negatives.count", negatives.count)?;
        }
        match *self {
            Self::Softmax {
                label_smoothing: share,
            } => {
                let holds = (0.0..1.0).contains(&share);
                within("loss.softmax.label_smoothing", share, holds, "[0, 1)")
            }
            Self::BinaryCrossEntropy { calibration: t, .. } => {
                let holds = (0.0..=1.0).contains(&t);
                within("loss.binary_cross_entropy.calibration", t, holds, "[0, 1]")
            }
            Self::SampledSoftmax { .. } | Self::BayesianRanking { .. } => Ok(()),
        }
    }
}

fn yes() -> bool {
    true
}
