//! The public functions.

use burn::tensor::Tensor;

use super::composite;

/// Gives each row mean 0 and variance 1, then scales and shifts each column.
///
/// `(x - mean(x)) / sqrt(variance(x) + epsilon) * gamma + beta`, with the variance divided by `d_model`, not by
/// `d_model - 1`.
///
/// # Shapes
/// - `x`: `[n_rows, d_model]`
/// - `gamma`, `beta`: `[d_model]`
/// - returns `[n_rows, d_model]`
///
/// # Edge cases
/// A constant row gives `beta`. No rows give no rows.
///
/// # Panics
/// If a shape above does not hold.
///
/// # Source
/// Ba et al. 2016, <https://arxiv.org/abs/1607.06450>. Differences: epsilon, as in PyTorch.
pub fn layer_norm(
    x: Tensor<2>,
    gamma: Tensor<1>,
    beta: Option<Tensor<1>>,
    epsilon: f64,
) -> Tensor<2> {
    let [n_rows, d_model] = x.dims();
    assert_width("gamma", &gamma, d_model);
    if let Some(beta) = &beta {
        assert_width("beta", beta, d_model);
    }
    if n_rows == 0 {
        return x;
    }
    composite::layer_norm(x, gamma, beta, epsilon)
}

/// Gives each row mean square 1, then scales each column.
///
/// `x / sqrt(mean(x²) + epsilon) * gamma`
///
/// # Shapes
/// - `x`: `[n_rows, d_model]`
/// - `gamma`: `[d_model]`
/// - returns `[n_rows, d_model]`
///
/// # Edge cases
/// A row of zeros stays a row of zeros. No rows give no rows.
///
/// # Panics
/// If a shape above does not hold.
///
/// # Source
/// Zhang and Sennrich 2019, <https://arxiv.org/abs/1910.07467>. Differences: epsilon, as in PyTorch.
pub fn rms_norm(x: Tensor<2>, gamma: Tensor<1>, epsilon: f64) -> Tensor<2> {
    let [n_rows, d_model] = x.dims();
    assert_width("gamma", &gamma, d_model);
    if n_rows == 0 {
        return x;
    }
    composite::rms_norm(x, gamma, epsilon)
}

#[track_caller]
fn assert_width(name: &str, vector: &Tensor<1>, d_model: usize) {
    let [width] = vector.dims();
    assert_eq!(width, d_model, "{name} must be as wide as a row");
}
