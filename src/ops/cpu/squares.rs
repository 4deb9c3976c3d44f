//! Sums of squares.

use rayon::prelude::*;

use super::wide;

/// Numbers of a task, the same for any number of threads.
const TASK: usize = 1 << 16;

/// Sum of the squares of all numbers.
pub(in crate::ops) fn sum_of_squares(numbers: &[f32]) -> f64 {
    let sum = |numbers: &[f32]| {
        wide(
            #[inline(always)]
            || sum_in_lanes(numbers),
        )
    };
    if numbers.len() <= TASK {
        return sum(numbers);
    }
    // Added up in the order of the tasks, not in that in which threads finish.
    let sums: Vec<f64> = numbers.par_chunks(TASK).map(sum).collect();
    sums.iter().sum()
}

#[inline(always)]
fn sum_in_lanes(numbers: &[f32]) -> f64 {
    const LANES: usize = 32;
    let mut total = 0.0;
    // Short runs in single precision keep the error of the sum near that of its parts.
    for run in numbers.chunks(LANES * 64) {
        let mut sums = [0.0f32; LANES];
        let (groups, rest) = run.as_chunks::<LANES>();
        for group in groups {
            for (sum, number) in sums.iter_mut().zip(group) {
                *sum += number * number;
            }
        }
        for (sum, number) in sums.iter_mut().zip(rest) {
            *sum += number * number;
        }
        total += sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::values;

    #[test]
    fn sums_are_those_of_a_loop() {
        for n in [0, 1, 31, 32, 65, 2049, TASK, 3 * TASK + 7] {
            let numbers: Vec<f32> = values(3, n).iter().map(|&x| x as f32).collect();
            let expected: f64 = numbers.iter().map(|&x| f64::from(x).powi(2)).sum();
            let found = sum_of_squares(&numbers);
            assert!(
                (found - expected).abs() <= 1e-6 * expected,
                "{n}: {found} {expected}"
            );
        }
    }

    #[test]
    fn a_number_that_is_none_or_too_large_shows() {
        for strange in [f32::NAN, f32::INFINITY, 1e30] {
            let mut numbers = vec![1.0; 100];
            numbers[77] = strange;
            assert!(!sum_of_squares(&numbers).is_finite(), "{strange}");
        }
    }
}
