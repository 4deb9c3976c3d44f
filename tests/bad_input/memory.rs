use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use salient::data::{
    DataError, InteractionRow, InteractionSchema, Interactions, OnBadRow, Origin, Place, RowRule,
};

#[test]
fn rows_in_memory_are_checked_too() {
    let row = |user: &str, weight| InteractionRow {
        user: user.into(),
        item: "b".into(),
        weight,
        ..InteractionRow::default()
    };
    for (rows, rule, message) in [
        (
            vec![row("a", None), row("", None)],
            RowRule::MissingUser,
            "rows row 2, column \"user\": \"\": a user id must not be empty",
        ),
        (
            vec![row("a", Some(1.0)), row("a", Some(f32::INFINITY))],
            RowRule::NonFiniteWeight,
            "rows row 2, column \"weight\": \"inf\": a weight must be a finite number",
        ),
        (
            vec![row("a", Some(1.0)), row("a", None)],
            RowRule::MissingWeight,
            "rows row 2, column \"weight\": \"\": a weight must not be empty",
        ),
        (
            vec![row("a", None), row("a", Some(1.0))],
            RowRule::OnlySomeRows,
            "rows row 2, column \"weight\": \"1\": the first row has none here, so no row may have one",
        ),
    ] {
        let error = Interactions::from_rows(rows).unwrap_err();
        assert!(matches!(
            &error,
            DataError::BadRow(bad) if bad.rule == rule && bad.place == Place::Row(2) && bad.origin == Origin::Rows
        ));
        assert_eq!(error.to_string(), message);
    }
    let error = Interactions::from_rows([]).unwrap_err();
    assert!(matches!(
        error,
        DataError::Empty {
            origin: Origin::Rows
        }
    ));
    assert_eq!(
        error.to_string(),
        "rows is empty; a table of events is needed"
    );
}

#[test]
fn record_batches_must_share_a_schema() {
    let batch = |name: &str| {
        RecordBatch::try_from_iter([
            ("user", Arc::new(StringArray::from(vec!["a"])) as ArrayRef),
            (name, Arc::new(StringArray::from(vec!["b"]))),
        ])
        .unwrap()
    };
    let schema = InteractionSchema::new("user", "item");
    let read = |batches: Vec<RecordBatch>| {
        Interactions::from_record_batches(batches.into_iter().map(Ok), &schema, OnBadRow::Fail)
            .unwrap_err()
    };
    let error = read(vec![batch("item"), batch("thing")]);
    assert!(matches!(
        error,
        DataError::BatchesDiffer {
            origin: Origin::RecordBatches,
            row: 1
        }
    ));
    assert_eq!(
        error.to_string(),
        "record batches: the batch after row 1 has other columns than the first; all batches need one schema"
    );
    assert!(matches!(
        read(vec![]),
        DataError::Empty {
            origin: Origin::RecordBatches
        }
    ));
}
