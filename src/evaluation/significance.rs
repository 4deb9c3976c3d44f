//! Whether two models differ by more than chance.

use std::fmt;

use rand::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Estimate, EvaluationError, IntervalSettings, estimate_mean};
use crate::random::{CounterGenerator, RandomKey, Stream};

/// How a test on pairs is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignificanceSettings {
    /// Number of times that signs are drawn, at least 1. No p-value is below `1 / (n_resamples + 1)`. Default 10,000, for
    /// which a p-value near 0.05 has a standard error of 0.002.
    pub n_resamples: usize,
    /// Seed of the draws. Default 0.
    pub seed: u64,
}

impl Default for SignificanceSettings {
    fn default() -> Self {
        Self {
            n_resamples: 10_000,
            seed: 0,
        }
    }
}

/// How a p-value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TestMethod {
    /// The sign of each case's difference is drawn anew, as if the two models had changed places in it.
    SignFlip,
}

/// What a test on pairs found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// The mean difference and its interval.
    pub difference: Estimate,
    /// How often signs by chance give a mean at least as far from 0, on either side.
    pub p_value: f64,
    /// Number of cases.
    pub n_cases: usize,
    /// Number of times that signs were drawn.
    pub n_resamples: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// How the p-value was found.
    pub method: TestMethod,
}

impl fmt::Display for TestMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignFlip => f.write_str("sign flips"),
        }
    }
}

impl fmt::Display for PairedTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The smallest p-value there can be must not print as 0.
        let digits = self.n_resamples.to_string().len().max(4);
        write!(
            f,
            "{}, p = {:.digits$} ({}, {} cases, {} resamples, seed {})",
            self.difference, self.p_value, self.method, self.n_cases, self.n_resamples, self.seed
        )
    }
}

/// Whether differences of pairs, one a case, have a mean other than 0: a two-sided randomisation test.
///
/// Were both models equally good, each difference could as well have had the other sign. Signs are drawn for all cases
/// `n_resamples` times, and `p = (1 + times that |mean| is at least the observed) / (1 + n_resamples)`. The draws are a
/// function of the seed and the differences, not of the number of threads.
///
/// # Edge cases
/// Means that are equal but for rounding count as at least the observed. Differences that are all 0, and a single case,
/// give 1.
///
/// # Errors
/// [`EvaluationError::NoCases`], [`EvaluationError::NoResamples`], [`EvaluationError::DifferenceNotFinite`], and for the
/// interval those of [`estimate_mean`].
///
/// # Source
/// Fisher's randomisation test as in Smucker, Allan and Carterette 2007, <https://doi.org/10.1145/1321440.1321528>; the ones
/// in `p` from Phipson and Smyth 2010, <https://arxiv.org/abs/1603.05766>.
///
/// ```
/// use salient::evaluation::{SignificanceSettings, paired_test};
///
/// let better_in_all = paired_test(&[0.1; 12], &SignificanceSettings::default(), None)?;
/// assert!(better_in_all.p_value < 0.01);
/// let no_different = paired_test(&[0.1, -0.1, 0.0], &SignificanceSettings::default(), None)?;
/// assert_eq!(no_different.p_value, 1.0);
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
pub fn paired_test(
    differences: &[f64],
    settings: &SignificanceSettings,
    interval: Option<&IntervalSettings>,
) -> Result<PairedTest, EvaluationError> {
    if settings.n_resamples == 0 {
        return Err(EvaluationError::NoResamples);
    }
    if let Some(case) = differences.iter().position(|value| !value.is_finite()) {
        return Err(EvaluationError::DifferenceNotFinite {
            case,
            value: differences[case],
        });
    }
    let difference = estimate_mean(differences, interval)?;
    let n_resamples = settings.n_resamples;
    let sizes = Sizes::new(differences);
    let key = RandomKey::new(settings.seed).stream(Stream::SignFlip);
    let n_as_far = (0..n_resamples as u64)
        .into_par_iter()
        .filter(|&resample| sizes.is_as_far(key.step(resample)))
        .count();
    Ok(PairedTest {
        difference,
        p_value: (1 + n_as_far) as f64 / (1 + n_resamples) as f64,
        n_cases: differences.len(),
        n_resamples,
        seed: settings.seed,
        method: TestMethod::SignFlip,
    })
}

/// Differences by their size, for which only the number of signs matters: metrics of single targets take few values.
struct Sizes {
    /// Each size above 0, and how many differences have it.
    groups: Vec<(f64, u64)>,
    /// What the sum of the differences must reach on either side.
    threshold: f64,
}

/// Share of the sum of all sizes by which two sums may differ through rounding alone.
const ROUNDING: f64 = 1e-12;

impl Sizes {
    fn new(differences: &[f64]) -> Self {
        let mut sorted: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
        sorted.sort_unstable_by(|left, right| left.abs().total_cmp(&right.abs()));
        let total: f64 = sorted.iter().map(|difference| difference.abs()).sum();
        let (mut groups, mut sum) = (Vec::new(), 0.0);
        for group in sorted.chunk_by(|left, right| left.abs() == right.abs()) {
            let (size, n) = (group[0].abs(), group.len() as u64);
            let n_positive = group.iter().filter(|difference| **difference > 0.0).count();
            sum += sum_of_signs(size, n, n_positive as u64);
            groups.push((size, n));
        }
        Self {
            groups,
            threshold: f64::abs(sum) - ROUNDING * total,
        }
    }

    /// Whether signs by chance give a sum at least as far from 0 as the observed.
    fn is_as_far(&self, key: RandomKey) -> bool {
        let mut coins = Coins::new(key);
        let signed = self
            .groups
            .iter()
            .map(|&(size, n)| sum_of_signs(size, n, coins.n_heads(n)));
        signed.sum::<f64>().abs() >= self.threshold
    }
}

/// The sum of `n` differences of one size, of which some are positive.
fn sum_of_signs(size: f64, n: u64, n_positive: u64) -> f64 {
    size * (2.0 * n_positive as f64 - n as f64)
}

/// Throws of a fair coin, 64 a random number.
struct Coins {
    generator: CounterGenerator,
    throws: u64,
    n_left: u64,
}

impl Coins {
    fn new(key: RandomKey) -> Self {
        Self {
            generator: key.generator(),
            throws: 0,
            n_left: 0,
        }
    }

    /// The number of heads in the next `n` throws.
    fn n_heads(&mut self, mut n: u64) -> u64 {
        let mut n_heads = 0;
        while n > 0 {
            if self.n_left == 0 {
                self.throws = self.generator.next_u64();
                self.n_left = 64;
            }
            let n_taken = n.min(self.n_left);
            let taken = self.throws & (u64::MAX >> (64 - n_taken));
            n_heads += u64::from(taken.count_ones());
            self.throws = self.throws.checked_shr(n_taken as u32).unwrap_or(0);
            self.n_left -= n_taken;
            n -= n_taken;
        }
        n_heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throws_are_counted_once_however_they_are_grouped() {
        let key = RandomKey::new(5).stream(Stream::SignFlip);
        let mut generator = key.generator();
        let words: Vec<u64> = (0..8).map(|_| generator.next_u64()).collect();
        let throw = |place: usize| words[place / 64] >> (place % 64) & 1;
        for groups in [
            vec![512],
            vec![1; 512],
            vec![64; 8],
            vec![63, 1, 65, 0, 200, 7, 176],
        ] {
            let mut coins = Coins::new(key);
            let mut place = 0;
            for n in groups {
                let expected: u64 = (place..place + n).map(throw).sum();
                assert_eq!(coins.n_heads(n as u64), expected);
                place += n;
            }
            assert_eq!(place, 512);
        }
    }
}
