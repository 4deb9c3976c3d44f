//! The public function.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::host;

/// Weighted mean over rows of the binary cross-entropy of one target and a few sampled negatives.
///
/// `-log sigmoid(hidden · target) - sum_j log(1 - sigmoid(hidden · negative_j))` for each row. Sampling makes the loss
/// cheap for large tables and its scores overconfident; compare with
/// [`linear_cross_entropy`](crate::ops::linear_cross_entropy::linear_cross_entropy).
///
/// # Shapes
/// - `hidden`: `[n_rows, d_model]`
/// - `table`: `[n_items, d_model]`
/// - `targets`: one item a row
/// - `negatives`: `[n_rows, n_negatives]`, row by row; `n_negatives` may be 0
/// - `row_weights`: one weight a row; 1 if `None`
/// - returns `[1]`
///
/// # Edge cases
/// No rows, or weights that are all zero, give 0 with zero gradient. Scores of any finite size are safe.
///
/// # Panics
/// If a shape above does not hold, if an id is not below `n_items`, or if a weight is negative or not finite.
///
/// # Source
/// SASRec, Kang and McAuley 2018, <https://arxiv.org/abs/1808.09781>, section III-E. Differences: any number of
/// negatives, summed.
pub fn binary_cross_entropy_sampled(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[u32],
    negatives: &[u32],
    row_weights: Option<&[f32]>,
) -> Tensor<1> {
    let [n_rows, d_model] = hidden.dims();
    let [n_items, d_table] = table.dims();
    assert_eq!(d_table, d_model, "table must be as wide as hidden");
    assert_eq!(targets.len(), n_rows, "each row needs one target");
    assert!(
        negatives.is_empty() || n_rows > 0 && negatives.len().is_multiple_of(n_rows),
        "{} negatives do not divide among {n_rows} rows",
        negatives.len()
    );
    host::assert_ids("target", targets, n_items);
    host::assert_ids("negative", negatives, n_items);
    match host::row_factors(row_weights, n_rows) {
        None => host::zero_loss(&hidden, &table),
        Some(factors) => {
            composite::binary_cross_entropy(hidden, table, targets, negatives, factors)
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::testing::{assert_gradients, assert_near, read, singles, values};

    const ROWS: usize = 5;
    const ITEMS: usize = 7;
    const WIDTH: usize = 3;
    const TARGETS: [u32; ROWS] = [6, 0, 3, 3, 2];
    const NEGATIVES: [u32; 2 * ROWS] = [0, 1, 6, 3, 4, 5, 5, 5, 1, 0];
    const WEIGHTS: [f32; ROWS] = [1.0, 0.0, 0.5, 2.0, 0.25];

    fn by_definition(hidden: &[f64], table: &[f64], negatives: &[u32], weights: &[f32]) -> f64 {
        let n_negatives = negatives.len() / ROWS;
        let (mut loss, mut total) = (0.0, 0.0);
        for row in 0..ROWS {
            let score = |item: u32| -> f64 {
                let item = &table[item as usize * WIDTH..];
                (0..WIDTH).map(|x| hidden[row * WIDTH + x] * item[x]).sum()
            };
            let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
            let mut row_loss = -sigmoid(score(TARGETS[row])).ln();
            for negative in &negatives[row * n_negatives..(row + 1) * n_negatives] {
                row_loss -= (1.0 - sigmoid(score(*negative))).ln();
            }
            loss += f64::from(weights[row]) * row_loss;
            total += f64::from(weights[row]);
        }
        loss / total
    }

    fn inputs(device: &Device, scale: f64) -> (Tensor<2>, Tensor<2>) {
        let hidden: Vec<f64> = values(1, ROWS * WIDTH).iter().map(|x| x * scale).collect();
        (
            singles(&hidden, [ROWS, WIDTH], device),
            singles(&values(2, ITEMS * WIDTH), [ITEMS, WIDTH], device),
        )
    }

    #[test]
    fn the_loss_is_what_the_definition_says() {
        let (hidden, table) = (values(1, ROWS * WIDTH), values(2, ITEMS * WIDTH));
        for negatives in [&NEGATIVES[..], &NEGATIVES[..ROWS], &[]] {
            for weights in [None, Some(&WEIGHTS[..])] {
                let (a, b) = inputs(&Device::flex(), 1.0);
                let found = binary_cross_entropy_sampled(a, b, &TARGETS, negatives, weights);
                let weights = weights.unwrap_or(&[1.0; ROWS]);
                let expected = by_definition(&hidden, &table, negatives, weights);
                assert_near(&read(found), &[expected], 1e-5);
            }
        }
    }

    #[test]
    fn extreme_scores_stay_finite() {
        let device = Device::flex().autodiff();
        let (hidden, table) = inputs(&device, 1e4);
        let (hidden, table) = (hidden.require_grad(), table.require_grad());
        let loss =
            binary_cross_entropy_sampled(hidden.clone(), table.clone(), &TARGETS, &NEGATIVES, None);
        assert!(read(loss.clone())[0] > 1e3 && read(loss.clone())[0] < 1e5);
        let gradients = loss.backward();
        for tensor in [hidden, table] {
            let gradient = read(tensor.grad(&gradients).unwrap());
            assert!(gradient.iter().all(|number| number.is_finite()));
        }
    }

    #[test]
    fn fresh_weights_of_zero_still_learn() {
        let device = Device::flex().autodiff();
        let (hidden, _) = inputs(&device, 1.0);
        let table = Tensor::zeros([ITEMS, WIDTH], &device).require_grad();
        let loss = binary_cross_entropy_sampled(hidden, table.clone(), &TARGETS, &[], None);
        assert_near(&read(loss.clone()), &[2f64.ln()], 1e-6);
        let gradient = read(table.grad(&loss.backward()).unwrap());
        // Minus half of the hidden row, a fifth of the mean, at the only row whose target is item 6.
        let expected: Vec<f64> = values(1, WIDTH).iter().map(|x| -0.5 * x / 5.0).collect();
        assert_near(&gradient[6 * WIDTH..], &expected, 1e-6);
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let inputs = [values(1, ROWS * WIDTH), values(2, ITEMS * WIDTH)];
        assert_gradients(&inputs, |inputs| {
            let hidden = inputs[0].clone().reshape([ROWS, WIDTH]);
            let table = inputs[1].clone().reshape([ITEMS, WIDTH]);
            binary_cross_entropy_sampled(hidden, table, &TARGETS, &NEGATIVES, Some(&WEIGHTS))
        });
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn backends_agree() {
        let run = |device: Device| {
            let (hidden, table) = inputs(&device, 1.0);
            read(binary_cross_entropy_sampled(
                hidden, table, &TARGETS, &NEGATIVES, None,
            ))
        };
        let ndarray = run(crate::device::pick("ndarray").unwrap());
        assert_near(&run(Device::flex()), &ndarray, 1e-5);
    }

    #[test]
    fn no_rows_give_zero() {
        let device = Device::flex();
        let (hidden, table) = (
            Tensor::zeros([0, 3], &device),
            Tensor::zeros([2, 3], &device),
        );
        let loss = binary_cross_entropy_sampled(hidden, table, &[], &[], None);
        assert_eq!(read(loss), [0.0]);
    }

    #[test]
    #[should_panic(expected = "4 negatives do not divide among 5 rows")]
    fn negatives_that_do_not_divide_are_refused() {
        let (hidden, table) = inputs(&Device::flex(), 1.0);
        binary_cross_entropy_sampled(hidden, table, &TARGETS, &NEGATIVES[..4], None);
    }
}
