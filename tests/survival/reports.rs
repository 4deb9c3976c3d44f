//! Reports hold, print and compare what was measured, and their intervals hold the truth as often as they say.

use rand::RngExt;
use salient::evaluation::survival::{
    KaplanMeier, RiskGroupPoint, SurvivalMetric, SurvivalReport, SurvivalSettings, brier_score_at,
    brier_skill, calibration_at, evaluate_survival, integrated_brier_score, roc_auc_at,
    time_dependent_concordance,
};
use salient::evaluation::{EvaluationError as E, Interval, IntervalSettings};
use salient::random::RandomKey;

use super::measures::brute_concordance;
use super::{World, cases, exponential, world};
use crate::support::assert_close;

fn settings(n_resamples: usize) -> SurvivalSettings {
    SurvivalSettings {
        times: (0..=40).map(|step| f64::from(step) / 4.0).collect(),
        horizons: vec![3.0, 8.0],
        n_bins: 4,
        interval: Some(IntervalSettings {
            n_resamples,
            ..IntervalSettings::default()
        }),
        ..SurvivalSettings::default()
    }
}

fn report(world: &World, settings: &SurvivalSettings) -> SurvivalReport {
    evaluate_survival("a model", &world.cases, &world.curves, settings).unwrap()
}

#[test]
fn a_report_holds_what_the_functions_say() {
    let world = world(1, 400, 2.0, true);
    let settings = settings(50);
    let report = report(&world, &settings);
    let (cases, curves, times) = (&world.cases, &world.curves, &settings.times);
    let found = SurvivalMetric::ALL.map(|metric| report.value(metric).unwrap());
    let score = integrated_brier_score(cases, curves, times).unwrap();
    let skill = brier_skill(cases, curves, times).unwrap().unwrap();
    let concordance = time_dependent_concordance(cases, curves).unwrap();
    let expected = [concordance, score, score / (1.0 - skill), skill];
    assert_close(&found, &expected, 1e-12);
    assert_eq!((report.n_rows, report.n_events), (400, cases.n_events()));
    let censored = 400 - cases.n_events();
    assert_eq!(report.censored_share, censored as f64 / 400.0);
    let curve = KaplanMeier::fit(cases);
    for (horizon, time) in report.horizons.iter().zip([3.0, 8.0]) {
        assert_eq!(horizon.time, time);
        let expected = brier_score_at(cases, curves, time).unwrap();
        assert_eq!(horizon.brier_score, expected);
        // One curve for all errs by S (1 - S).
        let survival = curve.survival_at(time);
        let expected = survival * (1.0 - survival);
        assert_close(&[horizon.kaplan_meier_brier_score], &[expected], 1e-12);
        assert_eq!(
            horizon.roc_auc,
            Some(roc_auc_at(cases, curves, time).unwrap())
        );
        let bins = calibration_at(cases, curves, time, 4, 0.95).unwrap();
        let error = bins
            .iter()
            .map(|bin| (bin.mean_prediction - bin.observed.unwrap()).abs());
        let expected = error.sum::<f64>() / 4.0;
        assert_close(&[horizon.calibration_error.unwrap()], &[expected], 1e-12);
        assert_eq!(horizon.calibration, bins);
    }
}

#[test]
fn risk_groups_are_quarters_beside_their_own_kaplan_meier() {
    let world = world(2, 400, 0.0, true);
    let groups = report(&world, &settings(2)).risk_groups;
    assert_eq!(
        groups.iter().map(|group| group.n_rows).collect::<Vec<_>>(),
        [100; 4]
    );
    // The highest risk first: of the true rates, the highest quarter.
    let mut rows: Vec<usize> = (0..400).collect();
    rows.sort_by(|&a, &b| world.rates[b].total_cmp(&world.rates[a]));
    for (group, rows) in groups.iter().zip(rows.chunks(100)) {
        let durations: Vec<f64> = rows
            .iter()
            .map(|&row| world.cases.durations()[row])
            .collect();
        let events: Vec<bool> = rows.iter().map(|&row| world.cases.events()[row]).collect();
        let curve = KaplanMeier::fit(&cases(&durations, &events));
        assert_eq!(
            group.n_events,
            events.iter().filter(|event| **event).count()
        );
        assert_eq!(group.points.len(), 101);
        for (step, point) in (0..).zip(&group.points) {
            assert_close(&[point.time], &[f64::from(step) / 10.0], 1e-12);
            assert_eq!(point.observed, Some(curve.survival_at(point.time)));
            assert_eq!(point.interval, curve.interval_at(point.time, 0.95).unwrap());
            let mean = rows
                .iter()
                .map(|&row| world.curves.survival_at(row, point.time));
            assert_close(&[point.predicted], &[mean.sum::<f64>() / 100.0], 1e-12);
        }
    }
}

#[test]
fn times_go_to_the_last_with_support_and_others_are_counted() {
    let durations = [1.0, 2.0, 3.0, 4.0, 6.0, 6.0];
    let six = cases(&durations, &[true, true, false, true, false, false]);
    let curves = exponential(&[0.3, 0.2, 0.1, 0.1, 0.1, 0.1]);
    let with = |times: &[f64]| SurvivalSettings {
        times: times.to_vec(),
        ..SurvivalSettings::default()
    };
    let protocol = |times: &[f64]| {
        let report = evaluate_survival("m", &six, &curves, &with(times)).unwrap();
        serde_json::to_value(&report.protocol).unwrap()
    };
    // From 6 on all that are left are censored.
    let asked = protocol(&[1.0, 5.0, 5.9, 6.0, 7.0]);
    assert_eq!(asked["times"], serde_json::json!([1.0, 5.0, 5.9]));
    assert_eq!(asked["n_times_left_out"], 2);
    let default = protocol(&[]);
    let times = super::measures::floats(&default["times"]);
    assert_eq!((times.len(), times[0], times[100]), (101, 0.0, 4.0));
    let error = evaluate_survival("m", &six, &curves, &with(&[1.0, 6.0])).unwrap_err();
    assert!(matches!(
        error,
        E::TooFewTimes {
            n_times: 1,
            needed: 2
        }
    ));
}

#[test]
fn intervals_are_those_of_a_bootstrap_over_pairs() {
    let world = world(3, 150, 2.0, true);
    let report = report(&world, &settings(2000));
    let found = report.estimate(SurvivalMetric::Concordance).unwrap();
    let mut generator = RandomKey::new(99).generator();
    let mut draws: Vec<f64> = (0..2000)
        .map(|_| {
            let mut counts = vec![0; 150];
            (0..150).for_each(|_| counts[generator.random_range(0..150usize)] += 1);
            let survival = |row, time| world.curves.survival_at(row, time);
            brute_concordance(&world.cases, survival, &counts)
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    let Interval { low, high } = found.interval.unwrap();
    let (expected_low, expected_high) = (draws[50], draws[1949]);
    let width = expected_high - expected_low;
    assert!(
        (low - expected_low).abs() < 0.08 * width,
        "{low}, {expected_low}"
    );
    assert!(
        (high - expected_high).abs() < 0.08 * width,
        "{high}, {expected_high}"
    );
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    let truth = report(&world(1000, 20_000, 2.0, true), &settings(2));
    let metrics = [
        SurvivalMetric::Concordance,
        SurvivalMetric::IntegratedBrierScore,
        SurvivalMetric::BrierSkill,
    ];
    let mut n_inside = [0; 3];
    for seed in 0..200 {
        let found = report(&world(seed, 200, 2.0, true), &settings(200));
        for (n_inside, metric) in n_inside.iter_mut().zip(metrics) {
            let truth = truth.value(metric).unwrap();
            let interval = found.estimate(metric).unwrap().interval.unwrap();
            *n_inside += usize::from(interval.low < truth && truth < interval.high);
        }
    }
    // 190 of 200 are expected, give or take 3 standard errors and what 200 customers are too few for.
    assert!(
        n_inside.iter().all(|n| (178..=199).contains(n)),
        "{n_inside:?}"
    );
}

#[test]
fn models_are_compared_on_the_same_resamples() {
    let world = world(4, 400, 3.0, true);
    let settings = settings(300);
    let ours = evaluate_survival("truth", &world.cases, &world.truth, &settings).unwrap();
    let theirs = report(&world, &settings);
    for metric in SurvivalMetric::ALL {
        let found = ours.difference_from(&theirs, metric).unwrap().unwrap();
        let (left, right) = (
            ours.estimate(metric).unwrap(),
            theirs.estimate(metric).unwrap(),
        );
        assert_close(&[found.mean], &[left.mean - right.mean], 1e-12);
        let width = |interval: Option<Interval>| interval.map(|i| i.high - i.low).unwrap();
        assert!(width(found.interval) < width(left.interval) + width(right.interval));
    }
    let gain = ours.difference_from(&theirs, SurvivalMetric::Concordance);
    assert!(gain.unwrap().unwrap().interval.unwrap().low > 0.0);

    let other = evaluate_survival("m", &world.cases, &world.curves, &self::settings(301));
    let error = ours.difference_from(&other.unwrap(), SurvivalMetric::Concordance);
    assert!(matches!(
        error,
        Err(E::ProtocolsDiffer {
            field: "interval",
            ..
        })
    ));
    let earlier = SurvivalSettings {
        times: vec![0.0, 5.0, 10.0],
        ..settings.clone()
    };
    let other = evaluate_survival("m", &world.cases, &world.curves, &earlier).unwrap();
    let error = ours.difference_from(&other, SurvivalMetric::Concordance);
    assert!(matches!(
        error,
        Err(E::ProtocolsDiffer { field: "times", .. })
    ));
    let json = serde_json::to_string(&ours).unwrap();
    let read: SurvivalReport = serde_json::from_str(&json).unwrap();
    let error = read.difference_from(&theirs, SurvivalMetric::Concordance);
    assert!(matches!(error, Err(E::NoCaseValues { .. })));
}

#[test]
fn a_report_prints_and_survives_json() {
    let found = report(&world(6, 500, 2.0, true), &settings(200));
    let json = serde_json::to_string(&found).unwrap();
    let read: SurvivalReport = serde_json::from_str(&json).unwrap();
    assert_eq!(read.to_string(), found.to_string());
    assert_eq!(read.risk_groups.len(), 4);
    let (left, right) = (&read.risk_groups[3].points, &found.risk_groups[3].points);
    let predicted = |points: &[RiskGroupPoint]| -> Vec<f64> {
        points.iter().map(|point| point.predicted).collect()
    };
    assert_close(&predicted(left), &predicted(right), 1e-15);
    insta::assert_snapshot!(found, @r"
    a model: 500 customers, 364 events, 27.2 % censored

    metric                                                     value
    time-dependent concordance               0.6299 [0.6002, 0.6574]
    integrated Brier score                   0.1972 [0.1817, 0.2113]
    integrated Brier score of Kaplan-Meier   0.2059 [0.1965, 0.2179]
    Brier skill over Kaplan-Meier           0.0421 [-0.0222, 0.1168]

    horizon  Brier score  of Kaplan-Meier  ROC AUC  calibration error
    3             0.2366           0.2471   0.6684             0.0903
    8             0.1914           0.2019   0.7124             0.0908

    predicted by 3  customers  events  Kaplan-Meier          interval
    0.1479                125      30        0.2693  [0.1963, 0.3626]
    0.2986                125      43        0.3562  [0.2777, 0.4489]
    0.4786                125      61        0.5222  [0.4345, 0.6160]
    0.7729                125      75        0.6340  [0.5472, 0.7206]

    predicted by 8  customers  events  Kaplan-Meier          interval
    0.3436                125      55        0.5254  [0.4320, 0.6254]
    0.6076                125      76        0.6804  [0.5888, 0.7688]
    0.8191                125      86        0.7965  [0.7085, 0.8722]
    0.9694                125      99        0.8835  [0.8096, 0.9384]

    data sha256     unknown
    split           unknown
    measured        survival
    times           41 from 0 to 10, sha256 f1e92d38
    times left out  0
    horizons        3, 8
    bins            4 of equal mass
    censoring       Kaplan-Meier of the cases
    cases           500
    cases sha256    5834020679154db7bd9f7bc25d42ddbbce02144286f6c7cf029aa31ae78a711e
    seeds           none
    interval        95 %, 200 resamples, seed 0
    ");
}

#[test]
fn all_who_churned_can_be_judged_without_an_interval() {
    let world = world(7, 100, 1.0, false);
    let settings = SurvivalSettings {
        interval: None,
        ..SurvivalSettings::default()
    };
    let found = report(&world, &settings);
    assert_eq!(found.censored_share, 0.0);
    let concordance = found.estimate(SurvivalMetric::Concordance).unwrap();
    assert!(concordance.interval.is_none() && concordance.mean > 0.6);
    assert!(found.horizons.is_empty());
}
