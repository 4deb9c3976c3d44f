//! Exponentials and maxima that compilers turn into vector instructions.

/// Independent sums or maxima that a loop keeps, one a vector lane.
const LANES: usize = 16;

/// The exponential of a number that is at most about 0, to about 2e-7 relative.
///
/// Below -87, where a 32-bit float nears its smallest normal number, it stays at the value of -87, about 1.6e-38.
/// Argument reduction and polynomial are those of `expf` in the Cephes library (Moshier 1992).
#[inline(always)]
pub(in crate::ops) fn small_exponential(x: f32) -> f32 {
    /// Added and taken away, it rounds to the nearest whole number, which the last bits of the sum hold in between.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > -87.0 { x } else { -87.0 };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let f = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = 1.987_569_1e-4_f32;
    let p = p * f + 1.398_199_9e-3;
    let p = p * f + 8.333_452e-3;
    let p = p * f + 4.166_579_6e-2;
    let p = p * f + 0.166_666_65;
    let p = p * f + 0.5;
    let mantissa = p * f * f + f + 1.0;
    // A cast of `n` to a whole number saturates in Rust, and would keep the loop from becoming vector instructions.
    mantissa * f32::from_bits(rounded.to_bits().wrapping_add(127) << 23)
}

/// The greatest of the numbers; minus infinity if there are none.
#[inline(always)]
pub(in crate::ops) fn maximum(numbers: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut chunks = numbers.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &number) in lanes.iter_mut().zip(chunk) {
            *lane = if number > *lane { number } else { *lane };
        }
    }
    let rest = chunks.remainder().iter().copied();
    rest.chain(lanes).fold(f32::NEG_INFINITY, f32::max)
}

/// Replaces each number by the exponential of its distance below `highest`, and returns their sum.
#[inline(always)]
pub(in crate::ops) fn exponentials_in_place(numbers: &mut [f32], highest: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let mut chunks = numbers.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (lane, number) in lanes.iter_mut().zip(chunk) {
            *number = small_exponential(*number - highest);
            *lane += *number;
        }
    }
    let mut sum = lanes.iter().sum();
    for number in chunks.into_remainder() {
        *number = small_exponential(*number - highest);
        sum += *number;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::cpu::wide;

    #[test]
    fn small_exponentials_are_precise() {
        for step in 0..87_000 {
            let x = -(step as f32) / 1000.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(small_exponential(x)) - exact).abs() / exact;
            assert!(error < 3e-7, "exp({x}) is off by {error}");
        }
        assert_eq!(small_exponential(0.0), 1.0);
        assert!(small_exponential(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn vectors_of_any_length_are_whole() {
        for n in [0, 1, 2, 15, 16, 17, 64, 65] {
            let numbers: Vec<f32> = (0..n).map(|i| ((i * 37) % 11) as f32 - 5.0).collect();
            let highest = numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(wide(|| maximum(&numbers)), highest);
            let mut replaced = numbers.clone();
            let sum = wide(|| exponentials_in_place(&mut replaced, highest));
            let exact: f64 = numbers.iter().map(|x| f64::from(x - highest).exp()).sum();
            assert!((f64::from(sum) - exact).abs() < 1e-5 * (1.0 + exact));
            for (found, number) in replaced.iter().zip(&numbers) {
                assert!((f64::from(*found) - f64::from(number - highest).exp()).abs() < 1e-6);
            }
        }
    }
}
