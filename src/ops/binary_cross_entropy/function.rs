//! The public function.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::host;

/// Weighted mean over rows of the binary cross-entropy of one target and a few sampled negatives.
///
/// `-log sigmoid(hidden · target) - sum_j log(1 - sigmoid(hidden · negative_j))` for each row. Sampling makes the loss
/// cheap for large tables and its scores overconfident; compare with
/// [`linear_cross_entropy`](crate::ops::linear_cross_entropy::linear_cross_entropy).
///
/// # Shapes
/// - `hidden`: `[n_rows, d_model]`
/// - `table`: `[n_items, d_model]`
/// - `targets`: one item a row
/// - `negatives`: `[n_rows, n_negatives]`, row by row; `n_negatives` may be 0
/// - `row_weights`: one weight a row; 1 if `None`
/// - returns `[1]`
///
/// # Edge cases
/// No rows, or weights that are all zero, give 0 with zero gradient. Scores of any finite size are safe.
///
/// # Panics
/// If a shape above does not hold, if an id is not below `n_items`, or if a weight is negative or not finite.
///
/// # Source
/// SASRec, Kang and McAuley 2018, <https://arxiv.org/abs/1808.09781>, section III-E. Differences: any number of
/// negatives, summed.
pub fn binary_cross_entropy_sampled(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[u32],
    negatives: &[u32],
    row_weights: Option<&[f32]>,
) -> Tensor<1> {
    let [n_rows, d_model] = hidden.dims();
    let [n_items, d_table] = table.dims();
    assert_eq!(d_table, d_model, "table must be as wide as hidden");
    assert_eq!(targets.len(), n_rows, "each row needs one target");
    assert!(
        negatives.is_empty() || n_rows > 0 && negatives.len().is_multiple_of(n_rows),
        "{} negatives do not divide among {n_rows} rows",
        negatives.len()
    );
    host::assert_ids("target", targets, n_items);
    host::assert_ids("negative", negatives, n_items);
    match host::row_factors(row_weights, n_rows) {
        None => host::zero_loss(&hidden, &table),
        Some(factors) => {
            composite::binary_cross_entropy(hidden, table, targets, negatives, factors)
        }
    }
}
