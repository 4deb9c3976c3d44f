//! One set of settings, and how good the model was.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::tasks::next_item::NextItemConfig;

/// One set of settings, and how good the model was.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Number of the trial, from 1.
    pub number: usize,
    /// All settings of the trial; `training.max_epochs` is what it was given in its last round.
    pub config: NextItemConfig,
    /// Label of its loss, if losses are searched.
    pub loss: Option<String>,
    /// Last round that it took part in, from 1; random trials have one.
    pub round: usize,
    /// Epochs that it trained, those of earlier rounds included.
    pub epochs: usize,
    /// How good it was at its best; none if training diverged.
    pub measured: Option<Measured>,
}

/// What validation found at the best epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Name of the metric that decides; higher is better.
    pub metric: String,
    /// Its value.
    #[serde(with = "exact")]
    pub value: f64,
    /// The epoch, from 1.
    pub epoch: usize,
}

impl Trial {
    /// The better trial first: in a later round, then of a higher value, then of a lower number. Diverged ones are last.
    pub(super) fn better_first(left: &Self, right: &Self) -> Ordering {
        let rank = |trial: &Self| {
            trial
                .measured
                .as_ref()
                .map(|measured| (trial.round, measured.value))
        };
        let order = match (rank(left), rank(right)) {
            (Some((left_round, left)), Some((right_round, right))) => {
                right_round.cmp(&left_round).then(right.total_cmp(&left))
            }
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        order.then(left.number.cmp(&right.number))
    }
}

/// A number as text: its shortest decimal form reads back as the same bits, JSON's own numbers may be one unit off.
mod exact {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(number: usize, round: usize, value: Option<f64>) -> Trial {
        Trial {
            number,
            config: NextItemConfig::default(),
            loss: None,
            round,
            epochs: 1,
            measured: value.map(|value| Measured {
                metric: "ndcg_at_10".to_owned(),
                value,
                epoch: 1,
            }),
        }
    }

    #[test]
    fn later_rounds_come_before_values_and_diverged_trials_last() {
        let mut trials = [
            trial(1, 2, None),
            trial(2, 1, Some(0.9)),
            trial(3, 2, Some(0.2)),
            trial(4, 1, None),
            trial(5, 2, Some(0.3)),
            trial(6, 2, Some(0.3)),
        ];
        trials.sort_by(Trial::better_first);
        let order: Vec<usize> = trials.iter().map(|trial| trial.number).collect();
        assert_eq!(order, [5, 6, 3, 2, 1, 4]);
    }
}
