//! The value of a policy is found from the log of another, and its intervals hold the truth as often as they say.

use rand::RngExt;
use salient::evaluation::policy::{
    LoggedAction, PolicyInterval, PolicyReport, PolicySettings, RewardPrediction, evaluate_policy,
};
use salient::evaluation::{Estimate, EvaluationError as E, Interval, IntervalSettings};
use salient::random::RandomKey;

/// The chance of a click by context and action, and what the two policies do.
const CLICKS: [[f64; 3]; 4] = [
    [0.1, 0.3, 0.5],
    [0.6, 0.2, 0.1],
    [0.2, 0.2, 0.7],
    [0.4, 0.5, 0.3],
];
const RUNNING: [[f64; 3]; 4] = [
    [0.5, 0.3, 0.2],
    [0.3, 0.3, 0.4],
    [0.6, 0.2, 0.2],
    [0.2, 0.4, 0.4],
];
const TARGET: [[f64; 3]; 4] = [
    [0.1, 0.1, 0.8],
    [0.9, 0.1, 0.0],
    [0.1, 0.0, 0.9],
    [0.3, 0.4, 0.3],
];

/// The mean over contexts of what is expected under the target policy.
fn expected(rewards: &[[f64; 3]; 4]) -> [f64; 4] {
    std::array::from_fn(|context| {
        let actions = TARGET[context].iter().zip(&rewards[context]);
        actions
            .map(|(probability, reward)| probability * reward)
            .sum()
    })
}

fn true_value() -> f64 {
    expected(&CLICKS).iter().sum::<f64>() / 4.0
}

/// Which part of what the estimates are made of is wrong.
#[derive(Clone, Copy, PartialEq)]
struct Wrong {
    propensities: bool,
    predictions: bool,
}

fn draw_log(world: u64, n: usize, wrong: Wrong) -> (Vec<LoggedAction>, Vec<RewardPrediction>) {
    let mut generator = RandomKey::new(21).step(world).generator();
    let mut predicted = CLICKS;
    if wrong.predictions {
        predicted.iter_mut().flatten().for_each(|p| *p = 0.9 - *p);
    }
    let expected = expected(&predicted);
    let row = |_| {
        let context = generator.random_range(0..4usize);
        let running = RUNNING[context];
        let draw = generator.random::<f64>();
        let action = usize::from(draw >= running[0]) + usize::from(draw >= running[0] + running[1]);
        let propensity = if wrong.propensities {
            1.0 / 3.0
        } else {
            running[action]
        };
        let action_logged = LoggedAction {
            propensity,
            reward: f64::from(generator.random::<f64>() < CLICKS[context][action]),
            target_probability: TARGET[context][action],
        };
        let prediction = RewardPrediction {
            logged: predicted[context][action],
            target: expected[context],
        };
        (action_logged, prediction)
    };
    (0..n).map(row).unzip()
}

const RIGHT: Wrong = Wrong {
    propensities: false,
    predictions: false,
};

fn with(interval: PolicyInterval) -> PolicySettings {
    PolicySettings {
        interval,
        ..PolicySettings::default()
    }
}

/// The mean of an estimate over worlds, and how many standard errors it lies from the truth.
fn bias(estimate: impl Fn(&PolicyReport) -> Estimate, wrong: Wrong) -> f64 {
    let n_worlds = 400;
    let values: Vec<f64> = (0..n_worlds)
        .map(|world| {
            let (log, predictions) = draw_log(world, 200, wrong);
            let settings = with(PolicyInterval::None);
            estimate(&evaluate_policy(&log, Some(&predictions), &settings).unwrap()).mean
        })
        .collect();
    let n = n_worlds as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / (n - 1.0);
    (mean - true_value()) / (variance / n).sqrt()
}

#[test]
fn the_doubly_robust_value_is_unbiased_when_either_part_is_right() {
    let bias = |propensities, predictions| {
        let wrong = Wrong {
            propensities,
            predictions,
        };
        bias(|report| report.doubly_robust.unwrap(), wrong).abs()
    };
    for (propensities, predictions) in [(false, false), (true, false), (false, true)] {
        let found = bias(propensities, predictions);
        assert!(
            found < 3.5,
            "{propensities} {predictions}: {found} standard errors"
        );
    }
    assert!(bias(true, true) > 10.0);
}

#[test]
fn inverse_propensity_is_unbiased_if_the_propensities_are_right() {
    let wrong = Wrong {
        propensities: true,
        predictions: false,
    };
    assert!(bias(|report| report.inverse_propensity, RIGHT).abs() < 3.5);
    assert!(bias(|report| report.inverse_propensity, wrong).abs() > 10.0);
    // Its bias is of the order of one row in 200.
    assert!(bias(|report| report.self_normalised, RIGHT).abs() < 4.5);
    // What the running policy earns is another thing.
    assert!(bias(|report| report.logged_value, RIGHT).abs() > 10.0);
}

#[test]
fn intervals_hold_the_true_value_as_often_as_they_say() {
    let bootstrap = |seed| {
        PolicyInterval::Bootstrap(IntervalSettings {
            n_resamples: 300,
            level: 0.95,
            seed,
        })
    };
    let mut held = [[0usize; 3]; 2];
    let n_worlds = 400;
    for world in 0..n_worlds {
        let wrong = Wrong {
            propensities: false,
            predictions: world % 2 == 0,
        };
        let (log, predictions) = draw_log(1000 + world, 400, wrong);
        let kinds = [bootstrap(world), PolicyInterval::Normal { level: 0.95 }];
        for (kind, held) in kinds.into_iter().zip(&mut held) {
            let report = evaluate_policy(&log, Some(&predictions), &with(kind)).unwrap();
            let robust = report.doubly_robust.unwrap();
            let found = [report.inverse_propensity, report.self_normalised, robust];
            for (estimate, held) in found.iter().zip(held) {
                let Interval { low, high } = estimate.interval.unwrap();
                *held += usize::from(low <= true_value() && true_value() <= high);
            }
        }
    }
    // The standard error of a share of 400 is 1.1 %.
    for held in held.as_flattened() {
        let share = *held as f64 / n_worlds as f64;
        assert!((0.91..=0.98).contains(&share), "{share}");
    }
}

#[test]
fn a_good_model_of_rewards_makes_the_value_surer() {
    let (log, predictions) = draw_log(1, 2000, RIGHT);
    let report = evaluate_policy(&log, Some(&predictions), &PolicySettings::default()).unwrap();
    let width = |estimate: Estimate| estimate.interval.map(|i| i.high - i.low).unwrap();
    let (plain, robust) = (
        width(report.inverse_propensity),
        width(report.doubly_robust.unwrap()),
    );
    assert!((0.4..0.95).contains(&(robust / plain)), "{robust} {plain}");
}

fn action(propensity: f64, reward: f64, target_probability: f64) -> LoggedAction {
    LoggedAction {
        propensity,
        reward,
        target_probability,
    }
}

/// Weights 2, 0.5, 0 and 4.
fn four() -> [LoggedAction; 4] {
    [
        action(0.5, 1.0, 1.0),
        action(1.0, 3.0, 0.5),
        action(0.25, 5.0, 0.0),
        action(0.125, -1.0, 0.5),
    ]
}

#[test]
fn estimates_are_what_their_formulas_say() {
    let predictions = [0.5, 2.0, 1.0, 0.0].map(|logged| RewardPrediction {
        logged,
        target: 1.5,
    });
    let settings = with(PolicyInterval::Normal { level: 0.95 });
    let report = evaluate_policy(&four(), Some(&predictions), &settings).unwrap();
    assert_eq!(report.logged_value.mean, 2.0);
    assert_eq!(
        report.inverse_propensity.mean,
        (2.0 + 1.5 + 0.0 - 4.0) / 4.0
    );
    assert_eq!(report.self_normalised.mean, -0.5 / 6.5);
    let robust = 1.5 + (2.0 * 0.5 + 0.5 * 1.0 + 0.0 - 4.0) / 4.0;
    assert!((report.doubly_robust.unwrap().mean - robust).abs() < 1e-12);
    assert_eq!((report.mean_weight, report.largest_weight), (1.625, 4.0));
    assert!((report.effective_sample_size - 6.5 * 6.5 / (4.0 + 0.25 + 16.0)).abs() < 1e-12);
    // The standard deviation of the four products is that of 2, 1.5, 0 and -4 around -0.125.
    let variance =
        (2.125f64.powi(2) + 1.625f64.powi(2) + 0.125f64.powi(2) + 3.875f64.powi(2)) / 3.0;
    let half = 1.959_963_985 * (variance / 4.0).sqrt();
    let Interval { low, high } = report.inverse_propensity.interval.unwrap();
    assert!((low + 0.125 + half).abs() < 1e-6 && (high + 0.125 - half).abs() < 1e-6);
}

#[test]
fn clipped_weights_are_counted() {
    let settings = PolicySettings {
        max_weight: Some(2.0),
        interval: PolicyInterval::None,
    };
    let report = evaluate_policy(&four(), None, &settings).unwrap();
    // A weight of just 2 is not lowered.
    assert_eq!((report.n_clipped, report.largest_weight), (1, 2.0));
    assert_eq!(
        report.inverse_propensity.mean,
        (2.0 + 1.5 + 0.0 - 2.0) / 4.0
    );
    assert_eq!(report.inverse_propensity.interval, None);
    assert_eq!(report.doubly_robust, None);
}

#[test]
fn a_report_prints_and_survives_json() {
    let (log, predictions) = draw_log(3, 500, RIGHT);
    let settings = PolicySettings {
        max_weight: Some(3.0),
        ..PolicySettings::default()
    };
    let report = evaluate_policy(&log, Some(&predictions), &settings).unwrap();
    let json = serde_json::to_string(&report).unwrap();
    let read: PolicyReport = serde_json::from_str(&json).unwrap();
    assert_eq!(read.to_string(), report.to_string());
    insta::assert_snapshot!(report, @r"
    500 decisions

    mean reward                           value
    running policy      0.3120 [0.2700, 0.3520]
    inverse propensity  0.4446 [0.3672, 0.5274]
    self-normalised     0.5179 [0.4462, 0.5800]
    doubly robust       0.5327 [0.4722, 0.5850]

    effective decisions  208.8
    mean weight          0.8583
    largest weight       3.0000
    clipping             at 3, 50 decisions
    interval             95 %, 1000 resamples, seed 0
    ");
}

#[test]
fn a_resample_without_the_target_policy_leaves_no_interval_of_the_ratio() {
    let log = [action(0.5, 1.0, 1.0), action(0.5, 0.0, 0.0)];
    let report = evaluate_policy(&log, None, &PolicySettings::default()).unwrap();
    assert_eq!(report.self_normalised.to_string(), "1.0000");
    assert!(report.inverse_propensity.interval.is_some());
    let single = evaluate_policy(&log[..1], None, &PolicySettings::default()).unwrap();
    assert_eq!(single.inverse_propensity.interval, None);
}

#[test]
fn logs_that_make_no_sense_are_refused() {
    let refusal =
        |log: &[LoggedAction]| evaluate_policy(log, None, &PolicySettings::default()).unwrap_err();
    assert!(matches!(refusal(&[]), E::NoCases));
    let fine = action(0.5, 1.0, 0.5);
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for value in [0.0, -0.5, 1.0 + 1e-9, 1e-60].into_iter().chain(bad) {
        let error = refusal(&[fine, action(value, 1.0, 0.5)]);
        assert!(
            matches!(
                error,
                E::RowOutOfRange {
                    column: "propensity",
                    row: 1,
                    ..
                }
            ),
            "{value}"
        );
    }
    for value in [-1e-9, 1.0 + 1e-9].into_iter().chain(bad) {
        let error = refusal(&[fine, action(0.5, 1.0, value)]);
        assert!(matches!(
            error,
            E::RowOutOfRange {
                column: "target_probability",
                row: 1,
                ..
            }
        ));
    }
    for value in [2e100, -2e100].into_iter().chain(bad) {
        let error = refusal(&[fine, action(0.5, value, 0.5)]);
        assert!(matches!(
            error,
            E::RowOutOfRange {
                column: "reward",
                row: 1,
                ..
            }
        ));
    }
    assert_eq!(
        refusal(&[action(0.0, 1.0, 0.5)]).to_string(),
        "propensity of row 0 is 0; it must be above 0 (by 1e-50 at least) and at most 1"
    );
    let error = refusal(&[action(0.5, 1.0, 0.0); 3]);
    assert!(matches!(error, E::NoOverlap { n_rows: 3 }));
    assert_eq!(
        error.to_string(),
        "the target policy takes none of the 3 logged actions; they say nothing of it"
    );
}

#[test]
fn predictions_and_settings_that_make_no_sense_are_refused() {
    let log = [action(0.5, 1.0, 0.5); 2];
    let prediction = |logged, target| RewardPrediction { logged, target };
    let refusal = |predictions: &[RewardPrediction]| {
        evaluate_policy(&log, Some(predictions), &PolicySettings::default()).unwrap_err()
    };
    let error = refusal(&[prediction(0.5, 0.5)]);
    assert!(matches!(
        error,
        E::RowCount {
            found: 1,
            expected: 2,
            ..
        }
    ));
    let error = refusal(&[prediction(0.5, 0.5), prediction(f64::NAN, 0.5)]);
    assert!(matches!(error, E::RowOutOfRange { row: 1, .. }));
    let error = refusal(&[prediction(0.5, f64::INFINITY), prediction(0.5, 0.5)]);
    assert_eq!(
        error.to_string(),
        "predicted reward of the target policy of row 0 is inf; it must be between -1e100 and 1e100"
    );
    for max_weight in [0.0, -1.0, f64::NAN] {
        let settings = PolicySettings {
            max_weight: Some(max_weight),
            ..PolicySettings::default()
        };
        let error = evaluate_policy(&log, None, &settings).unwrap_err();
        assert!(matches!(
            error,
            E::SettingOutOfRange {
                setting: "max_weight",
                ..
            }
        ));
    }
    for level in [0.0, 1.0, f64::NAN] {
        let settings = with(PolicyInterval::Normal { level });
        let error = evaluate_policy(&log, None, &settings).unwrap_err();
        assert!(matches!(error, E::LevelOutOfRange { .. }));
    }
}
