//! How often an event of a known chance happens, exactly.

use crate::evaluation::{EvaluationError, Interval};

/// Where the chance of an event may lie that happened `n_events` times in `n_rows`: the exact interval, which holds the chance in
/// a share `level` of such samples or more.
///
/// ```
/// use salient::evaluation::conformal::clopper_pearson;
///
/// let interval = clopper_pearson(10, 100, 0.95)?;
/// assert!((interval.low - 0.0490).abs() < 1e-4 && (interval.high - 0.1762).abs() < 1e-4);
/// # Ok::<(), salient::evaluation::EvaluationError>(())
/// ```
///
/// # Errors
/// [`EvaluationError::NoCases`] for no rows; [`EvaluationError::LevelOutOfRange`]; [`EvaluationError::SettingOutOfRange`] for more
/// events than rows.
///
/// # Source
/// Clopper and Pearson 1934, <https://doi.org/10.1093/biomet/26.4.404>. Differences: none; solved by halving.
pub fn clopper_pearson(
    n_events: usize,
    n_rows: usize,
    level: f64,
) -> Result<Interval, EvaluationError> {
    if n_rows == 0 {
        return Err(EvaluationError::NoCases);
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(EvaluationError::LevelOutOfRange { level });
    }
    if n_events > n_rows {
        return Err(EvaluationError::SettingOutOfRange {
            setting: "number of events",
            value: n_events as f64,
            rule: "at most the number of rows",
        });
    }
    let tail = (1.0 - level) / 2.0;
    Ok(Interval {
        low: lower_end(n_events, n_rows, tail),
        high: 1.0 - lower_end(n_rows - n_events, n_rows, tail),
    })
}

/// The chance with which so many events or more happen with probability `tail`.
fn lower_end(n_events: usize, n_rows: usize, tail: f64) -> f64 {
    if n_events == 0 {
        return 0.0;
    }
    let ways = ln_ways(n_events, n_rows);
    let (mut low, mut high) = (0.0, 1.0);
    // Each step halves the interval; after these nothing is left to halve.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        match at_least(n_events, n_rows, middle, ways) < tail {
            true => low = middle,
            false => high = middle,
        }
    }
    (low + high) / 2.0
}

/// The logarithm of the number of ways to choose `k` of `n`.
fn ln_ways(k: usize, n: usize) -> f64 {
    let k = k.min(n - k);
    let ratio = |i: usize| ((n - k + i) as f64 / i as f64).ln();
    (1..=k).map(ratio).sum()
}

/// The probability of `k` events or more in `n` rows, `1 <= k <= n`; `ways` is `ln_ways(k, n)`.
///
/// Summed from the middle outwards, where terms only fall, so that few are needed.
fn at_least(k: usize, n: usize, chance: f64, ways: f64) -> f64 {
    let odds = chance / (1.0 - chance);
    let ln_first = ways + k as f64 * chance.ln() + (n - k) as f64 * (-chance).ln_1p();
    let first = ln_first.exp();
    if k as f64 > n as f64 * chance {
        let up = (k..n).map(|i| (n - i) as f64 / (i + 1) as f64 * odds);
        return (first + sum_of_terms(first, up)).min(1.0);
    }
    let down = (1..=k).rev().map(|i| i as f64 / (n - i + 1) as f64 / odds);
    (1.0 - sum_of_terms(first, down)).max(0.0)
}

/// The sum of falling terms, each given by its ratio to the one before, the first left out.
fn sum_of_terms(first: f64, ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (first, 0.0);
    for ratio in ratios {
        term *= ratio;
        sum += term;
        if term <= 1e-17 * sum {
            break;
        }
    }
    sum
}

/// Where the share of covered rows among `n_rows` lies with probability `level` or more, if the quantile is the `rank`-th smallest
/// of calibration rows of which `n_above` and one to come are above: beta-binomial. Both are at least 1.
///
/// # Source
/// Angelopoulos and Bates 2021, sections 3.2 and 3.3, <https://arxiv.org/abs/2107.07511>. Differences: none.
pub(super) fn promised_coverage(
    (rank, n_above): (usize, usize),
    n_rows: usize,
    level: f64,
) -> Interval {
    let (a, b, n) = (rank as f64, n_above as f64, n_rows as f64);
    // Each probability by its ratio to the one before; logarithms, because the first may be too small for a number.
    let mut logarithms = vec![0.0; n_rows + 1];
    for covered in 0..n_rows {
        let i = covered as f64;
        let ratio = (n - i) / (i + 1.0) * ((i + a) / (n - i - 1.0 + b));
        logarithms[covered + 1] = logarithms[covered] + ratio.ln();
    }
    let highest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let terms = logarithms
        .iter()
        .map(|logarithm| (logarithm - highest).exp());
    let terms: Vec<f64> = terms.collect();
    let total: f64 = terms.iter().sum();
    let quantile = |probability: f64| {
        let mut below = 0.0;
        let reached = terms.iter().position(|term| {
            below += term;
            below >= probability * total
        });
        reached.unwrap_or(n_rows) as f64 / n
    };
    let tail = (1.0 - level) / 2.0;
    Interval {
        low: quantile(tail),
        high: quantile(1.0 - tail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The probability of each number of events, by repeated addition of one row.
    fn binomial(n: usize, chance: f64) -> Vec<f64> {
        let mut probabilities = vec![1.0];
        for _ in 0..n {
            let stays = probabilities
                .iter()
                .map(|p| p * (1.0 - chance))
                .chain([0.0]);
            let moves = [0.0]
                .into_iter()
                .chain(probabilities.iter().map(|p| p * chance));
            probabilities = stays.zip(moves).map(|(a, b)| a + b).collect();
        }
        probabilities
    }

    #[test]
    fn tails_are_those_of_the_distribution_built_row_by_row() {
        for n in [1, 2, 7, 60] {
            for chance in [0.001, 0.1, 0.5, 0.73, 0.999] {
                let built = binomial(n, chance);
                for k in 1..=n {
                    let expected: f64 = built[k..].iter().sum();
                    let found = at_least(k, n, chance, ln_ways(k, n));
                    assert!((found - expected).abs() < 1e-12, "{k} of {n}, {chance}");
                }
            }
        }
    }

    #[test]
    fn promised_coverage_is_the_beta_mixture_of_binomials() {
        let (rank, n_above, n_rows, level) = (23, 2, 40, 0.9);
        // The density of the coverage of all rows to come, on a fine grid.
        let mut mixture = vec![0.0; n_rows + 1];
        let n_steps = 20_000;
        let mut total = 0.0;
        for step in 0..n_steps {
            let coverage = (f64::from(step) + 0.5) / f64::from(n_steps);
            let density = coverage.powi(rank - 1) * (1.0 - coverage).powi(n_above - 1);
            total += density;
            // Too slow to build row by row at every step.
            for (k, sum) in mixture.iter_mut().enumerate() {
                let ways = ln_ways(k, n_rows).exp();
                let rest = (1.0 - coverage).powi((n_rows - k) as i32);
                *sum += density * ways * coverage.powi(k as i32) * rest;
            }
        }
        let quantile = |probability: f64| {
            let mut below = 0.0;
            let reached = mixture.iter().position(|term| {
                below += term / total;
                below >= probability
            });
            reached.unwrap() as f64 / n_rows as f64
        };
        let found = promised_coverage((rank as usize, n_above as usize), n_rows, level);
        assert_eq!((found.low, found.high), (quantile(0.05), quantile(0.95)));
        assert!(found.low < 0.92 && 0.92 < found.high);
    }

    #[test]
    fn many_rows_leave_the_spread_of_the_calibration_rows() {
        // Of 10,000 calibration rows the coverage has the standard deviation 0.003, of 100,000 rows to come 0.00095.
        let found = promised_coverage((9001, 1000), 100_000, 0.95);
        let half = 1.96 * (0.09f64 / 10_002.0 + 0.09 / 100_000.0).sqrt();
        assert!((found.low - (0.9 - half)).abs() < 3e-4, "{found:?}");
        assert!((found.high - (0.9 + half)).abs() < 3e-4, "{found:?}");
    }
}
