//! Reports print, are stored and are compared as they say, and their intervals hold the truth as often as they say.

use rand::RngExt;
use salient::evaluation::ranking::{
    Candidates, RankingCase, RankingMetric, RankingReport, RankingSettings, SeenItems, Segment,
    compare, evaluate_ranking,
};
use salient::evaluation::{DataOrigin, EvaluationError, IntervalSettings, estimate_mean};
use salient::random::RandomKey;

use crate::score_table::{Table, case, settings};

#[test]
fn segments_are_means_of_their_cases() {
    let scorer = Table {
        n_items: 3,
        rows: vec![vec![0.3, 0.2, 0.1]; 3],
    };
    let in_segment = |value: &str, target| RankingCase {
        segments: vec![Segment::new("country", value), Segment::new("all", "yes")],
        ..case(0, &[], &[target])
    };
    let cases = [
        in_segment("no", 0),
        in_segment("se", 1),
        in_segment("no", 2),
    ];
    let report = evaluate_ranking(&cases, &scorer, &settings(&[1, 3])).unwrap();
    let group = |name: &str, value: &str| &report.segments[name][value];
    assert_eq!(group("country", "no").n_users, 2);
    assert_eq!(group("country", "no").metrics["hit_rate_at_1"], 0.5);
    assert_eq!(
        group("country", "no").metrics["mrr_at_3"],
        (1.0 + 1.0 / 3.0) / 2.0
    );
    assert_eq!(group("country", "se").metrics["mrr_at_3"], 0.5);
    assert_eq!(group("all", "yes").metrics, report.means());
}

/// A trained model's report and a baseline's, small enough to read.
fn two_reports() -> (RankingReport, RankingReport) {
    let origin = DataOrigin {
        data_sha256: Some("0123abcd".to_owned()),
        split: Some("leave-one-out, test".to_owned()),
        seeds: [("split".to_owned(), 7)].into(),
    };
    let settings = RankingSettings {
        cutoffs: vec![1, 10],
        origin,
        ..RankingSettings::default()
    };
    let cases: Vec<RankingCase> = (0..40u32)
        .map(|row| RankingCase {
            segments: vec![Segment::new("group", if row < 10 { "9-12" } else { "10+" })],
            n_unknown_targets: usize::from(row == 0),
            ..case(row as usize, &[], &[row % 12])
        })
        .collect();
    // The model's targets are low in the list for some rows alone, the baseline's for most.
    let score = |row: u32, item: u32, spread: u32| {
        (item * 5 + 11 - (row * row * spread) % 12 + row * 7) % 12
    };
    let row = |spread: u32| {
        move |row: u32| {
            (0..12)
                .map(|item| score(row, item, spread) as f32)
                .collect()
        }
    };
    let table = |offset| Table {
        n_items: 12,
        rows: (0..40).map(row(offset)).collect(),
    };
    let report = |offset| evaluate_ranking(&cases, &table(offset), &settings).unwrap();
    (report(3), report(1))
}

#[test]
fn a_report_prints_as_aligned_tables() {
    let (report, _) = two_reports();
    insta::assert_snapshot!(report, @r"
    table: 40 users
    targets outside the catalogue, each a miss: 1

    metric                        at 1                    at 10
    hit rate   0.5000 [0.3500, 0.6500]  1.0000 [1.0000, 1.0000]
    recall     0.4875 [0.3372, 0.6375]  0.9875 [0.9625, 1.0000]
    precision  0.5000 [0.3500, 0.6500]  0.1000 [0.1000, 0.1000]
    NDCG       0.5000 [0.3500, 0.6500]  0.7057 [0.6202, 0.7865]
    MRR        0.5000 [0.3500, 0.6500]  0.6250 [0.5125, 0.7375]
    MAP        0.5000 [0.3500, 0.6500]  0.6125 [0.4998, 0.7188]

    group, at 10  users  hit rate  recall  precision    NDCG     MRR     MAP
    9-12             10    1.0000  0.9500     0.1000  0.6767  0.6250  0.5750
    10+              30    1.0000  1.0000     0.1000  0.7153  0.6250  0.6250

    data sha256   0123abcd
    split         leave-one-out, test
    measured      ranking
    items         12
    candidates    all items
    seen items    filtered
    ties          against the target
    cutoffs       1, 10
    cases         40
    cases sha256  12cdbf7ba7e29627955a8096ef30a857fefb7a1e97025c5082c3014f387d99aa
    seeds         split 7
    interval      95 %, 1000 resamples, seed 0
    ");
}

#[test]
fn a_comparison_prints_models_beside_each_other() {
    let (report, mut baseline) = two_reports();
    baseline.model = "baseline".to_owned();
    let comparison = compare([&report, &baseline]).unwrap();
    assert_eq!(
        comparison.best(RankingMetric::Ndcg, 10).unwrap().model,
        "table"
    );
    assert_eq!(comparison.reports().len(), 2);
    insta::assert_snapshot!(comparison, @r"
    at 1      hit rate  recall  precision    NDCG     MRR     MAP
    table       0.5000  0.4875     0.5000  0.5000  0.5000  0.5000
    baseline    0.1750  0.1625     0.1750  0.1750  0.1750  0.1750

    at 10     hit rate  recall  precision    NDCG     MRR     MAP
    table       1.0000  0.9875     0.1000  0.7057  0.6250  0.6125
    baseline    1.0000  0.9875     0.1000  0.5467  0.4200  0.4075

    data sha256   0123abcd
    split         leave-one-out, test
    measured      ranking
    items         12
    candidates    all items
    seen items    filtered
    ties          against the target
    cutoffs       1, 10
    cases         40
    cases sha256  12cdbf7ba7e29627955a8096ef30a857fefb7a1e97025c5082c3014f387d99aa
    seeds         split 7
    interval      95 %, 1000 resamples, seed 0
    ");
}

#[test]
fn a_report_survives_json_but_for_its_values_by_case() {
    let (report, _) = two_reports();
    let json = serde_json::to_string(&report).unwrap();
    let read: RankingReport = serde_json::from_str(&json).unwrap();
    assert_eq!(read.to_string(), report.to_string());
    read.protocol.same_as(&report.protocol).unwrap();
    // The parser of JSON may miss a number by its last bit.
    for (name, mean) in report.means() {
        assert!((read.means()[&name] - mean).abs() < 1e-15, "{name}");
    }
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    for end in ["mean", "low", "high"] {
        assert!(parsed["metrics"]["ndcg_at_10"][end].is_f64(), "{end}");
    }
    let error = read.values_by_case(RankingMetric::Ndcg, 10).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the report on table holds no values of ndcg_at_10 by case; evaluate with that cutoff, and do not read the report from a file"
    );
}

#[test]
fn an_improvement_is_measured_case_by_case() {
    let (report, baseline) = two_reports();
    let metric = RankingMetric::Ndcg;
    let gain = report.improvement_over(&baseline, metric, 10).unwrap();
    let means = report.mean(metric, 10).unwrap() - baseline.mean(metric, 10).unwrap();
    assert!((gain.mean - means).abs() < 1e-12);
    let none = report.improvement_over(&report, metric, 10).unwrap();
    let interval = none.interval.unwrap();
    assert_eq!((none.mean, interval.low, interval.high), (0.0, 0.0, 0.0));
}

#[test]
fn results_under_different_protocols_refuse_to_be_compared() {
    let scorer = Table {
        n_items: 4,
        rows: vec![vec![0.1, 0.2, 0.3, 0.4]; 2],
    };
    let cases = [case(0, &[3], &[1]), case(1, &[], &[2])];
    let base = settings(&[1]);
    let report = |cases: &[RankingCase], settings: &RankingSettings| {
        evaluate_ranking(cases, &scorer, settings).unwrap()
    };
    let origin = |origin: DataOrigin| RankingSettings {
        origin,
        ..base.clone()
    };
    let other_settings = [
        (
            "seen items",
            "filtered",
            "kept",
            RankingSettings {
                seen_items: SeenItems::Kept,
                ..base.clone()
            },
        ),
        (
            "cutoffs",
            "1",
            "1, 2",
            RankingSettings {
                cutoffs: vec![2, 1],
                ..base.clone()
            },
        ),
        (
            "interval",
            "none",
            "95 %, 1000 resamples, seed 0",
            RankingSettings {
                interval: Some(IntervalSettings::default()),
                ..base.clone()
            },
        ),
        (
            "data sha256",
            "unknown",
            "ab",
            origin(DataOrigin {
                data_sha256: Some("ab".to_owned()),
                ..DataOrigin::default()
            }),
        ),
        (
            "split",
            "unknown",
            "by user",
            origin(DataOrigin {
                split: Some("by user".to_owned()),
                ..DataOrigin::default()
            }),
        ),
        (
            "seeds",
            "none",
            "split 3",
            origin(DataOrigin {
                seeds: [("split".to_owned(), 3)].into(),
                ..DataOrigin::default()
            }),
        ),
    ];
    let first = report(&cases, &base);
    for (field, left, right, settings) in other_settings {
        let error = compare([&first, &report(&cases, &settings)]).unwrap_err();
        let expected = format!(
            "results cannot be compared: {field} is {left} in one protocol and {right} in the other; evaluate both alike"
        );
        assert_eq!(error.to_string(), expected);
        assert!(
            matches!(error, EvaluationError::ProtocolsDiffer { field: found, .. } if found == field)
        );
    }
    let field_of = |other: &RankingReport| match compare([&first, other]).unwrap_err() {
        EvaluationError::ProtocolsDiffer { field, .. } => field,
        error => panic!("{error}"),
    };
    assert_eq!(field_of(&report(&cases[..1], &base)), "cases");
    let swapped = [cases[1].clone(), cases[0].clone()];
    assert_eq!(field_of(&report(&swapped, &base)), "cases sha256");
    let mut unknown = cases.clone();
    unknown[1].n_unknown_targets = 1;
    assert_eq!(field_of(&report(&unknown, &base)), "cases sha256");
    let list = |items: [u32; 2]| RankingSettings {
        candidates: Candidates::AllowList(items.into()),
        ..base.clone()
    };
    assert_eq!(field_of(&report(&cases, &list([1, 2]))), "candidates");
    assert!(
        compare([
            &report(&cases, &list([1, 2])),
            &report(&cases, &list([1, 3]))
        ])
        .is_err()
    );
    assert!(
        compare([
            &report(&cases, &list([1, 2])),
            &report(&cases, &list([2, 1]))
        ])
        .is_ok()
    );
    let error = first.improvement_over(&report(&swapped, &base), RankingMetric::Ndcg, 1);
    assert!(matches!(
        error,
        Err(EvaluationError::ProtocolsDiffer { .. })
    ));
    assert!(matches!(compare([]), Err(EvaluationError::NoReports)));
}

#[test]
fn a_bootstrap_interval_covers_the_truth_as_often_as_it_says() {
    // 1000 samples of 100 coin throws at 0.3. The percentile interval of a proportion of 100 covers a little less than its
    // level; four standard errors of the measured coverage are 0.028.
    let coin = RandomKey::new(11);
    let n_samples = 1000u64;
    let covered = (0..n_samples).filter(|&sample| {
        let mut generator = coin.step(sample).generator();
        let throws: Vec<f64> = (0..100)
            .map(|_| f64::from(u8::from(generator.random_bool(0.3))))
            .collect();
        let settings = IntervalSettings {
            n_resamples: 400,
            level: 0.95,
            seed: sample,
        };
        let interval = estimate_mean(&throws, Some(&settings))
            .unwrap()
            .interval
            .unwrap();
        interval.low <= 0.3 && 0.3 <= interval.high
    });
    let coverage = covered.count() as f64 / n_samples as f64;
    assert!((0.915..=0.97).contains(&coverage), "{coverage}");
}

#[test]
fn an_interval_depends_on_seed_and_level_alone() {
    let values: Vec<f64> = (0..200).map(|case| f64::from(case % 7) / 7.0).collect();
    let interval = |level, seed| {
        let settings = IntervalSettings {
            level,
            seed,
            ..IntervalSettings::default()
        };
        estimate_mean(&values, Some(&settings))
            .unwrap()
            .interval
            .unwrap()
    };
    assert_eq!(interval(0.95, 1), interval(0.95, 1));
    assert_ne!(interval(0.95, 1), interval(0.95, 2));
    let (wide, narrow) = (interval(0.99, 1), interval(0.5, 1));
    assert!(wide.low < narrow.low && narrow.low < narrow.high && narrow.high < wide.high);
    // The normal approximation: the standard deviation of 0..7 is 2, over 7 and the root of 200.
    let half_width = 1.96 * 2.0 / 7.0 / 200f64.sqrt();
    let found = interval(0.95, 3);
    assert!(
        ((found.high - found.low) / 2.0 / half_width - 1.0).abs() < 0.1,
        "{found:?}"
    );
}
