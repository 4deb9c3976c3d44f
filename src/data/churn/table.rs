//! Customers at their cut-offs as a table.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, LargeListBuilder, LargeStringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
};

use super::bucket::{amount_bucket, gap_bucket};
use super::customers::{CustomerColumn, CustomerValues};
use super::error::ChurnError;
use super::periods::Periods;
use super::snapshot::Snapshot;
use crate::data::error::{DataError, Origin};
use crate::data::interactions::Interactions;
use crate::data::table::{TableColumn, TableRole};

pub(super) const CUSTOMER: &str = "customer";
pub(super) const PREDICTED_AT: &str = "predicted_at";
pub(super) const RECENCY: &str = "recency_days";
pub(super) const HISTORY_TIMES: &str = "history_times";

/// The names of a log, which tell nothing of when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    customers: &'a [String],
    items: &'a [String],
    events: &'a [String],
}

impl<'a> Names<'a> {
    pub(super) fn new(log: &'a Interactions) -> Self {
        Self {
            customers: log.user_ids(),
            items: log.item_ids(),
            events: log.event_names(),
        }
    }
}

/// Which columns a table has, and of what length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout<'a> {
    pub(super) periods: &'a Periods,
    pub(super) max_history: usize,
    pub(super) with_items: bool,
}

/// One row a snapshot, and what each column is for; the label comes first, if there is one.
pub(super) fn table(
    names: Names<'_>,
    snapshots: &[Snapshot<'_>],
    labels: Option<Vec<bool>>,
    layout: Layout<'_>,
    customers: &[CustomerColumn<'_>],
) -> Result<(RecordBatch, Vec<TableColumn>), DataError> {
    let mut table = TableWriter {
        names,
        snapshots,
        layout,
        taken: HashSet::new(),
        arrays: Vec::new(),
        columns: Vec::new(),
    };
    if let Some(labels) = labels {
        let label = TableRole::Label { positive: None };
        table.push("label", Some(label), Arc::new(BooleanArray::from(labels)));
    }
    // The name is taken in a table without labels as well.
    table.taken.insert("label".to_owned());
    let ids = snapshots
        .iter()
        .map(|at| &names.customers[at.customer as usize]);
    let ids = LargeStringArray::from_iter_values(ids);
    table.push(CUSTOMER, Some(TableRole::Group), Arc::new(ids));
    // A table's histories are from before the time of their row; events at the cut-off are visible.
    let times = snapshots.iter().map(|at| at.cut_off.saturating_add(1));
    let times = Arc::new(Int64Array::from_iter_values(times));
    table.push(PREDICTED_AT, Some(TableRole::Time), times);
    table.push_numbers();
    if layout.max_history > 0 {
        table.push_histories();
    }
    for column in customers {
        table.push_customer(column)?;
    }
    table.finish()
}

/// Takes columns.
struct TableWriter<'a> {
    names: Names<'a>,
    snapshots: &'a [Snapshot<'a>],
    layout: Layout<'a>,
    /// Names of columns.
    taken: HashSet<String>,
    arrays: Vec<(String, ArrayRef)>,
    columns: Vec<TableColumn>,
}

impl TableWriter<'_> {
    /// Adds a column; one without a role tells the times of others.
    fn push(&mut self, name: &str, role: Option<TableRole>, array: ArrayRef) {
        self.taken.insert(name.to_owned());
        self.arrays.push((name.to_owned(), array));
        let column = role.map(|role| TableColumn::new(name, role));
        self.columns.extend(column);
    }

    fn push_number(&mut self, name: &str, number: impl Fn(&Snapshot<'_>) -> Option<f64>) {
        let array = Float64Array::from_iter(self.snapshots.iter().map(number));
        self.push(name, Some(TableRole::Number), Arc::new(array));
    }

    fn push_numbers(&mut self) {
        let horizon = self.layout.periods.horizon;
        // A millisecond has no third.
        let third = (horizon / 3).max(1);
        self.push_number(RECENCY, |at| at.recency_days());
        self.push_number("tenure_days", |at| at.tenure_days());
        self.push_number("n_events", |at| Some(at.times.len() as f64));
        self.push_number("n_events_horizon", |at| Some(at.n_within(horizon) as f64));
        self.push_number("n_events_third", |at| Some(at.n_within(third) as f64));
        self.push_number("mean_gap_days", |at| at.mean_gap_days());
        self.push_number("deviation_gap_days", |at| at.deviation_gap_days());
        if self.snapshots.iter().any(|at| at.amounts.is_some()) {
            self.push_number("total_amount", |at| at.amount(at.times.len()));
            self.push_number("mean_amount", |at| {
                Some(at.amount(at.times.len())? / at.times.len() as f64)
            });
            self.push_number("amount_horizon", |at| at.amount(at.n_within(horizon)));
            self.push_number("amount_third", |at| at.amount(at.n_within(third)));
        }
    }

    /// What each of the last events was, in columns of equal length, and when.
    fn push_histories(&mut self) {
        let names = self.names;
        let has = |found: fn(&Snapshot<'_>) -> bool| self.snapshots.iter().any(found);
        let (has_types, has_amounts) = (
            has(|at| at.events.is_some()),
            has(|at| at.amounts.is_some()),
        );
        if has_types {
            self.push_history("types", |at, event| {
                let types = at.events.unwrap_or_default();
                names.events[types[event] as usize].clone()
            });
        }
        if self.layout.with_items {
            self.push_history("items", |at, event| {
                names.items[at.items[event] as usize].clone()
            });
        }
        if has_amounts {
            self.push_history("amounts", |at, event| {
                amount_bucket(at.amounts.unwrap_or_default()[event])
            });
        }
        self.push_history("gaps", |at, event| gap_bucket(at.gap_millis(event)));
        let mut times = LargeListBuilder::new(Int64Builder::new());
        for at in self.snapshots {
            times.values().append_slice(&at.times[self.history(at)..]);
            times.append(true);
        }
        self.push(HISTORY_TIMES, None, Arc::new(times.finish()));
    }

    /// A text of each event of a history.
    fn push_history(&mut self, name: &str, text: impl Fn(&Snapshot<'_>, usize) -> String) {
        // 64-bit offsets: histories repeat each event at every cut-off.
        let mut texts = LargeListBuilder::new(LargeStringBuilder::new());
        for at in self.snapshots {
            for event in self.history(at)..at.times.len() {
                texts.values().append_value(text(at, event));
            }
            texts.append(true);
        }
        let role = TableRole::History {
            separator: ' ',
            of: None,
            times: Some(HISTORY_TIMES.into()),
        };
        self.push(name, Some(role), Arc::new(texts.finish()));
    }

    /// Where the history of a row begins.
    fn history(&self, at: &Snapshot<'_>) -> usize {
        at.times.len().saturating_sub(self.layout.max_history)
    }

    fn push_customer(&mut self, column: &CustomerColumn<'_>) -> Result<(), ChurnError> {
        let name = column.name;
        if self.taken.contains(name) {
            return Err(ChurnError::RepeatedColumn { name: name.into() });
        }
        let customers = self.snapshots.iter().map(|at| at.customer as usize);
        match &column.values {
            CustomerValues::Category(values) => {
                let array = LargeStringArray::from_iter(customers.map(|at| values[at]));
                self.push(name, Some(TableRole::Category), Arc::new(array));
            }
            CustomerValues::Number(numbers) => {
                let array = Float64Array::from_iter(customers.map(|at| numbers[at]));
                self.push(name, Some(TableRole::Number), Arc::new(array));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(RecordBatch, Vec<TableColumn>), DataError> {
        let n_rows = self.snapshots.len() as u64;
        let table = RecordBatch::try_from_iter(self.arrays);
        let table = table.map_err(|source| DataError::BrokenBatch {
            origin: Origin::Rows,
            row: n_rows,
            source,
        })?;
        Ok((table, self.columns))
    }
}
