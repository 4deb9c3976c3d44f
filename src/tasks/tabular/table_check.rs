//! Whether the histories of a table tell what a network reads of them.

use super::bst::BstPositions;
use super::config::{HistoryUse, InteractionConfig, TabularNetworkConfig};
use crate::data::{SchemaColumn, TableRole, TableSchema};
use crate::tasks::TaskError;

/// Checks that the histories of a table have the times that a network needs, so that no row of it makes the network panic.
///
/// # Errors
/// [`TaskError::Conflict`] for positions by age without ages, [`TaskError::HistoryWithoutTimes`],
/// [`TaskError::HistoriesOfOtherTimes`].
pub(in crate::tasks) fn check_histories(
    config: &TabularNetworkConfig,
    table: &TableSchema,
) -> Result<(), TaskError> {
    match &config.interaction {
        InteractionConfig::Bst(bst) if bst.positions == BstPositions::Age => {
            attended_have_times(table)
        }
        InteractionConfig::EventTransformer(_) if config.history == HistoryUse::Read => {
            are_of_the_same_events(table)
        }
        _ => Ok(()),
    }
}

/// Positions by age need the times of each history that is attended to.
fn attended_have_times(table: &TableSchema) -> Result<(), TaskError> {
    let is_ageless = |column: &SchemaColumn| {
        let role = &column.role;
        matches!(
            role,
            TableRole::History {
                of: Some(_),
                times: None,
                ..
            }
        )
    };
    match table.columns().iter().any(is_ageless) {
        true => Err(TaskError::Conflict {
            setting: "positions by age",
            other: "a history without times",
            rule: "name the column of its times, as in history=item;times=seen_at, or take positions by order",
        }),
        false => Ok(()),
    }
}

/// Histories that name the same column of times are read place by place, and so are equally long in each row.
fn are_of_the_same_events(table: &TableSchema) -> Result<(), TaskError> {
    let columns = table.columns().iter();
    let histories = columns.filter_map(|column| match &column.role {
        TableRole::History {
            separator, times, ..
        } => Some((&column.name, (separator, times))),
        _ => None,
    });
    let mut first = None;
    for (name, times) in histories {
        if times.1.is_none() {
            let column = name.clone();
            return Err(TaskError::HistoryWithoutTimes { column });
        }
        let (first, of_first) = *first.get_or_insert((name, times));
        if times != of_first {
            return Err(TaskError::HistoriesOfOtherTimes {
                first: first.clone(),
                second: name.clone(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::data::{TableColumn, TimeFormat};

    fn checked(interaction: &str, columns: &str) -> Result<(), TaskError> {
        let config = json!({"interaction": {"kind": interaction}});
        let config = serde_json::from_value(config).unwrap();
        check_histories(&config, &table(columns))
    }

    fn table(columns: &str) -> TableSchema {
        let columns = TableColumn::list(columns).unwrap().into_iter();
        let columns = columns.map(|column| SchemaColumn {
            name: column.column.to_string(),
            column: column.column,
            role: column.role,
            is_guessed: false,
        });
        TableSchema::new(columns.collect(), Vec::new(), TimeFormat::Auto).unwrap()
    }

    #[test]
    fn histories_of_the_same_times_are_of_the_same_events() {
        for columns in [
            "y:label,at:time,a:history;times=t,b:history;times=t,c:categories",
            "y:label,at:time,a:history;times=t,c:number",
        ] {
            assert_eq!(checked("event_transformer", columns), Ok(()));
        }
    }

    #[test]
    fn histories_that_may_differ_in_length_are_refused_where_they_are_read_side_by_side() {
        let apart = |first: &str, second: &str| {
            Err(TaskError::HistoriesOfOtherTimes {
                first: first.to_owned(),
                second: second.to_owned(),
            })
        };
        let two = "y:label,at:time,a:history;times=t,b:history;times=u";
        assert_eq!(checked("event_transformer", two), apart("a", "b"));
        assert_eq!(checked("bst", two), Ok(()));
        let separators = "y:label,at:time,a:history;times=t,b:history;times=t;separator=|";
        assert_eq!(checked("event_transformer", separators), apart("a", "b"));
        let timeless = "y:label,at:time,a:history;times=t,b:history";
        let expected = Err(TaskError::HistoryWithoutTimes {
            column: "b".to_owned(),
        });
        assert_eq!(checked("event_transformer", timeless), expected);
        let ignored = json!({"history": "ignored", "interaction": {"kind": "event_transformer"}});
        let ignored = serde_json::from_value(ignored).unwrap();
        assert_eq!(check_histories(&ignored, &table(timeless)), Ok(()));
    }

    #[test]
    fn positions_by_age_need_times() {
        let by_age = json!({"interaction": {"kind": "bst", "positions": "age"}});
        let by_age = serde_json::from_value(by_age).unwrap();
        let check = |columns| check_histories(&by_age, &table(columns));
        let timeless = "y:label,at:time,a:category,b:history=a";
        assert!(matches!(check(timeless), Err(TaskError::Conflict { .. })));
        assert_eq!(checked("bst", timeless), Ok(()));
        assert_eq!(
            check("y:label,at:time,a:category,b:history=a;times=t"),
            Ok(())
        );
    }
}
