//! Which numbers decide what is dropped.

use rayon::prelude::*;

#[cfg(feature = "flex")]
use crate::ops::cpu::wide;
use crate::random::{Mode, RandomKey};

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

/// Blocks of numbers that are made side by side, so that the loop over them becomes vector instructions.
const VECTOR_BLOCKS: usize = 16;

/// As few elements as this are filled block by block, which then is faster.
const SHORT_LEN: usize = 16;

/// Runs a loop as it is; only CPU kernels choose among instructions.
#[cfg(not(feature = "flex"))]
fn wide<R>(work: impl FnOnce() -> R) -> R {
    work()
}

impl Dropout {
    /// What `mode` has a part drop with this probability; `None` if nothing.
    pub(crate) fn in_mode(probability: f64, mode: Mode) -> Option<Self> {
        let key = mode.key()?;
        (probability > 0.0).then_some(Self { probability, key })
    }

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
        if factors.len() <= SHORT_LEN {
            self.fill_some::<1>(range_start, factors);
        } else {
            wide(
                #[inline(always)]
                || self.fill_some::<VECTOR_BLOCKS>(range_start, factors),
            );
        }
    }

    /// As [`fill`](Self::fill), with the numbers of `N` blocks made side by side.
    #[inline(always)]
    fn fill_some<const N: usize>(&self, range_start: usize, factors: &mut [f32]) {
        let (threshold, scale, key) = (self.threshold(), self.scale(), self.key);
        let mut block = (range_start / 4) as u64;
        let mut n_before = range_start % 4;
        let mut rest = factors;
        while !rest.is_empty() {
            let mut numbers = [[0; 4]; N];
            for (index, numbers) in numbers.iter_mut().enumerate() {
                *numbers = key.bits_at(block + index as u64);
            }
            let n_wanted = rest.len().min(4 * N - n_before);
            let (wanted, later) = rest.split_at_mut(n_wanted);
            for (factor, &number) in wanted.iter_mut().zip(&numbers.as_flattened()[n_before..]) {
                *factor = if number >= threshold { scale } else { 0.0 };
            }
            rest = later;
            block += N as u64;
            n_before = 0;
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
            (6, 15),
            (7, 17),
            (2, 62),
            (1, 63),
            (3, 129),
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
