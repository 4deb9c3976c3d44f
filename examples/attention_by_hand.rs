//! Attention step by step on a shopping history of five events: scores, weights, context; then the modules that do it.
//!
//! `cargo run --release --example attention_by_hand`

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::error::Error;
use std::process::ExitCode;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use salient::model::attention::{AttentionPoolingConfig, MultiHeadAttentionConfig, mask};
use salient::ops::attention::{
    AttentionLayout, AttentionOptions, Direction, Visibility, attention, attention_weights,
};
use salient::random::{Mode, RandomKey};
use salient::sequence::{Offsets, PackedSequences};

#[path = "shared/failure.rs"]
mod failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: [&str; 5] = ["tent", "stove", "novel", "gas", "pan"];
/// What each item has of camping, cooking, reading and price.
const ITEMS: [[f32; 4]; 5] = [
    [2.0, 0.0, 0.0, 1.0],
    [1.5, 1.5, 0.0, 0.5],
    [0.0, 0.0, 2.0, -1.0],
    [1.5, 1.0, 0.0, -1.0],
    [0.0, 2.0, 0.0, 0.0],
];

fn main() -> ExitCode {
    failure::exit_code(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let device = salient::device::pick("auto")?;
    let history = Tensor::<2>::from_data(ITEMS, &device);

    // 1. The last event asks: which events are like me? Its vector is the query, all vectors are keys and values.
    let query = history.clone().narrow(0, 4, 1);
    let (key, value) = (history.clone(), history.clone());
    // 2. A score is a product, divided by the root of the width.
    let scores = query.matmul(key.transpose()) / 4f32.sqrt();
    // 3. The softmax turns scores into weights that sum to 1.
    let weights = softmax(scores.clone(), 1);
    // 4. The context is the weighted mean of the values.
    let context = weights.clone().matmul(value);
    println!("The pan looks back, by hand:");
    table(&EVENTS, &[("score", row(scores)), ("weight", row(weights))]);
    let axes = ["camping", "cooking", "reading", "price"];
    table(&axes, &[("context", row(context.clone()))]);

    // The same by the library: one head of width 4, each event a row, one sequence.
    let layout = AttentionLayout::self_attention(Offsets::from_lengths([5]));
    let causal = AttentionOptions {
        visibility: Visibility::causal(),
        ..AttentionOptions::default()
    };
    let heads = history.clone().reshape([5, 1, 4]);
    let (query, key, value) = (heads.clone(), heads.clone(), heads.clone());
    let library = attention(query, key, value, &layout, &causal);
    let difference = library.reshape([5, 4]).narrow(0, 4, 1) - context;
    let apart: f32 = difference.abs().max().into_scalar();
    println!("\nBy the library the context differs by {apart:.0e}.");

    println!("\nWho sees whom under a causal mask (x is hidden):");
    let hidden: Vec<bool> = mask::causal_mask(5, &device).into_data().iter().collect();
    for (event, hidden) in EVENTS.iter().zip(hidden.chunks(5)) {
        print!("{event:>9} ");
        let mark = |&hides: &bool| print!(" {}", if hides { 'x' } else { '.' });
        hidden.iter().for_each(mark);
        println!();
    }
    println!("\nWeights under that mask, one line a query:");
    let weights = attention_weights(heads.clone(), heads, &layout, &causal).reshape([5, 5]);
    table(&EVENTS, &lines(&EVENTS, weights));

    modules(history, &device)
}

/// The same with weights of its own: fresh here, so training would change what follows.
fn modules(history: Tensor<2>, device: &Device) -> Result<(), Box<dyn Error>> {
    let sequence = PackedSequences::new(history, Offsets::from_lengths([5]));
    let heads = ["head 1", "head 2"];

    let module = MultiHeadAttentionConfig::new(4, 2)
        .with_direction(Direction::Causal)
        .init(RandomKey::new(1), device)?;
    let output = module.forward_with_weights(sequence.clone(), Mode::Inference);
    println!("\nTwo heads of MultiHeadAttention, what the pan looks at:");
    let last = output.weights.narrow(2, 4, 1).reshape([2, 5]);
    table(&EVENTS, &lines(&heads, last));

    let pooling = AttentionPoolingConfig::new(4, 2).init(RandomKey::new(2), device)?;
    let output = pooling.forward_with_weights(sequence, Mode::Inference);
    println!("\nAttentionPooling, one vector for the history and where it comes from:");
    table(&EVENTS, &lines(&heads, output.weights.reshape([2, 5])));
    println!("  context {:.3?}", row(output.context));
    Ok(())
}

/// The numbers of a tensor of one row.
fn row(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

/// The rows of a tensor, each with its name.
fn lines<'a>(names: &[&'a str], rows: Tensor<2>) -> Vec<(&'a str, Vec<f32>)> {
    let rows = names.iter().zip(rows.iter_dim(0));
    rows.map(|(&name, numbers)| (name, row(numbers))).collect()
}

fn table(columns: &[&str], lines: &[(&str, Vec<f32>)]) {
    print!("{:>9}", "");
    columns.iter().for_each(|column| print!("{column:>9}"));
    for (name, numbers) in lines {
        print!("\n{name:>9}");
        numbers.iter().for_each(|number| print!("{number:9.3}"));
    }
    println!();
}
