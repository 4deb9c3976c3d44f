//! An event log in memory: one column a field, sorted by user and time.

use std::ops::Range;

/// An event given by a caller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InteractionRow {
    /// Who acted; not empty.
    pub user: String,
    /// On what; not empty.
    pub item: String,
    /// When, in milliseconds since 1970, UTC.
    pub time_utc_millis: i64,
    /// Type of the event. Either all rows have one or none has.
    pub event: Option<String>,
    /// Weight of the event, finite. Either all rows have one or none has.
    pub weight: Option<f32>,
}

/// An event log in memory.
///
/// Users and items are dense indices from 0, in order of first appearance in the table; ids are their names there. Rows are
/// sorted by user, time, tie-break column and order in the table, so that a user's events are one range of rows, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Interactions {
    pub(crate) users: Vec<u32>,
    pub(crate) items: Vec<u32>,
    pub(crate) times_utc_millis: Vec<i64>,
    pub(crate) has_times: bool,
    pub(crate) weights: Option<Vec<f32>>,
    pub(crate) events: Option<Vec<u16>>,
    pub(crate) event_names: Vec<String>,
    pub(crate) user_ids: Vec<String>,
    pub(crate) item_ids: Vec<String>,
    /// Whether a row's place after the one before, of the same user, rests on the order in the table alone.
    pub(crate) tied: Vec<bool>,
    /// Rows of user `u`: `user_offsets[u]..user_offsets[u + 1]`.
    pub(crate) user_offsets: Vec<usize>,
}

impl Interactions {
    /// Number of events.
    pub fn n_rows(&self) -> usize {
        self.users.len()
    }

    /// Number of different users.
    pub fn n_users(&self) -> usize {
        self.user_ids.len()
    }

    /// Number of different items.
    pub fn n_items(&self) -> usize {
        self.item_ids.len()
    }

    /// The user of each row.
    pub fn users(&self) -> &[u32] {
        &self.users
    }

    /// The item of each row.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// The time of each row in milliseconds since 1970, UTC; all zero when [`has_times`](Self::has_times) is false.
    pub fn times_utc_millis(&self) -> &[i64] {
        &self.times_utc_millis
    }

    /// Whether a time column was read.
    pub fn has_times(&self) -> bool {
        self.has_times
    }

    /// Whether each row has the user, the time and the tie-break of the row before, so that which of the two came first rests
    /// on their order in the table alone; all false when [`has_times`](Self::has_times) is false.
    pub fn tied_with_previous(&self) -> &[bool] {
        &self.tied
    }

    /// The weight of each row, all finite, if a weight column was read.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// The event type of each row, an index into [`event_names`](Self::event_names), if an event column was read.
    pub fn events(&self) -> Option<&[u16]> {
        self.events.as_deref()
    }

    /// The names of the event types, in order of first appearance; empty when no event column was read.
    pub fn event_names(&self) -> &[String] {
        &self.event_names
    }

    /// The rows of a user, oldest first.
    ///
    /// # Panics
    /// If `user` is not below [`n_users`](Self::n_users).
    pub fn user_range(&self, user: u32) -> Range<usize> {
        let user = user as usize;
        assert!(
            user < self.n_users(),
            "user {user} of {} users",
            self.n_users()
        );
        self.user_offsets[user]..self.user_offsets[user + 1]
    }

    /// The id of a user in the table.
    ///
    /// # Panics
    /// If `user` is not below [`n_users`](Self::n_users).
    pub fn user_id(&self, user: u32) -> &str {
        &self.user_ids[user as usize]
    }

    /// The id of an item in the table.
    ///
    /// # Panics
    /// If `item` is not below [`n_items`](Self::n_items).
    pub fn item_id(&self, item: u32) -> &str {
        &self.item_ids[item as usize]
    }

    /// The ids of all users.
    pub fn user_ids(&self) -> &[String] {
        &self.user_ids
    }

    /// The ids of all items.
    pub fn item_ids(&self) -> &[String] {
        &self.item_ids
    }
}
