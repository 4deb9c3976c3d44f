//! Every random number in the crate is a pure function of (seed, stream, step, index).
//!
//! A [`RandomKey`] names a place in that space, a [`CounterGenerator`] walks through its numbers. Nothing is drawn from a
//! generator shared by the process, so a run can be repeated, resumed in the middle and split over threads without a change
//! in its numbers.
//!
//! # Source
//! Philox4x32-10: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", <https://doi.org/10.1145/2063384.2063405>.

use std::convert::Infallible;

use rand::TryRng;

/// What a sequence of random numbers is used for; different purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stream {
    /// Initial weights of a model.
    Weights,
    /// Dropout and stochastic depth.
    Dropout,
    /// Order of the training examples.
    Shuffle,
    /// Sampled negatives.
    Negatives,
    /// Bootstrap intervals.
    Bootstrap,
    /// Assignment of users to splits.
    Split,
    /// Simulated data.
    Simulator,
    /// Items that are hidden from training.
    HiddenItems,
    /// Settings that a search tries.
    Search,
    /// Signs of randomisation tests.
    SignFlip,
    /// Samples of numbers whose quantiles are sought.
    Quantiles,
    /// Starts of k-means, and the rows that segments are found and judged on.
    Segments,
}

/// A place in the space of random numbers. Cheap to copy; deriving a child never changes the parent.
///
/// ```
/// use rand::RngExt;
/// use salient::random::{RandomKey, Stream};
///
/// let key = RandomKey::new(7).stream(Stream::Shuffle).step(3);
/// let first: f64 = key.generator().random();
/// let again: f64 = key.generator().random();
/// assert_eq!(first, again);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomKey {
    seed: u64,
    path: u64,
}

impl RandomKey {
    /// The root of all numbers that belong to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { seed, path: 0 }
    }

    /// The numbers of this key that serve one purpose.
    pub const fn stream(self, stream: Stream) -> Self {
        self.child(0x5354_5245_414D_0000 | stream as u64)
    }

    /// The numbers of this key that belong to one training step, epoch or example.
    pub const fn step(self, step: u64) -> Self {
        self.child(step)
    }

    /// The numbers of this key that belong to its `index`-th part, such as a layer.
    pub const fn child(self, index: u64) -> Self {
        let path = mix(self
            .path
            .wrapping_add(mix(index.wrapping_add(0x9E37_79B9_7F4A_7C15))));
        Self {
            seed: self.seed,
            path,
        }
    }

    /// Walks through the numbers of this key from the first.
    pub const fn generator(self) -> CounterGenerator {
        CounterGenerator {
            key: self,
            block: 0,
            buffer: [0; 4],
            used: 4,
        }
    }

    /// The four 32-bit numbers at `block`, that is, the numbers `4 * block .. 4 * block + 4` of the key.
    // Inlined so that a loop over blocks becomes vector instructions.
    #[inline(always)]
    pub const fn bits_at(self, block: u64) -> [u32; 4] {
        let counter = [
            block as u32,
            (block >> 32) as u32,
            self.path as u32,
            (self.path >> 32) as u32,
        ];
        philox(counter, [self.seed as u32, (self.seed >> 32) as u32])
    }
}

/// Whether a forward pass may drop anything, and if so, by which random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is dropped.
    Inference,
    /// Dropout and stochastic depth act, by the numbers of the key.
    Training(RandomKey),
}

impl Mode {
    /// The mode of the `index`-th part of a module, so that no two parts share numbers.
    pub const fn child(self, index: u64) -> Self {
        match self {
            Self::Inference => Self::Inference,
            Self::Training(key) => Self::Training(key.child(index)),
        }
    }

    /// The key, in training.
    pub const fn key(self) -> Option<RandomKey> {
        match self {
            Self::Inference => None,
            Self::Training(key) => Some(key),
        }
    }
}

/// The 64-bit finaliser of SplitMix64 (Steele et al. 2014).
pub(crate) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Ten rounds of Philox4x32.
#[inline(always)]
const fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut a, mut b, mut c, mut d] = counter;
    let [mut k0, mut k1] = key;
    let mut round = 0;
    while round < 10 {
        let left = (a as u64) * 0xD251_1F53;
        let right = (c as u64) * 0xCD9E_8D57;
        [a, b, c, d] = [
            ((right >> 32) as u32) ^ b ^ k0,
            right as u32,
            ((left >> 32) as u32) ^ d ^ k1,
            left as u32,
        ];
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
        round += 1;
    }
    [a, b, c, d]
}

/// A stream of random numbers for use with [`rand`]'s methods and distributions.
#[derive(Clone, Debug)]
pub struct CounterGenerator {
    key: RandomKey,
    block: u64,
    buffer: [u32; 4],
    used: usize,
}

impl TryRng for CounterGenerator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        if self.used == self.buffer.len() {
            self.buffer = self.key.bits_at(self.block);
            self.block += 1;
            self.used = 0;
        }
        self.used += 1;
        Ok(self.buffer[self.used - 1])
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = self.try_next_u32()?;
        Ok(u64::from(low) | u64::from(self.try_next_u32()?) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            let word = self.try_next_u32()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    #[test]
    fn philox_gives_the_published_answers() {
        // Known-answer vectors of Random123 1.14.0, file kat_vectors, philox4x32 10.
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn different_keys_share_no_numbers() {
        let root = RandomKey::new(1);
        let keys = [
            root,
            RandomKey::new(2),
            root.stream(Stream::Weights),
            root.stream(Stream::Dropout),
            root.step(0),
            root.step(1),
            root.step(1).step(0),
            root.step(0).step(1),
        ];
        let mut seen: Vec<u64> = keys
            .iter()
            .flat_map(|key| {
                (0..100).map(|i| {
                    let [a, b, ..] = key.bits_at(i);
                    u64::from(a) << 32 | u64::from(b)
                })
            })
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 800);
    }

    #[test]
    fn uniform_numbers_have_the_moments_of_a_uniform() {
        let mut generator = RandomKey::new(3).generator();
        let n = 100_000;
        let draws: Vec<f64> = (0..n).map(|_| generator.random()).collect();
        let mean = draws.iter().sum::<f64>() / n as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        // Four standard errors.
        assert!(
            (mean - 0.5).abs() < 4.0 * (1.0f64 / 12.0 / n as f64).sqrt(),
            "{mean}"
        );
        assert!(
            (variance - 1.0 / 12.0).abs() < 4.0 * (1.0f64 / 180.0 / n as f64).sqrt(),
            "{variance}"
        );
    }
}
