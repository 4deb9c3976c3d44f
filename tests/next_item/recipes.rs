use std::collections::BTreeMap;

use salient::baselines::{Popularity, PopularityConfig, TrainingHistory};
use salient::data::synthetic::{Shop, ShopConfig};
use salient::data::{InteractionRow, Interactions};
use salient::evaluation::ranking::{RankingMetric, RankingSettings, Scorer, evaluate_ranking};
use salient::tasks::TaskError;
use salient::tasks::next_item::{
    EncoderLayer, HistoryEvent, NegativeSharing, Negatives, NextItemConfig, NextItemData,
    NextItemLoss, PRESETS, RecommendOptions, Recommender, Similarity, UserHistory,
};
use salient::training::NegativeSampling;
use tempfile::tempdir;

use super::{config, first_and_last_loss, leave_one_out, result, run, shop};
use crate::support::values;

/// A recipe, made as small as the shop.
pub(super) fn small(preset: &str, max_epochs: usize) -> NextItemConfig {
    let small = config(max_epochs);
    NextItemConfig {
        d_model: small.d_model,
        n_heads: small.n_heads,
        d_ff: small.d_ff,
        max_len: small.max_len,
        training: small.training,
        ..NextItemConfig::preset(preset).unwrap()
    }
}

/// A small shop with types of event and dwell times.
pub(super) fn rich_shop() -> Interactions {
    let config = ShopConfig {
        n_users: 240,
        n_items: 60,
        n_categories: 6,
        n_styles: 2,
        mean_events: 14.0,
        max_events: 30,
        ..ShopConfig::default()
    };
    let shop = Shop::simulate(&config, 3).unwrap();
    let rows = shop.events().iter().map(|event| InteractionRow {
        user: shop.users()[event.user as usize].id.clone(),
        item: shop.items()[event.item as usize].id.clone(),
        time_utc_millis: event.time_utc_millis,
        event: Some(event.kind.name().to_owned()),
        weight: Some(event.dwell_seconds),
    });
    Interactions::from_rows(rows.collect::<Vec<_>>()).unwrap()
}

fn ndcg(data: &NextItemData, scorer: &dyn Scorer) -> f64 {
    let report = evaluate_ranking(&data.test, scorer, &RankingSettings::default()).unwrap();
    report.mean(RankingMetric::Ndcg, 10).unwrap()
}

fn popularity(data: &NextItemData) -> f64 {
    let sequences = data.train.catalogue_sequences();
    let histories: Vec<TrainingHistory<'_>> = sequences
        .iter()
        .map(|items| items.as_slice().into())
        .collect();
    let popularity = Popularity::fit(&histories, data.n_items(), &PopularityConfig::default());
    ndcg(data, &popularity.unwrap())
}

#[test]
fn every_recipe_learns_and_beats_popularity() {
    let data = leave_one_out(&shop());
    let floor = popularity(&data);
    for preset in PRESETS {
        // Hiding a fifth of the events teaches a fifth as much an epoch.
        let max_epochs = if preset == "bert4rec" { 100 } else { 12 };
        let trained = run(&small(preset, max_epochs), &data);
        let (first, last) = first_and_last_loss(&trained);
        assert!(last < first, "{preset}: {first} to {last}");
        let found = ndcg(&data, &trained.model.scorer());
        assert!(
            found > 1.05 * floor,
            "{preset}: {found}, popularity {floor}"
        );
    }
}

#[test]
fn every_recipe_is_the_same_from_the_same_seed_and_after_a_file() {
    let data = leave_one_out(&shop());
    for preset in PRESETS {
        let config = small(preset, 2);
        let trained = run(&config, &data);
        let mut other_threads = config.clone();
        other_threads.training.loader_threads = 3;
        assert!(
            result(&trained) == result(&run(&other_threads, &data)),
            "{preset}"
        );
        let directory = tempdir().unwrap();
        trained.model.save(directory.path(), &()).unwrap();
        let loaded = Recommender::load(directory.path()).unwrap();
        let mut scores = [vec![0.0; 5 * data.n_items()], vec![0.0; 5 * data.n_items()]];
        for (scores, recommender) in scores.iter_mut().zip([&trained.model, &loaded]) {
            recommender.scorer().score(&data.test[..5], scores).unwrap();
        }
        assert_eq!(scores[0], scores[1], "{preset}");
    }
}

#[test]
fn every_loss_falls_with_every_way_to_draw_and_share_negatives() {
    let data = leave_one_out(&shop());
    let samplings = [
        NegativeSampling::Uniform,
        NegativeSampling::Popularity { power: 0.75 },
        NegativeSampling::InBatch,
    ];
    let sharings = [
        NegativeSharing::PerTarget,
        NegativeSharing::PerHistory,
        NegativeSharing::PerBatch,
    ];
    let pairs = samplings
        .into_iter()
        .flat_map(|sampling| sharings.map(|sharing| (sampling, sharing)));
    for (sampling, sharing) in pairs {
        // So many that the level of the loss does not swing with the draw.
        let negatives = Negatives {
            count: 32,
            sampling,
            sharing,
        };
        for loss in [
            NextItemLoss::SampledSoftmax {
                negatives,
                log_q: true,
            },
            NextItemLoss::BinaryCrossEntropy {
                negatives,
                calibration: 0.75,
            },
            NextItemLoss::BayesianRanking { negatives },
        ] {
            let config = NextItemConfig { loss, ..config(8) };
            let (first, last) = first_and_last_loss(&run(&config, &data));
            assert!(last < 0.99 * first, "{loss:?}: {first} to {last}");
        }
    }
}

#[test]
fn label_smoothing_keeps_the_model_less_sure() {
    let data = leave_one_out(&shop());
    let surest = |label_smoothing| {
        let config = NextItemConfig {
            loss: NextItemLoss::Softmax { label_smoothing },
            ..config(8)
        };
        let mut scores = vec![0.0; 20 * data.n_items()];
        let model = run(&config, &data).model;
        model.scorer().score(&data.test[..20], &mut scores).unwrap();
        let range = |row: &[f32]| {
            let highest = row.iter().copied().fold(f32::MIN, f32::max);
            highest - row.iter().copied().fold(f32::MAX, f32::min)
        };
        scores.chunks(data.n_items()).map(range).sum::<f32>()
    };
    assert!(surest(0.3) < 0.9 * surest(0.0));
}

/// A history of the first items, a minute apart, asked some time after the last of them.
pub(super) fn asked(recommender: &Recommender, seconds_after: i64) -> UserHistory {
    let ids = recommender.catalogue().ids()[..4].iter();
    let event = |(index, item): (usize, &String)| HistoryEvent {
        item: item.clone(),
        time_utc_millis: Some(60_000 * index as i64),
        event: recommender.event_names().first().cloned(),
        weight: Some(10.0),
    };
    UserHistory {
        events: ids.enumerate().map(event).collect(),
        asked_at_utc_millis: Some(180_000 + 1_000 * seconds_after),
        ..UserHistory::default()
    }
}

#[test]
fn the_time_of_the_question_counts_for_a_model_that_knows_it_alone() {
    let data = leave_one_out(&shop());
    for query_time in [true, false] {
        let config = NextItemConfig {
            query_time,
            ..small("hstu", 3)
        };
        let model = run(&config, &data).model;
        let at = |seconds| {
            let options = RecommendOptions::default();
            model
                .recommend_to(&asked(&model, seconds), 5, &options)
                .unwrap()
                .items
        };
        assert_eq!(at(1) != at(1_000_000), query_time);
        // Whoever does not say when asks at the last event.
        let untold = UserHistory {
            asked_at_utc_millis: None,
            ..asked(&model, 0)
        };
        let options = RecommendOptions::default();
        assert_eq!(
            model.recommend_to(&untold, 5, &options).unwrap().items,
            at(0)
        );
    }
}

#[test]
fn types_of_event_and_dwell_times_are_read() {
    let data = leave_one_out(&rich_shop());
    let config = NextItemConfig {
        event_types: true,
        event_weights: true,
        ..config(3)
    };
    let model = run(&config, &data).model;
    assert!(model.event_names().len() > 1);
    let vector = |history: &UserHistory| model.embed_user(history).unwrap().unwrap();
    let plain = asked(&model, 0);
    let changed = |change: &dyn Fn(&mut HistoryEvent)| {
        let mut history = plain.clone();
        change(&mut history.events[3]);
        vector(&history)
    };
    let other = model.event_names()[1].clone();
    assert_ne!(
        vector(&plain),
        changed(&|event| event.event = Some(other.clone()))
    );
    assert_ne!(vector(&plain), changed(&|event| event.weight = Some(100.0)));
    // Types that training never saw are all the same unknown one.
    assert_eq!(
        changed(&|event| event.event = Some("never".to_owned())),
        changed(&|event| event.event = Some("nowhere".to_owned()))
    );
}

/// Users who look at a thing and buy the one after it; what they look at is noise, what they buy is not.
fn looks_and_buys() -> Interactions {
    let rows = (0..60u32).flat_map(|user| {
        // Some end with a look and some with a purchase, so that the place in the history tells nothing.
        (0..16 + user % 2).map(move |step| {
            let is_buy = step % 2 == 1;
            let item = if is_buy {
                format!("buy {}", (user + step / 2) % 8)
            } else {
                format!("look {}", (user * 7 + step * 5) % 11)
            };
            InteractionRow {
                user: format!("user {user}"),
                item,
                time_utc_millis: i64::from(step) * 1_000,
                event: Some(if is_buy { "buy" } else { "look" }.to_owned()),
                ..InteractionRow::default()
            }
        })
    });
    Interactions::from_rows(rows.collect::<Vec<_>>()).unwrap()
}

#[test]
fn events_of_weight_zero_are_read_but_never_predicted() {
    let data = leave_one_out(&looks_and_buys());
    let best = |look: f32| {
        let config = NextItemConfig {
            target_weights: BTreeMap::from([("look".to_owned(), look)]),
            event_types: true,
            ..config(40)
        };
        let model = run(&config, &data).model;
        // After a purchase the next event is always a look.
        let history = UserHistory {
            events: [("look 3", "look"), ("buy 2", "buy")]
                .map(|(item, event)| HistoryEvent {
                    item: item.to_owned(),
                    event: Some(event.to_owned()),
                    ..HistoryEvent::default()
                })
                .to_vec(),
            ..UserHistory::default()
        };
        let answer = model.recommend_to(&history, 3, &RecommendOptions::default());
        answer.unwrap().items
    };
    assert!(best(1.0).iter().all(|item| item.id.starts_with("look")));
    assert!(best(0.0).iter().all(|item| item.id.starts_with("buy")));
}

#[test]
fn cosines_lie_between_minus_and_plus_one_over_the_temperature() {
    let data = leave_one_out(&shop());
    let config = NextItemConfig {
        similarity: Similarity::Cosine,
        temperature: 0.1,
        ..config(12)
    };
    let model = run(&config, &data).model;
    let mut scores = vec![0.0; 30 * data.n_items()];
    model.scorer().score(&data.test[..30], &mut scores).unwrap();
    assert!(scores.iter().all(|score| score.abs() <= 10.001));
    assert!(scores.iter().any(|score| score.abs() > 3.0));
    let lengths = values(model.model().catalogue());
    for row in lengths.chunks(16) {
        let length: f64 = row.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-4, "{length}");
    }
}

#[test]
fn a_recipe_is_only_a_set_of_settings() {
    let mut config = NextItemConfig::preset("sasrec").unwrap();
    let recipe = NextItemConfig::preset("esasrec").unwrap();
    assert_ne!(config, recipe);
    config.preset = recipe.preset.clone();
    config.layer = EncoderLayer::Ligr;
    config.d_ff = 256;
    config.activation = salient::model::encoder::Activation::Swiglu;
    config.loss = NextItemLoss::SampledSoftmax {
        negatives: Negatives::many(),
        log_q: true,
    };
    assert_eq!(config, recipe);
    let error = NextItemConfig::preset("gru4rec").unwrap_err();
    assert!(matches!(error, TaskError::UnknownPreset { .. }));
    assert!(
        error
            .to_string()
            .contains("sasrec, bert4rec, esasrec, hstu")
    );
}

#[test]
fn batches_without_any_target_teach_nothing_and_break_nothing() {
    // Half of the users only look, and looks are never asked for.
    let rows = (0..40u32).flat_map(|user| {
        (0..6u32).map(move |step| InteractionRow {
            user: format!("user {user}"),
            item: format!("item {}", (user + step) % 9),
            time_utc_millis: i64::from(step),
            event: Some(if user % 2 == 0 { "look" } else { "buy" }.to_owned()),
            ..InteractionRow::default()
        })
    });
    let data = leave_one_out(&Interactions::from_rows(rows.collect::<Vec<_>>()).unwrap());
    for sharing in [NegativeSharing::PerHistory, NegativeSharing::PerBatch] {
        let mut config = NextItemConfig {
            target_weights: BTreeMap::from([("look".to_owned(), 0.0)]),
            loss: NextItemLoss::SampledSoftmax {
                negatives: Negatives {
                    count: 4,
                    sharing,
                    ..Negatives::default()
                },
                log_q: true,
            },
            ..config(2)
        };
        // One user a batch, so that half of the batches have no target.
        config.training.batch_size = 1;
        let trained = run(&config, &data);
        assert!(
            trained
                .history
                .iter()
                .all(|epoch| epoch.train_loss.is_finite())
        );
    }
}

#[test]
fn a_hidden_event_does_not_give_itself_away() {
    // The type of an event and its weight name its item, which follows from nothing else.
    let rows = (0..80usize).flat_map(|user| {
        (0..8usize).map(move |step| {
            let item = (user * 7_919 + step * 104_729 + (user * step) % 13) % 5;
            InteractionRow {
                user: format!("user {user}"),
                item: format!("item {item}"),
                time_utc_millis: step as i64,
                event: Some(format!("kind {item}")),
                weight: Some(10.0_f32.powi(item as i32)),
            }
        })
    });
    let data = leave_one_out(&Interactions::from_rows(rows.collect::<Vec<_>>()).unwrap());
    let config = NextItemConfig {
        event_types: true,
        event_weights: true,
        ..small("bert4rec", 30)
    };
    let (first, last) = first_and_last_loss(&run(&config, &data));
    // Told the type, the loss would go to 0; knowing nothing, it is ln 5.
    assert!(first > 1.2 && last > 0.7, "{first} to {last}");
}

#[test]
fn times_told_to_a_model_that_learns_from_both_sides_are_said_to_be() {
    let told = NextItemConfig {
        time_intervals: true,
        ..small("bert4rec", 1)
    };
    let message = told.validate().unwrap_err().to_string();
    assert!(
        message.contains("time_intervals and learning do not go together"),
        "{message}"
    );
    let said = NextItemConfig {
        query_time: true,
        ..told
    };
    let data = leave_one_out(&shop());
    let model = run(&said, &data).model;
    let at = |seconds| {
        let options = RecommendOptions::default();
        let answer = model.recommend_to(&asked(&model, seconds), 5, &options);
        answer.unwrap().items
    };
    assert_ne!(at(1), at(1_000_000));
}
