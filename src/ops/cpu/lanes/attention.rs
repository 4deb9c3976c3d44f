//! Softmax attention within sequences of one length, one for each lane.

use pulp::Simd;

use super::{LANES, Strided, StridedMut, product};
use crate::ops::cpu::small_exponentials;

/// What the sequences are like. All rows are `[len, n_heads, d_head]` in each lane.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct LaneAttention {
    pub(in crate::ops) len: usize,
    pub(in crate::ops) n_heads: usize,
    pub(in crate::ops) d_head: usize,
    /// What products of queries and keys are multiplied by.
    pub(in crate::ops) scale: f32,
}

/// One head, and one of the vectors that hold a number of all lanes.
#[derive(Clone, Copy)]
struct Part {
    head: usize,
    /// Which of so many vectors.
    index: usize,
    step: usize,
    start: usize,
    row_stride: usize,
    column_stride: usize,
}

impl Part {
    #[inline(always)]
    fn of<'a, V>(&self, rows: &'a [V]) -> Strided<'a, V> {
        Strided {
            items: &rows[self.start..],
            row_stride: self.row_stride,
            column_stride: self.column_stride,
        }
    }

    #[inline(always)]
    fn of_mut<'a, V>(&self, rows: &'a mut [V]) -> StridedMut<'a, V> {
        StridedMut {
            items: &mut rows[self.start..],
            row_stride: self.row_stride,
            column_stride: self.column_stride,
        }
    }
}

impl LaneAttention {
    /// Numbers of a sequence.
    pub(in crate::ops) fn n_numbers(&self) -> usize {
        self.len * self.n_heads * self.d_head
    }

    /// Numbers that the weights of one head, or their gradients, take.
    pub(in crate::ops) fn n_weights(&self) -> usize {
        self.len * self.len
    }

    #[inline(always)]
    fn parts<S: Simd>(&self) -> impl Iterator<Item = Part> + use<S> {
        let step = LANES / S::F32_LANES;
        let (n_heads, d_head) = (self.n_heads, self.d_head);
        (0..n_heads * step).map(move |index| Part {
            head: index / step,
            index: index % step,
            step,
            start: index / step * d_head * step + index % step,
            row_stride: n_heads * d_head * step,
            column_stride: step,
        })
    }

    /// A square of a number for each query and key.
    #[inline(always)]
    fn square<'a, V>(&self, items: &'a [V]) -> Strided<'a, V> {
        Strided {
            items,
            row_stride: self.len,
            column_stride: 1,
        }
    }

    #[inline(always)]
    fn square_mut<'a, V>(&self, items: &'a mut [V]) -> StridedMut<'a, V> {
        StridedMut {
            items,
            row_stride: self.len,
            column_stride: 1,
        }
    }

    /// The contexts, from queries, keys and values. Weights are multiplied by `factors`, if any: `[n_heads, len, len]`.
    #[inline(always)]
    pub(in crate::ops) fn forward<S: Simd>(
        &self,
        simd: S,
        [query, key, value]: [&[S::f32s]; 3],
        factors: Option<&[S::f32s]>,
        context: &mut [S::f32s],
        weights: &mut [S::f32s],
    ) {
        let (len, d_head) = (self.len, self.d_head);
        for part in self.parts::<S>() {
            self.weights(simd, [part.of(query), part.of(key)], weights);
            self.drop_some(simd, part, factors, weights);
            product(
                simd,
                part.of_mut(context),
                false,
                self.square(weights),
                part.of(value),
                [len, d_head, len],
            );
        }
    }

    /// The gradients of queries, keys and values, from that of the contexts.
    #[inline(always)]
    pub(in crate::ops) fn backward<S: Simd>(
        &self,
        simd: S,
        [query, key, value, d_context]: [&[S::f32s]; 4],
        factors: Option<&[S::f32s]>,
        [d_query, d_key, d_value]: [&mut [S::f32s]; 3],
        [weights, d_weights]: [&mut [S::f32s]; 2],
    ) {
        let (len, d_head) = (self.len, self.d_head);
        for part in self.parts::<S>() {
            let [q, k, v] = [query, key, value].map(|rows| part.of(rows));
            let d = part.of(d_context);
            self.weights(simd, [q, k], weights);
            let out = self.square_mut(d_weights);
            product(simd, out, false, d, v.transposed(), [len, len, d_head]);
            self.drop_some(simd, part, factors, d_weights);
            self.softmax_gradients(simd, weights, d_weights);
            self.drop_some(simd, part, factors, weights);
            let sizes = [len, d_head, len];
            let w = self.square(weights).transposed();
            product(simd, part.of_mut(d_value), false, w, d, sizes);
            let w = self.square(d_weights);
            product(simd, part.of_mut(d_query), false, w, k, sizes);
            product(simd, part.of_mut(d_key), false, w.transposed(), q, sizes);
        }
    }

    /// Multiplies weights, or their gradients, by the factors of a head.
    #[inline(always)]
    fn drop_some<S: Simd>(
        &self,
        simd: S,
        part: Part,
        factors: Option<&[S::f32s]>,
        weights: &mut [S::f32s],
    ) {
        if let Some(factors) = factors {
            let n_weights = self.n_weights();
            let first = part.head * n_weights * part.step + part.index;
            let factors = factors[first..].iter().step_by(part.step);
            for (weight, factor) in weights[..n_weights].iter_mut().zip(factors) {
                *weight = simd.mul_f32s(*weight, *factor);
            }
        }
    }

    #[inline(always)]
    fn weights<S: Simd>(
        &self,
        simd: S,
        [query, key]: [Strided<'_, S::f32s>; 2],
        weights: &mut [S::f32s],
    ) {
        let (len, scale) = (self.len, simd.splat_f32s(self.scale));
        let out = self.square_mut(weights);
        let sizes = [len, len, self.d_head];
        product(simd, out, false, query, key.transposed(), sizes);
        for row in weights[..len * len].chunks_exact_mut(len) {
            let mut highest = simd.splat_f32s(f32::NEG_INFINITY);
            for score in &mut *row {
                *score = simd.mul_f32s(*score, scale);
                highest = simd.max_f32s(highest, *score);
            }
            let mut sum = simd.splat_f32s(0.0);
            for score in &mut *row {
                *score = small_exponentials(simd, simd.sub_f32s(*score, highest));
                sum = simd.add_f32s(sum, *score);
            }
            let share = simd.div_f32s(simd.splat_f32s(1.0), sum);
            for weight in row {
                *weight = simd.mul_f32s(*weight, share);
            }
        }
    }

    /// Turns the gradients of weights into those of products of queries and keys.
    #[inline(always)]
    fn softmax_gradients<S: Simd>(&self, simd: S, weights: &[S::f32s], gradients: &mut [S::f32s]) {
        let (len, scale) = (self.len, simd.splat_f32s(self.scale));
        let rows = weights.chunks_exact(len);
        let rows = rows.zip(gradients[..len * len].chunks_exact_mut(len));
        for (weights, gradients) in rows {
            let mut mean = simd.splat_f32s(0.0);
            for (weight, gradient) in weights.iter().zip(&*gradients) {
                mean = simd.mul_add_e_f32s(*weight, *gradient, mean);
            }
            for (weight, gradient) in weights.iter().zip(gradients) {
                let apart = simd.sub_f32s(*gradient, mean);
                *gradient = simd.mul_f32s(simd.mul_f32s(*weight, scale), apart);
            }
        }
    }
}
