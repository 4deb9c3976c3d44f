//! When validation says that a run has learned what it can.

use serde::{Deserialize, Serialize};

use super::TrainingConfig;
use super::progress::Exact;

/// The best validation so far, and how long ago it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Stopping {
    /// Moving average of the deciding metric.
    average: Option<Exact>,
    /// Highest average, by steps of more than `min_delta`.
    best: Option<Exact>,
    /// Epoch of that average.
    pub(super) best_epoch: Option<usize>,
    /// Validations since then.
    stale: usize,
}

impl Stopping {
    /// Takes note of a validation, and says whether it is the best so far.
    pub(super) fn observe(&mut self, config: &TrainingConfig, epoch: usize, value: f64) -> bool {
        let average = self.average.map_or(value, |Exact(past)| {
            config.smoothing * past + (1.0 - config.smoothing) * value
        });
        self.average = Some(Exact(average));
        let improved = self
            .best
            .is_none_or(|Exact(best)| average > best + config.min_delta);
        if improved {
            self.best = Some(Exact(average));
            self.best_epoch = Some(epoch);
            self.stale = 0;
        } else {
            self.stale += 1;
        }
        improved
    }

    /// Whether there were so many validations without improvement that the run should end.
    pub(super) fn is_exhausted(&self, config: &TrainingConfig) -> bool {
        config
            .patience
            .is_some_and(|patience| self.stale >= patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(config: &TrainingConfig, values: &[f64]) -> (Option<usize>, Option<usize>) {
        let mut stopping = Stopping::default();
        for (epoch, &value) in (1..).zip(values) {
            stopping.observe(config, epoch, value);
            if stopping.is_exhausted(config) {
                return (Some(epoch), stopping.best_epoch);
            }
        }
        (None, stopping.best_epoch)
    }

    fn patient(patience: usize) -> TrainingConfig {
        TrainingConfig {
            patience: Some(patience),
            ..TrainingConfig::default()
        }
    }

    #[test]
    fn a_run_ends_after_its_patience_and_keeps_the_best_epoch() {
        let values = [0.1, 0.3, 0.2, 0.3, 0.1, 0.9];
        assert_eq!(run(&patient(3), &values), (Some(5), Some(2)));
        assert_eq!(run(&patient(4), &values), (None, Some(6)));
    }

    #[test]
    fn without_patience_a_run_never_ends_early() {
        let config = TrainingConfig {
            patience: None,
            ..TrainingConfig::default()
        };
        assert_eq!(run(&config, &[0.5; 100]), (None, Some(1)));
    }

    #[test]
    fn a_rise_of_no_more_than_min_delta_is_no_improvement() {
        let config = TrainingConfig {
            min_delta: 0.25,
            ..patient(2)
        };
        assert_eq!(run(&config, &[0.5, 0.75, 0.6]), (Some(3), Some(1)));
        assert_eq!(run(&config, &[0.5, 0.76, 0.6]), (None, Some(2)));
    }

    #[test]
    fn smoothing_judges_by_the_moving_average() {
        let config = TrainingConfig {
            smoothing: 0.5,
            ..patient(9)
        };
        // Averages 0.2, 0.5, 0.4, 0.55: the lone 0.8 in epoch 2 does not outlive a steady 0.7.
        assert_eq!(run(&config, &[0.2, 0.8, 0.3, 0.7]), (None, Some(4)));
        assert_eq!(run(&patient(9), &[0.2, 0.8, 0.3, 0.7]), (None, Some(2)));
    }
}
