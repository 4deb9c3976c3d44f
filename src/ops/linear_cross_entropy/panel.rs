//! A block of rows against a table, a panel of items at a time.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::ops::cpu::{Matrix, MatrixMut, at_level, set_product, small_exponentials, transpose};

/// Items whose logits are made at a time: with a block of rows they stay in the first cache.
pub(super) const PANEL: usize = 64;

/// A table, and its panels with items as columns.
pub(super) struct Panels<'a> {
    table: &'a [f32],
    d_model: usize,
    /// `[n_panels, d_model, PANEL]`; zero past the last item.
    turned: Vec<f32>,
}

impl<'a> Panels<'a> {
    pub(super) fn new(table: &'a [f32], d_model: usize) -> Self {
        let mut turned = vec![0.0; (table.len() / d_model).div_ceil(PANEL) * PANEL * d_model];
        let panels = turned.par_chunks_mut(PANEL * d_model);
        panels
            .zip(table.par_chunks(PANEL * d_model))
            .for_each(|(turned, items)| {
                let n_items = items.len() / d_model;
                transpose(items, (n_items, d_model, d_model), turned, PANEL);
            });
        Self {
            table,
            d_model,
            turned,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.turned.len() / (PANEL * self.d_model)
    }

    fn items(&self, panel: usize) -> Range<usize> {
        let start = panel * PANEL;
        start..(start + PANEL).min(self.table.len() / self.d_model)
    }

    /// Products of rows with the items of a panel, `PANEL` a row.
    fn logits(&self, panel: usize, hidden: &[f32], logits: &mut [f32]) {
        let (d_model, n_rows) = (self.d_model, hidden.len() / self.d_model);
        let items = &self.turned[panel * PANEL * d_model..][..PANEL * d_model];
        set_product(
            MatrixMut::rows(logits, n_rows, PANEL, PANEL),
            1.0,
            Matrix::rows(hidden, n_rows, d_model, d_model),
            Matrix::rows(items, d_model, PANEL, PANEL),
        );
    }
}

/// The exponentials of a block of rows, kept from one block to the next.
pub(super) struct Block {
    /// `[n_panels, ROWS, PANEL]`, below the highest logit that its row had when they were made.
    exponentials: Vec<f32>,
    /// That highest logit, `[n_panels, ROWS]`.
    references: Vec<f32>,
    highest: [f32; Self::ROWS],
    sums: [f32; Self::ROWS],
}

impl Block {
    /// Rows of a block: a multiple of the rows that a product takes at a time.
    pub(super) const ROWS: usize = 66;

    /// Room for so many panels; if there are more, the last ones take the place of the first.
    pub(super) fn new(n_panels: usize) -> Self {
        Self {
            exponentials: vec![0.0; n_panels * Self::ROWS * PANEL],
            references: vec![0.0; n_panels * Self::ROWS],
            highest: [0.0; Self::ROWS],
            sums: [0.0; Self::ROWS],
        }
    }

    fn slot(&mut self, panel: usize, n_rows: usize) -> (&mut [f32], &mut [f32]) {
        let slot = panel % (self.references.len() / Self::ROWS);
        let exponentials = &mut self.exponentials[slot * Self::ROWS * PANEL..][..n_rows * PANEL];
        let references = &mut self.references[slot * Self::ROWS..][..n_rows];
        (exponentials, references)
    }

    /// Sums the exponentials of the rows' logits.
    ///
    /// `look` sees, and may change, the logits of each panel of items, `PANEL` a row. `extra` are logits of one more item
    /// for each row.
    pub(super) fn forward(
        &mut self,
        panels: &Panels<'_>,
        hidden: &[f32],
        extra: Option<&[f32]>,
        mut look: impl FnMut(Range<usize>, &mut [f32]),
    ) {
        let n_rows = hidden.len() / panels.d_model;
        let (mut highest, mut sums) = ([f32::NEG_INFINITY; Self::ROWS], [0.0; Self::ROWS]);
        if let Some(extra) = extra {
            highest[..n_rows].copy_from_slice(extra);
            sums = [1.0; Self::ROWS];
        }
        for panel in 0..panels.len() {
            let (logits, references) = self.slot(panel, n_rows);
            panels.logits(panel, hidden, logits);
            let items = panels.items(panel);
            look(items.clone(), logits);
            at_level(Exponentials {
                rows: logits,
                n_items: items.len(),
                references,
                highest: &mut highest,
                sums: &mut sums,
            });
        }
        (self.highest, self.sums) = (highest, sums);
    }

    /// How much less likely than certain a logit of this row is: minus the logarithm of its share.
    pub(super) fn surprise(&self, row: usize, logit: f32) -> f64 {
        f64::from(self.highest[row] - logit + self.sums[row].ln())
    }

    /// The share of a logit among all of its row.
    pub(super) fn share(&self, row: usize, logit: f32) -> f32 {
        (logit - self.highest[row]).exp() / self.sums[row]
    }

    /// The shares of the items of a panel, times the factor of each row, `PANEL` a row. To be taken once after
    /// [`forward`](Self::forward) with room for all panels.
    pub(super) fn shares(
        &mut self,
        panels: &Panels<'_>,
        factors: &[f32],
        panel: usize,
    ) -> (Range<usize>, &mut [f32]) {
        let (highest, sums) = (self.highest, self.sums);
        let (exponentials, references) = self.slot(panel, factors.len());
        for (row, reference) in references.iter_mut().enumerate() {
            *reference = factors[row] * (*reference - highest[row]).exp() / sums[row];
        }
        at_level(Scale {
            rows: exponentials,
            factors: references,
        });
        (panels.items(panel), exponentials)
    }
}

/// Replaces logits by exponentials, and keeps the highest logit and the sum of exponentials of each row up to date.
struct Exponentials<'a> {
    /// `PANEL` numbers a row, of which `n_items` count.
    rows: &'a mut [f32],
    n_items: usize,
    references: &'a mut [f32],
    highest: &'a mut [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lowest = simd.splat_f32s(f32::NEG_INFINITY);
        let rows = self.rows.chunks_exact_mut(PANEL).zip(self.references);
        for ((row, reference), (highest, sum)) in
            rows.zip(self.highest.iter_mut().zip(self.sums.iter_mut()))
        {
            // Items that are not there have no weight.
            row[self.n_items..].fill(f32::NEG_INFINITY);
            let (vectors, _) = S::as_mut_simd_f32s(row);
            let maximum = vectors.iter().fold(lowest, |a, b| simd.max_f32s(a, *b));
            let maximum = simd.reduce_max_f32s(maximum);
            if maximum > *highest {
                *sum *= (*highest - maximum).exp();
                *highest = maximum;
            }
            *reference = *highest;
            let shift = simd.splat_f32s(*highest);
            let mut sums = simd.splat_f32s(0.0);
            for vector in vectors {
                *vector = small_exponentials(simd, simd.sub_f32s(*vector, shift));
                sums = simd.add_f32s(sums, *vector);
            }
            *sum += simd.reduce_sum_f32s(sums);
        }
    }
}

/// Multiplies each row by its factor.
struct Scale<'a> {
    rows: &'a mut [f32],
    factors: &'a [f32],
}

impl WithSimd for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (row, factor) in self.rows.chunks_exact_mut(PANEL).zip(self.factors) {
            let factor = simd.splat_f32s(*factor);
            let (vectors, _) = S::as_mut_simd_f32s(row);
            for vector in vectors {
                *vector = simd.mul_f32s(*vector, factor);
            }
        }
    }
}
