//! Attention on a padded grid, from Burn's matrix products.

use burn::tensor::{DType, Device, Tensor};

use super::padded::{self, Planes};
use super::{AttentionBias, AttentionForm, AttentionLayout, AttentionOptions};
use crate::ops::activation::silu;
use crate::ops::host;
use crate::sequence::Offsets;

/// The mixed values. There is at least one query row and one key row.
pub(super) fn attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    layout: &AttentionLayout,
    options: &AttentionOptions,
) -> Tensor<3> {
    let [_, n_heads, _] = query.dims();
    let (device, dtype) = (query.device(), query.dtype());
    let (mut weights, total) = unscaled_weights(query, key, layout, options);
    if let Some(dropout) = options.dropout.filter(|dropout| !dropout.is_none()) {
        let factors = padded::dropout_factors(layout, options.visibility, n_heads, &dropout);
        weights = weights.clone() * host::floats(factors, weights.dims(), &device, dtype);
    }
    // Dividing the sums, not the weights, touches d_head numbers a query instead of key_len.
    let context = weights.matmul(to_grid(value, &layout.key)) / total;
    let context = from_grid(context, &layout.query);
    match padded::seeing(layout, options.visibility) {
        Some(seeing) => {
            let n_rows = seeing.len();
            context * host::floats(seeing, [n_rows, 1, 1], &device, dtype)
        }
        None => context,
    }
}

/// The weights on the padded grid. There is at least one query row and one key row.
pub(super) fn weights(
    query: Tensor<3>,
    key: Tensor<3>,
    layout: &AttentionLayout,
    options: &AttentionOptions,
) -> Tensor<4> {
    let (device, dtype) = (query.device(), query.dtype());
    let (weights, total) = unscaled_weights(query, key, layout, options);
    let seeing = padded::seeing_cells(layout, options.visibility);
    let shape = [layout.n_sequences(), 1, layout.query.max_len(), 1];
    weights / total * host::floats(seeing, shape, &device, dtype)
}

/// Weights, and what they are still to be divided by.
fn unscaled_weights(
    query: Tensor<3>,
    key: Tensor<3>,
    layout: &AttentionLayout,
    options: &AttentionOptions,
) -> (Tensor<4>, Tensor<4>) {
    let [_, n_heads, d_head] = query.dims();
    let (device, dtype) = (query.device(), query.dtype());
    let scale = options.scale.unwrap_or(1.0 / (d_head as f64).sqrt());
    let query = to_grid(query * scale, &layout.query);
    let key = to_grid(key, &layout.key);
    let mut scores = query.matmul(key.swap_dims(2, 3));
    for bias in &options.biases {
        scores = scores + bias_planes(bias, layout, n_heads);
    }
    let mask = padded::mask(layout, options.visibility)
        .map(|mask| mask_planes(mask, layout.key.max_len(), &device, dtype));
    match options.form {
        AttentionForm::Softmax => {
            let scores = match mask {
                Some(mask) => scores + mask,
                None => scores,
            };
            // The softmax does not change with a shift of a row, so the maximum needs no gradient.
            let highest = scores.clone().detach().max_dim(3);
            let exponentials = (scores - highest).exp();
            let total = exponentials.clone().sum_dim(3);
            (exponentials, total)
        }
        AttentionForm::Pointwise { divisor } => {
            let weights = silu(scores);
            let weights = match mask {
                // Minus infinity becomes 0, and 0 becomes 1.
                Some(mask) => weights * mask.exp(),
                None => weights,
            };
            (weights, Tensor::full([1; 4], divisor, (&device, dtype)))
        }
    }
}

/// Packed rows as `[n_sequences, n_heads, max_len, d_head]`.
fn to_grid(rows: Tensor<3>, offsets: &Offsets) -> Tensor<4> {
    let [_, n_heads, d_head] = rows.dims();
    let cells = match padded::rows_of_cells(offsets) {
        Some(index) => {
            let index = host::indices(index, &rows.device());
            host::select_rows(rows, index)
        }
        None => rows,
    };
    cells
        .reshape([offsets.n_sequences(), offsets.max_len(), n_heads, d_head])
        .swap_dims(1, 2)
}

/// The inverse of [`to_grid`].
fn from_grid(grid: Tensor<4>, offsets: &Offsets) -> Tensor<3> {
    let [n_sequences, n_heads, max_len, d_head] = grid.dims();
    let cells = grid
        .swap_dims(1, 2)
        .reshape([n_sequences * max_len, n_heads, d_head]);
    match padded::cells_of_rows(offsets) {
        Some(index) => {
            let index = host::indices(index, &cells.device());
            host::select_rows(cells, index)
        }
        None => cells,
    }
}

fn bias_planes(bias: &AttentionBias, layout: &AttentionLayout, n_heads: usize) -> Tensor<4> {
    let [n_buckets, _] = bias.table.dims();
    let (max_query, max_key) = (layout.query.max_len(), layout.key.max_len());
    let Planes { n_planes, values } = padded::buckets(layout, &bias.rule, n_buckets);
    let index = host::indices(values, &bias.table.device());
    host::select_rows(bias.table.clone(), index)
        .reshape([n_planes, max_query, max_key, n_heads])
        .permute([0, 3, 1, 2])
}

fn mask_planes(mask: Planes<f32>, max_key: usize, device: &Device, dtype: DType) -> Tensor<4> {
    let n_rows = mask.values.len() / (mask.n_planes * max_key);
    host::floats(
        mask.values,
        [mask.n_planes, 1, n_rows, max_key],
        device,
        dtype,
    )
}
