//! Tables out of event logs can be read, and what only the order of events tells is learnt.

use std::time::Duration;

use burn::module::Module;
use burn::tensor::Device;
use rand::RngExt;
use salient::data::{
    ChurnRule, InteractionRow, Interactions, TableOptions, TableParts, TableSchema, TimeFormat,
};
use salient::features::tabular::{
    EncodedList, EncodedRows, TabularConfig, TabularFitter, TabularShape,
};
use salient::parameters;
use salient::random::{Mode, RandomKey};
use salient::tasks::tabular::TabularNetwork;
use salient::training::{Optimiser, TrainingConfig};
use serde_json::{Value, json};

use super::super::{config, logits, loss};
use super::{DAY, INSIDE, init, rows, settings, shape};

#[test]
fn a_step_without_events_leaves_their_vectors_as_they_are() {
    let mut batch = rows(6, &[0, 0, 0]);
    batch.labels = vec![1.0, 0.0, 1.0];
    let device = Device::flex().autodiff();
    let network = TabularNetwork::init(&settings(json!({})), &shape(), RandomKey::new(3), &device);
    let network = network.unwrap().train();
    let before = parameters::read(&network);
    let loss = loss(network.forward(&batch, Mode::Inference), &batch.labels);
    let mut optimiser = Optimiser::new(&TrainingConfig::default());
    let after = parameters::read(&optimiser.step(network, &loss, 0.1).unwrap());
    let moved = |name: &str| before[name] != after[name];
    assert!(
        !moved(&format!("{INSIDE}events.positions")) && !moved(&format!("{INSIDE}events.ages"))
    );
    assert!(moved(&format!("{INSIDE}transformer.question")) && moved("fields.table"));
}

#[test]
fn a_table_of_customers_out_of_a_log_can_be_read() {
    let events = (0..40_i64).map(|event| InteractionRow {
        user: format!("u{}", event % 3),
        item: "shop".to_owned(),
        time_utc_millis: event * event % 37 * DAY,
        event: Some(["order", "visit"][event as usize % 2].to_owned()),
        weight: Some((event % 5) as f32),
    });
    let mut events: Vec<InteractionRow> = events.collect();
    events.sort_by_key(|event| event.time_utc_millis);
    let log = Interactions::from_rows(events).unwrap();
    let rule = ChurnRule {
        max_history: 4,
        ..ChurnRule::new(
            Duration::from_secs(5 * 86_400),
            vec![10 * DAY, 20 * DAY, 30 * DAY],
        )
    };
    let churn = rule.apply(&log, None).unwrap();
    let options = TableOptions {
        columns: churn.columns.clone(),
        time_format: TimeFormat::UnixMillis,
        ..TableOptions::default()
    };
    let (schema, _) = TableSchema::infer_from_batch(&churn.table, &options).unwrap();
    let mut fitter = TabularFitter::new(&TabularConfig::default(), &schema).unwrap();
    let mut rows = None;
    let batches = std::iter::once(Ok(churn.table.clone()));
    let on_bad_row = options.file.on_bad_row;
    let read = schema.read_batches(batches, TableParts::All, on_bad_row, |read| {
        fitter.push(read)?;
        rows = Some(read.clone());
        Ok::<(), salient::Error>(())
    });
    read.unwrap();
    let (schema, _) = fitter.finish().unwrap();
    let rows = schema.encode(&rows.unwrap()).unwrap();
    assert!(rows.n_rows > 3 && rows.lists.iter().any(|list| !list.ids.is_empty()));
    let network = init(&settings(json!({})), &schema.shape());
    assert!(
        logits(&network, &rows)
            .iter()
            .all(|logit| logit.is_finite())
    );
}

/// A type of event, and a size of one.
const PURCHASE: u32 = 2;
const LARGE: u32 = 3;

/// Rows in pairs of the same events forwards and backwards; the label is whether the last purchase was a large one. What is
/// counted over a row tells nothing of it.
fn purchases(seed: u64, n_pairs: usize) -> EncodedRows {
    let mut generator = RandomKey::new(seed).generator();
    let mut batch = EncodedRows {
        n_rows: 2 * n_pairs,
        lists: vec![EncodedList::default(); 2],
        ..EncodedRows::default()
    };
    for _ in 0..n_pairs {
        let events = loop {
            let n_events = generator.random_range(3..7);
            let event = |_| [(); 2].map(|()| generator.random_range(2..4_u32));
            let events: Vec<[u32; 2]> = (0..n_events).map(event).collect();
            let mut purchases = events.iter().filter(|[kind, _]| *kind == PURCHASE);
            let (first, last) = (purchases.next(), purchases.next_back());
            if matches!((first, last), (Some(first), Some(last)) if first != last) {
                break events;
            }
        };
        let backwards: Vec<[u32; 2]> = events.iter().rev().copied().collect();
        for events in [events, backwards] {
            for (place, list) in batch.lists.iter_mut().enumerate() {
                list.ids.extend(events.iter().map(|event| event[place]));
                let ages = (0..events.len() as i64).rev();
                list.ages_millis.extend(ages.map(|days| days * DAY));
                list.offsets.push(list.ids.len());
            }
            let last = events.iter().rfind(|[kind, _]| *kind == PURCHASE).unwrap();
            batch.labels.push(f32::from(last[1] == LARGE));
        }
    }
    batch
}

/// Share of pairs of a positive and a negative row in the right order; ties count half.
fn auc(scores: &[f64], labels: &[f32]) -> f64 {
    let of = |label: f32| {
        let rows = scores.iter().zip(labels);
        rows.filter(move |(_, found)| **found == label)
            .map(|(score, _)| *score)
    };
    let (mut right, mut all) = (0.0, 0.0);
    for positive in of(1.0) {
        for negative in of(0.0) {
            all += 1.0;
            right += match positive - negative {
                // Sums of the same numbers in another order are the same score.
                difference if difference.abs() < 1e-4 => 0.5,
                difference => f64::from(difference > 0.0),
            };
        }
    }
    right / all
}

#[test]
fn what_no_count_tells_is_learnt_from_the_order_of_events() {
    let shape = TabularShape {
        lists: vec![shape().lists[1].clone(), shape().lists[1].clone()],
        labels: vec!["left".to_owned()],
        ..TabularShape::default()
    };
    let (train, test) = (purchases(12, 200), purchases(13, 100));
    let found = |interaction: Value, n_steps: usize| {
        let config = config(json!({"d_embedding": 16, "interaction": interaction}));
        let device = Device::flex().autodiff();
        let network = TabularNetwork::init(&config, &shape, RandomKey::new(3), &device);
        let mut network = network.unwrap().train();
        let mut optimiser = Optimiser::new(&TrainingConfig::default());
        let mut generator = RandomKey::new(14).generator();
        for _ in 0..n_steps {
            let rows: Vec<usize> = (0..64).map(|_| generator.random_range(0..400)).collect();
            let batch = train.select(&rows);
            let loss = loss(network.forward(&batch, Mode::Inference), &batch.labels);
            network = optimiser.step(network, &loss, 0.01).unwrap();
        }
        auc(&logits(&network, &test), &test.labels)
    };
    let by_counts = found(json!({"kind": "lr"}), 40);
    assert!((by_counts - 0.5).abs() < 0.02, "{by_counts}");
    let transformer = json!({"n_layers": 1, "n_heads": 2, "d_ff": 16});
    let by_events = found(
        json!({"kind": "event_transformer", "n_positions": 8, "transformer": transformer}),
        120,
    );
    assert!(by_events > 0.9, "{by_events}");
}
