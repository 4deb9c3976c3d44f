//! Norms on slices, with their gradients.

use crate::ops::cpu::wide;

/// Independent sums that a loop keeps, one a vector lane.
const LANES: usize = 16;

/// Which norm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Whether a row's mean is taken away first.
    pub(super) centred: bool,
    /// Added to the mean square before the root.
    pub(super) epsilon: f32,
}

/// What backward needs to know of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statistics {
    /// 0 if rows are not centred.
    mean: f32,
    /// 1 over the root of mean square and epsilon.
    scale: f32,
}

impl Rule {
    /// Norms rows in place.
    pub(super) fn norm(&self, rows: &mut [f32], gamma: &[f32], beta: &[f32]) -> Vec<Statistics> {
        let mut found = Vec::with_capacity(rows.len() / gamma.len());
        wide(
            #[inline(always)]
            || {
                for row in rows.chunks_exact_mut(gamma.len()) {
                    let Statistics { mean, scale } = self.statistics(row);
                    for ((x, gamma), beta) in row.iter_mut().zip(gamma).zip(beta) {
                        *x = (*x - mean) * scale * gamma + beta;
                    }
                    found.push(Statistics { mean, scale });
                }
            },
        );
        found
    }

    #[inline(always)]
    fn statistics(&self, row: &[f32]) -> Statistics {
        let n = row.len() as f32;
        let mean = if self.centred {
            // Distances from the first number are small where the numbers differ little, so that their mean is precise
            // however large they are.
            let first = row[0];
            let distances = sum(
                row,
                #[inline(always)]
                |x| x - first,
            );
            first + distances / n
        } else {
            0.0
        };
        let squares = sum(
            row,
            #[inline(always)]
            |x| (x - mean) * (x - mean),
        );
        let scale = 1.0 / (squares / n + self.epsilon).sqrt();
        Statistics { mean, scale }
    }

    /// Turns gradients of normed rows into those of `rows`, in place, and returns those of `gamma` and, after them, `beta`.
    pub(super) fn backward(
        &self,
        gradients: &mut [f32],
        rows: &[f32],
        statistics: &[Statistics],
        gamma: &[f32],
    ) -> Vec<f32> {
        let d_model = gamma.len();
        let mut columns = vec![0.0; 2 * d_model];
        let (d_gamma, d_beta) = columns.split_at_mut(d_model);
        let rows = rows.chunks_exact(d_model).zip(statistics);
        wide(
            #[inline(always)]
            || {
                for (gradients, (row, row_statistics)) in
                    gradients.chunks_exact_mut(d_model).zip(rows)
                {
                    let row = Row {
                        numbers: row,
                        statistics: *row_statistics,
                        gamma,
                    };
                    row.add_columns(gradients, d_gamma, d_beta);
                    row.backward(self.centred, gradients);
                }
            },
        );
        columns
    }
}

/// A row before its norm.
struct Row<'a> {
    numbers: &'a [f32],
    statistics: Statistics,
    gamma: &'a [f32],
}

impl Row<'_> {
    /// Adds the gradients that `gamma` and `beta` get from this row.
    #[inline(always)]
    fn add_columns(&self, gradients: &[f32], d_gamma: &mut [f32], d_beta: &mut [f32]) {
        let Statistics { mean, scale } = self.statistics;
        let columns = d_gamma.iter_mut().zip(d_beta);
        for ((d_y, x), (d_gamma, d_beta)) in gradients.iter().zip(self.numbers).zip(columns) {
            *d_gamma += d_y * ((x - mean) * scale);
            *d_beta += d_y;
        }
    }

    /// Replaces the gradients of the normed row by those of the row.
    #[inline(always)]
    fn backward(&self, centred: bool, gradients: &mut [f32]) {
        let Statistics { mean, scale } = self.statistics;
        let n = self.numbers.len() as f32;
        let (total, along) = self.projections(gradients);
        let total = if centred { total / n } else { 0.0 };
        let along = along / n;
        let row = self.numbers.iter().zip(self.gamma);
        for (gradient, (x, gamma)) in gradients.iter_mut().zip(row) {
            let normed = (x - mean) * scale;
            *gradient = scale * (*gradient * gamma - total - normed * along);
        }
    }

    /// Sum of the gradients times `gamma`, and their product with the normed row.
    #[inline(always)]
    fn projections(&self, gradients: &[f32]) -> (f32, f32) {
        let Statistics { mean, scale } = self.statistics;
        let (mut totals, mut alongs) = ([0.0; LANES], [0.0; LANES]);
        let (d_y, d_y_rest) = gradients.as_chunks::<LANES>();
        let (x, x_rest) = self.numbers.as_chunks::<LANES>();
        let (gamma, gamma_rest) = self.gamma.as_chunks::<LANES>();
        for ((d_y, x), gamma) in d_y.iter().zip(x).zip(gamma) {
            for lane in 0..LANES {
                let gradient = d_y[lane] * gamma[lane];
                totals[lane] += gradient;
                alongs[lane] += gradient * ((x[lane] - mean) * scale);
            }
        }
        let (mut total, mut along) = (total(totals), total(alongs));
        for ((d_y, x), gamma) in d_y_rest.iter().zip(x_rest).zip(gamma_rest) {
            let gradient = d_y * gamma;
            total += gradient;
            along += gradient * ((x - mean) * scale);
        }
        (total, along)
    }
}

/// Sum of what `term` makes of each number.
#[inline(always)]
fn sum(numbers: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = numbers.as_chunks::<LANES>();
    for block in blocks {
        for (lane, number) in lanes.iter_mut().zip(block) {
            *lane += term(*number);
        }
    }
    let mut sum = total(lanes);
    for number in rest {
        sum += term(*number);
    }
    sum
}

/// Sum of the lanes, by halves, since a sum in order would wait for each addition.
// Not inlined, or compilers would make the loops that fill the lanes as narrow as these halves.
#[inline(never)]
fn total(mut lanes: [f32; LANES]) -> f32 {
    let mut n = LANES;
    while n > 1 {
        n /= 2;
        for lane in 0..n {
            lanes[lane] += lanes[lane + n];
        }
    }
    lanes[0]
}
