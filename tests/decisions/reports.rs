//! What reports hold, print and draw.

use std::fs;

use super::*;

/// Ten rows; the labels of the first, second, fourth and ninth by probability are positive.
fn ten() -> ClassificationCases {
    let probabilities = [0.95, 0.85, 0.75, 0.65, 0.55, 0.45, 0.35, 0.25, 0.15, 0.05];
    let labels = [1, 1, 0, 1, 0, 0, 0, 0, 1, 0].map(|label| label == 1);
    cases(&probabilities, &labels)
}

#[test]
fn within_a_budget_measures_are_those_by_hand() {
    let report = report(&ten(), budget(5, Priority::Probability));
    let c = report.confusion;
    let counts = [
        c.true_positives,
        c.false_positives,
        c.false_negatives,
        c.true_negatives,
    ];
    assert_eq!(counts, [3.0, 2.0, 1.0, 4.0]);
    assert_eq!(report.precision.unwrap().mean, 0.6);
    assert_eq!(report.recall.unwrap().mean, 0.75);
    assert_eq!(report.f1.unwrap().mean, 6.0 / 9.0);
    assert_eq!(report.accuracy.unwrap().mean, 0.7);
    assert!((report.lift.unwrap().mean - 1.5).abs() < 1e-12);
    // Three of 20 and two of -5; by the probabilities 25 p - 5 each.
    assert_eq!(report.value_per_customer.mean, 5.0);
    let expected = [0.95, 0.85, 0.75, 0.65, 0.55].map(|p| 25.0 * p - 5.0);
    let expected = expected.iter().sum::<f64>() / 10.0;
    assert!((report.expected_value_per_customer - expected).abs() < 1e-12);
    assert_eq!(
        (report.value_of_contacting_all, report.value_of_knowing),
        (5.0, 8.0)
    );
    assert_eq!((report.n_contacts, report.n_losing_contacts), (5, 0));
    assert!((report.implied_threshold.unwrap() - 0.2).abs() < 1e-12);
}

#[test]
fn a_budget_larger_than_it_pays_shows_its_losses() {
    let all = report(&ten(), budget(10, Priority::Probability));
    assert_eq!((all.n_contacts, all.n_losing_contacts), (10, 2));
    assert_eq!(all.value_per_customer.mean, all.value_of_contacting_all);
    let nobody = report(&ten(), ContactRule::Threshold(1.0));
    assert_eq!(
        (nobody.n_contacts, nobody.value_per_customer.mean),
        (0, 0.0)
    );
    assert!(nobody.precision.is_none() && nobody.lift.is_none());
    assert_eq!(nobody.recall.unwrap().mean, 0.0);
}

#[test]
fn customers_of_value_come_first_by_expected_value() {
    let cases = cases(&[0.9, 0.5, 0.5], &[true, true, false]);
    let own = DecisionSettings {
        costs: Costs::contact(5.0, &[20.0, 200.0, 100.0], 0.5).unwrap(),
        ..settings(budget(1, Priority::ExpectedValue))
    };
    let report = evaluate_decisions("a model", &cases, &own).unwrap();
    assert_eq!(report.value_per_customer.mean, 95.0 / 3.0);
    assert_eq!(report.implied_threshold, None);
    let by_probability = DecisionSettings {
        rule: budget(1, Priority::Probability),
        ..own.clone()
    };
    let report = evaluate_decisions("a model", &cases, &by_probability).unwrap();
    assert_eq!(report.value_per_customer.mean, 5.0 / 3.0);
    // Other values are another protocol.
    let others = DecisionSettings {
        costs: Costs::contact(5.0, &[20.0, 200.0, 101.0], 0.5).unwrap(),
        ..by_probability
    };
    let others = evaluate_decisions("a model", &cases, &others).unwrap();
    let error = report.protocol.same_as(&others.protocol).unwrap_err();
    assert!(matches!(error, E::ProtocolsDiffer { field: "costs", .. }));
}

proptest! {
    #[test]
    fn deciles_are_those_of_rows_sorted_one_by_one(seed in 0..1000u64) {
        let cases = calibrated(&mut generator(5000 + seed), 70);
        prop_assume!(cases.n_positives() > 0 && cases.n_positives() < 70);
        let report = report(&cases, ContactRule::ExpectedValue);
        let mut rows: Vec<(f64, bool)> = cases.probabilities().iter().copied().zip(cases.labels().iter().copied()).collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let n_positives = cases.n_positives() as f64;
        let mut found = 0.0;
        for (tenth, decile) in rows.chunks(7).zip(&report.deciles) {
            let positives = tenth.iter().filter(|row| row.1).count() as f64;
            found += positives;
            let expected = [
                7.0,
                tenth.iter().map(|row| row.0).sum::<f64>() / 7.0,
                positives / 7.0,
                positives / 7.0 / (n_positives / 70.0),
                found / n_positives,
            ];
            let decile = [decile.n_rows, decile.mean_prediction, decile.positive_share, decile.lift, decile.cumulative_gain];
            for (found, expected) in decile.into_iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
        }
        // Each point of the curve is what a budget of so many earns.
        for point in report.profit.iter().skip(1).step_by(9) {
            let n = point.n_contacts as usize;
            let within = super::report(&cases, budget(n, Priority::ExpectedValue));
            prop_assert!((within.value_per_customer.mean * 70.0 - point.value).abs() < 1e-9);
            prop_assert!((within.expected_value_per_customer * 70.0 - point.expected_value).abs() < 1e-9);
        }
        prop_assert_eq!((report.profit.len(), report.profit[70].n_contacts), (71, 70.0));
    }
}

#[test]
fn a_weight_counts_as_so_many_rows() {
    let weights = [2, 0, 1, 3, 1, 1, 2, 1, 1, 4];
    let rows: Vec<usize> = (0..10).flat_map(|row| vec![row; weights[row]]).collect();
    let ten = ten();
    let repeated = cases(
        &rows
            .iter()
            .map(|&row| ten.probabilities()[row])
            .collect::<Vec<_>>(),
        &rows
            .iter()
            .map(|&row| ten.labels()[row])
            .collect::<Vec<_>>(),
    );
    let weighted = ten
        .with_weights(weights.map(|weight| weight as f64).to_vec())
        .unwrap();
    for rule in [ContactRule::ExpectedValue, ContactRule::Threshold(0.5)] {
        let (weighted, repeated) = (report(&weighted, rule), report(&repeated, rule));
        assert_eq!(weighted.confusion, repeated.confusion);
        assert_eq!(weighted.value_per_customer, repeated.value_per_customer);
        assert_eq!(weighted.lift, repeated.lift);
        assert_eq!(weighted.value_of_knowing, repeated.value_of_knowing);
        for (weighted, repeated) in weighted.deciles.iter().zip(&repeated.deciles) {
            assert!((weighted.mean_prediction - repeated.mean_prediction).abs() < 1e-12);
            assert!((weighted.positive_share - repeated.positive_share).abs() < 1e-12);
        }
    }
    let error = evaluate_decisions("m", &weighted, &settings(budget(1, Priority::Probability)));
    assert!(matches!(
        error.unwrap_err(),
        E::WeightsUndefined {
            what: "a contact budget"
        }
    ));
}

#[test]
fn groups_are_drawn_whole() {
    // Each customer is there four times: single rows would make the interval half as wide.
    let few = calibrated(&mut generator(3), 200);
    let fourfold = |values: &[f64]| -> Vec<f64> { values.iter().flat_map(|v| [*v; 4]).collect() };
    let labels: Vec<bool> = few.labels().iter().flat_map(|label| [*label; 4]).collect();
    let rows = cases(&fourfold(few.probabilities()), &labels);
    let groups = (0..800).map(|row| row / 4).collect();
    let grouped = rows.clone().with_groups(groups).unwrap();
    let width = |cases: &ClassificationCases| {
        let with_interval = DecisionSettings {
            interval: Some(IntervalSettings::default()),
            ..settings(ContactRule::ExpectedValue)
        };
        let report = evaluate_decisions("m", cases, &with_interval).unwrap();
        let Interval { low, high } = report.value_per_customer.interval.unwrap();
        high - low
    };
    let ratio = width(&grouped) / width(&rows);
    assert!((1.8..2.2).contains(&ratio), "{ratio}");
    assert!((width(&grouped) / width(&few) - 1.0).abs() < 0.01);
}

#[test]
fn a_report_prints_and_survives_json() {
    let cases = calibrated(&mut generator(4), 500);
    let with_interval = DecisionSettings {
        interval: Some(IntervalSettings::default()),
        ..settings(ContactRule::ExpectedValue)
    };
    let report = evaluate_decisions("a model", &cases, &with_interval).unwrap();
    let json = serde_json::to_string(&report).unwrap();
    let read: DecisionReport = serde_json::from_str(&json).unwrap();
    assert_eq!(read.to_string(), report.to_string());
    read.protocol.same_as(&report.protocol).unwrap();
    insta::assert_snapshot!(report, @r"
    a model: 500 rows, 141 positives
    contacts: 254, of whom a loss is expected of 0

    measure                                   value
    value per customer      3.8100 [2.9700, 4.7002]
    expected                                 4.2726
    if all were contacted                    2.0500
    if labels were known                     5.6400
    precision               0.5000 [0.4395, 0.5633]
    recall                  0.9007 [0.8480, 0.9474]
    F1                      0.6430 [0.5833, 0.6965]
    accuracy                0.7180 [0.6760, 0.7580]
    lift                    1.7730 [1.6331, 1.9283]
    threshold of the costs                   0.2000

                   positives  negatives
    contacted            127        127
    not contacted         14        232

    decile  rows  mean prediction  share of positives    lift    gain
    1       50.0           0.8811              0.9000  3.1915  0.3191
    2       50.0           0.6704              0.5800  2.0567  0.5248
    3       50.0           0.5117              0.5400  1.9149  0.7163
    4       50.0           0.3838              0.2800  0.9929  0.8156
    5       50.0           0.2617              0.2200  0.7801  0.8936
    6       50.0           0.1606              0.0800  0.2837  0.9220
    7       50.0           0.0961              0.1000  0.3546  0.9574
    8       50.0           0.0468              0.0800  0.2837  0.9858
    9       50.0           0.0176              0.0400  0.1418  1.0000
    10      50.0           0.0021              0.0000  0.0000  1.0000

    data sha256   unknown
    split         unknown
    measured      decisions
    rule          expected value above 0
    costs         true positive 20, false positive -5, false negative 0, true negative 0
    weights       equal
    drawn         rows
    cases         500
    cases sha256  eab638f5e4983994e986be4b9e53553ecc6df768214e821237c220d5c8282d2c
    seeds         none
    interval      95 %, 1000 resamples, seed 0
    ");
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let refusal = |cases: &ClassificationCases, rule: ContactRule| {
        evaluate_decisions("m", cases, &settings(rule)).unwrap_err()
    };
    let rule = ContactRule::ExpectedValue;
    for label in [false, true] {
        let error = refusal(&cases(&[0.5, 0.6], &[label; 2]), rule);
        assert!(matches!(error, E::SingleClass { n_rows: 2, .. }));
    }
    for threshold in [-0.1, 1.1, f64::NAN] {
        let error = refusal(&ten(), ContactRule::Threshold(threshold));
        assert!(matches!(
            error,
            E::SettingOutOfRange {
                setting: "threshold",
                ..
            }
        ));
    }
    let error = refusal(&ten(), budget(11, Priority::Probability));
    assert_eq!(
        error.to_string(),
        "the contact budget is 11, but there are 10 customers; lower it"
    );
    let error = refusal(&ten(), budget(0, Priority::Probability));
    assert!(matches!(
        error,
        E::SettingOutOfRange {
            setting: "contact budget",
            ..
        }
    ));
    let few = DecisionSettings {
        interval: Some(IntervalSettings {
            n_resamples: 1,
            ..IntervalSettings::default()
        }),
        ..settings(rule)
    };
    let error = evaluate_decisions("m", &ten(), &few).unwrap_err();
    assert!(matches!(error, E::TooFewResamples { n_resamples: 1 }));
    let costs = Costs::Same(call());
    let error = best_threshold(&ten(), &costs, few.interval.as_ref()).unwrap_err();
    assert!(matches!(error, E::TooFewResamples { n_resamples: 1 }));
}

#[test]
fn a_profit_curve_shows_what_was_promised_what_came_and_what_was_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |report: &DecisionReport| {
        // The folder of a picture is made if need be.
        let path = folder.path().join("new/profit.svg");
        report.write_profit_svg(&path).unwrap();
        fs::read_to_string(path).unwrap()
    };
    // Contacts that gain and cost nothing can be drawn.
    let nothing = DecisionSettings {
        costs: Costs::ByRow(vec![CostMatrix::contact(0.0, 0.0, 0.0).unwrap(); 10]),
        ..settings(ContactRule::ExpectedValue)
    };
    draw(&evaluate_decisions("a model", &ten(), &nothing).unwrap());
    let error = report(&ten(), ContactRule::ExpectedValue)
        .write_profit_svg(folder.path())
        .unwrap_err();
    assert!(matches!(
        error,
        E::Picture { picture: "profit curve", path, .. } if path == folder.path()
    ));
    let cases = calibrated(&mut generator(6), 5000);
    let svg = draw(&report(&cases, ContactRule::ExpectedValue));
    for text in [
        "a model, value per customer",
        "customers contacted",
        "value against doing nothing",
        "at random",
        "expected",
        "realised",
        "chosen",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    // The chosen point, and its key.
    assert_eq!(svg.matches("r=\"5\"").count(), 2);
}
