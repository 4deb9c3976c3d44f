//! Softmax cross-entropy over the target and sampled negatives.

use burn::tensor::Tensor;

use super::{Negatives, sampled_composite};
use crate::ops::embedding::embedding;
use crate::ops::host;
use crate::sequence::Offsets;

/// Softmax cross-entropy of each row over its target and the negatives of its group.
///
/// As [`sampled_cross_entropy_of_rows`], with the rows of a table as the items' vectors. The gradient of the table touches
/// the drawn rows only; see [`embedding`](crate::ops::embedding::embedding).
///
/// # Shapes
/// - `hidden`: `[n_rows, d_model]`, where `n_rows` is `negatives.groups.n_rows()`
/// - `table`: `[n_items, d_model]`
/// - `targets`: one item a row
/// - `row_weights`: one weight a row; 1 if `None`
/// - returns `[1]`
///
/// # Edge cases
/// No rows, or weights that are all zero, give 0 with zero gradient. A row without any negative that counts gives 0.
///
/// # Panics
/// If a shape above does not hold, the ids cannot be shared out among the groups evenly, an id is not below `n_items`, or a
/// weight is negative or not finite.
///
/// # Source
/// As [`sampled_cross_entropy_of_rows`].
pub fn sampled_cross_entropy(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[u32],
    negatives: &Negatives<'_>,
    row_weights: Option<&[f32]>,
) -> Tensor<1> {
    let [_, d_model] = hidden.dims();
    let [n_items, d_table] = table.dims();
    assert_eq!(d_table, d_model, "table must be as wide as hidden");
    host::assert_ids("target", targets, n_items);
    host::assert_ids("negative", negatives.ids, n_items);
    if let Some(log_chances) = negatives.log_chances {
        assert_eq!(log_chances.len(), n_items, "each item needs one chance");
    }
    let target_rows = embedding(table.clone(), targets);
    let negative_rows = embedding(table.clone(), negatives.ids);
    let loss = sampled_cross_entropy_of_rows(
        hidden,
        target_rows,
        negative_rows,
        targets,
        negatives,
        row_weights,
    );
    if targets.is_empty() && negatives.ids.is_empty() {
        // No look-up tells the table that its gradient is zero.
        return loss + host::zero_loss(&[&table]);
    }
    loss
}

/// Softmax cross-entropy of each row over its target and the negatives of its group, whose vectors are given.
///
/// The weighted mean over rows of `ln(exp(l_t) + Σ exp(l_n)) - l_t`, where `l_i` is the product of the hidden row and the
/// vector of item `i`, less `log_chances[i]`. A negative that equals the target does not count. The vectors may be more
/// than rows of a table: normalised, or made of what is known of an item. The CPU kernel (Flex, 32 bits) holds logits of a
/// block of rows alone.
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
/// No rows, or weights that are all zero, give 0 with zero gradient. A row without any negative that counts gives 0.
///
/// # Panics
/// If a shape above does not hold, the ids cannot be shared out among the groups evenly, an id has no chance where there
/// are chances, or a weight is negative or not finite.
///
/// # Source
/// Jean et al. 2015, <https://arxiv.org/abs/1412.2007>; the correction: Bengio and Senécal 2008,
/// <https://doi.org/10.1109/TNN.2007.912312>. Differences: negatives equal to the target are left out.
pub fn sampled_cross_entropy_of_rows(
    hidden: Tensor<2>,
    target_rows: Tensor<2>,
    negative_rows: Tensor<2>,
    targets: &[u32],
    negatives: &Negatives<'_>,
    row_weights: Option<&[f32]>,
) -> Tensor<1> {
    negatives.assert_fit(&hidden, &target_rows, &negative_rows, targets);
    if let Some(log_chances) = negatives.log_chances {
        host::assert_ids("target", targets, log_chances.len());
        host::assert_ids("negative", negatives.ids, log_chances.len());
    }
    match host::row_factors(row_weights, targets.len()) {
        Some(factors) if !negatives.ids.is_empty() => {
            let candidates = Candidates::new(targets, negatives, factors);
            dispatch(hidden, target_rows, negative_rows, candidates)
        }
        _ => host::zero_loss(&[&hidden, &target_rows, &negative_rows]),
    }
}

/// What each row chooses from.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    pub(super) targets: Vec<u32>,
    pub(super) negatives: Vec<u32>,
    pub(super) groups: Offsets,
    pub(super) n_negatives: usize,
    /// What is taken from the logit of each target and each negative.
    pub(super) corrections: Option<[Vec<f32>; 2]>,
    pub(super) factors: Vec<f32>,
}

impl Candidates {
    fn new(targets: &[u32], negatives: &Negatives<'_>, factors: Vec<f32>) -> Self {
        let corrections = negatives.log_chances.map(|log_chances| {
            let of = |ids: &[u32]| ids.iter().map(|&id| log_chances[id as usize]).collect();
            [of(targets), of(negatives.ids)]
        });
        Self {
            targets: targets.to_vec(),
            negatives: negatives.ids.to_vec(),
            groups: negatives.groups.clone(),
            n_negatives: negatives.n_each(),
            corrections,
            factors,
        }
    }
}

/// Runs the kernel if there is one for these tensors, else the composite.
fn dispatch(
    hidden: Tensor<2>,
    target_rows: Tensor<2>,
    negative_rows: Tensor<2>,
    candidates: Candidates,
) -> Tensor<1> {
    #[cfg(feature = "flex")]
    {
        use crate::ops::cpu::runs_here;
        let [_, d_model] = hidden.dims();
        let tensors = [&hidden, &target_rows, &negative_rows];
        if d_model > 0 && tensors.into_iter().all(runs_here) {
            return super::sampled_flex::cross_entropy(
                hidden,
                target_rows,
                negative_rows,
                candidates,
            );
        }
    }
    sampled_composite::cross_entropy(hidden, target_rows, negative_rows, &candidates)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::ops::linear_cross_entropy::linear_cross_entropy;
    use crate::ops::testing::{assert_gradients, assert_near, read, singles, values};

    const WIDTH: usize = 3;

    /// Rows, targets and negatives of so many rows a group.
    struct Case {
        groups: Offsets,
        targets: Vec<u32>,
        ids: Vec<u32>,
        log_chances: Vec<f32>,
        weights: Vec<f32>,
    }

    impl Case {
        fn new(group_rows: &[usize], n_items: usize, n_negatives: usize) -> Self {
            let groups = Offsets::from_lengths(group_rows.iter().copied());
            let item = |seed: usize| (seed * 7 + 3) % n_items;
            let log_chance = |item: usize| -1.0 - (item % 5) as f32 / 3.0;
            Self {
                targets: (0..groups.n_rows()).map(|row| item(row) as u32).collect(),
                ids: (0..groups.n_sequences() * n_negatives)
                    .map(|index| item(index * 3 + index / 4) as u32)
                    .collect(),
                log_chances: (0..n_items).map(log_chance).collect(),
                weights: (0..groups.n_rows()).map(|row| (row % 3) as f32).collect(),
                groups,
            }
        }

        fn negatives(&self, corrected: bool) -> Negatives<'_> {
            Negatives {
                ids: &self.ids,
                groups: &self.groups,
                log_chances: corrected.then_some(&self.log_chances),
            }
        }

        /// The definition, in loops.
        fn expected(&self, hidden: &[f64], table: &[f64], corrected: bool) -> f64 {
            let n_negatives = self.ids.len() / self.groups.n_sequences();
            let (mut loss, mut total) = (0.0, 0.0);
            for (group, rows) in self.groups.ranges().enumerate() {
                for row in rows {
                    let logit = |item: u32| {
                        let item = item as usize;
                        let products =
                            (0..WIDTH).map(|x| hidden[row * WIDTH + x] * table[item * WIDTH + x]);
                        let correction = if corrected {
                            self.log_chances[item]
                        } else {
                            0.0
                        };
                        products.sum::<f64>() - f64::from(correction)
                    };
                    let target = self.targets[row];
                    let ids = &self.ids[group * n_negatives..(group + 1) * n_negatives];
                    let others = ids.iter().filter(|&&id| id != target);
                    let sum: f64 = others.map(|&id| logit(id).exp()).sum();
                    let weight = f64::from(self.weights[row]);
                    loss += weight * ((logit(target).exp() + sum).ln() - logit(target));
                    total += weight;
                }
            }
            loss / total
        }
    }

    #[test]
    fn the_loss_is_what_the_definition_says() {
        for (group_rows, n_items, n_negatives) in [
            (vec![2], 2, 1),
            (vec![70, 0, 3], 90, 65),
            (vec![1, 1, 1, 1], 7, 5),
            (vec![1000], 5000, 257),
        ] {
            let case = Case::new(&group_rows, n_items, n_negatives);
            let n_rows = case.groups.n_rows();
            let hidden = values(1, n_rows * WIDTH);
            let table = values(2, n_items * WIDTH);
            for corrected in [false, true] {
                let found = sampled_cross_entropy(
                    singles(&hidden, [n_rows, WIDTH], &Device::flex()),
                    singles(&table, [n_items, WIDTH], &Device::flex()),
                    &case.targets,
                    &case.negatives(corrected),
                    Some(&case.weights),
                );
                let expected = case.expected(&hidden, &table, corrected);
                assert_near(&read(found), &[expected], 1e-5);
            }
        }
    }

    #[test]
    fn gradients_are_those_of_differences() {
        let case = Case::new(&[3, 0, 2], 6, 4);
        assert_gradients(&[values(1, 5 * WIDTH), values(2, 6 * WIDTH)], |inputs| {
            sampled_cross_entropy(
                inputs[0].clone().reshape([5, WIDTH]),
                inputs[1].clone().reshape([6, WIDTH]),
                &case.targets,
                &case.negatives(true),
                Some(&case.weights),
            )
        });
    }

    #[test]
    fn the_kernel_has_the_gradients_of_the_composite() {
        let device = Device::flex().autodiff();
        for (group_rows, n_items, n_negatives) in [
            (vec![1], 1, 1),
            (vec![2, 1], 3, 2),
            (vec![127, 0, 65], 300, 64),
            (vec![5000], 999, 130),
        ] {
            let case = Case::new(&group_rows, n_items, n_negatives);
            let n_rows = case.groups.n_rows();
            let factors = host::row_factors(None, n_rows).unwrap();
            let run = |f: &dyn Fn(Tensor<2>, Tensor<2>, Tensor<2>) -> Tensor<1>| {
                let tensor = |seed, n: usize| {
                    singles(&values(seed, n * WIDTH), [n, WIDTH], &device).require_grad()
                };
                let inputs = [
                    tensor(1, n_rows),
                    tensor(2, n_rows),
                    tensor(3, case.ids.len()),
                ];
                let [hidden, targets, negatives] = inputs.clone();
                let loss = f(hidden, targets, negatives) * 3.0;
                let gradients = loss.backward();
                let found = inputs.map(|input| read(input.grad(&gradients).unwrap()));
                (read(loss), found)
            };
            for corrected in [false, true] {
                let negatives = case.negatives(corrected);
                let candidates = Candidates::new(&case.targets, &negatives, factors.clone());
                let kernel = run(&|h, t, n| dispatch(h, t, n, candidates.clone()));
                let composite =
                    run(&|h, t, n| sampled_composite::cross_entropy(h, t, n, &candidates));
                assert_near(&kernel.0, &composite.0, 2e-5);
                for (kernel, composite) in kernel.1.iter().zip(&composite.1) {
                    assert_near(kernel, composite, 2e-6);
                }
            }
        }
    }

    #[test]
    fn the_whole_table_as_negatives_is_the_full_softmax() {
        let (n_rows, n_items) = (9, 70);
        let groups = Offsets::uniform(1, n_rows);
        let ids: Vec<u32> = (0..n_items as u32).collect();
        let targets: Vec<u32> = (0..n_rows as u32).map(|row| row * 7).collect();
        let hidden = singles(&values(1, n_rows * WIDTH), [n_rows, WIDTH], &Device::flex());
        let table = singles(
            &values(2, n_items * WIDTH),
            [n_items, WIDTH],
            &Device::flex(),
        );
        let negatives = Negatives {
            ids: &ids,
            groups: &groups,
            log_chances: None,
        };
        let full = linear_cross_entropy(hidden.clone(), table.clone(), &targets, None, 0.0);
        let sampled = sampled_cross_entropy(hidden, table, &targets, &negatives, None);
        assert_near(&read(sampled), &read(full), 1e-5);
    }

    #[test]
    fn nothing_to_choose_from_gives_a_loss_of_zero() {
        let case = Case::new(&[3], 5, 0);
        let hidden = singles(&values(1, 3 * WIDTH), [3, WIDTH], &Device::flex());
        let table = singles(&values(2, 5 * WIDTH), [5, WIDTH], &Device::flex());
        let loss =
            sampled_cross_entropy(hidden, table, &case.targets, &case.negatives(false), None);
        assert_eq!(read(loss), [0.0]);
    }

    #[test]
    fn rows_that_are_given_count_as_those_of_a_table() {
        let case = Case::new(&[5, 0, 2], 11, 4);
        let device = Device::flex().autodiff();
        let tensor =
            |seed, n: usize| singles(&values(seed, n * WIDTH), [n, WIDTH], &device).require_grad();
        for weights in [None, Some(case.weights.as_slice())] {
            let (hidden, table) = (tensor(1, 7), tensor(2, 11));
            let run = |loss: Tensor<1>| {
                let gradients = loss.backward();
                let gradient = |tensor: &Tensor<2>| read(tensor.grad(&gradients).unwrap());
                [read(loss.clone()), gradient(&hidden), gradient(&table)]
            };
            let negatives = case.negatives(true);
            let of_table = run(sampled_cross_entropy(
                hidden.clone(),
                table.clone(),
                &case.targets,
                &negatives,
                weights,
            ));
            let rows = |ids: &[u32]| {
                let ids = ids.iter().map(|&id| i64::from(id)).collect();
                table.clone().select(0, host::indices(ids, &device))
            };
            let of_rows = run(sampled_cross_entropy_of_rows(
                hidden.clone(),
                rows(&case.targets),
                rows(&case.ids),
                &case.targets,
                &negatives,
                weights,
            ));
            for (of_rows, of_table) in of_rows.iter().zip(&of_table) {
                assert_near(of_rows, of_table, 1e-6);
            }
        }
    }

    #[test]
    fn no_rows_give_a_loss_of_zero_with_zero_gradient() {
        let groups = Offsets::uniform(1, 0);
        let device = Device::flex().autodiff();
        let table = singles(&values(2, 5 * WIDTH), [5, WIDTH], &device).require_grad();
        for ids in [&[][..], &[1, 4]] {
            let negatives = Negatives {
                ids,
                groups: &groups,
                log_chances: None,
            };
            let hidden = Tensor::zeros([0, WIDTH], &device);
            let loss = sampled_cross_entropy(hidden, table.clone(), &[], &negatives, None);
            assert_eq!(read(loss.clone()), [0.0]);
            let gradient = table.grad(&loss.backward()).unwrap();
            assert_eq!(read(gradient), [0.0; 5 * WIDTH]);
        }
    }

    #[test]
    #[should_panic(expected = "negative 5 is outside a table of 5 rows")]
    fn an_id_without_a_chance_is_refused() {
        let groups = Offsets::uniform(1, 2);
        let negatives = Negatives {
            ids: &[0, 5],
            groups: &groups,
            log_chances: Some(&[-1.0; 5]),
        };
        let rows = || Tensor::zeros([2, WIDTH], &Device::flex());
        sampled_cross_entropy_of_rows(rows(), rows(), rows(), &[1, 4], &negatives, None);
    }

    #[test]
    #[should_panic(expected = "3 negatives for 2 groups")]
    fn negatives_that_cannot_be_shared_out_are_refused() {
        let mut case = Case::new(&[1, 1], 5, 2);
        case.ids.pop();
        let hidden = singles(&values(1, 2 * WIDTH), [2, WIDTH], &Device::flex());
        let table = singles(&values(2, 5 * WIDTH), [5, WIDTH], &Device::flex());
        sampled_cross_entropy(hidden, table, &case.targets, &case.negatives(false), None);
    }
}
