use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder, StructBuilder};
use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::{DataType, Field};
use salient::data::{
    ColumnRole, DataError, OnBadRow, Place, ReadOptions, RowRule, TableError, TableOptions,
    TableParts, TableSchema,
};
use salient::features::FeatureError;
use salient::features::tabular::{
    CalendarPart, FieldConfig, NumberEncoding, TabularConfig, TabularError, TabularFitter,
};

use super::{Table, options, table, table_with};
use crate::attributes::{file, parquet, text_column};

/// A column of lists of structs.
fn struct_lists(n_rows: usize) -> ArrayRef {
    let fields = vec![Field::new("item", DataType::Int64, true)];
    let mut builder = ListBuilder::new(StructBuilder::from_fields(fields, n_rows));
    for _ in 0..n_rows {
        let structs = builder.values();
        let items = structs.field_builder::<Int64Builder>(0);
        items.unwrap().append_value(7);
        structs.append(true);
        builder.append(true);
    }
    Arc::new(builder.finish())
}

const COLUMNS: &str = "y:label,price:number,at:time,seen:history=item;times=when,item:category,\
w:weight,user:group";
const HEADER: &str = "y,price,at,seen,when,item,w,user\n";
const GOOD: &str = "1,2,1000,a b,10 20,a,1,u\n";

fn read(row: &str, on_bad_row: OnBadRow) -> Result<Table, DataError> {
    let options = TableOptions {
        missing: vec!["NA".into()],
        ..options(COLUMNS)
    };
    let table = table_with("rows.csv", format!("{HEADER}{GOOD}"), &options);
    std::fs::write(&table.path, format!("{HEADER}{GOOD}{row}\n")).unwrap();
    let options = ReadOptions {
        on_bad_row,
        ..ReadOptions::default()
    };
    let rows = table.rows(TableParts::All, &options)?;
    assert_eq!(rows.n_rows(), 1, "{row}");
    Ok(table)
}

#[test]
fn a_bad_row_is_an_error_that_says_where_and_why_or_is_skipped() {
    let not_a_number = RowRule::UnparsableNumber;
    for (row, column, text, rule) in [
        ("2,2,1000,,,a,1,u", "y", "2", RowRule::NotALabel),
        (",2,1000,,,a,1,u", "y", "", RowRule::MissingLabel),
        ("1,two,1000,,,a,1,u", "price", "two", not_a_number),
        (
            "1,inf,1000,,,a,1,u",
            "price",
            "inf",
            RowRule::NonFiniteNumber,
        ),
        ("1,2,,,,a,1,u", "at", "", RowRule::MissingTime),
        (
            "1,2,1000,a,1000,a,1,u",
            "when",
            "1000",
            RowRule::HistoryNotEarlier,
        ),
        (
            "1,2,1000,a b,20 10,a,1,u",
            "when",
            "10",
            RowRule::HistoryOutOfOrder,
        ),
        (
            "1,2,1000,a b,20,a,1,u",
            "when",
            "20",
            RowRule::WrongTimeCount {
                n_times: 1,
                n_values: 2,
            },
        ),
        (
            "1,2,1000,a b,20 NA,a,1,u",
            "when",
            "20 NA",
            RowRule::WrongTimeCount {
                n_times: 1,
                n_values: 2,
            },
        ),
        (
            "1,2,1000,a NA b,10 NA 20 30,a,1,u",
            "when",
            "10 NA 20 30",
            RowRule::WrongTimeCount {
                n_times: 4,
                n_values: 3,
            },
        ),
        (
            "1,2,1000,a NA b c,10 20 NA 30,a,1,u",
            "seen",
            "a NA b c",
            RowRule::GapInHistory { place: 2 },
        ),
        ("1,2,1000,,,a,0,u", "w", "0", RowRule::WeightNotPositive),
        ("1,2,1000,,,a,-1,u", "w", "-1", RowRule::WeightNotPositive),
        ("1,2,1000,,,a,nan,u", "w", "nan", RowRule::NonFiniteWeight),
        ("1,2,1000,,,a,,u", "w", "", RowRule::MissingWeight),
        ("1,2,1000,,,a,1, ", "user", "", RowRule::MissingGroup),
    ] {
        let error = read(row, OnBadRow::Fail).err().unwrap();
        let DataError::BadRow(bad) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(
            (
                bad.place,
                bad.column.as_deref(),
                bad.text.as_str(),
                &bad.rule
            ),
            (Place::Line(3), Some(column), text, &rule),
            "{row}"
        );
        read(row, OnBadRow::Skip).unwrap();
    }
    let error = read("1,2,1000", OnBadRow::Fail).err().unwrap();
    assert!(
        error
            .to_string()
            .ends_with("the row has 3 columns, but 8 are expected; check the delimiter and quotes"),
        "{error}"
    );
}

#[test]
fn skipped_rows_are_counted_by_reason_and_leave_nothing() {
    let text =
        format!("{HEADER}{GOOD}7,2,1000,a b,10 20,a,1,u\n1,2,1000,a b,10 1000,b,1,u\n{GOOD}");
    let table = table(format!("{HEADER}{GOOD}"), COLUMNS);
    std::fs::write(&table.path, text).unwrap();
    let options = ReadOptions {
        on_bad_row: OnBadRow::Skip,
        ..ReadOptions::default()
    };
    let mut good = None;
    let read = table
        .schema
        .read(&table.path, TableParts::All, &options, |rows| {
            good = Some(rows.clone());
            Ok::<_, DataError>(())
        })
        .unwrap();
    let reasons: Vec<_> = read
        .skipped
        .iter()
        .map(|skipped| (skipped.reason.as_str(), skipped.n_rows))
        .collect();
    assert_eq!(
        reasons,
        [
            ("label neither yes nor no", 1),
            ("history not before its row", 1)
        ]
    );
    std::fs::write(&table.path, format!("{HEADER}{GOOD}{GOOD}")).unwrap();
    assert_eq!(good.unwrap(), table.all_rows());
}

fn refused(text: &str, columns: &str) -> DataError {
    let (_folder, path) = file("rows.csv", text);
    TableSchema::infer(path, &options(columns)).unwrap_err()
}

#[test]
fn columns_that_contradict_each_other_are_refused() {
    let text = "y,a,b,c\n1,2,3,4\n";
    for (columns, message) in [
        (
            "a:number",
            "no column is named as the label; it is never guessed, so name it, as in click:label",
        ),
        (
            "y:label,y:number",
            "column \"y\" is named as label and as number; a column has one use, but a category may also be the group",
        ),
        (
            "y:label,a:label,b:label",
            "3 columns are named as label; at most 2 may be",
        ),
        (
            "y:label,a:time,b:time",
            "2 columns are named as time; at most 1 may be",
        ),
        (
            "y:label,a:ignore,b:weight,c:group",
            "no column is left to predict from beside labels, weights and groups; name some, as in price:number",
        ),
        (
            "y:label,a:history=b,b:number",
            "the history \"a\" has the values of \"b\", which is no category; name it as one, as in b:category",
        ),
        (
            "y:label,a:history;times=b",
            "the history \"a\" has times, which are compared to the time of a row, but no column is named as the time",
        ),
    ] {
        let error = refused(text, columns);
        assert!(matches!(error, DataError::Table(_)), "{columns}: {error:?}");
        assert_eq!(error.to_string(), message, "{columns}");
    }
    let error = refused("y,a,a\n1,2,3\n", "y:label,#2:number,#3:number");
    assert!(matches!(
        error,
        DataError::Table(TableError::RepeatedName { name }) if name == "a"
    ));
}

#[test]
fn columns_that_are_not_there_are_named() {
    for (columns, role, asked) in [
        ("click:label", ColumnRole::Label, "click"),
        ("y:label,price:number", ColumnRole::Field, "price"),
        ("y:label,a:history=item", ColumnRole::Field, "item"),
        ("y:label,a:history;times=#9", ColumnRole::Time, "#9"),
        ("y:label,w:weight", ColumnRole::Weight, "w"),
        ("y:label,u:group", ColumnRole::Group, "u"),
    ] {
        let error = refused("y,a\n1,2\n", columns);
        assert!(
            matches!(&error, DataError::MissingColumn { role: found, asked: name, .. } if *found == role && name == asked),
            "{columns}: {error:?}"
        );
    }
    assert!(matches!(
        refused("y,a,a\n1,2,3\n", "y:label,a:number"),
        DataError::AmbiguousColumn { .. }
    ));
    // At prediction a field that training saw must be there.
    let learnt = table("y,a,b\n1,x,0.5\n", "y:label");
    std::fs::write(&learnt.path, "a\nx\n").unwrap();
    let error = learnt
        .rows(TableParts::Inputs, &ReadOptions::default())
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("has no column \"b\" for the field; its columns are `a`"),
        "{error}"
    );
}

#[test]
fn without_a_header_the_number_of_columns_must_be_the_same() {
    let mut bare = options("#1:label");
    bare.file.has_header = false;
    let learnt = table_with("rows.csv", "1,x,0.5\n", &bare);
    std::fs::write(&learnt.path, "x,0.5\n").unwrap();
    let error = learnt.rows(TableParts::Inputs, &bare.file).unwrap_err();
    assert!(matches!(
        error,
        DataError::Table(TableError::OtherColumnCount {
            found: 2,
            expected: 3,
            ..
        })
    ));
}

#[test]
fn empty_files_and_wrong_types_are_refused() {
    assert!(matches!(
        refused("", "y:label"),
        DataError::Table(TableError::Empty { .. })
    ));
    assert!(matches!(
        refused("y,a\n", "y:label"),
        DataError::NoRows { .. }
    ));
    let mut none = options("y:label");
    none.n_look_rows = 0;
    let (_folder, path) = file("rows.csv", "y,a\n1,2\n");
    assert!(matches!(
        TableSchema::infer(path, &none),
        Err(DataError::Table(TableError::NoRowsToLookAt))
    ));
    let bytes = parquet(vec![
        ("y", Arc::new(BooleanArray::from(vec![true])) as _),
        ("flag", Arc::new(BooleanArray::from(vec![true]))),
        ("a", text_column(&[Some("x")])),
    ]);
    let table = table_with("rows.parquet", bytes, &options("y:label,flag:number"));
    let error = table
        .rows(TableParts::All, &ReadOptions::default())
        .unwrap_err();
    assert!(
        matches!(&error, DataError::WrongColumnType { column, found, expected: "numbers", .. } if column == "flag" && found == "Boolean"),
        "{error:?}"
    );
}

#[test]
fn a_column_of_a_type_without_use_is_refused_only_in_a_role() {
    let structs = struct_lists(2);
    let bytes = parquet(vec![
        ("y", Arc::new(BooleanArray::from(vec![true, false])) as _),
        ("a", text_column(&[Some("x"), Some("z")])),
        ("basket", structs),
    ]);
    let named = table_with(
        "rows.parquet",
        &bytes,
        &options("y:label,basket:categories"),
    );
    let error = named
        .rows(TableParts::All, &ReadOptions::default())
        .unwrap_err();
    assert!(
        matches!(&error, DataError::WrongColumnType { column, found, .. } if column == "basket" && found.contains("Struct")),
        "{error:?}"
    );
    let (_folder, path) = file("rows.parquet", &bytes);
    let (schema, summary) = TableSchema::infer(&path, &options("y:label")).unwrap();
    let names: Vec<&str> = schema.columns().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["y", "a"]);
    let basket = &summary.columns[2];
    assert_eq!(basket.role, None);
    let reason = basket.reason.to_string();
    assert!(
        reason.starts_with("left out: of type List(")
            && reason.ends_with(", which no role can use"),
        "{reason}"
    );
    let guessed = table_with("rows.parquet", &bytes, &options("y:label"));
    assert_eq!(guessed.all_rows().n_rows(), 2);
}

#[test]
fn settings_out_of_range_are_refused() {
    let table = table("y,a,x\n1,b,0.5\n", "y:label");
    let fit = |config: TabularConfig| TabularFitter::new(&config, &table.schema).err();
    let field = |name: &str, field: FieldConfig| TabularConfig {
        fields: [(name.to_owned(), field)].into(),
        ..TabularConfig::default()
    };
    let plain = FieldConfig::default;
    let with = |encoding| FieldConfig {
        encoding,
        ..plain()
    };
    let quantile = |n_quantiles| with(NumberEncoding::Quantile { n_quantiles });
    let bins = |n_bins| with(NumberEncoding::PiecewiseLinear { n_bins });
    let n_buckets = |n_buckets| FieldConfig {
        n_buckets: Some(n_buckets),
        ..plain()
    };
    let base = TabularConfig::default;
    let minutes = |utc_offset_minutes| TabularConfig {
        utc_offset_minutes,
        ..base()
    };
    for (config, message) in [
        (
            field("z", plain()),
            "there are settings for a field \"z\", but the table has only a, x",
        ),
        (
            field(
                "a",
                FieldConfig {
                    min_count: 0,
                    ..plain()
                },
            ),
            "field \"a\": min_count is 0; it must be at least 1",
        ),
        (
            field("a", n_buckets(0)),
            "field \"a\": n_buckets is 0; it must be from 1 to 4294967293",
        ),
        (
            field("x", quantile(1)),
            "field \"x\": n_quantiles is 1; it must be from 2 to 131072",
        ),
        (
            field("x", quantile(131_073)),
            "field \"x\": n_quantiles is 131073; it must be from 2 to 131072",
        ),
        (
            field("x", bins(0)),
            "field \"x\": n_bins is 0; it must be from 1 to 131071",
        ),
        (
            TabularConfig {
                max_history: 0,
                ..base()
            },
            "max_history is 0; it must be at least 1",
        ),
        (
            minutes(1_440),
            "utc_offset_minutes is 1440; it must be above -1440 and below 1440",
        ),
        (
            TabularConfig {
                calendar: vec![CalendarPart::Hour; 2],
                ..base()
            },
            "the calendar holds hour twice; parts must be distinct",
        ),
    ] {
        let error = fit(config).unwrap();
        assert!(matches!(error, FeatureError::Tabular(_)));
        assert_eq!(error.to_string(), message);
    }
    for good in [
        field("x", quantile(2)),
        field("x", bins(1)),
        field("a", n_buckets(1)),
        minutes(-1_439),
    ] {
        assert_eq!(fit(good), None);
    }
    let error = TabularFitter::new(&base(), &table.schema)
        .unwrap()
        .finish()
        .unwrap_err();
    assert_eq!(error, FeatureError::Tabular(TabularError::NoRows));
}

#[test]
fn rows_of_another_table_are_refused() {
    let one = table("y,a,x\n1,b,0.5\n", "y:label");
    let other = table("y,a,x\n1,0.5,b\n", "y:label");
    let wider = table("y,a,x,z\n1,b,0.5,c\n", "y:label");
    let mut fitter = TabularFitter::new(&TabularConfig::default(), &one.schema).unwrap();
    let error = fitter.push(&other.all_rows()).unwrap_err();
    assert_eq!(
        error,
        FeatureError::Tabular(TabularError::OtherCells {
            name: "a".into(),
            found: "numbers",
            expected: "texts"
        })
    );
    let columns = |found| FeatureError::Tabular(TabularError::OtherColumns { found, expected: 3 });
    assert_eq!(fitter.push(&wider.all_rows()), Err(columns(4)));
    let inputs = one
        .rows(TableParts::Inputs, &ReadOptions::default())
        .unwrap();
    assert!(fitter.push(&inputs).is_err(), "labels are learnt from too");
    fitter.push(&one.all_rows()).unwrap();
    let (schema, _) = fitter.finish().unwrap();
    assert_eq!(schema.encode(&wider.all_rows()), Err(columns(4)));
    assert_eq!(schema.encode(&inputs).unwrap().labels, [0.0; 0]);
}
