//! Products of small matrices, one for each lane.

use pulp::Simd;

/// Columns of a tile; with the rows of a tile, whose sums must fit into the registers.
const COLUMNS: usize = 4;

/// Items of a matrix.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Strided<'a, T> {
    pub(in crate::ops) items: &'a [T],
    /// Items from one row to the next.
    pub(in crate::ops) row_stride: usize,
    /// Items from one column to the next.
    pub(in crate::ops) column_stride: usize,
}

/// The same, to write to.
pub(in crate::ops) struct StridedMut<'a, T> {
    pub(in crate::ops) items: &'a mut [T],
    pub(in crate::ops) row_stride: usize,
    pub(in crate::ops) column_stride: usize,
}

impl<T> Strided<'_, T> {
    /// Rows as columns.
    #[inline(always)]
    pub(in crate::ops) fn transposed(self) -> Self {
        Self {
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    #[inline(always)]
    fn item(&self, row: usize, column: usize) -> &T {
        &self.items[row * self.row_stride + column * self.column_stride]
    }
}

/// Numbers that all lanes share.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Shared<'a>(pub(in crate::ops) Strided<'a, f32>);

impl Shared<'_> {
    /// Rows as columns.
    #[inline(always)]
    pub(in crate::ops) fn transposed(self) -> Self {
        Self(self.0.transposed())
    }
}

/// The right side of a product.
pub(in crate::ops) trait Factors<S: Simd>: Copy {
    fn factor(&self, simd: S, row: usize, column: usize) -> S::f32s;
}

impl<S: Simd> Factors<S> for Strided<'_, S::f32s> {
    #[inline(always)]
    fn factor(&self, _: S, row: usize, column: usize) -> S::f32s {
        *self.item(row, column)
    }
}

impl<S: Simd> Factors<S> for Shared<'_> {
    #[inline(always)]
    fn factor(&self, simd: S, row: usize, column: usize) -> S::f32s {
        simd.splat_f32s(*self.0.item(row, column))
    }
}

/// `out = left right`, or `out += left right`, in each lane. The sizes are rows, columns, and the depth of the sums.
#[inline(always)]
pub(in crate::ops) fn product<S: Simd>(
    simd: S,
    out: StridedMut<'_, S::f32s>,
    add: bool,
    left: Strided<'_, S::f32s>,
    right: impl Factors<S>,
    [n_rows, n_columns, n_depth]: [usize; 3],
) {
    let mut product = Product {
        simd,
        out,
        add,
        left,
        right,
        n_columns,
        n_depth,
    };
    let mut row = 0;
    while S::REGISTER_COUNT >= 32 && row + 4 <= n_rows {
        product.rows::<4>(row);
        row += 4;
    }
    while row + 2 <= n_rows {
        product.rows::<2>(row);
        row += 2;
    }
    if row < n_rows {
        product.rows::<1>(row);
    }
}

struct Product<'a, S: Simd, F> {
    simd: S,
    out: StridedMut<'a, S::f32s>,
    add: bool,
    left: Strided<'a, S::f32s>,
    right: F,
    n_columns: usize,
    n_depth: usize,
}

impl<S: Simd, F: Factors<S>> Product<'_, S, F> {
    #[inline(always)]
    fn rows<const R: usize>(&mut self, row: usize) {
        let mut column = 0;
        while column + COLUMNS <= self.n_columns {
            self.tile::<R, COLUMNS>(row, column);
            column += COLUMNS;
        }
        for column in column..self.n_columns {
            self.tile::<R, 1>(row, column);
        }
    }

    #[inline(always)]
    fn tile<const R: usize, const C: usize>(&mut self, row: usize, column: usize) {
        let simd = self.simd;
        let mut sums = [[simd.splat_f32s(0.0); C]; R];
        for depth in 0..self.n_depth {
            let mut left = [simd.splat_f32s(0.0); R];
            for (r, left) in left.iter_mut().enumerate() {
                *left = *self.left.item(row + r, depth);
            }
            for c in 0..C {
                let factor = self.right.factor(simd, depth, column + c);
                for (sums, left) in sums.iter_mut().zip(left) {
                    sums[c] = simd.mul_add_e_f32s(left, factor, sums[c]);
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (c, sum) in sums.into_iter().enumerate() {
                let at = (row + r) * self.out.row_stride + (column + c) * self.out.column_stride;
                let out = &mut self.out.items[at];
                *out = if self.add {
                    simd.add_f32s(*out, sum)
                } else {
                    sum
                };
            }
        }
    }
}
