//! The public function.

use burn::tensor::Tensor;

use super::composite;

/// Maps each row by a matrix and shifts it.
///
/// `rows weight + bias`
///
/// # Shapes
/// - `rows`: `[n_rows, d_in]`
/// - `weight`: `[d_in, d_out]`
/// - `bias`: `[d_out]`
/// - returns `[n_rows, d_out]`
///
/// # Edge cases
/// No rows give no rows, without a gradient.
///
/// # Panics
/// If a shape above does not hold.
pub fn linear(rows: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let [n_rows, d_rows] = rows.dims();
    let [d_in, d_out] = weight.dims();
    assert_eq!(d_rows, d_in, "rows must be as wide as weight is high");
    if let Some(bias) = &bias {
        assert_eq!(bias.dims(), [d_out], "bias must be as wide as weight");
    }
    if n_rows == 0 {
        return Tensor::zeros([0, d_out], (&rows.device(), rows.dtype()));
    }
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu::runs_here;
        let bias_here = bias.as_ref().is_none_or(runs_here);
        if d_in * d_out > 0 && bias_here && runs_here(&rows) && runs_here(&weight) {
            return super::flex::linear(rows, weight, bias);
        }
    }
    composite::linear(rows, weight, bias)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::testing::{assert_gradients, assert_near, read, singles, values};

    #[test]
    fn each_row_is_mapped_and_shifted() {
        let device = Device::flex();
        let rows = Tensor::<2>::from_data([[1.0, 2.0], [0.0, -1.0]], &device);
        let weight = Tensor::<2>::from_data([[1.0, 0.0, 3.0], [0.0, 1.0, 1.0]], &device);
        let bias = Tensor::<1>::from_data([10.0, 20.0, 30.0], &device);
        let found = linear(rows.clone(), weight.clone(), Some(bias));
        assert_eq!(read(found), [11.0, 22.0, 35.0, 10.0, 19.0, 29.0]);
        assert_eq!(
            read(linear(rows.clone(), weight.clone(), None))[..3],
            [1.0, 2.0, 5.0]
        );
        let no_rows = Tensor::<2>::zeros([0, 2], &device);
        assert_eq!(linear(no_rows, weight, None).dims(), [0, 3]);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let inputs = [values(1, 10), values(2, 6), values(3, 3)];
        assert_gradients(&inputs, |inputs| {
            let rows = inputs[0].clone().reshape([5, 2]);
            let weight = inputs[1].clone().reshape([2, 3]);
            linear(rows, weight, Some(inputs[2].clone()))
        });
    }

    type Linear = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>;

    /// Output and gradients.
    fn run(f: Linear, [n, d_in, d_out]: [usize; 3], with_bias: bool) -> Vec<Vec<f64>> {
        let device = Device::flex().autodiff();
        let rows = singles(&values(1, n * d_in), [n, d_in], &device).require_grad();
        let weight = singles(&values(2, d_in * d_out), [d_in, d_out], &device).require_grad();
        let bias = singles(&values(3, d_out), [d_out], &device).require_grad();
        let out = f(
            rows.clone(),
            weight.clone(),
            with_bias.then(|| bias.clone()),
        );
        let direction = singles(&values(4, n * d_out), [n, d_out], &device);
        let gradients = (out.clone() * direction).sum().backward();
        let mut found = vec![read(out)];
        found.push(read(rows.grad(&gradients).unwrap()));
        found.push(read(weight.grad(&gradients).unwrap()));
        found.extend(bias.grad(&gradients).map(read));
        found
    }

    #[test]
    fn the_kernel_agrees_with_the_composite() {
        let sizes = [
            [1, 1, 1],
            [2, 3, 1],
            [3, 2, 5],
            [63, 64, 65],
            [127, 65, 63],
            [1000, 7, 130],
            [2500, 64, 64],
            [300, 200, 16],
        ];
        for (size, with_bias) in sizes
            .into_iter()
            .flat_map(|size| [(size, true), (size, false)])
        {
            let kernel = run(linear, size, with_bias);
            let composite = run(composite::linear, size, with_bias);
            assert_eq!(kernel.len(), composite.len());
            for (kernel, composite) in kernel.iter().zip(&composite) {
                let greatest = composite.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
                assert_near(kernel, composite, 1e-5 * greatest);
            }
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
            pool.build()
                .unwrap()
                .install(|| run(linear, [3001, 33, 70], true))
        };
        assert_eq!(on(1), on(2));
    }

    #[test]
    fn views_are_read_and_constants_let_be() {
        let device = Device::flex().autodiff();
        let turned = singles(&values(1, 6), [2, 3], &device).require_grad();
        let weight = singles(&values(2, 8), [2, 4], &Device::flex());
        let out = linear(turned.clone().swap_dims(0, 1), weight.clone(), None);
        let expected = composite::linear(turned.clone().swap_dims(0, 1), weight, None);
        assert_near(&read(out.clone()), &read(expected), 1e-6);
        assert!(turned.grad(&out.sum().backward()).is_some());
    }

    #[test]
    #[should_panic(expected = "rows must be as wide as weight is high")]
    fn rows_of_another_width_are_refused() {
        let device = Device::flex();
        linear(
            Tensor::zeros([2, 3], &device),
            Tensor::zeros([2, 3], &device),
            None,
        );
    }
}
