//! A test on pairs calls chance by its name as often as it says, and finds what is there.

use proptest::prelude::*;
use rand::RngExt;
use salient::evaluation::ranking::{
    RankingMetric, RankingReport, RankingSettings, evaluate_ranking, significance_between,
};
use salient::evaluation::{
    EvaluationError, IntervalSettings, SignificanceSettings, TestMethod, paired_test,
};
use salient::random::{CounterGenerator, RandomKey};

use crate::score_table::{Table, case, settings};

const N_ITEMS: usize = 20;

/// A report on a model that gives the target of each case this rank.
fn report_on_ranks(ranks: &[usize], settings: &RankingSettings) -> RankingReport {
    // The target is item 0; the others have the scores 1 to 19.
    let row = |&rank: &usize| {
        let others = (1..N_ITEMS).map(|score| score as f32);
        std::iter::once((N_ITEMS - rank) as f32 + 0.5)
            .chain(others)
            .collect()
    };
    let scorer = Table {
        n_items: N_ITEMS,
        rows: ranks.iter().map(row).collect(),
    };
    let cases: Vec<_> = (0..ranks.len()).map(|row| case(row, &[], &[0])).collect();
    evaluate_ranking(&cases, &scorer, settings).unwrap()
}

/// How often a model has the target among the first ten, for easy and hard users.
const CHANCES: [f64; 4] = [0.02, 0.1, 0.3, 0.7];

/// A rank for each user: most beyond the tenth, so that most values of NDCG at 10 are 0. `lift` adds to the chance of a hit.
fn draw_ranks(generator: &mut CounterGenerator, n_users: usize, lift: f64) -> Vec<usize> {
    let mut draw = |user: usize| match generator.random_bool(CHANCES[user % 4] + lift) {
        true => generator.random_range(1..=10),
        false => 15,
    };
    (0..n_users).map(&mut draw).collect()
}

fn resamples(n_resamples: usize, seed: u64) -> SignificanceSettings {
    SignificanceSettings { n_resamples, seed }
}

/// The p-values of 500 pairs of models, each on 200 users of its own.
fn p_values(lift: f64, seed: u64) -> Vec<f64> {
    let settings = settings(&[10]);
    let p_value = |pair: u64| {
        let mut generator = RandomKey::new(seed).step(pair).generator();
        let ours = draw_ranks(&mut generator, 200, lift);
        let theirs = draw_ranks(&mut generator, 200, 0.0);
        let (ours, theirs) = (
            report_on_ranks(&ours, &settings),
            report_on_ranks(&theirs, &settings),
        );
        let test = ours.significance_over(&theirs, RankingMetric::Ndcg, 10, &resamples(999, pair));
        test.unwrap().p_value
    };
    (0..500).map(p_value).collect()
}

fn share_up_to(p_values: &[f64], level: f64) -> f64 {
    p_values.iter().filter(|&&p| p <= level).count() as f64 / p_values.len() as f64
}

#[test]
fn models_that_differ_by_chance_are_told_apart_as_often_as_the_level_says() {
    // The standard error of the share of 500 pairs is 1 %, so that 4 sets of 100 lie beyond 2 %: of the seeds 0 to 39 there are
    // three, 0, 26 and 29, and the share of all 20,000 pairs is 4.9 %.
    let mut of_all = Vec::new();
    for seed in 1..=4 {
        let p_values = p_values(0.0, seed);
        let found = share_up_to(&p_values, 0.05);
        assert!((0.03..=0.07).contains(&found), "{seed}: {found}");
        of_all.extend(p_values);
    }
    // All of the distribution is uniform, not its end alone: three standard errors each.
    for (level, slack) in [(0.05, 0.015), (0.2, 0.027), (0.5, 0.034)] {
        let found = share_up_to(&of_all, level);
        assert!((found - level).abs() < slack, "{level}: {found}");
    }
}

#[test]
fn a_true_difference_is_found() {
    // A lift of 0.2 is 4.1 standard errors of the mean difference at 200 users: 0.985 by the normal approximation.
    let found = share_up_to(&p_values(0.2, 1), 0.05);
    assert!(found >= 0.95, "{found}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn a_p_value_is_the_share_of_all_signs(
        differences in prop::collection::vec(prop::sample::select(vec![-0.5, -0.3, 0.0, 0.1, 0.2, 0.3, 1.0]), 1..11),
        seed in 0..1000u64,
    ) {
        let total: f64 = differences.iter().sum();
        let signs = 0..1u32 << differences.len();
        let as_far = signs.clone().filter(|signs| {
            let signed = differences.iter().enumerate();
            let sum: f64 = signed.map(|(i, d)| if signs >> i & 1 == 1 { *d } else { -d }).sum();
            sum.abs() > total.abs() - 1e-9
        });
        let exact = as_far.count() as f64 / signs.len() as f64;
        let n = 4000;
        let found = paired_test(&differences, &resamples(n, seed), None).unwrap();
        // Five standard errors, and the ones that are added.
        let slack = 5.0 * (exact * (1.0 - exact) / n as f64).sqrt() + 1.0 / n as f64;
        prop_assert!((found.p_value - exact).abs() <= slack, "{} {exact}", found.p_value);
        prop_assert!((found.difference.mean - total / differences.len() as f64).abs() < 1e-12);
        let turned: Vec<f64> = differences.iter().map(|difference| -difference).collect();
        let turned = paired_test(&turned, &resamples(n, seed), None).unwrap();
        prop_assert_eq!(turned.p_value, found.p_value);
        prop_assert_eq!(turned.difference.mean, -found.difference.mean);
    }
}

#[test]
fn nothing_to_tell_apart_gives_one() {
    let p_value = |differences: &[f64]| {
        paired_test(differences, &resamples(500, 3), None)
            .unwrap()
            .p_value
    };
    assert_eq!(p_value(&[0.0; 50]), 1.0);
    assert_eq!(p_value(&[0.7]), 1.0);
    assert_eq!(p_value(&[0.3, -0.3]), 1.0);
    // Rounding: the sum is 5.6e-17, not 0.
    assert_eq!(p_value(&[0.1, 0.2, -0.3]), 1.0);
}

#[test]
fn no_p_value_is_zero() {
    let test = paired_test(&[0.25; 60], &resamples(999, 0), None).unwrap();
    assert_eq!(test.p_value, 0.001);
    assert_eq!((test.n_cases, test.n_resamples), (60, 999));
    assert_eq!(test.method, TestMethod::SignFlip);
    assert_eq!(
        test.to_string(),
        "0.2500, p = 0.0010 (sign flips, 60 cases, 999 resamples, seed 0)"
    );
}

#[test]
fn a_p_value_depends_on_the_seed_and_not_on_the_threads() {
    let differences: Vec<f64> = (0..300)
        .map(|i| f64::from(i * i % 17) / 8.0 - 0.95)
        .collect();
    let with_threads = |n, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
        let test = || paired_test(&differences, &resamples(2000, seed), None).unwrap();
        pool.unwrap().install(test)
    };
    assert_eq!(with_threads(1, 7), with_threads(3, 7));
    let other_seeds = (8..13).map(|seed| with_threads(2, seed).p_value);
    let p_value = with_threads(2, 7).p_value;
    assert!(other_seeds.clone().any(|other| other != p_value));
    assert!(
        other_seeds
            .into_iter()
            .all(|other| (other - p_value).abs() < 0.07)
    );
}

#[test]
fn a_report_is_tested_on_its_values_by_case() {
    let with_intervals = RankingSettings {
        interval: Some(IntervalSettings::default()),
        ..settings(&[5, 10])
    };
    let ours: Vec<usize> = (0..60).map(|user| 1 + user % 7).collect();
    let theirs: Vec<usize> = (0..60).map(|user| 1 + user * 5 % 12).collect();
    let report = |ranks: &[usize]| report_on_ranks(ranks, &with_intervals);
    let (ours, theirs) = (report(&ours), report(&theirs));
    let metric = RankingMetric::Mrr;
    let test = ours
        .significance_over(&theirs, metric, 5, &resamples(2000, 1))
        .unwrap();
    assert_eq!(
        test.difference,
        ours.improvement_over(&theirs, metric, 5).unwrap()
    );
    let values = |report: &RankingReport| report.values_by_case(metric, 5).unwrap();
    let differences: Vec<f64> = (values(&ours).iter().zip(values(&theirs)))
        .map(|(a, b)| a - b)
        .collect();
    let direct = paired_test(
        &differences,
        &resamples(2000, 1),
        with_intervals.interval.as_ref(),
    );
    assert_eq!(test, direct.unwrap());
    let json = serde_json::to_value(&test).unwrap();
    assert_eq!(json["method"], "sign_flip");
    assert!(json["difference"]["low"].is_f64() && json["p_value"].is_f64());
}

#[test]
fn models_of_several_seeds_are_tested_on_their_means() {
    let ranks =
        |factor: usize| -> Vec<usize> { (0..50).map(|user| 1 + user * factor % 14).collect() };
    let report = |factor| report_on_ranks(&ranks(factor), &settings(&[10]));
    let seeds = [report(1), report(3), report(5)];
    let [a, b, c] = &seeds;
    let other = report(9);
    let metric = RankingMetric::Ndcg;
    let between = |ours: &[&RankingReport], theirs: &[&RankingReport]| {
        significance_between(ours, theirs, metric, 10, &resamples(500, 0))
    };
    let values = |report: &RankingReport| report.values_by_case(metric, 10).unwrap();
    let expected: f64 = [a, b, c]
        .map(|seed| seed.mean(metric, 10).unwrap())
        .iter()
        .sum::<f64>()
        / 3.0
        - values(&other).iter().sum::<f64>() / 50.0;
    let test = between(&[a, b, c], &[&other]).unwrap();
    assert!((test.difference.mean - expected).abs() < 1e-12);
    // The same seeds in another order are the same model, down to the last bit.
    assert_eq!(between(&[a, b, c], &[c, a, b]).unwrap().p_value, 1.0);
    assert_eq!(
        between(&[a], &[&other]).unwrap(),
        a.significance_over(&other, metric, 10, &resamples(500, 0))
            .unwrap()
    );
    assert!(matches!(
        between(&[], &[a]),
        Err(EvaluationError::NoReports)
    ));
    assert!(matches!(
        between(&[a], &[]),
        Err(EvaluationError::NoReports)
    ));
}

#[test]
fn what_cannot_be_tested_is_refused() {
    use EvaluationError as E;
    let report =
        |cutoffs: &[usize], n_users: usize| report_on_ranks(&vec![3; n_users], &settings(cutoffs));
    let first = report(&[10], 4);
    let test = |other: &RankingReport, k, n| {
        first.significance_over(other, RankingMetric::Ndcg, k, &resamples(n, 0))
    };
    let field = |other: &RankingReport| match test(other, 10, 10) {
        Err(E::ProtocolsDiffer { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(&report(&[5, 10], 4)), "cutoffs");
    assert_eq!(field(&report(&[10], 5)), "cases");
    let found = test(&first, 5, 10).unwrap_err();
    assert!(matches!(found, E::NoCaseValues { metric, .. } if metric == "ndcg_at_5"));
    let read = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
    assert!(matches!(test(&read, 10, 10), Err(E::NoCaseValues { .. })));
    let found = test(&first, 10, 0).unwrap_err();
    assert_eq!(
        found.to_string(),
        "n_resamples is 0; a randomisation test needs at least 1"
    );
    assert!(matches!(found, E::NoResamples));
    let found = paired_test(&[0.1, f64::NAN], &resamples(10, 0), None).unwrap_err();
    assert_eq!(
        found.to_string(),
        "the difference of case 1 is NaN; differences must be finite"
    );
    assert!(matches!(found, E::DifferenceNotFinite { case: 1, .. }));
    let found = paired_test(&[], &resamples(10, 0), None).unwrap_err();
    assert!(matches!(found, E::NoCases));
}
