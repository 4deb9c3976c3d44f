//! How much nearer rows are to their own segment than to the next.

use rayon::prelude::*;

/// The segment of each row, in one of several clusterings of the same rows.
pub(super) struct Labelling {
    pub(super) k: usize,
    pub(super) segments: Vec<usize>,
}

/// The mean silhouette of the rows, `[n_rows, width]`, under each labelling.
///
/// The silhouette of a row is `(b - a) / max(a, b)`, where `a` is the mean distance to the other rows of its segment and `b` that
/// to the rows of the nearest other segment. All pairs are looked at, once for all labellings.
///
/// # Edge cases
/// 0 for a row that is alone in its segment, as Rousseeuw says; for one beside which there is no other segment, as a sample may
/// have it; and where `a` and `b` are both 0.
///
/// # Source
/// Rousseeuw 1987, <https://doi.org/10.1016/0377-0427(87)90125-7>. Differences: none.
pub(super) fn mean_silhouettes(rows: &[f64], width: usize, labellings: &[Labelling]) -> Vec<f64> {
    let n_rows = rows.len() / width;
    let n_each: Vec<Vec<usize>> = labellings.iter().map(Labelling::n_each).collect();
    let row_of = |row: usize| &rows[row * width..(row + 1) * width];
    let of_rows: Vec<Vec<f64>> = (0..n_rows)
        .into_par_iter()
        .map(|row| {
            let distances: Vec<f64> = (0..n_rows)
                .map(|other| distance(row_of(row), row_of(other)))
                .collect();
            let found = labellings.iter().zip(&n_each);
            found
                .map(|(labelling, n_each)| labelling.silhouette(row, &distances, n_each))
                .collect()
        })
        .collect();
    // In the order of the rows, so that the sum does not depend on the threads.
    (0..labellings.len())
        .map(|which| of_rows.iter().map(|found| found[which]).sum::<f64>() / n_rows as f64)
        .collect()
}

fn distance(left: &[f64], right: &[f64]) -> f64 {
    let squares = left.iter().zip(right).map(|(l, r)| (l - r).powi(2));
    squares.sum::<f64>().sqrt()
}

impl Labelling {
    fn n_each(&self) -> Vec<usize> {
        let mut n_each = vec![0; self.k];
        self.segments
            .iter()
            .for_each(|&segment| n_each[segment] += 1);
        n_each
    }

    fn silhouette(&self, row: usize, distances: &[f64], n_each: &[usize]) -> f64 {
        let own = self.segments[row];
        if n_each[own] < 2 {
            return 0.0;
        }
        let mut sums = vec![0.0; self.k];
        for (&segment, distance) in self.segments.iter().zip(distances) {
            sums[segment] += distance;
        }
        let within = sums[own] / (n_each[own] - 1) as f64;
        let others = (0..self.k).filter(|&other| other != own && n_each[other] > 0);
        let beside = others
            .map(|other| sums[other] / n_each[other] as f64)
            .fold(f64::INFINITY, f64::min);
        let larger = within.max(beside);
        match beside.is_finite() && larger > 0.0 {
            true => (beside - within) / larger,
            false => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_points_on_a_line_have_the_silhouettes_of_paper_and_pencil() {
        let rows = [0.0, 1.0, 5.0, 7.0];
        let labelling = |k: usize, segments: [usize; 4]| Labelling {
            k,
            segments: segments.to_vec(),
        };
        let found = mean_silhouettes(
            &rows,
            1,
            &[
                labelling(2, [0, 0, 1, 1]),
                // One row alone, and a segment that nobody is in.
                labelling(4, [0, 0, 0, 2]),
                // Nobody else.
                labelling(2, [1, 1, 1, 1]),
            ],
        );
        let pairs = (6.0 - 1.0) / 6.0 + (5.0 - 1.0) / 5.0 + (4.5 - 2.0) / 4.5 + (6.5 - 2.0) / 6.5;
        let alone = (7.0 - 3.0) / 7.0 + (6.0 - 2.5) / 6.0 + (2.0 - 4.5) / 4.5;
        for (found, expected) in found.iter().zip([pairs / 4.0, alone / 4.0, 0.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn rows_that_are_all_equal_are_in_no_better_segment_than_another() {
        let labelling = Labelling {
            k: 2,
            segments: vec![0, 0, 1, 1],
        };
        assert_eq!(mean_silhouettes(&[3.0; 8], 2, &[labelling]), [0.0]);
    }
}
