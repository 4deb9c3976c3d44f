//! Histories as a model reads them.

use std::sync::Arc;

use super::config::{Learning, NextItemConfig};
use crate::evaluation::ranking::RankingCase;
use crate::features::{EncodedAttributes, FIRST_REAL_ID, PADDING_ID};
use crate::sequence::Offsets;
use crate::tasks::TaskError;

/// The number of a hidden event. Histories are stored end to end, so nothing else needs the row of padding.
pub(super) const HIDDEN: u32 = PADDING_ID;

/// A batch of histories, end to end, as a model reads them.
///
/// Columns that a model does not read may be left out.
#[derive(Clone, Debug)]
pub struct Histories {
    /// Item number of each event; [`PADDING_ID`] is a hidden event.
    pub items: Vec<u32>,
    /// Where each history starts and ends.
    pub offsets: Offsets,
    /// Time of each event, in milliseconds since 1970 UTC.
    pub times_utc_millis: Option<Arc<[i64]>>,
    /// For each event the time of the one that follows it, for models that know it.
    pub query_times_utc_millis: Option<Arc<[i64]>>,
    /// Type of each event: its place among the model's names plus 1, or 0 if the model does not know it.
    pub events: Option<Vec<u32>>,
    /// Weight of each event, such as dwell time.
    pub weights: Option<Vec<f32>>,
    /// What is known of each user, one row a history.
    pub user_attributes: Option<EncodedAttributes>,
}

/// Which columns of a history a model reads, and how it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) masked: bool,
    pub(super) times: bool,
    pub(super) query_time: bool,
    pub(super) events: bool,
    pub(super) weights: bool,
    pub(super) user_attributes: bool,
}

impl Reading {
    pub(super) fn new(config: &NextItemConfig) -> Self {
        Self {
            masked: matches!(config.learning, Learning::Masked { .. }),
            times: config.time_intervals,
            // A hidden event stands at the time of the query itself.
            query_time: config.query_time && config.learning == Learning::NextEvent,
            events: config.event_types,
            weights: config.event_weights,
            user_attributes: config.user_attributes,
        }
    }
}

impl Histories {
    /// Histories of items alone.
    pub fn new(items: Vec<u32>, offsets: Offsets) -> Self {
        Self {
            items,
            offsets,
            times_utc_millis: None,
            query_times_utc_millis: None,
            events: None,
            weights: None,
            user_attributes: None,
        }
    }

    /// The histories of some questions, cut to the most recent events that a model reads; its row of the user's attributes
    /// for each question, if it reads them.
    pub(super) fn of_cases(
        cases: &[RankingCase],
        reading: Reading,
        max_len: usize,
        users: Option<&EncodedAttributes>,
    ) -> Result<Self, TaskError> {
        let n_hidden = usize::from(reading.masked);
        let first = |case: &RankingCase| (case.history.len() + n_hidden).saturating_sub(max_len);
        // Nothing is asked of an empty history, which popularity answers.
        let asked = |case: &RankingCase| if case.history.is_empty() { 0 } else { n_hidden };
        let lengths = cases.iter().map(|case| match case.history.len() {
            0 => 0,
            n_events => n_events - first(case) + n_hidden,
        });
        let offsets = Offsets::from_lengths(lengths);
        let mut items = Vec::with_capacity(offsets.n_rows());
        for case in cases {
            let numbers = case.history.iter().skip(first(case));
            items.extend(numbers.map(|index| index + FIRST_REAL_ID));
            items.extend(std::iter::repeat_n(HIDDEN, asked(case)));
        }
        let column = |of: fn(&RankingCase) -> (&'static str, usize)| column_of_all(cases, of);
        let mut histories = Self::new(items, offsets);
        if reading.times {
            column(|case| ("times", case.history_times_utc_millis.len()))?;
            let (times, queries) = times(cases, first, asked);
            histories.times_utc_millis = Some(times.into());
            histories.query_times_utc_millis = reading.query_time.then(|| queries.into());
        }
        if reading.events {
            column(|case| ("event types", case.history_events.len()))?;
            let of = |case: &RankingCase| {
                case.history_events
                    .iter()
                    .map(|&event| event.into())
                    .collect()
            };
            histories.events = Some(joined(cases, of, first, asked));
        }
        if reading.weights {
            column(|case| ("weights", case.history_weights.len()))?;
            histories.weights = Some(joined(
                cases,
                |case| case.history_weights.clone(),
                first,
                asked,
            ));
        }
        if reading.user_attributes {
            let users = users.ok_or(TaskError::NoUserAttributes)?;
            // A user whom nobody numbered is one of whom nothing is known.
            let rows: Vec<Option<usize>> = cases
                .iter()
                .map(|case| case.user.map(|user| user as usize))
                .collect();
            let outside = |user: &Option<usize>| user.is_some_and(|user| user >= users.n_rows);
            if let Some(case) = rows.iter().position(outside) {
                return Err(TaskError::UserOutOfRange {
                    case,
                    user: rows[case].unwrap_or_default(),
                    n_users: users.n_rows,
                });
            }
            histories.user_attributes = Some(users.select_or_missing(&rows));
        }
        Ok(histories)
    }
}

/// Refuses questions without a column that the model reads.
fn column_of_all(
    cases: &[RankingCase],
    of: fn(&RankingCase) -> (&'static str, usize),
) -> Result<(), TaskError> {
    for (case, asked) in cases.iter().enumerate() {
        let (column, found) = of(asked);
        if found != asked.history.len() {
            return Err(TaskError::MissingColumn {
                case,
                column,
                n_events: asked.history.len(),
                found,
            });
        }
    }
    Ok(())
}

/// A column of all histories, cut as they are, with a default at a hidden event.
fn joined<T: Clone + Default>(
    cases: &[RankingCase],
    of: impl Fn(&RankingCase) -> Vec<T>,
    first: impl Fn(&RankingCase) -> usize,
    asked: impl Fn(&RankingCase) -> usize,
) -> Vec<T> {
    let mut all = Vec::new();
    for case in cases {
        all.extend(of(case).into_iter().skip(first(case)));
        all.extend(std::iter::repeat_n(T::default(), asked(case)));
    }
    all
}

/// The time of each event, and that of the event after it. The question is asked at its own time, or, if that is not
/// known, at the last event's.
fn times(
    cases: &[RankingCase],
    first: impl Fn(&RankingCase) -> usize,
    asked: impl Fn(&RankingCase) -> usize,
) -> (Vec<i64>, Vec<i64>) {
    let (mut times, mut queries) = (Vec::new(), Vec::new());
    for case in cases {
        let read = case.history_times_utc_millis.iter().skip(first(case));
        let last = case.history_times_utc_millis.last().copied();
        let query = case.query_time_utc_millis.or(last).unwrap_or_default();
        times.extend(read.clone());
        times.extend(std::iter::repeat_n(query, asked(case)));
        let n_queries = usize::from(read.len() > 0) + asked(case);
        queries.extend(read.skip(1));
        queries.extend(std::iter::repeat_n(query, n_queries));
    }
    (times, queries)
}
