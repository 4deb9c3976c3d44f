//! What serving costs: the best items of a catalogue, the encoding of histories, attention alone.
//!
//!     RAYON_NUM_THREADS=1 cargo bench --bench prediction
//!
//! What is printed, and what the environment variables do: docs/benchmarks.md.

#[path = "shared/histories.rs"]
mod histories;
#[path = "shared/numbers.rs"]
mod numbers;
mod shared;

use std::hint::black_box;
use std::process::ExitCode;

use burn::nn::attention::MhaInput;
use histories::histories;
use numbers::normal;
use salient::features::FIRST_REAL_ID;
use salient::model::attention::MultiHeadAttentionConfig;
use salient::ops::top_k::{Candidates, top_k};
use salient::random::{Mode, RandomKey};
use salient::sequence::{Offsets, PackedSequences};
use salient::tasks::next_item::{Histories, NextItemConfig, NextItemModel};
use shared::{Suite, built};

const D_MODEL: usize = 64;

/// Items asked for.
const K: usize = 100;

/// Users asking together, and size of the catalogue.
const CATALOGUES: [[usize; 2]; 3] = [[256, 1_000_000], [1, 1_000_000], [32, 100_000]];

/// Histories encoded together, and events in each.
const HISTORIES: [[usize; 2]; 2] = [[1, 50], [256, 50]];

/// As in the training step.
const N_ITEMS: usize = 3_417;

/// Sequences, length, width and heads of attention alone.
const ATTENTION: [usize; 4] = [32, 128, 128, 4];

fn main() -> ExitCode {
    shared::run(|suite| {
        for size in CATALOGUES {
            best_items(suite, size);
        }
        for size in HISTORIES {
            encode(suite, size);
        }
        attention(suite);
        stock_attention(suite);
    })
}

fn best_items(suite: &mut Suite, [n_users, n_items]: [usize; 2]) {
    let name = format!("prediction/top_{K}/u{n_users}_i{n_items}_d{D_MODEL}");
    suite.case(&name, |device| {
        let users = normal([n_users, D_MODEL], 0, device);
        let table = normal([n_items, D_MODEL], 1, device);
        move || {
            let best = top_k(users.clone(), table.clone(), K, Candidates::default());
            black_box(best);
        }
    });
}

fn encode(suite: &mut Suite, [n_histories, seq_len]: [usize; 2]) {
    let name = format!("prediction/encode/b{n_histories}_l{seq_len}_d{D_MODEL}");
    suite.case(&name, |device| {
        let mut config = built(NextItemConfig::preset("sasrec"));
        config.n_heads = 2;
        let model = built(NextItemModel::init(
            &config,
            N_ITEMS,
            RandomKey::new(8),
            device,
        ));
        let histories = histories(&vec![seq_len; n_histories], N_ITEMS, RandomKey::new(7));
        let items: Vec<u32> = histories
            .items
            .iter()
            .map(|item| item + FIRST_REAL_ID)
            .collect();
        let histories = Histories::new(items, histories.offsets);
        move || {
            let rows = built(model.forward(&histories, Mode::Inference));
            black_box(rows.last_rows());
        }
    });
}

fn attention(suite: &mut Suite) {
    let name = format!("prediction/multi_head_forward/{}", attention_size());
    suite.case(&name, |device| {
        let [n_sequences, seq_len, d_model, n_heads] = ATTENTION;
        let config = MultiHeadAttentionConfig::new(d_model, n_heads);
        let module = built(config.init(RandomKey::new(8), device));
        let rows = normal([n_sequences * seq_len, d_model], 0, device);
        let input = PackedSequences::new(rows, Offsets::uniform(n_sequences, seq_len));
        move || {
            black_box(module.forward(input.clone(), Mode::Inference));
        }
    });
}

/// Burn's own module on the same rows.
fn stock_attention(suite: &mut Suite) {
    let name = format!("prediction/stock_multi_head_forward/{}", attention_size());
    suite.case(&name, |device| {
        let [n_sequences, seq_len, d_model, n_heads] = ATTENTION;
        let module =
            burn::nn::attention::MultiHeadAttentionConfig::new(d_model, n_heads).init(device);
        let rows = normal([n_sequences * seq_len, d_model], 0, device).reshape([
            n_sequences,
            seq_len,
            d_model,
        ]);
        move || {
            black_box(module.forward(MhaInput::self_attn(rows.clone())).context);
        }
    });
}

fn attention_size() -> String {
    let [n_sequences, seq_len, d_model, n_heads] = ATTENTION;
    format!("b{n_sequences}_l{seq_len}_d{d_model}_h{n_heads}")
}
