//! Exponentials, sums and maxima of rows of numbers.

use pulp::{Simd, WithSimd};

use super::level::at_level;

/// Below this the exponential stays as it is here, about 1.6e-38, just above the smallest normal number.
const LEAST: f32 = -87.0;

/// Added and taken away, it rounds to the nearest whole number, which meanwhile stands in the last bits.
const ROUND: f32 = 12_582_912.0;

/// `ln(2)` in two parts, the first with so few bits that its products with whole numbers are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// `e^f = 1 + f + f² P(f)` for `f` within half of `ln(2)` of 0, highest power first: `expf` of the Cephes library
/// (Moshier 1992).
const SERIES: [f32; 6] = [
    1.987_569_1e-4,
    1.398_199_9e-3,
    8.333_452e-3,
    4.166_579_6e-2,
    0.166_666_65,
    0.5,
];

/// The exponential of a number that is at most about 0, to about 2e-7 relative.
#[inline(always)]
pub(in crate::ops) fn small_exponential(x: f32) -> f32 {
    let x = if x > LEAST { x } else { LEAST };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let f = x - n * LN_2[0] - n * LN_2[1];
    let [first, rest @ ..] = SERIES;
    let p = rest.iter().fold(first, |p, c| p * f + c);
    let p = p * (f * f) + f + 1.0;
    f32::from_bits(p.to_bits().wrapping_add(rounded.to_bits() << 23))
}

/// The same for a vector.
#[inline(always)]
pub(in crate::ops) fn small_exponentials<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let of = |number| simd.splat_f32s(number);
    let x = simd.max_f32s(x, of(LEAST));
    let rounded = simd.mul_add_e_f32s(x, of(std::f32::consts::LOG2_E), of(ROUND));
    let n = simd.sub_f32s(rounded, of(ROUND));
    let f = simd.mul_add_e_f32s(n, of(-LN_2[0]), x);
    let f = simd.mul_add_e_f32s(n, of(-LN_2[1]), f);
    let [first, rest @ ..] = SERIES;
    let p = rest
        .iter()
        .fold(of(first), |p, c| simd.mul_add_e_f32s(p, f, of(*c)));
    let p = simd.mul_add_e_f32s(p, simd.mul_f32s(f, f), f);
    let p = simd.add_f32s(p, of(1.0));
    let bits = simd.transmute_u32s_f32s(rounded);
    let shifted = simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23));
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(p), shifted))
}

/// Replaces each number by the exponential of its distance below the highest of them and of `at_least`; returns that
/// highest and the sum of the exponentials.
pub(in crate::ops) fn exponentials_in_place(numbers: &mut [f32], at_least: f32) -> (f32, f32) {
    at_level(Exponentials { numbers, at_least })
}

struct Exponentials<'a> {
    numbers: &'a mut [f32],
    at_least: f32,
}

impl WithSimd for Exponentials<'_> {
    type Output = (f32, f32);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (f32, f32) {
        let (vectors, rest) = S::as_mut_simd_f32s(self.numbers);
        let highest = simd.splat_f32s(self.at_least);
        let highest = vectors
            .iter()
            .fold(highest, |highest, vector| simd.max_f32s(highest, *vector));
        let highest = simd.reduce_max_f32s(highest);
        let highest = rest.iter().copied().fold(highest, f32::max);
        let shift = simd.splat_f32s(highest);
        let mut sums = simd.splat_f32s(0.0);
        for vector in vectors {
            *vector = small_exponentials(simd, simd.sub_f32s(*vector, shift));
            sums = simd.add_f32s(sums, *vector);
        }
        let mut sum = simd.reduce_sum_f32s(sums);
        for number in rest {
            *number = small_exponential(*number - highest);
            sum += *number;
        }
        (highest, sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_exponentials_are_precise() {
        for step in 0..87_000 {
            let x = -(step as f32) / 1000.0;
            let exact = f64::from(x).exp();
            let error = |found: f32| (f64::from(found) - exact).abs() / exact;
            let mut row = [x; 16];
            exponentials_in_place(&mut row, 0.0);
            let (alone, together) = (error(small_exponential(x)), error(row[0]));
            assert!(
                alone < 3e-7 && together < 3e-7,
                "exp({x}): {alone}, {together}"
            );
        }
        assert_eq!(small_exponential(0.0), 1.0);
        assert!(small_exponential(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn rows_of_any_length_are_whole() {
        for n in [0, 1, 2, 15, 16, 17, 64, 65] {
            let numbers: Vec<f32> = (0..n).map(|i| ((i * 37) % 11) as f32 - 5.0).collect();
            let at_least = if n % 2 == 0 { -9.0 } else { 7.0 };
            let highest = numbers.iter().copied().fold(at_least, f32::max);
            let mut replaced = numbers.clone();
            let (found, sum) = exponentials_in_place(&mut replaced, at_least);
            assert_eq!(found, highest);
            let exact: f64 = numbers.iter().map(|x| f64::from(x - highest).exp()).sum();
            assert!((f64::from(sum) - exact).abs() < 1e-5 * (1.0 + exact));
            for (found, number) in replaced.iter().zip(&numbers) {
                assert!((f64::from(*found) - f64::from(number - highest).exp()).abs() < 1e-6);
            }
        }
    }
}
