use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder};
use arrow_array::{ArrayRef, BooleanArray, Date32Array};
use proptest::prelude::*;
use salient::data::{
    Attribute, AttributeCells, AttributeError, AttributeKind, AttributeOptions, AttributeTable,
    DataError, OnBadRow, Place, ReadOptions, RowRule, VectorCells,
};

use super::{WORDS, file, gzip, named, number_column, parquet, read_with, text_column, text_lists};

/// What reading a file says, its path left out.
fn refused(name: &str, bytes: impl AsRef<[u8]>, options: &AttributeOptions) -> (DataError, String) {
    let (_folder, path) = file(name, bytes);
    let error = AttributeTable::read(&path, options).unwrap_err();
    let message = error.to_string();
    let rest = message.strip_prefix(&path.display().to_string());
    let rest = rest.unwrap_or_else(|| panic!("no path in {message:?}"));
    (error, rest.to_owned())
}

fn message(text: &str, options: &AttributeOptions) -> String {
    refused("items.csv", text, options).1
}

fn price() -> AttributeOptions {
    named(&[("price", AttributeKind::Number)])
}

#[test]
fn an_id_with_two_rows_is_refused_with_both_lines() {
    let (error, message) = refused("items.csv", "id,price\ntea,1\ncup,2\n\ntea,3\n", &price());
    let DataError::BadRow(bad) = &error else {
        panic!("{error:?}");
    };
    let first = Place::Line(2);
    assert_eq!(
        (bad.place, &bad.rule),
        (Place::Line(5), &RowRule::DuplicateId { first })
    );
    assert_eq!(
        message,
        " line 5, column \"id\": \"tea\": line 2 has this id already; an id has one row of attributes"
    );
    let bytes = parquet(vec![
        ("id", text_column(&[Some("a"), Some("b"), Some("b")])),
        ("price", number_column(&[Some(1.0); 3])),
    ]);
    assert_eq!(
        refused("items.parquet", bytes, &price()).1,
        " row 3, column \"id\": \"b\": row 2 has this id already; an id has one row of attributes"
    );
}

#[test]
fn bad_cells_are_shown_with_their_place_and_rule() {
    for (row, expected) in [
        (
            ",1",
            " line 3, column \"id\": \"\": an id must not be empty",
        ),
        (
            "cup,dear",
            " line 3, column \"price\": \"dear\": a number is needed; an empty cell is a missing one",
        ),
        (
            "cup,NaN",
            " line 3, column \"price\": \"NaN\": a number must be finite, in 32 bits too; an empty cell is a missing one",
        ),
        (
            "cup,-1e39",
            " line 3, column \"price\": \"-1e39\": a number must be finite, in 32 bits too; an empty cell is a missing one",
        ),
        (
            "cup",
            " line 3: \"cup\": the row has 1 columns, but 2 are expected; check the delimiter and quotes",
        ),
    ] {
        assert_eq!(
            message(&format!("id,price\ntea,1\n{row}\n"), &price()),
            expected
        );
    }
    let bytes = b"id,brand\ntea,M\xfcller\n";
    let options = named(&[("brand", AttributeKind::Category)]);
    assert_eq!(
        refused("items.csv", bytes, &options).1,
        " line 2, column \"brand\": \"M\u{fffd}ller\": not UTF-8; convert the file to UTF-8"
    );
}

#[test]
fn a_guessed_number_must_be_finite_too() {
    for on_bad_row in [OnBadRow::Fail, OnBadRow::Skip] {
        let options = AttributeOptions {
            file: ReadOptions {
                on_bad_row,
                ..ReadOptions::default()
            },
            ..AttributeOptions::new("id")
        };
        assert_eq!(
            message("id,price\ntea,1\ncup,\npot,inf\n", &options),
            " line 4, column \"price\": \"inf\": a number must be finite, in 32 bits too; an empty cell is a missing one"
        );
    }
}

#[test]
fn numbers_in_parquet_must_be_finite() {
    let ids = text_column(&[Some("tea"), Some("cup")]);
    let bytes = parquet(vec![
        ("id", ids),
        ("price", number_column(&[Some(1.0), Some(f64::INFINITY)])),
    ]);
    for options in [price(), AttributeOptions::new("id")] {
        assert_eq!(
            refused("items.parquet", &bytes, &options).1,
            " row 2, column \"price\": \"inf\": a number must be finite, in 32 bits too; an empty cell is a missing one"
        );
    }
}

/// A Parquet file of three rows with these vectors; a null number is none.
fn images(rows: [&[Option<f32>]; 3]) -> Vec<u8> {
    let mut builder = ListBuilder::new(Float32Builder::new());
    for row in rows {
        for number in row {
            builder.values().append_option(*number);
        }
        builder.append(true);
    }
    parquet(vec![
        ("id", text_column(&[Some("tea"), Some("cup"), Some("pot")])),
        ("image", Arc::new(builder.finish()) as ArrayRef),
    ])
}

#[test]
fn bad_vectors_are_shown_with_their_row() {
    let sound = [Some(1.0), Some(2.0)];
    let options = AttributeOptions::new("id");
    for (row, expected) in [
        (
            &[Some(1.5), Some(2.0), Some(-3.0)][..],
            " row 3, column \"image\": \"1.5 2 -3\": the vector has 3 numbers, but that of row 2 has 2; one width is needed",
        ),
        (
            &[Some(1.0), Some(f32::NAN)],
            " row 3, column \"image\": \"NaN\": number 2 of the vector must be finite, in 32 bits too",
        ),
        (
            &[None, Some(1.0)],
            " row 3, column \"image\": \"\": number 1 of the vector is null; only a whole vector may be missing",
        ),
    ] {
        let bytes = images([&[], &sound, row]);
        assert_eq!(refused("items.parquet", bytes, &options).1, expected);
    }
}

#[test]
fn a_vector_in_text_is_refused() {
    let options = named(&[("image", AttributeKind::Vector)]);
    assert_eq!(
        message("id,image\ntea,0.1 0.2\n", &options),
        ": column \"image\" cannot be read as a vector from text; give a Parquet file with a list column, or the vectors as .npy"
    );
}

#[test]
fn columns_must_be_there_once() {
    let text = "id,price\ntea,1\n";
    for (options, expected) in [
        (
            named(&[("cost", AttributeKind::Number)]),
            " has no column \"cost\" for the attribute; its columns are `id`, `price`",
        ),
        (
            AttributeOptions::new("item"),
            " has no column \"item\" for the id; its columns are `id`, `price`",
        ),
        (
            named(&[
                ("price", AttributeKind::Number),
                ("price", AttributeKind::Category),
            ]),
            ": column \"price\" is named twice; a column has one use",
        ),
        (
            named(&[("id", AttributeKind::Category)]),
            ": column \"id\" is named twice; a column has one use",
        ),
        (named(&[]), " holds no attributes beside the id"),
    ] {
        assert_eq!(message(text, &options), expected);
    }
    let error = read_with(
        "items.csv",
        "id,a:token,a:float\n1,2,3\n",
        &AttributeOptions::new("id"),
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "two attributes are named \"a\"; names must differ"
    );
}

#[test]
fn a_table_without_attributes_is_refused() {
    let all = AttributeOptions::new("id");
    let (error, text) = refused("items.csv", "", &all);
    assert!(matches!(
        error,
        DataError::Attributes(AttributeError::Empty { .. })
    ));
    assert_eq!(text, " is empty; a table of attributes is needed");
    assert_eq!(
        message("id\ntea\n", &all),
        " holds no attributes beside the id"
    );
    assert_eq!(
        message("id,price\n", &all),
        " holds no rows, only the columns `id`, `price`"
    );
    assert_eq!(
        message("id,price\ntea,\ncup,\n", &price()),
        ": attribute \"price\" has no value in any row; leave it out"
    );
    assert_eq!(
        message("id,price\ntea,\ncup,\n", &all),
        " holds no attributes beside the id; column \"price\" is left out: it has no value in any row"
    );
    let none = parquet(vec![
        ("id", text_column(&[])),
        ("price", number_column(&[])),
    ]);
    assert_eq!(
        refused("items.parquet", none, &price()).1,
        " holds no rows, only the columns `id`, `price`"
    );
    let error = AttributeTable::from_record_batches([], &all).unwrap_err();
    assert_eq!(
        error.to_string(),
        "record batches is empty; a table of attributes is needed"
    );
}

#[test]
fn a_parquet_column_of_a_wrong_type_is_named() {
    let dates = || Arc::new(Date32Array::from(vec![1])) as ArrayRef;
    let flags = || Arc::new(BooleanArray::from(vec![true])) as ArrayRef;
    for (kind, column, found, expected) in [
        (
            AttributeKind::Category,
            dates(),
            "Date32",
            "text, numbers or booleans",
        ),
        (WORDS, flags(), "Boolean", "text or lists of text"),
        (AttributeKind::Number, flags(), "Boolean", "numbers"),
        (
            AttributeKind::Vector,
            number_column(&[Some(1.0)]),
            "Float64",
            "lists of 32- or 64-bit floats",
        ),
    ] {
        let bytes = parquet(vec![("id", text_column(&[Some("tea")])), ("x", column)]);
        assert_eq!(
            refused("items.parquet", bytes, &named(&[("x", kind)])).1,
            format!(
                ": column \"x\" is of type {found}, but the attribute needs {expected}; convert the column"
            )
        );
    }
    let bytes = parquet(vec![
        ("id", text_lists(&[Some(&["a"])])),
        ("x", number_column(&[Some(1.0)])),
    ]);
    let (error, _) = refused("items.parquet", bytes, &AttributeOptions::new("id"));
    assert!(matches!(
        error,
        DataError::WrongColumnType { column, expected: "text or whole numbers", .. } if column == "id"
    ));
}

#[test]
fn what_a_caller_has_in_memory_is_checked_too() {
    let table = |ids: &[&str], cells| {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        let error = AttributeTable::from_columns(ids, vec![Attribute::new("x", cells)]);
        error.unwrap_err().to_string()
    };
    let number = |number| AttributeCells::Number(vec![Some(1.0), number]);
    let vectors = |width, values: &[f32]| {
        AttributeCells::Vector(VectorCells {
            width,
            values: values.to_vec(),
            is_missing: vec![false, true],
        })
    };
    let AttributeCells::Categories(several) =
        AttributeCells::categories([vec!["a"], vec!["a", "b"]])
    else {
        panic!("no categories");
    };
    for (ids, cells, expected) in [
        (
            &[][..],
            number(None),
            "rows is empty; a table of attributes is needed",
        ),
        (
            &["a", ""],
            number(None),
            "rows row 2, column \"id\": \"\": an id must not be empty",
        ),
        (
            &["a", "a"],
            number(None),
            "rows row 2, column \"id\": \"a\": row 1 has this id already; an id has one row of attributes",
        ),
        (
            &["a"],
            number(None),
            "attribute \"x\" has 2 rows, but there are 1 ids; each id needs one row",
        ),
        (
            &["a", "b"],
            number(Some(f64::NAN)),
            "rows row 2, column \"x\": \"NaN\": a number must be finite, in 32 bits too; an empty cell is a missing one",
        ),
        (
            &["a", "b"],
            AttributeCells::Category(several),
            "attribute \"x\" has 2 values in row 2, but a category has at most one; make it categories",
        ),
        (
            &["a", "b"],
            vectors(2, &[1.0, 2.0, 3.0]),
            "attribute \"x\" has 3 numbers, which are not 2 vectors of width 2; the width is at least 1",
        ),
        (
            &["a", "b"],
            vectors(0, &[]),
            "attribute \"x\" has 0 numbers, which are not 2 vectors of width 0; the width is at least 1",
        ),
        (
            &["a", "b"],
            vectors(2, &[1.0, 2.0, 3.0, f32::INFINITY]),
            "rows row 2, column \"x\": \"inf\": number 2 of the vector must be finite, in 32 bits too",
        ),
    ] {
        assert_eq!(table(ids, cells), expected);
    }
}

/// Bytes that are often near to a sound table.
fn table_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"id,price,genres\n"[..],
        b"tea,1,a b\n",
        b"cup,",
        b",",
        b"\"",
        b"\n",
        b"\xff",
        b"\0",
        b"1e999",
        b"nan",
        b"id:token,price:float,genres:token_seq\n",
        b"a long piece of text that soon makes a line too long",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in table_bytes(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let sound = [Some(1.0), Some(2.0)];
        let mut damaged = images([&[], &sound, &sound]);
        for (index, byte) in flips {
            let n_bytes = damaged.len();
            damaged[index.index(n_bytes)] = byte;
        }
        for (name, bytes) in [
            ("items.csv", bytes.clone()),
            ("items.csv.gz", gzip(&bytes)),
            ("items.parquet", damaged),
        ] {
            for on_bad_row in [OnBadRow::Fail, OnBadRow::Skip] {
                for columns in [None, named(&[("price", AttributeKind::Number), ("genres", WORDS)]).columns] {
                    let options = AttributeOptions {
                        columns,
                        file: ReadOptions {
                            on_bad_row,
                            max_line_bytes: 64,
                            ..ReadOptions::default()
                        },
                        ..AttributeOptions::new("id")
                    };
                    if let Err(error) = read_with(name, &bytes, &options) {
                        prop_assert!(!error.to_string().is_empty());
                    }
                }
            }
        }
    }
}
