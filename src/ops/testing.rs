//! What the tests of operations share: fixed numbers, and gradients by central differences.

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::RngExt;

use crate::random::RandomKey;

/// Fixed numbers in -1..1, others for each seed.
pub(super) fn values(seed: u64, n: usize) -> Vec<f64> {
    let mut generator = RandomKey::new(seed).generator();
    (0..n)
        .map(|_| generator.random::<f64>() * 2.0 - 1.0)
        .collect()
}

/// Numbers as 64-bit floats.
pub(super) fn doubles<const D: usize>(
    values: &[f64],
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), shape),
        (device, DType::F64),
    )
}

/// Numbers as 32-bit floats.
pub(super) fn singles<const D: usize>(
    values: &[f64],
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The numbers of a tensor, on the host.
pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Asserts that numbers agree within an absolute tolerance.
#[track_caller]
pub(super) fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance,
            "number {index} is {found}, expected {expected}"
        );
    }
}

/// Asserts that numbers agree within a tolerance, relative to those greater than 1.
#[track_caller]
pub(super) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
            "number {index} is {found}, expected {expected}"
        );
    }
}

/// What `f` makes of 32-bit inputs, then the gradient of each input that is not constant.
///
/// `f` gets the inputs as vectors, to shape as it needs. The gradient of its output is made of fixed numbers. The inputs
/// themselves must come out as they went in.
#[track_caller]
pub(super) fn run_with_gradients<const D: usize>(
    inputs: &[Vec<f64>],
    constant: Option<usize>,
    f: impl Fn(&[Tensor<1>]) -> Tensor<D>,
) -> Vec<Vec<f64>> {
    let device = Device::flex().autodiff();
    let inputs = inputs.iter().enumerate().map(|(which, input)| {
        if constant == Some(which) {
            singles(input, [input.len()], &Device::flex())
        } else {
            singles(input, [input.len()], &device).require_grad()
        }
    });
    let inputs: Vec<Tensor<1>> = inputs.collect();
    let before: Vec<Vec<f64>> = inputs.iter().cloned().map(read).collect();
    let output = f(&inputs);
    let n = output.shape().num_elements();
    let direction = singles(&values(0xD1, n), output.dims(), &device);
    let gradients = (output.clone() * direction).sum().backward();
    let tracked = inputs
        .iter()
        .enumerate()
        .filter(|(which, _)| constant != Some(*which));
    let mut found = vec![read(output)];
    for (which, input) in tracked {
        let Some(gradient) = input.grad(&gradients) else {
            panic!("input {which} has no gradient");
        };
        found.push(read(gradient));
    }
    let after: Vec<Vec<f64>> = inputs.into_iter().map(read).collect();
    assert_eq!(before, after, "an input was changed");
    found
}

/// Asserts that two runs of [`run_with_gradients`] agree as in [`assert_close`].
#[track_caller]
pub(super) fn assert_runs_agree(found: &[Vec<f64>], expected: &[Vec<f64>], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_close(found, expected, tolerance);
    }
}

/// Runs work on a pool of its own with so many threads.
pub(super) fn on_threads<R: Send>(n_threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
    pool.build().unwrap().install(work)
}

/// Asserts that the gradients of `f` in 64 bits are those of central differences.
///
/// `f` gets the inputs as vectors, to shape as it needs. Its output is projected on fixed numbers, since some sums, such
/// as that of a softmax, have no gradient at all. Step and tolerance are those of the style guide.
#[track_caller]
pub(super) fn assert_gradients<const D: usize>(
    inputs: &[Vec<f64>],
    f: impl Fn(&[Tensor<1>]) -> Tensor<D>,
) {
    const STEP: f64 = 1e-5;
    const TOLERANCE: f64 = 1e-6;
    let project = |inputs: &[Tensor<1>]| {
        let output = f(inputs);
        let n = output.shape().num_elements();
        let direction = doubles(&values(0xD1, n), [n], &output.device());
        (output.reshape([n]) * direction).sum()
    };
    let device = Device::flex().autodiff();
    let tensors: Vec<Tensor<1>> = inputs
        .iter()
        .map(|input| doubles(input, [input.len()], &device).require_grad())
        .collect();
    let gradients = project(&tensors).backward();
    let device = Device::flex();
    let value_at = |inputs: &[Vec<f64>]| {
        let tensors: Vec<Tensor<1>> = inputs
            .iter()
            .map(|input| doubles(input, [input.len()], &device))
            .collect();
        read(project(&tensors))[0]
    };
    for (which, tensor) in tensors.iter().enumerate() {
        let Some(gradient) = tensor.grad(&gradients) else {
            panic!("input {which} has no gradient");
        };
        let gradient = read(gradient);
        assert!(
            gradient.iter().any(|value| value.abs() > 1e-3),
            "gradient of input {which} vanishes"
        );
        let mut moved = inputs.to_vec();
        for index in 0..inputs[which].len() {
            let at = |moved: &mut Vec<Vec<f64>>, offset: f64| {
                moved[which][index] = inputs[which][index] + offset;
                let value = value_at(moved);
                moved[which][index] = inputs[which][index];
                value
            };
            let expected = (at(&mut moved, STEP) - at(&mut moved, -STEP)) / (2.0 * STEP);
            assert!(
                (gradient[index] - expected).abs() <= TOLERANCE,
                "gradient {index} of input {which} is {}, differences give {expected}",
                gradient[index]
            );
        }
    }
}
