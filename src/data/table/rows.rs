//! Some rows of a table.

use std::borrow::Cow;

use super::cells::{TableCells, TextLists};
use super::missing::{entries, present};
use super::plan::{PlannedColumn, TablePlan};
use super::role::TableRole;
use crate::data::attributes::number;
use crate::data::bad_row::{RowFault, RowRule};
use crate::data::collect::weight_of_text;
use crate::data::records::Taken;
use crate::data::schema::Column;
use crate::data::time::TimeParser;

/// Some rows of a table: the cells of each column of its [`TableSchema`](super::TableSchema), in that order.
///
/// All rows are checked: a row that breaks a rule is in none.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRows {
    n_rows: usize,
    columns: Vec<TableCells>,
}

/// The cells of one row, wherever it comes from.
pub(super) trait RowCells {
    /// What stands in a cell as text; empty where there is nothing.
    fn text(&self, column: &Column) -> Result<Cow<'_, str>, Box<RowFault>>;

    /// The entries of a cell that is a list by itself, empty where one is missing; none where it is text.
    fn list(&self, column: &Column) -> Option<Vec<Cow<'_, str>>>;

    /// The time in a cell, whose text is given.
    fn time(&self, _column: &Column, text: &str, parser: &TimeParser) -> Result<i64, RowRule> {
        parser.text(text)
    }
}

impl TableRows {
    /// No rows yet.
    pub(super) fn new(plan: &TablePlan<'_>) -> Self {
        let columns = plan.columns().map(|(column, planned)| match planned {
            Some(_) => TableCells::new(&column.role),
            None => TableCells::NotRead,
        });
        Self {
            n_rows: 0,
            columns: columns.collect(),
        }
    }

    /// Number of rows.
    pub const fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The cells of each column of the schema.
    pub fn columns(&self) -> &[TableCells] {
        &self.columns
    }

    /// These rows, in this order; a row may be taken several times.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        for &row in rows {
            assert!(row < self.n_rows, "row {row} of {} rows", self.n_rows);
        }
        Self {
            n_rows: rows.len(),
            columns: self
                .columns
                .iter()
                .map(|cells| cells.select(rows))
                .collect(),
        }
    }

    /// Adds more rows of the same table.
    ///
    /// # Panics
    /// If they are of another table.
    pub fn append(&mut self, more: &Self) {
        assert_eq!(
            self.columns.len(),
            more.columns.len(),
            "rows must be of one table"
        );
        self.n_rows += more.n_rows;
        for (cells, more) in self.columns.iter_mut().zip(&more.columns) {
            cells.append(more);
        }
    }

    pub(super) fn clear(&mut self) {
        self.n_rows = 0;
        self.take_back();
    }

    /// Adds a row, or none of it.
    pub(super) fn push(&mut self, plan: &TablePlan<'_>, row: &impl RowCells) -> Taken {
        let added = self.push_cells(plan, row);
        match added {
            Ok(()) => self.n_rows += 1,
            Err(_) => self.take_back(),
        }
        added
    }

    fn push_cells(&mut self, plan: &TablePlan<'_>, row: &impl RowCells) -> Taken {
        let reader = RowReader::new(plan, row)?;
        for (cells, (column, planned)) in self.columns.iter_mut().zip(plan.columns()) {
            if let Some(planned) = planned {
                reader.push(cells, planned, &column.role, column.is_guessed)?;
            }
        }
        Ok(())
    }

    fn take_back(&mut self) {
        for cells in &mut self.columns {
            cells.truncate(self.n_rows);
        }
    }
}

/// Reads the cells of a row.
struct RowReader<'a, R> {
    plan: &'a TablePlan<'a>,
    row: &'a R,
    /// When the row happened.
    time: Option<i64>,
}

impl<'a, R: RowCells> RowReader<'a, R> {
    fn new(plan: &'a TablePlan<'a>, row: &'a R) -> Result<Self, Box<RowFault>> {
        let mut reader = Self {
            plan,
            row,
            time: None,
        };
        if let Some(column) = plan.time() {
            let text = reader.text(column)?;
            let time = if text.is_empty() {
                Err(RowRule::MissingTime)
            } else {
                row.time(column, &text, &plan.time_parser)
            };
            reader.time = Some(time.map_err(|rule| fault(column, &text, rule))?);
        }
        Ok(reader)
    }

    /// What stands in a cell; empty where it is missing.
    fn text(&self, column: &Column) -> Result<Cow<'a, str>, Box<RowFault>> {
        let missing = self.plan.missing();
        Ok(match self.row.text(column)? {
            Cow::Borrowed(text) => Cow::Borrowed(present(text, missing)),
            Cow::Owned(text) => match present(&text, missing) {
                found if found.len() == text.len() => Cow::Owned(text),
                found => Cow::Owned(found.to_owned()),
            },
        })
    }

    fn push(
        &self,
        cells: &mut TableCells,
        planned: &PlannedColumn,
        role: &TableRole,
        is_guessed: bool,
    ) -> Taken {
        let column = &planned.column;
        match cells {
            TableCells::Lists(lists) => return self.push_list(lists, planned, role),
            TableCells::Times(times) => {
                times.extend(self.time);
                return Ok(());
            }
            _ => {}
        }
        let text = self.text(column)?;
        push_text(cells, &text, role, is_guessed).map_err(|rule| fault(column, &text, rule))
    }

    fn push_list(&self, lists: &mut TextLists, planned: &PlannedColumn, role: &TableRole) -> Taken {
        let separator = role.separator();
        match &planned.times {
            Some(times) => self.push_timed(lists, &planned.column, times, separator)?,
            None => self.each_entry(&planned.column, separator, |value| {
                if !value.is_empty() {
                    lists.values.push(value);
                }
                Ok(())
            })?,
        }
        lists.end_row();
        Ok(())
    }

    /// Reads the values of a history with their times, place by place.
    fn push_timed(
        &self,
        lists: &mut TextLists,
        column: &Column,
        times_column: &Column,
        separator: Option<char>,
    ) -> Taken {
        let times = self.times_of_history(times_column, separator)?;
        let (mut n_entries, mut n_values, mut gap) = (0, 0, None);
        self.each_entry(column, separator, |value| {
            let time = times.get(n_entries).copied().flatten();
            n_entries += 1;
            if !value.is_empty() {
                n_values = n_entries;
            }
            match time {
                Some(time) if !value.is_empty() => {
                    lists.values.push(value);
                    lists.times_utc_millis.push(time);
                }
                None if value.is_empty() => {}
                _ => gap = gap.or(Some(n_entries)),
            }
            Ok(())
        })?;
        // Missing entries at the end are those of a separator too many.
        let n_times = times.iter().rposition(Option::is_some);
        let n_times = n_times.map_or(0, |last| last + 1);
        if n_times != n_values {
            let text = self.shown(times_column)?;
            let rule = RowRule::WrongTimeCount { n_times, n_values };
            return Err(fault(times_column, &text, rule));
        }
        match gap {
            None => Ok(()),
            Some(place) => {
                let text = self.shown(column)?;
                Err(fault(column, &text, RowRule::GapInHistory { place }))
            }
        }
    }

    /// The times of a history, none where one is missing.
    fn times_of_history(
        &self,
        column: &Column,
        separator: Option<char>,
    ) -> Result<Vec<Option<i64>>, Box<RowFault>> {
        let mut times = Vec::new();
        let mut last = None;
        self.each_entry(column, separator, |text| {
            if text.is_empty() {
                times.push(None);
                return Ok(());
            }
            let time = self.plan.time_parser.text(text)?;
            if self.time.is_some_and(|now| time >= now) {
                return Err(RowRule::HistoryNotEarlier);
            }
            if last.is_some_and(|last| time < last) {
                return Err(RowRule::HistoryOutOfOrder);
            }
            last = Some(time);
            times.push(last);
            Ok(())
        })?;
        Ok(times)
    }

    /// Hands on the entries of a cell, empty where one is missing.
    fn each_entry(
        &self,
        column: &Column,
        separator: Option<char>,
        mut take: impl FnMut(&str) -> Result<(), RowRule>,
    ) -> Taken {
        let missing = self.plan.missing();
        let mut checked = |entry: &str| take(entry).map_err(|rule| fault(column, entry, rule));
        match self.row.list(column) {
            Some(list) => {
                let mut list = list.iter().map(|entry| present(entry, missing));
                list.try_for_each(checked)
            }
            None => {
                let text = self.row.text(column)?;
                entries(&text, separator, missing).try_for_each(&mut checked)
            }
        }
    }

    /// What stands in a cell, for people.
    fn shown(&self, column: &Column) -> Result<Cow<'_, str>, Box<RowFault>> {
        match self.row.list(column) {
            Some(list) => Ok(list.join(" ").into()),
            None => self.row.text(column),
        }
    }
}

/// Reads a cell that holds one value.
fn push_text(
    cells: &mut TableCells,
    text: &str,
    role: &TableRole,
    is_guessed: bool,
) -> Result<(), RowRule> {
    match cells {
        TableCells::Labels(labels) => labels.push(label(text, role)?),
        TableCells::Texts(_) if text.is_empty() && *role == TableRole::Group => {
            return Err(RowRule::MissingGroup);
        }
        TableCells::Texts(texts) => texts.push(text),
        TableCells::Numbers(numbers) => numbers.push(match number(text) {
            Err(RowRule::UnparsableNumber) if is_guessed => {
                return Err(RowRule::NotTheGuessedNumber);
            }
            number => number?,
        }),
        TableCells::Weights(weights) => weights.push(match weight_of_text(text)? {
            weight if weight > 0.0 => weight,
            _ => return Err(RowRule::WeightNotPositive),
        }),
        TableCells::Durations(durations) => durations.push(match number(text)? {
            None => return Err(RowRule::MissingDuration),
            Some(duration) if duration < 0.0 => return Err(RowRule::DurationNegative),
            Some(duration) => duration as f32,
        }),
        TableCells::NotRead | TableCells::Lists(_) | TableCells::Times(_) => {}
    }
    Ok(())
}

fn fault(column: &Column, text: &str, rule: RowRule) -> Box<RowFault> {
    RowFault::new(Some(&column.name), text.as_bytes(), rule)
}

fn label(text: &str, role: &TableRole) -> Result<f32, RowRule> {
    let positive = match role {
        TableRole::Label { positive } => positive.as_deref(),
        _ => None,
    };
    let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match positive {
        _ if text.is_empty() => Err(RowRule::MissingLabel),
        Some(positive) => Ok(f32::from(text == positive)),
        None if is(["1", "true", "yes"]) => Ok(1.0),
        None if is(["0", "false", "no"]) => Ok(0.0),
        // Tables with gaps hold 0.0 and 1.0.
        None => match text.parse::<f64>() {
            Ok(1.0) => Ok(1.0),
            Ok(0.0) => Ok(0.0),
            _ => Err(RowRule::NotALabel),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_yes_or_no_and_nothing_else() {
        let plain = TableRole::Label { positive: None };
        for (text, expected) in [
            ("1", Ok(1.0)),
            ("0", Ok(0.0)),
            ("True", Ok(1.0)),
            ("NO", Ok(0.0)),
            ("1.0", Ok(1.0)),
            ("-0.0", Ok(0.0)),
            ("", Err(RowRule::MissingLabel)),
            ("2", Err(RowRule::NotALabel)),
            ("0.5", Err(RowRule::NotALabel)),
            ("nan", Err(RowRule::NotALabel)),
            ("clicked", Err(RowRule::NotALabel)),
        ] {
            assert_eq!(label(text, &plain), expected, "{text}");
        }
        let named = TableRole::Label {
            positive: Some("clicked".into()),
        };
        assert_eq!(label("clicked", &named), Ok(1.0));
        assert_eq!(label("1", &named), Ok(0.0));
        assert_eq!(label("", &named), Err(RowRule::MissingLabel));
    }
}
