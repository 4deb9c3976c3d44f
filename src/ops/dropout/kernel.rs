//! Dropout on slices.

use super::Dropout;
use crate::ops::cpu::wide;

/// Factors that are held at a time; in the first-level cache.
const STRETCH: usize = 1 << 10;

/// Replaces each number by `change(number, factor)`, where the factor is what dropout multiplies the element by.
///
/// The first number is element `start`. Without dropout all factors are 1.
#[inline]
pub(in crate::ops) fn change_with(
    dropout: Option<&Dropout>,
    start: usize,
    numbers: &mut [f32],
    change: impl Fn(f32, f32) -> f32,
) {
    let mut factors = [1.0; STRETCH];
    for (stretch, numbers) in numbers.chunks_mut(STRETCH).enumerate() {
        let factors = &mut factors[..numbers.len()];
        if let Some(dropout) = dropout {
            dropout.fill(start + stretch * STRETCH, factors);
        }
        wide(
            #[inline(always)]
            || {
                for (number, factor) in numbers.iter_mut().zip(&*factors) {
                    *number = change(*number, *factor);
                }
            },
        );
    }
}

/// As [`change_with`], where `change(number, other, factor)` also sees a number of another slice of the same length.
#[inline]
pub(in crate::ops) fn change_with_other(
    dropout: Option<&Dropout>,
    start: usize,
    numbers: &mut [f32],
    others: &[f32],
    change: impl Fn(f32, f32, f32) -> f32,
) {
    assert_eq!(numbers.len(), others.len(), "each number needs another");
    let mut factors = [1.0; STRETCH];
    let stretches = numbers.chunks_mut(STRETCH).zip(others.chunks(STRETCH));
    for (stretch, (numbers, others)) in stretches.enumerate() {
        let factors = &mut factors[..numbers.len()];
        if let Some(dropout) = dropout {
            dropout.fill(start + stretch * STRETCH, factors);
        }
        wide(
            #[inline(always)]
            || {
                for ((number, other), factor) in numbers.iter_mut().zip(others).zip(&*factors) {
                    *number = change(*number, *other, *factor);
                }
            },
        );
    }
}

/// Drops what is to be dropped of a chunk whose first number is element `start`.
pub(super) fn drop_some(dropout: &Dropout, start: usize, numbers: &mut [f32]) {
    change_with(
        Some(dropout),
        start,
        numbers,
        #[inline(always)]
        |number, factor| number * factor,
    );
}

/// As [`drop_some`], then adds the residual, of which all numbers are given.
pub(super) fn drop_some_and_add(
    dropout: &Dropout,
    start: usize,
    numbers: &mut [f32],
    residual: &[f32],
) {
    let residual = &residual[start..start + numbers.len()];
    change_with_other(
        Some(dropout),
        start,
        numbers,
        residual,
        #[inline(always)]
        |number, residual, factor| residual + number * factor,
    );
}
