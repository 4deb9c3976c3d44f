//! The cells of some rows, by column.

use super::role::TableRole;

/// The cells of a column in some rows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TableCells {
    /// The column is not read.
    NotRead,
    /// 0 or 1.
    Labels(Vec<f32>),
    /// Categories or groups; empty where missing.
    Texts(Texts),
    /// Any number of values.
    Lists(TextLists),
    /// Numbers, finite in 32 bits too; none where missing.
    Numbers(Vec<Option<f64>>),
    /// Times in milliseconds since 1970, UTC.
    Times(Vec<i64>),
    /// Weights, finite and above 0.
    Weights(Vec<f32>),
    /// Durations, finite and at least 0.
    Durations(Vec<f32>),
}

impl TableCells {
    /// No cells of a column with this role.
    pub(super) fn new(role: &TableRole) -> Self {
        match role {
            TableRole::Label { .. } => Self::Labels(Vec::new()),
            TableRole::Category | TableRole::Group => Self::Texts(Texts::default()),
            TableRole::Categories { .. } | TableRole::History { .. } => {
                Self::Lists(TextLists::default())
            }
            TableRole::Number => Self::Numbers(Vec::new()),
            TableRole::Time => Self::Times(Vec::new()),
            TableRole::Weight => Self::Weights(Vec::new()),
            TableRole::Duration => Self::Durations(Vec::new()),
            TableRole::Ignore => Self::NotRead,
        }
    }

    /// What they are, in words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotRead => "not read",
            Self::Labels(_) => "labels",
            Self::Texts(_) => "texts",
            Self::Lists(_) => "lists of texts",
            Self::Numbers(_) => "numbers",
            Self::Times(_) => "times",
            Self::Weights(_) => "weights",
            Self::Durations(_) => "durations",
        }
    }

    /// The cells of these rows, in this order.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::NotRead => Self::NotRead,
            Self::Labels(cells) => Self::Labels(chosen(cells, rows)),
            Self::Weights(cells) => Self::Weights(chosen(cells, rows)),
            Self::Durations(cells) => Self::Durations(chosen(cells, rows)),
            Self::Texts(texts) => Self::Texts(texts.select(rows)),
            Self::Lists(lists) => Self::Lists(lists.select(rows)),
            Self::Numbers(numbers) => Self::Numbers(chosen(numbers, rows)),
            Self::Times(times) => Self::Times(chosen(times, rows)),
        }
    }

    /// Adds the cells of more rows of the same column.
    pub(super) fn append(&mut self, more: &Self) {
        match (self, more) {
            (Self::Labels(cells), Self::Labels(more))
            | (Self::Weights(cells), Self::Weights(more))
            | (Self::Durations(cells), Self::Durations(more)) => cells.extend(more),
            (Self::Texts(texts), Self::Texts(more)) => texts.append(more),
            (Self::Lists(lists), Self::Lists(more)) => lists.append(more),
            (Self::Numbers(numbers), Self::Numbers(more)) => numbers.extend(more),
            (Self::Times(times), Self::Times(more)) => times.extend(more),
            (Self::NotRead, Self::NotRead) => {}
            (cells, more) => {
                panic!("{} cannot follow {} in a column", more.kind(), cells.kind())
            }
        }
    }

    /// Leaves the first rows.
    pub(super) fn truncate(&mut self, n_rows: usize) {
        match self {
            Self::NotRead => {}
            Self::Labels(cells) | Self::Weights(cells) | Self::Durations(cells) => {
                cells.truncate(n_rows);
            }
            Self::Texts(texts) => texts.truncate(n_rows),
            Self::Lists(lists) => lists.truncate(n_rows),
            Self::Numbers(numbers) => numbers.truncate(n_rows),
            Self::Times(times) => times.truncate(n_rows),
        }
    }
}

fn chosen<T: Copy>(cells: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| cells[row]).collect()
}

/// Texts, stored end to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    bytes: String,
    ends: Vec<usize>,
}

impl Texts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| &self[index])
    }

    pub(super) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    fn append(&mut self, more: &Self) {
        let start = self.bytes.len();
        self.bytes.push_str(&more.bytes);
        self.ends.extend(more.ends.iter().map(|end| start + end));
    }

    fn select(&self, texts: &[usize]) -> Self {
        let mut selected = Self::default();
        texts.iter().for_each(|&text| selected.push(&self[text]));
        selected
    }

    fn truncate(&mut self, n_texts: usize) {
        self.ends.truncate(n_texts);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }
}

impl std::ops::Index<usize> for Texts {
    type Output = str;

    /// The text at this place.
    ///
    /// # Panics
    /// If there is none.
    fn index(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }
}

/// Lists of texts, stored end to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextLists {
    /// Row `r` has the values `offsets[r]..offsets[r + 1]`, maybe none. `[n_rows + 1]`.
    pub offsets: Vec<usize>,
    /// The values of all rows, none of them empty.
    pub values: Texts,
    /// When each value was, in milliseconds since 1970, UTC: never falling within a row, and before the time of the row. As
    /// long as `values`; empty where times are not known.
    pub times_utc_millis: Vec<i64>,
}

impl Default for TextLists {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            values: Texts::default(),
            times_utc_millis: Vec::new(),
        }
    }
}

impl TextLists {
    fn select(&self, rows: &[usize]) -> Self {
        let mut selected = Self::default();
        for &row in rows {
            for value in self.offsets[row]..self.offsets[row + 1] {
                selected.values.push(&self.values[value]);
                let time = self.times_utc_millis.get(value);
                selected.times_utc_millis.extend(time);
            }
            selected.end_row();
        }
        selected
    }

    fn append(&mut self, more: &Self) {
        let start = self.values.len();
        self.values.append(&more.values);
        self.times_utc_millis.extend(&more.times_utc_millis);
        let ends = more.offsets.iter().skip(1).map(|end| start + end);
        self.offsets.extend(ends);
    }

    /// Ends a row.
    pub(super) fn end_row(&mut self) {
        self.offsets.push(self.values.len());
    }

    fn truncate(&mut self, n_rows: usize) {
        self.offsets.truncate(n_rows + 1);
        // Values of a row that was not ended go too.
        let n_values = self.offsets.last().copied().unwrap_or(0);
        self.values.truncate(n_values);
        self.times_utc_millis.truncate(n_values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_in_the_order_asked_for() {
        let mut lists = TextLists::default();
        for row in [&["a", "b"][..], &[], &["c"]] {
            for value in row {
                lists.values.push(value);
                lists.times_utc_millis.push(lists.values.len() as i64);
            }
            lists.end_row();
        }
        let selected = lists.select(&[2, 1, 0, 2]);
        let values: Vec<&str> = selected.values.iter().collect();
        assert_eq!(values, ["c", "a", "b", "c"]);
        assert_eq!(selected.offsets, [0, 1, 1, 3, 4]);
        assert_eq!(selected.times_utc_millis, [3, 1, 2, 3]);
        let numbers = TableCells::Numbers(vec![Some(1.0), None, Some(3.0)]);
        let expected = TableCells::Numbers(vec![None, Some(1.0)]);
        assert_eq!(numbers.select(&[1, 0]), expected);
    }

    #[test]
    fn a_row_that_is_taken_back_leaves_nothing() {
        let mut lists = TextLists::default();
        lists.values.push("a");
        lists.values.push("bé");
        lists.end_row();
        let one = lists.clone();
        lists.values.push("c");
        lists.times_utc_millis.extend([1, 2, 3]);
        lists.truncate(1);
        assert_eq!(lists.values, one.values);
        assert_eq!((&lists.values[1], lists.times_utc_millis.len()), ("bé", 2));
        lists.end_row();
        lists.truncate(0);
        assert!(lists.values.is_empty() && lists.times_utc_millis.is_empty());
        assert_eq!(lists.offsets, [0]);
    }
}
