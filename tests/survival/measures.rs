//! Measures of curves are their definitions, at ties and under censoring.

use rayon::ThreadPoolBuilder;
use salient::evaluation::classification::{ClassificationCases, brier_score, roc_auc};
use salient::evaluation::survival::{
    KaplanMeier, SurvivalCases, SurvivalCurves, brier_score_at, brier_skill, calibration_at,
    harrell_concordance, integrated_brier_score, roc_auc_at, time_dependent_concordance,
};
use serde_json::Value;

use super::{cases, exponential, tied, world};
use crate::support::{assert_close, golden};

pub(crate) fn floats(value: &Value) -> Vec<f64> {
    let values = value.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

pub(crate) fn booleans(value: &Value) -> Vec<bool> {
    let values = value.as_array().unwrap().iter();
    values.map(|value| value.as_bool().unwrap()).collect()
}

/// The share that is not censored before `time`, or at it if that counts: customer by customer, events first.
fn uncensored(cases: &SurvivalCases, time: f64, at_it: bool) -> f64 {
    let (durations, events) = (cases.durations(), cases.events());
    let rows = 0..cases.n_rows();
    let mut times: Vec<f64> = durations.to_vec();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let counted = |u: &f64| *u < time || at_it && *u == time;
    let mut share = 1.0;
    for u in times.into_iter().filter(counted) {
        let is_at_risk = |row: &usize| durations[*row] > u || durations[*row] == u && !events[*row];
        let at_risk = rows.clone().filter(is_at_risk).count() as f64;
        let censored = rows
            .clone()
            .filter(|&row| durations[row] == u && !events[row]);
        let n_censored = censored.count() as f64;
        if n_censored > 0.0 {
            share *= 1.0 - n_censored / at_risk;
        }
    }
    share
}

fn brute_brier(cases: &SurvivalCases, curves: &SurvivalCurves, time: f64) -> f64 {
    let mut sum = 0.0;
    for row in 0..cases.n_rows() {
        let survival = curves.survival_at(row, time);
        let duration = cases.durations()[row];
        if duration > time {
            sum += (1.0 - survival).powi(2) / uncensored(cases, time, true);
        } else if cases.events()[row] {
            sum += survival.powi(2) / uncensored(cases, duration, false);
        }
    }
    sum / cases.n_rows() as f64
}

fn brute_auc(cases: &SurvivalCases, curves: &SurvivalCurves, time: f64) -> f64 {
    let (mut right, mut all) = (0.0, 0.0);
    for i in 0..cases.n_rows() {
        if !cases.events()[i] || cases.durations()[i] > time {
            continue;
        }
        let weight = 1.0 / uncensored(cases, cases.durations()[i], false);
        for j in (0..cases.n_rows()).filter(|&j| cases.durations()[j] > time) {
            let (own, other) = (curves.survival_at(i, time), curves.survival_at(j, time));
            all += weight;
            right += weight
                * if own < other {
                    1.0
                } else if own == other {
                    0.5
                } else {
                    0.0
                };
        }
    }
    right / all
}

/// Over all pairs of rows that count so often.
pub(crate) fn brute_concordance(
    cases: &SurvivalCases,
    survival_of: impl Fn(usize, f64) -> f64,
    counts: &[u32],
) -> f64 {
    let (durations, events) = (cases.durations(), cases.events());
    let (mut right, mut all) = (0.0, 0.0);
    for i in (0..cases.n_rows()).filter(|&i| events[i] && counts[i] > 0) {
        let time = durations[i];
        let own = survival_of(i, time);
        for j in (0..cases.n_rows()).filter(|&j| counts[j] > 0) {
            if durations[j] > time || durations[j] == time && !events[j] {
                let pairs = f64::from(counts[i]) * f64::from(counts[j]);
                let other = survival_of(j, time);
                all += pairs;
                right += pairs
                    * if own < other {
                        1.0
                    } else if own == other {
                        0.5
                    } else {
                        0.0
                    };
            }
        }
    }
    right / all
}

#[test]
fn measures_are_those_of_scikit_survival_and_lifelines() {
    let golden = golden("survival");
    for case in golden["curves"].as_array().unwrap() {
        let found = cases(&floats(&case["durations"]), &booleans(&case["events"]));
        let times = floats(&case["times"]);
        let curves = SurvivalCurves::new(times.clone(), floats(&case["survival"])).unwrap();
        let at = |measure: &dyn Fn(f64) -> f64| -> Vec<f64> {
            times.iter().map(|&time| measure(time)).collect()
        };
        let brier = at(&|time| brier_score_at(&found, &curves, time).unwrap());
        assert_close(&brier, &floats(&case["brier_score"]), 1e-12);
        let auc = at(&|time| roc_auc_at(&found, &curves, time).unwrap());
        assert_close(&auc, &floats(&case["roc_auc"]), 1e-12);
        let values = [
            integrated_brier_score(&found, &curves, &times).unwrap(),
            harrell_concordance(&found, &floats(&case["risks"])).unwrap(),
        ];
        let names = ["integrated_brier_score", "harrell"];
        let expected = names.map(|name| case[name].as_f64().unwrap());
        assert_close(&values, &expected, 1e-12);
    }
    let tied = &golden["tied"];
    let found = cases(&floats(&tied["durations"]), &booleans(&tied["events"]));
    let value = harrell_concordance(&found, &floats(&tied["risks"])).unwrap();
    assert_close(&[value], &[tied["harrell"].as_f64().unwrap()], 1e-12);
}

#[test]
fn measures_are_their_definitions_at_ties_and_under_censoring() {
    for seed in 0..40 {
        let (cases, curves) = tied(seed, 30);
        let found = time_dependent_concordance(&cases, &curves).unwrap();
        let survival = |row, time| curves.survival_at(row, time);
        let expected = brute_concordance(&cases, survival, &[1; 30]);
        assert_close(&[found], &[expected], 1e-12);
        let risks: Vec<f64> = (0..30)
            .map(|row| curves.event_probability(row, 3.0))
            .collect();
        let found = harrell_concordance(&cases, &risks).unwrap();
        let expected = brute_concordance(&cases, |row, _| -risks[row], &[1; 30]);
        assert_close(&[found], &[expected], 1e-12);
        for time in [1.0, 2.5, 4.0, 5.5] {
            let found = brier_score_at(&cases, &curves, time).unwrap();
            assert_close(&[found], &[brute_brier(&cases, &curves, time)], 1e-12);
            match roc_auc_at(&cases, &curves, time) {
                Ok(found) => assert_close(&[found], &[brute_auc(&cases, &curves, time)], 1e-12),
                // Without an event by then: nought by nought.
                Err(_) => assert!(brute_auc(&cases, &curves, time).is_nan()),
            }
        }
        let times = [0.0, 1.0, 2.5, 4.0];
        let at = times.map(|time| brute_brier(&cases, &curves, time));
        let pairs = [0, 1, 2].map(|i| (times[i + 1] - times[i]) * (at[i + 1] + at[i]) / 2.0);
        let found = integrated_brier_score(&cases, &curves, &times).unwrap();
        assert_close(&[found], &[pairs.iter().sum::<f64>() / 4.0], 1e-12);
    }
}

#[test]
fn a_small_case_is_what_a_hand_finds() {
    // Churn at 1, censored at 2, churn at 3, still there at 4. G is 1 until 2, 2/3 from then on, 0 from 4 on.
    let four = cases(&[1.0, 2.0, 3.0, 4.0], &[true, false, true, false]);
    let survival = vec![0.5, 0.2, 0.9, 0.8, 0.4, 0.3, 0.7, 0.6];
    let curves = SurvivalCurves::new(vec![1.0, 3.0], survival).unwrap();
    // 1-2, 1-3, 1-4 at time 1: 0.5 against 0.9, 0.4, 0.7; 3-4 at time 3.
    assert_eq!(time_dependent_concordance(&four, &curves).unwrap(), 0.75);
    let expected = (0.2f64.powi(2) + 1.5 * 0.3f64.powi(2) + 1.5 * 0.4f64.powi(2)) / 4.0;
    assert_close(
        &[brier_score_at(&four, &curves, 3.0).unwrap()],
        &[expected],
        1e-15,
    );
    assert_eq!(roc_auc_at(&four, &curves, 3.0).unwrap(), 1.0);
    assert_eq!(roc_auc_at(&four, &curves, 1.0).unwrap(), 2.0 / 3.0);
}

#[test]
fn weights_against_censoring_stand_for_all_customers() {
    // Whoever is said to leave at once errs on all who survive, and those are as many as Kaplan-Meier says.
    for seed in 0..20 {
        let (cases, _) = tied(seed, 50);
        let all = |survival: f64| SurvivalCurves::new(vec![1e-9], vec![survival; 50]).unwrap();
        let curve = KaplanMeier::fit(&cases);
        for time in [0.5, 2.0, 3.5, 6.0] {
            let survival = curve.survival_at(time);
            let found = [0.0, 1.0].map(|s| brier_score_at(&cases, &all(s), time).unwrap());
            assert_close(&found, &[survival, 1.0 - survival], 1e-12);
        }
    }
}

#[test]
fn without_censoring_measures_are_those_of_probabilities() {
    let world = world(8, 300, 2.0, false);
    for time in [1.0, 3.0, 8.0, 20.0] {
        let probabilities = (0..300).map(|row| world.curves.event_probability(row, time));
        let labels = world.cases.durations().iter().map(|left| *left <= time);
        let plain = ClassificationCases::new(probabilities.collect(), labels.collect()).unwrap();
        let found = brier_score_at(&world.cases, &world.curves, time).unwrap();
        assert_close(&[found], &[brier_score(&plain).unwrap()], 1e-12);
        let found = roc_auc_at(&world.cases, &world.curves, time).unwrap();
        assert_close(&[found], &[roc_auc(&plain).unwrap()], 1e-12);
    }
    // Curves that never cross rank as one number does.
    let found = time_dependent_concordance(&world.cases, &world.truth).unwrap();
    let plain = harrell_concordance(&world.cases, &world.rates).unwrap();
    // Those who stay beyond the grid of 25 are ranked by survival at its end, in the same order.
    assert_close(&[found], &[plain], 1e-12);
}

#[test]
fn a_perfect_model_is_right_and_a_constant_one_is_no_better_than_chance() {
    let times: Vec<f64> = (1..=6).map(f64::from).collect();
    let durations = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let events = [true, true, false, true, true, false];
    let six = cases(&durations, &events);
    let alive = |left: f64| times.iter().map(move |time| f64::from(*time < left));
    // Censored customers survive; the others fall within the interval before their event.
    let lives = durations.iter().zip(events);
    let lives = lives.map(|(left, event)| if event { *left } else { 99.0 });
    let curves = SurvivalCurves::new(times.clone(), lives.flat_map(alive).collect()).unwrap();
    assert_eq!(time_dependent_concordance(&six, &curves).unwrap(), 1.0);
    for time in [1.0, 2.0, 4.0, 5.0] {
        assert_eq!(brier_score_at(&six, &curves, time).unwrap(), 0.0);
        assert_eq!(roc_auc_at(&six, &curves, time).unwrap(), 1.0);
    }
    let grid = [1.0, 2.0, 3.0, 4.0, 5.0];
    assert_eq!(brier_skill(&six, &curves, &grid).unwrap(), Some(1.0));

    let constant = exponential(&[0.2; 6]);
    assert_eq!(time_dependent_concordance(&six, &constant).unwrap(), 0.5);
    assert_eq!(roc_auc_at(&six, &constant, 3.0).unwrap(), 0.5);
    let curve = KaplanMeier::fit(&six);
    let same: Vec<f64> = grid.iter().map(|&time| curve.survival_at(time)).collect();
    let same = SurvivalCurves::new(grid.to_vec(), same.repeat(6)).unwrap();
    assert_close(
        &[brier_skill(&six, &same, &grid).unwrap().unwrap()],
        &[0.0],
        1e-12,
    );
    // Before the first event Kaplan-Meier errs nowhere, and there is nothing to gain.
    assert_eq!(brier_skill(&six, &same, &[0.0, 0.5]).unwrap(), None);
}

#[test]
fn censoring_does_not_move_the_brier_score_of_the_truth() {
    let world = world(11, 20_000, 0.0, true);
    assert!(world.cases.censored_share() > 0.2);
    for time in [2.0, 5.0, 10.0, 15.0] {
        // Of one customer the expected error of the truth is S (1 - S).
        let survival = world.rates.iter().map(|rate| (-rate * time).exp());
        let expected = survival.map(|s| s * (1.0 - s)).sum::<f64>() / 20_000.0;
        let found = brier_score_at(&world.cases, &world.truth, time).unwrap();
        assert!(
            (found - expected).abs() < 0.01,
            "{time}: {found}, {expected}"
        );
    }
}

#[test]
fn the_truth_is_calibrated_and_half_of_it_is_not() {
    let world = world(12, 20_000, 0.0, true);
    let bins = calibration_at(&world.cases, &world.truth, 6.0, 10, 0.99).unwrap();
    assert_eq!(
        bins.iter().map(|bin| bin.n_rows).collect::<Vec<_>>(),
        [2000; 10]
    );
    assert!(bins.windows(2).all(|pair| pair[0].high <= pair[1].low));
    let is_inside = |bin: &&salient::evaluation::survival::SurvivalCalibrationBin| {
        let interval = bin.interval.unwrap();
        interval.low < bin.mean_prediction && bin.mean_prediction < interval.high
    };
    let n_inside = bins.iter().filter(is_inside).count();
    assert!(n_inside >= 9, "{n_inside}");
    let halved: Vec<f64> = world.rates.iter().map(|rate| rate / 2.0).collect();
    let bins = calibration_at(&world.cases, &exponential(&halved), 6.0, 10, 0.99).unwrap();
    assert_eq!(bins.iter().filter(is_inside).count(), 0);
}

#[test]
fn bins_hold_kaplan_meier_of_their_own_customers() {
    // Two risks; those of the higher are last seen at 3, before the horizon.
    let six = cases(
        &[1.0, 2.0, 5.0, 1.0, 3.0, 3.0],
        &[true, false, true, true, false, true],
    );
    let survival = vec![0.9, 0.9, 0.9, 0.3, 0.3, 0.3];
    let curves = SurvivalCurves::new(vec![4.0], survival).unwrap();
    let bins = calibration_at(&six, &curves, 4.0, 10, 0.95).unwrap();
    let counts: Vec<_> = bins.iter().map(|bin| (bin.n_rows, bin.n_events)).collect();
    assert_eq!(counts, [(3, 1), (3, 2)]);
    assert_close(&[bins[0].observed.unwrap()], &[1.0 / 3.0], 1e-12);
    assert!((bins[1].mean_prediction - 0.7).abs() < 1e-12);
    assert_eq!((bins[1].observed, bins[1].interval), (None, None));
    let bins = calibration_at(&six, &curves, 3.0, 10, 0.95).unwrap();
    assert_close(&[bins[1].observed.unwrap()], &[2.0 / 3.0], 1e-12);
}

#[test]
fn values_depend_neither_on_the_order_of_rows_nor_on_threads() {
    let (cases, curves) = tied(77, 200);
    let found = time_dependent_concordance(&cases, &curves).unwrap();
    let alone = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let again = alone.install(|| time_dependent_concordance(&cases, &curves).unwrap());
    assert_eq!(found.to_bits(), again.to_bits());
    let rows = (0..200).rev();
    let reversed = SurvivalCases::new(
        rows.clone().map(|row| cases.durations()[row]).collect(),
        rows.clone().map(|row| cases.events()[row]).collect(),
    );
    let survival = rows
        .flat_map(|row| curves.survival_of(row).to_vec())
        .collect();
    let turned = SurvivalCurves::new(curves.times().to_vec(), survival).unwrap();
    let again = time_dependent_concordance(&reversed.unwrap(), &turned).unwrap();
    assert_eq!(found.to_bits(), again.to_bits());
}
