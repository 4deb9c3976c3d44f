//! Segments are found where they are, told by what sets them apart, and refused by name where there are none.

mod descriptions;
mod pictures;
mod refusals;

use std::collections::BTreeSet;

use rand::RngExt;
use rayon::ThreadPoolBuilder;
use salient::random::{CounterGenerator, RandomKey};
use salient::tasks::churn::segments::{Segmentation, SegmentationSettings};

/// A number of the standard normal distribution.
fn normal(generator: &mut CounterGenerator) -> f64 {
    let [radius, angle]: [f64; 2] = [generator.random(), generator.random()];
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// Embeddings around `k` centres, the cluster of each row, and how wide a row is.
struct Planted {
    embeddings: Vec<f32>,
    clusters: Vec<usize>,
    width: usize,
}

/// Each cluster is smaller than the one before. The last column is the same in all rows.
fn planted(k: usize, n_rows: usize, seed: u64) -> Planted {
    let (width, mut generator) = (7, RandomKey::new(seed).generator());
    let centres: Vec<f64> = (0..k * (width - 1))
        .map(|_| 12.0 * normal(&mut generator))
        .collect();
    let mut embeddings = Vec::new();
    let mut clusters = Vec::new();
    for _ in 0..n_rows {
        let cluster = (generator.random::<f64>().powf(1.5) * k as f64) as usize;
        let centre = &centres[cluster * (width - 1)..(cluster + 1) * (width - 1)];
        let row = centre.iter().map(|at| (at + normal(&mut generator)) as f32);
        embeddings.extend(row);
        embeddings.push(2.5);
        clusters.push(cluster);
    }
    Planted {
        embeddings,
        clusters,
        width,
    }
}

fn fixed(k: usize) -> SegmentationSettings {
    SegmentationSettings {
        k: k..=k,
        ..SegmentationSettings::default()
    }
}

/// Whether two clusterings are the same but for the numbers.
fn are_alike(left: &[usize], right: &[usize]) -> bool {
    let pairs: BTreeSet<_> = left.iter().zip(right).collect();
    let n_distinct = |side: &[usize]| side.iter().collect::<BTreeSet<_>>().len();
    pairs.len() == n_distinct(left) && pairs.len() == n_distinct(right)
}

/// Columns of mean 0 and deviation 1, but for those of one value.
fn standardised(embeddings: &[f32], width: usize) -> Vec<Vec<f64>> {
    let n_rows = (embeddings.len() / width) as f64;
    let mut rows: Vec<Vec<f64>> = embeddings
        .chunks_exact(width)
        .map(|row| row.iter().map(|&value| f64::from(value)).collect())
        .collect();
    for column in 0..width {
        let mean = rows.iter().map(|row| row[column]).sum::<f64>() / n_rows;
        let squares = rows.iter().map(|row| (row[column] - mean).powi(2));
        let deviation = (squares.sum::<f64>() / n_rows).sqrt();
        for row in &mut rows {
            row[column] = if deviation > 0.0 {
                (row[column] - mean) / deviation
            } else {
                0.0
            };
        }
    }
    rows
}

/// The mean silhouette, pair by pair.
fn brute_force_silhouette(rows: &[Vec<f64>], segments: &[usize]) -> f64 {
    let distance = |i: usize, j: usize| -> f64 {
        let squares = rows[i].iter().zip(&rows[j]).map(|(a, b)| (a - b) * (a - b));
        squares.sum::<f64>().sqrt()
    };
    let mean_to = |i: usize, segment: usize| -> Option<f64> {
        let others: Vec<usize> = (0..rows.len())
            .filter(|&j| j != i && segments[j] == segment)
            .collect();
        let sum: f64 = others.iter().map(|&j| distance(i, j)).sum();
        (!others.is_empty()).then(|| sum / others.len() as f64)
    };
    let k = segments.iter().max().unwrap() + 1;
    let silhouette = |i: usize| -> f64 {
        let Some(a) = mean_to(i, segments[i]) else {
            return 0.0;
        };
        let others = (0..k).filter(|&segment| segment != segments[i]);
        let b = others
            .filter_map(|segment| mean_to(i, segment))
            .fold(f64::INFINITY, f64::min);
        (b - a) / a.max(b)
    };
    (0..rows.len()).map(silhouette).sum::<f64>() / rows.len() as f64
}

#[test]
fn planted_clusters_are_found_and_so_is_their_number() {
    for (k, seed) in [(2, 1), (3, 2), (5, 3)] {
        let planted = planted(k, 700, seed);
        let settings = SegmentationSettings::default();
        let found = Segmentation::fit(&planted.embeddings, planted.width, &settings).unwrap();
        assert_eq!((found.k(), found.width()), (k, 7));
        let segments = found.assign(&planted.embeddings).unwrap();
        assert!(are_alike(&segments, &planted.clusters), "{k}");
        let ks: Vec<usize> = found.silhouettes().iter().map(|found| found.k).collect();
        assert_eq!(ks, [2, 3, 4, 5, 6, 7, 8]);
        let best = found.silhouettes()[k - 2].silhouette;
        let others = found.silhouettes().iter().filter(|found| found.k != k);
        assert!(
            best < 1.0 && others.clone().all(|other| other.silhouette < best),
            "{k}"
        );
    }
}

#[test]
fn segments_are_numbered_by_size() {
    let planted = planted(5, 900, 3);
    let found = Segmentation::fit(&planted.embeddings, planted.width, &fixed(5)).unwrap();
    let mut sizes = [0; 5];
    for segment in found.assign(&planted.embeddings).unwrap() {
        sizes[segment] += 1;
    }
    assert!(sizes.is_sorted_by(|left, right| left > right), "{sizes:?}");
}

#[test]
fn silhouettes_are_what_all_pairs_of_rows_say() {
    // Neither number of segments is the right one, so that silhouettes are of all sizes.
    let planted = planted(3, 160, 5);
    let rows = standardised(&planted.embeddings, planted.width);
    let settings = SegmentationSettings {
        k: 2..=6,
        ..SegmentationSettings::default()
    };
    let of_all = Segmentation::fit(&planted.embeddings, planted.width, &settings).unwrap();
    for (k, of_all) in (2..=6).zip(of_all.silhouettes()) {
        let found = Segmentation::fit(&planted.embeddings, planted.width, &fixed(k)).unwrap();
        let segments = found.assign(&planted.embeddings).unwrap();
        let expected = brute_force_silhouette(&rows, &segments);
        let silhouette = found.silhouettes()[0].silhouette;
        assert!(
            (silhouette - expected).abs() < 1e-5,
            "{k}: {silhouette} {expected}"
        );
        // What else there is to choose from does not matter.
        assert_eq!(of_all, &found.silhouettes()[0]);
    }
}

#[test]
fn a_sample_of_rows_says_nearly_the_same() {
    let planted = planted(4, 3000, 8);
    let settings = SegmentationSettings {
        n_fit_rows: 400,
        silhouette_sample: 300,
        ..SegmentationSettings::default()
    };
    let all = SegmentationSettings {
        silhouette_sample: 3000,
        ..fixed(4)
    };
    let found = Segmentation::fit(&planted.embeddings, planted.width, &settings).unwrap();
    let of_all = Segmentation::fit(&planted.embeddings, planted.width, &all).unwrap();
    assert_eq!(found.k(), 4);
    let segments = found.assign(&planted.embeddings).unwrap();
    assert!(are_alike(&segments, &planted.clusters));
    let difference = found.silhouettes()[2].silhouette - of_all.silhouettes()[0].silhouette;
    assert!(difference.abs() < 0.03 && difference != 0.0, "{difference}");
}

#[test]
fn the_unit_of_a_column_does_not_matter() {
    let mut planted = planted(3, 500, 4);
    let found = Segmentation::fit(&planted.embeddings, planted.width, &fixed(3)).unwrap();
    let segments = found.assign(&planted.embeddings).unwrap();
    for row in planted.embeddings.chunks_exact_mut(planted.width) {
        row[0] = row[0] * 1e6 - 3e5;
        row[1] *= 1e-6;
    }
    let scaled = Segmentation::fit(&planted.embeddings, planted.width, &fixed(3)).unwrap();
    assert!(are_alike(
        &segments,
        &scaled.assign(&planted.embeddings).unwrap()
    ));
}

#[test]
fn the_result_depends_on_the_seed_and_not_on_the_threads() {
    // One cloud, where every start ends elsewhere.
    let planted = planted(1, 600, 9);
    let fit = |seed: u64, n_threads: usize| {
        let settings = SegmentationSettings {
            seed,
            k: 4..=6,
            n_restarts: 3,
            n_fit_rows: 500,
            silhouette_sample: 400,
        };
        let pool = ThreadPoolBuilder::new().num_threads(n_threads).build();
        let fit = || Segmentation::fit(&planted.embeddings, planted.width, &settings).unwrap();
        pool.unwrap().install(fit)
    };
    let one = fit(7, 1);
    assert_eq!(one, fit(7, 4));
    assert_eq!(one, fit(7, 3));
    assert_ne!(one.silhouettes(), fit(8, 1).silhouettes());
}

#[test]
fn more_restarts_are_never_worse() {
    let planted = planted(1, 300, 2);
    let rows = standardised(&planted.embeddings, planted.width);
    let sum_of_squares = |n_restarts: usize| -> f64 {
        let settings = SegmentationSettings {
            n_restarts,
            ..fixed(6)
        };
        let found = Segmentation::fit(&planted.embeddings, planted.width, &settings).unwrap();
        let segments = found.assign(&planted.embeddings).unwrap();
        let mut sum = 0.0;
        for segment in 0..6 {
            let of_segment: Vec<&Vec<f64>> = rows
                .iter()
                .zip(&segments)
                .filter_map(|(row, &other)| (other == segment).then_some(row))
                .collect();
            for column in 0..planted.width {
                let n_rows = of_segment.len() as f64;
                let mean = of_segment.iter().map(|row| row[column]).sum::<f64>() / n_rows;
                let squares = of_segment.iter().map(|row| (row[column] - mean).powi(2));
                sum += squares.sum::<f64>();
            }
        }
        sum
    };
    let sums = [1, 4, 20].map(sum_of_squares);
    assert!(sums[0] > sums[2], "{sums:?}");
    // Sums of squares of settled centres, up to what a last step would gain.
    assert!(
        sums[1] < sums[0] * 1.001 && sums[2] < sums[1] * 1.001,
        "{sums:?}"
    );
}

#[test]
fn a_segmentation_comes_back_from_a_file_and_assigns_as_it_did() {
    let planted = planted(1, 800, 6);
    let found = Segmentation::fit(&planted.embeddings, planted.width, &fixed(7)).unwrap();
    let text = serde_json::to_string(&found).unwrap();
    let back: Segmentation = serde_json::from_str(&text).unwrap();
    assert_eq!(back, found);
    let others = self::planted(1, 5000, 7).embeddings;
    assert_eq!(back.assign(&others), found.assign(&others));
}

#[test]
fn a_row_goes_to_the_nearest_centre() {
    // Two points a segment: centres 1 and 11 after ±1.
    let embeddings = [0.0, 2.0, 0.0, 2.0, 10.0, 12.0];
    let found = Segmentation::fit(&embeddings, 1, &fixed(2)).unwrap();
    let asked = [-100.0, 5.9, 6.1, 100.0];
    assert_eq!(found.assign(&asked).unwrap(), [0, 0, 1, 1]);
    assert_eq!(found.assign(&[]).unwrap(), [0; 0]);
}
