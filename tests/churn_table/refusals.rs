//! What makes no table, and cut-offs that would learn from what they are judged by, are refused by name.

use std::ops::RangeInclusive;
use std::time::Duration;

use salient::data::{
    Attribute, AttributeCells, AttributeTable, ChurnError, ChurnRule, ChurnSplit, DataError,
    InteractionSchema, ReadOptions, RowUse, read_interactions,
};

use super::{END, EVENTS, STEP, log, rule, steps};

fn refused(rule: &ChurnRule, customers: Option<&AttributeTable>) -> ChurnError {
    match rule.apply(&log(&EVENTS), customers).unwrap_err() {
        DataError::Churn(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cut_off_whose_horizon_is_open_is_refused_with_both_times() {
    // The last moment that closes is taken.
    assert!(rule(12, &[108]).apply(&log(&EVENTS), None).is_ok());
    let error = refused(&rule(12, &[100, 109]), None);
    assert_eq!(
        error.to_string(),
        "the horizon of cut-off 1970-01-28 06:00:00 UTC closes at 1970-01-31 06:00:00 UTC, but events are known until 1970-01-31 \
         only; take an earlier cut-off or a shorter horizon, or say when the log ends if that is later than its last event"
    );
    // Known until earlier than the log ends.
    let known = ChurnRule {
        known_until_utc_millis: Some(111 * STEP),
        ..rule(12, &[100])
    };
    let expected = ChurnError::HorizonOpen {
        cut_off: 100 * STEP,
        closes: 112 * STEP,
        known_until: 111 * STEP,
    };
    assert_eq!(refused(&known, None), expected);
    // Without a stated end, the last event is it; with a later one, the horizon may go further.
    let plain = ChurnRule::new(steps(12), vec![109 * STEP]);
    assert!(plain.apply(&log(&EVENTS), None).is_err());
    let later = ChurnRule {
        log_end_utc_millis: Some(121 * STEP),
        ..plain
    };
    assert!(later.apply(&log(&EVENTS), None).is_ok());
}

#[test]
fn an_event_after_the_end_of_the_log_is_refused_with_customer_and_time() {
    let rule = ChurnRule {
        log_end_utc_millis: Some(32 * STEP),
        ..rule(4, &[8])
    };
    let expected = ChurnError::EventAfterLogEnd {
        customer: "u0".into(),
        time: 33 * STEP,
        log_end: 32 * STEP,
        n_later: 2,
    };
    assert_eq!(refused(&rule, None), expected);
    assert!(matches!(
        rule.inputs(&log(&EVENTS), None, 0),
        Err(DataError::Churn(found)) if found == expected
    ));
}

#[test]
fn what_makes_no_table_is_refused() {
    let plain = rule(12, &[20]);
    let part = "the rule";
    assert_eq!(
        refused(&rule(12, &[]), None),
        ChurnError::NoCutOffs { part }
    );
    for (first, second) in [(20, 20), (20, 19)] {
        let (cut_offs, first, second) = ([first, second], first * STEP, second * STEP);
        let expected = ChurnError::CutOffsNotIncreasing { first, second };
        assert_eq!(refused(&rule(12, &cut_offs), None), expected);
    }
    for period in [Duration::ZERO, Duration::from_nanos(999_999), Duration::MAX] {
        let change = |name: &'static str, change: fn(&mut ChurnRule, Duration)| {
            let mut rule = plain.clone();
            change(&mut rule, period);
            assert_eq!(
                refused(&rule, None),
                ChurnError::InvalidPeriod { name, period }
            );
        };
        change("horizon", |rule, period| rule.horizon = period);
        change("lookback", |rule, period| rule.lookback = Some(period));
        change("period of activity", |rule, period| {
            rule.active_within = Some(period)
        });
    }
    let expected = ChurnError::NoCustomers {
        n_not_yet: 2,
        n_inactive: 0,
    };
    assert_eq!(refused(&rule(12, &[-1]), None), expected);
    let named = |name: &str, cells| {
        let ids = vec!["u1".to_owned()];
        AttributeTable::from_columns(ids, vec![Attribute::new(name, cells)]).unwrap()
    };
    for name in ["label", "gaps", "history_times", "recency_days"] {
        let table = named(name, AttributeCells::category([Some("a")]));
        let name = name.to_owned();
        assert_eq!(
            refused(&plain, Some(&table)),
            ChurnError::RepeatedColumn { name }
        );
    }
    let table = named("tags", AttributeCells::categories([["a", "b"]]));
    let (name, kind) = ("tags".to_owned(), "categories");
    assert_eq!(
        refused(&plain, Some(&table)),
        ChurnError::UnusableAttribute { name, kind }
    );
}

#[test]
fn a_log_without_times_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, "user,item\na,b\n").unwrap();
    let schema = InteractionSchema::new("user", "item");
    let (log, _) = read_interactions(&path, &schema, &ReadOptions::default()).unwrap();
    let error = rule(1, &[0]).apply(&log, None).unwrap_err();
    assert!(matches!(error, DataError::Churn(ChurnError::NeedsTimes)));
}

#[test]
fn parts_that_are_no_horizon_apart_are_refused() {
    let split = |train: &[i64], validation, test| ChurnSplit {
        train: train.iter().map(|at| at * STEP).collect(),
        validation: vec![validation * STEP],
        test: vec![test * STEP],
    };
    let plain = rule(12, &[]);
    let refused = |split: ChurnSplit| match split.rule_of(RowUse::Train, &plain) {
        Err(DataError::Churn(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(split(&[0, 8], 20, 32).rule_of(RowUse::Test, &plain).is_ok());
    let overlap = |part, cut_off, before| ChurnError::PartsOverlap {
        part,
        cut_off: cut_off * STEP,
        before: before * STEP,
        closes: (before + 12) * STEP,
    };
    assert_eq!(
        refused(split(&[0, 8], 19, 32)),
        overlap("validation", 19, 8)
    );
    assert_eq!(refused(split(&[0, 8], 20, 31)), overlap("test", 31, 20));
    let part = "training";
    assert_eq!(refused(split(&[], 19, 32)), ChurnError::NoCutOffs { part });
}

#[test]
fn spaced_cut_offs_end_where_the_last_horizon_closes() {
    let spaced = |times: RangeInclusive<i64>, n| ChurnRule::spaced(times, steps(12), steps(5), n);
    let rule = spaced(0..=END * STEP, 3).unwrap();
    assert_eq!(
        rule.cut_offs_utc_millis,
        [98 * STEP, 103 * STEP, 108 * STEP]
    );
    assert!(rule.apply(&log(&EVENTS), None).is_ok());
    assert_eq!(spaced(98 * STEP..=END * STEP, 3).unwrap(), rule);
    let error = spaced(99 * STEP..=END * STEP, 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the times from 1970-01-25 18:00:00 UTC to 1970-01-31 last 5.25 days, but these cut-offs need 5.50; take fewer of them, a \
         shorter step, a shorter horizon or a longer log"
    );
    assert!(matches!(
        spaced(0..=0, 0),
        Err(DataError::Churn(ChurnError::NoCutOffs { .. }))
    ));
    assert!(spaced(i64::MIN..=i64::MAX, usize::MAX).is_err());
}
