//! Bayesian personalised ranking.

use burn::tensor::Tensor;

use super::composite;
use crate::ops::host;
use crate::ops::linear_cross_entropy::Negatives;

/// Weighted mean over rows of how surprising it is that the target beats a negative.
///
/// `mean_j -log sigmoid(s_t - s_j)` for each row, over the negatives that do not equal the target, where `s_i` is the
/// product of the hidden row and the vector of item `i`. Only differences count, so scores have no level of their own and
/// are no chances. The chances in `negatives.log_chances` are not looked at.
///
/// Memory is as in [`binary_cross_entropy`](super::binary_cross_entropy).
///
/// # Shapes
/// - `hidden`: `[n_rows, d_model]`, where `n_rows` is `negatives.groups.n_rows()`
/// - `target_rows`: `[n_rows, d_model]`, the vector of each row's target
/// - `negative_rows`: `[negatives.ids.len(), d_model]`, the vector of each negative
/// - `targets`: one item a row
/// - `row_weights`: one weight a row; 1 if `None`
/// - returns `[1]`
///
/// # Edge cases
/// No rows, or weights that are all zero, give 0 with zero gradient. A row without any negative that counts gives 0 and
/// keeps its weight in the mean. Scores of any finite size are safe.
///
/// # Panics
/// If a shape above does not hold, the ids cannot be shared out among the groups evenly, or a weight is negative or not
/// finite.
///
/// # Source
/// BPR-Opt, Rendle et al. 2009, <https://arxiv.org/abs/1205.2618>, section 4.1. Differences: several negatives a target,
/// averaged; weights decay, if at all, in the optimiser.
pub fn bayesian_ranking(
    hidden: Tensor<2>,
    target_rows: Tensor<2>,
    negative_rows: Tensor<2>,
    targets: &[u32],
    negatives: &Negatives<'_>,
    row_weights: Option<&[f32]>,
) -> Tensor<1> {
    negatives.assert_fit(&hidden, &target_rows, &negative_rows, targets);
    match host::row_factors(row_weights, targets.len()) {
        Some(factors) if !negatives.ids.is_empty() => {
            let at_target = composite::target_scores(hidden.clone(), target_rows);
            let at_negatives = composite::negative_scores(hidden, negative_rows, negatives.groups);
            let weights = composite::negative_weights(targets, negatives, |row, n_counted| {
                factors[row] / n_counted as f32
            });
            composite::surprise(at_target - at_negatives, weights)
        }
        _ => host::zero_loss(&[&hidden, &target_rows, &negative_rows]),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::case::{Case, surprise};
    use super::*;
    use crate::ops::testing::read;

    fn loss([hidden, target_rows, negative_rows]: [Tensor<2>; 3], case: &Case) -> Tensor<1> {
        bayesian_ranking(
            hidden,
            target_rows,
            negative_rows,
            &case.targets,
            &case.negatives(),
            case.weights.as_deref(),
        )
    }

    /// The definition.
    fn of_row(target: f64, negatives: &[f64]) -> f64 {
        if negatives.is_empty() {
            return 0.0;
        }
        let lost = negatives.iter().map(|score| surprise(target - score));
        lost.sum::<f64>() / negatives.len() as f64
    }

    #[test]
    fn the_loss_is_what_the_definition_says() {
        for mut case in Case::of_every_kind() {
            case.assert_loss(&loss, &of_row);
            case.weights = None;
            case.assert_loss(&loss, &of_row);
        }
    }

    #[test]
    fn gradients_are_those_of_differences() {
        for group_rows in [&[5][..], &[3, 0, 2], &[1; 5], &[2, 2]] {
            Case::new(group_rows, 6, 4).assert_gradients(&loss);
        }
    }

    #[test]
    fn extreme_scores_stay_finite() {
        let mut case = Case::new(&[5, 2], 11, 4);
        case.rows[0].iter_mut().for_each(|number| *number *= 1e4);
        case.assert_loss(&loss, &of_row);
        let (_, gradients) = case.run(&loss);
        assert!(gradients.concat().iter().all(|number| number.is_finite()));
    }

    #[test]
    fn a_row_without_a_rival_gives_zero_and_keeps_its_weight() {
        let mut case = Case::new(&[2, 2], 3, 2);
        case.weights = None;
        case.targets = vec![1, 1, 0, 0];
        case.ids = vec![1, 1, 2, 0];
        case.assert_loss(&loss, &of_row);
        let (_, [hidden, ..]) = case.run(&loss);
        assert!(hidden[..6].iter().all(|&number| number == 0.0));
        assert!(hidden[6..].iter().any(|&number| number != 0.0));
        case.ids.fill(1);
        case.targets.fill(1);
        let (loss, gradients) = case.run(&loss);
        assert_eq!(loss, 0.0);
        assert!(gradients.concat().iter().all(|&number| number == 0.0));
    }

    #[test]
    fn nothing_to_compare_gives_zero() {
        for case in [Case::new(&[0], 5, 2), Case::new(&[3], 5, 0)] {
            assert_eq!(read(loss(case.tensors(&Device::flex()), &case)), [0.0]);
        }
    }

    #[test]
    #[should_panic(expected = "groups must hold as many rows as hidden")]
    fn rows_outside_all_groups_are_refused() {
        let mut case = Case::new(&[3], 5, 2);
        case.groups = crate::sequence::Offsets::uniform(1, 2);
        loss(case.tensors(&Device::flex()), &case);
    }

    #[cfg(feature = "ndarray")]
    #[test]
    fn backends_agree() {
        use crate::ops::testing::assert_near;
        for case in Case::of_every_kind() {
            let run = |device: Device| read(loss(case.tensors(&device), &case));
            let ndarray = run(crate::device::pick("ndarray").unwrap());
            assert_near(&run(Device::flex()), &ndarray, 1e-5);
        }
    }
}
