//! Interacting layers on lanes: a block of rows is mapped, mixed and summed while it is in the cache.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::ops::attention::Factors;
use crate::ops::cpu::at_level;
use crate::ops::cpu::lanes::{
    LANES, LaneAttention, Lanes, Shared, Strided, StridedMut, product, turn, turn_back,
};
use crate::ops::dropout::Dropout;

/// Parts of the rows with gradients of weights of their own. The number may not depend on the machine's cores, so that sums
/// come out the same everywhere.
const MAX_PARTS: usize = 16;

/// Blocks that make a part of its own worthwhile.
const LEAST_PART_BLOCKS: usize = 8;

/// Query, key, value and residual.
const MAPS: usize = 4;

/// What is computed.
#[derive(Clone, Copy)]
pub(super) struct Problem<'a> {
    /// `[n_rows, d_in]`, at least one.
    pub(super) rows: &'a [f32],
    /// Query, key, value and residual, `[d_in, width]` each.
    pub(super) weights: [&'a [f32]; MAPS],
    pub(super) d_in: usize,
    pub(super) plan: Plan,
}

/// How the rows look at each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) attention: LaneAttention,
    pub(super) dropout: Option<Dropout>,
}

/// Gradients of the rows and of each weight.
pub(super) struct Gradients {
    pub(super) rows: Vec<f32>,
    pub(super) weights: [Vec<f32>; MAPS],
}

impl Problem<'_> {
    fn width(&self) -> usize {
        self.plan.attention.n_heads * self.plan.attention.d_head
    }

    /// Rows of a block.
    fn block_rows(&self) -> usize {
        LANES * self.plan.attention.len
    }

    pub(super) fn forward(&self) -> Vec<f32> {
        let n_rows = self.rows.len() / self.d_in;
        let mut mixed = vec![0.0; n_rows * self.width()];
        mixed
            .par_chunks_mut(self.block_rows() * self.width())
            .enumerate()
            .zip(self.rows.par_chunks(self.block_rows() * self.d_in))
            .for_each_init(
                || Scratch::new(self),
                |scratch, ((index, mixed), rows)| {
                    scratch.drop_some(self, index, rows.len());
                    turn(rows, scratch.rows.numbers_mut());
                    at_level(ForwardBlock {
                        problem: self,
                        scratch,
                    });
                    turn_back(scratch.mixed.numbers(), mixed);
                },
            );
        mixed
    }

    /// The gradients, from what came out and the gradient of it.
    pub(super) fn backward(&self, mixed: &[f32], d_mixed: &[f32]) -> Gradients {
        let (d_in, width) = (self.d_in, self.width());
        let n_blocks = self.rows.len().div_ceil(self.block_rows() * d_in);
        let part_blocks = n_blocks.div_ceil(MAX_PARTS).max(LEAST_PART_BLOCKS);
        let part_rows = part_blocks * self.block_rows();
        let mut d_rows = vec![0.0; self.rows.len()];
        let parts: Vec<BackwardScratch> = d_rows
            .par_chunks_mut(part_rows * d_in)
            .enumerate()
            .zip(self.rows.par_chunks(part_rows * d_in))
            .zip(mixed.par_chunks(part_rows * width))
            .zip(d_mixed.par_chunks(part_rows * width))
            .map(|((((part, d_rows), rows), mixed), d_mixed)| {
                self.part(part * part_blocks, rows, [mixed, d_mixed], d_rows)
            })
            .collect();
        let weights = std::array::from_fn(|map| {
            let mut sums = vec![0.0; d_in * width];
            for part in &parts {
                let (lanes, _) = part.d_weights[map].numbers().as_chunks::<LANES>();
                for (sum, lanes) in sums.iter_mut().zip(lanes) {
                    *sum += lanes.iter().sum::<f32>();
                }
            }
            sums
        });
        Gradients {
            rows: d_rows,
            weights,
        }
    }

    /// The blocks from the `first`-th on.
    fn part(
        &self,
        first: usize,
        rows: &[f32],
        [mixed, d_mixed]: [&[f32]; 2],
        d_rows: &mut [f32],
    ) -> BackwardScratch {
        let mut backward = BackwardScratch::new(self);
        let mut scratch = Scratch::new(self);
        let block = self.block_rows();
        let blocks = rows.chunks(block * self.d_in);
        let above = mixed.chunks(block * self.width());
        let above = above.zip(d_mixed.chunks(block * self.width()));
        let d_rows = d_rows.chunks_mut(block * self.d_in);
        let blocks = blocks.zip(above).zip(d_rows).enumerate();
        for (index, ((rows, (mixed, d_mixed)), d_rows)) in blocks {
            scratch.drop_some(self, first + index, rows.len());
            turn(rows, scratch.rows.numbers_mut());
            turn(mixed, scratch.mixed.numbers_mut());
            turn(d_mixed, backward.d_maps[3].numbers_mut());
            at_level(BackwardBlock {
                problem: self,
                scratch: &mut scratch,
                backward: &mut backward,
            });
            turn_back(backward.d_rows.numbers(), d_rows);
        }
        backward
    }
}

/// Numbers of a block, kept from one block to the next.
struct Scratch {
    rows: Lanes,
    /// The rows mapped by each weight.
    maps: [Lanes; MAPS],
    mixed: Lanes,
    attention_weights: Lanes,
    factors: Option<Factors>,
}

impl Scratch {
    fn new(problem: &Problem<'_>) -> Self {
        let attention = &problem.plan.attention;
        Self {
            rows: Lanes::new(attention.len * problem.d_in),
            maps: std::array::from_fn(|_| Lanes::new(attention.n_numbers())),
            mixed: Lanes::new(attention.n_numbers()),
            attention_weights: Lanes::new(attention.n_weights()),
            factors: problem
                .plan
                .dropout
                .map(|dropout| Factors::new(*attention, dropout)),
        }
    }

    /// Makes the factors of the `index`-th block, whose rows have so many numbers.
    fn drop_some(&mut self, problem: &Problem<'_>, index: usize, n_numbers: usize) {
        if let Some(factors) = &mut self.factors {
            let first = index * LANES;
            factors.fill(first..first + n_numbers / (problem.plan.attention.len * problem.d_in));
        }
    }
}

/// What backward has besides.
struct BackwardScratch {
    d_rows: Lanes,
    /// Gradients of the mapped rows; of the last, those of what came out before.
    d_maps: [Lanes; MAPS],
    d_attention_weights: Lanes,
    /// Sums over all blocks, a number of each for every lane.
    d_weights: [Lanes; MAPS],
}

impl BackwardScratch {
    fn new(problem: &Problem<'_>) -> Self {
        let attention = &problem.plan.attention;
        Self {
            d_rows: Lanes::new(attention.len * problem.d_in),
            d_maps: std::array::from_fn(|_| Lanes::new(attention.n_numbers())),
            d_attention_weights: Lanes::new(attention.n_weights()),
            d_weights: std::array::from_fn(|_| Lanes::new(problem.d_in * problem.width())),
        }
    }
}

/// Rows of one of the vectors that hold a number of all lanes.
#[inline(always)]
fn rows_of<V>(vectors: &[V], width: usize, [index, step]: [usize; 2]) -> Strided<'_, V> {
    Strided {
        items: &vectors[index..],
        row_stride: width * step,
        column_stride: step,
    }
}

#[inline(always)]
fn rows_of_mut<V>(vectors: &mut [V], width: usize, [index, step]: [usize; 2]) -> StridedMut<'_, V> {
    StridedMut {
        items: &mut vectors[index..],
        row_stride: width * step,
        column_stride: step,
    }
}

impl Problem<'_> {
    /// Maps a block of rows by some of the weights.
    #[inline(always)]
    fn map<'s, S: Simd>(
        &self,
        simd: S,
        rows: &[S::f32s],
        maps: impl Iterator<Item = &'s mut Lanes>,
    ) {
        let (len, d_in, width) = (self.plan.attention.len, self.d_in, self.width());
        let step = LANES / S::F32_LANES;
        for (map, weight) in maps.zip(self.weights) {
            let map = S::as_mut_simd_f32s(map.numbers_mut()).0;
            let weight = Shared(rows_of(weight, width, [0, 1]));
            for index in 0..step {
                let out = rows_of_mut(map, width, [index, step]);
                let rows = rows_of(rows, d_in, [index, step]);
                product(simd, out, false, rows, weight, [len, width, d_in]);
            }
        }
    }
}

/// Forward of one block: from `rows` to `mixed`.
struct ForwardBlock<'a> {
    problem: &'a Problem<'a>,
    scratch: &'a mut Scratch,
}

impl WithSimd for ForwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { problem, scratch } = self;
        let rows = S::as_simd_f32s(scratch.rows.numbers()).0;
        problem.map(simd, rows, scratch.maps.iter_mut());
        let maps = scratch.maps.each_ref();
        let [query, key, value, kept] = maps.map(|map| S::as_simd_f32s(map.numbers()).0);
        let factors = scratch.factors.as_ref();
        let factors = factors.map(|factors| S::as_simd_f32s(factors.numbers()).0);
        let mixed = S::as_mut_simd_f32s(scratch.mixed.numbers_mut()).0;
        let weights = S::as_mut_simd_f32s(scratch.attention_weights.numbers_mut()).0;
        problem
            .plan
            .attention
            .forward(simd, [query, key, value], factors, mixed, weights);
        let zero = simd.splat_f32s(0.0);
        for (mixed, kept) in mixed.iter_mut().zip(kept) {
            let sum = simd.add_f32s(*mixed, *kept);
            // In this form a number that is not a number stays one.
            let negative = simd.less_than_f32s(sum, zero);
            *mixed = simd.select_f32s(negative, zero, sum);
        }
    }
}

/// Backward of one block: from `rows`, `mixed` and its gradients to `d_rows`, and more on the sums `d_weights`.
struct BackwardBlock<'a> {
    problem: &'a Problem<'a>,
    scratch: &'a mut Scratch,
    backward: &'a mut BackwardScratch,
}

impl WithSimd for BackwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            problem,
            scratch,
            backward,
        } = self;
        let rows = S::as_simd_f32s(scratch.rows.numbers()).0;
        problem.map(simd, rows, scratch.maps.iter_mut().take(3));
        let maps = scratch.maps.each_ref();
        let [query, key, value, _] = maps.map(|map| S::as_simd_f32s(map.numbers()).0);
        let mixed = S::as_simd_f32s(scratch.mixed.numbers()).0;
        let factors = scratch.factors.as_ref();
        let factors = factors.map(|factors| S::as_simd_f32s(factors.numbers()).0);
        let d_maps = backward.d_maps.each_mut();
        let [d_query, d_key, d_value, d_sum] =
            d_maps.map(|map| S::as_mut_simd_f32s(map.numbers_mut()).0);
        let zero = simd.splat_f32s(0.0);
        for (gradient, mixed) in d_sum.iter_mut().zip(mixed) {
            let positive = simd.greater_than_f32s(*mixed, zero);
            *gradient = simd.select_f32s(positive, *gradient, zero);
        }
        let weights = S::as_mut_simd_f32s(scratch.attention_weights.numbers_mut()).0;
        let d_weights = S::as_mut_simd_f32s(backward.d_attention_weights.numbers_mut()).0;
        problem.plan.attention.backward(
            simd,
            [query, key, value, d_sum],
            factors,
            [d_query, d_key, d_value],
            [weights, d_weights],
        );
        problem.map_back(simd, rows, backward);
    }
}

impl Problem<'_> {
    /// The gradients of rows and weights from those of the mapped rows.
    #[inline(always)]
    fn map_back<S: Simd>(&self, simd: S, rows: &[S::f32s], backward: &mut BackwardScratch) {
        let (len, d_in, width) = (self.plan.attention.len, self.d_in, self.width());
        let step = LANES / S::F32_LANES;
        let d_rows = S::as_mut_simd_f32s(backward.d_rows.numbers_mut()).0;
        let sums = backward.d_weights.iter_mut();
        for (map, (d_map, sums)) in backward.d_maps.iter().zip(sums).enumerate() {
            let d_map = S::as_simd_f32s(d_map.numbers()).0;
            let sums = S::as_mut_simd_f32s(sums.numbers_mut()).0;
            let weight = Shared(rows_of(self.weights[map], width, [0, 1])).transposed();
            for index in 0..step {
                let d_map = rows_of(d_map, width, [index, step]);
                let d_rows = rows_of_mut(d_rows, d_in, [index, step]);
                product(simd, d_rows, map > 0, d_map, weight, [len, d_in, width]);
                let rows = rows_of(rows, d_in, [index, step]).transposed();
                let sums = rows_of_mut(sums, width, [index, step]);
                product(simd, sums, true, rows, d_map, [d_in, width, len]);
            }
        }
    }
}
