//! Impressions as a table.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, LargeListBuilder, LargeStringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
};

use super::error::ImpressionError;
use super::items::{ItemCategory, ItemColumns};
use super::past::{Counts, Shown};
use crate::data::error::{DataError, Origin};
use crate::data::interactions::Interactions;
use crate::data::table::{TableColumn, TableRole};

/// One row an impression, and what each column is for; `labels` are those of all events.
pub(super) fn table(
    log: &Interactions,
    items: &ItemColumns<'_>,
    shown: &[Shown],
    labels: &[bool],
) -> Result<(RecordBatch, Vec<TableColumn>), DataError> {
    let mut table = TableWriter {
        log,
        shown,
        names: HashSet::new(),
        arrays: Vec::new(),
        columns: Vec::new(),
    };
    let labels: Vec<bool> = shown.iter().map(|shown| labels[shown.row]).collect();
    let label = TableRole::Label { positive: None };
    table.push("label", Some(label), Arc::new(BooleanArray::from(labels)));
    let user = |row: usize| Some(log.user_id(log.users()[row]));
    table.push_texts("user", TableRole::Group, user);
    let item = |row: usize| Some(log.item_id(log.items()[row]));
    table.push_texts("item", TableRole::Category, item);
    table.push_integers("time", TableRole::Time, |shown| {
        log.times_utc_millis()[shown.row]
    });
    table.push_counts("", 0);
    table.push_counts("item_", 1);
    table.push_history("history", Some("item"), "history_times", item);
    let events = log.events().unwrap_or_default();
    let event = |row: usize| Some(&*log.event_names()[events[row] as usize]);
    // All events have a type, so that these times are those of the items.
    table.push_history("history_events", None, "history_times", event);
    for (place, category) in items.categories.iter().enumerate() {
        table.push_category(category, 2 + place)?;
    }
    for number in &items.numbers {
        table.check(number.name, &[number.name.to_owned()])?;
        let of_row = |shown: &Shown| number.of_item[log.items()[shown.row] as usize];
        let array = Float64Array::from_iter(shown.iter().map(of_row));
        table.push(number.name, Some(TableRole::Number), Arc::new(array));
    }
    table.finish()
}

/// Takes columns.
struct TableWriter<'a> {
    log: &'a Interactions,
    shown: &'a [Shown],
    names: HashSet<String>,
    arrays: Vec<(String, ArrayRef)>,
    columns: Vec<TableColumn>,
}

impl TableWriter<'_> {
    /// Adds a column; one without a role tells the times of another.
    fn push(&mut self, name: &str, role: Option<TableRole>, array: ArrayRef) {
        self.names.insert(name.to_owned());
        self.arrays.push((name.to_owned(), array));
        let column = role.map(|role| TableColumn::new(name, role));
        self.columns.extend(column);
    }

    /// A text of each impression, by its row in the log.
    fn push_texts<'t>(
        &mut self,
        name: &str,
        role: TableRole,
        text: impl Fn(usize) -> Option<&'t str>,
    ) {
        let texts = self.shown.iter().map(|shown| text(shown.row));
        let array = LargeStringArray::from_iter(texts);
        self.push(name, Some(role), Arc::new(array));
    }

    fn push_integers(&mut self, name: &str, role: TableRole, number: impl Fn(&Shown) -> i64) {
        let array = Int64Array::from_iter_values(self.shown.iter().map(number));
        self.push(name, Some(role), Arc::new(array));
    }

    /// How many events of a kind were before; `place` is that in [`Shown::before`].
    fn push_counts(&mut self, prefix: &str, place: usize) {
        for (what, count) in [
            (
                "impressions",
                (|counts| counts.impressions) as fn(Counts) -> i64,
            ),
            ("successes", |counts| counts.successes),
        ] {
            let name = format!("{prefix}{what}_before");
            self.push_integers(&name, TableRole::Number, |shown| count(shown.before[place]));
        }
    }

    /// A text of each event of a history that has one, and their times.
    fn push_history<'t>(
        &mut self,
        name: &str,
        of: Option<&str>,
        times_name: &str,
        text: impl Fn(usize) -> Option<&'t str>,
    ) {
        // 64-bit offsets: histories repeat each event up to `max_history` times.
        let mut texts = LargeListBuilder::new(LargeStringBuilder::new());
        let mut times = LargeListBuilder::new(Int64Builder::new());
        for shown in self.shown {
            for row in shown.history.clone() {
                if let Some(text) = text(row) {
                    texts.values().append_value(text);
                    times
                        .values()
                        .append_value(self.log.times_utc_millis()[row]);
                }
            }
            texts.append(true);
            times.append(true);
        }
        let role = TableRole::History {
            separator: ' ',
            of: of.map(Into::into),
            times: Some(times_name.into()),
        };
        self.push(name, Some(role), Arc::new(texts.finish()));
        if !self.names.contains(times_name) {
            self.push(times_name, None, Arc::new(times.finish()));
        }
    }

    /// A category of the item, how many events on items with its value were before, and its values in the history.
    fn push_category(
        &mut self,
        category: &ItemCategory<'_>,
        place: usize,
    ) -> Result<(), ImpressionError> {
        let name = category.name;
        let (history, times) = (format!("history_{name}"), format!("history_{name}_times"));
        let counts = ["impressions", "successes"].map(|what| format!("{name}_{what}_before"));
        let mut names = vec![name.to_owned(), history.clone(), times.clone()];
        names.extend(counts);
        self.check(name, &names)?;
        let items = self.log.items();
        let value = |row: usize| category.value(items[row]);
        self.push_texts(name, TableRole::Category, value);
        self.push_counts(&format!("{name}_"), place);
        self.push_history(&history, Some(name), &times, value);
        Ok(())
    }

    /// Refuses an attribute that needs the name of a column that is there.
    fn check(&self, attribute: &str, names: &[String]) -> Result<(), ImpressionError> {
        match names.iter().find(|name| self.names.contains(*name)) {
            None => Ok(()),
            Some(column) => Err(ImpressionError::RepeatedColumn {
                name: attribute.to_owned(),
                column: column.clone(),
            }),
        }
    }

    fn finish(self) -> Result<(RecordBatch, Vec<TableColumn>), DataError> {
        let n_rows = self.shown.len() as u64;
        let table = RecordBatch::try_from_iter(self.arrays);
        let table = table.map_err(|source| DataError::BrokenBatch {
            origin: Origin::Rows,
            row: n_rows,
            source,
        })?;
        Ok((table, self.columns))
    }
}
