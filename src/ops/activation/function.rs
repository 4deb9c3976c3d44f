//! The public functions.

use burn::tensor::Tensor;

use super::{Activation, composite};
use crate::ops::dropout::{Dropout, dropout};

/// Applies an activation, then dropout if there is one.
///
/// The CPU kernel (Flex, 32 bits) does both in one pass, and so does its gradient, which makes the mask again. With
/// [`Activation::Relu`] it keeps the result for the gradient, with all others the input.
///
/// # Shapes
/// - `x`: any; with [`Activation::Swiglu`] `[.., 2 * d_ff]`, the gate first
/// - returns the shape of `x`; with [`Activation::Swiglu`] `[.., d_ff]`
///
/// # Panics
/// If the last axis is odd and halved by [`Activation::Swiglu`], or the probability lies outside `[0, 1)`.
pub fn activate<const D: usize>(
    x: Tensor<D>,
    activation: Activation,
    drop: Option<&Dropout>,
) -> Tensor<D> {
    if activation == Activation::Swiglu {
        let width = x.dims()[D - 1];
        assert!(
            width.is_multiple_of(2),
            "swiglu needs a gate and a value of one width, found {width} columns"
        );
    }
    if let Some(drop) = drop {
        drop.assert_valid();
    }
    let drop = drop.filter(|drop| !drop.is_none());
    #[cfg(feature = "flex")]
    if !x.dims().contains(&0) && crate::ops::cpu::runs_here(&x) {
        return super::flex::activate(x, activation, drop);
    }
    let y = composite::activate(x, activation);
    match drop {
        Some(drop) => dropout(y, drop),
        None => y,
    }
}

/// Replaces negative numbers by zero.
///
/// # Shapes
/// - `x`: any
/// - returns the shape of `x`
pub fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activate(x, Activation::Relu, None)
}

/// Multiplies each number by the chance that a standard normal number lies below it.
///
/// `x * (1 + erf(x / sqrt(2))) / 2`, exact as PyTorch's default, not the tanh approximation; the gradient is that of the
/// exact form on every backend.
///
/// # Shapes
/// - `x`: any
/// - returns the shape of `x`
///
/// # Source
/// Hendrycks and Gimpel 2016, <https://arxiv.org/abs/1606.08415>.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activate(x, Activation::Gelu, None)
}

/// Multiplies each number by its logistic sigmoid.
///
/// # Shapes
/// - `x`: any
/// - returns the shape of `x`
///
/// # Source
/// Elfwing et al. 2017, <https://arxiv.org/abs/1702.03118>; also known as Swish with beta 1.
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activate(x, Activation::Silu, None)
}

/// Multiplies the second half of each row by the [`silu`] of the first.
///
/// Both halves come from one projection of width `2 * d_ff`, which is faster than two.
///
/// # Shapes
/// - `gate_and_value`: `[.., 2 * d_ff]`, the gate first
/// - returns `[.., d_ff]`
///
/// # Panics
/// If the last axis is odd.
///
/// # Source
/// Shazeer 2020, <https://arxiv.org/abs/2002.05202>, equation 6. Differences: the output projection is the caller's.
pub fn swiglu<const D: usize>(gate_and_value: Tensor<D>) -> Tensor<D> {
    activate(gate_and_value, Activation::Swiglu, None)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::testing::{
        assert_gradients, assert_near, assert_runs_agree, on_threads, read, run_with_gradients,
        singles, values,
    };
    use crate::random::RandomKey;

    /// Numbers on both sides of 0, small and large.
    const POINTS: [f64; 8] = [-30.0, -3.0, -1.0, -0.1, 0.3, 1.0, 3.0, 30.0];

    fn run(f: impl Fn(Tensor<1>) -> Tensor<1>) -> Vec<f64> {
        read(f(singles(&POINTS, [8], &Device::flex())))
    }

    #[test]
    fn gelu_is_the_exact_one() {
        // x * 0.5 * erfc(-x / sqrt(2)) by CPython 3's `math.erfc`; PyTorch defines its default the same way.
        let expected = [
            0.0,
            -0.004_049_694_094_890_287,
            -0.158_655_253_931_457_07,
            -0.046_017_216_272_297_1,
            0.185_373_426_656_685_77,
            0.841_344_746_068_542_9,
            2.995_950_305_905_11,
            30.0,
        ];
        assert_near(&run(gelu), &expected, 1e-6);
    }

    #[test]
    fn relu_and_silu_are_what_their_formulas_say() {
        assert_near(&run(relu), &POINTS.map(|x| x.max(0.0)), 1e-6);
        assert_near(&run(silu), &POINTS.map(|x| x / (1.0 + (-x).exp())), 1e-5);
    }

    #[test]
    fn swiglu_gates_the_second_half_by_the_first() {
        let x = singles(&values(1, 30), [3, 10], &Device::flex());
        let y = swiglu(x.clone());
        assert_eq!(y.dims(), [3, 5]);
        let x = read(x);
        let expected: Vec<f64> = (0..15)
            .map(|index| {
                let (row, column) = (index / 5, index % 5);
                let gate = x[row * 10 + column];
                gate / (1.0 + (-gate).exp()) * x[row * 10 + 5 + column]
            })
            .collect();
        assert_near(&read(y), &expected, 1e-6);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let x = vec![values(2, 24).iter().map(|value| 3.0 * value).collect()];
        assert_gradients(&x, |inputs| relu(inputs[0].clone()));
        assert_gradients(&x, |inputs| gelu(inputs[0].clone()));
        assert_gradients(&x, |inputs| silu(inputs[0].clone()));
        assert_gradients(&x, |inputs| swiglu(inputs[0].clone().reshape([3, 8])));
    }

    const KINDS: [Activation; 4] = [
        Activation::Relu,
        Activation::Gelu,
        Activation::Silu,
        Activation::Swiglu,
    ];

    const SOME: Dropout = Dropout {
        probability: 0.3,
        key: RandomKey::new(5),
    };

    /// Fixed numbers, some of them extreme.
    fn numbers(seed: u64, n: usize) -> Vec<f64> {
        let mut numbers: Vec<f64> = values(seed, n).iter().map(|value| 5.0 * value).collect();
        for (number, extreme) in numbers.iter_mut().step_by(5).zip([1e4, -1e4, 0.0]) {
            *number = extreme;
        }
        numbers
    }

    fn by_composite<const D: usize>(
        x: Tensor<D>,
        activation: Activation,
        drop: Option<&Dropout>,
    ) -> Tensor<D> {
        let y = composite::activate(x, activation);
        match drop {
            Some(drop) => dropout(y, drop),
            None => y,
        }
    }

    #[test]
    fn the_kernel_gives_the_numbers_and_gradients_of_the_composite() {
        let shapes = [1, 2, 3, 63, 64, 65, 127, 1000].map(|width| [3, 2 * width]);
        for shape in shapes.into_iter().chain([[1, 2], [1000, 6], [2, 9000]]) {
            let inputs = [numbers(1, shape[0] * shape[1])];
            for (kind, drop) in KINDS
                .into_iter()
                .flat_map(|kind| [(kind, None), (kind, Some(&SOME))])
            {
                for alone in [true, false] {
                    let run = |f: &dyn Fn(Tensor<2>) -> Tensor<2>| {
                        run_with_gradients(&inputs, None, |inputs| {
                            let x = inputs[0].clone().reshape(shape);
                            f(if alone { x * 0.5 } else { x })
                        })
                    };
                    let found = run(&|x| activate(x, kind, drop));
                    let expected = run(&|x| by_composite(x, kind, drop));
                    assert_runs_agree(&found, &expected, 1e-6);
                }
            }
        }
    }

    #[test]
    fn the_kernel_reads_views() {
        let inputs = [numbers(1, 7 * 66)];
        for kind in KINDS {
            let run = |f: &dyn Fn(Tensor<2>) -> Tensor<2>| {
                run_with_gradients(&inputs, None, |inputs| {
                    let x = inputs[0].clone().reshape([7, 66]);
                    f(x.narrow(1, 3, 61).swap_dims(0, 1).narrow(1, 1, 6))
                })
            };
            let found = run(&|x| activate(x, kind, Some(&SOME)));
            let expected = run(&|x| by_composite(x, kind, Some(&SOME)));
            assert_runs_agree(&found, &expected, 1e-6);
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let inputs = [numbers(1, 1001 * 130)];
        for kind in KINDS {
            let run = || {
                run_with_gradients(&inputs, None, |inputs| {
                    activate(inputs[0].clone().reshape([1001, 130]), kind, Some(&SOME))
                })
            };
            assert_eq!(on_threads(1, run), on_threads(2, run));
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        // Else a broken run would look like a sound one.
        for kind in KINDS {
            let x = Tensor::<2>::full([1, 34], f32::NAN, &Device::flex());
            let y = read(activate(x, kind, None));
            assert!(y.iter().all(|number| number.is_nan()), "{kind:?}");
        }
    }

    #[test]
    fn no_rows_give_no_rows() {
        let none = Tensor::<2>::zeros([0, 6], &Device::flex());
        assert_eq!(
            activate(none.clone(), Activation::Relu, Some(&SOME)).dims(),
            [0, 6]
        );
        assert_eq!(
            activate(none, Activation::Swiglu, Some(&SOME)).dims(),
            [0, 3]
        );
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn backends_agree_in_value_and_gradient() {
        let numbers: Vec<f64> = values(3, 30).iter().map(|value| 4.0 * value).collect();
        let run = |device: Device| {
            let x = singles(&numbers, [3, 10], &device.autodiff()).require_grad();
            let y = gelu(x.clone()) + silu(x.clone()) + relu(x.clone());
            let y = Tensor::cat(vec![y, swiglu(x.clone())], 1);
            let gradients = y.clone().square().sum().backward();
            (read(y), read(x.grad(&gradients).unwrap()))
        };
        let (flex, ndarray) = (
            run(Device::flex()),
            run(crate::device::pick("ndarray").unwrap()),
        );
        assert_near(&flex.0, &ndarray.0, 1e-5);
        assert_near(&flex.1, &ndarray.1, 1e-4);
    }

    #[test]
    #[should_panic(expected = "swiglu needs a gate and a value of one width, found 3 columns")]
    fn an_odd_width_cannot_be_halved() {
        swiglu(Tensor::<2>::zeros([2, 3], &Device::flex()));
    }
}
