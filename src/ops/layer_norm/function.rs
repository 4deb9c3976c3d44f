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
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu::runs_here;
        let shifted_here = beta.as_ref().is_none_or(runs_here);
        if d_model > 0 && runs_here(&x) && runs_here(&gamma) && shifted_here {
            return super::flex::layer_norm(x, gamma, beta, epsilon);
        }
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
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu::runs_here;
        if d_model > 0 && runs_here(&x) && runs_here(&gamma) {
            return super::flex::rms_norm(x, gamma, epsilon);
        }
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
    use crate::ops::testing::{
        assert_gradients, assert_near, assert_runs_agree, on_threads, read, run_with_gradients,
        singles, values,
    };

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

    const SHAPES: [[usize; 2]; 10] = [
        [1, 1],
        [1, 2],
        [2, 3],
        [3, 63],
        [127, 64],
        [65, 65],
        [63, 127],
        [7, 1000],
        [1000, 7],
        [3, 5000],
    ];

    /// Rows, `gamma` and `beta`; the first row is far from 0, the second a constant.
    fn inputs([n_rows, d_model]: [usize; 2]) -> [Vec<f64>; 3] {
        let mut x = values(1, n_rows * d_model);
        for (column, number) in x.iter_mut().enumerate().take(d_model) {
            *number = if column % 2 == 0 { 1e4 } else { -1e4 };
        }
        for number in x.iter_mut().skip(d_model).take(d_model) {
            *number = 1e4;
        }
        [x, values(2, d_model), values(3, d_model)]
    }

    /// A layer norm, then an RMS norm, by kernel or composite.
    fn norms(x: Tensor<2>, gamma: Tensor<1>, beta: Tensor<1>, kernel: bool) -> Tensor<2> {
        if kernel {
            let y = layer_norm(x, gamma.clone(), Some(beta), EPSILON);
            let y = rms_norm(y, gamma.clone() + 2.0, EPSILON);
            layer_norm(y, gamma, None, EPSILON)
        } else {
            let y = composite::layer_norm(x, gamma.clone(), Some(beta), EPSILON);
            let y = composite::rms_norm(y, gamma.clone() + 2.0, EPSILON);
            composite::layer_norm(y, gamma, None, EPSILON)
        }
    }

    #[test]
    fn the_kernel_gives_the_numbers_and_gradients_of_the_composite() {
        for shape in SHAPES {
            let inputs = inputs(shape);
            for constant in [None, Some(0), Some(1), Some(2)] {
                let run = |kernel| {
                    run_with_gradients(&inputs, constant, |inputs| {
                        let x = inputs[0].clone().reshape(shape);
                        norms(x, inputs[1].clone(), inputs[2].clone(), kernel)
                    })
                };
                assert_runs_agree(&run(true), &run(false), 1e-4);
            }
        }
    }

    #[test]
    fn the_kernel_reads_views() {
        let inputs = [values(1, 65 * 2 * 7), values(2, 14), values(3, 7)];
        let run = |kernel| {
            run_with_gradients(&inputs, None, |inputs| {
                let x = inputs[0].clone().reshape([14, 65]).swap_dims(0, 1);
                let gamma = inputs[1].clone().narrow(0, 5, 7);
                norms(x.narrow(1, 3, 7), gamma, inputs[2].clone(), kernel)
            })
        };
        assert_runs_agree(&run(true), &run(false), 1e-4);
    }

    #[test]
    fn rows_far_from_zero_are_normed_precisely() {
        // In 32 bits a mean of such numbers, summed up plainly, is off by more than they differ.
        let x: Vec<f64> = (0..WIDTH).map(|column| 1e6 + column as f64).collect();
        let one = [1.0; WIDTH];
        let zero = [0.0; WIDTH];
        let rows = singles(&x, [1, WIDTH], &Device::flex());
        let gamma = Tensor::ones([WIDTH], &Device::flex());
        let y = layer_norm(rows, gamma, None, EPSILON);
        assert_near(&read(y), &by_definition(&x, &one, &zero, true), 1e-6);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let inputs = inputs([2003, 64]);
        let run = || {
            run_with_gradients(&inputs, None, |inputs| {
                let x = inputs[0].clone().reshape([2003, 64]);
                norms(x, inputs[1].clone(), inputs[2].clone(), true)
            })
        };
        assert_eq!(on_threads(1, run), on_threads(2, run));
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
