//! The columns of a table as segments are told apart by.

use std::collections::HashMap;

use crate::data::{TableCells, TableRole, TextLists, Texts};
use crate::tasks::churn::ChurnData;

/// A column by its name.
pub(super) struct NamedColumn<'a> {
    pub(super) name: &'a str,
    /// None for a column of categories.
    pub(super) numbers: Option<&'a [Option<f64>]>,
    /// The values of a column of categories; of one of numbers, whether there is none.
    pub(super) values: Values<'a>,
}

/// The values that rows have: one each, or several.
pub(super) struct Values<'a> {
    /// None stands for a missing value.
    pub(super) names: Vec<Option<&'a str>>,
    /// Row `r` has the values `offsets[r]..offsets[r + 1]`, all different.
    offsets: Vec<usize>,
    places: Vec<usize>,
}

/// The inputs of a model but histories and times.
pub(super) fn columns(data: &ChurnData) -> Vec<NamedColumn<'_>> {
    let columns = data.schema().columns().iter().zip(data.rows.columns());
    let inputs = columns.filter(|(column, _)| column.role.is_input());
    let told = inputs.filter_map(|(column, cells)| {
        let (numbers, values) = match (cells, &column.role) {
            (TableCells::Numbers(numbers), _) => (Some(&numbers[..]), Values::missing(numbers)),
            (TableCells::Texts(texts), _) => (None, Values::of_texts(texts)),
            (TableCells::Lists(lists), TableRole::Categories { .. }) => {
                (None, Values::of_lists(lists))
            }
            _ => return None,
        };
        Some(NamedColumn {
            name: &column.name,
            numbers,
            values,
        })
    });
    told.collect()
}

impl<'a> Values<'a> {
    /// The places of the values of a row among the names.
    pub(super) fn of_row(&self, row: usize) -> &[usize] {
        &self.places[self.offsets[row]..self.offsets[row + 1]]
    }

    fn of_texts(texts: &'a Texts) -> Self {
        Self::new(texts.iter().map(|text| [text]))
    }

    fn of_lists(lists: &'a TextLists) -> Self {
        Self::new(lists.offsets.windows(2).map(|ends| {
            let values = (ends[0]..ends[1]).map(|value| &lists.values[value]);
            match ends[0] == ends[1] {
                true => vec![""],
                false => values.collect(),
            }
        }))
    }

    fn missing(numbers: &[Option<f64>]) -> Self {
        Self::new(numbers.iter().map(|number| match number {
            Some(_) => &[][..],
            None => &[""],
        }))
    }

    /// The values of each row, empty where missing.
    fn new<R: AsRef<[&'a str]>>(rows: impl Iterator<Item = R>) -> Self {
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut values = Self {
            names: Vec::new(),
            offsets: vec![0],
            places: Vec::new(),
        };
        for row in rows {
            let start = values.places.len();
            for &text in row.as_ref() {
                let place = *known.entry(text).or_insert(values.names.len());
                if place == values.names.len() {
                    values.names.push((!text.is_empty()).then_some(text));
                }
                if !values.places[start..].contains(&place) {
                    values.places.push(place);
                }
            }
            values.offsets.push(values.places.len());
        }
        values
    }
}
