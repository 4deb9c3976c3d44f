//! Which numbers decide what is dropped.

use rayon::prelude::*;

use crate::random::RandomKey;

/// How much is dropped, and by which random numbers.
///
/// Element `i` is kept if the `i`-th 32-bit number of the key is at least `probability * 2^32`, and then multiplied by
/// `1 / (1 - probability)`, so that its expectation does not change. The mask is a function of key and index alone: any
/// kernel can make it again instead of storing it.
///
/// # Source
/// Srivastava et al. 2014, <https://jmlr.org/papers/v15/srivastava14a.html>. Differences: scaled in training, not at
/// inference ("inverted" dropout).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Chance, in `[0, 1)`, that an element is dropped.
    pub probability: f64,
    /// Where its random numbers come from.
    pub key: RandomKey,
}

/// Elements that one task fills; a multiple of the four numbers of a block.
const TASK_LEN: usize = 1 << 14;

impl Dropout {
    /// Nothing is dropped at probability 0.
    pub(in crate::ops) fn is_none(&self) -> bool {
        self.probability == 0.0
    }

    /// Asserts that the probability lies in `[0, 1)`.
    #[track_caller]
    pub(in crate::ops) fn assert_valid(&self) {
        assert!(
            (0.0..1.0).contains(&self.probability),
            "dropout probability {} lies outside [0, 1)",
            self.probability
        );
    }

    /// The dropout of one part, whose numbers no other part shares.
    pub(in crate::ops) fn child(self, index: u64) -> Self {
        Self {
            key: self.key.child(index),
            ..self
        }
    }

    /// Numbers below this are dropped.
    pub(in crate::ops) fn threshold(&self) -> u32 {
        // The cast saturates, so that a probability just below 1 keeps next to nothing instead of everything.
        (self.probability * 2f64.powi(32)).round() as u32
    }

    /// What a kept element is multiplied by.
    pub(in crate::ops) fn scale(&self) -> f32 {
        (1.0 / (1.0 - self.probability)) as f32
    }

    /// Writes what the elements `range_start..range_start + factors.len()` are multiplied by.
    pub(in crate::ops) fn fill(&self, range_start: usize, factors: &mut [f32]) {
        let (threshold, scale, key) = (self.threshold(), self.scale(), self.key);
        let factor = |number: u32| if number >= threshold { scale } else { 0.0 };
        let to_block = (range_start.next_multiple_of(4) - range_start).min(factors.len());
        let (head, whole) = factors.split_at_mut(to_block);
        let numbers = key.bits_at((range_start / 4) as u64);
        for (out, number) in head.iter_mut().zip(&numbers[range_start % 4..]) {
            *out = factor(*number);
        }
        let first_block = range_start.div_ceil(4) as u64;
        let last_block = first_block + (whole.len() / 4) as u64;
        let mut blocks = whole.chunks_exact_mut(4);
        for (block, out) in (first_block..).zip(&mut blocks) {
            let [a, b, c, d] = key.bits_at(block);
            out.copy_from_slice(&[factor(a), factor(b), factor(c), factor(d)]);
        }
        let rest = blocks.into_remainder();
        let numbers = key.bits_at(last_block);
        for (out, number) in rest.iter_mut().zip(numbers) {
            *out = factor(number);
        }
    }

    /// What each of `n` elements is multiplied by, made on all cores.
    pub(in crate::ops) fn factors(&self, n: usize) -> Vec<f32> {
        let mut factors = vec![0.0; n];
        factors
            .par_chunks_mut(TASK_LEN)
            .enumerate()
            .for_each(|(task, chunk)| self.fill(task * TASK_LEN, chunk));
        factors
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    fn dropout(probability: f64) -> Dropout {
        Dropout {
            probability,
            key: RandomKey::new(7),
        }
    }

    #[test]
    fn an_element_depends_on_the_key_and_its_index_alone() {
        let n = 2 * TASK_LEN + 3;
        let all = dropout(0.3).factors(n);
        let mut generator = RandomKey::new(7).generator();
        let threshold = (0.3 * 2f64.powi(32)).round() as u32;
        for (index, factor) in all.iter().enumerate() {
            let kept = generator.next_u32() >= threshold;
            assert_eq!(*factor != 0.0, kept, "element {index}");
        }
        for (start, len) in [
            (0, 1),
            (1, 1),
            (1, 2),
            (2, 9),
            (3, 13),
            (5, 0),
            (TASK_LEN - 1, 7),
        ] {
            let mut part = vec![f32::NAN; len];
            dropout(0.3).fill(start, &mut part);
            assert_eq!(part, all[start..start + len], "{start}, {len}");
        }
    }

    #[test]
    fn the_share_of_dropped_elements_is_the_probability() {
        let n = 100_000;
        for probability in [0.0, 0.1, 0.5, 0.9] {
            let factors = dropout(probability).factors(n);
            let dropped = factors.iter().filter(|&&factor| factor == 0.0).count() as f64;
            let deviation = (n as f64 * probability * (1.0 - probability)).sqrt();
            assert!((dropped - n as f64 * probability).abs() <= 4.0 * deviation);
            let kept = factors.iter().find(|&&factor| factor != 0.0).unwrap();
            assert!((f64::from(*kept) - 1.0 / (1.0 - probability)).abs() < 1e-6);
        }
    }

    #[test]
    fn a_probability_just_below_one_drops_nearly_everything() {
        let factors = dropout(1.0 - f64::EPSILON).factors(1000);
        assert!(factors.iter().all(|&factor| factor == 0.0));
    }
}
