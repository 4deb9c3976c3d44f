//! The layer from maps, attention and ReLU.

use burn::tensor::Tensor;

use super::{InteractingOptions, InteractingWeights};
use crate::ops::activation::relu;
use crate::ops::attention::{AttentionLayout, AttentionOptions, attention};
use crate::ops::linear::linear;
use crate::sequence::Offsets;

pub(super) fn interacting(
    rows: Tensor<2>,
    weights: InteractingWeights,
    options: &InteractingOptions,
) -> Tensor<2> {
    let [n_rows, _] = rows.dims();
    let InteractingWeights {
        query,
        key,
        value,
        residual,
    } = weights;
    let kept = linear(rows.clone(), residual, None);
    let [_, width] = kept.dims();
    let shape = [n_rows, options.n_heads, width / options.n_heads];
    let [query, key, value] =
        [query, key, value].map(|weight| linear(rows.clone(), weight, None).reshape(shape));
    let n_tokens = options.n_tokens;
    let layout = AttentionLayout::self_attention(Offsets::uniform(n_rows / n_tokens, n_tokens));
    let attention_options = AttentionOptions {
        scale: Some(options.scale),
        dropout: options.dropout,
        ..AttentionOptions::default()
    };
    let context = attention(query, key, value, &layout, &attention_options);
    relu(context.reshape([n_rows, width]) + kept)
}
