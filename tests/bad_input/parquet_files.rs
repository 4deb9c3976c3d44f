use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampSecondArray,
};
use salient::data::{ColumnRole, DataError, Place, RowRule};

use super::{parquet, parquet_with, refused, sound_columns};

#[test]
fn a_parquet_column_of_a_wrong_type_is_named() {
    let wrong = || Arc::new(BooleanArray::from(vec![true, false, true])) as ArrayRef;
    for (name, role, expected) in [
        ("user", ColumnRole::User, "text or whole numbers"),
        ("item", ColumnRole::Item, "text or whole numbers"),
        (
            "when",
            ColumnRole::Time,
            "timestamps, dates, numbers or text",
        ),
        ("stars", ColumnRole::Weight, "numbers"),
    ] {
        let refused = refused("log.parquet", parquet_with(name, wrong()));
        let DataError::WrongColumnType {
            origin,
            role: named,
            column,
            found,
            expected: needed,
        } = &refused.error
        else {
            panic!("{:?}", refused.error);
        };
        assert_eq!(*origin, refused.origin());
        assert_eq!(
            (*named, column.as_str(), found.as_str(), *needed),
            (role, name, "Boolean", expected)
        );
        assert_eq!(
            refused.message(),
            format!(
                ": column {name:?} is of type Boolean, but the {role} needs {expected}; convert the column"
            )
        );
    }
}

#[test]
fn nulls_in_parquet_are_bad_rows() {
    for (name, column, rule) in [
        (
            "user",
            Arc::new(StringArray::from(vec![Some("a"), None, Some("c")])) as ArrayRef,
            RowRule::MissingUser,
        ),
        (
            "item",
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
            RowRule::MissingItem,
        ),
        (
            "item",
            Arc::new(Float64Array::from(vec![1.0, f64::NAN, 3.0])),
            RowRule::MissingItem,
        ),
        (
            "item",
            Arc::new(Float64Array::from(vec![1.0, 1.5, 3.0])),
            RowRule::IdNotWhole,
        ),
        (
            "when",
            Arc::new(TimestampSecondArray::from(vec![Some(1), None, Some(3)])),
            RowRule::MissingTime,
        ),
        (
            "stars",
            Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0)])),
            RowRule::MissingWeight,
        ),
    ] {
        let row = refused("log.parquet", parquet_with(name, column));
        let bad = row.bad_row();
        assert_eq!(
            (bad.place, bad.column.as_deref(), &bad.rule),
            (Place::Row(2), Some(name), &rule)
        );
    }
}

#[test]
fn broken_parquet_is_refused() {
    let sound = parquet(sound_columns());
    for bytes in [
        sound[..sound.len() / 2].to_vec(),
        sound[..sound.len() - 1].to_vec(),
        b"PAR1".to_vec(),
        b"user,item,when,stars\na,b,1,1\n".to_vec(),
    ] {
        let refused = refused("log.parquet", bytes);
        assert!(
            matches!(&refused.error, DataError::BrokenParquet { path, .. } if *path == refused.path),
            "{:?}",
            refused.error
        );
        let message = refused.message();
        assert!(
            message.starts_with(" cannot be read as Parquet: "),
            "{message}"
        );
        assert!(
            message.ends_with("; it may be cut off or damaged"),
            "{message}"
        );
    }
}
