use salient::Error;
use salient::data::{
    AbsentColumns, DataError, Place, ReadOptions, Record, RecordCell, RowRule, TableParts,
};
use salient::features::tabular::{MISSING, TabularConfig, TabularSchema};

use super::{Table, table};

const COLUMNS: &str = "y:label,brand:category,price:number,tags:categories=|,at:time,\
seen:history=brand;times=when,code:category,user:group";

fn fitted() -> (Table, TabularSchema) {
    let text = "y,brand,price,tags,at,seen,when,code,user\n\
        1,acme,2.5,a|b,1000,best acme,10 20,7,u\n\
        0,best,4,,2000,,,8,v\n\
        0,,,b,3000,acme,30,,v\n";
    let table = table(text, COLUMNS);
    let (schema, _) = TabularConfig::default()
        .fit(&table.schema, &table.path, &ReadOptions::default())
        .unwrap();
    (table, schema)
}

/// The rows of the file as a service is asked for them.
fn requests() -> Vec<Record> {
    let json = r#"[
        {"brand": "acme", "price": 2.5, "tags": ["a", "b"], "at": 1000,
         "seen": ["best", "acme"], "when": [10, 20], "code": 7, "extra": true},
        {"brand": "best", "price": 4, "tags": "", "at": 2000.0, "seen": [], "when": null, "code": 8},
        {"brand": null, "price": "", "tags": "b", "at": "1970-01-01 00:50:00", "seen": "acme", "when": "30", "code": " "}
    ]"#;
    serde_json::from_str(json).unwrap()
}

#[test]
fn records_become_the_numbers_that_rows_of_a_file_do() {
    let (table, schema) = fitted();
    let options = ReadOptions::default();
    let (expected, _) = schema
        .read(&table.path, TableParts::Inputs, &options)
        .unwrap();
    let found = schema
        .encode_records(&requests(), AbsentColumns::Refuse)
        .unwrap();
    assert_eq!(found, expected);
    assert_eq!(
        (found.n_rows, found.labels.len(), found.groups.len()),
        (3, 0, 0)
    );
}

#[test]
fn a_column_that_a_record_lacks_is_named_or_missing() {
    let (_table, schema) = fitted();
    let mut records = requests();
    for name in ["brand", "price", "tags", "code"] {
        records[1].remove(name);
    }
    let error = schema
        .encode_records(&records, AbsentColumns::Refuse)
        .unwrap_err();
    let Error::Data(DataError::BadRow(bad)) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (bad.place, &bad.rule),
        (Place::Row(2), &RowRule::AbsentFromRecord)
    );
    assert_eq!(
        error.to_string(),
        "rows row 2, column \"brand\": \"\": the record has no such column; give it, as null where the value is not known"
    );
    let encoded = schema
        .encode_records(&records, AbsentColumns::Missing)
        .unwrap();
    let n_categories = schema.shape().categories.len();
    let row = &encoded.categories[n_categories..2 * n_categories];
    assert_eq!((row[0], row[n_categories - 1]), (MISSING, MISSING));
    assert_eq!(encoded.numbers[2..4], [0.0, 1.0]);
    records[1].remove("at");
    let error = schema
        .encode_records(&records, AbsentColumns::Missing)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("column \"at\": \"\": a time must not be empty"),
        "{error}"
    );
}

#[test]
fn records_are_checked_as_rows_of_files_are() {
    let (_table, schema) = fitted();
    for (name, cell, rule) in [
        ("price", RecordCell::from("dear"), RowRule::UnparsableNumber),
        ("price", f64::NAN.into(), RowRule::NonFiniteNumber),
        ("price", 1e300.into(), RowRule::NonFiniteNumber),
        (
            "when",
            RecordCell::List(vec![1000.into(), 20.into()]),
            RowRule::HistoryNotEarlier,
        ),
    ] {
        let mut records = requests();
        records[0].insert(name.into(), cell);
        let error = schema
            .encode_records(&records, AbsentColumns::Refuse)
            .unwrap_err();
        assert!(
            matches!(&error, Error::Data(DataError::BadRow(bad)) if bad.rule == rule && bad.place == Place::Row(1)),
            "{error:?}"
        );
    }
}
