//! The public function.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::embedding::embedding;
use crate::ops::host;

/// Weighted mean over rows of how surprising each target is: minus the logarithm of its softmax probability.
///
/// `sum_i w_i (log(sum_j exp(hidden_i · table_j)) - hidden_i · table_{target_i}) / sum_i w_i`
///
/// Label smoothing `e` takes the target for certain only `1 - e` of the time and any item, the target included, for as
/// likely in the rest: `(1 - e)` times the above and `e` times the mean over items of minus the logarithm of their
/// probability. It keeps a model from ever greater logits.
///
/// The logits are made for a block of rows at a time, never for all rows at once. The CPU kernel (Flex, 32 bits) makes
/// the gradients along with the loss and keeps no logits. The composite, which serves all else, keeps the blocks under
/// autodiff until the backward pass and then holds `[n_rows, n_items]` in total.
///
/// Targets and weights come from the host, where batches are made, so that a wrong id is refused by number before
/// anything runs, and without waiting for a device.
///
/// # Shapes
/// - `hidden`: `[n_rows, d_model]`
/// - `table`: `[n_items, d_model]`
/// - `targets`: one item a row
/// - `row_weights`: one weight a row; 1 if `None`
/// - `label_smoothing`: in `[0, 1)`; 0 costs nothing
/// - returns `[1]`
///
/// # Edge cases
/// No rows, or weights that are all zero, give 0 with zero gradient. A table of one item gives 0. Logits of any finite
/// size are safe.
///
/// # Panics
/// If a shape above does not hold, if a target is not below `n_items`, if a weight is negative or not finite, or if the
/// smoothing lies outside its range.
///
/// # Source
/// Label smoothing: Szegedy et al. 2016, <https://arxiv.org/abs/1512.00567>, section 7. Differences: none.
pub fn linear_cross_entropy(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[u32],
    row_weights: Option<&[f32]>,
    label_smoothing: f64,
) -> Tensor<1> {
    let [n_rows, d_model] = hidden.dims();
    let [n_items, d_table] = table.dims();
    assert_eq!(d_table, d_model, "table must be as wide as hidden");
    assert_eq!(targets.len(), n_rows, "each row needs one target");
    host::assert_ids("target", targets, n_items);
    assert!(
        (0.0..1.0).contains(&label_smoothing),
        "label smoothing {label_smoothing} lies outside [0, 1)"
    );
    let Some(factors) = host::row_factors(row_weights, n_rows) else {
        return host::zero_loss(&[&hidden, &table]);
    };
    if label_smoothing == 0.0 {
        return dispatch(hidden, table, targets, &factors);
    }
    let above_mean = above_mean(hidden.clone(), table.clone(), targets, &factors);
    dispatch(hidden, table, targets, &factors) + above_mean * label_smoothing
}

/// Weighted mean of how far the logit of a target lies above the mean logit of its row.
///
/// `(1 - e) (s - l_t) + e mean_j (s - l_j) = s - l_t + e (l_t - mean_j l_j)`, where `s` is the logarithm of the sum of
/// exponentials; and a mean of logits is a product with the mean of the table.
fn above_mean(hidden: Tensor<2>, table: Tensor<2>, targets: &[u32], factors: &[f32]) -> Tensor<1> {
    let (device, dtype) = (hidden.device(), hidden.dtype());
    let factors = host::floats(factors.to_vec(), [targets.len(), 1], &device, dtype);
    let mean = table.clone().mean_dim(0);
    let above = embedding(table, targets) - mean;
    ((hidden * above).sum_dim(1) * factors).sum()
}

/// Runs the kernel if there is one for these tensors, else the composite.
fn dispatch(hidden: Tensor<2>, table: Tensor<2>, targets: &[u32], factors: &[f32]) -> Tensor<1> {
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu::runs_here;
        let [_, d_model] = hidden.dims();
        if d_model > 0 && runs_here(&hidden) && runs_here(&table) {
            return super::flex::linear_cross_entropy(hidden, table, targets, factors);
        }
    }
    composite::linear_cross_entropy(hidden, table, targets, factors)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::testing::{assert_gradients, assert_near, read, singles, values};

    const WIDTH: usize = 3;

    fn by_definition(
        hidden: &[f64],
        table: &[f64],
        targets: &[u32],
        row_weights: Option<&[f32]>,
    ) -> f64 {
        let (mut loss, mut total) = (0.0, 0.0);
        for (row, hidden) in hidden.chunks(WIDTH).enumerate() {
            let logits: Vec<f64> = table
                .chunks(WIDTH)
                .map(|item| item.iter().zip(hidden).map(|(a, b)| a * b).sum())
                .collect();
            let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.iter().map(|logit| (logit - highest).exp()).sum();
            let weight = row_weights.map_or(1.0, |weights| f64::from(weights[row]));
            loss += weight * (sum.ln() + highest - logits[targets[row] as usize]);
            total += weight;
        }
        loss / total
    }

    fn run(hidden: &[f64], table: &[f64], targets: &[u32], row_weights: Option<&[f32]>) -> f64 {
        let device = Device::flex();
        let hidden = singles(hidden, [hidden.len() / WIDTH, WIDTH], &device);
        let table = singles(table, [table.len() / WIDTH, WIDTH], &device);
        read(linear_cross_entropy(
            hidden,
            table,
            targets,
            row_weights,
            0.0,
        ))[0]
    }

    /// Rows, items, targets and weights of odd sizes.
    fn case(n_rows: usize, n_items: usize) -> (Vec<f64>, Vec<f64>, Vec<u32>, Vec<f32>) {
        let targets = (0..n_rows).map(|row| ((row * 7 + 3) % n_items) as u32);
        let weights = (0..n_rows).map(|row| (row % 3) as f32 / 2.0);
        (
            values(1, n_rows * WIDTH),
            values(2, n_items * WIDTH),
            targets.collect(),
            weights.collect(),
        )
    }

    #[test]
    fn the_loss_is_what_the_definition_says() {
        for (n_rows, n_items) in [(1, 1), (1, 2), (2, 3), (7, 65), (65, 7), (3, 2_000_003)] {
            let (hidden, table, targets, weights) = case(n_rows, n_items);
            let plain = by_definition(&hidden, &table, &targets, None);
            assert_near(&[run(&hidden, &table, &targets, None)], &[plain], 2e-5);
            if weights.iter().any(|weight| *weight > 0.0) {
                let weighted = by_definition(&hidden, &table, &targets, Some(&weights));
                let found = run(&hidden, &table, &targets, Some(&weights));
                assert_near(&[found], &[weighted], 2e-5);
            }
        }
    }

    /// The definition of label smoothing: every item is a target for its part of the certainty.
    fn smoothed_by_definition(
        (hidden, table): (&[f64], &[f64]),
        (targets, weights): (&[u32], &[f32]),
        smoothing: f64,
    ) -> f64 {
        let n_items = table.len() / WIDTH;
        let every = (0..n_items as u32).map(|item| {
            let targets = vec![item; targets.len()];
            by_definition(hidden, table, &targets, Some(weights))
        });
        let of_all = every.sum::<f64>() / n_items as f64;
        let of_targets = by_definition(hidden, table, targets, Some(weights));
        (1.0 - smoothing) * of_targets + smoothing * of_all
    }

    #[test]
    fn smoothed_labels_share_their_certainty_among_all_items() {
        let device = Device::flex();
        for (n_rows, n_items) in [(2, 1), (2, 3), (7, 65), (65, 7)] {
            let (hidden, table, targets, weights) = case(n_rows, n_items);
            for smoothing in [0.0, 0.1, 0.9] {
                let found = linear_cross_entropy(
                    singles(&hidden, [n_rows, WIDTH], &device),
                    singles(&table, [n_items, WIDTH], &device),
                    &targets,
                    Some(&weights),
                    smoothing,
                );
                let expected =
                    smoothed_by_definition((&hidden, &table), (&targets, &weights), smoothing);
                assert_near(&read(found), &[expected], 2e-5);
            }
        }
    }

    #[test]
    fn gradients_with_smoothed_labels_are_those_of_differences() {
        let (hidden, table, targets, weights) = case(7, 5);
        assert_gradients(&[hidden, table], |inputs| {
            let hidden = inputs[0].clone().reshape([7, WIDTH]);
            let table = inputs[1].clone().reshape([5, WIDTH]);
            linear_cross_entropy(hidden, table, &targets, Some(&weights), 0.3)
        });
    }

    #[test]
    #[should_panic(expected = "label smoothing 1 lies outside [0, 1)")]
    fn a_smoothing_of_one_is_refused() {
        let table = Tensor::zeros([2, 3], &Device::flex());
        linear_cross_entropy(table.clone(), table, &[0, 1], None, 1.0);
    }

    #[test]
    fn a_single_item_is_no_surprise() {
        let hidden = values(1, 5 * WIDTH);
        assert_eq!(run(&hidden, &values(2, WIDTH), &[0; 5], None), 0.0);
    }

    #[test]
    fn nothing_to_learn_gives_a_loss_of_zero_with_zero_gradient() {
        let device = Device::flex().autodiff();
        for (n_rows, weights) in [(0, None), (2, Some([0.0f32; 2].as_slice()))] {
            let numbers = values(1, n_rows * WIDTH);
            let hidden = singles(&numbers, [n_rows, WIDTH], &device).require_grad();
            let table = singles(&values(2, 5 * WIDTH), [5, WIDTH], &device).require_grad();
            let targets = vec![4; n_rows];
            let loss = linear_cross_entropy(hidden, table.clone(), &targets, weights, 0.0);
            assert_eq!(read(loss.clone()), [0.0]);
            let gradient = table.grad(&loss.backward()).unwrap();
            assert_eq!(read(gradient), [0.0; 5 * WIDTH]);
        }
    }

    #[test]
    fn extreme_logits_stay_finite() {
        // Logits of 1e4 and -1e4.
        let (hidden, table) = ([1e4, 0.0, 0.0], [1.0, 0.0, 0.0, -1.0, 0.0, 0.0]);
        assert_eq!(run(&hidden, &table, &[0], None), 0.0);
        assert_eq!(run(&hidden, &table, &[1], None), 2e4);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let (hidden, table, targets, weights) = case(7, 5);
        let inputs = [hidden, table];
        for weights in [None, Some(weights.as_slice())] {
            assert_gradients(&inputs, |inputs| {
                let hidden = inputs[0].clone().reshape([7, WIDTH]);
                let table = inputs[1].clone().reshape([5, WIDTH]);
                linear_cross_entropy(hidden, table, &targets, weights, 0.0)
            });
        }
    }

    #[test]
    fn the_kernel_has_the_gradients_of_the_composite() {
        let device = Device::flex().autodiff();
        for (n_rows, n_items) in [(1, 1), (1, 2), (7, 65), (65, 7), (1000, 129)] {
            let (hidden, table, targets, weights) = case(n_rows, n_items);
            let weights = (n_rows > 1).then_some(weights.as_slice());
            let run = |f: &dyn Fn(Tensor<2>, Tensor<2>) -> Tensor<1>| {
                let hidden = singles(&hidden, [n_rows, WIDTH], &device).require_grad();
                let table = singles(&table, [n_items, WIDTH], &device).require_grad();
                // A factor shows that the gradient from above counts.
                let loss = f(hidden.clone(), table.clone()) * 3.0;
                let gradients = loss.backward();
                let gradient = |tensor: Tensor<2>| read(tensor.grad(&gradients).unwrap());
                (read(loss), gradient(hidden), gradient(table))
            };
            let kernel =
                run(&|hidden, table| linear_cross_entropy(hidden, table, &targets, weights, 0.0));
            let factors = host::row_factors(weights, n_rows).unwrap();
            let composite = run(&|hidden, table| {
                composite::linear_cross_entropy(hidden, table, &targets, &factors)
            });
            assert_near(&kernel.0, &composite.0, 1e-5);
            assert_near(&kernel.1, &composite.1, 1e-6);
            assert_near(&kernel.2, &composite.2, 1e-6);
        }
    }

    /// Loss and gradients; logits are about `size` large.
    fn run_at_width(
        f: &dyn Fn(Tensor<2>, Tensor<2>, &[u32]) -> Tensor<1>,
        [n_rows, n_items, width]: [usize; 3],
        size: f64,
    ) -> [Vec<f64>; 3] {
        let device = Device::flex().autodiff();
        let numbers = |seed, n: usize| -> Vec<f64> {
            let numbers = values(seed, n * width);
            numbers.iter().map(|number| number * size.sqrt()).collect()
        };
        let hidden = singles(&numbers(1, n_rows), [n_rows, width], &device).require_grad();
        let table = singles(&numbers(2, n_items), [n_items, width], &device).require_grad();
        let targets: Vec<u32> = (0..n_rows)
            .map(|row| ((row * 7) % n_items) as u32)
            .collect();
        let loss = f(hidden.clone(), table.clone(), &targets);
        let gradients = loss.backward();
        let gradient = |tensor: Tensor<2>| read(tensor.grad(&gradients).unwrap());
        [read(loss), gradient(hidden), gradient(table)]
    }

    #[test]
    fn the_kernel_agrees_at_any_width_and_size() {
        for sizes in [
            [1, 1, 1],
            [2, 63, 2],
            [63, 64, 63],
            [64, 65, 64],
            [65, 127, 65],
            [127, 1000, 127],
            [1000, 2, 1],
        ] {
            for (size, tolerance) in [(1.0, 2e-6), (1e4, 1e-2)] {
                let kernel = run_at_width(
                    &|hidden, table, targets| {
                        linear_cross_entropy(hidden, table, targets, None, 0.0)
                    },
                    sizes,
                    size,
                );
                let composite = run_at_width(
                    &|hidden, table, targets| {
                        let factors = vec![1.0 / targets.len() as f32; targets.len()];
                        composite::linear_cross_entropy(hidden, table, targets, &factors)
                    },
                    sizes,
                    size,
                );
                for (kernel, composite) in kernel.iter().zip(&composite) {
                    let greatest = composite.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
                    assert_near(kernel, composite, tolerance * greatest);
                }
            }
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let loss = |hidden, table, targets: &[u32]| {
            linear_cross_entropy(hidden, table, targets, None, 0.0)
        };
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
            let pool = pool.build().unwrap();
            pool.install(|| run_at_width(&loss, [1500, 130, 9], 1.0))
        };
        assert_eq!(on(1), on(2));
    }

    #[test]
    fn the_kernel_reads_views_and_lets_constants_be() {
        let device = Device::flex().autodiff();
        let (hidden, table, targets, _) = case(7, 5);
        let plain = run(&hidden, &table, &targets, None);
        let wide = singles(&hidden, [7, WIDTH], &device).swap_dims(0, 1);
        let hidden = Tensor::cat(vec![wide.clone(), wide], 1)
            .narrow(1, 7, 7)
            .swap_dims(0, 1);
        let hidden = hidden.require_grad();
        let table = singles(&table, [5, WIDTH], &Device::flex());
        let loss = linear_cross_entropy(hidden.clone(), table, &targets, None, 0.0);
        assert_near(&read(loss.clone()), &[plain], 1e-6);
        let gradient = read(hidden.grad(&loss.backward()).unwrap());
        assert!(gradient.iter().any(|number| *number != 0.0));
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn backends_agree() {
        let (hidden, table, targets, _) = case(65, 7);
        let run = |device: Device| {
            let hidden = singles(&hidden, [65, WIDTH], &device);
            let table = singles(&table, [7, WIDTH], &device);
            read(linear_cross_entropy(hidden, table, &targets, None, 0.0))
        };
        let ndarray = run(crate::device::pick("ndarray").unwrap());
        assert_near(&run(Device::flex()), &ndarray, 1e-5);
    }

    #[test]
    #[should_panic(expected = "target 5 is outside a table of 5 rows")]
    fn a_target_past_the_table_is_refused() {
        let (hidden, table, _, _) = case(2, 5);
        run(&hidden, &table, &[0, 5], None);
    }

    #[test]
    #[should_panic(expected = "row weight -1 is not a finite number of at least 0")]
    fn a_negative_weight_is_refused() {
        let (hidden, table, targets, _) = case(2, 5);
        run(&hidden, &table, &targets, Some(&[1.0, -1.0]));
    }
}
