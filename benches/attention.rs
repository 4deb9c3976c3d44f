//! Attention, forward and backward: the operation on packed heads, and the module beside Burn's own.
//!
//!     RAYON_NUM_THREADS=1 cargo bench --bench attention
//!
//! What is printed, and what the environment variables do: docs/benchmarks.md.

#[path = "shared/numbers.rs"]
mod numbers;
mod shared;

use std::hint::black_box;
use std::process::ExitCode;

use burn::module::Module;
use burn::nn::attention::{MhaInput, generate_autoregressive_mask};
use burn::tensor::{Device, Tensor};
use numbers::normal;
use salient::model::attention::MultiHeadAttentionConfig;
use salient::ops::attention::{
    AttentionBias, AttentionLayout, AttentionOptions, BiasRule, Direction, DistanceBuckets,
    Visibility, attention,
};
use salient::random::{Mode, RandomKey};
use salient::sequence::{Offsets, PackedSequences};
use shared::{Suite, built};

/// Sequences, heads, length and width of a head.
const SIZES: [[usize; 4]; 4] = [
    [32, 4, 128, 32],
    [8, 4, 1024, 32],
    [1, 8, 4096, 64],
    [1, 1, 16_384, 64],
];

/// Sequences and length of the modules, which have [`N_HEADS`] heads and are [`D_MODEL`] wide.
const MODULE_SIZES: [[usize; 2]; 2] = [[32, 128], [8, 1024]];
const N_HEADS: usize = 4;
const D_MODEL: usize = 128;

/// Rows of a table of biases.
const N_BUCKETS: usize = 32;

const DIRECTIONS: [(&str, Direction); 2] = [
    ("full", Direction::Bidirectional),
    ("causal", Direction::Causal),
];

fn main() -> ExitCode {
    shared::run(|suite| {
        for size in SIZES {
            for (case, direction) in DIRECTIONS {
                operation(suite, case, direction, size);
            }
        }
        biased(suite, "relative_position", relative_position());
        biased(suite, "time_interval", time_interval());
        for size in MODULE_SIZES {
            for (case, direction) in DIRECTIONS {
                module(suite, case, direction, size);
                stock_module(suite, case, direction, size);
            }
        }
    })
}

fn operation(suite: &mut Suite, case: &str, direction: Direction, size: [usize; 4]) {
    let name = |pass: &str| format!("attention/{case}_{pass}/{}", operation_size(size));
    let options = AttentionOptions {
        visibility: visibility(direction),
        ..AttentionOptions::default()
    };
    suite.case(&name("forward"), |device| {
        let heads = Heads::new(size, device);
        let options = options.clone();
        move || {
            black_box(heads.attend(&options));
        }
    });
    suite.case(&name("forward_backward"), |device| {
        let heads = Heads::new(size, &device.clone().autodiff()).require_grad();
        let options = options.clone();
        move || {
            black_box(heads.attend(&options).backward());
        }
    });
}

/// Forward and backward with a learned bias, whose gradient is made too.
fn biased(suite: &mut Suite, case: &str, rule: BiasRule) {
    let size = SIZES[0];
    let name = format!(
        "attention/causal_{case}_forward_backward/{}",
        operation_size(size)
    );
    suite.case(&name, |device| {
        let device = device.clone().autodiff();
        let heads = Heads::new(size, &device).require_grad();
        let bias = AttentionBias {
            table: normal([N_BUCKETS, size[1]], 3, &device).require_grad(),
            rule: rule.clone(),
        };
        let options = AttentionOptions {
            visibility: Visibility::causal(),
            biases: vec![bias],
            ..AttentionOptions::default()
        };
        move || {
            black_box(heads.attend(&options).backward());
        }
    });
}

fn relative_position() -> BiasRule {
    BiasRule::RelativePosition {
        direction: Direction::Causal,
        buckets: DistanceBuckets::Clipped,
    }
}

/// An event every 1, 2, .. 60 minutes in turn, in buckets of seconds.
fn time_interval() -> BiasRule {
    let [n_sequences, _, seq_len, _] = SIZES[0];
    let times = (0..n_sequences * seq_len).scan(0, |time, event| {
        *time += (event as i64 % 60 + 1) * 60_000;
        Some(*time)
    });
    let times: Vec<i64> = times.collect();
    BiasRule::TimeInterval {
        query_times: times.clone().into(),
        key_times: times.into(),
        unit_millis: 1000,
    }
}

fn module(suite: &mut Suite, case: &str, direction: Direction, size: [usize; 2]) {
    let name = format!(
        "attention/multi_head_{case}_forward_backward/{}",
        module_size(size)
    );
    suite.case(&name, |device| {
        let device = device.clone().autodiff();
        let config = MultiHeadAttentionConfig::new(D_MODEL, N_HEADS)
            .with_dropout(0.0)
            .with_direction(direction);
        let module = built(config.init(RandomKey::new(8), &device)).train();
        let [n_sequences, seq_len] = size;
        let rows = normal([n_sequences * seq_len, D_MODEL], 0, &device).require_grad();
        let offsets = Offsets::uniform(n_sequences, seq_len);
        let mode = Mode::Training(RandomKey::new(9));
        move || {
            let input = PackedSequences::new(rows.clone(), offsets.clone());
            black_box(module.forward(input, mode).rows().backward());
        }
    });
}

/// Burn's own module on the same rows.
fn stock_module(suite: &mut Suite, case: &str, direction: Direction, size: [usize; 2]) {
    let name = format!(
        "attention/stock_multi_head_{case}_forward_backward/{}",
        module_size(size)
    );
    suite.case(&name, |device| {
        let device = device.clone().autodiff();
        let config =
            burn::nn::attention::MultiHeadAttentionConfig::new(D_MODEL, N_HEADS).with_dropout(0.0);
        let module = config.init(&device).train();
        let [n_sequences, seq_len] = size;
        let rows = normal([n_sequences * seq_len, D_MODEL], 0, &device)
            .reshape([n_sequences, seq_len, D_MODEL])
            .detach()
            .require_grad();
        let mask = (direction == Direction::Causal)
            .then(|| generate_autoregressive_mask(n_sequences, seq_len, &device));
        move || {
            let mut input = MhaInput::self_attn(rows.clone());
            if let Some(mask) = &mask {
                input = input.mask_attn(mask.clone());
            }
            black_box(module.forward(input).context.backward());
        }
    });
}

/// Queries, keys and values.
struct Heads {
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    layout: AttentionLayout,
}

impl Heads {
    fn new([n_sequences, n_heads, seq_len, d_head]: [usize; 4], device: &Device) -> Self {
        let heads = |part| normal([n_sequences * seq_len, n_heads, d_head], part, device);
        Self {
            query: heads(0),
            key: heads(1),
            value: heads(2),
            layout: AttentionLayout::self_attention(Offsets::uniform(n_sequences, seq_len)),
        }
    }

    fn require_grad(self) -> Self {
        Self {
            query: self.query.require_grad(),
            key: self.key.require_grad(),
            value: self.value.require_grad(),
            layout: self.layout,
        }
    }

    fn attend(&self, options: &AttentionOptions) -> Tensor<3> {
        attention(
            self.query.clone(),
            self.key.clone(),
            self.value.clone(),
            &self.layout,
            options,
        )
    }
}

fn visibility(direction: Direction) -> Visibility {
    Visibility {
        direction,
        window: None,
    }
}

fn operation_size([n_sequences, n_heads, seq_len, d_head]: [usize; 4]) -> String {
    format!("b{n_sequences}_h{n_heads}_l{seq_len}_d{d_head}")
}

fn module_size([n_sequences, seq_len]: [usize; 2]) -> String {
    format!("b{n_sequences}_l{seq_len}_d{D_MODEL}_h{N_HEADS}")
}
