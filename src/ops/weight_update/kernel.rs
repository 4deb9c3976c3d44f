//! The update on slices: weights, gradient and sums are read and written once.

use crate::ops::cpu::{IDS_PER_PIECE, for_each_piece, row_pieces, wide};

/// Numbers of a task, the same for any number of threads.
const TASK: usize = 1 << 15;

/// The numbers of [`Change`](super::Change) in the precision of the weights.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) scale: f32,
    pub(super) beta_1: f32,
    pub(super) beta_2: f32,
    pub(super) floor: f32,
    pub(super) size: f32,
    pub(super) kept: f32,
}

/// Weights and what is remembered of their gradients, number for number.
pub(super) struct Weights<'a> {
    pub(super) weight: &'a mut [f32],
    pub(super) first: Option<&'a mut [f32]>,
    pub(super) second: &'a mut [f32],
}

/// Updates all weights.
pub(super) fn update(weights: Weights<'_>, gradient: &[f32], step: Step) {
    let mut first = weights.first.map(|first| first.chunks_mut(TASK));
    let pieces = weights.weight.chunks_mut(TASK);
    let pieces = pieces.zip(weights.second.chunks_mut(TASK));
    let pieces = pieces.zip(gradient.chunks(TASK));
    let pieces = pieces.map(|((weight, second), gradient)| {
        let first = first.as_mut().and_then(Iterator::next);
        let weights = Weights {
            weight,
            first,
            second,
        };
        (weights, gradient)
    });
    for_each_piece(
        pieces.collect(),
        |(weights, gradient): (Weights<'_>, &[f32])| {
            wide(
                #[inline(always)]
                || step.apply(weights, gradient),
            );
        },
    );
}

/// Updates the rows that `ids` name, which rise; `gradient` has a row for each.
pub(super) fn update_rows(
    weights: Weights<'_>,
    (ids, gradient): (&[u32], &[f32]),
    width: usize,
    step: Step,
) {
    let mut first = weights
        .first
        .map(|first| row_pieces(first, width, ids).into_iter());
    let pieces = row_pieces(weights.weight, width, ids).into_iter();
    let pieces = pieces.zip(row_pieces(weights.second, width, ids));
    let sources = ids
        .chunks(IDS_PER_PIECE)
        .zip(gradient.chunks(IDS_PER_PIECE * width));
    let pieces = pieces.zip(sources).map(|((weight, second), source)| {
        let first = first.as_mut().and_then(Iterator::next);
        let weights = Weights {
            weight,
            first,
            second,
        };
        (weights, source)
    });
    for_each_piece(
        pieces.collect(),
        |(weights, (ids, gradient)): (Weights<'_>, (&[u32], &[f32]))| {
            wide(
                #[inline(always)]
                || step.apply_to_rows(weights, ids, gradient, width),
            );
        },
    );
}

impl Step {
    #[inline(always)]
    fn apply_to_rows(self, weights: Weights<'_>, ids: &[u32], gradient: &[f32], width: usize) {
        let Weights {
            weight,
            mut first,
            second,
        } = weights;
        for (&id, gradient) in ids.iter().zip(gradient.chunks_exact(width)) {
            let start = (id - ids[0]) as usize * width;
            let row = start..start + width;
            let weights = Weights {
                weight: &mut weight[row.clone()],
                first: first.as_mut().map(|first| &mut first[row.clone()]),
                second: &mut second[row],
            };
            self.apply(weights, gradient);
        }
    }

    #[inline(always)]
    fn apply(self, weights: Weights<'_>, gradient: &[f32]) {
        let Weights {
            weight,
            first,
            second,
        } = weights;
        let numbers = weight.iter_mut().zip(second).zip(gradient);
        match first {
            Some(first) => {
                for (((weight, second), gradient), first) in numbers.zip(first) {
                    let gradient = self.scale * gradient;
                    *first = self.beta_1 * *first + gradient;
                    self.move_weight(weight, second, gradient, *first);
                }
            }
            None => {
                for ((weight, second), gradient) in numbers {
                    let gradient = self.scale * gradient;
                    self.move_weight(weight, second, gradient, gradient);
                }
            }
        }
    }

    #[inline(always)]
    fn move_weight(self, weight: &mut f32, second: &mut f32, gradient: f32, direction: f32) {
        *second = self.beta_2 * *second + gradient * gradient;
        let length = direction / (second.sqrt() + self.floor);
        *weight = self.kept * *weight - self.size * length;
    }
}
