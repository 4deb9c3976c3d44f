//! Binary cross-entropy from Burn's log-sigmoid.

use burn::tensor::{Tensor, activation::log_sigmoid};

use crate::ops::{embedding::embedding, host};

/// Mean of the rows' losses, each times its factor. There is at least one row.
pub(super) fn binary_cross_entropy(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[u32],
    negatives: &[u32],
    factors: Vec<f32>,
) -> Tensor<1> {
    let [n_rows, d_model] = hidden.dims();
    let n_candidates = 1 + negatives.len() / n_rows;
    let n_negatives = n_candidates - 1;
    let mut candidates = Vec::with_capacity(n_rows * n_candidates);
    for (row, target) in targets.iter().enumerate() {
        candidates.push(*target);
        candidates.extend(&negatives[row * n_negatives..(row + 1) * n_negatives]);
    }
    let (device, dtype) = (hidden.device(), hidden.dtype());
    // 1 - sigmoid(x) = sigmoid(-x), so the negatives change sign.
    let mut signs = vec![-1.0; n_candidates];
    signs[0] = 1.0;
    let signs = host::floats(signs, [1, n_candidates], &device, dtype);
    let factors = host::floats(factors, [n_rows, 1], &device, dtype);
    let items = embedding(table, &candidates).reshape([n_rows, n_candidates, d_model]);
    let scores = (items * hidden.unsqueeze_dim(1)).sum_dim(2);
    let scores = scores.reshape([n_rows, n_candidates]);
    (log_sigmoid(scores * signs) * factors).sum().neg()
}
