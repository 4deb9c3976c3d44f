//! What is known of the customers of a log.

use super::error::ChurnError;
use crate::data::attributes::{Attribute, AttributeCells, AttributeTable};
use crate::data::interactions::Interactions;

/// An attribute of the customers of a log, by their numbers there.
#[derive(Debug)]
pub(super) struct CustomerColumn<'a> {
    pub(super) name: &'a str,
    pub(super) values: CustomerValues<'a>,
}

/// One value a customer, if there is one.
#[derive(Debug)]
pub(super) enum CustomerValues<'a> {
    Category(Vec<Option<&'a str>>),
    Number(Vec<Option<f64>>),
}

/// Finds the customers of `log` in a table.
pub(super) fn customer_columns<'a>(
    log: &Interactions,
    table: Option<&'a AttributeTable>,
) -> Result<Vec<CustomerColumn<'a>>, ChurnError> {
    let Some(table) = table else {
        return Ok(Vec::new());
    };
    let ids = log.user_ids().iter();
    let rows: Vec<Option<usize>> = ids.map(|id| table.index_of(id)).collect();
    let columns = table.columns().iter().map(|Attribute { name, cells }| {
        let values = match cells {
            AttributeCells::Category(values) => CustomerValues::Category(
                rows.iter()
                    .map(|row| {
                        let value = values.row((*row)?).first()?;
                        Some(values.values()[*value as usize].as_str())
                    })
                    .collect(),
            ),
            AttributeCells::Number(numbers) => {
                CustomerValues::Number(rows.iter().map(|row| numbers[(*row)?]).collect())
            }
            AttributeCells::Categories(_) | AttributeCells::Vector(_) => {
                return Err(ChurnError::UnusableAttribute {
                    name: name.clone(),
                    kind: cells.kind(),
                });
            }
        };
        Ok(CustomerColumn { name, values })
    });
    columns.collect()
}
