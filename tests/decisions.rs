//! Whom to contact follows from costs and probabilities, and reports say what that earns.

use proptest::prelude::*;
use rand::RngExt;
use salient::evaluation::classification::ClassificationCases;
use salient::evaluation::decisions::{
    BestThreshold, Budget, ContactRule, CostMatrix, Costs, DecisionReport, DecisionSettings,
    Priority, best_threshold, choose_contacts, evaluate_decisions, expected_values,
};
use salient::evaluation::{EvaluationError as E, Interval, IntervalSettings};
use salient::random::{CounterGenerator, RandomKey};

/// What reports hold, print and draw.
mod reports;

/// A call costs 5 and keeps one in four of those who would leave, each worth 100.
fn call() -> CostMatrix {
    CostMatrix::contact(5.0, 100.0, 0.25).unwrap()
}

fn cases(probabilities: &[f64], labels: &[bool]) -> ClassificationCases {
    ClassificationCases::new(probabilities.to_vec(), labels.to_vec()).unwrap()
}

fn generator(world: u64) -> CounterGenerator {
    RandomKey::new(17).step(world).generator()
}

/// Rows that leave with just the probability that is said of them, half of the time below 0.25.
fn calibrated(generator: &mut CounterGenerator, n: usize) -> ClassificationCases {
    let mut row = || {
        let probability = generator.random::<f64>().powi(2);
        (probability, generator.random::<f64>() < probability)
    };
    let (probabilities, labels) = (0..n).map(|_| row()).unzip();
    ClassificationCases::new(probabilities, labels).unwrap()
}

fn settings(rule: ContactRule) -> DecisionSettings {
    DecisionSettings {
        rule,
        interval: None,
        ..DecisionSettings::new(Costs::Same(call()))
    }
}

fn report(cases: &ClassificationCases, rule: ContactRule) -> DecisionReport {
    evaluate_decisions("a model", cases, &settings(rule)).unwrap()
}

fn budget(n: usize, by: Priority) -> ContactRule {
    ContactRule::Budget {
        budget: Budget::Customers(n),
        by,
    }
}

#[test]
fn a_contact_pays_from_its_cost_over_what_it_saves() {
    let matrix = call();
    assert_eq!((matrix.gain(true), matrix.gain(false)), (20.0, -5.0));
    assert!((matrix.threshold().unwrap() - 0.2).abs() < 1e-15);
    assert_eq!(matrix.expected_value(0.6), 0.6 * 20.0 - 0.4 * 5.0);
    // What leaving costs may be counted as a loss: the same is decided.
    let losses = CostMatrix {
        true_positive: -80.0,
        false_positive: -5.0,
        false_negative: -100.0,
        true_negative: 0.0,
    };
    assert_eq!(losses.threshold().unwrap(), matrix.threshold().unwrap());
}

proptest! {
    #[test]
    fn a_contact_is_expected_to_pay_just_above_the_threshold(
        values in prop::array::uniform4(-50..50i32),
    ) {
        let [true_positive, false_positive, false_negative, true_negative] = values.map(f64::from);
        let matrix = CostMatrix { true_positive, false_positive, false_negative, true_negative };
        let pays = |probability: f64| {
            // As a lottery, outcome by outcome.
            let contacted = probability * true_positive + (1.0 - probability) * false_positive;
            let left_alone = probability * false_negative + (1.0 - probability) * true_negative;
            contacted > left_alone
        };
        match matrix.threshold() {
            Ok(threshold) => {
                prop_assert!(0.0 < threshold && threshold < 1.0);
                prop_assert!(!pays(threshold - 1e-9) && pays(threshold + 1e-9));
            }
            // No single threshold from which contacting begins to pay.
            Err(E::NoThreshold { reason, .. }) => {
                let (at_0, at_1) = (pays(0.0), pays(1.0));
                let inside = pays(1e-9) || pays(1.0 - 1e-9);
                let expected = match (at_0, at_1, inside) {
                    (_, _, false) => "contacting never pays",
                    (true, false, true) if !pays(1.0 - 1e-9) => {
                        "contacting pays at low probabilities instead of high ones"
                    }
                    _ => "contacting always pays",
                };
                prop_assert_eq!(reason, expected);
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn costs_that_say_never_or_always_are_refused() {
    let reason = |success_rate: f64, contact_cost: f64| {
        let matrix = CostMatrix::contact(contact_cost, 100.0, success_rate).unwrap();
        match matrix.threshold() {
            Ok(_) => None,
            Err(E::NoThreshold { reason, .. }) => Some(reason),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(reason(0.05, 5.0), Some("contacting never pays"));
    assert_eq!(reason(0.0501, 5.0), None);
    assert_eq!(reason(0.05, 0.0), Some("contacting always pays"));
    assert_eq!(reason(0.05, 0.01), None);
    assert_eq!(reason(0.0, 0.0), Some("contacting never pays"));
    let costs = Costs::Same(CostMatrix::contact(5.0, 100.0, 0.05).unwrap());
    let error = choose_contacts(&[0.9], &costs, ContactRule::ExpectedValue).unwrap_err();
    let text = "no threshold follows from the costs: contacting gains 0 at a customer who would leave and -5 at one who \
                would stay, so that contacting never pays";
    assert_eq!(error.to_string(), text);
    // A customer of their own who never pays is no mistake.
    let costs = Costs::contact(5.0, &[100.0, 1000.0], 0.05).unwrap();
    let contacts = choose_contacts(&[0.9, 0.9], &costs, ContactRule::ExpectedValue).unwrap();
    assert_eq!(contacts, [1]);
}

#[test]
fn for_calibrated_probabilities_no_threshold_earns_more_than_that_of_the_costs() {
    let cases = calibrated(&mut generator(1), 400_000);
    let value = |threshold: f64| {
        let rule = ContactRule::Threshold(threshold);
        report(&cases, rule).value_per_customer.mean
    };
    let best = value(0.2);
    for worse in [0.05, 0.1, 0.3, 0.5] {
        assert!(value(worse) < best - 0.05, "{worse}");
    }
    let by_value = report(&cases, ContactRule::ExpectedValue);
    assert_eq!(by_value.value_per_customer.mean, best);
    // What is expected comes true: the standard error is 11 / sqrt(400,000).
    let missed = by_value.value_per_customer.mean - by_value.expected_value_per_customer;
    assert!(missed.abs() < 0.07, "{missed}");
    let found = best_threshold(&cases, &Costs::Same(call()), None).unwrap();
    assert!((found.threshold.unwrap() - 0.2).abs() < 0.02, "{found}");
    let more = found.value_per_customer.mean - best;
    assert!((0.0..0.01).contains(&more), "{more}");
}

#[test]
fn probabilities_that_promise_too_much_are_found_out() {
    let cases = calibrated(&mut generator(2), 20_000);
    let doubled = cases.probabilities().iter().map(|p| p.sqrt()).collect();
    let cases = cases.with_probabilities(doubled).unwrap();
    let report = report(&cases, ContactRule::ExpectedValue);
    assert!(report.expected_value_per_customer > report.value_per_customer.mean + 2.0);
    // The threshold that is best on cases mends what is wrong with the probabilities alone: 0.2 is now called 0.447.
    let found = best_threshold(&cases, &Costs::Same(call()), None).unwrap();
    assert!((found.threshold.unwrap() - 0.447).abs() < 0.05, "{found}");
    assert!(found.value_per_customer.mean > report.value_per_customer.mean + 0.2);
}

/// Rows with few different probabilities, whole weights, some of them 0, and values of their own.
fn worlds() -> impl Strategy<Value = Vec<(f64, bool, u32, f64)>> {
    let row = (0..=8u32, any::<bool>(), 0..4u32, 0..60u32);
    prop::collection::vec(row, 2..40).prop_map(|rows| {
        let real = |(p, label, weight, value): (u32, bool, u32, u32)| {
            (f64::from(p) / 8.0, label, weight, f64::from(value))
        };
        rows.into_iter().map(real).collect()
    })
}

/// What contacting a row gains by its label, a call costing 5 and keeping half of those who would leave.
fn gain((_, label, _, value): (f64, bool, u32, f64)) -> f64 {
    if label { value / 2.0 - 5.0 } else { -5.0 }
}

proptest! {
    #[test]
    fn the_best_threshold_is_that_of_trying_all(rows in worlds()) {
        prop_assume!(rows.iter().any(|row| row.2 > 0));
        let values: Vec<f64> = rows.iter().map(|row| row.3).collect();
        let costs = Costs::contact(5.0, &values, 0.5).unwrap();
        let labels: Vec<bool> = rows.iter().map(|row| row.1).collect();
        let probabilities: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let weights = rows.iter().map(|row| f64::from(row.2)).collect();
        let cases = cases(&probabilities, &labels).with_weights(weights).unwrap();
        let n: u32 = rows.iter().map(|row| row.2).sum();
        let value = |threshold: f64| {
            let contacted = rows.iter().filter(|row| row.0 >= threshold);
            contacted.map(|row| f64::from(row.2) * gain(*row)).sum::<f64>() / f64::from(n)
        };
        let tried = (0..=8).rev().map(|eighth| f64::from(eighth) / 8.0);
        let (mut best, mut highest) = (None, 0.0);
        for threshold in tried {
            if value(threshold) > highest + 1e-9 {
                (best, highest) = (Some(threshold), value(threshold));
            }
        }
        let found = best_threshold(&cases, &costs, None).unwrap();
        prop_assert!((found.value_per_customer.mean - highest).abs() < 1e-9);
        prop_assert_eq!(found.threshold, best);
        let contacted = rows.iter().filter(|row| best.is_some_and(|best| row.0 >= best));
        let contacted: u32 = contacted.map(|row| row.2).sum();
        prop_assert!((found.contacted_share - f64::from(contacted) / f64::from(n)).abs() < 1e-12);
        prop_assert_eq!((found.value_per_customer.interval, found.optimism), (None, None));
    }

    #[test]
    fn lists_hold_the_first_by_priority_and_by_row(rows in worlds(), n in 1..40usize) {
        let n = n.min(rows.len());
        let probabilities: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let values: Vec<f64> = rows.iter().map(|row| row.3).collect();
        let costs = Costs::contact(5.0, &values, 0.5).unwrap();
        let expected = expected_values(&probabilities, &costs).unwrap();
        for (row, found) in expected.iter().enumerate() {
            prop_assert!((found - (probabilities[row] * values[row] / 2.0 - 5.0)).abs() < 1e-12);
        }
        for (by, scores) in [
            (Priority::Probability, &probabilities),
            (Priority::ExpectedValue, &expected),
        ] {
            let list = choose_contacts(&probabilities, &costs, budget(n, by)).unwrap();
            prop_assert_eq!(list.len(), n);
            for (place, &row) in list.iter().enumerate() {
                let is_before = |other: usize| {
                    scores[other] > scores[row] || scores[other] == scores[row] && other < row
                };
                prop_assert_eq!((0..rows.len()).filter(|&other| is_before(other)).count(), place);
            }
        }
        let worth = choose_contacts(&probabilities, &costs, ContactRule::ExpectedValue).unwrap();
        prop_assert_eq!(worth.len(), expected.iter().filter(|value| **value > 0.0).count());
        prop_assert!(worth.iter().all(|&row| expected[row] > 0.0));
        let rule = ContactRule::Threshold(0.5);
        let above = choose_contacts(&probabilities, &costs, rule).unwrap();
        prop_assert!(above.iter().all(|&row| probabilities[row] >= 0.5));
        prop_assert_eq!(above.len(), probabilities.iter().filter(|p| **p >= 0.5).count());
    }
}

#[test]
fn a_share_of_customers_is_rounded_down_but_not_by_rounding_of_numbers() {
    let n_contacts = |share: f64, n: usize| {
        let rule = ContactRule::Budget {
            budget: Budget::Share(share),
            by: Priority::Probability,
        };
        let list = choose_contacts(&vec![0.5; n], &Costs::Same(call()), rule);
        list.map(|list| list.len())
    };
    // As numbers of 64 bits the product is 28.999999999999996.
    assert_eq!(n_contacts(0.29, 100).unwrap(), 29);
    assert_eq!(n_contacts(0.1, 19).unwrap(), 1);
    assert_eq!(n_contacts(1.0, 7).unwrap(), 7);
    assert!(matches!(
        n_contacts(0.1, 9).unwrap_err(),
        E::SettingOutOfRange {
            setting: "contact budget",
            ..
        }
    ));
    for share in [0.0, -0.5, 1.001, f64::NAN] {
        assert!(matches!(
            n_contacts(share, 9).unwrap_err(),
            E::SettingOutOfRange {
                setting: "share of customers",
                ..
            }
        ));
    }
}

#[test]
fn optimism_is_how_much_less_the_best_threshold_earns_on_other_cases() {
    // 60 rows whose probabilities say nothing; a call is worth 0 on average, so all that a threshold earns is luck.
    let even = Costs::Same(CostMatrix {
        true_positive: 10.0,
        false_positive: -10.0,
        false_negative: 0.0,
        true_negative: 0.0,
    });
    let interval = IntervalSettings {
        n_resamples: 200,
        ..IntervalSettings::default()
    };
    let (mut luck, mut optimism, n_worlds) = (0.0, 0.0, 300);
    for world in 0..n_worlds {
        let mut generator = generator(1000 + world);
        let probabilities: Vec<f64> = (0..60).map(|_| generator.random()).collect();
        let labels: Vec<bool> = (0..60).map(|_| generator.random()).collect();
        let found = best_threshold(&cases(&probabilities, &labels), &even, Some(&interval));
        let found = found.unwrap();
        luck += found.value_per_customer.mean / n_worlds as f64;
        optimism += found.optimism.unwrap() / n_worlds as f64;
    }
    assert!(luck > 0.5, "{luck}");
    // The bootstrap is known to see a little less than all of it.
    assert!(
        (0.6..1.1).contains(&(optimism / luck)),
        "{optimism} of {luck}"
    );
}

#[test]
fn intervals_hold_the_true_value_as_often_as_they_say() {
    // Of p = u², contacted from 0.2 on: the mean of (25 p - 5) over u from sqrt(0.2) to 1.
    let start = 0.2f64.sqrt();
    let truth = 25.0 * (1.0 - start.powi(3)) / 3.0 - 5.0 * (1.0 - start);
    let (mut held, n_worlds) = ([0, 0], 300);
    for world in 0..n_worlds {
        let cases = calibrated(&mut generator(2000 + world), 300);
        let interval = IntervalSettings {
            n_resamples: 300,
            level: 0.95,
            seed: world,
        };
        let holds = |interval: Option<Interval>, truth: f64| {
            let Interval { low, high } = interval.unwrap();
            usize::from(low <= truth && truth <= high)
        };
        let settings = DecisionSettings {
            interval: Some(interval.clone()),
            ..settings(ContactRule::ExpectedValue)
        };
        let report = evaluate_decisions("a model", &cases, &settings).unwrap();
        held[0] += holds(report.value_per_customer.interval, truth);
        let found = best_threshold(&cases, &Costs::Same(call()), Some(&interval)).unwrap();
        held[1] += holds(found.threshold_interval, 0.2);
    }
    let share = |held: usize| held as f64 / n_worlds as f64;
    // The standard error of a share of 300 is 1.3 %.
    assert!((0.9..=0.985).contains(&share(held[0])), "{held:?}");
    // Where a maximum lies converges slowly, and the bootstrap of it is rough.
    assert!((0.85..=1.0).contains(&share(held[1])), "{held:?}");
}

#[test]
fn nobody_is_best_where_every_contact_loses() {
    let stayed = cases(&[0.1, 0.9, 0.4], &[false; 3]);
    let found = best_threshold(
        &stayed,
        &Costs::Same(call()),
        Some(&IntervalSettings::default()),
    );
    let found = found.unwrap();
    assert_eq!((found.threshold, found.threshold_interval), (None, None));
    assert_eq!(
        (found.contacted_share, found.value_per_customer.mean),
        (0.0, 0.0)
    );
    assert!(
        found
            .to_string()
            .starts_with("best to contact nobody, value")
    );
    let json = serde_json::to_string(&found).unwrap();
    let read: BestThreshold = serde_json::from_str(&json).unwrap();
    assert_eq!(read, found);
    let one = cases(&[0.7], &[true]);
    let found = best_threshold(
        &one,
        &Costs::Same(call()),
        Some(&IntervalSettings::default()),
    );
    let found = found.unwrap();
    assert_eq!(
        found.to_string(),
        "best threshold 0.7000, value per customer 20.0000"
    );
}

#[test]
fn costs_that_are_no_money_are_refused_by_name() {
    for (cost, value, rate, name) in [
        (-1.0, 100.0, 0.5, "contact_cost"),
        (f64::NAN, 100.0, 0.5, "contact_cost"),
        (5.0, -1.0, 0.5, "value_of_customer"),
        (5.0, f64::INFINITY, 0.5, "value_of_customer"),
        (5.0, 100.0, 1.5, "success_rate"),
        (5.0, 100.0, f64::NAN, "success_rate"),
    ] {
        let error = CostMatrix::contact(cost, value, rate).unwrap_err();
        assert!(matches!(error, E::SettingOutOfRange { setting, .. } if setting == name));
    }
    let error = Costs::contact(5.0, &[1.0, f64::NAN], 0.5).unwrap_err();
    assert!(matches!(
        error,
        E::RowOutOfRange {
            column: "value_of_customer",
            row: 1,
            ..
        }
    ));
    let error = Costs::contact(-5.0, &[1.0, 1.0], 0.5).unwrap_err();
    assert!(matches!(
        error,
        E::SettingOutOfRange {
            setting: "contact_cost",
            ..
        }
    ));
    let broken = CostMatrix {
        false_negative: f64::NAN,
        ..call()
    };
    let error = expected_values(&[0.5], &Costs::Same(broken)).unwrap_err();
    assert!(matches!(
        error,
        E::SettingOutOfRange {
            setting: "false_negative",
            ..
        }
    ));
    assert!(broken.threshold().is_err());
    let error = expected_values(&[0.5; 2], &Costs::ByRow(vec![call(), broken])).unwrap_err();
    assert!(matches!(
        error,
        E::RowOutOfRange {
            column: "false_negative",
            row: 1,
            ..
        }
    ));
    let error = expected_values(&[0.5; 3], &Costs::ByRow(vec![call(); 2])).unwrap_err();
    assert!(matches!(
        error,
        E::RowCount {
            found: 2,
            expected: 3,
            ..
        }
    ));
    let error = expected_values(&[0.5, 1.5], &Costs::Same(call())).unwrap_err();
    assert!(matches!(
        error,
        E::RowOutOfRange {
            column: "probability",
            row: 1,
            ..
        }
    ));
}
