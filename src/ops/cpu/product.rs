//! Products of matrices whose right side lies in rows, on one thread.
//!
//! Libraries for any product pack both sides before they multiply. Here a side is a block of rows that stays in a cache, or
//! a table that was laid out once and serves many blocks, so nothing is packed: a few rows of the left are spread over
//! vectors of the right, and their sums stay in registers.
#![allow(unsafe_code)]

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::level::at_level;

/// Rows of the right that are gone through at a time, so that a panel of them stays in the first cache.
const DEPTH: usize = 128;

/// Rows of the left that share each vector of the right. With four vectors a row their sums fill 24 of 32 registers;
/// with fewer vectors there is room for twice as many rows.
const ROWS: usize = 6;

/// A matrix that lies in a slice with any strides.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Matrix<'a> {
    numbers: &'a [f32],
    n_rows: usize,
    n_columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `n_columns` numbers each, `row_stride` apart.
    pub(in crate::ops) fn rows(
        numbers: &'a [f32],
        n_rows: usize,
        n_columns: usize,
        row_stride: usize,
    ) -> Self {
        assert_fits(numbers.len(), n_rows, n_columns, row_stride);
        Self {
            numbers,
            n_rows,
            n_columns,
            row_stride,
            column_stride: 1,
        }
    }

    /// The same numbers, rows as columns.
    pub(in crate::ops) fn transposed(self) -> Self {
        Self {
            numbers: self.numbers,
            n_rows: self.n_columns,
            n_columns: self.n_rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// Rows of a mutable slice.
pub(in crate::ops) struct MatrixMut<'a> {
    numbers: &'a mut [f32],
    n_rows: usize,
    n_columns: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// Rows of `n_columns` numbers each, `row_stride` apart.
    pub(in crate::ops) fn rows(
        numbers: &'a mut [f32],
        n_rows: usize,
        n_columns: usize,
        row_stride: usize,
    ) -> Self {
        assert_fits(numbers.len(), n_rows, n_columns, row_stride);
        Self {
            numbers,
            n_rows,
            n_columns,
            row_stride,
        }
    }
}

/// Asserts that rows do not overlap and end inside their slice.
#[track_caller]
fn assert_fits(len: usize, n_rows: usize, n_columns: usize, row_stride: usize) {
    assert!(n_columns <= row_stride || n_rows <= 1, "rows overlap");
    let end = n_rows
        .checked_sub(1)
        .and_then(|last| last.checked_mul(row_stride))
        .and_then(|start| start.checked_add(n_columns));
    assert!(
        n_rows == 0 || end.is_some_and(|end| end <= len),
        "rows end past their slice"
    );
}

/// Writes `factor * left * right` to `out`. The right must lie in rows.
pub(in crate::ops) fn set_product(
    out: MatrixMut<'_>,
    factor: f32,
    left: Matrix<'_>,
    right: Matrix<'_>,
) {
    product(out, false, factor, left, right);
}

/// Adds `factor * left * right` to `out`. The right must lie in rows.
pub(in crate::ops) fn add_product(
    out: MatrixMut<'_>,
    factor: f32,
    left: Matrix<'_>,
    right: Matrix<'_>,
) {
    product(out, true, factor, left, right);
}

fn product(out: MatrixMut<'_>, add: bool, factor: f32, left: Matrix<'_>, right: Matrix<'_>) {
    assert_eq!(left.n_rows, out.n_rows, "left and out differ in rows");
    assert_eq!(
        right.n_columns, out.n_columns,
        "right and out differ in columns"
    );
    assert_eq!(
        left.n_columns, right.n_rows,
        "left and right differ in depth"
    );
    assert_eq!(right.column_stride, 1, "right does not lie in rows");
    if out.n_rows > 0 && out.n_columns > 0 {
        at_level(Product {
            out,
            add,
            factor,
            left,
            right,
        });
    }
}

/// Rows of the one operand and columns of the other were checked to match, and none is empty.
struct Product<'a> {
    out: MatrixMut<'a>,
    add: bool,
    factor: f32,
    left: Matrix<'a>,
    right: Matrix<'a>,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let n_depth = self.left.n_columns;
        self.panels(simd, 0..n_depth.min(DEPTH));
        for start in (DEPTH..n_depth).step_by(DEPTH) {
            self.add = true;
            self.panels(simd, start..n_depth.min(start + DEPTH));
        }
    }
}

impl Product<'_> {
    /// Goes through the columns, as many vectors at a time as the registers hold sums for.
    #[inline(always)]
    fn panels<S: Simd>(&mut self, simd: S, depth: Range<usize>) {
        let (n_columns, lanes) = (self.out.n_columns, S::F32_LANES);
        let mut column = 0;
        while S::REGISTER_COUNT >= 32 && column + 4 * lanes <= n_columns {
            self.panel::<S, 4>(simd, &depth, column);
            column += 4 * lanes;
        }
        while column + 2 * lanes <= n_columns {
            self.panel::<S, 2>(simd, &depth, column);
            column += 2 * lanes;
        }
        if column + lanes <= n_columns {
            self.panel::<S, 1>(simd, &depth, column);
            column += lanes;
        }
        if column < n_columns {
            self.edge(simd, &depth, column);
        }
    }

    #[inline(always)]
    fn panel<S: Simd, const V: usize>(&mut self, simd: S, depth: &Range<usize>, column: usize) {
        let n_rows = self.out.n_rows;
        let whole = n_rows - n_rows % ROWS;
        let mut row = 0;
        while V <= 2 && S::REGISTER_COUNT >= 32 && row + 2 * ROWS <= whole {
            self.tile::<S, { 2 * ROWS }, V>(simd, depth, row, column);
            row += 2 * ROWS;
        }
        for row in (row..whole).step_by(ROWS) {
            self.tile::<S, ROWS, V>(simd, depth, row, column);
        }
        match n_rows - whole {
            5 => self.tile::<S, 5, V>(simd, depth, whole, column),
            4 => self.tile::<S, 4, V>(simd, depth, whole, column),
            3 => self.tile::<S, 3, V>(simd, depth, whole, column),
            2 => self.tile::<S, 2, V>(simd, depth, whole, column),
            1 => self.tile::<S, 1, V>(simd, depth, whole, column),
            _ => {}
        }
    }

    /// `R` rows and `V` vectors of columns, which lie inside `out`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(
        &mut self,
        simd: S,
        depth: &Range<usize>,
        row: usize,
        column: usize,
    ) {
        let (left, right, lanes) = (self.left, self.right, S::F32_LANES);
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        // SAFETY: the caller keeps rows and columns inside `out`, hence inside left and right, and `depth` inside both;
        // each of the three was checked to lie inside its slice. Loads and stores ask for no alignment.
        unsafe {
            let mut from_left = left
                .numbers
                .as_ptr()
                .wrapping_add(row * left.row_stride + depth.start * left.column_stride);
            let mut from_right = right
                .numbers
                .as_ptr()
                .wrapping_add(depth.start * right.row_stride + column);
            for _ in depth.clone() {
                let vectors: [S::f32s; V] =
                    std::array::from_fn(|v| load::<S>(from_right.add(v * lanes)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let number = simd.splat_f32s(*from_left.add(r * left.row_stride));
                    for (sum, vector) in sums.iter_mut().zip(vectors) {
                        *sum = simd.mul_add_e_f32s(number, vector, *sum);
                    }
                }
                from_left = from_left.wrapping_add(left.column_stride);
                from_right = from_right.wrapping_add(right.row_stride);
            }
            let factor = simd.splat_f32s(self.factor);
            let out = self.out.numbers.as_mut_ptr();
            for (r, sums) in sums.into_iter().enumerate() {
                let out = out.add((row + r) * self.out.row_stride + column);
                for (v, sum) in sums.into_iter().enumerate() {
                    let out = out.add(v * lanes);
                    let number = if self.add {
                        simd.mul_add_e_f32s(factor, sum, load::<S>(out))
                    } else {
                        simd.mul_f32s(factor, sum)
                    };
                    out.cast::<S::f32s>().write_unaligned(number);
                }
            }
        }
    }

    /// The columns from `column` on, which do not fill a vector: a copy of them does.
    #[inline(always)]
    fn edge<S: Simd>(&mut self, simd: S, depth: &Range<usize>, column: usize) {
        let (lanes, n_rows) = (S::F32_LANES, self.out.n_rows);
        let n_left = self.out.n_columns - column;
        let mut right = vec![0.0; depth.len() * lanes];
        for (copy, k) in right.chunks_exact_mut(lanes).zip(depth.clone()) {
            let start = k * self.right.row_stride + column;
            copy[..n_left].copy_from_slice(&self.right.numbers[start..start + n_left]);
        }
        let mut sums = vec![0.0; n_rows * lanes];
        let mut copies = Product {
            out: MatrixMut::rows(&mut sums, n_rows, lanes, lanes),
            add: false,
            factor: self.factor,
            left: Matrix {
                numbers: &self.left.numbers[depth.start * self.left.column_stride..],
                n_columns: depth.len(),
                ..self.left
            },
            right: Matrix::rows(&right, depth.len(), lanes, lanes),
        };
        copies.panel::<S, 1>(simd, &(0..depth.len()), 0);
        for (row, sums) in sums.chunks_exact(lanes).enumerate() {
            let start = row * self.out.row_stride + column;
            for (out, sum) in self.out.numbers[start..start + n_left].iter_mut().zip(sums) {
                *out = if self.add { *out + sum } else { *sum };
            }
        }
    }
}

/// A vector from any address.
///
/// # Safety
/// `F32_LANES` numbers must lie there.
#[inline(always)]
unsafe fn load<S: Simd>(numbers: *const f32) -> S::f32s {
    // SAFETY: promised by the caller; no alignment is asked for.
    unsafe { numbers.cast::<S::f32s>().read_unaligned() }
}

/// Writes the rows of `from` as columns `0..n_rows` of rows that are `stride` apart.
pub(in crate::ops) fn transpose(
    from: &[f32],
    (n_rows, n_columns, row_stride): (usize, usize, usize),
    to: &mut [f32],
    stride: usize,
) {
    /// Rows and columns that are turned at a time, so that lines of both sides are used while they are in the cache.
    const BLOCK: usize = 16;
    assert_fits(from.len(), n_rows, n_columns, row_stride);
    assert_fits(to.len(), n_columns, n_rows, stride);
    for row in (0..n_rows).step_by(BLOCK) {
        let rows = row..n_rows.min(row + BLOCK);
        for column in 0..n_columns {
            let to = &mut to[column * stride..][rows.clone()];
            let from = from[row * row_stride + column..]
                .iter()
                .step_by(row_stride.max(1));
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::values;

    fn numbers(seed: u64, n: usize) -> Vec<f32> {
        values(seed, n).iter().map(|x| *x as f32).collect()
    }

    #[test]
    fn products_of_strided_matrices_are_those_of_loops() {
        let odd = [1, 2, 3, 7, 15, 16, 17, 63, 64, 65, 127, 130];
        for (index, &m) in odd.iter().enumerate() {
            let (n, k) = (odd[(index * 5 + 3) % 12], odd[(index * 7 + 1) % 12]);
            check(m, n, k);
        }
        for (m, n, k) in [
            (1, 1, 1),
            (13, 200, 300),
            (3, 2, 0),
            (0, 5, 3),
            (5, 0, 3),
            (1000, 33, 65),
        ] {
            check(m, n, k);
        }
    }

    /// Both kinds of left side, set and added.
    fn check(m: usize, n: usize, k: usize) {
        let (a, b) = (numbers(1, m * (k + 2)), numbers(2, k * (n + 1)));
        let mut turned = vec![f32::NAN; k * (m + 5)];
        transpose(&a, (m, k, k + 2), &mut turned, m + 5);
        let start = numbers(3, m * (n + 3));
        let rows = Matrix::rows(&a, m, k, k + 2);
        let columns = Matrix::rows(&turned, k, m, m + 5).transposed();
        let right = Matrix::rows(&b, k, n, n + 1);
        for left in [rows, columns] {
            let (mut set, mut added) = (start.clone(), start.clone());
            set_product(MatrixMut::rows(&mut set, m, n, n + 3), 2.0, left, right);
            add_product(MatrixMut::rows(&mut added, m, n, n + 3), 2.0, left, right);
            for (index, before) in start.iter().enumerate() {
                let (row, column) = (index / (n + 3), index % (n + 3));
                let (new, more) = if column < n {
                    let terms = (0..k).map(|x| a[row * (k + 2) + x] * b[x * (n + 1) + column]);
                    let sum: f32 = terms.sum();
                    (2.0 * sum, before + 2.0 * sum)
                } else {
                    (*before, *before)
                };
                assert!(
                    (set[index] - new).abs() < 1e-4 && (added[index] - more).abs() < 1e-4,
                    "{m} x {n} x {k}, row {row}, column {column}"
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "rows end past their slice")]
    fn a_matrix_longer_than_its_slice_is_refused() {
        Matrix::rows(&[0.0; 5], 2, 3, 3);
    }

    #[test]
    #[should_panic(expected = "right does not lie in rows")]
    fn a_right_side_in_columns_is_refused() {
        let right = Matrix::rows(&[0.0; 6], 3, 2, 2).transposed();
        let mut out = [0.0; 3];
        set_product(
            MatrixMut::rows(&mut out, 1, 3, 3),
            1.0,
            Matrix::rows(&[0.0; 2], 1, 2, 2),
            right,
        );
    }
}
