//! What a recommender learns, by every loss, from every kind of data.

use std::cell::RefCell;
use std::rc::Rc;

use rand::RngExt;
use salient::baselines::{Popularity, PopularityConfig, TrainingHistory};
use salient::data::{InteractionRow, Interactions};
use salient::device;
use salient::evaluation::ranking::{
    RankingMetric, RankingReport, RankingSettings, Scorer, evaluate_ranking,
};
use salient::parameters;
use salient::random::RandomKey;
use salient::tasks::next_item::{
    ItemTable, Negatives, NextItemConfig, NextItemData, NextItemLoss, fit,
};
use salient::training::{BoxedError, Event, NegativeSampling, Observer, Trainer};

use super::{config, first_and_last_loss, leave_one_out, log_of, run, shop, shop_data};

/// The report of a scorer on the test cases.
fn judged(data: &NextItemData, scorer: &impl Scorer) -> RankingReport {
    evaluate_ranking(&data.test, scorer, &RankingSettings::default()).unwrap()
}

fn popularity(data: &NextItemData) -> Popularity {
    let sequences = data.train.catalogue_sequences();
    let histories: Vec<TrainingHistory<'_>> = sequences
        .iter()
        .map(|items| items.as_slice().into())
        .collect();
    Popularity::fit(&histories, data.n_items(), &PopularityConfig::default()).unwrap()
}

#[test]
fn training_lowers_the_loss_and_beats_popularity() {
    let data = shop_data();
    let trained = run(&config(25), &data);
    let (first, last) = first_and_last_loss(&trained);
    assert!(last < 0.9 * first, "{first} to {last}");

    let name = RankingMetric::Ndcg.name_at(10);
    let best = trained.best_epoch.unwrap();
    let validation = trained.history[best - 1].validation.clone().unwrap();
    assert_eq!(validation.deciding, name);
    let popular = popularity(&data);
    let by_popularity =
        evaluate_ranking(&data.validation, &popular, &RankingSettings::default()).unwrap();
    let by_popularity = by_popularity.means()[&name];
    assert!(
        validation.metrics[&name] > 1.15 * by_popularity,
        "{} against {by_popularity}",
        validation.metrics[&name]
    );

    let ours = judged(&data, &trained.model.scorer());
    let theirs = judged(&data, &popular);
    let gain = ours
        .improvement_over(&theirs, RankingMetric::Ndcg, 10)
        .unwrap();
    assert!(gain.mean > 0.0, "{gain}");
}

#[test]
fn a_fresh_model_is_as_unsure_as_a_guess() {
    let data = shop_data();
    let config = NextItemConfig {
        training: salient::training::TrainingConfig {
            learning_rate: 1e-9,
            ..config(1).training
        },
        ..config(1)
    };
    let (loss, _) = first_and_last_loss(&run(&config, &data));
    let guess = (data.n_items() as f64).ln();
    assert!((loss - guess).abs() < 0.05, "{loss} against {guess}");
}

#[test]
fn one_batch_can_be_overfitted() {
    // Each user starts with an item of their own, so every history is known from its first event on.
    let users: Vec<Vec<u32>> = (0..8)
        .map(|user| (0..8).map(|j| (user + j * (1 + user % 3)) % 12).collect())
        .collect();
    let data = leave_one_out(&log_of(&users));
    let config = NextItemConfig {
        dropout: 0.0,
        ..config(150)
    };
    let (first, last) = first_and_last_loss(&run(&config, &data));
    assert!(first > 1.0 && last < 0.05, "{first} to {last}");
}

#[test]
fn random_histories_score_near_chance() {
    let mut generator = RandomKey::new(8).generator();
    let users: Vec<Vec<u32>> = (0..240)
        .map(|_| (0..10).map(|_| generator.random_range(0..60)).collect())
        .collect();
    let data = leave_one_out(&log_of(&users));
    let report = judged(&data, &run(&config(4), &data).model.scorer());
    let gains: f64 = (1..=10).map(|rank| 1.0 / f64::from(rank + 1).log2()).sum();
    let chance: f64 = data
        .test
        .iter()
        .map(|case| {
            let mut seen = case.history.clone();
            seen.sort_unstable();
            seen.dedup();
            seen.retain(|item| !case.targets.contains(item));
            gains / (data.n_items() - seen.len()) as f64
        })
        .sum::<f64>()
        / data.test.len() as f64;
    let found = report.mean(RankingMetric::Ndcg, 10).unwrap();
    // The mean of 240 users has a standard error of about 0.013.
    assert!(
        (found - chance).abs() < 0.045,
        "{found} against a chance of {chance}"
    );
}

#[test]
fn every_kind_of_negatives_trains() {
    let data = shop_data();
    let mut losses = Vec::new();
    for sampling in [
        NegativeSampling::Uniform,
        NegativeSampling::Popularity { power: 0.75 },
        NegativeSampling::InBatch,
    ] {
        let config = NextItemConfig {
            loss: NextItemLoss::BinaryCrossEntropy {
                negatives: Negatives {
                    count: 4,
                    sampling,
                    ..Negatives::default()
                },
                calibration: 0.0,
            },
            ..config(6)
        };
        let (first, last) = first_and_last_loss(&run(&config, &data));
        assert!(last < 0.98 * first, "{sampling:?}: {first} to {last}");
        losses.push(last);
    }
    assert!(losses[0] != losses[1] && losses[1] != losses[2]);
}

#[test]
fn a_separate_item_table_trains_and_is_the_one_that_scores() {
    let data = shop_data();
    let config = NextItemConfig {
        item_table: ItemTable::Separate,
        ..config(6)
    };
    let trained = run(&config, &data);
    let (first, last) = first_and_last_loss(&trained);
    assert!(last < 0.98 * first, "{first} to {last}");
    let weights = parameters::read(trained.model.model());
    let table = &weights["output_table"];
    assert_eq!(table.shape, [data.n_items(), 16]);
    let scored_by: Vec<f32> = trained
        .model
        .model()
        .catalogue()
        .into_data()
        .iter::<f32>()
        .collect();
    assert_eq!(table.values, scored_by);
    assert_ne!(table.values, weights["item_embedding"].values[2 * 16..]);
}

/// The shop's log, each event with a weight.
fn weighted(weight: impl Fn(usize) -> f32) -> NextItemData {
    let log = shop();
    let rows = (0..log.n_rows()).map(|row| InteractionRow {
        user: log.user_id(log.users()[row]).to_owned(),
        item: log.item_id(log.items()[row]).to_owned(),
        time_utc_millis: log.times_utc_millis()[row],
        event: None,
        weight: Some(weight(row)),
    });
    leave_one_out(&Interactions::from_rows(rows).unwrap())
}

#[test]
fn weights_of_targets_matter_when_asked_for_and_only_then() {
    let asked = NextItemConfig {
        weighted_targets: true,
        ..config(2)
    };
    let weights = |config: &NextItemConfig, data: &NextItemData| {
        parameters::read(run(config, data).model.model())
    };
    let (equal, uneven) = (weighted(|_| 1.0), weighted(|row| 1.0 + (row % 3) as f32));
    assert!(weights(&asked, &equal) != weights(&asked, &uneven));
    assert!(weights(&config(2), &equal) == weights(&config(2), &uneven));
}

#[test]
fn users_with_a_single_event_are_counted_but_not_learned_from() {
    let mut users: Vec<Vec<u32>> = (0..12)
        .map(|user| (0..6).map(|j| (user + j) % 9).collect())
        .collect();
    let without = leave_one_out(&log_of(&users));
    users.extend((0..5).map(|_| vec![9]));
    let data = leave_one_out(&log_of(&users));
    assert_eq!(data.train.offsets.n_sequences(), 12);
    assert_eq!((without.n_items(), data.n_items()), (9, 10));
    assert_eq!(data.item_counts[9], 5);
    assert_eq!(data.test.len(), 12);
    let (first, last) = first_and_last_loss(&run(&config(10), &data));
    assert!(last < first, "{first} to {last}");
}

#[test]
fn a_target_that_training_never_saw_is_a_miss() {
    let mut users: Vec<Vec<u32>> = (0..12)
        .map(|user| (0..6).map(|j| (user + j) % 12).collect())
        .collect();
    users[3][5] = 77;
    users[4][4] = 78;
    let data = leave_one_out(&log_of(&users));
    assert_eq!(data.n_items(), 12);
    assert_eq!(
        (data.test[3].n_unknown_targets, data.test[3].targets.len()),
        (1, 0)
    );
    assert_eq!(data.validation[4].n_unknown_targets, 1);
    // What came before the test target and is in no training history is no part of the history either.
    assert_eq!(data.test[4].history.len(), 4);
    let trained = run(&config(2), &data);
    let settings = RankingSettings {
        cutoffs: vec![12],
        ..RankingSettings::default()
    };
    let report = evaluate_ranking(&data.test, &trained.model.scorer(), &settings).unwrap();
    assert_eq!(report.n_unknown_targets, 1);
    let hits = report.values_by_case(RankingMetric::HitRate, 12).unwrap();
    let expected: Vec<f64> = (0..12).map(|case| f64::from(case != 3)).collect();
    assert_eq!(hits, expected);
}

/// Remembers the loss of each step.
struct Losses(Rc<RefCell<Vec<f64>>>);

impl Observer for Losses {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), BoxedError> {
        if let Event::Step { loss, .. } = event {
            self.0.borrow_mut().push(*loss);
        }
        Ok(())
    }
}

#[test]
fn flex_and_ndarray_learn_alike_with_and_without_dropout() {
    let data = shop_data();
    for dropout in [0.0, 0.2] {
        let config = NextItemConfig {
            dropout,
            ..config(7)
        };
        let losses = |name: &str| {
            let seen = Rc::new(RefCell::new(Vec::new()));
            let trainer = Trainer::new(config.training.clone()).observe(Losses(Rc::clone(&seen)));
            let device = device::pick(name).unwrap();
            fit(&config, &data, trainer, &device).unwrap();
            seen.take()
        };
        let (flex, ndarray) = (losses("flex"), losses("ndarray"));
        assert!(flex.len() >= 50, "{} steps", flex.len());
        assert_eq!(flex.len(), ndarray.len());
        for (step, (a, b)) in flex.iter().zip(&ndarray).enumerate().take(50) {
            assert!(
                (a - b).abs() < 1e-3,
                "dropout {dropout}, step {step}: {a} on flex, {b} on ndarray"
            );
        }
    }
}
