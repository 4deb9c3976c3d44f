//! A run that is interrupted and resumed ends with the same bytes as one that never was, and a checkpoint that cannot be
//! trusted is refused by name.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use salient::parameters::{self, Parameters};
use salient::random::RandomKey;
use salient::training::{
    BoxedError, CancelToken, CheckpointError, Event, Observer, Schedule, StopReason, Trained,
    Trainer, TrainingConfig, TrainingError,
};
use tempfile::tempdir;

use crate::training::{Judge, Line, Points, config, result};

const FILE: &str = "checkpoint.safetensors";

/// Cancels a run at one of its moments: 0 is the start, then each step and validation counts.
struct CancelAt {
    moment: usize,
    seen: usize,
    token: CancelToken,
}

impl Observer for CancelAt {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), BoxedError> {
        if matches!(
            event,
            Event::Started { .. } | Event::Step { .. } | Event::Validated { .. }
        ) {
            if self.seen == self.moment {
                self.token.cancel();
            }
            self.seen += 1;
        }
        Ok(())
    }
}

fn run(
    config: &TrainingConfig,
    points: &Points,
    directory: &Path,
    cancel_at: Option<usize>,
) -> Result<Trained<Line>, TrainingError> {
    let token = CancelToken::new();
    let mut trainer = Trainer::new(config.clone())
        .cancel(token.clone())
        .checkpoint_in(directory, "the points")
        .resume(true);
    if let Some(moment) = cancel_at {
        trainer = trainer.observe(CancelAt {
            moment,
            seen: 0,
            token,
        });
    }
    trainer.fit(Line::new(), points)
}

fn bytes(directory: &Path) -> Vec<u8> {
    fs::read(directory.join(FILE)).unwrap()
}

/// Interrupts a run at every moment that it has, and compares what the resumed run leaves.
fn interrupt_everywhere(config: &TrainingConfig, points: &Points) {
    let whole = tempdir().unwrap();
    let trained = run(config, points, whole.path(), None).unwrap();
    let validated = trained.history.iter().filter(|r| r.validation.is_some());
    let n_moments = 1 + trained.steps as usize + validated.count();
    let expected = result(trained);
    let mut n_cancelled = 0;
    for moment in 0..n_moments {
        let directory = tempdir().unwrap();
        let first = run(config, points, directory.path(), Some(moment)).unwrap();
        n_cancelled += usize::from(first.stopped == StopReason::Cancelled);
        let second = run(config, points, directory.path(), None).unwrap();
        assert_ne!(second.stopped, StopReason::Cancelled);
        assert_eq!(result(second), expected, "interrupted at moment {moment}");
        let same = bytes(directory.path()) == bytes(whole.path());
        assert!(same, "other bytes when interrupted at moment {moment}");
    }
    // All but the last validation, after which the run is over anyway.
    assert_eq!(n_cancelled, n_moments - 1);
}

#[test]
fn a_run_interrupted_anywhere_ends_with_the_same_bytes() {
    interrupt_everywhere(&config(), &Points::new(23));
}

#[test]
fn every_schedule_and_stopping_rule_resumes() {
    let plateau = TrainingConfig {
        schedule: Schedule::Plateau {
            factor: 0.3,
            patience: 1,
        },
        learning_rate: 0.5,
        batches_per_step: 2,
        smoothing: 0.3,
        patience: Some(2),
        max_epochs: 12,
        loader_threads: 2,
        ..config()
    };
    interrupt_everywhere(&plateau, &Points::new(23));
    let cosine = TrainingConfig {
        schedule: Schedule::Cosine {
            final_fraction: 0.1,
        },
        warmup_steps: 7,
        validate_every_epochs: 2,
        checkpoint_every_steps: Some(3),
        checkpoint_every_epochs: None,
        loader_threads: 0,
        ..config()
    };
    interrupt_everywhere(&cosine, &Points::new(17));
    let blind = Points {
        judge: Judge::Nobody,
        ..Points::new(11)
    };
    let directory = tempdir().unwrap();
    let first = run(&config(), &blind, directory.path(), Some(5)).unwrap();
    assert_eq!(first.stopped, StopReason::Cancelled);
    let resumed = run(&config(), &blind, directory.path(), None).unwrap();
    let whole = run(&config(), &blind, tempdir().unwrap().path(), None).unwrap();
    assert_eq!(result(resumed), result(whole));
}

#[test]
fn a_run_interrupted_at_every_step_in_turn_ends_with_the_same_bytes() {
    let whole = tempdir().unwrap();
    let points = Points::new(23);
    let expected = run(&config(), &points, whole.path(), None).unwrap();
    let directory = tempdir().unwrap();
    let mut n_runs = 1;
    let resumed = loop {
        // Moment 1 is the first step of this part of the run.
        let part = run(&config(), &points, directory.path(), Some(1)).unwrap();
        if part.stopped != StopReason::Cancelled {
            break part;
        }
        n_runs += 1;
    };
    assert!(n_runs >= 20, "{n_runs}");
    assert_eq!(result(resumed), result(expected));
    assert!(bytes(directory.path()) == bytes(whole.path()));
}

#[test]
fn a_finished_run_is_not_trained_again_but_may_be_given_more_epochs() {
    let points = Points::new(23);
    let directory = tempdir().unwrap();
    let first = run(&config(), &points, directory.path(), None).unwrap();
    let before = bytes(directory.path());
    let again = run(&config(), &points, directory.path(), None).unwrap();
    assert_eq!(result(first), result(again));
    assert!(before == bytes(directory.path()));

    let longer = TrainingConfig {
        max_epochs: 6,
        loader_threads: 3,
        checkpoint_every_steps: Some(2),
        ..config()
    };
    let extended = run(&longer, &points, directory.path(), None).unwrap();
    let whole = run(&longer, &points, tempdir().unwrap().path(), None).unwrap();
    assert_eq!(extended.history.len(), 6);
    assert_eq!(result(extended), result(whole));
}

#[test]
fn without_resume_a_run_starts_again() {
    let points = Points::new(23);
    let directory = tempdir().unwrap();
    let first = run(&config(), &points, directory.path(), None).unwrap();
    let again = Trainer::new(config())
        .checkpoint_in(directory.path(), "the points")
        .fit(Line::new(), &points)
        .unwrap();
    assert!(again.history.iter().all(|record| record.seconds.is_some()));
    assert_eq!(result(first), result(again));
}

/// The checkpoint of a short run, and its directory.
fn finished() -> tempfile::TempDir {
    let directory = tempdir().unwrap();
    run(&config(), &Points::new(23), directory.path(), None).unwrap();
    directory
}

fn refusal(config: &TrainingConfig, points: &Points, directory: &Path) -> CheckpointError {
    match run(config, points, directory, None).unwrap_err() {
        TrainingError::Checkpoint(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn another_config_or_other_data_is_refused() {
    let directory = finished();
    let path = directory.path().join(FILE);
    let other = TrainingConfig {
        learning_rate: 0.04,
        ..config()
    };
    let error = refusal(&other, &Points::new(23), directory.path());
    assert_eq!(
        error.to_string(),
        format!(
            "checkpoint {path:?} was written with learning_rate = 0.05, this run has 0.04: continue with the same settings or start in another directory"
        )
    );
    let error = refusal(&config(), &Points::new(24), directory.path());
    assert!(
        matches!(&error, CheckpointError::OtherConfig { setting, saved, given, .. }
            if setting == "n_examples" && saved == "23" && given == "24"),
        "{error}"
    );
    let error = Trainer::new(config())
        .checkpoint_in(directory.path(), "other points")
        .resume(true)
        .fit(Line::new(), &Points::new(23))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "checkpoint {path:?} was written for other data or another model (\"the points\", this run has \"other points\"): start in another directory"
        )
    );
}

#[test]
fn the_epochs_a_cosine_counts_down_to_may_not_change() {
    let cosine = |max_epochs| TrainingConfig {
        max_epochs,
        schedule: Schedule::Cosine {
            final_fraction: 0.0,
        },
        ..config()
    };
    let directory = tempdir().unwrap();
    run(&cosine(2), &Points::new(23), directory.path(), None).unwrap();
    let error = refusal(&cosine(3), &Points::new(23), directory.path());
    assert!(
        matches!(&error, CheckpointError::OtherConfig { setting, .. } if setting == "max_epochs"),
        "{error}"
    );
}

#[test]
fn a_run_of_fewer_epochs_than_are_done_is_refused() {
    let directory = tempdir().unwrap();
    let of = |max_epochs| TrainingConfig {
        max_epochs,
        ..config()
    };
    run(&of(3), &Points::new(23), directory.path(), None).unwrap();
    let path = directory.path().join(FILE);
    let error = refusal(&of(2), &Points::new(23), directory.path());
    assert_eq!(
        error.to_string(),
        format!(
            "checkpoint {path:?} has 3 epochs, this run has max_epochs = 2: give at least as many, or start in another directory"
        )
    );
    let again = run(&of(3), &Points::new(23), directory.path(), None).unwrap();
    assert_eq!(
        (again.history.len(), again.stopped),
        (3, StopReason::MaxEpochs)
    );
}

#[test]
fn a_checkpoint_of_another_model_is_refused() {
    let directory = finished();
    let trainer = Trainer::new(config())
        .checkpoint_in(directory.path(), "the points")
        .resume(true);
    let mut wider = Line::new();
    wider.idle = parameters::uniform([2, 7], 1.0, RandomKey::new(1), &Device::flex());
    let error = trainer.fit(wider, &Points::new(23)).unwrap_err();
    assert!(
        matches!(
            &error,
            TrainingError::Checkpoint(CheckpointError::OtherModel { source: parameters::ParametersError::Shape { name, .. }, .. })
                if name == "idle"
        ),
        "{error}"
    );
}

/// Whether a checkpoint with these bytes is refused as damaged in one way or another.
fn is_refused(directory: &Path, bytes: &[u8]) -> bool {
    fs::write(directory.join(FILE), bytes).unwrap();
    matches!(
        run(&config(), &Points::new(23), directory, None),
        Err(TrainingError::Checkpoint(
            CheckpointError::Malformed { .. }
                | CheckpointError::Damaged { .. }
                | CheckpointError::Newer { .. }
        ))
    )
}

#[test]
fn a_checkpoint_cut_short_anywhere_is_refused() {
    let directory = finished();
    let whole = bytes(directory.path());
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        assert!(is_refused(directory.path(), &whole[..length]), "{length}");
    }
    let error = refusal(&config(), &Points::new(23), directory.path());
    assert!(error.to_string().ends_with(
        "checkpoint.safetensors\" is no checkpoint, or a damaged one: remove it to start again"
    ));
}

#[test]
fn a_single_wrong_bit_anywhere_is_refused() {
    let directory = finished();
    let whole = bytes(directory.path());
    for index in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[index] ^= 1 << (index % 8);
        assert!(is_refused(directory.path(), &damaged), "byte {index}");
    }
    // The last byte is one of a tensor.
    let error = refusal(&config(), &Points::new(23), directory.path());
    assert!(
        matches!(&error, CheckpointError::Damaged { expected, found, .. }
            if expected != found && expected.len() == 64 && found.len() == 64),
        "{error}"
    );
}

#[test]
fn a_checkpoint_of_a_newer_version_is_refused() {
    let directory = finished();
    let path = directory.path().join(FILE);
    let text = bytes(directory.path());
    let old = b"\\\"version\\\":1";
    let at = text.windows(old.len()).position(|w| w == old).unwrap();
    let mut newer = text;
    newer[at + old.len() - 1] = b'2';
    fs::write(&path, newer).unwrap();
    let error = refusal(&config(), &Points::new(23), directory.path());
    assert_eq!(
        error.to_string(),
        format!("checkpoint {path:?} has format version 2, this version of salient reads up to 1")
    );
}

#[test]
fn a_file_half_written_by_a_killed_run_is_ignored() {
    let directory = finished();
    let before = bytes(directory.path());
    let partial = directory.path().join("checkpoint.safetensors.partial");
    fs::write(&partial, &before[..before.len() / 2]).unwrap();
    run(&config(), &Points::new(23), directory.path(), None).unwrap();
    assert!(before == bytes(directory.path()));

    fs::remove_file(directory.path().join(FILE)).unwrap();
    let again = run(&config(), &Points::new(23), directory.path(), None).unwrap();
    assert_eq!(again.history.len(), 4);
    assert!(before == bytes(directory.path()));
    assert!(!partial.exists());
}

#[test]
fn a_diverged_run_leaves_the_last_good_checkpoint() {
    let points = |poisoned| Points {
        poisoned,
        ..Points::new(23)
    };
    let every_step = TrainingConfig {
        checkpoint_every_steps: Some(1),
        ..config()
    };
    // The first example whose batch is not the first, so that a checkpoint comes before it.
    for example in 0..23 {
        let directory = tempdir().unwrap();
        let error = run(&every_step, &points(Some(example)), directory.path(), None).unwrap_err();
        let TrainingError::NotFinite { step, .. } = error else {
            panic!("{error}");
        };
        if step == 1 {
            assert!(!directory.path().join(FILE).exists());
            continue;
        }
        // What is there is the state before the bad step: with sound data it goes on as if nothing had been.
        let resumed = run(&every_step, &points(None), directory.path(), None).unwrap();
        let whole = run(&every_step, &points(None), tempdir().unwrap().path(), None).unwrap();
        assert_eq!(result(resumed), result(whole));
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("below");
    let error = refusal(&config(), &Points::new(23), &below);
    let path = below.join(FILE);
    assert!(matches!(error, CheckpointError::Io { .. }));
    assert!(error.to_string().contains(&format!("checkpoint {path:?}")));
}

#[test]
fn a_checkpoint_holds_weights_under_their_names() {
    let directory = finished();
    let tensors: Parameters = parameters::from_safetensors(&bytes(directory.path())).unwrap();
    let names: Vec<&str> = tensors.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "best_weights/bias",
            "best_weights/idle",
            "best_weights/weight",
            "first_moments/bias",
            "first_moments/weight",
            "second_moments/bias",
            "second_moments/weight",
            "weights/bias",
            "weights/idle",
            "weights/weight",
        ]
    );
}
