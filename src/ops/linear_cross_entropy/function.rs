//! The public function.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::host;

/// Weighted mean over rows of how surprising each target is: minus the logarithm of its softmax probability.
///
/// `sum_i w_i (log(sum_j exp(hidden_i · table_j)) - hidden_i · table_{target_i}) / sum_i w_i`
///
/// The logits are made for a block of rows at a time, never for all rows at once. Under autodiff the composite keeps the
/// blocks until the backward pass, which then holds `[n_rows, n_items]` in total.
///
/// Targets and weights come from the host, where batches are made, so that a wrong id is refused by number before
/// anything runs, and without waiting for a device.
///
/// # Shapes
/// - `hidden`: `[n_rows, d_model]`
/// - `table`: `[n_items, d_model]`
/// - `targets`: one item a row
/// - `row_weights`: one weight a row; 1 if `None`
/// - returns `[1]`
///
/// # Edge cases
/// No rows, or weights that are all zero, give 0 with zero gradient. A table of one item gives 0. Logits of any finite
/// size are safe.
///
/// # Panics
/// If a shape above does not hold, if a target is not below `n_items`, or if a weight is negative or not finite.
pub fn linear_cross_entropy(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[u32],
    row_weights: Option<&[f32]>,
) -> Tensor<1> {
    let [n_rows, d_model] = hidden.dims();
    let [n_items, d_table] = table.dims();
    assert_eq!(d_table, d_model, "table must be as wide as hidden");
    assert_eq!(targets.len(), n_rows, "each row needs one target");
    host::assert_ids("target", targets, n_items);
    match host::row_factors(row_weights, n_rows) {
        None => host::zero_loss(&hidden, &table),
        Some(factors) => composite::linear_cross_entropy(hidden, table, targets, &factors),
    }
}
