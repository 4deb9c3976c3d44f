//! Settings outside their range are refused.

use super::*;

#[test]
fn every_setting_is_checked_on_both_sides_of_its_bound() {
    type Change = fn(&mut TrainingConfig);
    let wrong: [(Change, &str); 18] = [
        (
            |c| c.max_epochs = 0,
            "max_epochs is 0: it must be at least 1",
        ),
        (
            |c| c.batch_size = 0,
            "batch_size is 0: it must be at least 1",
        ),
        (
            |c| c.batches_per_step = 0,
            "batches_per_step is 0: it must be at least 1",
        ),
        (
            |c| c.validate_every_epochs = 0,
            "validate_every_epochs is 0: it must be at least 1",
        ),
        (
            |c| c.patience = Some(0),
            "patience is 0: it must be at least 1",
        ),
        (
            |c| c.checkpoint_every_steps = Some(0),
            "checkpoint_every_steps is 0: it must be at least 1",
        ),
        (
            |c| c.checkpoint_every_epochs = Some(0),
            "checkpoint_every_epochs is 0: it must be at least 1",
        ),
        (
            |c| c.learning_rate = 0.0,
            "learning_rate is 0: it must lie in (0, infinity)",
        ),
        (
            |c| c.learning_rate = f64::INFINITY,
            "learning_rate is inf: it must lie in (0, infinity)",
        ),
        (
            |c| c.epsilon = 0.0,
            "epsilon is 0: it must lie in (0, infinity)",
        ),
        (
            |c| c.clip_norm = Some(0.0),
            "clip_norm is 0: it must lie in (0, infinity)",
        ),
        (
            |c| c.weight_decay = -0.1,
            "weight_decay is -0.1: it must lie in [0, infinity)",
        ),
        (
            |c| c.min_delta = f64::NAN,
            "min_delta is NaN: it must lie in [0, infinity)",
        ),
        (|c| c.beta_1 = 1.0, "beta_1 is 1: it must lie in [0, 1)"),
        (|c| c.beta_2 = -0.1, "beta_2 is -0.1: it must lie in [0, 1)"),
        (
            |c| c.smoothing = 1.0,
            "smoothing is 1: it must lie in [0, 1)",
        ),
        (
            |c| {
                c.schedule = Schedule::Cosine {
                    final_fraction: 1.1,
                }
            },
            "schedule.cosine.final_fraction is 1.1: it must lie in [0, 1]",
        ),
        (
            |c| {
                c.schedule = Schedule::Plateau {
                    factor: 1.0,
                    patience: 1,
                }
            },
            "schedule.plateau.factor is 1: it must lie in (0, 1)",
        ),
    ];
    for (change, message) in wrong {
        let mut config = config();
        change(&mut config);
        assert_eq!(config.validate().unwrap_err().to_string(), message);
        assert_eq!(refusal(config, &Points::new(5)).to_string(), message);
    }
    let right: [Change; 12] = [
        |c| c.max_epochs = 1,
        |c| c.batch_size = 1,
        |c| c.batches_per_step = 1,
        |c| c.patience = Some(1),
        |c| c.patience = None,
        |c| c.clip_norm = None,
        |c| c.weight_decay = 0.0,
        |c| c.beta_1 = 0.0,
        |c| c.smoothing = 0.999,
        |c| {
            c.schedule = Schedule::Cosine {
                final_fraction: 0.0,
            }
        },
        |c| {
            c.schedule = Schedule::Cosine {
                final_fraction: 1.0,
            }
        },
        |c| {
            c.schedule = Schedule::Plateau {
                factor: 0.999,
                patience: 1,
            }
        },
    ];
    for change in right {
        let mut config = config();
        change(&mut config);
        config.validate().unwrap();
    }
}

#[test]
fn settings_survive_json_and_unknown_ones_are_refused() {
    let config = TrainingConfig {
        schedule: Schedule::Cosine {
            final_fraction: 0.1,
        },
        clip_norm: None,
        ..config()
    };
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<TrainingConfig>(&text).unwrap(),
        config
    );
    let default: TrainingConfig = serde_json::from_str("{}").unwrap();
    assert_eq!(default, TrainingConfig::default());
    let error = serde_json::from_str::<TrainingConfig>("{\"epochs\": 3}").unwrap_err();
    assert!(error.to_string().contains("unknown field `epochs`"));
}
