use std::fs;
use std::sync::Arc;

use arrow_array::Float64Array;
use salient::data::{
    ColumnRole, DataError, InteractionSchema, OnBadRow, Place, ReadOptions, RowRule,
    read_interactions,
};

use super::{gzip, parquet_with, refused, refused_with, schema, with_row};

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
