//! K-means by a library, from several starts.

use rayon::prelude::*;
use smartcore::cluster::kmeans::{KMeans, KMeansParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

use super::standard::nearest;
use crate::random::RandomKey;

/// Steps after which a start ends that still moves, as in scikit-learn's `KMeans`.
const MAX_STEPS: usize = 300;

/// Where a start of k-means ended.
pub(super) struct Clusters {
    /// `[k, width]`
    pub(super) centroids: Vec<f32>,
    /// The segment of each row, by the nearest centroid.
    pub(super) segments: Vec<usize>,
    sum_of_squares: f64,
}

/// The best of `n_restarts` starts of k-means++ for each of `ks`; none where each ends with an empty segment.
///
/// Starts run side by side, each on one thread by numbers of its own, so that the result does not depend on how many do.
///
/// # Source
/// Arthur and Vassilvitskii 2007, "k-means++: the advantages of careful seeding",
/// <https://dl.acm.org/doi/10.5555/1283383.1283494>. Differences: none.
pub(super) fn best_clusters(
    rows: &[f64],
    width: usize,
    ks: &[usize],
    n_restarts: usize,
    key: RandomKey,
) -> Vec<Option<Clusters>> {
    let matrix = DenseMatrix::new(rows.len() / width, width, rows.to_vec(), false);
    let Ok(matrix) = matrix else {
        return ks.iter().map(|_| None).collect();
    };
    let jobs: Vec<(usize, u64)> = ks
        .iter()
        .flat_map(|&k| (0..n_restarts as u64).map(move |restart| (k, restart)))
        .collect();
    let mut found: Vec<Option<Clusters>> = jobs
        .into_par_iter()
        .map(|(k, restart)| {
            let [low, high, ..] = key.child(k as u64).child(restart).bits_at(0);
            let seed = u64::from(high) << 32 | u64::from(low);
            cluster(&matrix, rows, width, k, seed)
        })
        .collect();
    found
        .chunks_mut(n_restarts)
        .map(|starts| {
            let starts = starts.iter_mut().filter_map(Option::take);
            starts.min_by(|left, right| left.sum_of_squares.total_cmp(&right.sum_of_squares))
        })
        .collect()
}

/// One start.
fn cluster(
    matrix: &DenseMatrix<f64>,
    rows: &[f64],
    width: usize,
    k: usize,
    seed: u64,
) -> Option<Clusters> {
    let parameters = KMeansParameters {
        k,
        max_iter: MAX_STEPS,
        seed: Some(seed),
    };
    let model: KMeans<f64, u32, _, Vec<u32>> = KMeans::fit(matrix, parameters).ok()?;
    // The library keeps its centroids to itself, but says who is nearest to which.
    let centroids = centroids(rows, width, k, &model.predict(matrix).ok()?)?;
    let mut sum_of_squares = 0.0;
    let mut n_each = vec![0; k];
    let mut segments = Vec::with_capacity(rows.len() / width);
    for row in rows.chunks_exact(width) {
        let found = nearest(row, &centroids);
        sum_of_squares += found.squared_distance;
        n_each[found.segment] += 1;
        segments.push(found.segment);
    }
    n_each.iter().all(|&n_rows| n_rows > 0).then_some(Clusters {
        centroids,
        segments,
        sum_of_squares,
    })
}

/// The mean of each cluster, rounded as it is saved; none if a cluster is empty.
fn centroids(rows: &[f64], width: usize, k: usize, clusters: &[u32]) -> Option<Vec<f32>> {
    let mut sums = vec![0.0; k * width];
    let mut n_each = vec![0_u32; k];
    for (row, &cluster) in rows.chunks_exact(width).zip(clusters) {
        let cluster = cluster as usize;
        n_each[cluster] += 1;
        let sums = &mut sums[cluster * width..(cluster + 1) * width];
        sums.iter_mut()
            .zip(row)
            .for_each(|(sum, value)| *sum += value);
    }
    let n_each_number = n_each.iter().flat_map(|&n| std::iter::repeat_n(n, width));
    let means = sums.iter().zip(n_each_number);
    let means = means.map(|(sum, n)| (sum / f64::from(n)) as f32).collect();
    n_each.iter().all(|&n| n > 0).then_some(means)
}
