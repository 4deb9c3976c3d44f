//! The learning rate of each step.

use serde::{Deserialize, Serialize};

use super::progress::Exact;
use super::{Schedule, TrainingConfig};

/// Share of the learning rate that the plateau schedule has left, and what it needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Plateau {
    /// Product of the factors so far.
    pub(super) fraction: Exact,
    /// Validations without improvement since the last factor.
    pub(super) stale: usize,
}

impl Default for Plateau {
    fn default() -> Self {
        Self {
            fraction: Exact(1.0),
            stale: 0,
        }
    }
}

impl Plateau {
    /// Takes note of a validation.
    pub(super) fn observe(&mut self, schedule: Schedule, improved: bool) {
        let Schedule::Plateau { factor, patience } = schedule else {
            return;
        };
        self.stale = if improved { 0 } else { self.stale + 1 };
        if self.stale >= patience {
            self.fraction.0 *= factor;
            self.stale = 0;
        }
    }
}

/// Learning rate of the step that follows `step` others, in a run of `total_steps`.
pub(super) fn learning_rate(
    config: &TrainingConfig,
    plateau: &Plateau,
    step: u64,
    total_steps: u64,
) -> f64 {
    if step < config.warmup_steps {
        return config.learning_rate * (step + 1) as f64 / config.warmup_steps as f64;
    }
    let fraction = match config.schedule {
        Schedule::Constant => 1.0,
        Schedule::Plateau { .. } => plateau.fraction.0,
        Schedule::Cosine { final_fraction } => {
            // The last step, number total_steps - 1, has the final fraction.
            let span = total_steps.saturating_sub(config.warmup_steps + 1).max(1);
            let done = ((step - config.warmup_steps) as f64 / span as f64).min(1.0);
            let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
            final_fraction + (1.0 - final_fraction) * cosine
        }
    };
    config.learning_rate * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(config: &TrainingConfig, total: u64) -> Vec<f64> {
        (0..total)
            .map(|step| learning_rate(config, &Plateau::default(), step, total))
            .collect()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn warm_up_rises_in_equal_parts_to_the_full_rate() {
        let config = TrainingConfig {
            learning_rate: 0.8,
            warmup_steps: 4,
            ..TrainingConfig::default()
        };
        assert_close(&rates(&config, 6), &[0.2, 0.4, 0.6, 0.8, 0.8, 0.8]);
    }

    #[test]
    fn the_cosine_falls_from_the_full_rate_to_its_final_fraction() {
        let config = TrainingConfig {
            learning_rate: 2.0,
            warmup_steps: 1,
            schedule: Schedule::Cosine {
                final_fraction: 0.1,
            },
            ..TrainingConfig::default()
        };
        // After warm-up: 0.1 + 0.9 (1 + cos(pi k / 4)) / 2 of the rate, k from 0 to 4.
        let root = 0.5f64.sqrt();
        let expected = [1.0, 0.55 + 0.45 * root, 0.55, 0.55 - 0.45 * root, 0.1];
        let mut expected: Vec<f64> = expected.iter().map(|share| 2.0 * share).collect();
        expected.insert(0, 2.0);
        assert_close(&rates(&config, 6), &expected);
    }

    #[test]
    fn the_plateau_waits_for_its_patience() {
        let schedule = Schedule::Plateau {
            factor: 0.5,
            patience: 2,
        };
        let mut plateau = Plateau::default();
        let fractions = [true, false, true, false, false, false, false].map(|improved| {
            plateau.observe(schedule, improved);
            plateau.fraction.0
        });
        assert_eq!(fractions, [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25]);
        let config = TrainingConfig {
            learning_rate: 0.4,
            schedule,
            ..TrainingConfig::default()
        };
        assert_close(&[learning_rate(&config, &plateau, 9, 10)], &[0.1]);
    }
}
