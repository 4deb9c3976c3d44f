//! What is known of the items of a log.

use std::path::Path;

use super::error::ImpressionError;
use crate::data::attributes::{Attribute, AttributeCells, AttributeTable};
use crate::data::bad_row::OnBadRow;
use crate::data::error::DataError;
use crate::data::interactions::Interactions;
use crate::data::options::ReadOptions;
use crate::data::read::read_interactions;
use crate::data::schema::{ColumnRef, InteractionSchema};

/// Reads what the event log itself tells of its items, such as a column with the category of the item: one category an
/// attribute.
///
/// An item has the value of its first event with one, in time, so that nothing comes from its future. The file is read once a
/// column. Rows that [`read_interactions`] would refuse are left out, as it says so of them itself.
///
/// ```
/// use salient::data::{InteractionSchema, ReadOptions, read_item_attributes};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("log.csv");
/// std::fs::write(&path, "user,item,brand,time\na,tea,acme,2024-05-01\na,cup,,2024-05-02\n")?;
/// let schema = InteractionSchema { time: Some("time".into()), ..InteractionSchema::new("user", "item") };
/// let items = read_item_attributes(&path, &schema, &["brand".into()], &ReadOptions::default())?;
/// assert_eq!((items.ids(), items.columns()[0].name.as_str()), (&["tea".to_owned()][..], "brand"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`read_interactions`] for the file and its columns; [`DataError::NoGoodRows`] for a column without values;
/// [`DataError::Attributes`] for a column that is named twice, or if none is named.
pub fn read_item_attributes(
    path: impl AsRef<Path>,
    schema: &InteractionSchema,
    columns: &[ColumnRef],
    options: &ReadOptions,
) -> Result<AttributeTable, DataError> {
    let options = ReadOptions {
        on_bad_row: OnBadRow::Skip,
        ..options.clone()
    };
    let mut logs = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    for column in columns {
        // The events of an item as those of a user, the oldest first.
        let by_item = InteractionSchema {
            user: schema.item.clone(),
            item: column.clone(),
            event: None,
            weight: None,
            ..schema.clone()
        };
        let (log, _) = read_interactions(&path, &by_item, &options)?;
        ids.extend_from_slice(log.user_ids());
        logs.push((column.to_string(), log));
    }
    ids.sort_unstable();
    ids.dedup();
    let attributes = logs.into_iter().map(|(name, log)| {
        let mut values = vec![None; ids.len()];
        for item in 0..log.n_users() as u32 {
            if let Ok(place) = ids.binary_search_by(|id| id.as_str().cmp(log.user_id(item))) {
                let first = log.items()[log.user_range(item).start];
                values[place] = Some(log.item_id(first));
            }
        }
        Attribute::new(name, AttributeCells::category(values))
    });
    let attributes = attributes.collect();
    AttributeTable::from_columns(ids, attributes)
}

/// What is known of the items of a log, by their numbers there.
#[derive(Debug, Default)]
pub(super) struct ItemColumns<'a> {
    pub(super) categories: Vec<ItemCategory<'a>>,
    pub(super) numbers: Vec<ItemNumber<'a>>,
}

/// A category of the items of a log.
#[derive(Debug)]
pub(super) struct ItemCategory<'a> {
    pub(super) name: &'a str,
    values: &'a [String],
    /// The place of each item's value, if it has one.
    pub(super) of_item: Vec<Option<u32>>,
}

/// A number of the items of a log.
#[derive(Debug)]
pub(super) struct ItemNumber<'a> {
    pub(super) name: &'a str,
    pub(super) of_item: Vec<Option<f64>>,
}

impl ItemCategory<'_> {
    /// The value of an item.
    pub(super) fn value(&self, item: u32) -> Option<&str> {
        let value = self.of_item[item as usize]?;
        Some(&self.values[value as usize])
    }
}

impl<'a> ItemColumns<'a> {
    /// Finds the items of `log` in a table.
    pub(super) fn new(
        log: &Interactions,
        table: Option<&'a AttributeTable>,
    ) -> Result<Self, ImpressionError> {
        let mut found = Self::default();
        let Some(table) = table else {
            return Ok(found);
        };
        let ids = log.item_ids().iter();
        let rows: Vec<Option<usize>> = ids.map(|id| table.index_of(id)).collect();
        for Attribute { name, cells } in table.columns() {
            match cells {
                AttributeCells::Category(values) => found.categories.push(ItemCategory {
                    name,
                    values: values.values(),
                    of_item: rows
                        .iter()
                        .map(|row| values.row((*row)?).first().copied())
                        .collect(),
                }),
                AttributeCells::Number(numbers) => found.numbers.push(ItemNumber {
                    name,
                    of_item: rows.iter().map(|row| numbers[(*row)?]).collect(),
                }),
                AttributeCells::Categories(_) | AttributeCells::Vector(_) => {
                    return Err(ImpressionError::UnusableAttribute {
                        name: name.clone(),
                        kind: cells.kind(),
                    });
                }
            }
        }
        Ok(found)
    }
}
