//! Ranking metrics are what their formulas say, for any scores, ties included.

use std::collections::HashSet;

use proptest::prelude::*;
use salient::evaluation::ranking::{
    Candidates, RankingCase, RankingMetric, RankingReport, RankingSettings, Scorer, ScorerError,
    SeenItems, evaluate_ranking,
};

use crate::score_table::{Table, case, row_of, settings};

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
