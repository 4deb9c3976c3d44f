//! Measures of probabilities are what their formulas say, for any predictions, ties and weights included.

use proptest::prelude::*;
use salient::evaluation::classification::{
    CalibrationBins, ClassificationCases, average_precision, brier_score, confusion_at,
    cumulative_gain, expected_calibration_error, group_auc, lift_at, log_loss, normalised_entropy,
    reliability_curve, roc_auc,
};
use serde_json::Value;

use crate::support::{assert_close, golden};

/// What reports hold, how they are compared, and how often their intervals hold the truth.
mod reports;

/// Pictures show what reports hold.
mod pictures;

/// Columns and settings that make no sense are refused by name.
mod refusals;

pub(crate) fn cases(probabilities: &[f64], labels: &[bool]) -> ClassificationCases {
    ClassificationCases::new(probabilities.to_vec(), labels.to_vec()).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

fn booleans(value: &Value) -> Vec<bool> {
    let values = value.as_array().unwrap().iter();
    values.map(|value| value.as_bool().unwrap()).collect()
}

#[test]
fn metrics_are_those_of_scikit_learn() {
    let golden = golden("classification");
    for case in golden["cases"].as_array().unwrap() {
        let found = cases(&floats(&case["probabilities"]), &booleans(&case["labels"]));
        let found = found.with_weights(floats(&case["weights"])).unwrap();
        let confusion = confusion_at(&found, case["threshold"].as_f64().unwrap()).unwrap();
        let equal_width = CalibrationBins::EqualWidth(10);
        let values = [
            ("roc_auc", roc_auc(&found).unwrap()),
            ("average_precision", average_precision(&found).unwrap()),
            ("log_loss", log_loss(&found).unwrap()),
            ("brier_score", brier_score(&found).unwrap()),
            ("accuracy", confusion.accuracy().unwrap()),
            ("precision", confusion.precision().unwrap()),
            ("recall", confusion.recall().unwrap()),
            ("f1", confusion.f1().unwrap()),
            (
                "error_of_equal_width",
                expected_calibration_error(&found, equal_width).unwrap(),
            ),
        ];
        for (name, value) in values {
            let expected = case["metrics"][name].as_f64().unwrap();
            // Both are sums of at most 101 numbers of 64 bits.
            assert!(
                (value - expected).abs() < 1e-12,
                "{name}: {value}, {expected}"
            );
        }
    }
}

#[test]
fn bins_of_equal_mass_are_those_of_scikit_learn_where_they_can_be_equal() {
    let golden = golden("classification");
    let case = &golden["cases"][0];
    let found = cases(&floats(&case["probabilities"]), &booleans(&case["labels"]));
    let curve = reliability_curve(&found, CalibrationBins::EqualMass(10), 0.95).unwrap();
    assert_eq!(
        curve.iter().map(|bin| bin.n_rows).collect::<Vec<_>>(),
        [8; 10]
    );
    let means: Vec<f64> = curve.iter().map(|bin| bin.mean_prediction).collect();
    let shares: Vec<f64> = curve.iter().map(|bin| bin.positive_share).collect();
    assert_close(&means, &floats(&case["metrics"]["quantile_mean"]), 1e-12);
    assert_close(&shares, &floats(&case["metrics"]["quantile_share"]), 1e-12);
}

/// Rows with few different predictions, so that many are tied, and whole weights, some of them 0.
#[derive(Clone, Debug)]
struct World {
    probabilities: Vec<f64>,
    labels: Vec<bool>,
    weights: Vec<u32>,
    groups: Vec<u64>,
}

impl World {
    fn cases(&self) -> ClassificationCases {
        let weights = self.weights.iter().map(|&weight| f64::from(weight));
        cases(&self.probabilities, &self.labels)
            .with_weights(weights.collect())
            .unwrap()
            .with_groups(self.groups.clone())
            .unwrap()
    }

    /// Each row as often as its weight says, last row first.
    fn rows(&self) -> Vec<(f64, bool, u64)> {
        let rows = (0..self.labels.len()).rev().flat_map(|row| {
            let one = (self.probabilities[row], self.labels[row], self.groups[row]);
            vec![one; self.weights[row] as usize]
        });
        rows.collect()
    }

    fn repeated(&self) -> ClassificationCases {
        let rows = self.rows();
        let probabilities: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
        cases(&probabilities, &labels)
            .with_groups(rows.iter().map(|row| row.2).collect())
            .unwrap()
    }
}

fn a_world() -> impl Strategy<Value = World> {
    let probability = prop::sample::select(vec![0.0, 0.05, 0.1, 0.25, 0.4, 0.5, 0.8, 1.0]);
    let row = (probability, prop::bool::ANY, 0..4u32, 0..4u64);
    let rows = prop::collection::vec(row, 2..40);
    // One row of each class has a weight for sure.
    rows.prop_map(|mut rows| {
        (rows[0].1, rows[0].2) = (true, 1);
        (rows[1].1, rows[1].2) = (false, 2);
        World {
            probabilities: rows.iter().map(|row| row.0).collect(),
            labels: rows.iter().map(|row| row.1).collect(),
            weights: rows.iter().map(|row| row.2).collect(),
            groups: rows.iter().map(|row| row.3).collect(),
        }
    })
}

/// The share of pairs in the right order, pair by pair; `None` without pairs.
fn auc_by_pairs(rows: &[(f64, bool, u64)]) -> Option<f64> {
    let (mut n_pairs, mut right) = (0.0, 0.0);
    for positive in rows.iter().filter(|row| row.1) {
        for negative in rows.iter().filter(|row| !row.1) {
            n_pairs += 1.0;
            right += match positive.0.total_cmp(&negative.0) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    (n_pairs > 0.0).then(|| right / n_pairs)
}

/// The precision where each positive is found, ties last, averaged over the positives.
fn average_precision_by_positives(rows: &[(f64, bool, u64)]) -> f64 {
    let positives: Vec<_> = rows.iter().filter(|row| row.1).collect();
    let precision = |at: &&(f64, bool, u64)| {
        let taken = rows.iter().filter(|row| row.0 >= at.0);
        let found = positives.iter().filter(|row| row.0 >= at.0);
        found.count() as f64 / taken.count() as f64
    };
    positives.iter().map(precision).sum::<f64>() / positives.len() as f64
}

fn group_auc_by_pairs(rows: &[(f64, bool, u64)]) -> Option<f64> {
    let (mut sum, mut n_rows) = (0.0, 0.0);
    for group in 0..4 {
        let of_group: Vec<_> = rows.iter().filter(|row| row.2 == group).copied().collect();
        if let Some(auc) = auc_by_pairs(&of_group) {
            sum += auc * of_group.len() as f64;
            n_rows += of_group.len() as f64;
        }
    }
    (n_rows > 0.0).then(|| sum / n_rows)
}

fn close(found: f64, expected: f64) -> Result<(), TestCaseError> {
    prop_assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    Ok(())
}

proptest! {
    #[test]
    fn rankings_are_judged_as_pair_by_pair(world in a_world()) {
        let (rows, found) = (world.rows(), world.cases());
        close(roc_auc(&found).unwrap(), auc_by_pairs(&rows).unwrap())?;
        close(average_precision(&found).unwrap(), average_precision_by_positives(&rows))?;
        let expected = group_auc_by_pairs(&rows);
        prop_assert_eq!(group_auc(&found).is_ok(), expected.is_some());
        if let Some(expected) = expected {
            close(group_auc(&found).unwrap().value, expected)?;
        }
    }

    #[test]
    fn probabilities_are_judged_as_row_by_row(world in a_world()) {
        let (rows, found) = (world.rows(), world.cases());
        let mean = |cost: &dyn Fn(f64, bool) -> f64| {
            rows.iter().map(|row| cost(row.0, row.1)).sum::<f64>() / rows.len() as f64
        };
        let given = |probability: f64, label| if label { probability } else { 1.0 - probability };
        // No probability lies between 0 and the clip.
        let clip = 2f64.powi(-23);
        let loss = mean(&|p, label| -given(p, label).clamp(clip, 1.0 - clip).ln());
        close(log_loss(&found).unwrap(), loss)?;
        close(brier_score(&found).unwrap(), mean(&|p, label| (1.0 - given(p, label)).powi(2)))?;
        let share = mean(&|_, label| f64::from(label));
        let entropy = mean(&|_, label| -given(share, label).ln());
        close(normalised_entropy(&found).unwrap(), loss / entropy)?;
        let confusion = confusion_at(&found, 0.4).unwrap();
        close(confusion.accuracy().unwrap(), mean(&|p, label| f64::from((p >= 0.4) == label)))?;
        let both = mean(&|p, label| f64::from(p >= 0.4 && label));
        close(confusion.recall().unwrap(), both / share)?;
        let taken = mean(&|p, _| f64::from(p >= 0.4));
        prop_assert_eq!(confusion.precision().is_some(), taken > 0.0);
        if let Some(precision) = confusion.precision() {
            close(precision, both / taken)?;
        }
        close(confusion.f1().unwrap(), 2.0 * both / (taken + share))?;
    }

    #[test]
    fn the_calibration_error_is_that_of_its_bins(world in a_world(), n_bins in 1..7usize) {
        let (rows, found) = (world.rows(), world.cases());
        let bins = CalibrationBins::EqualWidth(n_bins);
        let mut expected = 0.0;
        for bin in 0..n_bins {
            let (low, high) = (bin as f64 / n_bins as f64, (bin + 1) as f64 / n_bins as f64);
            let is_last = bin + 1 == n_bins;
            let inside = |p: f64| p >= low && (p < high || is_last);
            let excess = rows.iter().filter(|row| inside(row.0));
            expected += excess.map(|row| f64::from(row.1) - row.0).sum::<f64>().abs();
        }
        close(expected_calibration_error(&found, bins).unwrap(), expected / rows.len() as f64)?;
    }

    #[test]
    fn a_weight_counts_as_so_many_rows(world in a_world(), n_bins in 1..7usize) {
        let (weighted, repeated) = (world.cases(), world.repeated());
        close(roc_auc(&weighted).unwrap(), roc_auc(&repeated).unwrap())?;
        for bins in [CalibrationBins::EqualMass(n_bins), CalibrationBins::EqualWidth(n_bins)] {
            let error = |cases| expected_calibration_error(cases, bins).unwrap();
            close(error(&weighted), error(&repeated))?;
            let curves = [&weighted, &repeated].map(|cases| reliability_curve(cases, bins, 0.9).unwrap());
            prop_assert_eq!(curves[0].len(), curves[1].len());
            for (left, right) in curves[0].iter().zip(&curves[1]) {
                close(left.mean_prediction, right.mean_prediction)?;
                close(left.positive_share, right.positive_share)?;
            }
        }
        let gains = [&weighted, &repeated].map(|cases| cumulative_gain(cases, 7).unwrap());
        for (left, right) in gains[0].iter().zip(&gains[1]) {
            close(left.gain, right.gain)?;
            close(left.lift, right.lift)?;
        }
    }

    #[test]
    fn a_rising_map_of_the_predictions_changes_no_ranking(world in a_world()) {
        let plain = world.cases();
        let mapped = world.probabilities.iter().map(|p| 0.3 + 0.2 * p.powi(3)).collect();
        let mapped = plain.with_probabilities(mapped).unwrap();
        prop_assert_eq!(roc_auc(&plain).unwrap(), roc_auc(&mapped).unwrap());
        prop_assert_eq!(average_precision(&plain).unwrap(), average_precision(&mapped).unwrap());
        prop_assert_eq!(cumulative_gain(&plain, 10).unwrap(), cumulative_gain(&mapped, 10).unwrap());
        prop_assert_eq!(group_auc(&plain).ok(), group_auc(&mapped).ok());
        // Turned round, every right pair is wrong.
        let turned = world.probabilities.iter().map(|p| 1.0 - p).collect();
        let turned = plain.with_probabilities(turned).unwrap();
        close(roc_auc(&turned).unwrap(), 1.0 - roc_auc(&plain).unwrap())?;
    }

    #[test]
    fn measures_stay_within_their_bounds(world in a_world(), share in 0.001..=1.0f64) {
        let found = world.cases();
        let bins = CalibrationBins::default();
        let shares = [
            roc_auc(&found).unwrap(),
            average_precision(&found).unwrap(),
            brier_score(&found).unwrap(),
            expected_calibration_error(&found, bins).unwrap(),
        ];
        prop_assert!(shares.iter().all(|value| (0.0..=1.0).contains(value)), "{shares:?}");
        prop_assert!((0.0..16.0).contains(&log_loss(&found).unwrap()));
        let lift = lift_at(&found, share).unwrap();
        prop_assert!(lift >= 0.0 && lift <= 1.0 / share + 1e-9, "{lift}");
        let gain = cumulative_gain(&found, 9).unwrap();
        prop_assert!(gain.is_sorted_by(|left, right| left.gain <= right.gain + 1e-12));
        close(gain[8].gain, 1.0)?;
        for bin in reliability_curve(&found, bins, 0.95).unwrap() {
            let (share, interval) = (bin.positive_share, bin.interval);
            prop_assert!(0.0 <= interval.low && interval.low <= share + 1e-12);
            prop_assert!(share <= interval.high + 1e-12 && interval.high <= 1.0);
            prop_assert!(bin.low <= bin.mean_prediction && bin.mean_prediction <= bin.high);
        }
    }
}

#[test]
fn group_auc_ignores_what_differs_between_users() {
    // The second user clicks more than the first, and the model knows; within each it knows nothing. The third has one class.
    let probabilities = [0.1, 0.1, 0.1, 0.9, 0.9, 0.5];
    let labels = [true, false, false, true, false, true];
    let found = cases(&probabilities, &labels);
    let found = found.with_groups(vec![7, 7, 7, 8, 8, 9]).unwrap();
    let groups = group_auc(&found).unwrap();
    assert_eq!(
        (groups.value, groups.n_groups, groups.n_groups_left_out),
        (0.5, 3, 1)
    );
    // Three rows at 1 and two at 0 are weighed by rows, not by clicks.
    let found = found
        .with_probabilities(vec![0.9, 0.1, 0.1, 0.1, 0.9, 0.5])
        .unwrap();
    assert_eq!(group_auc(&found).unwrap().value, 0.6);
}

#[test]
fn a_certain_mistake_costs_no_more_than_the_clip() {
    let loss = |probability, label| log_loss(&cases(&[probability], &[label])).unwrap();
    let most = 23.0 * std::f64::consts::LN_2;
    assert!((loss(0.0, true) - most).abs() < 1e-12);
    assert!((loss(1.0, false) - most).abs() < 1e-6);
    assert!((1e-7..2e-7).contains(&loss(1.0, true)));
    assert!((loss(1e-6, true) - 6.0 * std::f64::consts::LN_10).abs() < 1e-12);
}

#[test]
fn rows_of_one_prediction_stay_in_one_bin() {
    let labels = [true, false, false, false, false];
    let found = cases(&[0.3; 5], &labels);
    for bins in [
        CalibrationBins::EqualMass(3),
        CalibrationBins::EqualWidth(3),
    ] {
        let curve = reliability_curve(&found, bins, 0.95).unwrap();
        assert_eq!(curve.len(), 1);
        assert_eq!(
            (curve[0].n_rows, curve[0].low, curve[0].high),
            (5, 0.3, 0.3)
        );
        assert!((expected_calibration_error(&found, bins).unwrap() - 0.1).abs() < 1e-12);
    }
}

#[test]
fn bins_of_equal_width_miss_what_happens_near_nought() {
    // Rare events at 1 % and 3 % in one half each, predicted the wrong way round: in one bin of ten all is well.
    let probabilities: Vec<f64> = (0..200)
        .map(|row| if row < 100 { 0.03 } else { 0.01 })
        .collect();
    let labels: Vec<bool> = (0..200).map(|row| row == 0 || row >= 197).collect();
    let found = cases(&probabilities, &labels);
    let error = |bins| expected_calibration_error(&found, bins).unwrap();
    assert!(error(CalibrationBins::EqualWidth(10)) < 1e-12);
    assert!((error(CalibrationBins::EqualMass(10)) - 0.02).abs() < 1e-12);
}

#[test]
fn a_cut_through_equal_predictions_takes_a_share_of_each_class() {
    let labels = [
        true, false, true, true, false, false, false, false, false, true,
    ];
    let probabilities = [0.9, 0.8, 0.5, 0.5, 0.5, 0.5, 0.2, 0.1, 0.1, 0.1];
    let gain = cumulative_gain(&cases(&probabilities, &labels), 5).unwrap();
    let found: Vec<f64> = gain.iter().map(|point| point.gain).collect();
    // One of four after two rows; half of the block's two after four; both after six; a third of the last after eight.
    assert_close(&found, &[0.25, 0.5, 0.75, 0.75 + 0.25 / 3.0, 1.0], 1e-12);
    let lift: Vec<f64> = gain.iter().map(|point| point.lift).collect();
    assert_close(
        &lift,
        &[1.25, 1.25, 1.25, (0.75 + 0.25 / 3.0) / 0.8, 1.0],
        1e-12,
    );
    assert!((lift_at(&cases(&probabilities, &labels), 0.2).unwrap() - 1.25).abs() < 1e-12);
}

#[test]
fn wilson_intervals_are_those_of_the_literature() {
    // Newcombe 1998, table I, method 3.
    let examples = [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (29, 29, 0.8830, 1.0),
    ];
    for (n_positives, n, low, high) in examples {
        let labels: Vec<bool> = (0..n).map(|row| row < n_positives).collect();
        let found = cases(&vec![0.5; n], &labels);
        let curve = reliability_curve(&found, CalibrationBins::default(), 0.95).unwrap();
        assert_eq!(curve.len(), 1);
        assert_close(
            &[curve[0].interval.low, curve[0].interval.high],
            &[low, high],
            6e-5,
        );
    }
}
