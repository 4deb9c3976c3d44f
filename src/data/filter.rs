//! Which events of a log are kept.

use serde::{Deserialize, Serialize};

use super::error::{ColumnRole, DataError};
use super::interactions::Interactions;

/// What becomes of a user's repeated events on an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// All are kept. The default.
    #[default]
    Keep,
    /// Of events in a row on the same item, the first is kept.
    CollapseConsecutive,
    /// Only the first event of a user on an item is kept.
    FirstOnly,
    /// Only the last event of a user on an item is kept.
    LastOnly,
}

/// Which events of a log are kept. The default keeps all.
///
/// Event types are looked at first, then weights, then repeats. The minimum counts come last, again and again until every
/// user and item left meets them; events that leaving out others makes consecutive are collapsed too.
///
/// ```
/// use salient::data::{InteractionFilter, InteractionRow, Interactions};
///
/// let row = |user: &str, item: &str| InteractionRow {
///     user: user.into(),
///     item: item.into(),
///     ..InteractionRow::default()
/// };
/// let log = Interactions::from_rows([row("a", "x"), row("a", "y"), row("b", "x")])?;
/// let filter = InteractionFilter { min_user_events: 2, ..InteractionFilter::default() };
/// let (kept, summary) = filter.apply(log)?;
/// assert_eq!(kept.user_ids(), ["a"]);
/// assert_eq!(summary.n_dropped_by_user_minimum, 1);
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InteractionFilter {
    /// The fewest events with which a user is kept. Default 0, which keeps all.
    pub min_user_events: usize,
    /// The fewest events with which an item is kept. Default 0, which keeps all.
    pub min_item_events: usize,
    /// What becomes of repeated events. Default [`Repeats::Keep`].
    pub repeats: Repeats,
    /// The event types that are kept; none keeps all. Default none.
    pub events: Option<Vec<String>>,
    /// The least weight with which an event is kept; none keeps all. Default none.
    pub min_weight: Option<f32>,
}

/// What a filter dropped, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterSummary {
    /// Number of events before.
    pub n_rows_before: usize,
    /// Number of events after.
    pub n_rows_after: usize,
    /// Number of users before.
    pub n_users_before: usize,
    /// Number of users after.
    pub n_users_after: usize,
    /// Number of items before.
    pub n_items_before: usize,
    /// Number of items after.
    pub n_items_after: usize,
    /// Events of other types than those kept.
    pub n_dropped_by_event: usize,
    /// Events of too small a weight.
    pub n_dropped_by_weight: usize,
    /// Repeated events.
    pub n_dropped_by_repeats: usize,
    /// Events of users with too few.
    pub n_dropped_by_user_minimum: usize,
    /// Events on items with too few.
    pub n_dropped_by_item_minimum: usize,
    /// Number of rounds until the minimum counts held for all.
    pub n_rounds: usize,
}

impl FilterSummary {
    /// Number of events dropped.
    pub fn n_dropped(&self) -> usize {
        self.n_rows_before - self.n_rows_after
    }

    /// Number of events dropped by each part that dropped any, in words.
    pub(crate) fn reasons(&self) -> Vec<(&'static str, usize)> {
        [
            ("other event types", self.n_dropped_by_event),
            ("weight too small", self.n_dropped_by_weight),
            ("repeated events", self.n_dropped_by_repeats),
            ("users with too few events", self.n_dropped_by_user_minimum),
            ("items with too few events", self.n_dropped_by_item_minimum),
        ]
        .into_iter()
        .filter(|&(_, n_rows)| n_rows > 0)
        .collect()
    }
}

impl InteractionFilter {
    /// Keeps the events that pass, and the users and items that still have any; says what was dropped.
    ///
    /// Users and items left are numbered anew, in their former order. Event types keep their names and numbers.
    ///
    /// # Errors
    /// [`DataError::FilterNeedsColumn`], [`DataError::UnknownEvent`], [`DataError::NoEventsKept`],
    /// [`DataError::InvalidMinWeight`], [`DataError::EmptyAfterFilter`].
    pub fn apply(&self, log: Interactions) -> Result<(Interactions, FilterSummary), DataError> {
        let mut sieve = Sieve {
            keep: vec![true; log.n_rows()],
            log: &log,
        };
        let mut summary = FilterSummary {
            n_rows_before: log.n_rows(),
            n_users_before: log.n_users(),
            n_items_before: log.n_items(),
            n_dropped_by_event: self.sift_events(&mut sieve)?,
            n_dropped_by_weight: self.sift_weights(&mut sieve)?,
            n_dropped_by_repeats: sieve.sift_repeats(self.repeats),
            ..FilterSummary::default()
        };
        loop {
            let n_by_user = sieve.sift_rare(log.users(), log.n_users(), self.min_user_events);
            let n_by_item = sieve.sift_rare(log.items(), log.n_items(), self.min_item_events);
            summary.n_dropped_by_user_minimum += n_by_user;
            summary.n_dropped_by_item_minimum += n_by_item;
            if n_by_user + n_by_item == 0 {
                break;
            }
            summary.n_rounds += 1;
            summary.n_dropped_by_repeats += sieve.sift_repeats(self.repeats);
        }
        let keep = sieve.keep;
        if !keep.contains(&true) {
            return Err(DataError::EmptyAfterFilter {
                n_rows: log.n_rows(),
                dropped: summary
                    .reasons()
                    .iter()
                    .map(|(reason, n_rows)| format!("{n_rows} dropped as {reason}"))
                    .collect(),
            });
        }
        let kept = if keep.contains(&false) {
            log.select(&keep)
        } else {
            log
        };
        summary.n_rows_after = kept.n_rows();
        summary.n_users_after = kept.n_users();
        summary.n_items_after = kept.n_items();
        Ok((kept, summary))
    }

    fn sift_events(&self, sieve: &mut Sieve<'_>) -> Result<usize, DataError> {
        let Some(wanted) = &self.events else {
            return Ok(0);
        };
        let Some(events) = sieve.log.events() else {
            return Err(DataError::FilterNeedsColumn {
                role: ColumnRole::Event,
            });
        };
        let names = sieve.log.event_names();
        if wanted.is_empty() {
            return Err(DataError::NoEventsKept {
                present: names.to_vec(),
            });
        }
        if let Some(unknown) = wanted.iter().find(|event| !names.contains(event)) {
            return Err(DataError::UnknownEvent {
                event: unknown.clone(),
                present: names.to_vec(),
            });
        }
        let is_wanted: Vec<bool> = names.iter().map(|name| wanted.contains(name)).collect();
        Ok(sieve.sift(|row| is_wanted[events[row] as usize]))
    }

    fn sift_weights(&self, sieve: &mut Sieve<'_>) -> Result<usize, DataError> {
        let Some(min_weight) = self.min_weight else {
            return Ok(0);
        };
        if !min_weight.is_finite() {
            return Err(DataError::InvalidMinWeight { min_weight });
        }
        let Some(weights) = sieve.log.weights() else {
            return Err(DataError::FilterNeedsColumn {
                role: ColumnRole::Weight,
            });
        };
        Ok(sieve.sift(|row| weights[row] >= min_weight))
    }
}

/// The rows of a log that are still kept.
struct Sieve<'a> {
    log: &'a Interactions,
    keep: Vec<bool>,
}

impl Sieve<'_> {
    /// Drops the rows that do not pass; their number.
    fn sift(&mut self, passes: impl Fn(usize) -> bool) -> usize {
        let mut n_dropped = 0;
        for (row, keep) in self.keep.iter_mut().enumerate() {
            if *keep && !passes(row) {
                *keep = false;
                n_dropped += 1;
            }
        }
        n_dropped
    }

    /// Drops the rows of users or items that have fewer than `minimum`.
    fn sift_rare(&mut self, ids: &[u32], n_ids: usize, minimum: usize) -> usize {
        if minimum <= 1 {
            return 0;
        }
        let mut n_rows = vec![0_usize; n_ids];
        for (&id, &keep) in ids.iter().zip(&self.keep) {
            n_rows[id as usize] += usize::from(keep);
        }
        self.sift(|row| n_rows[ids[row] as usize] >= minimum)
    }

    fn sift_repeats(&mut self, repeats: Repeats) -> usize {
        let n_users = self.log.n_users() as u32;
        let mut n_dropped = 0;
        // The user who last had an event on the item, plus one.
        let mut seen_by = vec![0; self.log.n_items()];
        for user in 0..n_users {
            let rows = self.log.user_range(user);
            n_dropped += match repeats {
                Repeats::Keep => return 0,
                Repeats::CollapseConsecutive => self.collapse(rows),
                Repeats::FirstOnly => self.keep_first(rows, user, &mut seen_by),
                Repeats::LastOnly => self.keep_first(rows.rev(), user, &mut seen_by),
            };
        }
        n_dropped
    }

    /// Drops the rows whose item is that of the row kept before.
    fn collapse(&mut self, rows: impl Iterator<Item = usize>) -> usize {
        let mut n_dropped = 0;
        let mut last = None;
        for row in rows.filter(|&row| self.keep[row]).collect::<Vec<_>>() {
            let item = self.log.items()[row];
            if last.replace(item) == Some(item) {
                self.keep[row] = false;
                n_dropped += 1;
            }
        }
        n_dropped
    }

    /// Drops the rows whose item came before among `rows`.
    fn keep_first(
        &mut self,
        rows: impl Iterator<Item = usize>,
        user: u32,
        seen_by: &mut [u32],
    ) -> usize {
        let mut n_dropped = 0;
        for row in rows {
            let seen_by = &mut seen_by[self.log.items()[row] as usize];
            if !self.keep[row] {
                continue;
            }
            if *seen_by == user + 1 {
                self.keep[row] = false;
                n_dropped += 1;
            }
            *seen_by = user + 1;
        }
        n_dropped
    }
}

impl Interactions {
    /// The rows marked in `keep`, with users and items numbered anew.
    fn select(self, keep: &[bool]) -> Self {
        let (users, user_ids) = renumber(&self.users, self.user_ids, keep);
        let (items, item_ids) = renumber(&self.items, self.item_ids, keep);
        Self {
            user_offsets: super::collect::offsets(&users, user_ids.len()),
            users,
            items,
            times_utc_millis: kept(&self.times_utc_millis, keep),
            has_times: self.has_times,
            weights: self.weights.map(|weights| kept(&weights, keep)),
            events: self.events.map(|events| kept(&events, keep)),
            event_names: self.event_names,
            user_ids,
            item_ids,
        }
    }
}

fn kept<T: Copy>(values: &[T], keep: &[bool]) -> Vec<T> {
    let pairs = values.iter().zip(keep);
    pairs
        .filter(|(_, keep)| **keep)
        .map(|(&value, _)| value)
        .collect()
}

/// The kept numbers, dense again in the same order, and their ids.
fn renumber(numbers: &[u32], ids: Vec<String>, keep: &[bool]) -> (Vec<u32>, Vec<String>) {
    let mut numbers = kept(numbers, keep);
    let mut is_used = vec![false; ids.len()];
    for &number in &numbers {
        is_used[number as usize] = true;
    }
    let mut next = 0;
    let new_numbers: Vec<u32> = is_used
        .iter()
        .map(|&is_used| {
            let number = next;
            next += u32::from(is_used);
            number
        })
        .collect();
    for number in &mut numbers {
        *number = new_numbers[*number as usize];
    }
    let ids = ids
        .into_iter()
        .zip(is_used)
        .filter_map(|(id, is_used)| is_used.then_some(id))
        .collect();
    (numbers, ids)
}
