//! Affine maps, a chunk of rows at a time, 32 bits, on all cores.

use rayon::prelude::*;

use crate::ops::cpu::{Matrix, MatrixMut, add_product, change_alike, set_product, transpose, wide};

/// Rows of a chunk: a multiple of the rows that a product takes at a time, few enough to stay in a cache.
const CHUNK_ROWS: usize = 96;

/// Columns that are worked on at a time, laid out without gaps.
const PANEL: usize = 64;

/// Parts of the rows with gradients of weight and bias of their own. The number may not depend on the machine's cores, so
/// that sums come out the same everywhere.
const MAX_PARTS: usize = 16;

/// Rows that make a part of its own worthwhile.
const LEAST_PART_ROWS: usize = 5 * CHUNK_ROWS;

/// What is mapped and how.
#[derive(Clone, Copy)]
pub(super) struct Problem<'a> {
    /// `[n_rows, d_in]`
    pub(super) rows: &'a [f32],
    /// `[d_in, d_out]`
    pub(super) weight: &'a [f32],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) d_in: usize,
    pub(super) d_out: usize,
}

/// Gradients of the rows, the weight and the bias.
pub(super) struct Gradients {
    pub(super) rows: Vec<f32>,
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// The gradients of weight, in panels, and of bias that some rows give.
struct Part {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Problem<'_> {
    /// The mapped rows.
    pub(super) fn forward(&self) -> Vec<f32> {
        let (d_in, d_out) = (self.d_in, self.d_out);
        let panels = strips(self.weight, d_out);
        let n_rows = self.rows.len() / d_in;
        let rows_before = match self.bias {
            Some(bias) => bias.repeat(CHUNK_ROWS.min(n_rows)),
            None => vec![0.0; CHUNK_ROWS.min(n_rows) * d_out],
        };
        let (mapped, _) = change_alike(n_rows * d_out, &rows_before, |start, chunk| {
            let (first, n_rows) = (start / d_out, chunk.len() / d_out);
            let left = Matrix::rows(&self.rows[first * d_in..], n_rows, d_in, d_in);
            for (panel, columns) in panels
                .chunks_exact(d_in * PANEL)
                .zip((0..d_out).step_by(PANEL))
            {
                let width = PANEL.min(d_out - columns);
                let out = MatrixMut::rows(&mut chunk[columns..], n_rows, width, d_out);
                let right = Matrix::rows(panel, d_in, width, PANEL);
                match self.bias {
                    Some(_) => add_product(out, 1.0, left, right),
                    None => set_product(out, 1.0, left, right),
                }
            }
        });
        mapped
    }

    /// The gradients, from that of the mapped rows.
    pub(super) fn backward(&self, d_mapped: &[f32]) -> Gradients {
        let (d_in, d_out) = (self.d_in, self.d_out);
        let n_rows = self.rows.len() / d_in;
        let part_rows = n_rows.div_ceil(MAX_PARTS).max(LEAST_PART_ROWS);
        let part_rows = part_rows.next_multiple_of(CHUNK_ROWS);
        let turned = self.turned_weight();
        let mut d_rows = vec![0.0; self.rows.len()];
        let parts: Vec<Part> = d_rows
            .par_chunks_mut(part_rows * d_in)
            .zip(self.rows.par_chunks(part_rows * d_in))
            .zip(d_mapped.par_chunks(part_rows * d_out))
            .map(|((d_rows, rows), d_mapped)| self.part(&turned, rows, d_mapped, d_rows))
            .collect();
        let mut weight = vec![0.0; self.weight.len()];
        let mut bias = vec![0.0; d_out];
        for part in &parts {
            for (row, sums) in weight.chunks_exact_mut(d_out).enumerate() {
                for (panel, sums) in sums.chunks_mut(PANEL).enumerate() {
                    add(
                        sums,
                        &part.weight[(panel * d_in + row) * PANEL..][..sums.len()],
                    );
                }
            }
            add(&mut bias, &part.bias);
        }
        Gradients {
            rows: d_rows,
            weight,
            bias,
        }
    }

    /// The weight with columns as rows, in panels: `[n_panels, d_out, PANEL]`.
    fn turned_weight(&self) -> Vec<f32> {
        let (d_in, d_out) = (self.d_in, self.d_out);
        let mut turned = vec![0.0; d_in.div_ceil(PANEL) * PANEL * d_out];
        let panels = turned.chunks_exact_mut(PANEL * d_out);
        for (panel, rows) in panels.zip(self.weight.chunks(PANEL * d_out)) {
            transpose(rows, (rows.len() / d_out, d_out, d_out), panel, PANEL);
        }
        turned
    }

    fn part(&self, turned: &[f32], rows: &[f32], d_mapped: &[f32], d_rows: &mut [f32]) -> Part {
        let (d_in, d_out) = (self.d_in, self.d_out);
        let mut part = Part {
            weight: vec![0.0; d_out.div_ceil(PANEL) * PANEL * d_in],
            bias: vec![0.0; if self.bias.is_some() { d_out } else { 0 }],
        };
        let mut strip = vec![0.0; CHUNK_ROWS * PANEL];
        let chunks = d_mapped.chunks(CHUNK_ROWS * d_out);
        let chunks = chunks.zip(rows.chunks(CHUNK_ROWS * d_in));
        for ((d_mapped, rows), d_rows) in chunks.zip(d_rows.chunks_mut(CHUNK_ROWS * d_in)) {
            let n_rows = rows.len() / d_in;
            let left = Matrix::rows(d_mapped, n_rows, d_out, d_out);
            for (panel, first) in turned
                .chunks_exact(PANEL * d_out)
                .zip((0..d_in).step_by(PANEL))
            {
                let width = PANEL.min(d_in - first);
                let out = MatrixMut::rows(&mut d_rows[first..], n_rows, width, d_in);
                set_product(out, 1.0, left, Matrix::rows(panel, d_out, width, PANEL));
            }
            let by_column = Matrix::rows(rows, n_rows, d_in, d_in).transposed();
            let panels = part.weight.chunks_exact_mut(PANEL * d_in);
            for (sums, first) in panels.zip((0..d_out).step_by(PANEL)) {
                let width = PANEL.min(d_out - first);
                let copies = strip.chunks_exact_mut(PANEL);
                for (copy, row) in copies.zip(d_mapped.chunks_exact(d_out)) {
                    copy[..width].copy_from_slice(&row[first..first + width]);
                }
                let out = MatrixMut::rows(sums, d_in, width, PANEL);
                add_product(
                    out,
                    1.0,
                    by_column,
                    Matrix::rows(&strip, n_rows, width, PANEL),
                );
            }
            if self.bias.is_some() {
                for row in d_mapped.chunks_exact(d_out) {
                    add(&mut part.bias, row);
                }
            }
        }
        part
    }
}

/// The columns of some rows in panels: `[n_panels, n_rows, PANEL]`, zero past the last column.
fn strips(rows: &[f32], width: usize) -> Vec<f32> {
    let n_rows = rows.len() / width;
    let mut strips = vec![0.0; width.div_ceil(PANEL) * PANEL * n_rows];
    for (row, numbers) in rows.chunks_exact(width).enumerate() {
        for (panel, numbers) in numbers.chunks(PANEL).enumerate() {
            strips[(panel * n_rows + row) * PANEL..][..numbers.len()].copy_from_slice(numbers);
        }
    }
    strips
}

fn add(sums: &mut [f32], numbers: &[f32]) {
    wide(
        #[inline(always)]
        || {
            for (sum, number) in sums.iter_mut().zip(numbers) {
                *sum += number;
            }
        },
    );
}
