//! What reports hold, how they are compared, and how often their intervals hold the truth.

use rand::RngExt;
use salient::evaluation::classification::{
    CalibrationBins, ClassificationCases, ClassificationMetric as Metric, ClassificationReport,
    ClassificationSettings, compare_classifications, confusion_at, evaluate_classification,
    expected_calibration_error, group_auc, log_loss, roc_auc,
};
use salient::evaluation::{DataOrigin, EvaluationError, Interval, IntervalSettings};
use salient::random::RandomKey;

use super::cases;

/// Clicks of thirty users, and a model that knows a part of what decides them.
fn clicks(noise: f64) -> ClassificationCases {
    let mut generator = RandomKey::new(3).generator();
    let mut draw = || generator.random::<f64>();
    let (mut probabilities, mut labels) = (Vec::new(), Vec::new());
    for row in 0..300 {
        let logit = -1.5 + 3.0 * draw() + if row % 30 < 10 { -0.5 } else { 0.5 };
        labels.push(draw() < 1.0 / (1.0 + (-logit).exp()));
        probabilities.push(1.0 / (1.0 + (-logit - noise * (draw() - 0.5)).exp()));
    }
    let countries: Vec<&str> = (0..300)
        .map(|row| ["no", "se", "9-12", "dk"][row % 4])
        .collect();
    let devices: Vec<&str> = (0..300)
        .map(|row| if row == 7 { "tv" } else { "web" })
        .collect();
    cases(&probabilities, &labels)
        .with_groups((0..300).map(|row| row % 30).collect())
        .unwrap()
        .with_segment("country", &countries)
        .unwrap()
        .with_segment("device", &devices)
        .unwrap()
}

fn settings() -> ClassificationSettings {
    ClassificationSettings {
        bins: CalibrationBins::EqualMass(5),
        origin: DataOrigin {
            data_sha256: Some("0123abcd".to_owned()),
            split: Some("by time, test".to_owned()),
            seeds: [("split".to_owned(), 7)].into(),
        },
        ..ClassificationSettings::default()
    }
}

fn report(noise: f64) -> ClassificationReport {
    evaluate_classification("model", &clicks(noise), &settings()).unwrap()
}

#[test]
fn a_report_prints_as_aligned_tables() {
    insta::assert_snapshot!(report(1.0), @r"
    model: 300 rows, 173 positives
    groups: 30, of one class and not in group AUC: 0

    metric                                value
    ROC AUC             0.7399 [0.6724, 0.8048]
    group AUC           0.7419 [0.6703, 0.8121]
    average precision   0.7696 [0.6977, 0.8384]
    log loss            0.5930 [0.5389, 0.6473]
    normalised entropy  0.8703 [0.7901, 0.9593]
    Brier score         0.2037 [0.1799, 0.2281]
    calibration error   0.0812 [0.0467, 0.1341]
    accuracy            0.7000 [0.6400, 0.7600]
    precision           0.7456 [0.6845, 0.8084]
    recall              0.7283 [0.6534, 0.8000]
    F1                  0.7368 [0.6811, 0.7887]
    mean prediction     0.5368 [0.4909, 0.5782]
    share of positives  0.5767 [0.5166, 0.6367]

    mean prediction  rows  share of positives          interval
    0.2065             60              0.2167  [0.1312, 0.3362]
    0.3818             60              0.4833  [0.3618, 0.6069]
    0.5538             60              0.6500  [0.5236, 0.7583]
    0.7052             60              0.8000  [0.6822, 0.8817]
    0.8366             60              0.7333  [0.6099, 0.8287]

    share of rows    gain    lift
    0.1            0.1503  1.5029
    0.2            0.2543  1.2717
    0.3            0.3931  1.3102
    0.4            0.5318  1.3295
    0.5            0.6590  1.3179
    0.6            0.7572  1.2620
    0.7            0.8382  1.1974
    0.8            0.9249  1.1561
    0.9            0.9942  1.1047
    1.0            1.0000  1.0000

    country  rows  positives  ROC AUC  log loss  calibration error
    9-12       75         38   0.8001    0.5408             0.1513
    dk         75         39   0.7194    0.6186             0.0882
    no         75         47   0.7796    0.5743             0.1099
    se         75         49   0.6546    0.6382             0.1563

    device  rows  positives  ROC AUC  log loss  calibration error
    tv         1          1             0.5991             0.4507
    web      299        172   0.7401    0.5930             0.0800

    data sha256   0123abcd
    split         by time, test
    measured      classification
    threshold     0.5
    bins          5 of equal mass
    weights       equal
    drawn         groups
    cases         300
    cases sha256  58cdb74c156bcd9957aeba4c784f1ce70b61beca57cb9ac2d005b4bab0bdc030
    seeds         split 7
    interval      95 %, 1000 resamples, seed 0
    ");
}

#[test]
fn a_comparison_prints_models_beside_each_other() {
    let (report, mut noisy) = (report(1.0), report(8.0));
    noisy.model = "noisy".to_owned();
    let comparison = compare_classifications([&report, &noisy]).unwrap();
    assert_eq!(comparison.reports().len(), 2);
    insta::assert_snapshot!(comparison, @r"
    model  ROC AUC  group AUC  average precision  log loss  normalised entropy  Brier score  calibration error
    model   0.7399     0.7419             0.7696    0.5930              0.8703       0.2037             0.0812
    noisy   0.6330     0.6471             0.7010    1.0141              1.4883       0.3128             0.2648

    data sha256   0123abcd
    split         by time, test
    measured      classification
    threshold     0.5
    bins          5 of equal mass
    weights       equal
    drawn         groups
    cases         300
    cases sha256  58cdb74c156bcd9957aeba4c784f1ce70b61beca57cb9ac2d005b4bab0bdc030
    seeds         split 7
    interval      95 %, 1000 resamples, seed 0
    ");
    let none: [&ClassificationReport; 0] = [];
    assert!(matches!(
        compare_classifications(none).unwrap_err(),
        EvaluationError::NoReports
    ));
}

#[test]
fn a_report_holds_what_the_single_measures_give() {
    let (report, found) = (report(1.0), clicks(1.0));
    assert_eq!(report.value(Metric::RocAuc), roc_auc(&found).ok());
    assert_eq!(report.value(Metric::LogLoss), log_loss(&found).ok());
    let groups = group_auc(&found).unwrap();
    assert_eq!(report.groups, Some(groups));
    assert_eq!(report.value(Metric::GroupAuc), Some(groups.value));
    let bins = CalibrationBins::EqualMass(5);
    let error = expected_calibration_error(&found, bins).ok();
    assert_eq!(report.value(Metric::ExpectedCalibrationError), error);
    let confusion = confusion_at(&found, 0.5).unwrap();
    assert_eq!(report.value(Metric::F1), confusion.f1());
    let rows: usize = report.histogram.n_rows.iter().sum();
    assert_eq!((rows, report.histogram.n_rows.len()), (300, 20));
    for metric in Metric::ALL {
        let Interval { low, high } = report.estimate(metric).unwrap().interval.unwrap();
        assert!(low < high, "{metric}");
        let value = report.value(metric).unwrap();
        // Drawn rows lie beside each other's bins, which makes the calibration error of a resample larger.
        let is_error = metric == Metric::ExpectedCalibrationError;
        assert!(value < high && (low < value || is_error), "{metric}");
    }
}

#[test]
fn what_is_undefined_is_left_out() {
    // No prediction reaches the threshold; no group has both classes.
    let found = cases(&[0.1, 0.2, 0.3, 0.1], &[true, false, true, false]);
    let found = found.with_groups(vec![1, 2, 1, 2]).unwrap();
    let report = evaluate_classification("", &found, &ClassificationSettings::default()).unwrap();
    assert_eq!(report.value(Metric::Precision), None);
    assert_eq!(
        (report.value(Metric::GroupAuc), report.groups),
        (None, None)
    );
    assert_eq!(report.value(Metric::Recall), Some(0.0));
    // Some of the resamples hold one group twice, and so one class alone.
    assert!(report.estimate(Metric::RocAuc).unwrap().interval.is_none());
    assert!(report.estimate(Metric::LogLoss).unwrap().interval.is_some());
    let text = report.to_string();
    assert!(!text.contains("group AUC") && !text.contains("\nprecision"));
}

#[test]
fn a_part_of_the_cases_is_measured_like_cases_of_its_own() {
    let (report, all) = (report(1.0), clicks(1.0));
    let rows: Vec<usize> = (0..300).filter(|row| row % 4 == 1).collect();
    let part = cases(
        &rows
            .iter()
            .map(|&row| all.probabilities()[row])
            .collect::<Vec<_>>(),
        &rows
            .iter()
            .map(|&row| all.labels()[row])
            .collect::<Vec<_>>(),
    );
    let part = evaluate_classification("se", &part, &settings()).unwrap();
    let found = &report.segments["country"]["se"];
    assert_eq!((found.n_rows, found.n_positives), (75, part.n_positives));
    for metric in Metric::ALL
        .into_iter()
        .filter(|metric| *metric != Metric::GroupAuc)
    {
        assert_eq!(
            found.metrics.get(metric.name()).copied(),
            part.value(metric),
            "{metric}"
        );
    }
    // One row has no ranking, but a loss.
    let single = &report.segments["device"]["tv"];
    assert_eq!(single.n_rows, 1);
    assert!(!single.metrics.contains_key("roc_auc"));
    assert!(single.metrics.contains_key("log_loss"));
}

#[test]
fn a_report_survives_json_but_for_its_cases() {
    let report = report(1.0);
    let json = serde_json::to_string(&report).unwrap();
    let read: ClassificationReport = serde_json::from_str(&json).unwrap();
    assert_eq!(read.to_string(), report.to_string());
    read.protocol.same_as(&report.protocol).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    for end in ["mean", "low", "high"] {
        assert!(parsed["metrics"]["roc_auc"][end].is_f64(), "{end}");
    }
    assert_eq!(parsed["protocol"]["measurement"], "classification");
    let error = report.difference_from(&read, Metric::RocAuc).unwrap_err();
    assert!(matches!(
        error,
        EvaluationError::NoCaseValues { model, metric } if model == "model" && metric == "roc_auc"
    ));
}

#[test]
fn a_difference_is_measured_on_the_same_resamples() {
    let (ours, theirs) = (report(1.0), report(3.0));
    for metric in [
        Metric::RocAuc,
        Metric::GroupAuc,
        Metric::LogLoss,
        Metric::BrierScore,
    ] {
        let found = ours.difference_from(&theirs, metric).unwrap().unwrap();
        let expected = ours.value(metric).unwrap() - theirs.value(metric).unwrap();
        assert!((found.mean - expected).abs() < 1e-12);
        let width = |interval: Option<Interval>| interval.map(|i| i.high - i.low).unwrap();
        // The models agree on most rows, so that their values rise and fall together.
        let single = width(ours.estimate(metric).unwrap().interval);
        assert!(width(found.interval) < 0.8 * single, "{metric}");
        let none = ours.difference_from(&ours, metric).unwrap().unwrap();
        let interval = none.interval.unwrap();
        assert_eq!((none.mean, interval.low, interval.high), (0.0, 0.0, 0.0));
    }
}

#[test]
fn a_difference_where_the_metric_is_undefined_is_none() {
    let found = cases(&[0.1, 0.2, 0.3, 0.1], &[true, false, true, false]);
    let low = evaluate_classification("low", &found, &ClassificationSettings::default()).unwrap();
    let high = found.with_probabilities(vec![0.9; 4]).unwrap();
    let high = evaluate_classification("high", &high, &ClassificationSettings::default()).unwrap();
    assert_eq!(low.difference_from(&high, Metric::Precision).unwrap(), None);
    // What is undefined before a metric does not shift it.
    let recall = low.difference_from(&high, Metric::Recall).unwrap().unwrap();
    assert_eq!(recall.mean, -1.0);
}

#[test]
fn results_under_different_protocols_refuse_to_be_compared() {
    let base = report(1.0);
    let all = clicks(1.0);
    let other_settings = |change: &dyn Fn(&mut ClassificationSettings)| {
        let mut settings = settings();
        change(&mut settings);
        evaluate_classification("other", &all, &settings).unwrap()
    };
    let mut labels = all.labels().to_vec();
    let other = labels.iter().position(|label| *label != labels[0]).unwrap();
    labels.swap(0, other);
    let other_cases =
        |cases: ClassificationCases| evaluate_classification("other", &cases, &settings()).unwrap();
    let ungrouped = cases(all.probabilities(), all.labels());
    let reports = [
        (
            "threshold",
            other_settings(&|settings| settings.threshold = 0.4),
        ),
        (
            "bins",
            other_settings(&|settings| settings.bins = CalibrationBins::EqualWidth(5)),
        ),
        (
            "interval",
            other_settings(&|settings| settings.interval = None),
        ),
        (
            "split",
            other_settings(&|settings| settings.origin.split = None),
        ),
        ("drawn", other_cases(ungrouped)),
        (
            "weights",
            other_cases(all.clone().with_weights(vec![2.0; 300]).unwrap()),
        ),
        (
            "cases sha256",
            other_cases(
                cases(all.probabilities(), &labels)
                    .with_groups(all.groups().unwrap().to_vec())
                    .unwrap(),
            ),
        ),
    ];
    for (expected, other) in reports {
        let error = base.difference_from(&other, Metric::RocAuc).unwrap_err();
        assert!(
            matches!(error, EvaluationError::ProtocolsDiffer { field, .. } if field == expected),
            "{expected}: {error}"
        );
        assert!(compare_classifications([&base, &other]).is_err());
    }
}

#[test]
fn rows_of_a_group_are_drawn_together() {
    // Each row ten times over, by user: an interval that drew single rows would be a third as wide.
    let few = cases(clicks(1.0).probabilities(), clicks(1.0).labels());
    let repeat = |row: usize| row / 10;
    let many = cases(
        &(0..3000)
            .map(|row| few.probabilities()[repeat(row)])
            .collect::<Vec<_>>(),
        &(0..3000)
            .map(|row| few.labels()[repeat(row)])
            .collect::<Vec<_>>(),
    );
    let users = (0..3000).map(|row| repeat(row) as u64).collect();
    let by_user = many.clone().with_groups(users).unwrap();
    let interval = |cases: &ClassificationCases, metric| {
        let report = evaluate_classification("", cases, &settings()).unwrap();
        report.estimate(metric).unwrap().interval.unwrap()
    };
    for metric in [Metric::RocAuc, Metric::LogLoss, Metric::PositiveShare] {
        let (expected, found) = (interval(&few, metric), interval(&by_user, metric));
        assert!((expected.low - found.low).abs() < 1e-9, "{metric}");
        assert!((expected.high - found.high).abs() < 1e-9, "{metric}");
        let single = interval(&many, metric);
        let ratio = (single.high - single.low) / (found.high - found.low);
        assert!((0.25..0.4).contains(&ratio), "{metric}: {ratio}");
    }
}

#[test]
fn intervals_hold_the_true_auc_as_often_as_they_say() {
    // Scores of negatives are uniform on [0, 1], of positives the larger of two such: the true AUC is 2/3.
    let holds = |world: u64| {
        let mut generator = RandomKey::new(11).step(world).generator();
        let labels: Vec<bool> = (0..150).map(|row| row % 3 == 0).collect();
        let mut score = |positive: &bool| {
            let (a, b) = (generator.random::<f64>(), generator.random::<f64>());
            if *positive { a.max(b) } else { a }
        };
        let probabilities: Vec<f64> = labels.iter().map(&mut score).collect();
        let settings = ClassificationSettings {
            interval: Some(IntervalSettings {
                n_resamples: 300,
                level: 0.9,
                seed: world,
            }),
            ..ClassificationSettings::default()
        };
        let report = evaluate_classification("", &cases(&probabilities, &labels), &settings);
        let Interval { low, high } = report
            .unwrap()
            .estimate(Metric::RocAuc)
            .unwrap()
            .interval
            .unwrap();
        low <= 2.0 / 3.0 && 2.0 / 3.0 <= high
    };
    let share = (0..400).filter(|&world| holds(world)).count() as f64 / 400.0;
    // The standard error of the share is 1.5 %.
    assert!((0.855..=0.945).contains(&share), "{share}");
}

#[test]
fn the_same_cases_give_the_same_report_on_any_number_of_threads() {
    let on_threads = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| report(1.0))
    };
    assert_eq!(on_threads(1), on_threads(3));
}
