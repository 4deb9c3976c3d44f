//! What training a recommender refuses, by name.

use burn::tensor::Device;
use salient::Error;
use salient::data::{Split, SplitRule};
use salient::device::{self, DeviceError};
use salient::model::ModelError;
use salient::tasks::TaskError;
use salient::tasks::next_item::{
    NegativeSharing, Negatives, NextItemConfig, NextItemData, NextItemLoss, PRESETS, fit,
};
use salient::training::{NegativeSampling, Trainer, TrainingError};

use super::{config, leave_one_out, log_of};

/// The error of training with these settings, and its message.
fn refused(change: impl FnOnce(&mut NextItemConfig)) -> (Error, String) {
    let users: Vec<Vec<u32>> = (0..4)
        .map(|user| (0..5).map(|j| (user + j) % 7).collect())
        .collect();
    let data = leave_one_out(&log_of(&users));
    let mut config = config(1);
    change(&mut config);
    let trainer = Trainer::new(config.training.clone());
    let error = fit(&config, &data, trainer, &Device::flex()).unwrap_err();
    let message = error.to_string();
    (error, message)
}

#[track_caller]
fn assert_too_small(error: Error, expected: &'static str) {
    match error {
        Error::Task(TaskError::TooSmall {
            setting,
            value: 0,
            least: 1,
        }) => assert_eq!(setting, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_that_make_no_model_are_refused() {
    let (error, message) = refused(|config| config.n_heads = 3);
    assert!(
        matches!(
            error,
            Error::Model(ModelError::HeadsDoNotDivideModel {
                d_model: 16,
                n_heads: 3
            })
        ),
        "{error:?}"
    );
    assert_eq!(
        message,
        "d_model 16 is no multiple of n_heads 3: every head needs an equal share of the width"
    );

    for bad in [1.0, -0.1, f64::NAN] {
        let (error, message) = refused(|config| config.dropout = bad);
        let Error::Model(ModelError::DropoutOutOfRange { field, value }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(value.to_bits(), bad.to_bits());
        assert_eq!(
            message,
            format!("{field} is {bad}: use a number of at least 0 and below 1")
        );
    }

    type Size = (&'static str, fn(&mut NextItemConfig) -> &mut usize);
    let sizes: [Size; 4] = [
        ("d_model", |config| &mut config.d_model),
        ("n_layers", |config| &mut config.n_layers),
        ("n_heads", |config| &mut config.n_heads),
        ("d_ff", |config| &mut config.d_ff),
    ];
    for (name, size) in sizes {
        let (error, message) = refused(|config| *size(config) = 0);
        assert!(
            matches!(error, Error::Model(ModelError::ZeroSize { field }) if field == name),
            "{error:?}"
        );
        assert_eq!(message, format!("{name} is 0: use at least 1"));
    }
}

#[test]
fn counts_of_zero_are_refused() {
    let (error, message) = refused(|config| config.max_len = 0);
    assert_too_small(error, "max_len");
    assert_eq!(message, "max_len is 0: it must be at least 1");
    let (error, message) = refused(|config| {
        config.loss = NextItemLoss::BayesianRanking {
            negatives: Negatives {
                count: 0,
                ..Negatives::default()
            },
        };
    });
    assert_too_small(error, "negatives.count");
    assert_eq!(message, "negatives.count is 0: it must be at least 1");
    let (error, _) = refused(|config| config.training.batch_size = 0);
    assert!(
        matches!(
            error,
            Error::Training(TrainingError::ZeroCount {
                setting: "batch_size"
            })
        ),
        "{error:?}"
    );
}

#[test]
fn an_unknown_preset_lists_the_known_ones() {
    let error = NextItemConfig::preset("sasrek").unwrap_err();
    assert_eq!(
        error,
        TaskError::UnknownPreset {
            name: "sasrek".to_owned(),
            known: PRESETS.to_vec()
        }
    );
    assert_eq!(
        error.to_string(),
        "unknown preset \"sasrek\": the presets are sasrec, bert4rec, esasrec, hstu"
    );
    for name in PRESETS {
        assert_eq!(NextItemConfig::preset(name).unwrap().preset, name);
    }
}

#[test]
fn an_unknown_device_lists_the_offered_ones() {
    let error = device::pick("gpu").unwrap_err();
    assert_eq!(
        error,
        DeviceError::Unknown {
            name: "gpu".to_owned(),
            offered: device::offered()
        }
    );
    assert_eq!(
        error.to_string(),
        format!(
            "unknown device \"gpu\": this build offers {}",
            device::offered().join(", ")
        )
    );
}

#[test]
fn settings_survive_json_and_unknown_ones_are_refused() {
    let mut config = config(7);
    config.loss = NextItemLoss::BinaryCrossEntropy {
        negatives: Negatives {
            count: 5,
            sampling: NegativeSampling::Popularity { power: 0.5 },
            sharing: NegativeSharing::PerBatch,
        },
        calibration: 0.75,
    };
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<NextItemConfig>(&text).unwrap(),
        config
    );
    assert_eq!(
        serde_json::from_str::<NextItemConfig>("{}").unwrap(),
        NextItemConfig::preset("sasrec").unwrap()
    );
    let error = serde_json::from_str::<NextItemConfig>("{\"d_modle\": 8}").unwrap_err();
    assert!(
        error.to_string().contains("unknown field `d_modle`"),
        "{error}"
    );
}

/// The error of numbering a log, and its message.
fn no_data(users: &[Vec<u32>]) -> (TaskError, String) {
    let log = log_of(users);
    let split = Split::new(&log, SplitRule::LeaveOneOut).unwrap();
    match NextItemData::new(&log, &split).unwrap_err() {
        Error::Task(error) => {
            let message = error.to_string();
            (error, message)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_log_of_a_single_item_is_refused() {
    let (error, message) = no_data(&[vec![0; 5], vec![0; 4]]);
    assert_eq!(error, TaskError::TooFewItems { n_items: 1 });
    assert_eq!(
        message,
        "the training part of the log holds 1 distinct item(s): ranking needs at least 2"
    );
    // Items that training does not see do not help.
    let (error, _) = no_data(&[vec![0, 0, 0, 1, 2]]);
    assert_eq!(error, TaskError::TooFewItems { n_items: 1 });
}

#[test]
fn a_log_without_succession_is_refused() {
    let message_for = |n_users: usize| {
        format!(
            "none of {n_users} user(s) has 2 or more events in the training part: there is no next item to learn from"
        )
    };
    let (error, message) = no_data(&[vec![0], vec![1], vec![2]]);
    assert_eq!(error, TaskError::NoSuccession { n_users: 3 });
    assert_eq!(message, message_for(3));
    // Three events leave one for training.
    let (error, message) = no_data(&[vec![0, 1, 2]]);
    assert_eq!(error, TaskError::NoSuccession { n_users: 1 });
    assert_eq!(message, message_for(1));
}

#[test]
fn weighing_targets_by_weights_that_are_not_there_is_refused() {
    let mut data = leave_one_out(&log_of(&[vec![0, 1, 2, 3], vec![1, 2, 3, 0]]));
    data.train.weights = None;
    let config = NextItemConfig {
        weighted_targets: true,
        ..config(1)
    };
    let trainer = Trainer::new(config.training.clone());
    let error = fit(&config, &data, trainer, &Device::flex()).unwrap_err();
    assert!(
        matches!(error, Error::Task(TaskError::NoWeights { .. })),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "weighted_targets is set, but the log has no weights: name a weight column, or leave it off"
    );
}
