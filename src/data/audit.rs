//! What a log looks like, to be read before anything is learnt from it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::filter::FilterSummary;
use super::interactions::Interactions;
use super::summary::ReadSummary;
use super::time::date_of_millis;

/// Number of events of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCount {
    /// Name of the type.
    pub event: String,
    /// Number of events.
    pub n_rows: usize,
}

/// How many events users have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryLengths {
    /// The fewest.
    pub min: usize,
    /// The lower median: at least half of the users have no more.
    pub median: usize,
    /// The mean.
    pub mean: f64,
    /// The least number that at least 90% of the users do not exceed.
    pub p90: usize,
    /// The most.
    pub max: usize,
}

/// What a log looks like. Printing it gives a table.
///
/// ```
/// use salient::data::{DataAudit, InteractionRow, Interactions};
///
/// let row = InteractionRow { user: "anna".into(), item: "tea".into(), ..InteractionRow::default() };
/// let audit = DataAudit::new(&Interactions::from_rows([row])?);
/// assert_eq!(audit.density, 1.0);
/// println!("{audit}");
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataAudit {
    /// Number of events.
    pub n_rows: usize,
    /// Number of users.
    pub n_users: usize,
    /// Number of items.
    pub n_items: usize,
    /// Share of all pairs of a user and an item that have at least one event.
    pub density: f64,
    /// How many events users have.
    pub history_lengths: HistoryLengths,
    /// Number of events whose user, item and time are those of an earlier one.
    pub n_duplicate_rows: usize,
    /// Number of events whose user and time are those of the event before.
    pub n_time_ties: usize,
    /// Of those, the events that the tie-break column does not tell apart either: their order is that of the table.
    pub n_unresolved_ties: usize,
    /// Share of users with at least two events whose last two are such a tie: which one leave-one-out tests on rests on the
    /// order of the table.
    pub last_tie_share: f64,
    /// The first time in milliseconds since 1970, UTC; none without a time column.
    pub first_time_utc_millis: Option<i64>,
    /// The last time in milliseconds since 1970, UTC; none without a time column.
    pub last_time_utc_millis: Option<i64>,
    /// Number of events of each type, in order of first appearance; empty without an event column.
    pub events: Vec<EventCount>,
    /// The least and the greatest weight; none without a weight column.
    pub weight_range: Option<(f32, f32)>,
    /// How the log was read, if it was.
    pub read: Option<ReadSummary>,
    /// How the log was filtered, if it was.
    pub filter: Option<FilterSummary>,
}

impl DataAudit {
    /// Looks at a log.
    pub fn new(log: &Interactions) -> Self {
        let times = log.has_times().then(|| log.times_utc_millis());
        let repeats = Repetitions::of(log);
        let n_cells = log.n_users() as f64 * log.n_items() as f64;
        Self {
            n_rows: log.n_rows(),
            n_users: log.n_users(),
            n_items: log.n_items(),
            density: ratio(repeats.n_pairs as f64, n_cells),
            history_lengths: history_lengths(log),
            n_duplicate_rows: repeats.n_duplicate_rows,
            n_time_ties: repeats.n_time_ties,
            n_unresolved_ties: repeats.n_unresolved_ties,
            last_tie_share: ratio(
                repeats.n_users_with_last_tie as f64,
                repeats.n_users_with_two as f64,
            ),
            first_time_utc_millis: times.and_then(|times| times.iter().min().copied()),
            last_time_utc_millis: times.and_then(|times| times.iter().max().copied()),
            events: event_counts(log),
            weight_range: log.weights().map(|weights| {
                weights
                    .iter()
                    .fold((f32::MAX, f32::MIN), |(low, high), &weight| {
                        (low.min(weight), high.max(weight))
                    })
            }),
            read: None,
            filter: None,
        }
    }

    /// Adds how the log was read.
    pub fn with_read(mut self, summary: ReadSummary) -> Self {
        self.read = Some(summary);
        self
    }

    /// Adds how the log was filtered.
    pub fn with_filter(mut self, summary: FilterSummary) -> Self {
        self.filter = Some(summary);
        self
    }

    /// Rows dropped with the reason for each, bad rows first.
    pub fn dropped(&self) -> Vec<(String, u64)> {
        let skipped = self.read.iter().flat_map(|read| &read.skipped);
        let filtered = self.filter.iter().flat_map(FilterSummary::reasons);
        skipped
            .map(|skipped| (format!("bad row: {}", skipped.reason), skipped.n_rows))
            .chain(filtered.map(|(reason, n_rows)| (reason.to_owned(), n_rows as u64)))
            .collect()
    }
}

/// Zero when there is nothing to share.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// What occurs more than once.
#[derive(Default)]
struct Repetitions {
    n_pairs: usize,
    n_duplicate_rows: usize,
    n_time_ties: usize,
    n_unresolved_ties: usize,
    n_users_with_two: usize,
    n_users_with_last_tie: usize,
}

impl Repetitions {
    fn of(log: &Interactions) -> Self {
        let mut found = Self::default();
        let mut events: Vec<(u32, i64)> = Vec::new();
        for user in 0..log.n_users() as u32 {
            let rows = log.user_range(user);
            let times = &log.times_utc_millis()[rows.clone()];
            events.clear();
            let tied = &log.tied_with_previous()[rows.clone()];
            events.extend(log.items()[rows].iter().copied().zip(times.iter().copied()));
            events.sort_unstable();
            let n_repeated_items = events
                .windows(2)
                .filter(|pair| pair[0].0 == pair[1].0)
                .count();
            found.n_pairs += events.len() - n_repeated_items;
            if !log.has_times() {
                continue;
            }
            found.n_duplicate_rows += events.windows(2).filter(|pair| pair[0] == pair[1]).count();
            found.n_time_ties += times.windows(2).filter(|pair| pair[0] == pair[1]).count();
            found.n_unresolved_ties += tied.iter().filter(|&&tied| tied).count();
            if let [_, .., last_is_tied] = tied {
                found.n_users_with_two += 1;
                found.n_users_with_last_tie += usize::from(*last_is_tied);
            }
        }
        found
    }
}

fn history_lengths(log: &Interactions) -> HistoryLengths {
    let mut lengths: Vec<usize> = (0..log.n_users() as u32)
        .map(|user| log.user_range(user).len())
        .collect();
    lengths.sort_unstable();
    // Nearest rank: the least value with at least this share of users at or below it.
    let at = |numerator: usize, denominator: usize| {
        let rank = (lengths.len() * numerator).div_ceil(denominator);
        lengths.get(rank.saturating_sub(1)).copied().unwrap_or(0)
    };
    HistoryLengths {
        min: lengths.first().copied().unwrap_or(0),
        median: at(1, 2),
        mean: ratio(log.n_rows() as f64, lengths.len() as f64),
        p90: at(9, 10),
        max: lengths.last().copied().unwrap_or(0),
    }
}

fn event_counts(log: &Interactions) -> Vec<EventCount> {
    let mut counts: Vec<EventCount> = log
        .event_names()
        .iter()
        .map(|event| EventCount {
            event: event.clone(),
            n_rows: 0,
        })
        .collect();
    for &event in log.events().unwrap_or_default() {
        counts[event as usize].n_rows += 1;
    }
    counts.retain(|count| count.n_rows > 0);
    counts
}

/// The greatest number of event types that the table lists.
const MAX_EVENTS_SHOWN: usize = 12;

impl fmt::Display for DataAudit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<(String, String)> = Vec::new();
        let mut line = |name: &str, value: String| lines.push((name.to_owned(), value));
        if let Some(read) = &self.read {
            line("source", read.name.clone());
            if let Some(sha256) = &read.sha256 {
                line("sha256", sha256.clone());
            }
            line("rows read", grouped(read.n_rows_read));
        }
        for (reason, n_rows) in self.dropped() {
            line("  dropped", format!("{} ({reason})", grouped(n_rows)));
        }
        for skipped in self.read.iter().flat_map(|read| &read.skipped) {
            line("  first", skipped.first.clone());
        }
        line("events", grouped(self.n_rows as u64));
        line("users", grouped(self.n_users as u64));
        line("items", grouped(self.n_items as u64));
        line("density", format!("{:.4}%", self.density * 100.0));
        let lengths = &self.history_lengths;
        line(
            "events per user",
            format!(
                "min {}, median {}, mean {:.1}, p90 {}, max {}",
                lengths.min, lengths.median, lengths.mean, lengths.p90, lengths.max
            ),
        );
        match (self.first_time_utc_millis, self.last_time_utc_millis) {
            (Some(first), Some(last)) => {
                let (first, last) = (date_of_millis(first), date_of_millis(last));
                line("time range", format!("{first} to {last} (UTC)"));
                line(
                    "duplicates",
                    format!(
                        "{} (same user, item and time)",
                        grouped(self.n_duplicate_rows as u64)
                    ),
                );
                line("time ties", self.time_ties());
            }
            _ => line("time range", "no time column: rows are in order".into()),
        }
        for count in self.events.iter().take(MAX_EVENTS_SHOWN) {
            line(
                "event type",
                format!("{} {}", count.event, grouped(count.n_rows as u64)),
            );
        }
        if let Some(rest) = self.events.len().checked_sub(MAX_EVENTS_SHOWN + 1) {
            line("event type", format!("and {} more", rest + 1));
        }
        if let Some((low, high)) = self.weight_range {
            line("weights", format!("{low} to {high}"));
        }
        for (index, (name, value)) in lines.iter().enumerate() {
            let end = if index + 1 < lines.len() { "\n" } else { "" };
            write!(formatter, "{name:<16} {value}{end}")?;
        }
        Ok(())
    }
}

impl DataAudit {
    fn time_ties(&self) -> String {
        format!(
            "{} events at the time of the one before, {} of them ordered by the file alone; last two events tied for {:.1}% of users",
            grouped(self.n_time_ties as u64),
            grouped(self.n_unresolved_ties as u64),
            self.last_tie_share * 100.0
        )
    }
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
