//! One question to a recommender, and its right answers.

use std::sync::Arc;

/// A history and the items that followed it.
///
/// Items are catalogue indices, `0..n_items`. Items of the history that the catalogue does not hold are left out of
/// `history`; targets that it does not hold are counted in `n_unknown_targets`. A column that the data does not have stays
/// empty; otherwise it is as long as `history`. A field that does not matter can be left to [`Default`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankingCase {
    /// Whose history it is: an index into the caller's users, for scorers that know something of them.
    pub user: Option<u32>,
    /// What the user did before, oldest first. All of it: a scorer that reads less cuts it itself.
    pub history: Vec<u32>,
    /// When, in milliseconds since 1970 UTC, for each event of the history.
    pub history_times_utc_millis: Vec<i64>,
    /// Which kind of event, for each event of the history.
    pub history_events: Vec<u16>,
    /// How much it counts (a rating, a dwell time), for each event of the history.
    pub history_weights: Vec<f32>,
    /// When the question is asked, in milliseconds since 1970 UTC.
    pub query_time_utc_millis: Option<i64>,
    /// The right answers, distinct, earliest first.
    pub targets: Vec<u32>,
    /// How many distinct right answers are outside the catalogue. No ranking can hold them, so each counts as a miss.
    pub n_unknown_targets: usize,
    /// The groups that this case is also reported under.
    pub segments: Vec<Segment>,
}

impl RankingCase {
    /// Number of right answers, known or unknown.
    pub fn n_relevant(&self) -> usize {
        self.targets.len() + self.n_unknown_targets
    }
}

/// A group of cases, such as `history_length` = `5-9`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// What the cases are grouped by.
    pub name: Arc<str>,
    /// The group.
    pub value: Arc<str>,
}

impl Segment {
    /// The group `value` among those by `name`.
    pub fn new(name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}
