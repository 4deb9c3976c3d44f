//! The functions that training calls.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::embedding::RowGradient;

/// How a step changes each weight `w` by its gradient.
///
/// With `g` for the gradient times `scale`: `M = beta_1 M + g`, `V = beta_2 V + g²`,
/// `w = kept w - size M / (sqrt(V) + floor)`. Where no `M` is kept, `g` stands for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) scale: f64,
    pub(crate) beta_1: f64,
    pub(crate) beta_2: f64,
    pub(crate) floor: f64,
    pub(crate) size: f64,
    pub(crate) kept: f64,
}

/// Decayed sums over the gradients of a weight, as flat vectors.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    /// Sum of the gradients, each decayed by `beta_1` for every later one.
    pub(crate) first: Option<Tensor<1>>,
    /// Sum of the squared gradients, each decayed by `beta_2` for every later one.
    pub(crate) second: Tensor<1>,
}

/// Updates a weight and the sums over its gradients.
///
/// The kernel (Flex, 32 bits) writes on the numbers where they lie, unless another tensor shares them.
///
/// # Shapes
/// - `gradient` and `sums`: as many numbers as `weight` has; all three without autodiff
pub(crate) fn update<const D: usize>(
    weight: Tensor<D>,
    gradient: Tensor<1>,
    sums: Sums,
    change: &Change,
) -> (Tensor<D>, Sums) {
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu;
        if cpu::runs_here(&weight) && cpu::runs_here(&gradient) && cpu::runs_here(&sums.second) {
            let gradient = cpu::primitive(gradient).to_contiguous();
            return in_place(weight, sums, |weights| {
                super::kernel::update(weights, cpu::numbers(&gradient), change.in_singles());
            });
        }
    }
    composite::update(weight, gradient, sums, change)
}

/// Updates the rows of a table that have a gradient, and the sums over them; all other rows stay as they are, and so do
/// their sums.
///
/// # Shapes
/// - `weight`: as many rows as the table that the gradient is of; `sums`: as many numbers
pub(crate) fn update_rows<const D: usize>(
    weight: Tensor<D>,
    gradient: &RowGradient,
    sums: Sums,
    change: &Change,
) -> (Tensor<D>, Sums) {
    #[cfg(feature = "flex")]
    return in_place(weight, sums, |weights| {
        let rows = (gradient.ids.as_slice(), gradient.rows.as_slice());
        super::kernel::update_rows(weights, rows, gradient.width, change.in_singles());
    });
    #[cfg(not(feature = "flex"))]
    {
        let _ = (weight, sums, change);
        match *gradient {}
    }
}

/// Sum of the squares of a gradient, where it can be had without waiting for a device.
pub(crate) fn sum_of_squares(gradient: &Tensor<1>) -> Option<f64> {
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu;
        if cpu::runs_here(gradient) {
            let gradient = cpu::primitive(gradient.clone()).to_contiguous();
            return Some(cpu::sum_of_squares(cpu::numbers(&gradient)));
        }
    }
    let _ = gradient;
    None
}

#[cfg(feature = "flex")]
fn in_place<const D: usize>(
    weight: Tensor<D>,
    sums: Sums,
    work: impl FnOnce(super::kernel::Weights<'_>),
) -> (Tensor<D>, Sums) {
    use crate::ops::cpu;
    let mut weight = cpu::primitive(weight);
    let mut first = sums.first.map(cpu::primitive);
    let mut second = cpu::primitive(sums.second);
    work(super::kernel::Weights {
        weight: cpu::numbers_mut(&mut weight),
        first: first.as_mut().map(cpu::numbers_mut),
        second: cpu::numbers_mut(&mut second),
    });
    let sums = Sums {
        first: first.map(cpu::from_primitive),
        second: cpu::from_primitive(second),
    };
    (cpu::from_primitive(weight), sums)
}

#[cfg(feature = "flex")]
impl Change {
    fn in_singles(&self) -> super::kernel::Step {
        super::kernel::Step {
            scale: self.scale as f32,
            beta_1: self.beta_1 as f32,
            beta_2: self.beta_2 as f32,
            floor: self.floor as f32,
            size: self.size as f32,
            kept: self.kept as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::testing::{assert_near, doubles, read, singles, values};

    const CHANGE: Change = Change {
        scale: 0.5,
        beta_1: 0.8,
        beta_2: 0.9,
        floor: 1e-3,
        size: 0.01,
        kept: 0.99,
    };

    /// Weights, gradient, and both sums, in the order of the algorithm.
    struct Numbers {
        weight: Vec<f64>,
        gradient: Vec<f64>,
        first: Option<Vec<f64>>,
        second: Vec<f64>,
    }

    fn numbers(n: usize, with_first: bool) -> Numbers {
        Numbers {
            weight: values(1, n),
            gradient: values(2, n),
            first: with_first.then(|| values(3, n)),
            second: values(4, n).iter().map(|x| x * x).collect(),
        }
    }

    /// The update as its documentation has it, number by number.
    fn by_definition(mut numbers: Numbers) -> Numbers {
        for i in 0..numbers.weight.len() {
            let g = CHANGE.scale * numbers.gradient[i];
            let m = match &mut numbers.first {
                Some(first) => {
                    first[i] = CHANGE.beta_1 * first[i] + g;
                    first[i]
                }
                None => g,
            };
            let v = CHANGE.beta_2 * numbers.second[i] + g * g;
            numbers.second[i] = v;
            let step = CHANGE.size * m / (v.sqrt() + CHANGE.floor);
            numbers.weight[i] = CHANGE.kept * numbers.weight[i] - step;
        }
        numbers
    }

    fn run(device: &Device, n: usize, with_first: bool) -> (Tensor<2>, Sums) {
        let Numbers {
            weight,
            gradient,
            first,
            second,
        } = numbers(n, with_first);
        let sums = Sums {
            first: first.map(|first| singles(&first, [n], device)),
            second: singles(&second, [n], device),
        };
        let gradient = singles(&gradient, [n], device);
        update(singles(&weight, [n, 1], device), gradient, sums, &CHANGE)
    }

    #[test]
    fn every_number_changes_as_documented() {
        for with_first in [true, false] {
            for n in [1, 2, 3, 63, 64, 65, 127, 1000, 70_001] {
                let expected = by_definition(numbers(n, with_first));
                let (weight, sums) = run(&Device::flex(), n, with_first);
                assert_near(&read(weight), &expected.weight, 1e-6);
                assert_near(&read(sums.second), &expected.second, 1e-6);
                assert_eq!(sums.first.is_some(), with_first);
                if let (Some(found), Some(expected)) = (sums.first, expected.first) {
                    assert_near(&read(found), &expected, 1e-6);
                }
            }
        }
    }

    #[test]
    fn other_precisions_go_through_the_composite() {
        let device = Device::flex();
        let start = numbers(7, true);
        let sums = Sums {
            first: start.first.as_ref().map(|x| doubles(x, [7], &device)),
            second: doubles(&start.second, [7], &device),
        };
        let gradient = doubles(&start.gradient, [7], &device);
        let weight = doubles(&start.weight, [7, 1], &device);
        let (weight, _) = update::<2>(weight, gradient, sums, &CHANGE);
        assert_near(&read(weight), &by_definition(start).weight, 1e-12);
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn backends_agree() {
        let ndarray = crate::device::pick("ndarray").unwrap();
        for with_first in [true, false] {
            let (weight, sums) = run(&Device::flex(), 300, with_first);
            let (other, other_sums) = run(&ndarray, 300, with_first);
            assert_near(&read(weight), &read(other), 1e-5);
            assert_near(&read(sums.second), &read(other_sums.second), 1e-5);
        }
    }

    #[cfg(feature = "flex")]
    mod in_place {
        use super::*;
        use crate::ops::cpu;

        fn address<const D: usize>(tensor: &Tensor<D>) -> *const f32 {
            cpu::numbers(&cpu::primitive(tensor.clone())).as_ptr()
        }

        #[test]
        fn nothing_is_copied() {
            let device = Device::flex();
            let weight = singles::<2>(&values(1, 6), [2, 3], &device);
            let sums = Sums {
                first: Some(Tensor::zeros([6], &device)),
                second: Tensor::zeros([6], &device),
            };
            let of = |weight: &Tensor<2>, sums: &Sums| {
                let first = sums.first.as_ref().map(address);
                (address(weight), first, address(&sums.second))
            };
            let before = of(&weight, &sums);
            let gradient = Tensor::ones([6], &device);
            let (weight, sums) = update(weight, gradient, sums, &CHANGE);
            assert_eq!(of(&weight, &sums), before);
            let gradient = RowGradient {
                ids: vec![1],
                rows: vec![1.0; 3],
                width: 3,
            };
            let (weight, sums) = update_rows(weight, &gradient, sums, &CHANGE);
            assert_eq!(of(&weight, &sums), before);
        }

        #[test]
        fn a_clone_keeps_its_numbers() {
            let device = Device::flex();
            let weight = singles::<1>(&values(1, 6), [6], &device);
            let sums = || Sums {
                first: None,
                second: Tensor::zeros([6], &device),
            };
            for view in [weight.clone(), weight.clone().flip([0])] {
                let before = read(view.clone());
                let (moved, _) = update(view.clone(), Tensor::ones([6], &device), sums(), &CHANGE);
                assert_eq!(read(view), before);
                for (moved, before) in read(moved).iter().zip(before) {
                    let expected = 0.99 * before - 0.01 * 0.5 / (0.5 + 1e-3);
                    assert!((moved - expected).abs() < 1e-6);
                }
            }
        }

        #[test]
        fn rows_change_as_in_a_dense_step_and_the_others_not_at_all() {
            let device = Device::flex();
            for width in [1, 2, 3, 63, 64, 65, 127] {
                let n = 700 * width;
                let ids: Vec<u32> = (0..700).filter(|id| id % 3 != 1).collect();
                let start = numbers(n, true);
                let of_rows = |numbers: &[f64]| -> Vec<f64> {
                    let row = |id: &u32| &numbers[*id as usize * width..][..width];
                    ids.iter().flat_map(|id| row(id).to_vec()).collect()
                };
                let gradient = RowGradient {
                    ids: ids.clone(),
                    rows: of_rows(&start.gradient).iter().map(|&x| x as f32).collect(),
                    width,
                };
                let sums = Sums {
                    first: start.first.as_ref().map(|x| singles(x, [n], &device)),
                    second: singles(&start.second, [n], &device),
                };
                let weight = singles(&start.weight, [700, width], &device);
                let before = read(weight.clone());
                let (weight, sums) = update_rows::<2>(weight, &gradient, sums, &CHANGE);
                let found = read(weight);
                let expected = by_definition(start);
                assert_near(&of_rows(&found), &of_rows(&expected.weight), 1e-6);
                let second = read(sums.second);
                assert_near(&of_rows(&second), &of_rows(&expected.second), 1e-6);
                for id in (0..700).filter(|id| id % 3 == 1) {
                    let row = id * width..(id + 1) * width;
                    assert_eq!(found[row.clone()], before[row]);
                }
            }
        }

        #[test]
        fn one_thread_and_two_give_the_same_bits() {
            let run = |n_threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
                pool.build().unwrap().install(|| {
                    let (weight, sums) = run(&Device::flex(), 100_003, true);
                    let squares = sum_of_squares(&sums.second);
                    (read(weight), read(sums.second), squares)
                })
            };
            assert_eq!(run(1), run(2));
        }
    }
}
