//! Frozen weights keep their bits, and nothing else changes.

use std::fs;
use std::path::Path;

use burn::module::Module;
use salient::parameters;
use salient::training::{
    CheckpointError, OptimiserKind, StopReason, Trained, Trainer, TrainingConfig, TrainingError,
};
use tempfile::tempdir;

use super::{Line, Points, config, result};

const FILE: &str = "checkpoint.safetensors";

/// With decay, which moves weights that have no gradient of their own.
fn decaying() -> TrainingConfig {
    TrainingConfig {
        weight_decay: 0.5,
        patience: None,
        ..config()
    }
}

fn fit(config: TrainingConfig, frozen: &[&str]) -> Trained<Line> {
    let trainer = Trainer::new(config).freeze(frozen.iter().copied());
    trainer.fit(Line::new(), &Points::new(23)).unwrap()
}

fn refusal(frozen: &[&str]) -> TrainingError {
    let trainer = Trainer::new(config()).freeze(frozen.iter().copied());
    trainer.fit(Line::new(), &Points::new(23)).unwrap_err()
}

#[test]
fn frozen_weights_keep_their_bits_and_the_others_move() {
    let before = parameters::read(&Line::new());
    let adagrad = TrainingConfig {
        optimiser: OptimiserKind::Adagrad { initial_sum: 0.0 },
        ..decaying()
    };
    for config in [decaying(), adagrad] {
        for (frozen, moving) in [("weight", "bias"), ("bias", "weight"), ("wei", "bias")] {
            let after = parameters::read(&fit(config.clone(), &[frozen]).model);
            for name in ["weight", "bias", "idle"] {
                let stayed = before[name] == after[name];
                assert_eq!(stayed, name != moving, "{name} with {frozen} frozen");
            }
        }
    }
}

#[test]
fn freezing_what_has_no_gradient_changes_nothing() {
    assert_eq!(
        result(fit(decaying(), &["idle"])),
        result(fit(decaying(), &[]))
    );
}

#[test]
fn a_model_trained_with_frozen_parts_can_be_trained_whole() {
    let half = fit(config(), &["weight"]).model;
    let whole = Trainer::new(config())
        .fit(half.clone(), &Points::new(23))
        .unwrap();
    let (half, whole) = (parameters::read(&half), parameters::read(&whole.model));
    assert_ne!(half["weight"], whole["weight"]);
    assert_ne!(half["bias"], whole["bias"]);
    // Whoever froze a weight in the model itself finds it so after a run that froze another.
    let mut model = Line::new();
    model.weight = model.weight.no_grad();
    let trainer = Trainer::new(config()).freeze(["idle"]);
    let model = trainer.fit(model, &Points::new(23)).unwrap().model.train();
    assert!(!model.weight.is_require_grad() && model.idle.is_require_grad());
}

fn kept(
    directory: &Path,
    max_epochs: usize,
    frozen: &[&str],
) -> Result<Trained<Line>, TrainingError> {
    let config = TrainingConfig {
        max_epochs,
        ..decaying()
    };
    Trainer::new(config)
        .freeze(frozen.iter().copied())
        .checkpoint_in(directory, "the points")
        .resume(true)
        .fit(Line::new(), &Points::new(23))
}

#[test]
fn the_optimiser_keeps_nothing_of_frozen_weights() {
    let directory = tempdir().unwrap();
    kept(directory.path(), 2, &["weight"]).unwrap();
    let bytes = fs::read(directory.path().join(FILE)).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names: Vec<&str> = tensors.names().into_iter().collect();
    names.retain(|name| name.contains("moments"));
    names.sort_unstable();
    assert_eq!(names, ["first_moments/bias", "second_moments/bias"]);
}

#[test]
fn a_run_with_frozen_parts_resumes_to_the_same_bytes() {
    let (whole, parts) = (tempdir().unwrap(), tempdir().unwrap());
    let expected = kept(whole.path(), 5, &["bias"]).unwrap();
    kept(parts.path(), 2, &["bias"]).unwrap();
    let resumed = kept(parts.path(), 5, &["bias"]).unwrap();
    assert_eq!(resumed.stopped, StopReason::MaxEpochs);
    assert_eq!(result(resumed), result(expected));
    let bytes = |directory: &Path| fs::read(directory.join(FILE)).unwrap();
    assert!(bytes(whole.path()) == bytes(parts.path()));
}

#[test]
fn resuming_with_other_frozen_parts_is_refused() {
    for (first, second, saved, given) in [
        (
            ["bias"].as_slice(),
            ["weight"].as_slice(),
            r#"["bias"]"#,
            r#"["weight"]"#,
        ),
        (&["bias", "idle"], &[], r#"["bias", "idle"]"#, "nothing"),
        (&[], &["bias"], "nothing", r#"["bias"]"#),
    ] {
        let directory = tempdir().unwrap();
        kept(directory.path(), 1, first).unwrap();
        let error = kept(directory.path(), 2, second).unwrap_err();
        assert!(
            matches!(
                &error,
                TrainingError::Checkpoint(CheckpointError::OtherConfig { setting, saved: a, given: b, .. })
                    if setting == "frozen" && a == saved && b == given
            ),
            "{error}"
        );
    }
    // Their order and repetitions are no part of it.
    let directory = tempdir().unwrap();
    kept(directory.path(), 1, &["bias", "idle"]).unwrap();
    kept(directory.path(), 2, &["idle", "bias", "idle"]).unwrap();
}

#[test]
fn a_part_that_the_model_does_not_have_is_refused() {
    let error = refusal(&["bias", "encoder."]);
    assert!(matches!(
        &error,
        TrainingError::NothingToFreeze { prefix, parts }
            if prefix == "encoder." && *parts == ["bias", "idle", "weight"]
    ));
    assert_eq!(
        error.to_string(),
        "no weight of the model has a name that starts with \"encoder.\", so that nothing is frozen; the parts of the model are bias, idle, weight"
    );
}

#[test]
fn a_run_with_nothing_left_to_train_is_refused() {
    for all in [["weight", "bias", "idle"].as_slice(), &[""]] {
        let error = refusal(all);
        assert!(matches!(error, TrainingError::AllFrozen { n_weights: 3 }));
        assert_eq!(
            error.to_string(),
            "all 3 weights of the model are frozen: leave one to train"
        );
    }
    // What is left has no part in the loss, which only the first step shows.
    let error = refusal(&["weight", "bias"]);
    assert!(matches!(error, TrainingError::NothingToTrain { step: 1 }));
}
