//! Activations on slices, each with its gradient.
//!
//! Functions that change a chunk in place get the element number at which the chunk starts, by which dropout goes.

use crate::ops::cpu::{logistic, normal, wide};
use crate::ops::dropout::Dropout;
use crate::ops::dropout::kernel::{change_with, change_with_other};

/// Replaces numbers by what dropout leaves of their function.
pub(super) type Forward = fn(Option<&Dropout>, usize, &mut [f32]);

/// Replaces gradients of the outcome by those of the numbers, which are given as they were before.
pub(super) type Backward = fn(Option<&Dropout>, usize, &mut [f32], &[f32]);

pub(super) fn relu(dropout: Option<&Dropout>, start: usize, numbers: &mut [f32]) {
    change_with(
        dropout,
        start,
        numbers,
        // In this form a number that is not a number stays one.
        #[inline(always)]
        |x, factor| if x <= 0.0 { 0.0 } else { x * factor },
    );
}

/// Gets the outcome instead of the numbers before: it is positive where a number was positive and not dropped.
pub(super) fn d_relu(
    dropout: Option<&Dropout>,
    _start: usize,
    gradients: &mut [f32],
    outcome: &[f32],
) {
    let scale = dropout.map_or(1.0, Dropout::scale);
    wide(
        #[inline(always)]
        || {
            for (gradient, y) in gradients.iter_mut().zip(outcome) {
                *gradient *= if *y > 0.0 { scale } else { 0.0 };
            }
        },
    );
}

pub(super) fn gelu(dropout: Option<&Dropout>, start: usize, numbers: &mut [f32]) {
    change_with(
        dropout,
        start,
        numbers,
        #[inline(always)]
        |x, factor| x * normal(x).0 * factor,
    );
}

pub(super) fn d_gelu(dropout: Option<&Dropout>, start: usize, gradients: &mut [f32], x: &[f32]) {
    change_with_other(
        dropout,
        start,
        gradients,
        x,
        #[inline(always)]
        |gradient, x, factor| {
            let (below, density) = normal(x);
            gradient * factor * (below + x * density)
        },
    );
}

pub(super) fn silu(dropout: Option<&Dropout>, start: usize, numbers: &mut [f32]) {
    change_with(
        dropout,
        start,
        numbers,
        #[inline(always)]
        |x, factor| x * logistic(x).0 * factor,
    );
}

pub(super) fn d_silu(dropout: Option<&Dropout>, start: usize, gradients: &mut [f32], x: &[f32]) {
    change_with_other(
        dropout,
        start,
        gradients,
        x,
        #[inline(always)]
        |gradient, x, factor| gradient * factor * silu_slope(x),
    );
}

#[inline(always)]
fn silu_slope(x: f32) -> f32 {
    let (above, below) = logistic(x);
    above * (1.0 + x * below)
}

/// Writes what dropout leaves of each row's value times the SiLU of its gate; a row of `rows` is `d_ff` gates and as many
/// values.
pub(super) fn swiglu(
    dropout: Option<&Dropout>,
    d_ff: usize,
    start: usize,
    out: &mut [f32],
    rows: &[f32],
) {
    let mut values = Vec::with_capacity(out.len());
    for (out, row) in out.chunks_exact_mut(d_ff).zip(rows.chunks_exact(2 * d_ff)) {
        let (gate, value) = row.split_at(d_ff);
        out.copy_from_slice(gate);
        values.extend_from_slice(value);
    }
    change_with_other(
        dropout,
        start,
        out,
        &values,
        #[inline(always)]
        |gate, value, factor| gate * logistic(gate).0 * value * factor,
    );
}

/// Replaces gates and values by their gradients, from those of the outcome, whose first element is `start`.
pub(super) fn d_swiglu(
    dropout: Option<&Dropout>,
    d_ff: usize,
    start: usize,
    rows: &mut [f32],
    gradients: &[f32],
) {
    let mut gradients = gradients.to_vec();
    if let Some(dropout) = dropout {
        change_with(
            Some(dropout),
            start,
            &mut gradients,
            #[inline(always)]
            |gradient, factor| gradient * factor,
        );
    }
    wide(
        #[inline(always)]
        || {
            let rows = rows.chunks_exact_mut(2 * d_ff);
            for (row, gradients) in rows.zip(gradients.chunks_exact(d_ff)) {
                let (gates, values) = row.split_at_mut(d_ff);
                for ((gate, value), gradient) in gates.iter_mut().zip(values).zip(gradients) {
                    let (above, below) = logistic(*gate);
                    let slope = above * (1.0 + *gate * below);
                    let d_gate = gradient * *value * slope;
                    *value = gradient * *gate * above;
                    *gate = d_gate;
                }
            }
        },
    );
}
