//! Where the numbers of one head are, and tiles of its queries and keys.

use std::ops::Range;

use crate::ops::cpu::Matrix;

/// Queries of a tile: a multiple of the rows that a product takes at a time.
pub(super) const TILE_QUERIES: usize = 48;

/// Keys of a tile: with its queries they stay in the second cache.
pub(super) const TILE_KEYS: usize = 256;

/// Keys that lie side by side as columns, so that a product reads them without gaps. Tiles of keys start at multiples.
pub(super) const PANEL: usize = 64;

/// Numbers of a vector: panels end at multiples, so that no product ends within a vector.
pub(super) const LANES: usize = 16;

/// The rows of one head without gaps, and numbers of a tile; kept from one tile, head and sequence to the next.
///
/// In the rows of all heads those of one are so far apart, often by a power of two, that they push each other out of the
/// cache.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) query: Vec<f32>,
    pub(super) key: Vec<f32>,
    pub(super) value: Vec<f32>,
    pub(super) context: Vec<f32>,
    pub(super) d_context: Vec<f32>,
    pub(super) d_query: Vec<f32>,
    pub(super) d_key: Vec<f32>,
    pub(super) d_value: Vec<f32>,
    /// `[n_panels, d_head, PANEL]`.
    pub(super) turned_key: Vec<f32>,
    pub(super) turned_value: Vec<f32>,
    pub(super) tile: TileScratch,
}

/// Numbers of a tile, one row a query.
#[derive(Default)]
pub(super) struct TileScratch {
    pub(super) scores: Vec<f32>,
    pub(super) d_weights: Vec<f32>,
    pub(super) factors: Vec<f32>,
    pub(super) buckets: Vec<u32>,
}

/// Where the columns of one head are in rows of numbers.
#[derive(Clone, Copy)]
pub(super) struct Place {
    width: usize,
    first: usize,
    d_head: usize,
}

impl Place {
    /// Rows of this head alone.
    pub(super) fn alone(d_head: usize) -> Self {
        Self::among(0, 1, d_head)
    }

    /// Rows of all heads.
    pub(super) fn among(head: usize, n_heads: usize, d_head: usize) -> Self {
        Self {
            width: n_heads * d_head,
            first: head * d_head,
            d_head,
        }
    }

    /// Copies the columns of the head out of the rows.
    pub(super) fn take(&self, rows: &[f32], columns: &mut Vec<f32>) {
        columns.clear();
        for row in rows.chunks_exact(self.width) {
            columns.extend_from_slice(&row[self.first..self.first + self.d_head]);
        }
    }

    /// Copies the columns of the head into the rows.
    pub(super) fn put(&self, columns: &[f32], rows: &mut [f32]) {
        let columns = columns.chunks_exact(self.d_head);
        for (row, columns) in rows.chunks_exact_mut(self.width).zip(columns) {
            row[self.first..self.first + self.d_head].copy_from_slice(columns);
        }
    }
}

/// Keys of a tile, and how far apart its rows of scores are.
pub(super) struct Tile {
    pub(super) queries: Range<usize>,
    pub(super) keys: Range<usize>,
    pub(super) stride: usize,
}

impl Tile {
    pub(super) fn new(queries: Range<usize>, keys: Range<usize>) -> Self {
        Self {
            // A power of two would let rows push each other out of the cache.
            stride: keys.len().next_multiple_of(LANES) + LANES,
            queries,
            keys,
        }
    }

    pub(super) fn matrix<'a>(&self, numbers: &'a [f32]) -> Matrix<'a> {
        Matrix::rows(numbers, self.queries.len(), self.keys.len(), self.stride)
    }
}

/// Makes `len` zeros of them.
pub(super) fn zeros(numbers: &mut Vec<f32>, len: usize) {
    numbers.clear();
    numbers.resize(len, 0.0);
}
