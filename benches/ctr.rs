//! CTR prediction: one training step of AutoInt+ and one answer, on two shapes of rows.
//!
//!     RAYON_NUM_THREADS=1 cargo bench --bench ctr
//!
//! What is printed, and what the environment variables do: docs/benchmarks.md.

mod shared;

use std::hint::black_box;
use std::process::ExitCode;

use burn::module::Module as _;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use salient::features::tabular::{CategoryField, EncodedRows, TabularShape};
use salient::model::mlp::MlpConfig;
use salient::random::{Mode, RandomKey};
use salient::tasks::tabular::{
    AutoIntConfig, InteractionConfig, TabularNetwork, TabularNetworkConfig, cross_entropy,
};
use salient::training::{Optimiser, TrainingConfig};
use shared::{Suite, built};

const BATCH_SIZE: usize = 4_096;
const D_EMBEDDING: usize = 16;
const D_ATTENTION: usize = 16;

/// Batches that take turns, so that no step finds the rows of the last one in the cache by their number.
const N_BATCHES: u64 = 4;

/// Values of the ten fields of Frappe (Baltrunas et al. 2015).
const FRAPPE: [usize; 10] = [957, 4_082, 7, 7, 2, 3, 2, 9, 80, 233];

/// Values in all fields of the shape of Criteo's logs.
const CRITEO_VALUES: usize = 1_000_000;

fn main() -> ExitCode {
    shared::run(|suite| {
        for (shape, sizes) in [("frappe", FRAPPE.to_vec()), ("criteo", criteo())] {
            train(suite, shape, &sizes);
            predict(suite, shape, &sizes);
        }
    })
}

/// 13 fields of 100 values, and 26 whose numbers of values grow geometrically to a million in all.
fn criteo() -> Vec<usize> {
    let mut sizes = vec![100; 13];
    let weights: Vec<f64> = (0..26)
        .map(|field| 10_f64.powf(0.6 + (5.35 - 0.6) * f64::from(field) / 25.0))
        .collect();
    let total: f64 = weights.iter().sum();
    let share = (CRITEO_VALUES - 1_300) as f64 / total;
    sizes.extend(
        weights
            .iter()
            .map(|weight| ((weight * share) as usize).max(4)),
    );
    let rest = CRITEO_VALUES - sizes.iter().sum::<usize>();
    sizes[38] += rest;
    sizes
}

fn train(suite: &mut Suite, shape: &str, sizes: &[usize]) {
    suite.case(&format!("ctr/train/{shape}/b{BATCH_SIZE}"), |device| {
        let batches = batches(sizes);
        let config = TrainingConfig {
            weight_decay: 0.0,
            ..TrainingConfig::default()
        };
        let mut optimiser = Optimiser::new(&config);
        let mut model = Some(network(sizes, device).train());
        let device = device.clone().autodiff();
        let mut steps = 0;
        move || {
            let batch = &batches[steps % batches.len()];
            let labels = TensorData::new(batch.labels.clone(), [BATCH_SIZE, 1]);
            let labels = Tensor::<2>::from_data(labels, &device);
            let key = RandomKey::new(3).step(steps as u64);
            steps += 1;
            if let Some(before) = model.take() {
                let logits = before.forward(batch, Mode::Training(key));
                let loss = cross_entropy(logits, labels).mean();
                model = Some(built(optimiser.step(before, &loss, config.learning_rate)));
            }
        }
    });
}

fn predict(suite: &mut Suite, shape: &str, sizes: &[usize]) {
    suite.case(&format!("ctr/predict/{shape}/b{BATCH_SIZE}"), |device| {
        let batches = batches(sizes);
        let model = network(sizes, device);
        let mut turn = 0;
        move || {
            let logits = model.forward(&batches[turn % batches.len()], Mode::Inference);
            black_box(logits.into_data());
            turn += 1;
        }
    });
}

fn network(sizes: &[usize], device: &Device) -> TabularNetwork {
    let categories = sizes
        .iter()
        .enumerate()
        .map(|(field, &n_values)| CategoryField {
            name: field.to_string(),
            n_values,
        });
    let shape = TabularShape {
        categories: categories.collect(),
        labels: vec!["clicked".to_owned()],
        ..TabularShape::default()
    };
    let config = TabularNetworkConfig {
        d_embedding: D_EMBEDDING,
        first_order: true,
        interaction: InteractionConfig::Autoint(AutoIntConfig {
            d_attention: D_ATTENTION,
            scaled: true,
            mlp: Some(MlpConfig::default()),
            ..AutoIntConfig::default()
        }),
        ..TabularNetworkConfig::default()
    };
    built(TabularNetwork::init(
        &config,
        &shape,
        RandomKey::new(8),
        device,
    ))
}

/// Rows of values that are all alike probable, three in ten of them clicked.
fn batches(sizes: &[usize]) -> Vec<EncodedRows> {
    let batch = |batch: u64| {
        let mut generator = RandomKey::new(7).child(batch).generator();
        let mut rows = EncodedRows {
            n_rows: BATCH_SIZE,
            ..EncodedRows::default()
        };
        for _ in 0..BATCH_SIZE {
            let values = sizes
                .iter()
                .map(|&size| generator.random_range(0..size as u32));
            rows.categories.extend(values.collect::<Vec<_>>());
            rows.labels
                .push(f32::from(u8::from(generator.random_bool(0.3))));
        }
        rows
    };
    (0..N_BATCHES).map(batch).collect()
}
