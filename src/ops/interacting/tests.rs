use burn::tensor::{Device, Tensor};

use super::*;
use crate::ops::dropout::Dropout;
use crate::ops::testing::{
    assert_gradients, assert_near, assert_runs_agree, on_threads, read, run_with_gradients, values,
};
use crate::random::RandomKey;

fn options([n_tokens, n_heads]: [usize; 2]) -> InteractingOptions {
    InteractingOptions {
        n_tokens,
        n_heads,
        scale: 0.7,
        dropout: None,
    }
}

/// The inputs of a layer as vectors: rows and the four weights.
fn inputs([n_rows, d_in, width]: [usize; 3]) -> Vec<Vec<f64>> {
    let weight = |seed| values(seed, d_in * width);
    vec![
        values(1, n_rows * d_in),
        weight(2),
        weight(3),
        weight(4),
        weight(5),
    ]
}

/// Rows and weights with their shapes.
fn shaped(
    inputs: &[Tensor<1>],
    [n_rows, d_in, width]: [usize; 3],
) -> (Tensor<2>, InteractingWeights) {
    let weight = |index: usize| inputs[index].clone().reshape([d_in, width]);
    let weights = InteractingWeights {
        query: weight(1),
        key: weight(2),
        value: weight(3),
        residual: weight(4),
    };
    (inputs[0].clone().reshape([n_rows, d_in]), weights)
}

#[test]
fn a_layer_is_what_its_definition_says() {
    let device = Device::flex();
    let eye = || Tensor::<2>::from_data([[1.0, 0.0], [0.0, 1.0]], &device);
    let weights = InteractingWeights {
        query: eye(),
        key: eye(),
        value: eye(),
        residual: eye() * -0.5,
    };
    let rows = Tensor::<2>::from_data([[1.0, 0.0], [0.0, 2.0]], &device);
    let options = InteractingOptions {
        scale: 1.0,
        ..options([2, 1])
    };
    let found = read(interacting(rows, weights, &options));
    // Scores of the first row are 1 and 0, of the second 0 and 4.
    let first = 1.0_f64.exp() / (1.0_f64.exp() + 1.0);
    let second = 1.0 / (1.0 + 4.0_f64.exp());
    let expected = [
        first - 0.5,
        2.0 * (1.0 - first),
        second,
        2.0 * (1.0 - second) - 1.0,
    ];
    assert_near(&found, &expected, 1e-6);
}

#[test]
fn gradients_are_those_of_differences() {
    let sizes = [6, 2, 4];
    assert_gradients(&inputs(sizes), |inputs| {
        let (rows, weights) = shaped(inputs, sizes);
        interacting(rows, weights, &options([3, 2]))
    });
}

#[cfg(feature = "flex")]
#[test]
fn the_kernel_agrees_with_the_composite_on_many_sizes() {
    for (index, n_tokens) in [1, 2, 3, 4, 5, 7, 10, 39, 64].into_iter().enumerate() {
        let n_groups = [1, 3, 16, 17, 40, 300][index % 6];
        let (d_in, d_head, n_heads) =
            [(1, 1, 1), (3, 5, 2), (16, 8, 2), (5, 32, 1), (64, 16, 4)][index % 5];
        let sizes = [n_groups * n_tokens, d_in, d_head * n_heads];
        let dropout = Dropout {
            probability: 0.3,
            key: RandomKey::new(11),
        };
        let options = InteractingOptions {
            dropout: (index % 2 == 1).then_some(dropout),
            ..options([n_tokens, n_heads])
        };
        let run = |layer: Layer| {
            run_with_gradients(&inputs(sizes), None, |inputs| {
                let (rows, weights) = shaped(inputs, sizes);
                layer(rows, weights, &options)
            })
        };
        let [found, expected] = [interacting as Layer, composite::interacting].map(run);
        assert_runs_agree(&found, &expected, 2e-5);
    }
}

#[cfg(feature = "flex")]
type Layer = fn(Tensor<2>, InteractingWeights, &InteractingOptions) -> Tensor<2>;

#[cfg(feature = "flex")]
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let sizes = [700 * 5, 6, 8];
    let run = || {
        run_with_gradients(&inputs(sizes), None, |inputs| {
            let (rows, weights) = shaped(inputs, sizes);
            interacting(rows, weights, &options([5, 2]))
        })
    };
    assert_eq!(on_threads(1, run), on_threads(3, run));
}

#[test]
fn numbers_that_are_none_stay_so_and_no_rows_give_no_rows() {
    let device = Device::flex();
    let sizes = [20, 3, 4];
    let run = |numbers: Vec<f64>| {
        let mut inputs = inputs(sizes);
        let n_rows = numbers.len() / 3;
        inputs[0] = numbers;
        let inputs: Vec<Tensor<1>> = inputs
            .iter()
            .map(|input| crate::ops::testing::singles(input, [input.len()], &device))
            .collect();
        let (rows, weights) = shaped(&inputs, [n_rows, 3, 4]);
        interacting(rows, weights, &options([5, 2]))
    };
    let mut numbers = values(1, 60);
    numbers[31] = f64::NAN;
    let found = read(run(numbers));
    assert!(found[40..44].iter().all(|number| number.is_nan()));
    assert!(found[..40].iter().all(|number| number.is_finite()));
    assert_eq!(run(Vec::new()).dims(), [0, 4]);
}

#[test]
#[should_panic(expected = "7 rows do not make whole groups of 3")]
fn rows_that_make_no_whole_group_are_refused() {
    let device = Device::flex();
    let weight = || Tensor::<2>::ones([2, 2], &device);
    let weights = InteractingWeights {
        query: weight(),
        key: weight(),
        value: weight(),
        residual: weight(),
    };
    interacting(Tensor::ones([7, 2], &device), weights, &options([3, 1]));
}
