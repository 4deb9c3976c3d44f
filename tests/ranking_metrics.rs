//! Ranking metrics are what their formulas say, for any scores, ties included.

use std::collections::HashSet;

use proptest::prelude::*;
use rand::RngExt;
use salient::evaluation::ranking::{
    Candidates, RankingCase, RankingMetric, RankingReport, RankingSettings, Scorer, ScorerError,
    SeenItems, Segment, compare, evaluate_ranking,
};
use salient::evaluation::{DataOrigin, EvaluationError, IntervalSettings, estimate_mean};
use salient::random::RandomKey;

/// Gives each case the row that its query time names, so that cases can be reordered.
struct Table {
    n_items: usize,
    rows: Vec<Vec<f32>>,
}

/// The row of a table that a case is scored by.
fn row_of(case: &RankingCase) -> usize {
    case.query_time_utc_millis.unwrap() as usize
}

impl Scorer for Table {
    fn name(&self) -> &str {
        "table"
    }

    fn n_items(&self) -> usize {
        self.n_items
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        for (case, row) in cases.iter().zip(scores.chunks_mut(self.n_items)) {
            row.copy_from_slice(&self.rows[row_of(case)]);
        }
        Ok(())
    }
}

fn case(row: usize, history: &[u32], targets: &[u32]) -> RankingCase {
    RankingCase {
        history: history.to_vec(),
        targets: targets.to_vec(),
        query_time_utc_millis: Some(row as i64),
        ..RankingCase::default()
    }
}

fn settings(cutoffs: &[usize]) -> RankingSettings {
    RankingSettings {
        cutoffs: cutoffs.to_vec(),
        interval: None,
        ..RankingSettings::default()
    }
}

/// A small world: few different scores, so that many are tied, and everything that may occur in a case.
#[derive(Clone, Debug)]
struct World {
    n_items: usize,
    rows: Vec<Vec<f32>>,
    cases: Vec<RankingCase>,
    settings: RankingSettings,
}

impl World {
    fn report(&self) -> RankingReport {
        self.report_on(&self.cases)
    }

    fn report_on(&self, cases: &[RankingCase]) -> RankingReport {
        let scorer = Table {
            n_items: self.n_items,
            rows: self.rows.clone(),
        };
        evaluate_ranking(cases, &scorer, &self.settings).unwrap()
    }

    fn values(&self, report: &RankingReport) -> Vec<Vec<f64>> {
        let value = |metric, &k| report.values_by_case(metric, k).unwrap();
        let metrics = RankingMetric::ALL.into_iter();
        metrics
            .flat_map(|metric| self.settings.cutoffs.iter().map(move |k| value(metric, k)))
            .collect()
    }
}

fn a_case(n_items: usize) -> impl Strategy<Value = (Vec<f32>, RankingCase)> {
    let item = 0..n_items as u32;
    let scores =
        prop::collection::vec(prop::sample::select(vec![-1.5f32, 0.0, 0.25, 3.0]), n_items);
    let history = prop::collection::vec(item.clone(), 0..8);
    let targets = prop::collection::hash_set(item, 0..=n_items.min(5));
    (scores, history, targets, 0..3usize).prop_map(|(scores, history, targets, n_unknown)| {
        let targets: Vec<u32> = targets.into_iter().collect();
        let case = RankingCase {
            n_unknown_targets: if targets.is_empty() { 1 } else { n_unknown },
            history,
            targets,
            ..RankingCase::default()
        };
        (scores, case)
    })
}

fn a_world() -> impl Strategy<Value = World> {
    (2..20usize).prop_flat_map(|n_items| {
        let cases = prop::collection::vec(a_case(n_items), 1..7);
        let allowed = prop::option::of(prop::collection::hash_set(0..n_items as u32, 2..=n_items));
        let seen = prop::bool::ANY;
        (cases, allowed, seen, 1..=n_items, 1..4usize).prop_map(
            move |(scored, allowed, seen, k, batch_size)| {
                let n_candidates = allowed.as_ref().map_or(n_items, HashSet::len);
                let (rows, mut cases): (Vec<_>, Vec<_>) = scored.into_iter().unzip();
                for (row, case) in (0..).zip(&mut cases) {
                    case.query_time_utc_millis = Some(row);
                }
                let allowed =
                    allowed.map(|items| Candidates::AllowList(items.into_iter().collect()));
                let settings = RankingSettings {
                    seen_items: if seen {
                        SeenItems::Filtered
                    } else {
                        SeenItems::Kept
                    },
                    candidates: allowed.unwrap_or(Candidates::All),
                    batch_size,
                    ..settings(&[1, k.min(n_candidates)])
                };
                World {
                    n_items,
                    rows,
                    cases,
                    settings,
                }
            },
        )
    })
}

/// The recommended items, best first, by a sort; the last of equals are the targets.
fn brute_force_list(world: &World, case: &RankingCase) -> Vec<u32> {
    let scores = &world.rows[row_of(case)];
    let may_appear = |item: &u32| {
        let is_allowed = match &world.settings.candidates {
            Candidates::All => true,
            Candidates::AllowList(items) => items.contains(item),
        };
        let is_hidden = world.settings.seen_items == SeenItems::Filtered
            && case.history.contains(item)
            && !case.targets.contains(item);
        is_allowed && !is_hidden
    };
    let mut list: Vec<u32> = (0..world.n_items as u32).filter(may_appear).collect();
    list.sort_by(|a, b| {
        let by_score = scores[*b as usize]
            .partial_cmp(&scores[*a as usize])
            .unwrap();
        by_score.then(case.targets.contains(a).cmp(&case.targets.contains(b)))
    });
    list
}

/// A metric from the list itself, place by place.
fn brute_force(metric: RankingMetric, k: usize, list: &[u32], case: &RankingCase) -> f64 {
    let relevant: Vec<bool> = list
        .iter()
        .take(k)
        .map(|item| case.targets.contains(item))
        .collect();
    let hits_until = |place: usize| relevant[..place].iter().filter(|hit| **hit).count() as f64;
    let hits = hits_until(relevant.len());
    let places = || (1..=relevant.len()).filter(|place| relevant[place - 1]);
    let n = (case.targets.len() + case.n_unknown_targets) as f64;
    match metric {
        RankingMetric::HitRate => hits.min(1.0),
        RankingMetric::Recall => hits / n,
        RankingMetric::Precision => hits / k as f64,
        RankingMetric::Mrr => places().next().map_or(0.0, |place| 1.0 / place as f64),
        RankingMetric::Map => {
            places()
                .map(|place| hits_until(place) / place as f64)
                .sum::<f64>()
                / n.min(k as f64)
        }
        RankingMetric::Ndcg => {
            let gain = |place: usize| std::f64::consts::LN_2 / (place as f64 + 1.0).ln();
            let ideal: f64 = (1..=k)
                .take_while(|place| *place as f64 <= n)
                .map(gain)
                .sum();
            places().map(gain).sum::<f64>() / ideal
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn metrics_equal_those_of_a_sorted_list(world in a_world()) {
        let report = world.report();
        for metric in RankingMetric::ALL {
            for &k in &world.settings.cutoffs {
                let found = report.values_by_case(metric, k).unwrap();
                let expected: Vec<f64> = world.cases.iter()
                    .map(|case| brute_force(metric, k, &brute_force_list(&world, case), case))
                    .collect();
                let pairs = found.iter().zip(&expected);
                prop_assert!(
                    pairs.clone().all(|(a, b)| (a - b).abs() < 1e-12),
                    "{}: {found:?} {expected:?}", metric.name_at(k)
                );
                let mean = expected.iter().sum::<f64>() / expected.len() as f64;
                prop_assert!((report.mean(metric, k).unwrap() - mean).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn batches_and_order_of_cases_do_not_change_a_case(world in a_world(), batch_size in 1..9usize) {
        let report = world.report();
        let mut other = world.clone();
        other.settings.batch_size = batch_size;
        prop_assert_eq!(&other.report(), &report);
        let reversed: Vec<RankingCase> = world.cases.iter().rev().cloned().collect();
        let mut values = world.values(&other.report_on(&reversed));
        values.iter_mut().for_each(|values| values.reverse());
        prop_assert_eq!(values, world.values(&report));
    }

    #[test]
    fn the_numbering_of_items_does_not_matter(world in a_world(), shift in 0..20u32) {
        let n_items = world.n_items as u32;
        let moved = |item: &u32| (item + shift) % n_items;
        let mut other = world.clone();
        for (row, old) in other.rows.iter_mut().zip(&world.rows) {
            for (item, score) in (0..).zip(old) {
                row[moved(&item) as usize] = *score;
            }
        }
        for case in &mut other.cases {
            case.history = case.history.iter().map(moved).collect();
            case.targets = case.targets.iter().rev().map(moved).collect();
        }
        if let Candidates::AllowList(items) = &world.settings.candidates {
            other.settings.candidates = Candidates::AllowList(items.iter().map(moved).collect());
        }
        prop_assert_eq!(world.values(&other.report()), world.values(&world.report()));
    }

    #[test]
    fn every_metric_lies_between_zero_and_one(world in a_world()) {
        let report = world.report();
        for values in world.values(&report) {
            prop_assert!(values.iter().all(|value| (0.0..=1.0).contains(value)), "{values:?}");
        }
        let k = *world.settings.cutoffs.last().unwrap();
        let at = |metric| report.mean(metric, k).unwrap();
        // No metric can be above the share of users with a hit, and one place later is not worth more.
        for metric in RankingMetric::ALL {
            prop_assert!(at(metric) <= at(RankingMetric::HitRate) + 1e-12);
            prop_assert!(report.mean(RankingMetric::Mrr, 1).unwrap() <= at(RankingMetric::Mrr));
        }
    }

    #[test]
    fn a_better_score_for_a_target_never_hurts(world in a_world(), lift in 0.0f32..4.0) {
        let mut lifted = world.clone();
        for case in &world.cases {
            for &target in case.targets.first().iter() {
                lifted.rows[row_of(case)][*target as usize] += lift;
            }
        }
        let (before, after) = (world.values(&world.report()), lifted.values(&lifted.report()));
        for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
            prop_assert!(after >= &(before - 1e-12), "{before} {after}");
        }
    }

    #[test]
    fn a_better_score_for_a_rival_never_helps(world in a_world(), rival in 0..20usize, lift in 0.0f32..4.0) {
        let mut lifted = world.clone();
        for case in &world.cases {
            let rival = rival % world.n_items;
            if !case.targets.contains(&(rival as u32)) {
                lifted.rows[row_of(case)][rival] += lift;
            }
        }
        let (before, after) = (world.values(&world.report()), lifted.values(&lifted.report()));
        for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
            prop_assert!(after <= &(before + 1e-12), "{before} {after}");
        }
    }

    #[test]
    fn a_constant_scorer_gains_nothing_from_ties(world in a_world(), constant in -2.0f32..2.0) {
        let mut constant_world = world.clone();
        constant_world.rows.iter_mut().for_each(|row| row.fill(constant));
        let report = constant_world.report();
        for &k in &world.settings.cutoffs {
            let hit_rates = report.values_by_case(RankingMetric::HitRate, k).unwrap();
            for (case, hit_rate) in world.cases.iter().zip(hit_rates) {
                let list = brute_force_list(&constant_world, case);
                let n_rivals = list.iter().filter(|item| !case.targets.contains(item)).count();
                if n_rivals >= k {
                    prop_assert_eq!(hit_rate, 0.0);
                }
            }
        }
    }
}

#[test]
fn metrics_equal_hand_computed_values() {
    let scorer = Table {
        n_items: 6,
        rows: vec![
            vec![0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
            vec![0.1, 0.2, 0.3, 0.3, 0.5, 0.6],
        ],
    };
    let cases = [
        // Item 0 was seen: the list is 1, 2, 3, 4, 5; targets at places 2 and 4, one more unknown.
        RankingCase {
            n_unknown_targets: 1,
            ..case(0, &[0], &[4, 2])
        },
        // The list is 5, 4, 3, 2, 1, 0, where target 2 comes after its equal 3: place 4.
        case(1, &[], &[2]),
    ];
    let report = evaluate_ranking(&cases, &scorer, &settings(&[4, 3])).unwrap();
    let check = |metric, k, first: f64, second: f64| {
        let found = report.values_by_case(metric, k).unwrap();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let name = metric.name_at(k);
        assert!(
            close(found[0], first) && close(found[1], second),
            "{name} {found:?}"
        );
        assert!(close(report.means()[&name], (first + second) / 2.0));
    };
    use RankingMetric::*;
    check(HitRate, 3, 1.0, 0.0);
    check(HitRate, 4, 1.0, 1.0);
    check(Recall, 3, 1.0 / 3.0, 0.0);
    check(Recall, 4, 2.0 / 3.0, 1.0);
    check(Precision, 3, 1.0 / 3.0, 0.0);
    check(Precision, 4, 0.5, 0.25);
    check(Mrr, 3, 0.5, 0.0);
    check(Mrr, 4, 0.5, 0.25);
    check(Map, 3, 1.0 / 6.0, 0.0);
    check(Map, 4, 1.0 / 3.0, 0.25);
    // 1 / log2(3) = 0.6309297536, 1 / log2(5) = 0.4306765581, ideal 1 + 0.6309297536 + 0.5 = 2.1309297536.
    check(Ndcg, 3, 0.296_081_910, 0.0);
    check(Ndcg, 4, 0.498_189_257, 0.430_676_558);
    assert_eq!(report.n_unknown_targets, 1);
    assert_eq!(report.n_users, 2);
}

#[test]
fn targets_outside_the_allow_list_are_misses_and_counted() {
    let scorer = Table {
        n_items: 3,
        rows: vec![vec![0.1, 0.2, 0.9]],
    };
    let settings = RankingSettings {
        candidates: Candidates::AllowList([0, 1].into()),
        ..settings(&[2])
    };
    let report = evaluate_ranking(&[case(0, &[], &[2, 0])], &scorer, &settings).unwrap();
    assert_eq!(report.n_targets_outside_candidates, 1);
    assert_eq!(report.mean(RankingMetric::Recall, 2), Some(0.5));
    assert_eq!(report.mean(RankingMetric::Mrr, 2), Some(0.5));
}

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

#[test]
fn never_more_than_a_batch_is_scored_at_once() {
    struct Strict;
    impl Scorer for Strict {
        fn name(&self) -> &str {
            "strict"
        }
        fn n_items(&self) -> usize {
            5
        }
        fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
            assert!((1..=3).contains(&cases.len()) && scores.len() == cases.len() * 5);
            scores.fill(0.0);
            Ok(())
        }
    }
    let cases: Vec<RankingCase> = (0..7).map(|row| case(row, &[], &[1])).collect();
    let settings = RankingSettings {
        batch_size: 3,
        ..settings(&[1])
    };
    evaluate_ranking(&cases, &Strict, &settings).unwrap();
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

fn refusal(cases: &[RankingCase], settings: &RankingSettings) -> EvaluationError {
    let scorer = Table {
        n_items: 3,
        rows: vec![vec![0.1, 0.2, 0.3]; 2],
    };
    evaluate_ranking(cases, &scorer, settings).unwrap_err()
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    use EvaluationError as E;
    let cases = [case(0, &[0], &[1])];
    let check = |settings: RankingSettings, message: &str| {
        let error = refusal(&cases, &settings);
        assert_eq!(error.to_string(), message);
        error
    };
    let error = check(settings(&[0, 2]), "cutoff k is 0; it must be at least 1");
    assert!(matches!(error, E::ZeroCutoff));
    let error = check(
        settings(&[4]),
        "cutoff k is 4, but the catalogue has 3 items; lower k",
    );
    assert!(matches!(error, E::CutoffExceedsItems { k: 4, n_items: 3 }));
    let error = check(settings(&[]), "no cutoffs; name at least one k, such as 10");
    assert!(matches!(error, E::NoCutoffs));
    let list = |items: &[u32]| RankingSettings {
        candidates: Candidates::AllowList(items.into()),
        ..settings(&[2])
    };
    let error = check(
        list(&[1, 1]),
        "cutoff k is 2, but the allow-list has 1 items; lower k",
    );
    assert!(matches!(
        error,
        E::CutoffExceedsCandidates {
            k: 2,
            n_candidates: 1
        }
    ));
    let error = check(
        list(&[1, 3]),
        "the allow-list holds item 3, but the catalogue has 3 items; catalogue indices start at 0",
    );
    assert!(matches!(
        error,
        E::CandidateOutOfRange {
            item: 3,
            n_items: 3
        }
    ));
    let error = check(
        RankingSettings {
            batch_size: 0,
            ..settings(&[1])
        },
        "batch_size is 0; it must be at least 1",
    );
    assert!(matches!(error, E::ZeroBatchSize));
    let interval = |n_resamples, level| RankingSettings {
        interval: Some(IntervalSettings {
            n_resamples,
            level,
            seed: 0,
        }),
        ..settings(&[1])
    };
    let error = check(
        interval(1, 0.9),
        "n_resamples is 1; a bootstrap interval needs at least 2",
    );
    assert!(matches!(error, E::TooFewResamples { n_resamples: 1 }));
    for level in [0.0, 1.0, f64::NAN] {
        let message =
            format!("interval level is {level}; it must lie between 0 and 1, both excluded");
        assert!(matches!(
            check(interval(2, level), &message),
            E::LevelOutOfRange { .. }
        ));
    }
}

#[test]
fn cases_that_make_no_sense_are_refused() {
    use EvaluationError as E;
    let check = |cases: &[RankingCase], message: &str| {
        let error = refusal(cases, &settings(&[3]));
        assert_eq!(error.to_string(), message);
        error
    };
    let good = case(0, &[0], &[1]);
    let second = |bad: RankingCase| [good.clone(), bad];
    assert!(matches!(
        check(&[], "no cases to evaluate; a mean needs at least one"),
        E::NoCases
    ));
    let error = check(
        &second(case(1, &[], &[])),
        "case 1 has no target, known or unknown; ranking metrics are undefined for it, leave it out",
    );
    assert!(matches!(error, E::NoTargets { case: 1 }));
    let error = check(
        &second(case(1, &[], &[3])),
        "case 1 has target 3, but the catalogue has 3 items; count targets outside it in n_unknown_targets",
    );
    assert!(matches!(
        error,
        E::TargetOutOfRange {
            case: 1,
            item: 3,
            n_items: 3
        }
    ));
    let error = check(
        &second(case(1, &[], &[2, 0, 2])),
        "case 1 has target 2 more than once; targets must be distinct",
    );
    assert!(matches!(error, E::RepeatedTarget { case: 1, item: 2 }));
    let error = check(
        &second(case(1, &[0, 9], &[2])),
        "the history of case 1 holds item 9, but the catalogue has 3 items; leave out items outside the catalogue",
    );
    assert!(matches!(
        error,
        E::HistoryOutOfRange {
            case: 1,
            item: 9,
            n_items: 3
        }
    ));
    let untimed = RankingCase {
        history_times_utc_millis: vec![5],
        ..case(1, &[0, 2], &[2])
    };
    let error = check(
        &second(untimed),
        "history_times_utc_millis of case 1 has 1 entries for a history of 2; give one an event, or none at all",
    );
    assert!(matches!(
        error,
        E::ColumnLength {
            case: 1,
            expected: 2,
            found: 1,
            ..
        }
    ));
}

/// Scores as told, without limits.
struct Unruly(fn(&[RankingCase], &mut [f32]) -> Result<(), ScorerError>);

impl Scorer for Unruly {
    fn name(&self) -> &str {
        "unruly"
    }

    fn n_items(&self) -> usize {
        3
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        (self.0)(cases, scores)
    }
}

#[test]
fn scores_that_cannot_be_ranked_are_refused_by_case_and_item() {
    let cases: Vec<RankingCase> = (0..5).map(|row| case(row, &[], &[1])).collect();
    let settings = RankingSettings {
        batch_size: 2,
        ..settings(&[1])
    };
    let spoiled = Unruly(|cases, scores| {
        scores.fill(0.5);
        if row_of(&cases[0]) == 2 {
            scores[5] = f32::NAN;
        }
        Ok(())
    });
    let error = evaluate_ranking(&cases, &spoiled, &settings).unwrap_err();
    let expected = "unruly gave item 2 of case 3 the score NaN; scores must be finite";
    assert_eq!(error.to_string(), expected);
    assert!(matches!(
        error,
        EvaluationError::NotFinite {
            case: 3,
            item: 2,
            ..
        }
    ));
    // A scorer that writes nothing does not pass for one that gave the scores of the batch before.
    let idle = Unruly(|cases, scores| {
        if row_of(&cases[0]) == 0 {
            scores.fill(0.5);
        }
        Ok(())
    });
    let error = evaluate_ranking(&cases, &idle, &settings).unwrap_err();
    assert!(matches!(
        error,
        EvaluationError::NotFinite {
            case: 2,
            item: 0,
            ..
        }
    ));
}

#[test]
fn a_scorer_that_fails_keeps_its_cause() {
    let failing = Unruly(|_, _| Err("out of memory".into()));
    let error = evaluate_ranking(&[case(0, &[], &[1])], &failing, &settings(&[1])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unruly failed to score the cases from 0 on"
    );
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "out of memory");
}
