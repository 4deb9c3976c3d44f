//! Old events of a history count less, by their number and by their days.

use salient::baselines::{
    BaselineError, Ease, EaseConfig, ItemKnn, ItemKnnConfig, MatrixFactorisation,
    MatrixFactorisationConfig,
};
use salient::evaluation::ranking::{RankingCase, Scorer};

use super::{DAY, assert_close, example, histories};

type Fit = fn(Option<f64>, Option<f64>) -> Result<Box<dyn Scorer>, BaselineError>;

/// Each baseline with a half-life, fitted on [`example`] with these half-lives by events and by days.
const BASELINES: [Fit; 3] = [
    |events, days| {
        let config = EaseConfig {
            history_half_life_events: events,
            history_half_life_days: days,
            regularisation: 1.0,
            ..EaseConfig::default()
        };
        Ok(Box::new(Ease::fit(&histories(&example()), 4, &config)?))
    },
    |events, days| {
        let config = ItemKnnConfig {
            history_half_life_events: events,
            history_half_life_days: days,
            ..ItemKnnConfig::default()
        };
        Ok(Box::new(ItemKnn::fit(&histories(&example()), 4, &config)?))
    },
    |events, days| {
        let config = MatrixFactorisationConfig {
            n_factors: 2,
            regularisation: 0.1,
            alpha: 10.0,
            history_half_life_events: events,
            history_half_life_days: days,
            ..MatrixFactorisationConfig::default()
        };
        let sequences = example();
        let histories = histories(&sequences);
        Ok(Box::new(MatrixFactorisation::fit(&histories, 4, &config)?))
    },
];

fn timed(history: &[u32], days: &[i64], query_day: Option<i64>) -> RankingCase {
    RankingCase {
        history: history.to_vec(),
        history_times_utc_millis: days.iter().map(|day| day * DAY).collect(),
        query_time_utc_millis: query_day.map(|day| day * DAY),
        ..RankingCase::default()
    }
}

fn scores(scorer: &dyn Scorer, case: &RankingCase) -> Vec<f32> {
    let mut scores = vec![f32::NAN; scorer.n_items()];
    let cases = std::slice::from_ref(case);
    scorer.score(cases, &mut scores).unwrap();
    scores
}

#[test]
fn days_count_as_events_do_where_there_is_one_a_day() {
    let case = timed(&[0, 2, 1, 0, 1], &[1, 2, 3, 4, 5], Some(5));
    for fit in BASELINES {
        let by_events = scores(fit(Some(2.0), None).unwrap().as_ref(), &case);
        let by_days = scores(fit(None, Some(2.0)).unwrap().as_ref(), &case);
        assert_close(&by_events, &by_days);
        // Both half-lives of 4 together are one of 2.
        let by_both = scores(fit(Some(4.0), Some(4.0)).unwrap().as_ref(), &case);
        assert_close(&by_events, &by_both);
        let flat = scores(fit(None, None).unwrap().as_ref(), &case);
        let moved = flat
            .iter()
            .zip(&by_events)
            .any(|(a, b)| (a - b).abs() > 1e-2);
        assert!(moved, "{flat:?} {by_events:?}");
    }
}

#[test]
fn an_item_a_half_life_before_the_question_counts_half() {
    let fit = BASELINES[1];
    let plain = fit(None, None).unwrap();
    let decayed = fit(None, Some(10.0)).unwrap();
    let one = scores(plain.as_ref(), &timed(&[0], &[0], None));
    let found = scores(decayed.as_ref(), &timed(&[0], &[3], Some(13)));
    let half: Vec<f32> = one.iter().map(|score| score / 2.0).collect();
    assert_close(&found, &half);
    assert!(half[1] > 0.05);
    // Without a time of its own, the question is asked at the last event.
    let other = scores(plain.as_ref(), &timed(&[2], &[0], None));
    let found = scores(decayed.as_ref(), &timed(&[2, 0], &[0, 20], None));
    let expected: Vec<f32> = one
        .iter()
        .zip(&other)
        .map(|(late, early)| late + early / 4.0)
        .collect();
    assert_close(&found, &expected);
}

#[test]
fn an_event_after_the_question_counts_as_one_at_its_moment() {
    for fit in BASELINES {
        let scorer = fit(None, Some(3.0)).unwrap();
        let after = scores(scorer.as_ref(), &timed(&[0, 1], &[2, 9], Some(2)));
        let at = scores(scorer.as_ref(), &timed(&[0, 1], &[2, 2], Some(2)));
        assert_close(&after, &at);
    }
}

#[test]
fn a_half_life_in_days_needs_times_in_the_question() {
    for fit in BASELINES {
        let scorer = fit(None, Some(3.0)).unwrap();
        let cases = [
            timed(&[1], &[4], None),
            timed(&[], &[], None),
            timed(&[1, 2], &[4], None),
        ];
        let error = scorer.score(&cases, &mut [0.0; 12]).unwrap_err();
        let expected = BaselineError::HistoryTimesMismatch {
            case: 2,
            n_times: 1,
            n_events: 2,
        };
        assert_eq!(error.downcast_ref(), Some(&expected));
        assert_eq!(
            error.to_string(),
            "the history of case 2 has 1 times for 2 events; give one an event, or fit without history_half_life_days"
        );
        scorer.score(&cases[..2], &mut [0.0; 8]).unwrap();
        let untimed = fit(Some(2.0), None).unwrap();
        untimed.score(&cases, &mut [0.0; 12]).unwrap();
    }
}

#[test]
fn a_half_life_must_be_above_0() {
    for fit in BASELINES {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            for (events, days, setting) in [
                (Some(value), None, "history_half_life_events"),
                (None, Some(value), "history_half_life_days"),
            ] {
                let error = fit(events, days).err().unwrap().to_string();
                let expected = format!("{setting} is {value}; it must be finite and above 0");
                assert_eq!(error, expected);
            }
        }
    }
}
