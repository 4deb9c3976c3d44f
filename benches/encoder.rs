//! An encoder in training, forward and backward, beside Burn's own.
//!
//!     RAYON_NUM_THREADS=1 cargo bench --bench encoder
//!
//! What is printed, and what the environment variables do: docs/benchmarks.md.

#[path = "shared/numbers.rs"]
mod numbers;
mod shared;

use std::hint::black_box;
use std::process::ExitCode;

use burn::module::Module;
use burn::nn::activation::ActivationConfig;
use burn::nn::transformer::{TransformerEncoderConfig, TransformerEncoderInput};
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::Device;
use numbers::normal;
use salient::model::encoder::{Activation, Encoder, EncoderBlockConfig, EncoderConfig, NormOrder};
use salient::random::{Mode, RandomKey};
use salient::sequence::{Offsets, PackedSequences};
use shared::{Suite, built};

const N_SEQUENCES: usize = 32;
const SEQ_LEN: usize = 128;
const D_MODEL: usize = 128;
const N_HEADS: usize = 4;
const D_FF: usize = 512;
const N_LAYERS: usize = 2;
const DROPOUT: f64 = 0.1;

const SIZE: &str = "b32_l128_d128_h4_ff512";

fn main() -> ExitCode {
    shared::run(|suite| {
        let uniform = Offsets::uniform(N_SEQUENCES, SEQ_LEN);
        for (kind, norm_order) in [("post_relu", NormOrder::Post), ("pre_gelu", NormOrder::Pre)] {
            encoder(suite, kind, norm_order, &uniform);
            encoder(suite, &format!("{kind}_ragged"), norm_order, &ragged());
            stock_encoder(suite, kind, norm_order);
        }
    })
}

/// Sequences of a third of [`SEQ_LEN`] on average: the squares of evenly spread shares of it.
fn ragged() -> Offsets {
    let lengths = (0..N_SEQUENCES).map(|sequence| {
        let share = (sequence as f64 + 0.5) / N_SEQUENCES as f64;
        (share * share * SEQ_LEN as f64).ceil() as usize
    });
    Offsets::from_lengths(lengths)
}

fn encoder(suite: &mut Suite, kind: &str, norm_order: NormOrder, offsets: &Offsets) {
    let name = format!("encoder/{kind}_forward_backward/{SIZE}");
    suite.case(&name, |device| {
        let device = device.clone().autodiff();
        let encoder = salient_encoder(norm_order, &device);
        let rows = normal([offsets.n_rows(), D_MODEL], 0, &device).require_grad();
        let offsets = offsets.clone();
        let mut step = 0;
        move || {
            step += 1;
            let input = PackedSequences::new(rows.clone(), offsets.clone());
            let mode = Mode::Training(RandomKey::new(9).step(step));
            black_box(encoder.forward(input, mode).rows().backward());
        }
    });
}

fn salient_encoder(norm_order: NormOrder, device: &Device) -> Encoder {
    let activation = match norm_order {
        NormOrder::Post => Activation::Relu,
        NormOrder::Pre => Activation::Gelu,
    };
    let block = EncoderBlockConfig::new(D_MODEL, N_HEADS, D_FF)
        .with_norm_order(norm_order)
        .with_activation(activation)
        .with_dropout(DROPOUT);
    // A norm after the branches is one after the last block already.
    let config = EncoderConfig::new(block, N_LAYERS).with_final_norm(norm_order == NormOrder::Pre);
    built(config.init(RandomKey::new(8), device)).train()
}

/// Burn's own encoder on the same rows.
fn stock_encoder(suite: &mut Suite, kind: &str, norm_order: NormOrder) {
    let name = format!("encoder/stock_{kind}_forward_backward/{SIZE}");
    suite.case(&name, |device| {
        device.seed(8);
        let device = device.clone().autodiff();
        let activation = match norm_order {
            NormOrder::Post => ActivationConfig::Relu,
            NormOrder::Pre => ActivationConfig::Gelu,
        };
        let encoder = TransformerEncoderConfig::new(D_MODEL, D_FF, N_HEADS, N_LAYERS)
            .with_dropout(DROPOUT)
            .with_norm_first(norm_order == NormOrder::Pre)
            .with_activation(activation)
            .init(&device)
            .train();
        let final_norm: Option<LayerNorm> = (norm_order == NormOrder::Pre)
            .then(|| LayerNormConfig::new(D_MODEL).init(&device).train());
        let rows = normal([N_SEQUENCES * SEQ_LEN, D_MODEL], 0, &device)
            .reshape([N_SEQUENCES, SEQ_LEN, D_MODEL])
            .detach()
            .require_grad();
        move || {
            let mut output = encoder.forward(TransformerEncoderInput::new(rows.clone()));
            if let Some(norm) = &final_norm {
                output = norm.forward(output);
            }
            black_box(output.backward());
        }
    });
}
