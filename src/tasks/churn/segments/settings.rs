//! Settings of a segmentation.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::error::SegmentError;

/// Settings of [`Segmentation::fit`](super::Segmentation::fit).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegmentationSettings {
    /// Numbers of segments to choose from, at least 2; `3..=3` leaves no choice. Default `2..=8`: more can hardly be told apart
    /// by people.
    pub k: RangeInclusive<usize>,
    /// Starts of k-means for each number of segments, at least 1; the one with the least sum of squares is taken. Default 10,
    /// as `n_init` of scikit-learn's `KMeans`.
    pub n_restarts: usize,
    /// Rows, drawn at random, that k-means is run on, at least 2. Default 10,000, where memory is about 0.5 MB a column and
    /// thread; all are taken where there are fewer.
    pub n_fit_rows: usize,
    /// Rows among them that the silhouette is the mean of, at least 2. Default 2000; time grows with the square.
    pub silhouette_sample: usize,
    /// Seed of the draws. Default 0.
    pub seed: u64,
}

impl Default for SegmentationSettings {
    fn default() -> Self {
        Self {
            k: 2..=8,
            n_restarts: 10,
            n_fit_rows: 10_000,
            silhouette_sample: 2000,
            seed: 0,
        }
    }
}

impl SegmentationSettings {
    pub(super) fn check(&self) -> Result<(), SegmentError> {
        let (low, high) = (*self.k.start(), *self.k.end());
        for (setting, value, least) in [
            ("k", low, 2),
            ("the end of k", high, low),
            ("n_restarts", self.n_restarts, 1),
            ("n_fit_rows", self.n_fit_rows, 2),
            ("silhouette_sample", self.silhouette_sample, 2),
        ] {
            if value < least {
                return Err(SegmentError::TooSmall {
                    setting,
                    value,
                    least,
                });
            }
        }
        Ok(())
    }
}
