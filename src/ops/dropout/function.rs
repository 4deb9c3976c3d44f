//! The public function.

use burn::tensor::Tensor;

use super::{Dropout, composite};

/// Zeroes elements at random and enlarges the others, so that expectations stay.
///
/// Element `i`, in row-major order, depends on `(dropout.key, i)` alone; see [`Dropout`]. At probability 0 the input is
/// returned as it is. For inference, do not call it. No mask is kept by the CPU kernel (Flex, 32 bits): backward makes it
/// again. The composite, which serves all else, keeps it.
///
/// # Shapes
/// - `x`: any
/// - returns the shape of `x`
///
/// # Panics
/// If the probability lies outside `[0, 1)`.
///
/// # Source
/// Srivastava et al. 2014, <https://jmlr.org/papers/v15/srivastava14a.html>.
pub fn dropout<const D: usize>(x: Tensor<D>, dropout: &Dropout) -> Tensor<D> {
    dropout.assert_valid();
    if dropout.is_none() || x.dims().contains(&0) {
        return x;
    }
    #[cfg(feature = "flex")]
    if crate::ops::cpu::runs_here(&x) {
        return super::flex::dropout(x, dropout);
    }
    composite::dropout(x, dropout)
}

/// Adds what [`dropout`] leaves of `x` to a residual, in one pass.
///
/// # Shapes
/// - `x`, `residual`: any, the same
/// - returns that shape
///
/// # Panics
/// If the shapes differ, or the probability lies outside `[0, 1)`.
pub fn dropout_add<const D: usize>(
    x: Tensor<D>,
    residual: Tensor<D>,
    dropout: &Dropout,
) -> Tensor<D> {
    dropout.assert_valid();
    assert_eq!(
        x.dims(),
        residual.dims(),
        "x must have the shape of residual"
    );
    if dropout.is_none() || x.dims().contains(&0) {
        return residual + x;
    }
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu::runs_here;
        if runs_here(&x) && runs_here(&residual) {
            return super::flex::dropout_add(x, residual, dropout);
        }
    }
    composite::dropout_add(x, residual, dropout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, on_threads, read, run_with_gradients, values};
    use crate::random::RandomKey;

    fn half() -> Dropout {
        Dropout {
            probability: 0.5,
            key: RandomKey::new(3),
        }
    }

    #[test]
    fn the_mask_is_that_of_the_numbers() {
        let device = burn::tensor::Device::flex();
        let x = Tensor::<3>::ones([2, 3, 5], &device);
        let y = dropout(x, &half()).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(y, half().factors(30));
        assert!(y.contains(&0.0) && y.contains(&2.0));
    }

    #[test]
    fn nothing_is_dropped_at_probability_zero() {
        let device = burn::tensor::Device::flex();
        let none = Dropout {
            probability: 0.0,
            ..half()
        };
        let y = dropout(Tensor::<2>::ones([7, 11], &device), &none);
        assert_eq!(read(y), vec![1.0; 77]);
    }

    const SIZES: [usize; 10] = [1, 2, 3, 63, 64, 65, 127, 1000, 1025, 20_011];

    /// Fixed numbers, some of them extreme.
    fn numbers(seed: u64, n: usize) -> Vec<f64> {
        let mut numbers = values(seed, n);
        for (number, extreme) in numbers.iter_mut().step_by(5).zip([1e4, -1e4, 0.0]) {
            *number = extreme;
        }
        numbers
    }

    /// The sum of `x` and a residual by kernel or composite; tensors that nobody else holds are changed in place.
    fn sum(inputs: &[Tensor<1>], drop: &Dropout, kernel: bool, alone: bool) -> Tensor<1> {
        let [x, residual] = [0, 1].map(|which| inputs[which].clone());
        let x = if alone { x * 2.0 } else { x };
        let residual = if alone { residual * 2.0 } else { residual };
        if kernel {
            dropout(dropout_add(x, residual, drop), drop)
        } else {
            composite::dropout(composite::dropout_add(x, residual, drop), drop)
        }
    }

    #[test]
    fn the_kernels_give_the_numbers_and_gradients_of_the_composites() {
        for n in SIZES {
            let inputs = [numbers(1, n), numbers(2, n)];
            for alone in [true, false] {
                for constant in [None, Some(0), Some(1)] {
                    let run = |kernel| {
                        run_with_gradients(&inputs, constant, |inputs| {
                            sum(inputs, &half(), kernel, alone)
                        })
                    };
                    assert_eq!(run(true), run(false), "{n}, {alone}, {constant:?}");
                }
            }
        }
    }

    #[test]
    fn the_kernels_read_views() {
        let inputs = [numbers(1, 7 * 130), numbers(2, 65 * 7)];
        let run = |add: &dyn Fn(Tensor<2>, Tensor<2>, &Dropout) -> Tensor<2>| {
            run_with_gradients(&inputs, None, |inputs| {
                let x = inputs[0].clone().reshape([7, 130]).narrow(1, 33, 65);
                let residual = inputs[1].clone().reshape([65, 7]).swap_dims(0, 1);
                add(x, residual, &half())
            })
        };
        assert_eq!(run(&dropout_add), run(&composite::dropout_add));
        let transposed = |x: Tensor<2>, _, drop: &Dropout| dropout(x.swap_dims(0, 1), drop);
        let expected =
            |x: Tensor<2>, _, drop: &Dropout| composite::dropout(x.swap_dims(0, 1), drop);
        let run = |f: &dyn Fn(Tensor<2>, (), &Dropout) -> Tensor<2>| {
            run_with_gradients(&inputs[..1], None, |inputs| {
                f(inputs[0].clone().reshape([7, 130]), (), &half())
            })
        };
        assert_eq!(run(&transposed), run(&expected));
    }

    #[test]
    fn no_rows_give_no_rows() {
        let device = burn::tensor::Device::flex();
        let none = || Tensor::<2>::zeros([0, 3], &device);
        assert_eq!(dropout(none(), &half()).dims(), [0, 3]);
        assert_eq!(dropout_add(none(), none(), &half()).dims(), [0, 3]);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let inputs = [numbers(1, 100_003), numbers(2, 100_003)];
        let run = || run_with_gradients(&inputs, None, |inputs| sum(inputs, &half(), true, true));
        assert_eq!(on_threads(1, run), on_threads(2, run));
    }

    #[test]
    #[should_panic(expected = "x must have the shape of residual")]
    fn a_residual_of_another_shape_is_refused() {
        let device = burn::tensor::Device::flex();
        let x = Tensor::<2>::zeros([2, 3], &device);
        dropout_add(x.clone(), x.swap_dims(0, 1), &half());
    }

    #[test]
    fn the_gradient_is_the_mask() {
        assert_gradients(&[values(1, 35), values(2, 35)], |inputs| {
            dropout_add(inputs[0].clone(), inputs[1].clone(), &half())
        });
        assert_gradients(&[values(1, 35)], |inputs| {
            dropout(inputs[0].clone(), &half())
        });
    }

    #[test]
    #[should_panic(expected = "dropout probability 1 lies outside [0, 1)")]
    fn a_probability_of_one_is_refused() {
        let device = burn::tensor::Device::flex();
        let all = Dropout {
            probability: 1.0,
            ..half()
        };
        dropout(Tensor::<1>::ones([2], &device), &all);
    }
}
