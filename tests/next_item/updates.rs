use burn::tensor::Device;
use salient::Error;
use salient::data::{InteractionRow, Interactions, Split, SplitRule};
use salient::evaluation::ranking::{RankingMetric, RankingSettings, evaluate_ranking};
use salient::parameters::{self, Parameters};
use salient::tasks::TaskError;
use salient::tasks::next_item::{NextItemConfig, NextItemData, NextItemSources, Recommender};
use salient::training::Trainer;

use super::{config, log_of, run};

/// Users who walk along a ring of items from different starts.
fn ring(n_users: u32, n_items: u32, n_events: u32) -> Vec<Vec<u32>> {
    (0..n_users)
        .map(|user| (0..n_events).map(|step| (user + step) % n_items).collect())
        .collect()
}

fn all_data(log: &Interactions, sources: &NextItemSources<'_>) -> NextItemData {
    let split = Split::new(log, SplitRule::LeaveOneOut).unwrap();
    NextItemData::with_sources(log, &split, sources).unwrap()
}

/// A model of a ring of 8 items.
fn first() -> Recommender {
    let log = log_of(&ring(60, 8, 8));
    run(&config(12), &all_data(&log, &NextItemSources::default())).model
}

/// A longer log: the same people go on, from second 8, along new items.
fn longer() -> Interactions {
    let mut users = ring(60, 8, 8);
    for (user, items) in users.iter_mut().enumerate() {
        items.extend((0..6).map(|step| 8 + (user as u32 + step) % 5));
    }
    // Somebody new, who starts late.
    users.push((0..14).map(|step| 8 + step % 5).collect());
    log_of(&users)
}

fn newer(known: &Recommender) -> NextItemData {
    let sources = NextItemSources {
        known: Some(known),
        learn_since_utc_millis: Some(8_000),
        ..NextItemSources::default()
    };
    all_data(&longer(), &sources)
}

fn weights(recommender: &Recommender) -> Parameters {
    parameters::read(recommender.model())
}

fn settings(max_epochs: usize) -> NextItemConfig {
    config(max_epochs)
}

#[test]
fn old_ids_keep_their_numbers_and_new_ones_follow() {
    let known = first();
    let data = newer(&known);
    let n_known = known.catalogue().n_real();
    assert_eq!(&data.catalogue.ids()[..n_known], known.catalogue().ids());
    assert_eq!(data.n_items(), 13);
    // Training events from second 8 on are learned, and they alone are added to those that were counted before.
    let is_target = data.train.is_target.as_ref().unwrap();
    let late = data
        .train
        .times_utc_millis
        .iter()
        .map(|&time| time >= 8_000);
    assert!(late.eq(is_target.iter().copied()));
    let before = all_data(&log_of(&ring(60, 8, 8)), &NextItemSources::default());
    let n_added = data.item_counts.iter().sum::<u32>() - before.item_counts.iter().sum::<u32>();
    assert_eq!(
        n_added as usize,
        is_target.iter().filter(|new| **new).count()
    );
    assert!(is_target.contains(&false) && is_target.contains(&true));
}

#[test]
fn training_on_learns_what_is_new() {
    let known = first();
    let data = newer(&known);
    let trainer = Trainer::new(settings(50).training);
    let more = known
        .fit_more(&data, trainer, &Device::flex())
        .unwrap()
        .model;
    let settings = RankingSettings {
        cutoffs: vec![1],
        ..RankingSettings::default()
    };
    let report = evaluate_ranking(&data.test, &more.scorer(), &settings).unwrap();
    let found = report.mean(RankingMetric::HitRate, 1).unwrap();
    // Everybody is among the new items by then, of which there are five.
    assert!(found > 0.9, "{found}");
}

#[test]
fn weights_of_old_rows_are_where_training_on_starts() {
    let known = first();
    let data = newer(&known);
    let mut training = settings(1).training;
    training.learning_rate = 1e-12;
    let more = known
        .fit_more(&data, Trainer::new(training), &Device::flex())
        .unwrap()
        .model;
    let (old, new) = (weights(&known), weights(&more));
    assert_eq!(old.len(), new.len());
    for (name, tensor) in &old {
        let found = &new[name].values[..tensor.values.len()];
        let farthest = tensor.values.iter().zip(found).map(|(a, b)| (a - b).abs());
        assert!(farthest.fold(0.0, f32::max) < 1e-6, "{name}");
    }
    let width = old["item_embedding"].shape[1];
    assert_eq!(new["item_embedding"].shape, [13 + 2, width]);
    assert!(
        new["item_embedding"].values[10 * width..]
            .iter()
            .all(|weight| *weight != 0.0)
    );
}

#[test]
fn frozen_parts_stay_as_they_are() {
    let known = first();
    let data = newer(&known);
    let trainer = Trainer::new(settings(2).training).freeze(["encoder.", "positions."]);
    let more = known
        .fit_more(&data, trainer, &Device::flex())
        .unwrap()
        .model;
    let (old, new) = (weights(&known), weights(&more));
    for (name, tensor) in &old {
        let is_frozen = name.starts_with("encoder.") || name.starts_with("positions.");
        let is_same = tensor.values[..] == new[name].values[..tensor.values.len()];
        assert_eq!(is_frozen, is_same, "{name}");
    }
}

#[test]
fn data_that_numbers_items_in_another_way_is_refused() {
    let known = first();
    let data = all_data(
        &log_of(&vec![(0..9).rev().collect(); 20]),
        &NextItemSources::default(),
    );
    let trainer = Trainer::new(settings(1).training);
    let error = known.fit_more(&data, trainer, &Device::flex()).unwrap_err();
    assert!(matches!(
        error,
        Error::Task(TaskError::NotContinued {
            what: "items",
            n_known: 8
        })
    ));
    assert!(
        error
            .to_string()
            .contains("make it with the model as `known`")
    );
}

#[test]
fn types_of_event_in_another_order_are_refused() {
    let typed = |names: [&str; 2]| {
        let log = log_of(&ring(20, 8, 8));
        let rows = (0..log.n_rows()).map(|row| InteractionRow {
            user: log.user_id(log.users()[row]).to_owned(),
            item: log.item_id(log.items()[row]).to_owned(),
            time_utc_millis: log.times_utc_millis()[row],
            event: Some(names[row % 2].to_owned()),
            weight: None,
        });
        let log = Interactions::from_rows(rows.collect::<Vec<_>>()).unwrap();
        all_data(&log, &NextItemSources::default())
    };
    let known = run(&settings(1), &typed(["view", "buy"])).model;
    let trainer = Trainer::new(settings(1).training);
    let error = known.fit_more(&typed(["buy", "view"]), trainer, &Device::flex());
    let expected = TaskError::NotContinued {
        what: "types of event",
        n_known: 2,
    };
    assert!(matches!(error.unwrap_err(), Error::Task(found) if found == expected));
}

#[test]
fn learning_since_a_time_needs_times() {
    let log = super::recipe_refusals::without_times(log_of(&ring(20, 8, 8)));
    let split = Split::new(&log, SplitRule::LeaveOneOut).unwrap();
    let sources = NextItemSources {
        learn_since_utc_millis: Some(0),
        ..NextItemSources::default()
    };
    let error = NextItemData::with_sources(&log, &split, &sources).unwrap_err();
    assert!(
        error.to_string().contains("learn_since_utc_millis"),
        "{error}"
    );
}
