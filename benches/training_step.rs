//! One training step of SASRec: forward, loss, backward and the optimiser's update.
//!
//!     RAYON_NUM_THREADS=1 cargo bench --bench training_step
//!
//! What is printed, and what the environment variables do: docs/benchmarks.md.

#[path = "shared/histories.rs"]
mod histories;
mod shared;
#[path = "shared/stock_sasrec.rs"]
mod stock_sasrec;

use std::process::ExitCode;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use histories::histories;
use rand::RngExt;
use salient::features::FIRST_REAL_ID;
use salient::ops::linear_cross_entropy::{Negatives, linear_cross_entropy, sampled_cross_entropy};
use salient::random::{Mode, RandomKey};
use salient::sequence::Offsets;
use salient::tasks::next_item::{Histories, NextItemConfig, NextItemModel};
use salient::training::Optimiser;
use shared::{Suite, built};
use stock_sasrec::{Batch as StockBatch, Settings, StockSasRec};

const BATCH_SIZE: usize = 128;
const MAX_LEN: usize = 200;
const D_MODEL: usize = 64;
const N_HEADS: usize = 2;
const N_LAYERS: usize = 2;
const D_FF: usize = 64;
const DROPOUT: f64 = 0.2;

/// As many as the 3,416 items of MovieLens-1M in Kang and McAuley 2018, and one for padding.
const N_ITEMS: usize = 3_417;

/// Longest history of the shop.
const SHOP_LEN: usize = 50;

/// Negatives that all positions of a batch share.
const N_NEGATIVES: usize = 256;

/// Batches that take turns, so that no step finds the rows of the last one in the cache by their number.
const N_BATCHES: u64 = 4;

fn main() -> ExitCode {
    shared::run(|suite| {
        full_softmax(suite, "full", &[MAX_LEN; BATCH_SIZE], MAX_LEN);
        full_softmax(suite, "movielens", &movielens_lengths(), MAX_LEN);
        full_softmax(suite, "shop", &shop_lengths(), SHOP_LEN);
        for n_items in [100_000, 1_000_000] {
            sampled_softmax(suite, n_items);
        }
        stock(suite);
    })
}

/// Lengths like those of MovieLens-1M, whose users have at least 20 events and 107 on average after the cut at 200:
/// the quantiles of 20 plus an exponential law of mean 107, cut at 200. Their mean is 107.1.
fn movielens_lengths() -> Vec<usize> {
    lengths(|share| (20.0 - 107.0 * (1.0 - share).ln()).round(), MAX_LEN)
}

/// Lengths of a shop, most of them short: the quantiles of an exponential law of mean 8.5, rounded up. Their mean is 9.0.
fn shop_lengths() -> Vec<usize> {
    lengths(|share| (-8.5 * (1.0 - share).ln()).ceil(), SHOP_LEN)
}

/// The quantiles of a law at evenly spread shares, one for each history of a batch.
fn lengths(quantile: impl Fn(f64) -> f64, longest: usize) -> Vec<usize> {
    let share = |history: usize| (history as f64 + 0.5) / BATCH_SIZE as f64;
    let lengths = (0..BATCH_SIZE).map(|history| quantile(share(history)) as usize);
    lengths.map(|length| length.min(longest)).collect()
}

fn full_softmax(suite: &mut Suite, case: &str, lengths: &[usize], max_len: usize) {
    suite.case(&name(case, max_len, N_ITEMS), |device| {
        let mut training = Training::new(lengths, max_len, N_ITEMS, device);
        move || {
            training.step(|model, hidden, batch| {
                linear_cross_entropy(hidden, model.catalogue(), &batch.targets, None, 0.0)
            });
        }
    });
}

fn sampled_softmax(suite: &mut Suite, n_items: usize) {
    suite.case(&name("sampled", MAX_LEN, n_items), |device| {
        let mut training = Training::new(&[MAX_LEN; BATCH_SIZE], MAX_LEN, n_items, device);
        move || {
            training.step(|model, hidden, batch| {
                let targets: Vec<u32> = batch
                    .targets
                    .iter()
                    .map(|item| item + FIRST_REAL_ID)
                    .collect();
                let table = model.item_embedding.val();
                let negatives = Negatives {
                    ids: &batch.negatives,
                    groups: &Offsets::uniform(1, targets.len()),
                    log_chances: None,
                };
                sampled_cross_entropy(hidden, table, &targets, &negatives, None)
            });
        }
    });
}

fn name(case: &str, max_len: usize, n_items: usize) -> String {
    format!("training_step/{case}/b{BATCH_SIZE}_l{max_len}_d{D_MODEL}_i{n_items}")
}

/// A model in training.
struct Training {
    config: NextItemConfig,
    /// Always there between steps, as the optimiser takes a model and gives one back.
    model: Option<NextItemModel>,
    optimiser: Optimiser,
    batches: Vec<Batch>,
    steps: u64,
}

/// What a step learns from.
struct Batch {
    histories: Histories,
    /// Catalogue index of the item after each event.
    targets: Vec<u32>,
    /// Rows of the item table.
    negatives: Vec<u32>,
}

impl Training {
    fn new(lengths: &[usize], max_len: usize, n_items: usize, device: &Device) -> Self {
        let mut config = built(NextItemConfig::preset("sasrec"));
        config.d_model = D_MODEL;
        config.n_layers = N_LAYERS;
        config.n_heads = N_HEADS;
        config.d_ff = D_FF;
        config.dropout = DROPOUT;
        config.max_len = max_len;
        config.training.clip_norm = None;
        let key = RandomKey::new(8);
        let model = built(NextItemModel::init(&config, n_items, key, device));
        let batch = |turn| Batch::new(lengths, n_items, RandomKey::new(7).child(turn));
        Self {
            model: Some(model.train()),
            optimiser: Optimiser::new(&config.training),
            batches: (0..N_BATCHES).map(batch).collect(),
            steps: 0,
            config,
        }
    }

    /// One step with the mean loss that `loss` makes of model, encoded rows and batch.
    fn step(&mut self, loss: impl Fn(&NextItemModel, Tensor<2>, &Batch) -> Tensor<1>) {
        let Some(model) = self.model.take() else {
            return;
        };
        let batch = &self.batches[(self.steps % N_BATCHES) as usize];
        let mode = Mode::Training(RandomKey::new(9).step(self.steps));
        self.steps += 1;
        let hidden = built(model.forward(&batch.histories, mode)).rows();
        let loss = loss(&model, hidden, batch);
        let learning_rate = self.config.training.learning_rate;
        self.model = Some(built(self.optimiser.step(model, &loss, learning_rate)));
    }
}

impl Batch {
    /// Draws histories of one event more than `lengths`: the first is no target, the last one no input.
    fn new(lengths: &[usize], n_items: usize, key: RandomKey) -> Self {
        let whole: Vec<usize> = lengths.iter().map(|length| length + 1).collect();
        let histories = histories(&whole, n_items, key);
        let inputs = || {
            histories
                .offsets
                .ranges()
                .flat_map(|range| range.start..range.end - 1)
        };
        let mut generator = key.child(1).generator();
        let negatives = (0..N_NEGATIVES).map(|_| generator.random_range(0..n_items as u32));
        Self {
            targets: inputs().map(|row| histories.items[row + 1]).collect(),
            histories: Histories::new(
                inputs()
                    .map(|row| histories.items[row] + FIRST_REAL_ID)
                    .collect(),
                Offsets::from_lengths(lengths.iter().copied()),
            ),
            negatives: negatives.map(|item| item + FIRST_REAL_ID).collect(),
        }
    }
}

/// The step of `full` with Burn's own modules and our optimiser.
fn stock(suite: &mut Suite) {
    suite.case(&name("stock_full", MAX_LEN, N_ITEMS), |device| {
        let settings = Settings {
            n_items: N_ITEMS,
            seq_len: MAX_LEN,
            d_model: D_MODEL,
            d_ff: D_FF,
            n_heads: N_HEADS,
            n_layers: N_LAYERS,
            dropout: DROPOUT,
        };
        device.seed(8);
        let device = device.clone().autodiff();
        let mut model = Some(StockSasRec::init(&settings, &device).train());
        let batches = (0..N_BATCHES).map(|turn| {
            let lengths = [MAX_LEN; BATCH_SIZE];
            let batch = Batch::new(&lengths, N_ITEMS, RandomKey::new(7).child(turn));
            StockBatch::new(&batch.histories.items, &batch.targets, BATCH_SIZE, &device)
        });
        let batches: Vec<StockBatch> = batches.collect();
        let training = built(NextItemConfig::preset("sasrec")).training;
        let mut optimiser = Optimiser::new(&training);
        let mut turns = (0..batches.len()).cycle();
        move || {
            if let (Some(current), Some(turn)) = (model.take(), turns.next()) {
                let loss = current.loss(&batches[turn]);
                model = Some(built(optimiser.step(
                    current,
                    &loss,
                    training.learning_rate,
                )));
            }
        }
    });
}
