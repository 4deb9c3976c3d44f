//! Attention forward and backward, ours beside Burn's own, named `attention/case/size`.
//!
//!     cargo bench --bench attention
//!     SALIENT_DEVICE=ndarray cargo bench --bench attention
//!
//! Times are wall-clock; for one core set `RAYON_NUM_THREADS=1`.
#![allow(
    missing_docs,
    reason = "criterion's macros write functions without docs"
)]

use std::hint::black_box;

use burn::tensor::module::attention as burn_attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use salient::ops::attention::{AttentionLayout, AttentionOptions, Visibility, attention};
use salient::parameters;
use salient::random::RandomKey;
use salient::sequence::Offsets;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sequences, heads, length and width of a head.
const SIZES: [[usize; 4]; 2] = [[32, 4, 128, 32], [8, 4, 1024, 32]];

fn benches(criterion: &mut Criterion) {
    let name = std::env::var("SALIENT_DEVICE").unwrap_or_else(|_| "flex".to_owned());
    // A bench without its device has nothing to measure.
    let device = salient::device::pick(&name)
        .unwrap_or_else(|error| panic!("{error}"))
        .autodiff();
    let mut group = criterion.benchmark_group("attention");
    group.sample_size(10);
    for [n_sequences, n_heads, seq_len, d_head] in SIZES {
        let size = format!("b{n_sequences}_h{n_heads}_l{seq_len}_d{d_head}");
        let [query, key, value] =
            [0, 1, 2].map(|part| random([n_sequences * seq_len, n_heads, d_head], part, &device));
        let layout = AttentionLayout::self_attention(Offsets::uniform(n_sequences, seq_len));
        for (case, visibility) in [
            ("full", Visibility::bidirectional()),
            ("causal", Visibility::causal()),
        ] {
            let options = AttentionOptions {
                visibility,
                ..AttentionOptions::default()
            };
            group.bench_function(
                BenchmarkId::new(format!("salient_{case}"), &size),
                |bencher| {
                    bencher.iter(|| {
                        let context =
                            attention(query.clone(), key.clone(), value.clone(), &layout, &options);
                        finish(context, &query)
                    });
                },
            );
            let dense = |rows: &Tensor<3>| {
                rows.clone()
                    .reshape([n_sequences, seq_len, n_heads, d_head])
                    .swap_dims(1, 2)
            };
            let options = AttentionModuleOptions {
                is_causal: case == "causal",
                ..Default::default()
            };
            group.bench_function(BenchmarkId::new(format!("burn_{case}"), &size), |bencher| {
                bencher.iter(|| {
                    let context = burn_attention(
                        dense(&query),
                        dense(&key),
                        dense(&value),
                        None,
                        None,
                        options,
                    );
                    finish(context, &query)
                });
            });
        }
    }
    group.finish();
}

/// Runs the backward pass and waits for the gradient.
fn finish<const D: usize>(context: Tensor<D>, query: &Tensor<3>) {
    let gradients = context.sum().backward();
    black_box(
        query
            .grad(&gradients)
            .map(|gradient| gradient.sum().into_data()),
    );
}

fn random(shape: [usize; 3], part: u64, device: &Device) -> Tensor<3> {
    parameters::normal(shape, 1.0, RandomKey::new(7).child(part), device)
        .val()
        .require_grad()
}

criterion_group!(attention_benches, benches);
criterion_main!(attention_benches);
