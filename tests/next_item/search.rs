//! A search is repeatable, goes on where it was interrupted, and never reads the test part.

use std::fs;
use std::path::Path;
use std::time::Duration;

use salient::Error;
use salient::model::ModelError;
use salient::tasks::next_item::{
    LossChoice, Negatives, NextItemLoss, SearchError, SearchOutcome, SearchRun, SearchSettings,
    SearchSpace, SearchStrategy, search,
};
use salient::training::{CancelToken, Schedule};
use tempfile::tempdir;

use super::*;

const RANDOM: SearchStrategy = SearchStrategy::Random {
    n_trials: 4,
    max_epochs: 2,
};
const HALVING: SearchStrategy = SearchStrategy::SuccessiveHalving {
    n_trials: 6,
    first_epochs: 1,
    factor: 2,
};

fn space() -> SearchSpace {
    let choice = |label: &str, loss| LossChoice {
        label: label.to_owned(),
        loss,
    };
    SearchSpace {
        learning_rate: Some(1e-3..=3e-2),
        dropout: Some(0.0..=0.5),
        d_model: vec![4, 8],
        loss: vec![
            choice("softmax", NextItemLoss::softmax()),
            choice(
                "bce",
                NextItemLoss::BinaryCrossEntropy {
                    negatives: Negatives {
                        count: 4,
                        ..Negatives::default()
                    },
                    calibration: 0.0,
                },
            ),
        ],
    }
}

fn settings(strategy: SearchStrategy, directory: Option<&Path>) -> SearchSettings {
    SearchSettings {
        strategy,
        seed: 7,
        directory: directory.map(Path::to_owned),
    }
}

fn find(settings: &SearchSettings, data: &NextItemData) -> Result<SearchOutcome, Error> {
    let device = Device::flex();
    search(&config(1), data, &space(), settings, SearchRun::on(&device))
}

/// What an undisturbed search finds.
fn whole(strategy: SearchStrategy) -> SearchOutcome {
    find(&settings(strategy, None), &shop_data()).unwrap()
}

fn numbers(outcome: &SearchOutcome) -> Vec<usize> {
    outcome.trials.iter().map(|trial| trial.number).collect()
}

#[test]
fn a_search_is_repeatable_and_its_seed_matters() {
    let found = whole(RANDOM);
    assert_eq!(found, whole(RANDOM));
    assert!(found.is_complete);
    assert_eq!(numbers(&found), [1, 2, 3, 4]);
    let other = SearchSettings {
        seed: 8,
        ..settings(RANDOM, None)
    };
    let other = find(&other, &shop_data()).unwrap();
    let rates = |outcome: &SearchOutcome| -> Vec<f64> {
        let trials = outcome.trials.iter();
        trials
            .map(|trial| trial.config.training.learning_rate)
            .collect()
    };
    assert_ne!(rates(&found), rates(&other));
}

#[test]
fn the_test_part_is_never_read() {
    let mut data = shop_data();
    data.test.clear();
    let blind = find(&settings(HALVING, None), &data).unwrap();
    assert_eq!(blind, whole(HALVING));
}

#[test]
fn a_trial_is_what_a_plain_run_with_its_settings_is() {
    let outcome = whole(HALVING);
    let data = shop_data();
    for trial in &outcome.trials {
        let trained = run(&trial.config, &data);
        assert_eq!(trained.history.len(), trial.epochs);
        let measured = trial.measured.as_ref().unwrap();
        assert_eq!(trained.best_epoch, Some(measured.epoch));
        let validation = trained.history[measured.epoch - 1].validation.as_ref();
        let validation = validation.unwrap();
        assert_eq!(validation.deciding, measured.metric);
        assert_eq!(validation.metrics[&measured.metric], measured.value);
        assert_eq!(measured.metric, "ndcg_at_10");
    }
    let best = outcome.best().unwrap().measured.as_ref().unwrap().value;
    let values = outcome
        .trials
        .iter()
        .map(|t| t.measured.as_ref().unwrap().value);
    assert_eq!(best, values.fold(0.0, f64::max));
}

#[test]
fn halving_spends_the_epochs_that_it_says_on_the_best() {
    let mut told = Vec::new();
    let device = Device::flex();
    let outcome = {
        let run = SearchRun::on(&device).observe(|trial| {
            let value = trial.measured.as_ref().unwrap().value;
            told.push((trial.round, trial.number, trial.epochs, value));
            Ok(())
        });
        search(
            &config(1),
            &shop_data(),
            &space(),
            &settings(HALVING, None),
            run,
        )
        .unwrap()
    };
    let of_round = |round: usize| told.iter().filter(move |trial| trial.0 == round);
    for (round, n_trials, epochs) in [(1, 6, 1), (2, 3, 2), (3, 1, 4)] {
        assert_eq!(of_round(round).count(), n_trials);
        assert!(of_round(round).all(|trial| trial.2 == epochs));
    }
    assert_eq!(told.len(), 6 + 3 + 1);
    // Three trials of 1 epoch, two of 2, and one of 4.
    assert_eq!(outcome.n_epochs(), 3 + 2 * 2 + 4);
    for round in [1, 2] {
        let going: Vec<usize> = of_round(round + 1).map(|trial| trial.1).collect();
        type Told = Vec<(usize, usize, usize, f64)>;
        let (stay, go): (Told, Told) = of_round(round)
            .copied()
            .partition(|trial| !going.contains(&trial.1));
        let least = go.iter().map(|trial| trial.3).fold(f64::INFINITY, f64::min);
        assert!(stay.iter().all(|trial| trial.3 <= least));
    }
    assert_eq!(outcome.best().unwrap().round, 3);
}

/// Searches in a directory until a number of rounds of trials was told.
fn interrupted(strategy: SearchStrategy, directory: &Path, n_told: usize) -> SearchOutcome {
    let (device, token) = (Device::flex(), CancelToken::new());
    let mut told = 0;
    let run = SearchRun::on(&device).cancel(token.clone()).observe(|_| {
        told += 1;
        if told == n_told {
            token.cancel();
        }
        Ok(())
    });
    let settings = settings(strategy, Some(directory));
    search(&config(1), &shop_data(), &space(), &settings, run).unwrap()
}

#[test]
fn a_search_interrupted_between_trials_ends_as_one_that_never_was() {
    for strategy in [RANDOM, HALVING] {
        let expected = whole(strategy);
        let directory = tempdir().unwrap();
        let mut n_searches = 0;
        loop {
            n_searches += 1;
            // One more each time: those that are known are told, too.
            let found = interrupted(strategy, directory.path(), n_searches);
            assert!(found.is_complete || found.trials.len() <= n_searches);
            if found.is_complete {
                assert_eq!(found, expected);
                break;
            }
        }
        // The cancellation after the last trial has nothing left to stop.
        let n_told = if strategy == RANDOM { 4 } else { 10 };
        assert_eq!(n_searches, n_told);
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "checkpoints are removed: {left:?}");
    }
}

#[test]
fn a_search_interrupted_in_a_trial_ends_as_one_that_never_was() {
    let expected = whole(HALVING);
    let data = shop_data();
    let directory = tempdir().unwrap();
    let device = Device::flex();
    let mut n_cancelled = 0;
    for searches in 1.. {
        let token = CancelToken::new();
        let handler = token.clone();
        let alarm = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(60 * searches));
            handler.cancel();
        });
        let run = SearchRun::on(&device).cancel(token);
        let settings = settings(HALVING, Some(directory.path()));
        let found = search(&config(1), &data, &space(), &settings, run).unwrap();
        alarm.join().unwrap();
        if found.is_complete {
            assert_eq!(found, expected);
            break;
        }
        n_cancelled += 1;
    }
    assert!(n_cancelled > 0);
}

#[test]
fn a_line_that_a_crash_cut_short_is_made_again() {
    let directory = tempdir().unwrap();
    let expected = find(&settings(RANDOM, Some(directory.path())), &shop_data()).unwrap();
    assert_eq!(expected, whole(RANDOM));
    let path = directory.path().join("trials.jsonl");
    let complete = fs::read(&path).unwrap();
    for kept in [complete.len() - 1, complete.len() - 40, 10, 0] {
        fs::write(&path, &complete[..kept]).unwrap();
        let found = find(&settings(RANDOM, Some(directory.path())), &shop_data()).unwrap();
        assert_eq!(found, expected);
        assert!(fs::read(&path).unwrap() == complete, "cut at {kept}");
    }
}

#[test]
fn random_trials_may_be_added_to() {
    let directory = tempdir().unwrap();
    let first = find(&settings(RANDOM, Some(directory.path())), &shop_data()).unwrap();
    let more = SearchStrategy::Random {
        n_trials: 6,
        max_epochs: 2,
    };
    let found = find(&settings(more, Some(directory.path())), &shop_data()).unwrap();
    assert_eq!(found.trials[..4], first.trials);
    assert_eq!(found, whole(more));
}

fn refusal(
    base: &NextItemConfig,
    data: &NextItemData,
    space: &SearchSpace,
    settings: &SearchSettings,
) -> Error {
    let device = Device::flex();
    search(base, data, space, settings, SearchRun::on(&device)).unwrap_err()
}

#[test]
fn a_directory_of_another_search_is_refused() {
    let directory = tempdir().unwrap();
    let first = settings(
        SearchStrategy::Random {
            n_trials: 1,
            max_epochs: 1,
        },
        Some(directory.path()),
    );
    let (base, data) = (config(1), shop_data());
    find(&first, &data).unwrap();
    let mut other_data = data.clone();
    other_data.validation.pop();
    let other_space = SearchSpace {
        dropout: None,
        ..space()
    };
    let other_base = NextItemConfig {
        max_len: 19,
        ..base.clone()
    };
    let other_seed = SearchSettings {
        seed: 9,
        ..first.clone()
    };
    let other_epochs = settings(RANDOM, Some(directory.path()));
    for error in [
        refusal(&base, &other_data, &space(), &first),
        refusal(&base, &data, &other_space, &first),
        refusal(&other_base, &data, &space(), &first),
        refusal(&base, &data, &space(), &other_seed),
        refusal(&base, &data, &space(), &other_epochs),
    ] {
        assert!(
            matches!(&error, Error::Search(SearchError::OtherSearch { line: 1, saved, given, .. }) if saved != given),
            "{error}"
        );
    }
    // Neither the test part nor the epochs of the base decide anything.
    let mut same = data.clone();
    same.test.clear();
    let device = Device::flex();
    search(&config(5), &same, &space(), &first, SearchRun::on(&device)).unwrap();
    let path = directory.path().join("trials.jsonl");
    let mut lines = fs::read_to_string(&path).unwrap();
    lines.push_str("{\"trial\": 2}\n");
    fs::write(&path, lines).unwrap();
    let error = refusal(&base, &data, &space(), &first);
    assert_eq!(
        error.to_string(),
        format!(
            "{path:?} line 2 is no trial of a search: remove the line to train the trial again"
        )
    );
}

#[test]
fn a_search_that_cannot_work_is_refused() {
    let (base, data) = (config(1), shop_data());
    let message = |space: SearchSpace, strategy| {
        refusal(&base, &data, &space, &settings(strategy, None)).to_string()
    };
    assert_eq!(
        message(SearchSpace::default(), RANDOM),
        "the search space is empty: give a range or choices for at least one setting"
    );
    for (range, expected) in [
        (0.0..=0.1, "0 to 0.1: it must lie in (0, infinity)"),
        (0.2..=0.1, "0.2 to 0.1: it must lie in (0, infinity)"),
        (
            1.0..=f64::INFINITY,
            "1 to inf: it must lie in (0, infinity)",
        ),
        (f64::NAN..=1.0, "NaN to 1: it must lie in (0, infinity)"),
    ] {
        let space = SearchSpace {
            learning_rate: Some(range),
            ..SearchSpace::default()
        };
        let expected = format!("the range of learning_rate is {expected}, the lower end first");
        assert_eq!(message(space, RANDOM), expected);
    }
    for range in [-0.1..=0.5, 0.5..=1.0] {
        let (low, high) = (*range.start(), *range.end());
        let space = SearchSpace {
            dropout: Some(range),
            ..SearchSpace::default()
        };
        let expected = format!(
            "the range of dropout is {low} to {high}: it must lie in [0, 1), the lower end first"
        );
        assert_eq!(message(space, RANDOM), expected);
    }
    let twice = SearchSpace {
        loss: vec![space().loss[0].clone(), space().loss[0].clone()],
        ..SearchSpace::default()
    };
    assert_eq!(
        message(twice, RANDOM),
        "two losses are labelled \"softmax\": give each a label of its own"
    );
    let odd = SearchSpace {
        d_model: vec![8, 9],
        ..SearchSpace::default()
    };
    let error = refusal(&base, &data, &odd, &settings(RANDOM, None));
    let expected = ModelError::HeadsDoNotDivideModel {
        d_model: 9,
        n_heads: 2,
    };
    assert!(matches!(error, Error::Model(found) if found == expected));
    let random = |n_trials, max_epochs| SearchStrategy::Random {
        n_trials,
        max_epochs,
    };
    let halving = |n_trials, first_epochs, factor| SearchStrategy::SuccessiveHalving {
        n_trials,
        first_epochs,
        factor,
    };
    for (strategy, expected) in [
        (
            random(0, 1),
            "n_trials of the search is 0: it must be at least 1",
        ),
        (
            random(1, 0),
            "max_epochs of the search is 0: it must be at least 1",
        ),
        (
            halving(0, 1, 2),
            "n_trials of the search is 0: it must be at least 1",
        ),
        (
            halving(1, 0, 2),
            "first_epochs of the search is 0: it must be at least 1",
        ),
        (
            halving(1, 1, 1),
            "factor of the search is 1: it must be at least 2",
        ),
    ] {
        assert_eq!(message(space(), strategy), expected);
    }
}

#[test]
fn what_trials_cannot_be_compared_by_or_trained_on_with_is_refused() {
    let mut data = shop_data();
    let mut cosine = config(1);
    cosine.training.schedule = Schedule::Cosine {
        final_fraction: 0.1,
    };
    let mut rare = config(1);
    rare.training.validate_every_epochs = 2;
    let message = |base: &NextItemConfig, data: &NextItemData| {
        refusal(base, data, &space(), &settings(HALVING, None)).to_string()
    };
    assert_eq!(
        message(&cosine, &data),
        "successive halving gives trials more epochs, which schedule = cosine does not allow: use a schedule that does not count down to max_epochs"
    );
    assert_eq!(
        message(&rare, &data),
        "successive halving gives trials more epochs, which validate_every_epochs = 2 does not allow: use 1"
    );
    data.validation.clear();
    assert_eq!(
        message(&config(1), &data),
        "there are no validation cases to compare trials by: choose a split that has some"
    );
}

#[test]
fn trials_that_diverge_are_told_apart_and_never_best() {
    let wild = SearchSpace {
        learning_rate: Some(1e30..=1e30),
        ..SearchSpace::default()
    };
    let device = Device::flex();
    let settings = settings(HALVING, None);
    let run = SearchRun::on(&device);
    let outcome = search(&config(1), &shop_data(), &wild, &settings, run).unwrap();
    assert!(outcome.is_complete && outcome.best().is_none());
    assert_eq!(outcome.trials.len(), 6);
    assert!(outcome.trials.iter().all(|trial| trial.measured.is_none()));
    assert_eq!(outcome.to_string().matches("diverged").count(), 6);
}

#[test]
fn the_observer_of_a_search_can_end_it() {
    let device = Device::flex();
    let run = SearchRun::on(&device).observe(|trial| match trial.number {
        2 => Err("enough".into()),
        _ => Ok(()),
    });
    let settings = settings(RANDOM, None);
    let error = search(&config(1), &shop_data(), &space(), &settings, run).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the observer of the search failed after trial 2"
    );
}

#[test]
fn a_search_prints_its_trials_the_best_first() {
    let outcome = whole(RANDOM);
    let text = outcome.to_string();
    let lines: Vec<&str> = text.lines().collect();
    let header: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(
        header,
        [
            "trial",
            "learning_rate",
            "dropout",
            "d_model",
            "loss",
            "epochs",
            "best",
            "epoch",
            "ndcg_at_10"
        ]
    );
    assert_eq!(lines.len(), 5);
    let width = lines[0].chars().count();
    assert!(lines.iter().all(|line| line.chars().count() == width));
    let value = |line: &&str| -> f64 {
        let last = line.split_whitespace().last();
        last.unwrap().parse().unwrap()
    };
    assert!(
        lines[1..]
            .windows(2)
            .all(|pair| value(&pair[0]) >= value(&pair[1]))
    );
    let best = outcome.best().unwrap();
    let first: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(first[0], best.number.to_string());
    assert_eq!(first[1], best.config.training.learning_rate.to_string());
    assert_eq!(first[4], best.loss.clone().unwrap());
    let cut = interrupted(RANDOM, tempdir().unwrap().path(), 2).to_string();
    assert!(cut.ends_with("\nstopped before its end"));
    assert_eq!(cut.lines().count(), 1 + 2 + 1);
}
