use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampSecondArray,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use salient::data::{
    BadRow, ColumnRole, DataError, InteractionRow, InteractionSchema, Interactions, OnBadRow,
    Origin, Place, ReadOptions, RowRule, read_interactions,
};
use tempfile::TempDir;

fn schema() -> InteractionSchema {
    InteractionSchema {
        time: Some("when".into()),
        weight: Some("stars".into()),
        ..InteractionSchema::new("user", "item")
    }
}

/// A file, and what reading it says.
struct Refused {
    _folder: TempDir,
    path: PathBuf,
    error: DataError,
}

fn refused_with(name: &str, bytes: &[u8], options: &ReadOptions) -> Refused {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let error = read_interactions(&path, &schema(), options).unwrap_err();
    Refused {
        _folder: folder,
        path,
        error,
    }
}

fn refused(name: &str, bytes: impl AsRef<[u8]>) -> Refused {
    refused_with(name, bytes.as_ref(), &ReadOptions::default())
}

impl Refused {
    fn origin(&self) -> Origin {
        Origin::File(self.path.clone())
    }

    /// The message without the path before it.
    fn message(&self) -> String {
        let message = self.error.to_string();
        let rest = message.strip_prefix(&self.path.display().to_string());
        rest.unwrap_or_else(|| panic!("no path in {message:?}"))
            .to_owned()
    }

    fn bad_row(&self) -> &BadRow {
        match &self.error {
            DataError::BadRow(bad) => bad,
            other => panic!("{other:?}"),
        }
    }

    fn assert_bad_row(&self, line: u64, column: Option<&str>, text: &str, rule: RowRule) {
        let expected = BadRow {
            origin: self.origin(),
            place: Place::Line(line),
            column: column.map(str::to_owned),
            text: text.into(),
            rule,
        };
        assert_eq!(self.bad_row(), &expected);
    }
}

/// A file of two rows, the second of which is `row`, in line 3.
fn with_row(row: &str) -> String {
    format!("user,item,when,stars\na,b,1,1\n{row}\n")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn sound_columns() -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("user", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("item", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("when", Arc::new(TimestampSecondArray::from(vec![1, 2, 3]))),
        ("stars", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0]))),
    ]
}

fn parquet_with(name: &str, column: ArrayRef) -> Vec<u8> {
    let mut columns = sound_columns();
    for (other, array) in &mut columns {
        if *other == name {
            *array = column.clone();
        }
    }
    parquet(columns)
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let path = Path::new("no/such/log.csv");
    let error = read_interactions(path, &schema(), &ReadOptions::default()).unwrap_err();
    assert!(matches!(&error, DataError::FileMissing { path: named } if named == path));
    assert_eq!(
        error.to_string(),
        "no/such/log.csv does not exist; check the path"
    );
}

#[test]
fn a_folder_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = read_interactions(folder.path(), &schema(), &ReadOptions::default()).unwrap_err();
    assert!(matches!(&error, DataError::Unreadable { path, .. } if path == folder.path()));
    assert!(error.to_string().contains("cannot be read: "), "{error}");
}

#[test]
fn an_empty_file_is_refused() {
    for bytes in [
        Vec::new(),
        b"\n\n".to_vec(),
        gzip(b""),
        b"\xef\xbb\xbf".to_vec(),
    ] {
        let refused = refused("log.csv", &bytes);
        assert!(
            matches!(&refused.error, DataError::Empty { origin } if *origin == refused.origin()),
            "{bytes:?}: {:?}",
            refused.error
        );
        assert_eq!(refused.message(), " is empty; a table of events is needed");
    }
}

#[test]
fn a_header_without_rows_is_refused() {
    let refused = refused("log.csv", "user,item,when,stars\n");
    assert!(matches!(
        &refused.error,
        DataError::NoRows { columns, .. } if *columns == ["user", "item", "when", "stars"]
    ));
    assert_eq!(
        refused.message(),
        " holds no rows, only the columns `user`, `item`, `when`, `stars`"
    );
}

#[test]
fn a_missing_column_lists_those_that_there_are() {
    let refused = refused("log.csv", "user,product,when,stars\na,b,1,1\n");
    assert!(matches!(
        &refused.error,
        DataError::MissingColumn { origin, role: ColumnRole::Item, asked, columns, hint: None }
            if *origin == refused.origin() && asked == "item" && columns.len() == 4
    ));
    assert_eq!(
        refused.message(),
        " has no column \"item\" for the item; its columns are `user`, `product`, `when`, `stars`"
    );
}

#[test]
fn a_wrong_delimiter_is_guessed_at() {
    let refused = refused("log.csv", "user;item;when;stars\na;b;1;1\n");
    assert_eq!(
        refused.message(),
        " has no column \"user\" for the user; its columns are `user;item;when;stars`; is the delimiter right?"
    );
}

#[test]
fn one_column_cannot_be_user_and_item() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    fs::write(&path, "user,item\na,b\n").unwrap();
    let schema = InteractionSchema::new("user", "user");
    let error = read_interactions(&path, &schema, &ReadOptions::default()).unwrap_err();
    assert!(matches!(&error, DataError::SameColumn { column, .. } if column == "user"));
    assert!(
        error.to_string().ends_with(
            ": column \"user\" is named as both the user and the item; they must differ"
        )
    );
}

#[test]
fn a_time_that_cannot_be_read_is_shown_with_its_place() {
    let row = refused("log.csv", with_row("a,b,yesterday,1"));
    let expected = "Unix seconds, RFC 3339 or YYYY-MM-DD[ HH:MM:SS]".to_owned();
    row.assert_bad_row(
        3,
        Some("when"),
        "yesterday",
        RowRule::UnparsableTime { expected },
    );
    assert_eq!(
        row.message(),
        " line 3, column \"when\": \"yesterday\": not a time: expected Unix seconds, RFC 3339 or YYYY-MM-DD[ HH:MM:SS]"
    );
    refused("log.csv", with_row("a,b,,1")).assert_bad_row(
        3,
        Some("when"),
        "",
        RowRule::MissingTime,
    );
    let row = refused("log.csv", with_row("a,b,1511544070000,1"));
    let unit = "unix-seconds";
    row.assert_bad_row(
        3,
        Some("when"),
        "1511544070000",
        RowRule::TimeOutOfRange { unit },
    );
    assert_eq!(
        row.message(),
        " line 3, column \"when\": \"1511544070000\": a time outside the years 0 to 9999 when read as unix-seconds; is it another unit? choose unix-seconds, unix-millis or unix-micros"
    );
}

#[test]
fn an_empty_id_is_refused() {
    let row = refused("log.csv", with_row(" ,b,1,1"));
    row.assert_bad_row(3, Some("user"), " ", RowRule::MissingUser);
    assert_eq!(
        row.message(),
        " line 3, column \"user\": \" \": a user id must not be empty"
    );
    let row = refused("log.csv", with_row("a,,1,1"));
    row.assert_bad_row(3, Some("item"), "", RowRule::MissingItem);
}

#[test]
fn a_weight_must_be_a_finite_number() {
    for (text, rule) in [
        ("NaN", RowRule::NonFiniteWeight),
        ("inf", RowRule::NonFiniteWeight),
        ("-Infinity", RowRule::NonFiniteWeight),
        ("1e39", RowRule::NonFiniteWeight),
        ("", RowRule::MissingWeight),
        ("five", RowRule::UnparsableWeight),
    ] {
        let row = refused("log.csv", with_row(&format!("a,b,1,{text}")));
        row.assert_bad_row(3, Some("stars"), text, rule.clone());
        assert_eq!(
            row.message(),
            format!(" line 3, column \"stars\": {text:?}: {rule}")
        );
    }
    assert_eq!(
        RowRule::NonFiniteWeight.to_string(),
        "a weight must be a finite number"
    );
    let bytes = parquet_with(
        "stars",
        Arc::new(Float64Array::from(vec![1.0, f64::NAN, 2.0])),
    );
    let row = refused("log.parquet", bytes);
    assert_eq!(row.bad_row().place, Place::Row(2));
    assert_eq!(
        row.message(),
        " row 2, column \"stars\": \"NaN\": a weight must be a finite number"
    );
}

#[test]
fn a_row_of_another_length_is_refused() {
    for (row, found) in [("a,b,1", 3), ("a,b,1,1,1", 5)] {
        let refused = refused("log.csv", with_row(row));
        let rule = RowRule::WrongColumnCount { found, expected: 4 };
        refused.assert_bad_row(3, None, &row.replace(',', ""), rule);
        assert_eq!(
            refused.message(),
            format!(
                " line 3: {:?}: the row has {found} columns, but 4 are expected; check the delimiter and quotes",
                row.replace(',', "")
            )
        );
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for (text, line) in [
        ("user,item,when,stars\r\na,b,1,1\r\na,b,x,1\r\n", 3),
        ("\n\nuser,item,when,stars\n\na,b,1,1\n\n\na,b,x,1\n", 8),
        ("user,item,when,stars\n\"a\n\n\",b,1,1\n", 2),
        (
            "user,item,when,stars,note\na,b,1,1,\"x\ny\"\na,b,x,1,\"\n\"\n",
            4,
        ),
        ("user,item,when,stars\na,b,x,1", 2),
    ] {
        let row = refused("log.csv", text);
        assert_eq!(row.bad_row().place, Place::Line(line), "{text:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let row = refused("log.csv", b"user,item,when,stars\nM\xfcller,b,1,1\n");
    row.assert_bad_row(2, Some("user"), "M\u{fffd}ller", RowRule::NotUtf8);
    assert_eq!(
        row.message(),
        " line 2, column \"user\": \"M\u{fffd}ller\": not UTF-8; convert the file to UTF-8"
    );
    let utf16 = b"\xff\xfeu\0s\0e\0r\0\n\0";
    let header = refused("log.csv", utf16);
    assert!(matches!(
        &header.error,
        DataError::HeaderNotUtf8 { path, line: 1, text } if *path == header.path && text.starts_with("\u{fffd}\u{fffd}u")
    ));
    assert!(
        header
            .message()
            .starts_with(" line 1: the header is not UTF-8, it begins ")
    );
    assert!(header.message().ends_with("; convert the file to UTF-8"));
}

#[test]
fn a_line_of_ten_megabytes_is_refused_before_it_is_read() {
    let mut bytes = b"user,item,when,stars\na,b,1,1\n".to_vec();
    bytes.resize(bytes.len() + 10_000_000, b'x');
    let limit = 1 << 20;
    for packed in [bytes.clone(), gzip(&bytes)] {
        let row = refused("log.csv", packed);
        let text = "x".repeat(60) + "…";
        row.assert_bad_row(3, None, &text, RowRule::LineTooLong { limit });
        assert_eq!(
            row.message(),
            format!(
                " line 3: {text:?}: the line is longer than 1048576 bytes; check for a missing line end or a quote that is never closed, or raise max_line_bytes"
            )
        );
    }
}

#[test]
fn the_limit_on_lines_is_exact() {
    let options = ReadOptions {
        max_line_bytes: 20,
        ..ReadOptions::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    for end in ["", "\n", "\r\n"] {
        // Twenty bytes each, then one more.
        fs::write(
            &path,
            format!("user,item,when,stars{end}\naaaaaaaaaaaaaa,b,1,1{end}"),
        )
        .unwrap();
        assert!(read_interactions(&path, &schema(), &options).is_ok());
        let text = format!("user,item,when,stars\naaaaaaaaaaaaaaa,b,1,1{end}");
        let row = refused_with("log.csv", text.as_bytes(), &options);
        assert_eq!(row.bad_row().place, Place::Line(2));
        assert_eq!(row.bad_row().rule, RowRule::LineTooLong { limit: 20 });
    }
    let options = ReadOptions {
        max_line_bytes: 0,
        ..ReadOptions::default()
    };
    let refused = refused_with("log.csv", b"user,item,when,stars\n", &options);
    assert!(matches!(
        refused.error,
        DataError::InvalidLineLimit { limit: 0 }
    ));
    assert_eq!(
        refused.error.to_string(),
        "max_line_bytes is 0; it must be at least 1"
    );
}

#[test]
fn a_quote_that_is_never_closed_does_not_swallow_the_file() {
    let row = refused("log.csv", with_row("\"a,b,1,1\nc,d,2,2"));
    assert_eq!(row.bad_row().place, Place::Line(3));
    assert_eq!(row.bad_row().rule, RowRule::UnclosedQuote);
    assert!(
        row.message()
            .ends_with(": a quote is opened in this record and never closed")
    );

    // With a limit, it is not even read to the end; skipping rows does not help.
    let text = with_row("\"a,b,1,1") + &"c,d,2,2\n".repeat(100);
    for on_bad_row in [OnBadRow::Fail, OnBadRow::Skip] {
        let options = ReadOptions {
            max_line_bytes: 50,
            on_bad_row,
            ..ReadOptions::default()
        };
        let row = refused_with("log.csv", text.as_bytes(), &options);
        assert_eq!(row.bad_row().place, Place::Line(3));
        assert_eq!(row.bad_row().rule, RowRule::LineTooLong { limit: 50 });
    }

    // Two stray quotes make an id of all that is between them.
    let row = refused("log.csv", with_row("\"a,b,1,1\nc\",d,2,2"));
    assert_eq!(row.bad_row().rule, RowRule::LineBreakInId);
    assert!(row.message().ends_with(
        ": an id must not contain a line break; check for a quote that is never closed"
    ));
}

#[test]
fn broken_gzip_is_refused() {
    let text = with_row("a,c,2,2") + &"a,c,2,2\n".repeat(5_000);
    let sound = gzip(text.as_bytes());
    let cut_off = sound[..sound.len() / 2].to_vec();
    let without_checksum = sound[..sound.len() - 8].to_vec();
    let mut garbage = sound[..10].to_vec();
    garbage.extend([0xff; 100]);
    let mut wrong_checksum = sound.clone();
    let n_bytes = wrong_checksum.len();
    wrong_checksum[n_bytes - 6] ^= 1;
    let garbage_behind = [sound.clone(), b"garbage".to_vec()].concat();
    for bytes in [
        cut_off,
        without_checksum,
        garbage,
        wrong_checksum,
        garbage_behind,
        b"\x1f\x8b".to_vec(),
    ] {
        for on_bad_row in [OnBadRow::Fail, OnBadRow::Skip] {
            let options = ReadOptions {
                on_bad_row,
                ..ReadOptions::default()
            };
            let refused = refused_with("log.csv.gz", &bytes, &options);
            assert!(
                matches!(&refused.error, DataError::BrokenGzip { path, .. } if *path == refused.path),
                "{:?}",
                refused.error
            );
            let message = refused.message();
            assert!(
                message.starts_with(" is broken gzip, good up to about line "),
                "{message}"
            );
            assert!(
                message.ends_with("; fetch or pack the file again"),
                "{message}"
            );
        }
    }
}

#[test]
fn other_packings_are_named() {
    for (bytes, format) in [
        (b"PK\x03\x04rest of it".to_vec(), "zip"),
        (b"\x28\xb5\x2f\xfdrest".to_vec(), "zstd"),
        (gzip(&parquet(sound_columns())), "gzip-packed Parquet"),
    ] {
        let refused = refused("log.csv", bytes);
        assert!(matches!(
            &refused.error,
            DataError::UnsupportedCompression { format: named, .. } if *named == format
        ));
        assert_eq!(
            refused.message(),
            format!(" is a {format} file; unpack it, or pack it as gzip")
        );
    }
}

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

#[test]
fn a_file_of_bad_rows_alone_is_refused_even_when_they_are_skipped() {
    let options = ReadOptions {
        on_bad_row: OnBadRow::Skip,
        ..ReadOptions::default()
    };
    let refused = refused_with(
        "log.csv",
        b"user,item,when,stars\n,b,1,1\na,b,x,1\n",
        &options,
    );
    assert!(matches!(
        &refused.error,
        DataError::NoGoodRows { n_rows: 2, first, .. } if first.rule == RowRule::MissingUser
    ));
    assert_eq!(
        refused.message(),
        format!(
            ": all 2 rows are bad, the first one is: {} line 2, column \"user\": \"\": a user id must not be empty",
            refused.path.display()
        )
    );
}

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

/// Reads bytes as a file of this name, for its panics alone.
fn read_any(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    for on_bad_row in [OnBadRow::Fail, OnBadRow::Skip] {
        for has_header in [true, false] {
            let options = ReadOptions {
                on_bad_row,
                has_header,
                max_line_bytes: 64,
                ..ReadOptions::default()
            };
            let schema = if has_header {
                schema()
            } else {
                InteractionSchema::new(1, 2)
            };
            if let Err(error) = read_interactions(&path, &schema, &options) {
                assert!(!error.to_string().is_empty());
            }
        }
    }
}

/// Bytes that are often near to a sound table.
fn table_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"user,item,when,stars\n"[..],
        b"a,b,1,1\n",
        b"a,b,",
        b",",
        b"\"",
        b"\n",
        b"\r",
        b"\r\n",
        b"\xff",
        b"\0",
        b"\xef\xbb\xbf",
        b"1e999",
        b"-9223372036854775808",
        b"2024-02-30",
        b"nan",
        b"a long piece of text that soon makes a line too long",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_the_text_reader_panic(bytes in table_bytes()) {
        read_any("log.csv", &bytes);
        read_any("log.csv.gz", &gzip(&bytes));
    }

    #[test]
    fn no_bytes_make_the_gzip_reader_panic(
        bytes in table_bytes(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        read_any("log.csv.gz", &[b"\x1f\x8b", &bytes[..]].concat());
        let mut packed = gzip(&bytes);
        for (index, byte) in flips {
            let n_bytes = packed.len();
            packed[2 + index.index(n_bytes - 2)] = byte;
        }
        packed.truncate(2 + cut.index(packed.len()));
        read_any("log.csv.gz", &packed);
    }

    #[test]
    fn no_bytes_make_the_parquet_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        read_any("log.parquet", &bytes);
        read_any("log", &[b"PAR1", &bytes[..], b"PAR1"].concat());
        let mut damaged = parquet(sound_columns());
        for (index, byte) in flips {
            let n_bytes = damaged.len();
            damaged[index.index(n_bytes)] = byte;
        }
        if let Some(cut) = cut {
            damaged.truncate(cut.index(damaged.len()));
        }
        read_any("log.parquet", &damaged);
    }
}
