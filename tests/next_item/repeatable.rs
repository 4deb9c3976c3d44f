//! The same seed, an interruption and a file change nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use salient::Error;
use salient::artifact::{self, ArtifactError, FORMAT_VERSION};
use salient::parameters::{self, ParametersError};
use salient::tasks::next_item::{
    Negatives, NextItemConfig, NextItemData, NextItemLoss, RecommendOptions, Recommender, fit,
};
use salient::training::{
    BoxedError, CancelToken, CheckpointError, Event, Observer, StopReason, Trained, Trainer,
    TrainingConfig, TrainingError,
};
use tempfile::tempdir;

use super::{config, first_items, recommender, result, run, shop_data};

/// Settings that draw random numbers wherever they can: dropout and negatives.
fn drawing_config(max_epochs: usize) -> NextItemConfig {
    NextItemConfig {
        dropout: 0.2,
        loss: NextItemLoss::BinaryCrossEntropy {
            negatives: Negatives {
                count: 3,
                ..Negatives::default()
            },
            calibration: 0.0,
        },
        ..config(max_epochs)
    }
}

fn with_training(
    config: NextItemConfig,
    change: impl FnOnce(&mut TrainingConfig),
) -> NextItemConfig {
    let mut config = config;
    change(&mut config.training);
    config
}

#[test]
fn the_same_seed_gives_the_same_bits_on_any_number_of_loader_threads() {
    let data = shop_data();
    for config in [config(3), drawing_config(3)] {
        let first = result(&run(&config, &data));
        assert!(first == result(&run(&config, &data)));
        for loader_threads in [0, 3] {
            let config = with_training(config.clone(), |training| {
                training.loader_threads = loader_threads;
            });
            assert!(
                first == result(&run(&config, &data)),
                "{loader_threads} loader threads"
            );
        }
    }
}

#[test]
fn another_seed_gives_another_model() {
    let data = shop_data();
    let other = with_training(config(1), |training| training.seed += 1);
    let (a, b) = (result(&run(&config(1), &data)), result(&run(&other, &data)));
    for (name, tensor) in &a.0 {
        // Biases and norms start alike, but no longer are after a step.
        assert!(tensor.values != b.0[name].values, "{name}");
    }
    assert_ne!(a.1, b.1);
    // The first weights differ too, not the order of the batches alone.
    let first_weights = |seed| {
        let config = with_training(config(1), |training| {
            training.seed = seed;
            training.learning_rate = 1e-12;
        });
        parameters::read(run(&config, &data).model.model())["item_embedding"]
            .values
            .clone()
    };
    let (a, b) = (first_weights(11), first_weights(12));
    assert!(a.iter().zip(&b).any(|(a, b)| (a - b).abs() > 0.01));
}

/// Cancels a run at a step.
struct CancelAt(u64, CancelToken);

impl Observer for CancelAt {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), BoxedError> {
        if matches!(event, Event::Step { step, .. } if *step == self.0) {
            self.1.cancel();
        }
        Ok(())
    }
}

fn run_in(
    directory: &Path,
    config: &NextItemConfig,
    cancel_at: u64,
) -> Result<Trained<Recommender>, Error> {
    let data = shop_data();
    let token = CancelToken::new();
    let trainer = Trainer::new(config.training.clone())
        .observe(CancelAt(cancel_at, token.clone()))
        .cancel(token)
        .checkpoint_in(directory, data.fingerprint(config))
        .resume(true);
    fit(config, &data, trainer, &Device::flex())
}

#[test]
fn an_interrupted_and_resumed_run_ends_with_the_same_bits() {
    let never = u64::MAX;
    for config in [config(3), drawing_config(3)] {
        let whole = tempdir().unwrap();
        let expected = run_in(whole.path(), &config, never).unwrap();
        let n_steps = expected.steps;
        let expected = result(&expected);
        // The first step, the middle of an epoch, the end of an epoch.
        for step in [1, n_steps / 2, 2 * n_steps / 3] {
            let directory = tempdir().unwrap();
            let cut = run_in(directory.path(), &config, step).unwrap();
            assert_eq!((cut.stopped, cut.steps), (StopReason::Cancelled, step));
            let resumed = run_in(directory.path(), &config, never).unwrap();
            assert_eq!(resumed.stopped, StopReason::MaxEpochs);
            assert!(result(&resumed) == expected, "interrupted at step {step}");
        }
    }
}

#[test]
fn another_model_or_other_data_does_not_resume() {
    let directory = tempdir().unwrap();
    run_in(directory.path(), &config(2), 2).unwrap();
    let other = NextItemConfig {
        dropout: 0.3,
        ..config(2)
    };
    let error = run_in(directory.path(), &other, 2).unwrap_err();
    let Error::Training(TrainingError::Checkpoint(CheckpointError::OtherData {
        saved, given, ..
    })) = &error
    else {
        panic!("{error:?}");
    };
    let data = shop_data();
    assert_eq!(
        (saved, given),
        (&data.fingerprint(&config(2)), &data.fingerprint(&other))
    );
    assert!(
        error.to_string().ends_with("start in another directory"),
        "{error}"
    );

    type Change = fn(&mut NextItemData);
    let changes: [Change; 6] = [
        |data| data.train.items.swap(0, 1),
        |data| data.train.weights.as_mut().unwrap()[3] += 1.0,
        |data| data.item_counts[5] += 1,
        |data| data.validation[2].n_unknown_targets += 1,
        |data| data.validation[2].history.truncate(1),
        |data| drop(data.validation.pop()),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut changed = data.clone();
        change(&mut changed);
        assert_ne!(
            changed.fingerprint(&config(2)),
            data.fingerprint(&config(2)),
            "change {index}"
        );
    }
    let longer = with_training(config(2), |training| training.max_epochs = 9);
    assert_eq!(data.fingerprint(&longer), data.fingerprint(&config(2)));
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn a_saved_recommender_gives_the_same_answers_to_the_last_bit() {
    let recommender = recommender(2);
    let directory = tempdir().unwrap();
    let metrics = BTreeMap::from([("ndcg_at_10", 0.125)]);
    recommender.save(directory.path(), &metrics).unwrap();
    let loaded = Recommender::load_on(directory.path(), &Device::flex()).unwrap();
    assert_eq!(loaded.config(), recommender.config());
    assert_eq!(loaded.catalogue().ids(), recommender.catalogue().ids());
    let n_items = recommender.catalogue().n_real();
    for n_events in [0, 1, 2, 7, 30] {
        let history = first_items(&recommender, n_events);
        let answer = |recommender: &Recommender| {
            let options = RecommendOptions {
                keep_seen: true,
                ..RecommendOptions::default()
            };
            recommender.recommend(&history, n_items, &options).unwrap()
        };
        assert_eq!(answer(&loaded), answer(&recommender), "{n_events} events");
        assert_eq!(
            loaded.embed(&history).unwrap(),
            recommender.embed(&history).unwrap()
        );
    }
}

#[test]
fn saving_twice_gives_the_same_files() {
    let recommender = recommender(1);
    let (first, second) = (tempdir().unwrap(), tempdir().unwrap());
    recommender.save(first.path(), &0.5).unwrap();
    recommender.save(second.path(), &0.5).unwrap();
    let files_of_first = files(first.path());
    let names: Vec<&str> = files_of_first.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "config.json",
            "manifest.json",
            "metrics.json",
            "vocabulary.json",
            "weights.safetensors"
        ]
    );
    assert!(files_of_first == files(second.path()));
    // What was loaded is saved as it was, over what is there.
    let loaded = Recommender::load_on(first.path(), &Device::flex()).unwrap();
    loaded.save(second.path(), &0.5).unwrap();
    assert!(files_of_first == files(second.path()));
}

fn refusal(directory: &Path) -> ArtifactError {
    match Recommender::load_on(directory, &Device::flex()).unwrap_err() {
        Error::Artifact(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn damaged_weights_are_refused_by_name() {
    let directory = tempdir().unwrap();
    recommender(1).save(directory.path(), &()).unwrap();
    let path = directory.path().join("weights.safetensors");
    let whole = fs::read(&path).unwrap();
    let shown = directory.path().display();

    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let error = refusal(directory.path());
    assert!(
        matches!(&error, ArtifactError::WrongLength { part, found, expected, .. }
            if part == "weights.safetensors"
                && (*found, *expected) == (whole.len() as u64 - 5, whole.len() as u64)),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        format!(
            "part \"weights.safetensors\" of {shown} has {} bytes, its manifest says {}",
            whole.len() - 5,
            whole.len()
        )
    );

    for index in [0, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[index] ^= 4;
        fs::write(&path, &flipped).unwrap();
        let error = refusal(directory.path());
        assert!(
            matches!(&error, ArtifactError::WrongChecksum { part, found, expected, .. }
                if part == "weights.safetensors" && found != expected),
            "{error:?}"
        );
        assert!(error.to_string().starts_with(&format!(
            "part \"weights.safetensors\" of {shown} is damaged: its SHA-256 is "
        )));
    }

    fs::remove_file(&path).unwrap();
    let error = refusal(directory.path());
    assert!(
        matches!(&error, ArtifactError::MissingPart { part, .. } if part == "weights.safetensors"),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        format!("{shown} lacks its part \"weights.safetensors\"")
    );
}

#[test]
fn a_newer_version_another_task_and_no_model_are_refused() {
    let directory = tempdir().unwrap();
    let shown = directory.path().display();
    let error = refusal(directory.path());
    assert!(matches!(error, ArtifactError::NoManifest { .. }));
    assert_eq!(
        error.to_string(),
        format!("{shown} is no saved model: it holds no manifest.json")
    );

    recommender(1).save(directory.path(), &()).unwrap();
    let path = directory.path().join("manifest.json");
    let manifest = fs::read_to_string(&path).unwrap();
    let version = |version| format!("\"format_version\": {version}");
    let newer = manifest.replace(&version(FORMAT_VERSION), &version(FORMAT_VERSION + 1));
    assert_ne!(newer, manifest);
    fs::write(&path, newer).unwrap();
    let error = refusal(directory.path());
    assert!(
        matches!(&error, ArtifactError::NewerVersion { found, supported, .. }
            if (*found, *supported) == (FORMAT_VERSION + 1, FORMAT_VERSION)),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        format!(
            "{} has format version {}, this build reads up to {FORMAT_VERSION}: upgrade salient",
            path.display(),
            FORMAT_VERSION + 1
        )
    );

    artifact::save(directory.path(), "churn", &BTreeMap::new()).unwrap();
    let error = refusal(directory.path());
    assert!(
        matches!(&error, ArtifactError::OtherTask { found, expected, .. }
            if found == "churn" && expected == "next_item"),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        format!("{shown} holds a model for \"churn\", not for \"next_item\"")
    );
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let directory = tempdir().unwrap();
    recommender(1).save(directory.path(), &()).unwrap();
    let mut parts = files(directory.path());
    parts.remove("manifest.json");
    let refused_with = |name: &str, from: &str, to: &str| {
        let mut parts = parts.clone();
        let text = String::from_utf8(parts[name].clone()).unwrap();
        assert!(text.contains(from), "{name} lacks {from}");
        parts.insert(name.to_owned(), text.replacen(from, to, 1).into_bytes());
        let directory = tempdir().unwrap();
        artifact::save(directory.path(), "next_item", &parts).unwrap();
        let error = refusal(directory.path());
        let ArtifactError::Unreadable { part, source } = error else {
            panic!("{error:?}");
        };
        (part, source)
    };

    let (part, source) = refused_with("config.json", "\"d_ff\": 16", "\"d_ff\": 8");
    assert_eq!(part, "weights.safetensors");
    assert!(
        matches!(source.downcast_ref(), Some(ParametersError::Shape { .. })),
        "{source:?}"
    );
    let (part, source) = refused_with("config.json", "\"d_ff\": 16", "\"d_fff\": 16");
    assert_eq!(part, "config.json");
    assert!(source.to_string().contains("d_fff"), "{source}");
    let (part, source) = refused_with("config.json", "\"n_heads\": 2", "\"n_heads\": 3");
    assert_eq!(part, "config.json");
    assert_eq!(
        source.to_string(),
        "d_model 16 is no multiple of n_heads 3: every head needs an equal share of the width"
    );
    let (part, source) = refused_with(
        "vocabulary.json",
        "\"training_events\": [",
        "\"training_events\": [7,",
    );
    assert_eq!(part, "vocabulary.json");
    assert_eq!(source.to_string(), "60 items have 61 event counts");
}

#[test]
fn weights_that_are_no_number_are_refused() {
    let recommender = recommender(1);
    let mut weights = parameters::read(recommender.model());
    let table = weights.get_mut("item_embedding").unwrap();
    table.values[5] = f32::NAN;
    let bytes = parameters::to_safetensors(&weights, None).unwrap();
    let directory = tempdir().unwrap();
    recommender.save(directory.path(), &()).unwrap();
    let mut parts = files(directory.path());
    parts.remove("manifest.json");
    parts.insert("weights.safetensors".to_owned(), bytes);
    artifact::save(directory.path(), "next_item", &parts).unwrap();
    let error = refusal(directory.path());
    let ArtifactError::Unreadable { part, source } = error else {
        panic!("{error:?}");
    };
    assert_eq!(part, "weights.safetensors");
    assert_eq!(
        source.to_string(),
        "weight \"item_embedding\" holds NaN at index 5: weights must be finite"
    );
}
