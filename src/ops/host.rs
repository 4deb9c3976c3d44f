//! Numbers of the host as tensors.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// Uploads numbers as floats of type `dtype`.
pub(super) fn floats<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (device, dtype))
}

/// Uploads row numbers.
pub(super) fn indices(values: Vec<i64>, device: &Device) -> Tensor<1, Int> {
    let n_values = values.len();
    Tensor::from_data(TensorData::new(values, [n_values]), device)
}

/// Copies rows; `Tensor::select` that also takes an empty list.
pub(super) fn select_rows<const D: usize>(rows: Tensor<D>, index: Tensor<1, Int>) -> Tensor<D> {
    let [n_selected] = index.dims();
    if n_selected > 0 {
        return rows.select(0, index);
    }
    let mut shape = rows.dims();
    shape[0] = 0;
    Tensor::zeros(shape, (&rows.device(), rows.dtype()))
}

/// Asserts that each id names a row of a table.
#[track_caller]
pub(super) fn assert_ids(name: &str, ids: &[u32], n_rows: usize) {
    if let Some(id) = ids.iter().find(|&&id| id as usize >= n_rows) {
        panic!("{name} {id} is outside a table of {n_rows} rows");
    }
}

/// What the loss of each row counts for in the weighted mean; `None` if no row counts.
///
/// # Panics
/// If there is not one weight a row, or a weight is negative or not finite.
#[track_caller]
pub(super) fn row_factors(row_weights: Option<&[f32]>, n_rows: usize) -> Option<Vec<f32>> {
    let Some(weights) = row_weights else {
        return (n_rows > 0).then(|| vec![1.0 / n_rows as f32; n_rows]);
    };
    assert_eq!(weights.len(), n_rows, "each row needs one weight");
    if let Some(weight) = weights
        .iter()
        .find(|weight| !(weight.is_finite() && **weight >= 0.0))
    {
        panic!("row weight {weight} is not a finite number of at least 0");
    }
    let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    (total > 0.0).then(|| {
        let factor = |weight: &f32| (f64::from(*weight) / total) as f32;
        weights.iter().map(factor).collect()
    })
}

/// A loss of 0 that nothing moves, still part of the graph, so that `backward` may be called on it.
pub(super) fn zero_loss(tensors: &[&Tensor<2>]) -> Tensor<1> {
    let zeros = tensors.iter().map(|&tensor| tensor.clone().sum() * 0.0);
    Tensor::cat(zeros.collect(), 0).sum()
}
