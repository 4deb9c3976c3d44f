//! Who is looked at, when, and what makes a customer churn.

use std::time::Duration;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::check::check_nothing_after;
use super::customers::customer_columns;
use super::cut_offs::check_increasing;
use super::error::ChurnError;
use super::outcome::ChurnOutcome;
use super::periods::Periods;
use super::snapshot::{Snapshot, snapshots};
use super::summary::ChurnSummary;
use super::table::{Layout, Names, table};
use crate::data::attributes::AttributeTable;
use crate::data::error::DataError;
use crate::data::interactions::Interactions;
use crate::data::table::TableColumn;

/// Which customers of a log are looked at, when, and what makes one churn: no event within a horizon after a cut-off.
///
/// Inputs are made of the events up to the cut-off, those at its very moment included; the label of those after it, up to the
/// last moment of the horizon. All periods leave out their first moment and include their last.
///
/// ```
/// use std::time::Duration;
/// use salient::data::{ChurnRule, InteractionRow, Interactions};
///
/// let day = 86_400_000;
/// let event = |user: &str, days: i64| InteractionRow {
///     user: user.into(),
///     item: "order".into(),
///     time_utc_millis: days * day,
///     ..InteractionRow::default()
/// };
/// let log = Interactions::from_rows([event("anna", 1), event("ben", 2), event("anna", 9), event("eve", 12)])?;
/// let rule = ChurnRule::new(Duration::from_secs(5 * 86_400), vec![5 * day]);
/// let churn = rule.apply(&log, None)?;
/// // Ben has no event in the five days after day 5; Eve is no customer yet.
/// let churned: Vec<bool> = churn.outcomes.iter().map(|outcome| outcome.churned).collect();
/// assert_eq!(churned, [false, true]);
/// assert_eq!(churn.summary.cut_offs[0].n_not_yet, 1);
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChurnRule {
    /// How long without an event makes a customer churn; at least a millisecond.
    pub horizon: Duration,
    /// When customers are looked at, in milliseconds since 1970, UTC; increasing, at least one. The horizon of each must close
    /// while events are known.
    pub cut_offs_utc_millis: Vec<i64>,
    /// How far before a cut-off events are visible. With it, inputs do not grow with the age of the log; without it, tenure is
    /// that since the first event of all. Default none: all are visible.
    pub lookback: Option<Duration>,
    /// How long ago the last event may be for a customer to be looked at; who has been gone for longer is left out and counted.
    /// Default none: however long.
    pub active_within: Option<Duration>,
    /// The most events of a history. With 0 there are no histories. Default 50.
    pub max_history: usize,
    /// Whether histories tell the items. Default false.
    pub with_items: bool,
    /// The last moment of the log, such as the last day of observation; a later event is refused. Default none: the last event,
    /// so that one with a wrong date in the future makes everybody churn.
    pub log_end_utc_millis: Option<i64>,
    /// The last moment whose events labels and durations may know of; later ones are as if they were not there. Default none:
    /// the end of the log. [`ChurnSplit::rule_of`](super::ChurnSplit::rule_of) sets it to where the next part begins.
    pub known_until_utc_millis: Option<i64>,
}

/// Customers at their cut-offs as a table, to be read with [`TimeFormat::UnixMillis`](crate::data::TimeFormat::UnixMillis).
#[derive(Clone, Debug, PartialEq)]
pub struct ChurnTable {
    /// One row a customer and cut-off, by cut-off, then in the order of the log.
    pub table: RecordBatch,
    /// What each column of the table is for; the times of histories are named there.
    pub columns: Vec<TableColumn>,
    /// How long the customer of each row stayed. It is no column, as it tells of the future.
    pub outcomes: Vec<ChurnOutcome>,
    /// What became of the customers of the log.
    pub summary: ChurnSummary,
}

impl ChurnTable {
    /// Checks that no row holds an event after its cut-off, whatever was done to the table since it was made.
    /// [`ChurnRule::apply`] has checked it already.
    ///
    /// # Errors
    /// [`ChurnError::EventAfterCutOff`] with customer, cut-off and time; [`ChurnError::UnknownTable`].
    pub fn check(&self) -> Result<(), DataError> {
        Ok(check_nothing_after(&self.table)?)
    }
}

impl ChurnRule {
    /// A rule with this horizon and these cut-offs, in milliseconds since 1970, UTC.
    pub fn new(horizon: Duration, cut_offs_utc_millis: Vec<i64>) -> Self {
        Self {
            horizon,
            cut_offs_utc_millis,
            lookback: None,
            active_within: None,
            max_history: 50,
            with_items: false,
            log_end_utc_millis: None,
            known_until_utc_millis: None,
        }
    }

    /// The customers of a log at each cut-off at which they have a visible event, as a table:
    ///
    /// | column | holds |
    /// |---|---|
    /// | `label` | whether there is no event within the horizon after the cut-off |
    /// | `customer`, `predicted_at` | who; the first moment after the cut-off (milliseconds since 1970, UTC) |
    /// | `recency_days`, `tenure_days` | days since the last event, and since the first |
    /// | `n_events`, `n_events_horizon`, `n_events_third` | events; those within a horizon before the cut-off, and within a third of one |
    /// | `mean_gap_days`, `deviation_gap_days` | mean and sample standard deviation of the days between events; missing without one gap, or two |
    /// | `total_amount`, `mean_amount`, `amount_horizon`, `amount_third` | sums and mean of the weights of the events, if the log has them |
    /// | `types`, `items`, `amounts`, `gaps` | the last `max_history` events, the oldest first: type, if the log has them; item, if asked for; amount, if the log has weights; time since the event before |
    /// | `history_times` | when each was; one entry for each of theirs |
    /// | each attribute of `customers` | its value for the customer: a category, or a number |
    ///
    /// Amounts are told to half an octave, such as `8..12` for 8 up to 12, or `0`; gaps to about a power of two of days, such as
    /// `2d..4d`, or `0`, or `first` where nothing visible was before. Events at one time are in the order of the file. The row's
    /// time is a millisecond after the cut-off because what a table calls history is strictly before it.
    ///
    /// Attributes are as they are given: that they were known at the cut-offs is for the caller to see to.
    ///
    /// # Errors
    /// [`DataError::Churn`]; [`DataError::BrokenBatch`] if Arrow refuses the table, which no log should bring about.
    pub fn apply(
        &self,
        log: &Interactions,
        customers: Option<&AttributeTable>,
    ) -> Result<ChurnTable, DataError> {
        let periods = Periods::new(self)?;
        let log_end = self.log_end(log)?;
        let known_until = self.known_until_utc_millis.unwrap_or(log_end).min(log_end);
        self.check_cut_offs(&periods, known_until)?;
        let mut all = Vec::new();
        let mut outcomes = Vec::new();
        let mut summary = ChurnSummary {
            n_tied: log
                .tied_with_previous()
                .iter()
                .filter(|&&tied| tied)
                .count(),
            log_end_utc_millis: log_end,
            ..ChurnSummary::default()
        };
        for &cut_off in &self.cut_offs_utc_millis {
            let (found, mut at) = snapshots(log, cut_off, &periods);
            let told = outcomes_of(log, &found, &periods, known_until);
            at.n_churned = told.iter().filter(|outcome| outcome.churned).count();
            summary.cut_offs.push(at);
            all.extend(found);
            outcomes.extend(told);
        }
        count_customers(&mut summary, log, &all, customers);
        refuse_nobody(&summary, &all)?;
        let labels = outcomes.iter().map(|outcome| outcome.churned).collect();
        let (table, columns) = self.table(log, &all, Some(labels), customers)?;
        Ok(ChurnTable {
            table,
            columns,
            outcomes,
            summary,
        })
    }

    /// The customers of a log at a time, such as now, as a table with the columns of [`Self::apply`] but the label: what a model
    /// needs to tell who will leave. The cut-offs of the rule, and until when events are known, do not matter.
    ///
    /// # Errors
    /// Those of [`Self::apply`], but for what concerns cut-offs and their horizons.
    pub fn inputs(
        &self,
        log: &Interactions,
        customers: Option<&AttributeTable>,
        cut_off_utc_millis: i64,
    ) -> Result<RecordBatch, DataError> {
        self.log_end(log)?;
        let (all, at) = snapshots(log, cut_off_utc_millis, &Periods::new(self)?);
        let summary = ChurnSummary {
            cut_offs: vec![at],
            ..ChurnSummary::default()
        };
        refuse_nobody(&summary, &all)?;
        let (table, _) = self.table(log, &all, None, customers)?;
        Ok(table)
    }

    /// The table of what is visible, checked.
    fn table(
        &self,
        log: &Interactions,
        all: &[Snapshot<'_>],
        labels: Option<Vec<bool>>,
        customers: Option<&AttributeTable>,
    ) -> Result<(RecordBatch, Vec<TableColumn>), DataError> {
        let layout = Layout {
            periods: &Periods::new(self)?,
            max_history: self.max_history,
            with_items: self.with_items,
        };
        let customers = customer_columns(log, customers)?;
        let (table, columns) = table(Names::new(log), all, labels, layout, &customers)?;
        check_nothing_after(&table)?;
        Ok((table, columns))
    }

    /// The last moment of the log, of which no event is later.
    fn log_end(&self, log: &Interactions) -> Result<i64, ChurnError> {
        if !log.has_times() {
            return Err(ChurnError::NeedsTimes);
        }
        let times = log.times_utc_millis();
        let last = times.iter().max().copied().unwrap_or_default();
        let log_end = self.log_end_utc_millis.unwrap_or(last);
        match times.iter().position(|&time| time > log_end) {
            None => Ok(log_end),
            Some(row) => Err(ChurnError::EventAfterLogEnd {
                customer: log.user_id(log.users()[row]).to_owned(),
                time: times[row],
                log_end,
                n_later: times.iter().filter(|&&time| time > log_end).count(),
            }),
        }
    }

    fn check_cut_offs(&self, periods: &Periods, known_until: i64) -> Result<(), ChurnError> {
        let cut_offs = &self.cut_offs_utc_millis;
        check_increasing("the rule", cut_offs)?;
        for &cut_off in cut_offs {
            let closes = cut_off.saturating_add(periods.horizon);
            if closes > known_until {
                return Err(ChurnError::HorizonOpen {
                    cut_off,
                    closes,
                    known_until,
                });
            }
        }
        Ok(())
    }
}

/// How long the customers of these snapshots stayed: all that is made of what comes after a cut-off.
fn outcomes_of(
    log: &Interactions,
    found: &[Snapshot<'_>],
    periods: &Periods,
    known_until: i64,
) -> Vec<ChurnOutcome> {
    let of = |at: &Snapshot<'_>| {
        let times = &log.times_utc_millis()[log.user_range(at.customer)];
        let later = &times[times.partition_point(|&time| time <= at.cut_off)..];
        ChurnOutcome::new(at.cut_off, later, periods, known_until)
    };
    found.iter().map(of).collect()
}

fn count_customers(
    summary: &mut ChurnSummary,
    log: &Interactions,
    all: &[Snapshot<'_>],
    customers: Option<&AttributeTable>,
) {
    let mut seen = vec![false; log.n_users()];
    for at in all {
        seen[at.customer as usize] = true;
    }
    let ids = || log.user_ids().iter().zip(&seen).filter(|(_, seen)| **seen);
    summary.n_customers = ids().count();
    summary.n_one_event = all.iter().filter(|at| at.times.len() == 1).count();
    summary.n_unknown =
        customers.map_or(0, |table| table.n_absent(ids().map(|(id, _)| id.as_str())));
}

fn refuse_nobody(summary: &ChurnSummary, all: &[Snapshot<'_>]) -> Result<(), ChurnError> {
    match all.is_empty() {
        false => Ok(()),
        true => Err(ChurnError::NoCustomers {
            n_not_yet: summary.cut_offs.iter().map(|at| at.n_not_yet).sum(),
            n_inactive: summary.cut_offs.iter().map(|at| at.n_inactive).sum(),
        }),
    }
}
