//! Which events are impressions, and which successes.

use std::ops::RangeBounds;
use std::time::Duration;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::error::ImpressionError;
use super::items::ItemColumns;
use super::label::labels;
use super::past::shown;
use super::summary::ImpressionSummary;
use super::table::table;
use crate::data::attributes::AttributeTable;
use crate::data::error::{ColumnRole, DataError};
use crate::data::interactions::Interactions;
use crate::data::table::TableColumn;

/// Which events of a log are impressions, and what makes one positive: that the same user has a success on the same item
/// within a window after it.
///
/// A success at the very time of an impression counts for it: times are often whole seconds, and nobody buys what was not
/// shown. But nothing at that time is part of the impression's history, so what decides a label is never an input.
///
/// ```
/// use std::time::Duration;
/// use salient::data::{ImpressionRule, InteractionRow, Interactions};
///
/// let event = |item: &str, kind: &str, hour: i64| InteractionRow {
///     user: "anna".into(),
///     item: item.into(),
///     time_utc_millis: hour * 3_600_000,
///     event: Some(kind.into()),
///     ..InteractionRow::default()
/// };
/// let log = Interactions::from_rows([
///     event("tea", "view", 0),
///     event("cup", "view", 1),
///     event("tea", "buy", 2),
///     event("cup", "view", 30),
/// ])?;
/// let rule = ImpressionRule::new(["view"], ["buy"], Duration::from_secs(24 * 3600));
/// let impressions = rule.apply(&log, None, ..)?;
/// assert_eq!((impressions.summary.n_rows, impressions.summary.n_positive), (2, 1));
/// // The log ends before the day after the last view does.
/// assert_eq!(impressions.summary.n_open_left_out, 1);
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpressionRule {
    /// Event types that are impressions, such as page views; at least one.
    pub impressions: Vec<String>,
    /// Event types that are successes, such as purchases; at least one, none of them an impression.
    pub successes: Vec<String>,
    /// How long after an impression a success counts, its last moment included; at least a millisecond. A longer window finds
    /// more successes, and more of them have other causes.
    pub window: Duration,
    /// The most events of a history. Default 50.
    pub max_history: usize,
    /// What becomes of impressions whose window reaches beyond the last event of the log. Default
    /// [`OpenWindows::LeaveOut`].
    pub open_windows: OpenWindows,
}

/// What becomes of impressions whose window reaches beyond the last event of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenWindows {
    /// They are left out and counted, positive or not: to keep those known to be positive alone would raise the rate. The
    /// default.
    #[default]
    LeaveOut,
    /// They are kept and counted, and labelled by what the log has: some that are labelled negative may be none.
    Keep,
}

/// Impressions as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Impressions {
    /// One row an impression, in the order of the log: by user, then by time.
    pub table: RecordBatch,
    /// What each column of the table is for; the times of histories are named there.
    pub columns: Vec<TableColumn>,
    /// What became of the impressions of the log.
    pub summary: ImpressionSummary,
}

/// What an event is to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventUse {
    Impression,
    Success,
    Other,
}

impl ImpressionRule {
    /// A rule for these impressions, successes and window.
    pub fn new<I: Into<String>, S: Into<String>>(
        impressions: impl IntoIterator<Item = I>,
        successes: impl IntoIterator<Item = S>,
        window: Duration,
    ) -> Self {
        Self {
            impressions: impressions.into_iter().map(Into::into).collect(),
            successes: successes.into_iter().map(Into::into).collect(),
            window,
            max_history: 50,
            open_windows: OpenWindows::LeaveOut,
        }
    }

    /// The impressions of a log at these times, in milliseconds since 1970, UTC, as a table:
    ///
    /// | column | holds |
    /// |---|---|
    /// | `label` | whether the same user had a success on the same item within the window |
    /// | `user`, `item`, `time` | who, what, and when (milliseconds since 1970, UTC) |
    /// | each attribute `a` of `items` | its value for the item: a category, or a number |
    /// | `impressions_before`, `successes_before` | events of the user before |
    /// | `item_impressions_before`, `item_successes_before` | those on the item |
    /// | `a_impressions_before`, `a_successes_before` | those on items with its value of the category `a` |
    /// | `history`, `history_events`, `history_times` | the last `max_history` events of the user before, of all types, the oldest first: items, types, times |
    /// | `history_a`, `history_a_times` | their values of the category `a`, where the item has one |
    ///
    /// Before means strictly earlier: events at the same time are in no known order. A split by time must leave a window's
    /// length between its parts, or labels of one part come from events of the next.
    ///
    /// # Errors
    /// [`DataError::Impressions`]; [`DataError::UnknownEvent`] for an event type that does not occur;
    /// [`DataError::BrokenBatch`] if Arrow refuses the table, which no log should bring about.
    pub fn apply(
        &self,
        log: &Interactions,
        items: Option<&AttributeTable>,
        times: impl RangeBounds<i64>,
    ) -> Result<Impressions, DataError> {
        let window_millis = self.window_millis()?;
        let uses = self.uses(log)?;
        let items = ItemColumns::new(log, items)?;
        let (chosen, mut summary) = self.choose(log, &uses, window_millis, &times);
        let all = shown(log, &uses, &items, self.max_history, |row| chosen[row]);
        if all.is_empty() {
            return Err(ImpressionError::NoImpressions {
                n_outside: summary.n_outside,
                n_open: summary.n_open_left_out,
            }
            .into());
        }
        let labels = labels(log, &uses, window_millis);
        summary.n_positive = all.iter().filter(|shown| labels[shown.row]).count();
        let users = all.chunk_by(|a, b| log.users()[a.row] == log.users()[b.row]);
        summary.n_users = users.count();
        let (table, columns) = table(log, &items, &all, &labels)?;
        Ok(Impressions {
            table,
            columns,
            summary,
        })
    }

    fn window_millis(&self) -> Result<i64, ImpressionError> {
        match i64::try_from(self.window.as_millis()) {
            Ok(millis) if millis > 0 => Ok(millis),
            _ => Err(ImpressionError::InvalidWindow {
                window: self.window,
            }),
        }
    }

    /// What each event of the log is.
    fn uses(&self, log: &Interactions) -> Result<Vec<EventUse>, DataError> {
        let needs = |role| ImpressionError::NeedsColumn { role };
        let events = log.events().ok_or_else(|| needs(ColumnRole::Event))?;
        if !log.has_times() {
            return Err(needs(ColumnRole::Time).into());
        }
        let names = log.event_names();
        let mut by_event = vec![EventUse::Other; names.len()];
        for (part, wanted, event_use) in [
            ("impressions", &self.impressions, EventUse::Impression),
            ("successes", &self.successes, EventUse::Success),
        ] {
            let present = || names.to_vec();
            if wanted.is_empty() {
                let present = present();
                return Err(ImpressionError::NoEvents { part, present }.into());
            }
            for event in wanted {
                let place = names.iter().position(|name| name == event);
                let place = place.ok_or_else(|| DataError::UnknownEvent {
                    event: event.clone(),
                    present: present(),
                })?;
                if by_event[place] == EventUse::Impression && event_use == EventUse::Success {
                    let event = event.clone();
                    return Err(ImpressionError::EventTwice { event }.into());
                }
                by_event[place] = event_use;
            }
        }
        let events = events.iter();
        Ok(events.map(|&event| by_event[event as usize]).collect())
    }

    /// Which events become a row, and what becomes of the other impressions.
    fn choose(
        &self,
        log: &Interactions,
        uses: &[EventUse],
        window_millis: i64,
        times: &impl RangeBounds<i64>,
    ) -> (Vec<bool>, ImpressionSummary) {
        let end = log.times_utc_millis().iter().max().copied();
        let mut summary = ImpressionSummary::default();
        let choose = |(time, event_use): (&i64, &EventUse)| {
            if *event_use != EventUse::Impression {
                return false;
            }
            let is_open = Some(time.saturating_add(window_millis)) > end;
            let counted = match self.open_windows {
                _ if !times.contains(time) => &mut summary.n_outside,
                OpenWindows::LeaveOut if is_open => &mut summary.n_open_left_out,
                OpenWindows::Keep if is_open => &mut summary.n_open_kept,
                _ => &mut summary.n_rows,
            };
            *counted += 1;
            times.contains(time) && (!is_open || self.open_windows == OpenWindows::Keep)
        };
        let chosen = log.times_utc_millis().iter().zip(uses).map(choose);
        let chosen = chosen.collect();
        // Those with an open window that are kept are rows as well.
        summary.n_rows += summary.n_open_kept;
        (chosen, summary)
    }
}
