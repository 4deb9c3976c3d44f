//! From a row of scores to weights, and back to its gradient.

use pulp::{Simd, WithSimd};

use crate::ops::cpu::{
    at_level, exponentials_in_place, logistic, small_exponential, small_exponentials, wide,
};

/// The softmax of one query so far, over the tiles of keys that it has seen.
///
/// # Source
/// Milakov and Gimelshein 2018, <https://arxiv.org/abs/1805.02867>.
#[derive(Clone, Copy)]
pub(super) struct Running {
    /// The highest score.
    highest: f32,
    /// Sum of the exponentials below the highest.
    sum: f32,
}

impl Running {
    pub(super) const NOTHING: Self = Self {
        highest: f32::NEG_INFINITY,
        sum: 0.0,
    };

    /// Replaces scores by exponentials, and returns what earlier ones of the query are to be multiplied by.
    pub(super) fn take(&mut self, scores: &mut [f32]) -> f32 {
        let (highest, sum) = exponentials_in_place(scores, self.highest);
        let shrink = if highest > self.highest && self.sum > 0.0 {
            (self.highest - highest).exp()
        } else {
            1.0
        };
        self.sum = self.sum * shrink + sum;
        self.highest = highest;
        shrink
    }

    /// The logarithm of the sum of exponentials; 0 if there are none.
    pub(super) fn log_sum(&self) -> f32 {
        if self.sum == 0.0 {
            0.0
        } else {
            self.highest + self.sum.ln()
        }
    }

    /// What makes the exponentials weights; 0 if there are none.
    pub(super) fn inverse_sum(&self) -> f32 {
        if self.sum == 0.0 { 0.0 } else { 1.0 / self.sum }
    }
}

/// Multiplies each number by one factor.
pub(super) fn scale(numbers: &mut [f32], factor: f32) {
    wide(
        #[inline(always)]
        || {
            for number in numbers {
                *number *= factor;
            }
        },
    );
}

/// Multiplies each number by its factor, if there are any.
pub(super) fn multiply(numbers: &mut [f32], factors: &[f32]) {
    wide(
        #[inline(always)]
        || {
            for (number, factor) in numbers.iter_mut().zip(factors) {
                *number *= factor;
            }
        },
    );
}

/// The sum of products of two rows.
pub(super) fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Turns scores into weights after dropout, and gradients of those into gradients of the scores.
///
/// `mean` is the mean gradient by the weights. Without dropout there are no factors.
pub(super) fn softmax_gradient(
    scores: &mut [f32],
    d_weights: &mut [f32],
    factors: &[f32],
    log_sum: f32,
    mean: f32,
) {
    at_level(SoftmaxGradient {
        scores,
        d_weights,
        factors,
        log_sum,
        mean,
    });
}

struct SoftmaxGradient<'a> {
    scores: &'a mut [f32],
    d_weights: &'a mut [f32],
    factors: &'a [f32],
    log_sum: f32,
    mean: f32,
}

impl WithSimd for SoftmaxGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (scores, last_scores) = S::as_mut_simd_f32s(self.scores);
        let (d_weights, last_d_weights) = S::as_mut_simd_f32s(self.d_weights);
        let (log_sum, mean) = (simd.splat_f32s(self.log_sum), simd.splat_f32s(self.mean));
        let both = scores.iter_mut().zip(d_weights);
        if self.factors.is_empty() {
            for (score, d_weight) in both {
                *score = small_exponentials(simd, simd.sub_f32s(*score, log_sum));
                *d_weight = simd.mul_f32s(*score, simd.sub_f32s(*d_weight, mean));
            }
            for (score, d_weight) in last_scores.iter_mut().zip(last_d_weights) {
                *score = small_exponential(*score - self.log_sum);
                *d_weight = *score * (*d_weight - self.mean);
            }
            return;
        }
        let (factors, last_factors) = S::as_simd_f32s(self.factors);
        for ((score, d_weight), factor) in both.zip(factors) {
            let weight = small_exponentials(simd, simd.sub_f32s(*score, log_sum));
            let above_mean = simd.sub_f32s(simd.mul_f32s(*d_weight, *factor), mean);
            *d_weight = simd.mul_f32s(weight, above_mean);
            *score = simd.mul_f32s(weight, *factor);
        }
        let both = last_scores.iter_mut().zip(last_d_weights);
        for ((score, d_weight), factor) in both.zip(last_factors) {
            let weight = small_exponential(*score - self.log_sum);
            *d_weight = weight * (*d_weight * factor - self.mean);
            *score = weight * factor;
        }
    }
}

/// Replaces each score by itself times its sigmoid, over the divisor.
pub(super) fn silu(scores: &mut [f32], divisor: f32) {
    wide(
        #[inline(always)]
        || {
            for score in scores {
                *score *= logistic(*score).0 / divisor;
            }
        },
    );
}

/// As [`softmax_gradient`], for the weights of [`silu`].
pub(super) fn silu_gradient(
    scores: &mut [f32],
    d_weights: &mut [f32],
    factors: &[f32],
    divisor: f32,
) {
    wide(
        #[inline(always)]
        || {
            let both = scores.iter_mut().zip(d_weights);
            if factors.is_empty() {
                both.for_each(|(score, d_weight)| silu_slope(score, d_weight, 1.0, divisor));
            } else {
                both.zip(factors)
                    .for_each(|((score, d_weight), f)| silu_slope(score, d_weight, *f, divisor));
            }
        },
    );
}

#[inline(always)]
fn silu_slope(score: &mut f32, d_weight: &mut f32, factor: f32, divisor: f32) {
    let (chance, opposite) = logistic(*score);
    let slope = chance * (1.0 + *score * opposite) / divisor;
    *score *= chance * factor / divisor;
    *d_weight *= slope * factor;
}
