//! What the tests of pairwise losses share: fixed numbers, and the definitions in loops.

use burn::tensor::{Device, Tensor};

use crate::ops::linear_cross_entropy::Negatives;
use crate::ops::testing::{assert_gradients, assert_near, read, singles, values};
use crate::sequence::Offsets;

const WIDTH: usize = 3;

/// A loss of hidden rows, target rows and negative rows.
pub(super) type Loss<'a> = &'a dyn Fn([Tensor<2>; 3], &Case) -> Tensor<1>;

/// Rows, targets and negatives of so many rows a group.
pub(super) struct Case {
    pub(super) groups: Offsets,
    pub(super) targets: Vec<u32>,
    pub(super) ids: Vec<u32>,
    pub(super) weights: Option<Vec<f32>>,
    /// Hidden rows, target rows and negative rows.
    pub(super) rows: [Vec<f64>; 3],
}

impl Case {
    pub(super) fn new(group_rows: &[usize], n_items: usize, n_negatives: usize) -> Self {
        let groups = Offsets::from_lengths(group_rows.iter().copied());
        let item = |seed: usize| ((seed * 7 + 3) % n_items) as u32;
        let (n_rows, n_ids) = (groups.n_rows(), groups.n_sequences() * n_negatives);
        let ids = (0..n_ids).map(|index| item(index * 3 + index / 4));
        Self {
            targets: (0..n_rows).map(item).collect(),
            ids: ids.collect(),
            weights: Some((0..n_rows).map(|row| ((row + 1) % 3) as f32).collect()),
            rows: [
                values(1, n_rows * WIDTH),
                values(2, n_rows * WIDTH),
                values(3, n_ids * WIDTH),
            ],
            groups,
        }
    }

    /// Groups of every kind: one of all rows, one a history, one a row, all of a length, some empty.
    pub(super) fn of_every_kind() -> Vec<Self> {
        vec![
            Self::new(&[5], 7, 4),
            Self::new(&[70, 0, 3], 90, 65),
            Self::new(&[1, 1, 1, 1], 5, 3),
            Self::new(&[2, 2], 6, 1),
            Self::new(&[0, 3, 1], 2, 2),
            Self::new(&[400], 5000, 257),
        ]
    }

    pub(super) fn negatives(&self) -> Negatives<'_> {
        Negatives {
            ids: &self.ids,
            groups: &self.groups,
            log_chances: None,
        }
    }

    pub(super) fn tensors(&self, device: &Device) -> [Tensor<2>; 3] {
        let tensor = |rows: &Vec<f64>| singles(rows, [rows.len() / WIDTH, WIDTH], device);
        self.rows.each_ref().map(tensor)
    }

    /// The weighted mean of what `of_row` makes of the score of a target and those of the negatives that count.
    fn expected(&self, of_row: &dyn Fn(f64, &[f64]) -> f64) -> f64 {
        let n_negatives = self.ids.len() / self.groups.n_sequences();
        let [hidden, of_targets, of_negatives] = &self.rows;
        let row = |rows: &[f64], index: usize| rows[index * WIDTH..(index + 1) * WIDTH].to_vec();
        let product = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>();
        let (mut loss, mut total) = (0.0, 0.0);
        for (group, members) in self.groups.ranges().enumerate() {
            for member in members {
                let score = |rows, index| product(row(hidden, member), row(rows, index));
                let ids = group * n_negatives..(group + 1) * n_negatives;
                let counted = ids.filter(|&index| self.ids[index] != self.targets[member]);
                let scores: Vec<f64> = counted.map(|index| score(of_negatives, index)).collect();
                let weight = self.weights.as_ref().map_or(1.0, |w| f64::from(w[member]));
                loss += weight * of_row(score(of_targets, member), &scores);
                total += weight;
            }
        }
        loss / total
    }

    /// Asserts that a loss in 32 bits is what `of_row` says, relative to those greater than 1.
    #[track_caller]
    pub(super) fn assert_loss(&self, found: Loss<'_>, of_row: &dyn Fn(f64, &[f64]) -> f64) {
        let found = read(found(self.tensors(&Device::flex()), self))[0];
        let expected = self.expected(of_row);
        assert_near(&[found], &[expected], 1e-5 * expected.max(1.0));
    }

    /// Asserts that the gradients of all rows are those of differences.
    #[track_caller]
    pub(super) fn assert_gradients(&self, loss: Loss<'_>) {
        assert_gradients(&self.rows, |inputs| {
            let tensor = |which: usize| {
                let [n_numbers] = inputs[which].dims();
                inputs[which].clone().reshape([n_numbers / WIDTH, WIDTH])
            };
            loss([tensor(0), tensor(1), tensor(2)], self)
        });
    }

    /// Loss, and the gradients of all rows, in 32 bits.
    pub(super) fn run(&self, loss: Loss<'_>) -> (f64, [Vec<f64>; 3]) {
        let device = Device::flex().autodiff();
        let rows = self.tensors(&device).map(Tensor::require_grad);
        let loss = loss(rows.clone(), self);
        let gradients = loss.backward();
        let gradient = |rows: Tensor<2>| match rows.grad(&gradients) {
            Some(gradient) => read(gradient),
            None => vec![0.0; rows.shape().num_elements()],
        };
        (read(loss)[0], rows.map(gradient))
    }
}

/// `-log sigmoid(x)`.
pub(super) fn surprise(x: f64) -> f64 {
    // The exponential of more is infinite.
    if x < -500.0 {
        return -x;
    }
    -(1.0 / (1.0 + (-x).exp())).ln()
}
