//! Binary cross-entropy on a target and sampled negatives, and how to calibrate it.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::host;
use crate::ops::linear_cross_entropy::Negatives;

/// Weighted mean over rows of the binary cross-entropy of one target and a few sampled negatives.
///
/// `-target_power * log sigmoid(s_t) - sum_j log(1 - sigmoid(s_j))` for each row, where `s_i` is the product of the hidden
/// row and the vector of item `i`. A negative that equals the target does not count. With a power of 1 the loss is that of
/// SASRec; scores are then overconfident the more, the fewer of all items are drawn. Less power, after
/// [`calibrated_power`], undoes it and is gBCE. The chances in `negatives.log_chances` are not looked at.
///
/// Memory is `[n_rows, n_negatives]` where rows share negatives, and `[n_rows, n_negatives, d_model]` where each row has
/// its own, since then their vectors are as many.
///
/// # Shapes
/// - `hidden`: `[n_rows, d_model]`, where `n_rows` is `negatives.groups.n_rows()`
/// - `target_rows`: `[n_rows, d_model]`, the vector of each row's target
/// - `negative_rows`: `[negatives.ids.len(), d_model]`, the vector of each negative
/// - `targets`: one item a row
/// - `target_power`: finite, at least 0
/// - `row_weights`: one weight a row; 1 if `None`
/// - returns `[1]`
///
/// # Edge cases
/// No rows, or weights that are all zero, give 0 with zero gradient. Without negatives the target's part is left. Scores of
/// any finite size are safe.
///
/// # Panics
/// If a shape above does not hold, the ids cannot be shared out among the groups evenly, the power is negative or not
/// finite, or a weight is.
///
/// # Source
/// SASRec, Kang and McAuley 2018, <https://arxiv.org/abs/1808.09781>, section III-E; the power: gSASRec, Petrov and
/// Macdonald 2023, <https://arxiv.org/abs/2308.07192>. Differences: any number of negatives, summed and not
/// divided by their number; negatives equal to the target are left out.
pub fn binary_cross_entropy(
    hidden: Tensor<2>,
    target_rows: Tensor<2>,
    negative_rows: Tensor<2>,
    targets: &[u32],
    negatives: &Negatives<'_>,
    target_power: f64,
    row_weights: Option<&[f32]>,
) -> Tensor<1> {
    negatives.assert_fit(&hidden, &target_rows, &negative_rows, targets);
    assert!(
        target_power.is_finite() && target_power >= 0.0,
        "target power {target_power} is not a finite number of at least 0"
    );
    let Some(factors) = host::row_factors(row_weights, targets.len()) else {
        return host::zero_loss(&[&hidden, &target_rows, &negative_rows]);
    };
    let powers = factors.iter().map(|&factor| factor * target_power as f32);
    let at_target = composite::target_scores(hidden.clone(), target_rows);
    let of_targets = composite::surprise(at_target, powers.collect());
    if negatives.ids.is_empty() {
        return of_targets;
    }
    let at_negatives = composite::negative_scores(hidden, negative_rows, negatives.groups);
    let weights = composite::negative_weights(targets, negatives, |row, _| factors[row]);
    // 1 - sigmoid(s) = sigmoid(-s).
    of_targets + composite::surprise(at_negatives.neg(), weights)
}

/// The power of the target that makes up for how few negatives are drawn, in part or in full.
///
/// `power = alpha (t (1 - 1 / alpha) + 1 / alpha) = 1 - t (1 - alpha)`, where `alpha = n_negatives / (n_items - 1)`.
///
/// Say an item is the target with chance `p`. Else it is drawn as a negative with chance `alpha`. So the loss that a score
/// with sigmoid `x` meets is `-p power log x - (1 - p) alpha log(1 - x)`, least at `x = power p / (power p + alpha (1 - p))`.
/// With `power = alpha`, which is `t = 1`, that is `p` itself; with `power = 1`, which is `t = 0`, it lies near 1 as soon
/// as `p` is greater than `alpha`. Between, a model tells likely items apart better than at `t = 0` and learns faster than
/// at `t = 1`; the paper trains with 0.75.
///
/// # Edge cases
/// As many negatives as there are other items, or more, give 1: nothing has to be made up for.
///
/// # Panics
/// If `t` lies outside `[0, 1]`.
///
/// # Source
/// Petrov and Macdonald 2023, <https://arxiv.org/abs/2308.07192>. Differences: more negatives than items are
/// allowed.
///
/// ```
/// use salient::ops::pairwise_loss::calibrated_power;
///
/// assert_eq!(calibrated_power(256, 1025, 0.0), 1.0);
/// assert_eq!(calibrated_power(256, 1025, 1.0), 0.25);
/// assert_eq!(calibrated_power(256, 1025, 0.5), 0.625);
/// ```
pub fn calibrated_power(n_negatives: usize, n_items: usize, t: f64) -> f64 {
    assert!(
        (0.0..=1.0).contains(&t),
        "calibration {t} lies outside [0, 1]"
    );
    let n_others = n_items.saturating_sub(1).max(1);
    let alpha = (n_negatives as f64 / n_others as f64).min(1.0);
    1.0 - t * (1.0 - alpha)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::case::{Case, surprise};
    use super::*;
    use crate::ops::testing::{assert_near, read};

    fn loss_at(target_power: f64) -> impl Fn([Tensor<2>; 3], &Case) -> Tensor<1> {
        move |[hidden, target_rows, negative_rows], case| {
            binary_cross_entropy(
                hidden,
                target_rows,
                negative_rows,
                &case.targets,
                &case.negatives(),
                target_power,
                case.weights.as_deref(),
            )
        }
    }

    /// The definition; `1 - sigmoid(s) = sigmoid(-s)`.
    fn row_at(target_power: f64) -> impl Fn(f64, &[f64]) -> f64 {
        move |target, negatives| {
            let of_negatives = negatives.iter().map(|&score| surprise(-score));
            target_power * surprise(target) + of_negatives.sum::<f64>()
        }
    }

    #[test]
    fn the_loss_is_what_the_definition_says() {
        for mut case in Case::of_every_kind() {
            for power in [1.0, 0.0, 0.3] {
                case.assert_loss(&loss_at(power), &row_at(power));
            }
            case.weights = None;
            case.assert_loss(&loss_at(1.0), &row_at(1.0));
        }
    }

    #[test]
    fn gradients_are_those_of_differences() {
        for group_rows in [&[5][..], &[3, 0, 2], &[1; 5], &[2, 2]] {
            Case::new(group_rows, 6, 4).assert_gradients(&loss_at(0.4));
        }
    }

    #[test]
    fn extreme_scores_stay_finite() {
        let mut case = Case::new(&[5, 2], 11, 4);
        case.rows[0].iter_mut().for_each(|number| *number *= 1e4);
        case.assert_loss(&loss_at(1.0), &row_at(1.0));
        let (loss, gradients) = case.run(&loss_at(1.0));
        assert!(loss > 1e3 && loss < 1e5, "{loss}");
        assert!(gradients.concat().iter().all(|number| number.is_finite()));
    }

    #[test]
    fn negatives_that_equal_the_target_do_not_count() {
        let mut case = Case::new(&[4, 2], 3, 2);
        case.targets.fill(1);
        case.ids.fill(1);
        case.assert_loss(&loss_at(0.7), &|target, negatives| {
            assert!(negatives.is_empty());
            0.7 * surprise(target)
        });
        let (_, [_, _, of_negatives]) = case.run(&loss_at(0.7));
        assert!(of_negatives.iter().all(|&number| number == 0.0));
    }

    #[test]
    fn weights_that_are_all_zero_give_zero_with_zero_gradient() {
        let mut case = Case::new(&[4, 2], 5, 2);
        case.weights = Some(vec![0.0; 6]);
        let (loss, gradients) = case.run(&loss_at(1.0));
        assert_eq!(loss, 0.0);
        assert!(gradients.concat().iter().all(|&number| number == 0.0));
    }

    #[test]
    fn without_negatives_the_part_of_the_target_is_left() {
        let case = Case::new(&[4, 2], 5, 0);
        case.assert_loss(&loss_at(2.0), &|target, _| 2.0 * surprise(target));
    }

    #[test]
    fn no_rows_give_zero() {
        let case = Case::new(&[0, 0], 5, 2);
        assert_eq!(
            read(loss_at(1.0)(case.tensors(&Device::flex()), &case)),
            [0.0]
        );
    }

    #[test]
    fn chances_are_not_looked_at() {
        let case = Case::new(&[4, 2], 5, 2);
        let run = |log_chances| {
            let [hidden, target_rows, negative_rows] = case.tensors(&Device::flex());
            let negatives = Negatives {
                log_chances,
                ..case.negatives()
            };
            read(binary_cross_entropy(
                hidden,
                target_rows,
                negative_rows,
                &case.targets,
                &negatives,
                1.0,
                None,
            ))
        };
        assert_eq!(run(Some(&[-3.0; 5])), run(None));
    }

    #[test]
    fn full_calibration_learns_the_true_chance() {
        // An item is the target with chance 0.05, else it is drawn with chance alpha = 0.1: the loss must be least where
        // the sigmoid is 0.05, or 0.05 / (0.05 + 0.095) without calibration.
        for (t, expected) in [(1.0, 0.05), (0.0, 0.05 / 0.145)] {
            let power = calibrated_power(10, 101, t);
            let loss = |x: f64| -power * 0.05 * x.ln() - 0.95 * 0.1 * (1.0 - x).ln();
            let grid = (1..10_000).map(|step| f64::from(step) / 10_000.0);
            let least = grid.min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap();
            assert_near(&[least], &[expected], 1e-4);
        }
    }

    #[test]
    fn the_power_goes_from_one_to_the_share_of_items_drawn() {
        for (n_negatives, n_items) in [(1, 3), (256, 60_000), (100, 101)] {
            let alpha = n_negatives as f64 / (n_items - 1) as f64;
            assert_near(&[calibrated_power(n_negatives, n_items, 0.0)], &[1.0], 0.0);
            assert_near(
                &[calibrated_power(n_negatives, n_items, 1.0)],
                &[alpha],
                1e-12,
            );
            let published = alpha * (0.75 * (1.0 - 1.0 / alpha) + 1.0 / alpha);
            assert_near(
                &[calibrated_power(n_negatives, n_items, 0.75)],
                &[published],
                1e-12,
            );
        }
        assert_eq!(calibrated_power(9, 3, 1.0), 1.0);
        assert_eq!(calibrated_power(9, 1, 1.0), 1.0);
    }

    #[test]
    #[should_panic(expected = "calibration 1.5 lies outside [0, 1]")]
    fn a_calibration_past_one_is_refused() {
        calibrated_power(1, 10, 1.5);
    }

    #[test]
    #[should_panic(expected = "target power -1 is not a finite number of at least 0")]
    fn a_negative_power_is_refused() {
        let case = Case::new(&[2], 5, 2);
        loss_at(-1.0)(case.tensors(&Device::flex()), &case);
    }

    #[test]
    #[should_panic(expected = "3 negatives for 2 groups")]
    fn negatives_that_cannot_be_shared_out_are_refused() {
        let mut case = Case::new(&[1, 1], 5, 2);
        case.ids.pop();
        case.rows[2].truncate(9);
        loss_at(1.0)(case.tensors(&Device::flex()), &case);
    }

    #[test]
    #[should_panic(expected = "target_rows must have the shape of hidden")]
    fn a_row_without_a_target_is_refused() {
        let mut case = Case::new(&[1, 1], 5, 2);
        case.rows[1].truncate(3);
        loss_at(1.0)(case.tensors(&Device::flex()), &case);
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn backends_agree() {
        for case in Case::of_every_kind() {
            let run = |device: Device| read(loss_at(0.5)(case.tensors(&device), &case));
            let ndarray = run(crate::device::pick("ndarray").unwrap());
            assert_near(&run(Device::flex()), &ndarray, 2e-4);
        }
    }
}
