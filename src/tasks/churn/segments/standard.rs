//! Embeddings brought to mean 0 and deviation 1 by column.

use rayon::prelude::*;

use super::error::SegmentError;

/// Mean and standard deviation of each column, in 32 bits so that they come back from a file unchanged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Standard {
    pub(super) means: Vec<f32>,
    /// 0 for a column of one value, which is left out of all distances.
    pub(super) deviations: Vec<f32>,
}

impl Standard {
    pub(super) fn fit(embeddings: &[f32], width: usize) -> Self {
        let n_rows = (embeddings.len() / width) as f64;
        let sum_of = |term: &dyn Fn(usize, f64) -> f64| {
            let mut sums = vec![0.0; width];
            for row in embeddings.chunks_exact(width) {
                for (column, (sum, &value)) in sums.iter_mut().zip(row).enumerate() {
                    *sum += term(column, f64::from(value));
                }
            }
            sums
        };
        let sums = sum_of(&|_, value| value);
        let means: Vec<f64> = sums.iter().map(|sum| sum / n_rows).collect();
        let squares = sum_of(&|column, value| (value - means[column]).powi(2));
        Self {
            means: means.iter().map(|&mean| mean as f32).collect(),
            deviations: squares
                .iter()
                .map(|square| (square / n_rows).sqrt() as f32)
                .collect(),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.means.len()
    }

    /// A row, standardised.
    pub(super) fn apply<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
        let columns = row.iter().zip(self.means.iter().zip(&self.deviations));
        columns.map(|(&value, (&mean, &deviation))| match deviation > 0.0 {
            true => (f64::from(value) - f64::from(mean)) / f64::from(deviation),
            false => 0.0,
        })
    }

    /// The segment of each row: the nearest centroid, the first of those that are equally near.
    pub(super) fn nearest(&self, embeddings: &[f32], centroids: &[f32]) -> Vec<usize> {
        let width = self.width();
        let rows = embeddings.par_chunks_exact(width);
        rows.map(|row| {
            let row: Vec<f64> = self.apply(row).collect();
            nearest(&row, centroids).segment
        })
        .collect()
    }
}

/// The centroid that a row is nearest to.
pub(super) struct Nearest {
    pub(super) segment: usize,
    pub(super) squared_distance: f64,
}

/// The nearest centroid of a standardised row, the first of those that are equally near.
pub(super) fn nearest(row: &[f64], centroids: &[f32]) -> Nearest {
    let mut best = Nearest {
        segment: 0,
        squared_distance: f64::INFINITY,
    };
    for (segment, centroid) in centroids.chunks_exact(row.len()).enumerate() {
        let differences = row.iter().zip(centroid);
        let squared_distance = differences
            .map(|(value, &centre)| (value - f64::from(centre)).powi(2))
            .sum();
        if squared_distance < best.squared_distance {
            best = Nearest {
                segment,
                squared_distance,
            };
        }
    }
    best
}

/// Number of rows, all of finite numbers.
pub(super) fn checked_rows(embeddings: &[f32], width: usize) -> Result<usize, SegmentError> {
    if width == 0 || !embeddings.len().is_multiple_of(width) {
        return Err(SegmentError::WidthDoesNotDivide {
            n_numbers: embeddings.len(),
            width,
        });
    }
    match embeddings.iter().position(|value| !value.is_finite()) {
        None => Ok(embeddings.len() / width),
        Some(at) => Err(SegmentError::NotFinite {
            row: at / width,
            column: at % width,
            value: embeddings[at],
        }),
    }
}
