//! Survival of customers as a whole is that of textbooks and of lifelines.

use salient::evaluation::EvaluationError as E;
use salient::evaluation::survival::{KaplanMeier, SurvivalCases};

use super::{cases, tied, world};
use crate::support::{assert_close, golden};

/// Weeks in remission of the leukaemia patients who took 6-MP; `false` where they still were.
///
/// Freireich et al. 1963, as in Kleinbaum and Klein 2012, "Survival analysis", chapter 2.
fn freireich() -> SurvivalCases {
    let ended = [6.0, 6.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0];
    let censored = [
        6.0, 9.0, 10.0, 11.0, 17.0, 19.0, 20.0, 25.0, 32.0, 32.0, 34.0, 35.0,
    ];
    let events = [true; 9].into_iter().chain([false; 12]).collect();
    SurvivalCases::new([&ended[..], &censored[..]].concat(), events).unwrap()
}

#[test]
fn remission_under_6_mp_is_that_of_the_textbook() {
    let curve = KaplanMeier::fit(&freireich());
    let steps = curve.steps();
    let times: Vec<f64> = steps.iter().map(|step| step.time).collect();
    assert_eq!(times, [6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0]);
    let at_risk: Vec<usize> = steps.iter().map(|step| step.n_at_risk).collect();
    assert_eq!(at_risk, [21, 17, 15, 12, 11, 7, 6]);
    let survival: Vec<f64> = steps.iter().map(|step| step.survival).collect();
    let expected = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448];
    assert_close(&survival, &expected, 5e-4);
    // Printed by R's survfit for these data.
    let errors: Vec<f64> = steps
        .iter()
        .map(|step| step.standard_error.unwrap())
        .collect();
    let expected = [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346];
    assert_close(&errors, &expected, 5e-5);
    assert_eq!(curve.median(), Some(23.0));
    assert_eq!(curve.last_duration(), 35.0);
}

#[test]
fn curves_with_ties_and_their_intervals_are_those_of_lifelines() {
    let golden = &golden("survival")["tied"];
    let floats = |name: &str| super::measures::floats(&golden[name]);
    let cases = SurvivalCases::new(
        floats("durations"),
        super::measures::booleans(&golden["events"]),
    );
    let curve = KaplanMeier::fit(&cases.unwrap());
    let at = |value: &dyn Fn(f64) -> f64| -> Vec<f64> {
        floats("times").into_iter().map(value).collect()
    };
    let interval = |time: f64| curve.interval_at(time, 0.95).unwrap();
    assert_close(
        &at(&|time| curve.survival_at(time)),
        &floats("survival"),
        1e-12,
    );
    // The first time is before the first event, where lifelines writes 1. Its quantile of the normal distribution is exact to
    // double precision, ours to 1e-9.
    assert_eq!(interval(0.5), None);
    let low = at(&|time| interval(time).map_or(1.0, |interval| interval.low));
    assert_close(&low, &floats("low"), 1e-8);
    let high = at(&|time| interval(time).map_or(1.0, |interval| interval.high));
    assert_close(&high, &floats("high"), 1e-8);
    assert_eq!(curve.median(), golden["median"].as_f64());
}

#[test]
fn survival_before_an_event_is_higher_than_at_it() {
    let curve = KaplanMeier::fit(&cases(&[2.0, 2.0, 3.0, 5.0], &[true, false, true, true]));
    assert_eq!(curve.survival_before(2.0), 1.0);
    assert_eq!(curve.survival_at(2.0), 0.75);
    assert_eq!(curve.survival_before(3.0), 0.75);
    assert_eq!(curve.survival_at(3.0), 0.375);
    assert_eq!(
        (curve.survival_before(5.0), curve.survival_at(99.0)),
        (0.375, 0.0)
    );
    assert_eq!(curve.standard_error_at(1.0), Some(0.0));
    assert_eq!(curve.standard_error_at(5.0), None);
    assert_eq!(curve.interval_at(5.0, 0.95).unwrap(), None);
}

#[test]
fn a_median_that_is_never_reached_is_none() {
    assert_eq!(
        KaplanMeier::fit(&cases(&[1.0; 4], &[false; 4])).median(),
        None
    );
    let most = cases(&[1.0, 2.0, 2.0], &[true, false, false]);
    assert_eq!(KaplanMeier::fit(&most).median(), None);
    // Half of any number of customers is a half, however the product is rounded.
    for n in 1..60u32 {
        let durations: Vec<f64> = (1..=2 * n).map(f64::from).collect();
        let events = vec![true; durations.len()];
        let median = KaplanMeier::fit(&cases(&durations, &events)).median();
        assert_eq!(median, Some(f64::from(n)), "{n}");
    }
}

#[test]
fn who_is_at_risk_is_neither_gone_nor_censored() {
    // Events and censorings each thin out those who are left, whatever their order.
    for seed in 0..20 {
        let (cases, _) = tied(seed, 40);
        let (event, censoring) = (KaplanMeier::fit(&cases), KaplanMeier::fit_censoring(&cases));
        for time in (0..16).map(|half| f64::from(half) / 2.0) {
            let beyond = cases
                .durations()
                .iter()
                .filter(|&&left| left > time)
                .count();
            let product = event.survival_at(time) * censoring.survival_at(time);
            assert!((product - beyond as f64 / 40.0).abs() < 1e-12, "{time}");
        }
    }
}

#[test]
fn exponential_durations_survive_as_they_were_drawn() {
    let world = world(5, 20_000, 0.0, true);
    let curve = KaplanMeier::fit(&world.cases);
    let n = world.rates.len() as f64;
    for step in 1..=20 {
        let time = f64::from(step);
        let rates = world.rates.iter();
        let truth = rates.map(|rate| (-rate * time).exp()).sum::<f64>() / n;
        let error = curve.standard_error_at(time).unwrap();
        let distance = (curve.survival_at(time) - truth).abs();
        assert!(distance < 4.0 * error && error < 0.02, "{time}: {distance}");
    }
    // Censoring is uniform on 0..25.
    let censoring = KaplanMeier::fit_censoring(&world.cases);
    assert!((censoring.survival_at(10.0) - 0.6).abs() < 0.02);
}

#[test]
fn intervals_of_the_curve_hold_the_truth_about_as_often_as_they_say() {
    // The mean of exp(-rate) over the rates that durations are drawn by.
    let survival = (0..1000).map(|part| {
        let rate = 0.05 * 10f64.powf((f64::from(part) + 0.5) / 1000.0);
        (-5.0 * rate).exp()
    });
    let truth = survival.sum::<f64>() / 1000.0;
    let is_inside = |seed: &u64| {
        let curve = KaplanMeier::fit(&world(*seed, 200, 0.0, true).cases);
        let interval = curve.interval_at(5.0, 0.9).unwrap().unwrap();
        interval.low < truth && truth < interval.high
    };
    let n_inside = (0..300).filter(is_inside).count();
    // 270 are expected, give or take 3 standard errors.
    assert!((254..=286).contains(&n_inside), "{n_inside}");
}

#[test]
fn a_level_that_is_none_is_refused() {
    let curve = KaplanMeier::fit(&cases(&[1.0, 2.0], &[true, true]));
    for level in [0.0, 1.0, f64::NAN] {
        let error = curve.interval_at(1.0, level).unwrap_err();
        assert!(matches!(error, E::LevelOutOfRange { .. }));
    }
}
