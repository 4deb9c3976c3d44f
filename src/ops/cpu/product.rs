//! Matrix products on slices, by the `gemm` crate, on one thread.
#![allow(unsafe_code)]

use gemm::{Parallelism, gemm};

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

/// Writes `factor * left * right` to `out`.
pub(in crate::ops) fn set_product(
    out: MatrixMut<'_>,
    factor: f32,
    left: Matrix<'_>,
    right: Matrix<'_>,
) {
    product(out, false, factor, left, right);
}

/// Adds `factor * left * right` to `out`.
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
    if out.n_rows == 0 || out.n_columns == 0 {
        return;
    }
    // SAFETY: every matrix was checked at construction to lie inside its slice, rows of `out` do not overlap, and `out`
    // is borrowed mutably, so that it shares no memory with the others.
    unsafe {
        gemm(
            out.n_rows,
            out.n_columns,
            left.n_columns,
            out.numbers.as_mut_ptr(),
            1,
            out.row_stride as isize,
            add,
            left.numbers.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.numbers.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            factor,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::values;

    #[test]
    fn products_of_strided_matrices_are_those_of_loops() {
        for (m, n, k) in [(1, 1, 1), (2, 3, 5), (7, 1, 64), (65, 33, 7), (3, 2, 0)] {
            let numbers = |seed, n| {
                values(seed, n)
                    .iter()
                    .map(|x| *x as f32)
                    .collect::<Vec<f32>>()
            };
            let (a, b) = (numbers(1, m * (k + 2)), numbers(2, n * (k + 1)));
            let start = numbers(3, m * (n + 3));
            let (mut set, mut added) = (start.clone(), start.clone());
            let left = Matrix::rows(&a, m, k, k + 2);
            let right = Matrix::rows(&b, n, k, k + 1).transposed();
            set_product(MatrixMut::rows(&mut set, m, n, n + 3), 2.0, left, right);
            add_product(MatrixMut::rows(&mut added, m, n, n + 3), 2.0, left, right);
            for (index, before) in start.iter().enumerate() {
                let (row, column) = (index / (n + 3), index % (n + 3));
                let sum: f32 = (0..k)
                    .map(|x| a[row * (k + 2) + x] * b[(column % n) * (k + 1) + x])
                    .sum();
                let inside = column < n;
                let (new, more) = if inside {
                    (2.0 * sum, before + 2.0 * sum)
                } else {
                    (*before, *before)
                };
                assert!((set[index] - new).abs() < 1e-4 && (added[index] - more).abs() < 1e-4);
            }
        }
    }

    #[test]
    #[should_panic(expected = "rows end past their slice")]
    fn a_matrix_longer_than_its_slice_is_refused() {
        Matrix::rows(&[0.0; 5], 2, 3, 3);
    }
}
