//! Settings, cases and scores that cannot be ranked are refused by name.

use salient::evaluation::ranking::{
    Candidates, RankingCase, RankingSettings, Scorer, ScorerError, evaluate_ranking,
};
use salient::evaluation::{EvaluationError, IntervalSettings};

use crate::score_table::{Table, case, row_of, settings};

fn refusal(cases: &[RankingCase], settings: &RankingSettings) -> EvaluationError {
    let scorer = Table {
        n_items: 3,
        rows: vec![vec![0.1, 0.2, 0.3]; 2],
    };
    evaluate_ranking(cases, &scorer, settings).unwrap_err()
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    use EvaluationError as E;
    let cases = [case(0, &[0], &[1])];
    let check = |settings: RankingSettings, message: &str| {
        let error = refusal(&cases, &settings);
        assert_eq!(error.to_string(), message);
        error
    };
    let error = check(settings(&[0, 2]), "cutoff k is 0; it must be at least 1");
    assert!(matches!(error, E::ZeroCutoff));
    let error = check(
        settings(&[4]),
        "cutoff k is 4, but the catalogue has 3 items; lower k",
    );
    assert!(matches!(error, E::CutoffExceedsItems { k: 4, n_items: 3 }));
    let error = check(settings(&[]), "no cutoffs; name at least one k, such as 10");
    assert!(matches!(error, E::NoCutoffs));
    let list = |items: &[u32]| RankingSettings {
        candidates: Candidates::AllowList(items.into()),
        ..settings(&[2])
    };
    let error = check(
        list(&[1, 1]),
        "cutoff k is 2, but the allow-list has 1 items; lower k",
    );
    assert!(matches!(
        error,
        E::CutoffExceedsCandidates {
            k: 2,
            n_candidates: 1
        }
    ));
    let error = check(
        list(&[1, 3]),
        "the allow-list holds item 3, but the catalogue has 3 items; catalogue indices start at 0",
    );
    assert!(matches!(
        error,
        E::CandidateOutOfRange {
            item: 3,
            n_items: 3
        }
    ));
    let error = check(
        RankingSettings {
            batch_size: 0,
            ..settings(&[1])
        },
        "batch_size is 0; it must be at least 1",
    );
    assert!(matches!(error, E::ZeroBatchSize));
    let interval = |n_resamples, level| RankingSettings {
        interval: Some(IntervalSettings {
            n_resamples,
            level,
            seed: 0,
        }),
        ..settings(&[1])
    };
    let error = check(
        interval(1, 0.9),
        "n_resamples is 1; a bootstrap interval needs at least 2",
    );
    assert!(matches!(error, E::TooFewResamples { n_resamples: 1 }));
    for level in [0.0, 1.0, f64::NAN] {
        let message =
            format!("interval level is {level}; it must lie between 0 and 1, both excluded");
        assert!(matches!(
            check(interval(2, level), &message),
            E::LevelOutOfRange { .. }
        ));
    }
}

#[test]
fn cases_that_make_no_sense_are_refused() {
    use EvaluationError as E;
    let check = |cases: &[RankingCase], message: &str| {
        let error = refusal(cases, &settings(&[3]));
        assert_eq!(error.to_string(), message);
        error
    };
    let good = case(0, &[0], &[1]);
    let second = |bad: RankingCase| [good.clone(), bad];
    assert!(matches!(
        check(&[], "no cases to evaluate; a mean needs at least one"),
        E::NoCases
    ));
    let error = check(
        &second(case(1, &[], &[])),
        "case 1 has no target, known or unknown; ranking metrics are undefined for it, leave it out",
    );
    assert!(matches!(error, E::NoTargets { case: 1 }));
    let error = check(
        &second(case(1, &[], &[3])),
        "case 1 has target 3, but the catalogue has 3 items; count targets outside it in n_unknown_targets",
    );
    assert!(matches!(
        error,
        E::TargetOutOfRange {
            case: 1,
            item: 3,
            n_items: 3
        }
    ));
    let error = check(
        &second(case(1, &[], &[2, 0, 2])),
        "case 1 has target 2 more than once; targets must be distinct",
    );
    assert!(matches!(error, E::RepeatedTarget { case: 1, item: 2 }));
    let error = check(
        &second(case(1, &[0, 9], &[2])),
        "the history of case 1 holds item 9, but the catalogue has 3 items; leave out items outside the catalogue",
    );
    assert!(matches!(
        error,
        E::HistoryOutOfRange {
            case: 1,
            item: 9,
            n_items: 3
        }
    ));
    let untimed = RankingCase {
        history_times_utc_millis: vec![5],
        ..case(1, &[0, 2], &[2])
    };
    let error = check(
        &second(untimed),
        "history_times_utc_millis of case 1 has 1 entries for a history of 2; give one an event, or none at all",
    );
    assert!(matches!(
        error,
        E::ColumnLength {
            case: 1,
            expected: 2,
            found: 1,
            ..
        }
    ));
}

/// Scores as told, without limits.
struct Unruly(fn(&[RankingCase], &mut [f32]) -> Result<(), ScorerError>);

impl Scorer for Unruly {
    fn name(&self) -> &str {
        "unruly"
    }

    fn n_items(&self) -> usize {
        3
    }

    fn score(&self, cases: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        (self.0)(cases, scores)
    }
}

#[test]
fn scores_that_cannot_be_ranked_are_refused_by_case_and_item() {
    let cases: Vec<RankingCase> = (0..5).map(|row| case(row, &[], &[1])).collect();
    let settings = RankingSettings {
        batch_size: 2,
        ..settings(&[1])
    };
    let spoiled = Unruly(|cases, scores| {
        scores.fill(0.5);
        if row_of(&cases[0]) == 2 {
            scores[5] = f32::NAN;
        }
        Ok(())
    });
    let error = evaluate_ranking(&cases, &spoiled, &settings).unwrap_err();
    let expected = "unruly gave item 2 of case 3 the score NaN; scores must be finite";
    assert_eq!(error.to_string(), expected);
    assert!(matches!(
        error,
        EvaluationError::NotFinite {
            case: 3,
            item: 2,
            ..
        }
    ));
    // A scorer that writes nothing does not pass for one that gave the scores of the batch before.
    let idle = Unruly(|cases, scores| {
        if row_of(&cases[0]) == 0 {
            scores.fill(0.5);
        }
        Ok(())
    });
    let error = evaluate_ranking(&cases, &idle, &settings).unwrap_err();
    assert!(matches!(
        error,
        EvaluationError::NotFinite {
            case: 2,
            item: 0,
            ..
        }
    ));
}

#[test]
fn a_scorer_that_fails_keeps_its_cause() {
    let failing = Unruly(|_, _| Err("out of memory".into()));
    let error = evaluate_ranking(&[case(0, &[], &[1])], &failing, &settings(&[1])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unruly failed to score the cases from 0 on"
    );
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "out of memory");
}
