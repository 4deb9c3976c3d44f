//! Rows, one by one, to a sorted log. Ids become numbers at once, so that no row's text is kept.

use super::bad_row::{RowFault, RowRule};
use super::dictionary::Dictionary;
use super::error::{ColumnRole, DataError, Origin};
use super::interactions::Interactions;
use super::schema::{Column, ResolvedSchema};
use super::tie_break::TieBreaks;

/// A checked row.
pub(crate) struct Row<'a> {
    pub(crate) user: &'a str,
    pub(crate) item: &'a str,
    pub(crate) time_utc_millis: i64,
    pub(crate) tie_break: &'a str,
    pub(crate) event: Option<&'a str>,
    pub(crate) weight: Option<f32>,
}

/// The greatest number of users and of items: one index is kept free on each side.
const MAX_IDS: usize = u32::MAX as usize - 1;
/// The greatest number of event types.
const MAX_EVENTS: usize = u16::MAX as usize;

/// Builds an event log from rows.
#[derive(Default)]
pub(crate) struct Collector {
    user_dictionary: Dictionary,
    item_dictionary: Dictionary,
    event_dictionary: Dictionary,
    users: Vec<u32>,
    items: Vec<u32>,
    has_times: bool,
    times_utc_millis: Vec<i64>,
    tie_breaks: Option<TieBreaks>,
    events: Option<Vec<u16>>,
    weights: Option<Vec<f32>>,
}

impl Collector {
    /// A log with the columns of `schema`.
    pub(crate) fn new(schema: &ResolvedSchema) -> Self {
        Self {
            has_times: schema.time.is_some(),
            tie_breaks: schema.tie_break.is_some().then(TieBreaks::default),
            events: schema.event.is_some().then(Vec::new),
            weights: schema.weight.is_some().then(Vec::new),
            ..Self::default()
        }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.users.len()
    }

    /// Adds a row, or says whose values are too many and the greatest number that fits.
    pub(crate) fn push(&mut self, row: &Row<'_>) -> Result<(), (ColumnRole, usize)> {
        let user = self.user_dictionary.number(row.user, MAX_IDS);
        let user = user.ok_or((ColumnRole::User, MAX_IDS))?;
        let item = self.item_dictionary.number(row.item, MAX_IDS);
        let item = item.ok_or((ColumnRole::Item, MAX_IDS))?;
        if let (Some(events), Some(event)) = (&mut self.events, row.event) {
            let event = self.event_dictionary.number(event, MAX_EVENTS);
            events.push(event.ok_or((ColumnRole::Event, MAX_EVENTS))? as u16);
        }
        self.users.push(user);
        self.items.push(item);
        self.times_utc_millis.push(row.time_utc_millis);
        if let Some(tie_breaks) = &mut self.tie_breaks {
            tie_breaks.push(row.tie_break);
        }
        if let (Some(weights), Some(weight)) = (&mut self.weights, row.weight) {
            weights.push(weight);
        }
        Ok(())
    }

    /// The log, sorted by user, time, tie-break and order of the rows.
    pub(crate) fn finish(self) -> Interactions {
        let user_ids = self.user_dictionary.into_ids();
        let user_offsets = offsets(&self.users, user_ids.len());
        let tie_keys = self.tie_breaks.map(TieBreaks::into_keys);
        let order = order(
            &self.users,
            &user_offsets,
            &self.times_utc_millis,
            tie_keys.as_deref(),
        );
        let tied = match self.has_times {
            true => tied(
                &self.users,
                &self.times_utc_millis,
                tie_keys.as_deref(),
                &order,
            ),
            false => vec![false; order.len()],
        };
        drop(tie_keys);
        Interactions {
            users: gather(self.users, &order),
            items: gather(self.items, &order),
            times_utc_millis: gather(self.times_utc_millis, &order),
            has_times: self.has_times,
            weights: self.weights.map(|weights| gather(weights, &order)),
            events: self.events.map(|events| gather(events, &order)),
            event_names: self.event_dictionary.into_ids(),
            user_ids,
            tied,
            item_ids: self.item_dictionary.into_ids(),
            user_offsets,
        }
    }
}

/// Where each user's rows begin once rows are grouped by user.
pub(crate) fn offsets(users: &[u32], n_users: usize) -> Vec<usize> {
    let mut offsets = vec![0; n_users + 1];
    for &user in users {
        offsets[user as usize + 1] += 1;
    }
    for user in 0..n_users {
        offsets[user + 1] += offsets[user];
    }
    offsets
}

/// The rows in sorted order: grouped by user, then each group sorted, both stably.
fn order(users: &[u32], offsets: &[usize], times: &[i64], ties: Option<&[i64]>) -> Vec<usize> {
    let mut next = offsets.to_vec();
    let mut order = vec![0; users.len()];
    for (row, &user) in users.iter().enumerate() {
        order[next[user as usize]] = row;
        next[user as usize] += 1;
    }
    for group in offsets.windows(2) {
        let rows = &mut order[group[0]..group[1]];
        match ties {
            Some(ties) => rows.sort_by_key(|&row| (times[row], ties[row])),
            None => rows.sort_by_key(|&row| times[row]),
        }
    }
    order
}

/// Whether each row, in sorted order, has the user, time and tie-break of the one before.
fn tied(users: &[u32], times: &[i64], ties: Option<&[i64]>, order: &[usize]) -> Vec<bool> {
    let key = |row: usize| (users[row], times[row], ties.map(|ties| ties[row]));
    let mut tied = vec![false; order.len()];
    for (is_tied, pair) in tied.iter_mut().skip(1).zip(order.windows(2)) {
        *is_tied = key(pair[0]) == key(pair[1]);
    }
    tied
}

fn gather<T: Copy>(values: Vec<T>, order: &[usize]) -> Vec<T> {
    order.iter().map(|&row| values[row]).collect()
}

/// The error for a column of too many values.
pub(crate) fn too_many_values(
    origin: &Origin,
    schema: &ResolvedSchema,
    (role, limit): (ColumnRole, usize),
) -> DataError {
    let column = match role {
        ColumnRole::User => Some(&schema.user),
        ColumnRole::Item => Some(&schema.item),
        _ => schema.event.as_ref(),
    };
    DataError::TooManyValues {
        origin: origin.clone(),
        role,
        column: column.map(|column| column.name.clone()).unwrap_or_default(),
        limit,
    }
}

/// Checks an id.
pub(crate) fn checked_id<'a>(
    id: &'a str,
    column: &Column,
    missing: RowRule,
) -> Result<&'a str, Box<RowFault>> {
    let rule = if id.trim().is_empty() {
        missing
    } else if id.contains(['\n', '\r']) {
        RowRule::LineBreakInId
    } else {
        return Ok(id);
    };
    Err(RowFault::new(Some(&column.name), id.as_bytes(), rule))
}

/// Reads a weight.
pub(crate) fn weight_of_text(text: &str) -> Result<f32, RowRule> {
    let text = text.trim();
    if text.is_empty() {
        return Err(RowRule::MissingWeight);
    }
    checked_weight(text.parse().map_err(|_| RowRule::UnparsableWeight)?)
}

/// Checks a weight; one beyond the range of `f32` is not finite there.
pub(crate) fn checked_weight(weight: f64) -> Result<f32, RowRule> {
    let weight = weight as f32;
    if weight.is_finite() {
        Ok(weight)
    } else {
        Err(RowRule::NonFiniteWeight)
    }
}
