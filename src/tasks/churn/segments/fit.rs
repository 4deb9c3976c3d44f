//! Segments out of embeddings.

use std::cmp::Reverse;
use std::collections::HashSet;

use rand::seq::SliceRandom;

use super::error::SegmentError;
use super::k_means::{Clusters, best_clusters};
use super::segmentation::{KSilhouette, Segmentation};
use super::settings::SegmentationSettings;
use super::silhouette::{Labelling, mean_silhouettes};
use super::standard::{Standard, checked_rows};
use crate::random::{RandomKey, Stream};
use crate::writable::writable;

impl Segmentation {
    /// Clusters rows by k-means, into the number of segments whose silhouette is highest.
    ///
    /// Columns are brought to mean 0 and deviation 1 first, so that none counts more for its unit; one of a single value does not
    /// count. Segments are numbered by size, the largest first. The result depends on the seed, not on the number of threads.
    ///
    /// # Shapes
    /// - `embeddings`: `[n_rows, width]`
    ///
    /// # Edge cases
    /// Some number of segments is always chosen, even if rows are one cloud: see
    /// [`silhouettes`](Self::silhouettes).
    ///
    /// # Errors
    /// [`SegmentError::TooSmall`] for a setting, [`SegmentError::WidthDoesNotDivide`], [`SegmentError::NotFinite`],
    /// [`SegmentError::TooFewDistinctRows`], [`SegmentError::EmptySegments`].
    ///
    /// ```
    /// use salient::tasks::churn::segments::{Segmentation, SegmentationSettings};
    ///
    /// let embeddings = [0.0, 0.1, 0.2, 9.0, 9.1, 0.15, 9.05];
    /// let settings = SegmentationSettings { k: 2..=4, ..SegmentationSettings::default() };
    /// let segmentation = Segmentation::fit(&embeddings, 1, &settings)?;
    /// assert_eq!(segmentation.k(), 2);
    /// assert_eq!(segmentation.assign(&[8.0, 1.0])?, [1, 0]);
    /// # Ok::<(), salient::tasks::churn::segments::SegmentError>(())
    /// ```
    pub fn fit(
        embeddings: &[f32],
        width: usize,
        settings: &SegmentationSettings,
    ) -> Result<Self, SegmentError> {
        settings.check()?;
        let n_rows = checked_rows(embeddings, width)?;
        let standard = Standard::fit(embeddings, width);
        let key = RandomKey::new(settings.seed).stream(Stream::Segments);
        let mut chosen: Vec<usize> = (0..n_rows).collect();
        chosen.shuffle(&mut key.child(0).generator());
        chosen.truncate(settings.n_fit_rows);
        let row_of = |&row: &usize| standard.apply(&embeddings[row * width..(row + 1) * width]);
        let rows: Vec<f64> = chosen.iter().flat_map(row_of).collect();
        enough_distinct(&rows, width, *settings.k.end())?;
        let ks: Vec<usize> = settings.k.clone().collect();
        let found = best_clusters(&rows, width, &ks, settings.n_restarts, key.child(1));
        let found = all_found(found, &ks, settings.n_restarts)?;
        let silhouettes = silhouettes(&rows, width, &found, &ks, settings.silhouette_sample);
        let best = (silhouettes.iter().enumerate())
            .rev()
            .max_by(|(_, left), (_, right)| left.silhouette.total_cmp(&right.silhouette));
        let best = best.map_or(0, |(place, _)| place);
        let by_chance = &found[best].centroids;
        let segments = standard.nearest(embeddings, by_chance);
        Ok(Self {
            centroids: by_size(by_chance, width, &segments),
            standard,
            silhouettes,
            settings: settings.clone(),
        })
    }
}

fn enough_distinct(rows: &[f64], width: usize, k: usize) -> Result<(), SegmentError> {
    let mut distinct = HashSet::new();
    for row in rows.chunks_exact(width) {
        // Nought has two signs.
        let bits: Vec<u64> = row.iter().map(|value| (value + 0.0).to_bits()).collect();
        distinct.insert(bits);
        if distinct.len() >= k {
            return Ok(());
        }
    }
    Err(SegmentError::TooFewDistinctRows {
        n_distinct: distinct.len(),
        k,
    })
}

fn all_found(
    found: Vec<Option<Clusters>>,
    ks: &[usize],
    n_restarts: usize,
) -> Result<Vec<Clusters>, SegmentError> {
    let found = found.into_iter().zip(ks);
    found
        .map(|(clusters, &k)| clusters.ok_or(SegmentError::EmptySegments { k, n_restarts }))
        .collect()
}

fn silhouettes(
    rows: &[f64],
    width: usize,
    found: &[Clusters],
    ks: &[usize],
    n_rows: usize,
) -> Vec<KSilhouette> {
    // Rows are in random order.
    let n_rows = n_rows.min(rows.len() / width);
    let labellings = found.iter().zip(ks).map(|(clusters, &k)| Labelling {
        k,
        segments: clusters.segments[..n_rows].to_vec(),
    });
    let labellings: Vec<Labelling> = labellings.collect();
    let means = mean_silhouettes(&rows[..n_rows * width], width, &labellings);
    let means = ks.iter().zip(means);
    means
        .map(|(&k, mean)| KSilhouette {
            k,
            silhouette: writable(mean),
        })
        .collect()
}

/// The centroids in the order of how many rows they have, the most first.
fn by_size(centroids: &[f32], width: usize, segments: &[usize]) -> Vec<f32> {
    let mut n_each = vec![0_usize; centroids.len() / width];
    segments.iter().for_each(|&segment| n_each[segment] += 1);
    let mut order: Vec<usize> = (0..n_each.len()).collect();
    order.sort_by_key(|&segment| Reverse(n_each[segment]));
    let centroid = |&segment: &usize| &centroids[segment * width..(segment + 1) * width];
    order.iter().flat_map(centroid).copied().collect()
}
