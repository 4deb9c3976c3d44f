use std::fmt::Write as _;

use proptest::prelude::*;
use salient::data::{ReadOptions, TableParts};
use salient::features::tabular::{FieldConfig, NumberEncoding, TabularConfig};

use super::table;

/// Learns from some numbers and encodes others; the numbers in a row, and all rows.
fn encoded(
    encoding: NumberEncoding,
    learnt: &[Option<f64>],
    asked: &[Option<f64>],
) -> (usize, Vec<f32>) {
    let text = |numbers: &[Option<f64>]| {
        let mut text = "y,x\n".to_owned();
        for number in numbers {
            let cell = number.map(|number| number.to_string());
            writeln!(text, "0,{}", cell.unwrap_or_default()).unwrap();
        }
        text
    };
    let table = table(text(learnt), "y:label,x:number");
    let config = TabularConfig {
        defaults: FieldConfig {
            encoding,
            ..FieldConfig::default()
        },
        ..TabularConfig::default()
    };
    let options = ReadOptions::default();
    let (schema, _) = config.fit(&table.schema, &table.path, &options).unwrap();
    std::fs::write(&table.path, text(asked)).unwrap();
    let (rows, _) = schema.read(&table.path, TableParts::All, &options).unwrap();
    let width = schema.shape().numbers[0].width;
    assert_eq!(rows.numbers.len(), asked.len() * width);
    assert!(rows.numbers.iter().all(|number| number.is_finite()));
    (width, rows.numbers)
}

fn present(numbers: &[Option<f64>]) -> Vec<f64> {
    numbers.iter().flatten().copied().collect()
}

/// Mean and standard deviation in two passes.
fn scale(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// The quantile of ascending numbers at a level, by the definition of type 7.
fn quantile(ascending: &[f64], level: f64) -> f64 {
    let place = level * (ascending.len() - 1) as f64;
    let low = place.floor() as usize;
    let high = place.ceil() as usize;
    ascending[low] + (ascending[high] - ascending[low]) * (place - low as f64)
}

/// The standard normal distribution by the series of Marsaglia 2004, "Evaluating the normal distribution".
fn normal_share(x: f64) -> f64 {
    let (mut term, mut sum, mut i) = (x, x, 1.0);
    while f64::abs(term) > 1e-17 {
        i += 2.0;
        term *= x * x / i;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

fn numbers(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Option<f64>>> {
    // Few enough that some are equal.
    let number = prop_oneof![
        (-40..40_i32).prop_map(|x| f64::from(x) / 4.0),
        -1e3..1e3_f64
    ];
    prop::collection::vec(prop::option::weighted(0.9, number), n)
}

fn close(found: f32, expected: f64) -> bool {
    (f64::from(found) - expected).abs() < 1e-4 * (1.0 + expected.abs())
}

proptest! {
    #[test]
    fn standard_and_log_are_scaled_by_two_passes(
        learnt in numbers(2..60),
        asked in numbers(1..20),
        is_log: bool,
    ) {
        let map = |x: f64| if is_log { x.signum() * (1.0 + x.abs()).ln() } else { x };
        let seen: Vec<f64> = present(&learnt).into_iter().map(map).collect();
        prop_assume!(seen.iter().any(|x| (x - seen[0]).abs() > 1e-3));
        let encoding = if is_log { NumberEncoding::Log } else { NumberEncoding::Standard };
        let (mean, deviation) = scale(&seen);
        let (width, found) = encoded(encoding, &learnt, &asked);
        prop_assert_eq!(width, 2);
        for (row, number) in found.chunks(2).zip(&asked) {
            match number {
                Some(x) => {
                    let expected = (map(*x) - mean) / deviation;
                    prop_assert!(close(row[0], expected), "{} {expected}", row[0]);
                    prop_assert_eq!(row[1], 0.0);
                }
                None => prop_assert_eq!(row, &[0.0, 1.0]),
            }
        }
    }

    /// By the formula of the paper, literally.
    #[test]
    fn piecewise_linear_bins_are_those_of_the_paper(
        learnt in numbers(2..60),
        asked in numbers(1..20),
        n_bins in 1..8_usize,
    ) {
        let mut seen = present(&learnt);
        prop_assume!(seen.iter().any(|x| (x - seen[0]).abs() > 1e-3));
        seen.sort_by(f64::total_cmp);
        let mut edges: Vec<f64> = (0..=n_bins).map(|t| quantile(&seen, t as f64 / n_bins as f64)).collect();
        edges.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
        let n = edges.len() - 1;
        let (width, found) = encoded(NumberEncoding::PiecewiseLinear { n_bins }, &learnt, &asked);
        prop_assert_eq!(width, n + 1);
        for (row, number) in found.chunks(width).zip(&asked) {
            prop_assert_eq!(row[n], if number.is_none() { 1.0 } else { 0.0 });
            for t in 1..=n {
                let expected = match number {
                    None => 0.0,
                    Some(x) if *x < edges[t - 1] && t > 1 => 0.0,
                    Some(x) if *x >= edges[t] && t < n => 1.0,
                    Some(x) => (x - edges[t - 1]) / (edges[t] - edges[t - 1]),
                };
                prop_assert!(close(row[t - 1], expected), "{t}: {} {expected}", row[t - 1]);
            }
        }
    }

    /// With as many quantiles as numbers, the share below a number is its mean rank.
    #[test]
    fn quantiles_make_any_numbers_normal(learnt in numbers(2..50)) {
        let mut seen = present(&learnt);
        prop_assume!(seen.len() > 1);
        seen.sort_by(f64::total_cmp);
        let encoding = NumberEncoding::Quantile { n_quantiles: seen.len() };
        let (width, found) = encoded(encoding, &learnt, &learnt);
        prop_assert_eq!(width, 2);
        for (row, number) in found.chunks(2).zip(&learnt) {
            let Some(x) = number else {
                prop_assert_eq!(row, &[0.0, 1.0]);
                continue;
            };
            let equal: Vec<usize> = (0..seen.len()).filter(|&i| seen[i] == *x).collect();
            let rank = (equal[0] + equal[equal.len() - 1]) as f64 / 2.0;
            let share = (rank / (seen.len() - 1) as f64).clamp(1e-7, 1.0 - 1e-7);
            prop_assert!((normal_share(f64::from(row[0])) - share).abs() < 1e-6, "{} {share}", row[0]);
        }
    }
}

#[test]
fn numbers_between_and_beyond_quantiles_have_shares_between_and_at_the_ends() {
    let learnt = [0.0, 0.0, 0.0, 1.0, 3.0].map(Some);
    let asked = [-9.0, 0.0, 0.5, 2.0, 3.0, 9e30].map(Some);
    let (_, found) = encoded(NumberEncoding::Quantile { n_quantiles: 5 }, &learnt, &asked);
    let shares = found.chunks(2).map(|row| normal_share(f64::from(row[0])));
    let expected = [0.0, 0.25, 0.625, 0.875, 1.0, 1.0];
    for (share, expected) in shares.zip(expected) {
        assert!((share - expected).abs() < 1e-6, "{share} {expected}");
    }
    // The ends are where scikit-learn has them.
    assert!((found[0] + 5.199_337).abs() < 1e-4, "{}", found[0]);
    assert!((found[10] - 5.199_337).abs() < 1e-4, "{}", found[10]);
}

#[test]
fn equal_numbers_are_encoded_without_a_scale_of_zero() {
    let learnt = [Some(0.1); 4];
    let asked = [Some(0.1), Some(1.1), None];
    for (encoding, expected) in [
        (NumberEncoding::Standard, [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]),
        (
            NumberEncoding::PiecewiseLinear { n_bins: 3 },
            [0.0, 0.0, 1.0, 0.0, 0.0, 1.0],
        ),
    ] {
        assert_eq!(encoded(encoding, &learnt, &asked), (2, expected.to_vec()));
    }
    let (_, found) = encoded(NumberEncoding::Quantile { n_quantiles: 4 }, &learnt, &asked);
    assert!(found[0].abs() < 1e-7, "{}", found[0]);
}

#[test]
fn the_farthest_numbers_stay_finite() {
    let learnt = [Some(1.0), Some(1.0 + 1e-12)];
    let asked = [Some(3e38), Some(-3e38), Some(1e-40)];
    for encoding in [
        NumberEncoding::Standard,
        NumberEncoding::Log,
        NumberEncoding::Quantile { n_quantiles: 2 },
        NumberEncoding::PiecewiseLinear { n_bins: 1 },
    ] {
        let (_, found) = encoded(encoding, &learnt, &asked);
        assert!(found[0] > found[2], "{encoding:?}: {found:?}");
    }
}
