//! How many trials a search makes, and how long each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::SearchError;
use crate::training::{Schedule, TrainingConfig};

/// How a search spends its epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SearchStrategy {
    /// Trains every trial to its end, or until its patience is over.
    ///
    /// # Source
    /// Bergstra and Bengio 2012, <https://www.jmlr.org/papers/v13/bergstra12a.html>.
    Random {
        /// Number of trials; at least 1. A search in a directory may be given more later.
        n_trials: usize,
        /// Epochs of a trial at most; at least 1.
        max_epochs: usize,
    },
    /// Trains all trials a little, and the best of them on from where they stopped.
    ///
    /// Round `k`, from 0, takes the best `floor(n_trials / factor^k)` to `first_epochs * factor^k` epochs, as long as there
    /// is a trial left. Each round costs about as much as the first.
    ///
    /// # Source
    /// Jamieson and Talwalkar 2016, figure 3, <https://arxiv.org/abs/1502.07943>. Differences: any factor, as in Hyperband
    /// (Li et al. 2018, <https://arxiv.org/abs/1603.06560>); the epochs of the first round are given instead of a budget.
    SuccessiveHalving {
        /// Number of trials of the first round; at least 1.
        n_trials: usize,
        /// Epochs of the first round; at least 1.
        first_epochs: usize,
        /// What the number of trials is divided by and that of epochs multiplied with; at least 2. Usual are 3 and 4.
        factor: usize,
    },
}

/// Settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSettings {
    /// How many trials, and how long each. Default 20 random ones of at most 30 epochs.
    pub strategy: SearchStrategy,
    /// Where the draws from the space start. The weights of all trials start from the seed of the base configuration. Default
    /// 0.
    pub seed: u64,
    /// Where to keep finished trials (`trials.jsonl`) and the checkpoint of the trial under way, so that a search goes on
    /// where it was interrupted. Checkpoints of trials that are over are removed. Default none.
    pub directory: Option<PathBuf>,
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self {
            strategy: SearchStrategy::Random {
                n_trials: 20,
                max_epochs: 30,
            },
            seed: 0,
            directory: None,
        }
    }
}

/// A part of a search after which trials are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// Trials in it.
    pub(super) n_trials: usize,
    /// Epochs of each at its end, those of earlier rounds included.
    pub(super) max_epochs: usize,
}

impl SearchStrategy {
    /// Checks the numbers, and whether runs with these settings can be given more epochs where they must be.
    pub(super) fn validate(&self, training: &TrainingConfig) -> Result<(), SearchError> {
        match *self {
            Self::Random {
                n_trials,
                max_epochs,
            } => {
                at_least("n_trials", n_trials, 1)?;
                at_least("max_epochs", max_epochs, 1)
            }
            Self::SuccessiveHalving {
                n_trials,
                first_epochs,
                factor,
            } => {
                at_least("n_trials", n_trials, 1)?;
                at_least("first_epochs", first_epochs, 1)?;
                at_least("factor", factor, 2)?;
                check_extensible(training)
            }
        }
    }

    /// The rounds in their order.
    pub(super) fn rounds(&self) -> Vec<Round> {
        match *self {
            Self::Random {
                n_trials,
                max_epochs,
            } => vec![Round {
                n_trials,
                max_epochs,
            }],
            Self::SuccessiveHalving {
                n_trials,
                first_epochs,
                factor,
            } => {
                let first = Round {
                    n_trials,
                    max_epochs: first_epochs,
                };
                let next = |round: &Round| {
                    Some(Round {
                        n_trials: round.n_trials / factor,
                        max_epochs: round.max_epochs.saturating_mul(factor),
                    })
                };
                std::iter::successors(Some(first), next)
                    .take_while(|round| round.n_trials > 0)
                    .collect()
            }
        }
    }

    /// The part of the strategy that earlier trials depend on.
    pub(super) fn fixed_part(&self) -> Self {
        match *self {
            // Each random trial is one by itself, so that more may follow.
            Self::Random { max_epochs, .. } => Self::Random {
                n_trials: 0,
                max_epochs,
            },
            halving => halving,
        }
    }
}

fn at_least(setting: &'static str, value: usize, least: usize) -> Result<(), SearchError> {
    if value >= least {
        Ok(())
    } else {
        Err(SearchError::TooSmall {
            setting,
            value,
            least,
        })
    }
}

/// A run may be resumed with more epochs unless its result depends on how many there were to be.
fn check_extensible(training: &TrainingConfig) -> Result<(), SearchError> {
    if matches!(training.schedule, Schedule::Cosine { .. }) {
        return Err(SearchError::NotExtensible {
            setting: "schedule",
            value: "cosine".to_owned(),
            needed: "a schedule that does not count down to max_epochs",
        });
    }
    if training.validate_every_epochs != 1 {
        return Err(SearchError::NotExtensible {
            setting: "validate_every_epochs",
            value: training.validate_every_epochs.to_string(),
            needed: "1",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(n_trials: usize, first_epochs: usize, factor: usize) -> Vec<(usize, usize)> {
        let strategy = SearchStrategy::SuccessiveHalving {
            n_trials,
            first_epochs,
            factor,
        };
        let rounds = strategy.rounds();
        rounds.iter().map(|r| (r.n_trials, r.max_epochs)).collect()
    }

    #[test]
    fn each_round_has_a_fraction_of_the_trials_and_a_multiple_of_the_epochs() {
        assert_eq!(rounds(9, 2, 3), [(9, 2), (3, 6), (1, 18)]);
        assert_eq!(rounds(8, 1, 2), [(8, 1), (4, 2), (2, 4), (1, 8)]);
        // floor(20 / 9) is 2, and floor(20 / 27) is none.
        assert_eq!(rounds(20, 1, 3), [(20, 1), (6, 3), (2, 9)]);
        assert_eq!(rounds(2, 5, 3), [(2, 5)]);
    }
}
