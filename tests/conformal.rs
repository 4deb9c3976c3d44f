//! Prediction sets hold the label as often as they promise, and the check of it can fail.

use proptest::prelude::*;
use rand::RngExt;
use salient::evaluation::classification::ClassificationCases;
use salient::evaluation::conformal::{
    ConformalClassifier, ConformalKind, ConformalReport, ConformalSettings, Coverage,
    PredictionSet, clopper_pearson, evaluate_conformal,
};
use salient::evaluation::{EvaluationError as E, Interval};
use salient::random::{CounterGenerator, RandomKey};

const KINDS: [ConformalKind; 2] = [ConformalKind::Marginal, ConformalKind::ClassConditional];

fn generator(world: u64) -> CounterGenerator {
    RandomKey::new(31).step(world).generator()
}

/// Rows of which one in four is positive; the model sees a part of why, and is too sure. `shift` moves what it sees.
fn draw(generator: &mut CounterGenerator, n: usize, shift: f64) -> ClassificationCases {
    let mut row = || {
        let label = generator.random::<f64>() < 0.25;
        let noise: f64 = (0..12).map(|_| generator.random::<f64>()).sum::<f64>() - 6.0;
        let seen = if label { 1.0 } else { -1.0 } + noise + shift;
        (1.0 / (1.0 + (-3.0 * seen).exp()), label)
    };
    let (probabilities, labels) = (0..n).map(|_| row()).unzip();
    ClassificationCases::new(probabilities, labels).unwrap()
}

fn report(classifier: &ConformalClassifier, cases: &ClassificationCases) -> ConformalReport {
    evaluate_conformal("a model", classifier, cases, &ConformalSettings::default()).unwrap()
}

#[test]
fn coverage_is_within_a_point_of_nominal() {
    let mut generator = generator(0);
    // The model thinks too little of positives, in both parts alike.
    let (calibration, test) = (
        draw(&mut generator, 100_000, -0.5),
        draw(&mut generator, 100_000, -0.5),
    );
    for alpha in [0.01, 0.05, 0.1, 0.2, 0.4] {
        for kind in KINDS {
            let classifier = ConformalClassifier::fit(kind, alpha, &calibration).unwrap();
            let report = report(&classifier, &test);
            let near = |coverage: Coverage| (coverage.share - (1.0 - alpha)).abs() < 0.01;
            assert!(near(report.coverage), "{kind} {alpha}: {report}");
            let classes = [report.negatives.unwrap(), report.positives.unwrap()];
            if kind == ConformalKind::ClassConditional {
                assert!(classes.into_iter().all(near), "{alpha}: {report}");
            } else if alpha > 0.04 {
                // Without a promise by class the rare class pays.
                assert!(classes[1].share < classes[0].share - 0.01, "{report}");
            }
        }
    }
}

#[test]
fn twenty_thousand_rows_are_enough_for_a_point() {
    let mut generator = generator(1);
    let (calibration, test) = (
        draw(&mut generator, 20_000, 0.0),
        draw(&mut generator, 20_000, 0.0),
    );
    for kind in KINDS {
        let classifier = ConformalClassifier::fit(kind, 0.1, &calibration).unwrap();
        let coverage = report(&classifier, &test).coverage;
        assert!((coverage.share - 0.9).abs() < 0.01, "{kind} {coverage:?}");
    }
}

#[test]
fn the_quantile_is_exact_for_few_rows() {
    // Of n rows and one to come, the one to come is equally likely to have any rank. 24 rows and alpha 0.1: the 23rd of 25.
    for (n, alpha, expected) in [
        (19, 0.1, 0.9),
        (24, 0.1, 0.92),
        (3, 0.5, 0.5),
        (1, 0.5, 0.5),
    ] {
        let n_worlds = 20_000;
        let mut generator = generator(2 + n as u64);
        let mut n_covered = 0;
        for _ in 0..n_worlds {
            let calibration = draw(&mut generator, n, 0.0);
            let classifier =
                ConformalClassifier::fit(ConformalKind::Marginal, alpha, &calibration).unwrap();
            n_covered += report(&classifier, &draw(&mut generator, 1, 0.0))
                .coverage
                .n_covered;
        }
        let share = n_covered as f64 / f64::from(n_worlds);
        // Four standard errors are at most 0.014.
        let error = (expected * (1.0 - expected) / f64::from(n_worlds)).sqrt();
        assert!((share - expected).abs() < 4.0 * error, "{n}: {share}");
    }
}

#[test]
fn coverage_lies_where_it_should_as_often_as_it_says() {
    let (n_worlds, mut held, mut held_without_calibration) = (600, 0, 0);
    for world in 0..n_worlds {
        let mut generator = generator(100 + world);
        let calibration = draw(&mut generator, 400, 0.0);
        let classifier =
            ConformalClassifier::fit(ConformalKind::Marginal, 0.1, &calibration).unwrap();
        let coverage = report(&classifier, &draw(&mut generator, 800, 0.0)).coverage;
        held += usize::from(coverage.is_as_promised().unwrap());
        let Interval { low, high } = coverage.interval;
        held_without_calibration += usize::from(low <= 0.9 && 0.9 <= high);
    }
    let share = |held: usize| held as f64 / n_worlds as f64;
    // The standard error of a share of 600 is 0.9 %, and whole rows make the interval a little too wide.
    assert!((0.92..=0.985).contains(&share(held)), "{held}");
    // 400 calibration rows are no exact quantile: the interval of the test rows alone is too narrow for that.
    assert!(share(held_without_calibration) < 0.87);
}

#[test]
fn rows_that_are_not_exchangeable_lose_coverage_and_are_found_out() {
    let mut generator = generator(3);
    let calibration = draw(&mut generator, 20_000, 0.0);
    let test = draw(&mut generator, 20_000, 0.7);
    for kind in KINDS {
        let classifier = ConformalClassifier::fit(kind, 0.1, &calibration).unwrap();
        let report = report(&classifier, &test);
        assert!(report.coverage.share < 0.87, "{kind}: {report}");
        let promised = match kind {
            ConformalKind::Marginal => report.coverage,
            _ => report.negatives.unwrap(),
        };
        assert_eq!(promised.is_as_promised(), Some(false), "{report}");
    }
}

/// The smallest number that as many rows as the definition asks for lie at or below, by counting.
fn quantile_by_counting(scores: &[f64], alpha: f64) -> f64 {
    let needed = (1.0 - alpha) * (scores.len() + 1) as f64 - 1e-9;
    let at_most = |limit: f64| scores.iter().filter(|&&score| score <= limit).count() as f64;
    let enough = scores
        .iter()
        .copied()
        .filter(|&limit| at_most(limit) >= needed);
    enough.fold(f64::INFINITY, f64::min)
}

fn rows() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    // Few different probabilities, so that many are tied.
    prop::collection::vec((0..=20u32, any::<bool>()), 1..60).prop_map(|rows| {
        let rows = rows
            .into_iter()
            .map(|(p, label)| (f64::from(p) / 20.0, label));
        rows.unzip()
    })
}

proptest! {
    #[test]
    fn quantiles_and_sets_are_what_counting_says(
        (probabilities, labels) in rows(),
        percent in 1..100u32,
    ) {
        let alpha = f64::from(percent) / 100.0;
        let cases = ClassificationCases::new(probabilities.clone(), labels.clone()).unwrap();
        let score = |row: usize, label: bool| match label {
            true => 1.0 - probabilities[row],
            false => probabilities[row],
        };
        for kind in KINDS {
            let expected = [false, true].map(|class| {
                let counts = |row: &usize| kind == ConformalKind::Marginal || labels[*row] == class;
                let rows = (0..labels.len()).filter(counts);
                let scores: Vec<f64> = rows.map(|row| score(row, labels[row])).collect();
                quantile_by_counting(&scores, alpha)
            });
            match ConformalClassifier::fit(kind, alpha, &cases) {
                Err(E::TooFewCalibrationRows { n_rows, n_needed, .. }) => {
                    prop_assert!(expected.iter().any(|quantile| quantile.is_infinite()));
                    prop_assert!(n_rows < n_needed);
                }
                Err(other) => panic!("{other}"),
                Ok(classifier) => {
                    for class in [false, true] {
                        let (found, expected) = (classifier.quantile(class), expected[usize::from(class)]);
                        prop_assert!(found >= expected && found < expected + 1e-13);
                    }
                    let sets = classifier.predict_sets(&probabilities).unwrap();
                    for (row, set) in sets.into_iter().enumerate() {
                        for label in [false, true] {
                            let holds = score(row, label) <= classifier.quantile(label);
                            prop_assert_eq!(set.holds(label), holds);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_smaller_alpha_never_makes_a_set_smaller(
        (probabilities, labels) in rows(),
        percents in (1..99u32, 1..99u32),
    ) {
        let cases = ClassificationCases::new(probabilities.clone(), labels).unwrap();
        let (low, high) = (percents.0.min(percents.1), percents.0.max(percents.1));
        let sets = |percent: u32| {
            let alpha = f64::from(percent) / 100.0;
            let classifier = ConformalClassifier::fit(ConformalKind::Marginal, alpha, &cases).ok()?;
            Some(classifier.predict_sets(&probabilities).unwrap())
        };
        if let (Some(large), Some(small)) = (sets(low), sets(high)) {
            for (large, small) in large.into_iter().zip(small) {
                prop_assert!([false, true].iter().all(|&label| large.holds(label) || !small.holds(label)));
            }
        }
    }
}

/// The probability of each number of events, by repeated addition of one row.
fn binomial(n: usize, chance: f64) -> Vec<f64> {
    let mut probabilities = vec![1.0];
    for _ in 0..n {
        let stays = probabilities
            .iter()
            .map(|p| p * (1.0 - chance))
            .chain([0.0]);
        let moves = [0.0]
            .into_iter()
            .chain(probabilities.iter().map(|p| p * chance));
        probabilities = stays.zip(moves).map(|(a, b)| a + b).collect();
    }
    probabilities
}

#[test]
fn exact_intervals_end_where_a_tail_is_what_the_level_leaves() {
    for n in [1, 2, 5, 30, 200] {
        for k in (0..=n).step_by(1 + n / 10) {
            for level in [0.5, 0.95, 0.999] {
                let Interval { low, high } = clopper_pearson(k, n, level).unwrap();
                let tail = (1.0 - level) / 2.0;
                let above: f64 = binomial(n, low)[k..].iter().sum();
                let below: f64 = binomial(n, high)[..=k].iter().sum();
                if k == 0 {
                    assert_eq!(low, 0.0);
                } else {
                    assert!((above - tail).abs() < 1e-9, "{k} of {n}: {low}");
                }
                if k == n {
                    assert_eq!(high, 1.0);
                } else {
                    assert!((below - tail).abs() < 1e-9, "{k} of {n}: {high}");
                }
            }
        }
    }
    // With no event in n rows the upper end has a closed form; a million rows are no hurdle.
    for n in [1, 10, 1_000_000] {
        let Interval { high, .. } = clopper_pearson(0, n, 0.95).unwrap();
        let expected = 1.0 - 0.025f64.powf(1.0 / n as f64);
        assert!(
            (high - expected).abs() < 1e-9 * expected.max(1e-6),
            "{n}: {high}"
        );
    }
}

#[test]
fn sets_of_nine_rows_are_those_by_hand() {
    let probabilities = vec![0.9, 0.8, 0.6, 0.3, 0.2, 0.2, 0.1, 0.1, 0.05];
    let labels = vec![true, true, true, true, false, false, false, false, false];
    let cases = ClassificationCases::new(probabilities, labels).unwrap();
    let fit = |kind, alpha| ConformalClassifier::fit(kind, alpha, &cases).unwrap();
    // Nonconformity by size: 0.05, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.4, 0.7; of 10 the 9th, the 8th, the 5th.
    for (alpha, expected) in [(0.1, 0.7), (0.2, 0.4), (0.5, 0.2)] {
        let found = fit(ConformalKind::Marginal, alpha).quantile(true);
        assert!((found - expected).abs() < 1e-14, "{alpha}: {found}");
    }
    // Of 5 negatives and one to come the 5th of 6, of 4 positives the 4th of 5.
    let classifier = fit(ConformalKind::ClassConditional, 0.2);
    let found = [false, true].map(|label| classifier.quantile(label));
    assert!((found[0] - 0.2).abs() < 1e-14 && (found[1] - 0.7).abs() < 1e-14);
    let sets = classifier
        .predict_sets(&[0.0, 0.25, 0.2, 0.31, 1.0])
        .unwrap();
    let expected = [
        PredictionSet::Negative,
        PredictionSet::Empty,
        PredictionSet::Negative,
        PredictionSet::Positive,
        PredictionSet::Positive,
    ];
    assert_eq!(sets, expected);
    let wide = fit(ConformalKind::Marginal, 0.1);
    assert_eq!(wide.predict_sets(&[0.5]).unwrap(), [PredictionSet::Both]);
    let names = [PredictionSet::Empty, PredictionSet::Both].map(|set| set.to_string());
    assert_eq!(names, ["{}", "{0, 1}"]);
}

#[test]
fn a_report_counts_its_sets_prints_and_survives_json() {
    let mut generator = generator(5);
    let calibration = draw(&mut generator, 500, 0.0);
    let classifier =
        ConformalClassifier::fit(ConformalKind::ClassConditional, 0.05, &calibration).unwrap();
    let test = draw(&mut generator, 400, 0.0);
    let report = report(&classifier, &test);
    let sets = classifier.predict_sets(test.probabilities()).unwrap();
    let sizes: usize = sets.iter().map(|set| set.n_labels()).sum();
    let single = sets.iter().filter(|set| set.n_labels() == 1).count();
    assert_eq!(report.mean_set_size, sizes as f64 / 400.0);
    assert_eq!(report.single_share, single as f64 / 400.0);
    assert_eq!(
        report.n_both,
        sets.iter().filter(|set| set.n_labels() == 2).count()
    );
    let json = serde_json::to_string(&report).unwrap();
    let read: ConformalReport = serde_json::from_str(&json).unwrap();
    assert_eq!(read.to_string(), report.to_string());
    read.protocol.same_as(&report.protocol).unwrap();
    insta::assert_snapshot!(report, @r"
    a model: 400 rows

    coverage   rows   share          interval     should lie in
    all         400  0.9725  [0.9513, 0.9862]                  
    negatives   302  0.9768  [0.9528, 0.9906]  [0.9139, 0.9801]
    positives    98  0.9592  [0.8988, 0.9888]  [0.8878, 1.0000]

    set     rows   share
    {}         0  0.0000
    {0}      204  0.5100
    {1}       52  0.1300
    {0, 1}   144  0.3600

    mean set size   1.3600
    single labels   0.6400

    data sha256   unknown
    split         unknown
    measured      conformal
    alpha         0.05
    kind          class conditional
    level         0.95
    cases         400
    cases sha256  bc98332d5a155945becca7098c9ef1678323d9bc5ae7fd243733477138c7c81a
    seeds         none
    interval      none
    ");
}

#[test]
fn a_classifier_reads_back_and_a_bad_one_is_refused() {
    let calibration = draw(&mut generator(6), 999, 0.0);
    for kind in KINDS {
        for alpha in [0.01, 0.1, 1.0 / 3.0] {
            let classifier = ConformalClassifier::fit(kind, alpha, &calibration).unwrap();
            let json = serde_json::to_string(&classifier).unwrap();
            let read: ConformalClassifier = serde_json::from_str(&json).unwrap();
            for label in [false, true] {
                assert_eq!(read.quantile(label), classifier.quantile(label), "{json}");
            }
            assert_eq!(
                (read.kind(), read.to_string()),
                (kind, classifier.to_string())
            );
        }
    }
    let sound = r#"{"alpha":0.1,"kind":"marginal","nonconformity":0.75,"n_rows":9}"#;
    let read: ConformalClassifier = serde_json::from_str(sound).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), sound);
    let bad = [
        (
            r#"{"alpha":0.0,"kind":"marginal","nonconformity":0.5,"n_rows":9}"#,
            "alpha is 0;",
        ),
        (
            r#"{"alpha":1.0,"kind":"marginal","nonconformity":0.5,"n_rows":9}"#,
            "alpha is 1;",
        ),
        (
            r#"{"alpha":0.1,"kind":"marginal","nonconformity":1.5,"n_rows":9}"#,
            "nonconformity is 1.5; it must be between 0 and 1",
        ),
        (
            r#"{"alpha":0.1,"kind":"marginal","nonconformity":0.5,"n_rows":8}"#,
            "conformal sets of alpha 0.1 need at least 9 rows to calibrate on, but there are 8",
        ),
        (
            r#"{"alpha":0.1,"kind":"class_conditional","negative":{"nonconformity":0.5,"n_rows":9},
                "positive":{"nonconformity":-0.5,"n_rows":9}}"#,
            "nonconformity is -0.5;",
        ),
        (
            r#"{"alpha":0.1,"kind":"marginal","n_rows":9}"#,
            "missing field `nonconformity`",
        ),
        (
            r#"{"alpha":0.1,"kind":"weighted"}"#,
            "unknown variant `weighted`",
        ),
    ];
    for (json, message) in bad {
        let error = serde_json::from_str::<ConformalClassifier>(json).unwrap_err();
        assert!(error.to_string().contains(message), "{json}: {error}");
    }
}

#[test]
fn too_few_rows_are_refused_with_the_number_needed() {
    let mut generator = generator(7);
    let cases = |n_positives: usize, n: usize| {
        let labels = (0..n).map(|row| row < n_positives).collect();
        ClassificationCases::new(vec![0.5; n], labels).unwrap()
    };
    for (alpha, needed) in [
        (0.1, 9),
        (0.05, 19),
        (0.01, 99),
        (0.07, 14),
        (0.3, 3),
        (0.9, 1),
    ] {
        assert!(ConformalClassifier::fit(KINDS[0], alpha, &cases(0, needed)).is_ok());
        if needed > 1 {
            let few = cases(0, needed - 1);
            let error = ConformalClassifier::fit(KINDS[0], alpha, &few).unwrap_err();
            assert!(matches!(
                error,
                E::TooFewCalibrationRows { n_rows, n_needed, rows: "rows", .. }
                    if (n_rows, n_needed) == (needed - 1, needed)
            ));
        }
    }
    for (n_positives, expected) in [(8, "positive rows"), (992, "negative rows")] {
        let few = cases(n_positives, 1000);
        assert!(ConformalClassifier::fit(KINDS[0], 0.1, &few).is_ok());
        let error = ConformalClassifier::fit(KINDS[1], 0.1, &few).unwrap_err();
        assert!(matches!(
            error,
            E::TooFewCalibrationRows { rows, n_rows: 8, n_needed: 9, .. } if rows == expected
        ));
    }
    // A class without rows is too few of them, not a crash.
    let error = ConformalClassifier::fit(KINDS[1], 0.9, &cases(0, 50)).unwrap_err();
    assert!(matches!(
        error,
        E::TooFewCalibrationRows {
            n_rows: 0,
            n_needed: 1,
            ..
        }
    ));
    let weighted = draw(&mut generator, 50, 0.0)
        .with_weights(vec![1.0; 50])
        .unwrap();
    let error = ConformalClassifier::fit(KINDS[0], 0.1, &weighted).unwrap_err();
    assert!(matches!(
        error,
        E::WeightsUndefined {
            what: "conformal prediction"
        }
    ));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let cases = draw(&mut generator(8), 50, 0.0);
    for alpha in [0.0, 1.0, -0.1, f64::NAN] {
        let error = ConformalClassifier::fit(KINDS[0], alpha, &cases).unwrap_err();
        assert!(matches!(
            error,
            E::SettingOutOfRange {
                setting: "alpha",
                ..
            }
        ));
    }
    let classifier = ConformalClassifier::fit(KINDS[0], 0.1, &cases).unwrap();
    let error = classifier.predict_sets(&[0.5, f64::NAN]).unwrap_err();
    assert!(matches!(
        error,
        E::RowOutOfRange {
            column: "probability",
            row: 1,
            ..
        }
    ));
    assert!(classifier.predict_sets(&[]).unwrap().is_empty());
    let weighted = cases.clone().with_weights(vec![1.0; 50]).unwrap();
    let settings = ConformalSettings::default();
    let error = evaluate_conformal("m", &classifier, &weighted, &settings).unwrap_err();
    assert!(matches!(error, E::WeightsUndefined { .. }));
    let settings = ConformalSettings {
        level: 1.0,
        ..ConformalSettings::default()
    };
    let error = evaluate_conformal("m", &classifier, &cases, &settings).unwrap_err();
    assert!(matches!(error, E::LevelOutOfRange { level: 1.0 }));
    for (k, n, level) in [(1, 0, 0.95), (2, 1, 0.95), (1, 1, 0.0), (1, 1, f64::NAN)] {
        assert!(clopper_pearson(k, n, level).is_err());
    }
    // Rows of one class alone can be judged.
    let stayed = ClassificationCases::new(vec![0.1, 0.2], vec![false, false]).unwrap();
    let report = report(&classifier, &stayed);
    assert!(report.positives.is_none() && report.negatives.is_some());
}
