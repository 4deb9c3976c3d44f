use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, RecordBatch, TimestampMillisecondArray,
};
use salient::data::{
    DataError, OnBadRow, ReadOptions, RowRule, TableCells, TableFormat, TableOptions, TableParts,
    TableRows, TableSchema,
};

use super::{Table, options, table, table_with, texts};
use crate::attributes::{gzip, number_column, parquet, text_column, text_lists};

const COLUMNS: &str = "click:label,brand:category,genres:categories=|,price:number,at:time,\
seen:history=brand;times=when;separator=|,w:weight,user:group,user:category";

const TEXT: &str = "\
click,brand,genres,price,at,seen,when,w,user,other
1,acme,hot| green,2.5,1000,cup|acme,10|20,0.5,u1,x
0, ,hot,,2000,,,2,u2,y
true,best,,-4,3000,best,2999.999,1,u1,
";

/// The output of `sha256sum` for [`TEXT`].
const SHA256: &str = "c09605512454a985b6553cb952971b20e39c9aefcc927e807223c57cad53a36e";

/// Checks the rows of [`TEXT`] against what it says.
fn assert_read(rows: &TableRows) {
    assert_eq!(rows.n_rows(), 3);
    let columns = rows.columns();
    assert_eq!(columns[0], TableCells::Labels(vec![1.0, 0.0, 1.0]));
    assert_eq!(texts(&columns[1]), ["acme", "", "best"]);
    let lists = |place: usize| match &columns[place] {
        TableCells::Lists(lists) => lists.clone(),
        other => panic!("{}", other.kind()),
    };
    let genres = lists(2);
    assert_eq!(genres.offsets, [0, 2, 3, 3]);
    assert_eq!(
        genres.values.iter().collect::<Vec<_>>(),
        ["hot", "green", "hot"]
    );
    assert!(genres.times_utc_millis.is_empty());
    assert_eq!(
        columns[3],
        TableCells::Numbers(vec![Some(2.5), None, Some(-4.0)])
    );
    assert_eq!(
        columns[4],
        TableCells::Times(vec![1_000_000, 2_000_000, 3_000_000])
    );
    let seen = lists(5);
    assert_eq!(seen.offsets, [0, 2, 2, 3]);
    assert_eq!(
        seen.values.iter().collect::<Vec<_>>(),
        ["cup", "acme", "best"]
    );
    assert_eq!(seen.times_utc_millis, [10_000, 20_000, 2_999_999]);
    assert_eq!(columns[6], TableCells::Weights(vec![0.5, 2.0, 1.0]));
    assert_eq!(texts(&columns[7]), ["u1", "u2", "u1"]);
    assert_eq!(texts(&columns[8]), ["u1", "u2", "u1"]);
    assert_eq!(columns.len(), 9);
}

/// The columns of [`TEXT`] alone.
fn only(columns: &str) -> salient::data::TableOptions {
    salient::data::TableOptions {
        others: salient::data::OtherColumns::Ignore,
        ..options(columns)
    }
}

#[test]
fn text_reads_the_same_plain_packed_with_tabs_and_by_number() {
    assert_read(&table_with("rows.csv", TEXT, &only(COLUMNS)).all_rows());
    let packed = gzip(TEXT.as_bytes());
    assert_read(&table_with("rows.csv.gz", packed, &only(COLUMNS)).all_rows());
    let tabs = TEXT.replace(',', "\t");
    assert_read(&table_with("rows.tsv", tabs, &only(COLUMNS)).all_rows());
    let by_number = "#1:label,#2:category,#3:categories=|,#4:number,#5:time,\
        #6:history=#2;times=#7;separator=|,#8:weight,#9:group,#9:category";
    assert_read(&table_with("rows.csv", TEXT, &only(by_number)).all_rows());
    let (_, rest) = TEXT.split_once('\n').unwrap();
    let mut bare = only(by_number);
    bare.file.has_header = false;
    let bare_table = table_with("rows.csv", rest, &bare);
    assert_read(&bare_table.rows(TableParts::All, &bare.file).unwrap());
}

fn columns_of_parquet() -> Vec<(&'static str, arrow_array::ArrayRef)> {
    vec![
        (
            "click",
            Arc::new(BooleanArray::from(vec![true, false, true])) as _,
        ),
        ("brand", text_column(&[Some("acme"), None, Some("best")])),
        (
            "genres",
            text_lists(&[Some(&["hot", " green"]), Some(&["hot", ""]), None]),
        ),
        (
            "price",
            number_column(&[Some(2.5), Some(f64::NAN), Some(-4.0)]),
        ),
        (
            "at",
            Arc::new(TimestampMillisecondArray::from(vec![
                1_000_000, 2_000_000, 3_000_000,
            ])),
        ),
        (
            "seen",
            text_lists(&[Some(&["cup", "acme"]), None, Some(&["best"])]),
        ),
        (
            "when",
            text_lists(&[Some(&["10", "20"]), Some(&[]), Some(&["2999.999"])]),
        ),
        ("w", Arc::new(Float32Array::from(vec![0.5, 2.0, 1.0]))),
        ("user", text_column(&[Some("u1"), Some("u2"), Some("u1")])),
        ("other", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ]
}

#[test]
fn parquet_and_record_batches_read_as_text_does() {
    let bytes = parquet(columns_of_parquet());
    assert_read(&table_with("rows.parquet", bytes, &only(COLUMNS)).all_rows());
    let batch = RecordBatch::try_from_iter(columns_of_parquet()).unwrap();
    let (schema, summary) = TableSchema::infer_from_batch(&batch, &only(COLUMNS)).unwrap();
    assert_eq!(summary.n_rows, 3);
    let (mut n_chunks, batches) = (
        0,
        [0..1, 1..3].map(|rows| batch.slice(rows.start, rows.len())),
    );
    let read = schema.read_batches(
        batches.into_iter().map(Ok),
        TableParts::All,
        OnBadRow::Fail,
        |rows| {
            n_chunks += 1;
            assert_read(rows);
            Ok::<_, DataError>(())
        },
    );
    assert_eq!((n_chunks, read.unwrap().n_rows_read), (1, 3));
}

/// A table of rows that are numbered.
fn numbered(n_rows: usize) -> Table {
    let mut text = "y,n\n".to_owned();
    for row in 0..n_rows {
        writeln!(text, "{},{row}", row % 2).unwrap();
    }
    table(text, "y:label,n:number")
}

#[test]
fn chunks_are_small_and_in_order_and_leave_no_row_out() {
    for n_rows in [1, 8_191, 8_192, 8_193, 20_000] {
        let table = numbered(n_rows);
        let mut next = 0;
        let read = table
            .schema
            .read(
                &table.path,
                TableParts::All,
                &ReadOptions::default(),
                |rows| {
                    assert!((1..=8_192).contains(&rows.n_rows()));
                    let expected = next..next + rows.n_rows();
                    let numbers = expected.clone().map(|row| Some(row as f64)).collect();
                    assert_eq!(rows.columns()[1], TableCells::Numbers(numbers));
                    next = expected.end;
                    Ok::<_, DataError>(())
                },
            )
            .unwrap();
        assert_eq!((next, read.n_rows_read), (n_rows, n_rows as u64));
        assert_eq!(read.format, TableFormat::Text);
        assert_eq!(read.sha256.unwrap().len(), 64);
    }
}

#[test]
fn what_the_caller_refuses_ends_the_reading() {
    let table = numbered(30_000);
    let mut n_chunks = 0;
    let stop = || DataError::InvalidLineLimit { limit: 7 };
    let error = table
        .schema
        .read(
            &table.path,
            TableParts::All,
            &ReadOptions::default(),
            |_| {
                n_chunks += 1;
                if n_chunks == 2 { Err(stop()) } else { Ok(()) }
            },
        )
        .unwrap_err();
    assert!(matches!(error, DataError::InvalidLineLimit { limit: 7 }));
    assert_eq!(n_chunks, 2);
}

#[test]
fn the_hash_is_that_of_the_whole_file() {
    let table = table_with("rows.csv", TEXT, &only(COLUMNS));
    let read = table
        .schema
        .read(
            &table.path,
            TableParts::All,
            &ReadOptions::default(),
            |_| Ok::<_, DataError>(()),
        )
        .unwrap();
    assert_eq!(read.sha256.unwrap(), SHA256);
    assert_eq!(
        (read.n_bytes, read.name.as_str()),
        (Some(TEXT.len() as u64), "rows.csv")
    );
}

#[test]
fn a_prediction_needs_neither_labels_nor_weights_nor_groups() {
    let learnt = table_with("rows.csv", TEXT, &only(COLUMNS));
    let text = "when,seen,at,price,genres,brand,new,user\n10,cup,1000,3,hot,acme,z,u9\n";
    std::fs::write(&learnt.path, text).unwrap();
    let rows = learnt
        .rows(TableParts::Inputs, &ReadOptions::default())
        .unwrap();
    let kinds: Vec<&str> = rows.columns().iter().map(TableCells::kind).collect();
    assert_eq!(
        kinds,
        [
            "not read",
            "texts",
            "lists of texts",
            "numbers",
            "times",
            "lists of texts",
            "not read",
            "not read",
            "texts"
        ]
    );
    assert_eq!(texts(&rows.columns()[8]), ["u9"]);
}

#[test]
fn empty_cells_and_markers_are_missing_and_quotes_hold_separators() {
    let mut named = options("y:label=bought,a:category,b:number,c:categories=comma");
    named.missing = vec!["unknown".into(), " NA ".into()];
    let text = "y,a,b,c\nbought,unknown,NA,\"x, y\"\nleft, NA ,  ,unknown\n";
    let rows = table_with("rows.csv", text, &named).all_rows();
    assert_eq!(rows.columns()[0], TableCells::Labels(vec![1.0, 0.0]));
    assert_eq!(texts(&rows.columns()[1]), ["", ""]);
    assert_eq!(rows.columns()[2], TableCells::Numbers(vec![None, None]));
    let TableCells::Lists(lists) = &rows.columns()[3] else {
        panic!("{rows:?}");
    };
    assert_eq!(lists.offsets, [0, 2, 2]);
    assert_eq!(&lists.values[1], "y");
}

/// The values and times of the history in column `place`.
fn history(rows: &TableRows, place: usize) -> (Vec<usize>, Vec<&str>, Vec<i64>) {
    match &rows.columns()[place] {
        TableCells::Lists(lists) => (
            lists.offsets.clone(),
            lists.values.iter().collect(),
            lists.times_utc_millis.clone(),
        ),
        other => panic!("{}", other.kind()),
    }
}

#[test]
fn values_of_a_history_keep_their_own_times() {
    let columns = "y:label,at:time,seen:history;times=when;separator=|";
    // Of entries that are missing on both sides nothing is left; a separator too many at the end is no entry.
    let text = "y,at,seen,when\n\
        1,1000,a|NA||b,10|||20\n\
        0,1000,c||,30\n\
        0,1000,NA,\n";
    let options = TableOptions {
        missing: vec![" NA ".into()],
        ..only(columns)
    };
    let expected = (
        vec![0, 2, 3, 3],
        vec!["a", "b", "c"],
        vec![10_000, 20_000, 30_000],
    );
    let of_text = table_with("rows.csv", text, &options).all_rows();
    assert_eq!(history(&of_text, 2), expected);

    let lists = |cells: [&[Option<&str>]; 3]| -> ArrayRef {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for cell in cells {
            cell.iter()
                .for_each(|entry| builder.values().append_option(*entry));
            builder.append(true);
        }
        Arc::new(builder.finish())
    };
    let parquet_of = |seen, when| {
        parquet(vec![
            ("y", Arc::new(Int64Array::from(vec![1, 0, 0])) as _),
            ("at", Arc::new(Int64Array::from(vec![1000; 3]))),
            ("seen", seen),
            ("when", when),
        ])
    };
    let seen = lists([
        &[Some("a"), None, Some(""), Some("b")],
        &[Some("c")],
        &[Some("NA")],
    ]);
    let when = lists([
        &[Some("10"), None, Some("NA"), Some("20")],
        &[Some("30")],
        &[],
    ]);
    let bytes = parquet_of(seen, when);
    let of_parquet = table_with("rows.parquet", bytes, &options).all_rows();
    assert_eq!(history(&of_parquet, 2), expected);

    // Counted without the gaps, there are as many times as values, but not those of the values.
    let seen = lists([&[Some("a"), None, Some("b")], &[], &[]]);
    let when = lists([&[Some("10"), Some("20"), None], &[], &[]]);
    let shifted = table_with("shifted.parquet", parquet_of(seen, when), &options);
    let error = shifted.rows(TableParts::All, &ReadOptions::default());
    let DataError::BadRow(bad) = error.unwrap_err() else {
        panic!("a bad row is needed");
    };
    let rule = RowRule::WrongTimeCount {
        n_times: 2,
        n_values: 3,
    };
    assert_eq!((bad.column.as_deref(), bad.rule), (Some("when"), rule));
}

#[test]
fn what_stands_for_nothing_is_missing_in_cells_and_in_lists_alike() {
    let text = "y,a,n,b,h\n1,NA,NA,x|NA|z, NA q\n0, NA , NA ,NA,r NA\n1,not known,3,|,\n0,t,,NAN,not known\n";
    let options = TableOptions {
        missing: vec![" NA".into(), "not known ".into()],
        ..options("y:label,b:categories=|,h:history")
    };
    let (schema, summary) = {
        let (_folder, path) = crate::attributes::file("rows.csv", text);
        TableSchema::infer(&path, &options).unwrap()
    };
    // The look and the reading agree on what is missing.
    let roles: Vec<_> = schema.columns().iter().map(|c| c.role.name()).collect();
    assert_eq!(
        roles,
        ["label", "category", "category", "categories", "history"]
    );
    let missing: Vec<f64> = summary.columns.iter().map(|c| c.missing).collect();
    assert_eq!(missing, [0.0, 0.75, 0.75, 0.5, 0.5]);
    let rows = table_with("rows.csv", text, &options).all_rows();
    assert_eq!(texts(&rows.columns()[1]), ["", "", "", "t"]);
    assert_eq!(texts(&rows.columns()[2]), ["", "", "3", ""]);
    let (offsets, values, _) = history(&rows, 3);
    assert_eq!(
        (offsets, values),
        (vec![0, 2, 2, 2, 3], vec!["x", "z", "NAN"])
    );
    let (offsets, values, _) = history(&rows, 4);
    assert_eq!((offsets, values), (vec![0, 1, 2, 2, 2], vec!["q", "r"]));
}
