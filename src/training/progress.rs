//! How far a run is: everything about it that is no tensor, in a form that survives a checkpoint to the last bit.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::schedule::Plateau;
use super::stopping::Stopping;
use super::{EpochRecord, StopReason, Validation};

/// A number that JSON holds as text: its shortest decimal form reads back as the same bits, whereas JSON's own numbers
/// may come back one unit off, and cannot be infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Exact(pub(super) f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Updates of the weights.
    pub(super) step: u64,
    /// Epochs that are over.
    pub(super) epochs_done: usize,
    /// Batches of the present epoch that are used up.
    pub(super) batches_done: usize,
    /// Sum over those batches of loss times weight.
    pub(super) loss_sum: Exact,
    /// Sum of their weights.
    pub(super) weight_sum: Exact,
    /// Loss of the last step.
    pub(super) last_loss: Option<Exact>,
    /// State of the plateau schedule.
    pub(super) plateau: Plateau,
    /// State of early stopping.
    pub(super) stopping: Stopping,
    /// Why the run is over, if it is.
    pub(super) stopped: Option<StopReason>,
    /// Epochs that are over, the first first.
    #[serde(with = "saved_history")]
    pub(super) history: Vec<EpochRecord>,
}

impl Progress {
    /// Number of the present epoch, from 1.
    pub(super) fn epoch(&self) -> usize {
        self.epochs_done + 1
    }
}

/// [`EpochRecord`] with exact numbers and without times, which would differ between runs that are otherwise equal.
mod saved_history {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct SavedEpoch {
        epoch: usize,
        train_loss: Exact,
        learning_rate: Exact,
        deciding: Option<String>,
        metrics: BTreeMap<String, Exact>,
    }

    pub(super) fn serialize<S: Serializer>(
        history: &[EpochRecord],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(history.iter().map(|record| SavedEpoch {
            epoch: record.epoch,
            train_loss: Exact(record.train_loss),
            learning_rate: Exact(record.learning_rate),
            deciding: record.validation.as_ref().map(|v| v.deciding.clone()),
            metrics: record.validation.iter().flat_map(exact_metrics).collect(),
        }))
    }

    fn exact_metrics(validation: &Validation) -> impl Iterator<Item = (String, Exact)> + '_ {
        let metrics = validation.metrics.iter();
        metrics.map(|(name, &value)| (name.clone(), Exact(value)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<EpochRecord>, D::Error> {
        let saved = Vec::<SavedEpoch>::deserialize(deserializer)?;
        let records = saved.into_iter().map(|saved| EpochRecord {
            epoch: saved.epoch,
            train_loss: saved.train_loss.0,
            learning_rate: saved.learning_rate.0,
            validation: saved.deciding.map(|deciding| {
                let metrics = saved.metrics.into_iter();
                Validation::new(deciding, metrics.map(|(name, value)| (name, value.0)))
            }),
            seconds: None,
        });
        Ok(records.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_survives_json_to_the_last_bit() {
        let awkward = [
            0.1 + 0.2,
            1.0 / 3.0,
            f64::MIN_POSITIVE / 3.0,
            2.0f64.powi(60) + 1.0,
            f64::INFINITY,
        ];
        for value in awkward {
            let progress = Progress {
                loss_sum: Exact(value),
                last_loss: Some(Exact(-value)),
                history: vec![EpochRecord {
                    epoch: 3,
                    train_loss: value,
                    learning_rate: value / 7.0,
                    validation: Some(Validation::new("a", [("a", value * 0.7), ("b", -value)])),
                    seconds: None,
                }],
                stopped: Some(StopReason::Patience),
                ..Progress::default()
            };
            let text = serde_json::to_string(&progress).unwrap();
            assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), progress);
        }
    }

    #[test]
    fn times_are_not_kept() {
        let record = |seconds| EpochRecord {
            epoch: 1,
            train_loss: 0.5,
            learning_rate: 0.1,
            validation: None,
            seconds,
        };
        let text = |seconds| {
            let progress = Progress {
                history: vec![record(seconds)],
                ..Progress::default()
            };
            serde_json::to_string(&progress).unwrap()
        };
        assert_eq!(text(Some(1.5)), text(None));
    }
}
