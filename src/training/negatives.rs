//! Items that a person did not choose, drawn to set against the one that was.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::TrainingError;
use crate::random::{CounterGenerator, RandomKey};

/// Which items are drawn as negatives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NegativeSampling {
    /// Every item alike.
    #[default]
    Uniform,
    /// Items in proportion to a power of their number of events.
    Popularity {
        /// The power; at least 0. With 0 every item that has events is drawn alike, with 1 each by its events;
        /// Mikolov et al. 2013 take 0.75 for words.
        power: f64,
    },
    /// Other targets of the same batch, that is, in proportion to events without a table.
    InBatch,
}

/// Draws negatives. Items are numbers from 0 to `n_items`.
///
/// ```
/// use salient::random::RandomKey;
/// use salient::training::{NegativeSampler, NegativeSampling};
///
/// let sampler = NegativeSampler::new(NegativeSampling::Popularity { power: 0.75 }, &[5, 1, 9])?;
/// let negatives = sampler.sample(&[0, 2], 4, RandomKey::new(7));
/// assert_eq!(negatives.len(), 8);
/// assert!(negatives[..4].iter().all(|&item| item != 0));
/// # Ok::<(), salient::training::TrainingError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NegativeSampler {
    source: Source,
    n_items: usize,
}

#[derive(Clone, Debug)]
enum Source {
    Uniform,
    /// Sums of the items' weights up to and including each. Whole numbers, so that leaving an item out is exact.
    Table(Vec<u64>),
    InBatch,
}

/// Weight of the most popular item in the table; with 2^31 items the sum still fits 64 bits.
const LARGEST_WEIGHT: f64 = 4_294_967_296.0;

impl NegativeSampler {
    /// A sampler over `counts.len()` items that had `counts` events in the training data.
    ///
    /// # Errors
    /// [`TrainingError::TooFewItems`] with fewer than two items that can be drawn,
    /// [`TrainingError::OutOfRange`] for the power.
    pub fn new(sampling: NegativeSampling, counts: &[u32]) -> Result<Self, TrainingError> {
        let source = match sampling {
            NegativeSampling::Uniform => Source::Uniform,
            NegativeSampling::InBatch => Source::InBatch,
            NegativeSampling::Popularity { power } => Source::Table(cumulative(counts, power)?),
        };
        if counts.len() < 2 {
            return Err(TrainingError::TooFewItems {
                n_items: counts.len(),
            });
        }
        Ok(Self {
            source,
            n_items: counts.len(),
        })
    }

    /// Draws `n_negatives` items for each target, never the target itself.
    ///
    /// # Shapes
    /// - `targets`: `[n_targets]`, each below the number of items
    /// - returns `[n_targets, n_negatives]`, row by row
    ///
    /// # Edge cases
    /// Where all targets of an in-batch sampler are one item, it draws uniformly from the others.
    ///
    /// # Panics
    /// If a target is not below the number of items.
    pub fn sample(&self, targets: &[u32], n_negatives: usize, key: RandomKey) -> Vec<u32> {
        let mut generator = key.generator();
        let only_one = targets.windows(2).all(|pair| pair[0] == pair[1]);
        let mut negatives = Vec::with_capacity(targets.len() * n_negatives);
        for &target in targets {
            assert!(
                (target as usize) < self.n_items,
                "target {target} is not among {} items",
                self.n_items
            );
            for _ in 0..n_negatives {
                negatives.push(match &self.source {
                    Source::Table(sums) => from_table(sums, target, &mut generator),
                    Source::InBatch if !only_one => from_batch(targets, target, &mut generator),
                    Source::Uniform | Source::InBatch => self.uniform(target, &mut generator),
                });
            }
        }
        negatives
    }

    /// Draws items for several targets together, whichever they are: one of them may be drawn.
    ///
    /// # Shapes
    /// - `targets`: all targets of the batch, from which an in-batch sampler draws; not empty
    /// - returns `[n_negatives]`
    ///
    /// # Panics
    /// If there is no target.
    pub fn sample_shared(&self, targets: &[u32], n_negatives: usize, key: RandomKey) -> Vec<u32> {
        assert!(!targets.is_empty(), "negatives need at least one target");
        let mut generator = key.generator();
        let draws = (0..n_negatives).map(|_| match &self.source {
            Source::Uniform => generator.random_range(0..self.n_items as u32),
            Source::InBatch => targets[generator.random_range(0..targets.len())],
            Source::Table(sums) => {
                let point = generator.random_range(0..sums.last().copied().unwrap_or(1));
                sums.partition_point(|&sum| sum <= point) as u32
            }
        });
        draws.collect()
    }

    /// Chance that one draw gives `item` when no target is left out; the correction of sampled softmax takes its
    /// logarithm. None for negatives from the batch, whose chance depends on the batch.
    ///
    /// # Panics
    /// If `item` is not below the number of items.
    pub fn probability(&self, item: u32) -> Option<f64> {
        let index = item as usize;
        assert!(
            index < self.n_items,
            "item {item} is not among {} items",
            self.n_items
        );
        match &self.source {
            Source::InBatch => None,
            Source::Uniform => Some(1.0 / self.n_items as f64),
            Source::Table(sums) => {
                let weight = sums[index] - before(sums, index);
                Some(weight as f64 / sums[self.n_items - 1] as f64)
            }
        }
    }

    fn uniform(&self, target: u32, generator: &mut CounterGenerator) -> u32 {
        let draw = generator.random_range(0..self.n_items as u32 - 1);
        draw + u32::from(draw >= target)
    }
}

fn cumulative(counts: &[u32], power: f64) -> Result<Vec<u64>, TrainingError> {
    if !(power >= 0.0 && power.is_finite()) {
        return Err(TrainingError::OutOfRange {
            setting: "popularity.power",
            value: power,
            range: "[0, infinity)",
        });
    }
    let largest = counts.iter().copied().max().unwrap_or(0);
    let n_items = counts.iter().filter(|&&count| count > 0).count();
    if n_items < 2 {
        return Err(TrainingError::TooFewItems { n_items });
    }
    let mut sum = 0;
    let sums = counts.iter().map(|&count| {
        if count > 0 {
            let share = (f64::from(count) / f64::from(largest)).powf(power);
            sum += ((share * LARGEST_WEIGHT).round() as u64).max(1);
        }
        sum
    });
    Ok(sums.collect())
}

fn before(sums: &[u64], index: usize) -> u64 {
    index.checked_sub(1).map_or(0, |previous| sums[previous])
}

/// Draws a point on the line of all weights from which the target's stretch is cut out.
fn from_table(sums: &[u64], target: u32, generator: &mut CounterGenerator) -> u32 {
    let start = before(sums, target as usize);
    let cut = sums[target as usize] - start;
    let total = sums.last().copied().unwrap_or(0);
    let mut point = generator.random_range(0..total - cut);
    if point >= start {
        point += cut;
    }
    sums.partition_point(|&sum| sum <= point) as u32
}

/// Draws until another item comes; the batch holds one.
fn from_batch(targets: &[u32], target: u32, generator: &mut CounterGenerator) -> u32 {
    loop {
        let item = targets[generator.random_range(0..targets.len())];
        if item != target {
            return item;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: [u32; 5] = [1, 0, 4, 9, 16];

    /// Share of each item among many draws against `target`.
    fn shares(sampling: NegativeSampling, targets: &[u32]) -> Vec<f64> {
        let sampler = NegativeSampler::new(sampling, &COUNTS).unwrap();
        let draws = 1_000_000;
        let negatives = sampler.sample(targets, draws, RandomKey::new(5));
        let mut shares = vec![0.0; COUNTS.len()];
        for &item in &negatives[..draws] {
            shares[item as usize] += 1.0 / draws as f64;
        }
        shares
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        // Four standard errors of a share are at most 0.002.
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 0.002, "{found} {expected}");
        }
    }

    #[test]
    fn uniform_negatives_are_all_items_but_the_target() {
        assert_near(
            &shares(NegativeSampling::Uniform, &[2]),
            &[0.25, 0.25, 0.0, 0.25, 0.25],
        );
    }

    #[test]
    fn popular_items_are_drawn_by_a_power_of_their_events() {
        let square_root = NegativeSampling::Popularity { power: 0.5 };
        // Square roots 1, 0, 2, 3, 4, without the target's 3.
        assert_near(
            &shares(square_root, &[3]),
            &[1.0 / 7.0, 0.0, 2.0 / 7.0, 0.0, 4.0 / 7.0],
        );
        let none = NegativeSampling::Popularity { power: 0.0 };
        assert_near(
            &shares(none, &[0]),
            &[0.0, 0.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0],
        );
    }

    #[test]
    fn negatives_from_the_batch_are_its_other_targets() {
        assert_near(
            &shares(NegativeSampling::InBatch, &[4, 4, 0, 0, 0, 3]),
            &[0.75, 0.0, 0.0, 0.25, 0.0],
        );
    }

    #[test]
    fn a_batch_of_one_item_still_gives_others() {
        assert_near(
            &shares(NegativeSampling::InBatch, &[4, 4]),
            &[0.25, 0.25, 0.25, 0.25, 0.0],
        );
    }

    #[test]
    fn the_same_key_draws_the_same_negatives() {
        let sampler = NegativeSampler::new(NegativeSampling::Uniform, &COUNTS).unwrap();
        let draw = |seed| sampler.sample(&[0, 1, 2], 11, RandomKey::new(seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn probabilities_are_those_of_the_draws() {
        let sampler =
            NegativeSampler::new(NegativeSampling::Popularity { power: 0.5 }, &COUNTS).unwrap();
        for (item, expected) in [0.1, 0.0, 0.2, 0.3, 0.4].into_iter().enumerate() {
            let found = sampler.probability(item as u32).unwrap();
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn too_few_items_are_named() {
        let one = NegativeSampler::new(NegativeSampling::Uniform, &[3]).unwrap_err();
        assert!(matches!(one, TrainingError::TooFewItems { n_items: 1 }));
        assert_eq!(
            one.to_string(),
            "negatives need at least 2 items to draw from, there are 1"
        );
        let popularity = NegativeSampling::Popularity { power: 1.0 };
        let error = NegativeSampler::new(popularity, &[0, 3, 0]).unwrap_err();
        assert!(matches!(error, TrainingError::TooFewItems { n_items: 1 }));
        assert!(NegativeSampler::new(popularity, &[0, 3, 1]).is_ok());
    }

    #[test]
    fn a_negative_power_is_refused() {
        let sampling = NegativeSampling::Popularity { power: -0.5 };
        let error = NegativeSampler::new(sampling, &COUNTS).unwrap_err();
        assert_eq!(
            error.to_string(),
            "popularity.power is -0.5: it must lie in [0, infinity)"
        );
    }
}
