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

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::testing::{assert_gradients, assert_near, read, singles, values};

    const ROWS: usize = 5;
    const WIDTH: usize = 7;
    const EPSILON: f64 = 1e-5;

    fn by_definition(x: &[f64], gamma: &[f64], beta: &[f64], centred: bool) -> Vec<f64> {
        let mut y = Vec::new();
        for row in x.chunks(WIDTH) {
            let mean = if centred {
                row.iter().sum::<f64>() / WIDTH as f64
            } else {
                0.0
            };
            let square = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / WIDTH as f64;
            let scale = 1.0 / (square + EPSILON).sqrt();
            y.extend(
                (0..WIDTH)
                    .map(|column| (row[column] - mean) * scale * gamma[column] + beta[column]),
            );
        }
        y
    }

    #[test]
    fn rows_are_normalised_by_the_definition() {
        let device = Device::flex();
        let (x, gamma, beta) = (values(1, ROWS * WIDTH), values(2, WIDTH), values(3, WIDTH));
        let rows = singles(&x, [ROWS, WIDTH], &device);
        let vector = |numbers: &[f64]| singles(numbers, [WIDTH], &device);
        let full = layer_norm(rows.clone(), vector(&gamma), Some(vector(&beta)), EPSILON);
        assert_near(&read(full), &by_definition(&x, &gamma, &beta, true), 1e-5);
        let zero = [0.0; WIDTH];
        let plain = layer_norm(rows.clone(), vector(&gamma), None, EPSILON);
        assert_near(&read(plain), &by_definition(&x, &gamma, &zero, true), 1e-5);
        let rms = rms_norm(rows, vector(&gamma), EPSILON);
        assert_near(&read(rms), &by_definition(&x, &gamma, &zero, false), 1e-5);
    }

    #[test]
    fn constant_zero_and_missing_rows_are_safe() {
        let device = Device::flex();
        let (gamma, beta) = (Tensor::ones([3], &device), Tensor::full([3], 0.5, &device));
        let constant = Tensor::full([2, 3], 7.0, &device);
        let y = layer_norm(constant, gamma.clone(), Some(beta), EPSILON);
        assert_near(&read(y), &[0.5; 6], 1e-6);
        let y = rms_norm(Tensor::zeros([2, 3], &device), gamma.clone(), EPSILON);
        assert_eq!(read(y), [0.0; 6]);
        let none = Tensor::zeros([0, 3], &device);
        assert_eq!(
            layer_norm(none.clone(), gamma.clone(), None, EPSILON).dims(),
            [0, 3]
        );
        assert_eq!(rms_norm(none, gamma, EPSILON).dims(), [0, 3]);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let inputs = [values(1, ROWS * WIDTH), values(2, WIDTH), values(3, WIDTH)];
        assert_gradients(&inputs, |inputs| {
            let rows = inputs[0].clone().reshape([ROWS, WIDTH]);
            layer_norm(rows, inputs[1].clone(), Some(inputs[2].clone()), EPSILON)
        });
        assert_gradients(&inputs[..2], |inputs| {
            let rows = inputs[0].clone().reshape([ROWS, WIDTH]);
            rms_norm(rows, inputs[1].clone(), EPSILON)
        });
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn backends_agree() {
        let run = |device: Device| {
            let rows = singles(&values(1, ROWS * WIDTH), [ROWS, WIDTH], &device);
            let vector = |seed| singles(&values(seed, WIDTH), [WIDTH], &device);
            let normed = layer_norm(rows, vector(2), Some(vector(3)), EPSILON);
            read(rms_norm(normed, vector(4), EPSILON))
        };
        let ndarray = run(crate::device::pick("ndarray").unwrap());
        assert_near(&run(Device::flex()), &ndarray, 1e-5);
    }

    #[test]
    #[should_panic(expected = "gamma must be as wide as a row")]
    fn a_gamma_of_another_width_is_refused() {
        let device = Device::flex();
        rms_norm(
            Tensor::zeros([2, 3], &device),
            Tensor::zeros([2], &device),
            EPSILON,
        );
    }
}
