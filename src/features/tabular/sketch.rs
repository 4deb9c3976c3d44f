//! What is learnt of the numbers of a field in one pass.

use crate::random::{RandomKey, Stream};

/// Numbers of a field that are kept for its quantiles: all up to so many, else a uniform sample, whose share below a quantile
/// is off by 0.0014 of a standard deviation at most, `0.5 / sqrt(131,072)`.
pub(super) const MAX_SAMPLE: usize = 1 << 17;

/// Mean, deviation, range and, if asked for, a sample of numbers.
///
/// # Source
/// Welford 1962, <https://doi.org/10.1080/00401706.1962.10490022>, and algorithm R of Vitter 1985,
/// <https://doi.org/10.1145/3147.3165>. The place that a number takes in the sample is a function of the field and of how many
/// came before, so that the same rows give the same sample.
pub(super) struct Sketch {
    pub(super) count: u64,
    mean: f64,
    squares: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// None where no sample is needed.
    sample: Option<Vec<f64>>,
    key: RandomKey,
    max_sample: usize,
}

impl Sketch {
    /// Nothing seen of the `field`-th field.
    pub(super) fn new(field: usize, needs_sample: bool) -> Self {
        Self {
            count: 0,
            mean: 0.0,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sample: needs_sample.then(Vec::new),
            key: RandomKey::new(0)
                .stream(Stream::Quantiles)
                .child(field as u64),
            max_sample: MAX_SAMPLE,
        }
    }

    pub(super) fn push(&mut self, number: f64) {
        self.count += 1;
        let before = number - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (number - self.mean);
        self.min = self.min.min(number);
        self.max = self.max.max(number);
        let Some(sample) = &mut self.sample else {
            return;
        };
        if sample.len() < self.max_sample {
            sample.push(number);
            return;
        }
        let [low, high, ..] = self.key.bits_at(self.count);
        let bits = u64::from(low) | u64::from(high) << 32;
        let place = (u128::from(bits) * u128::from(self.count)) >> 64;
        if let Some(kept) = sample.get_mut(place as usize) {
            *kept = number;
        }
    }

    /// Mean and standard deviation, 1 where all numbers are equal; none when there are no numbers.
    pub(super) fn scale(&self) -> Option<(f64, f64)> {
        if self.count == 0 {
            return None;
        }
        // Rounding would make a tiny deviation of equal numbers.
        if self.min == self.max {
            return Some((self.min, 1.0));
        }
        let deviation = (self.squares / self.count as f64).sqrt();
        // Denormal differences have squares of zero.
        Some((self.mean, if deviation > 0.0 { deviation } else { 1.0 }))
    }

    /// The quantiles at `n` levels from 0 to 1, evenly spaced, of the sample; none when there are no numbers.
    ///
    /// Linear between neighbours: type 7 of Hyndman and Fan 1996.
    pub(super) fn quantiles(&mut self, n: usize) -> Option<Vec<f64>> {
        let sample = self.sample.as_mut().filter(|sample| !sample.is_empty())?;
        sample.sort_unstable_by(f64::total_cmp);
        let last = sample.len() - 1;
        let quantiles = (0..n).map(|index| {
            let place = last as f64 * index as f64 / (n - 1).max(1) as f64;
            let low = (place as usize).min(last);
            let high = (low + 1).min(last);
            let share = place - low as f64;
            // As a weighted mean, which neither overflows nor leaves the range.
            sample[low] * (1.0 - share) + sample[high] * share
        });
        Some(quantiles.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_two_passes() {
        let numbers: Vec<f64> = (0..997).map(|i| 1e6 + f64::from(i * i % 101)).collect();
        let mut sketch = Sketch::new(0, false);
        numbers.iter().for_each(|&number| sketch.push(number));
        let mean = numbers.iter().sum::<f64>() / 997.0;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 997.0;
        let (found, deviation) = sketch.scale().unwrap();
        assert!((found - mean).abs() < 1e-6, "{found} {mean}");
        assert!((deviation - variance.sqrt()).abs() < 1e-9, "{deviation}");
        assert_eq!((sketch.min, sketch.max), (1e6, 1e6 + 100.0));
    }

    #[test]
    fn equal_numbers_have_deviation_one_and_none_have_no_scale() {
        let mut sketch = Sketch::new(0, true);
        assert_eq!((sketch.scale(), sketch.quantiles(3)), (None, None));
        [0.1; 7].iter().for_each(|&number| sketch.push(number));
        assert_eq!(sketch.scale(), Some((0.1, 1.0)));
    }

    #[test]
    fn a_sample_of_more_numbers_than_fit_has_their_quantiles() {
        let mut sketch = Sketch::new(3, true);
        sketch.max_sample = 10_000;
        // Each number from 0 to 99,999 once, in an order that is far from random.
        for number in 0..100_000_u32 {
            sketch.push(f64::from(number));
        }
        for (index, quantile) in sketch.quantiles(5).unwrap().into_iter().enumerate() {
            // Five standard errors of a share.
            let off = (quantile / 1e5 - index as f64 / 4.0).abs();
            assert!(off < 5.0 * 0.5 / 100.0, "{index}: {quantile}");
        }
        assert_eq!(sketch.sample.unwrap().len(), 10_000);
    }
}
