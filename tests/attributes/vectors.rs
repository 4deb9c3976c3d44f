use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeListBuilder, Float32Builder, Float64Builder, LargeListBuilder, ListBuilder,
};
use arrow_array::{Array, ArrayRef};
use npyz::WriterBuilder;
use salient::data::{
    Attribute, AttributeCells, AttributeKind, AttributeOptions, AttributeTable, NpyRows,
    VectorCells,
};

use super::{file, named, parquet, read_with, text_column};

/// Three rows of width two, the second of which is missing.
fn expected() -> AttributeCells {
    AttributeCells::Vector(VectorCells {
        width: 2,
        values: vec![0.1, -2.0, 0.0, 0.0, 3.5, 1e-3],
        is_missing: vec![false, true, false],
    })
}

const ROWS: [Option<[f32; 2]>; 3] = [Some([0.1, -2.0]), None, Some([3.5, 1e-3])];

fn lists() -> ArrayRef {
    let mut builder = ListBuilder::new(Float32Builder::new());
    for row in ROWS {
        builder
            .values()
            .append_slice(row.as_ref().map_or(&[], |row| row));
        builder.append(row.is_some());
    }
    Arc::new(builder.finish())
}

/// Lists of 64-bit floats, an empty one for the missing vector.
fn large_lists() -> ArrayRef {
    let mut builder = LargeListBuilder::new(Float64Builder::new());
    for row in ROWS {
        for value in row.into_iter().flatten() {
            builder.values().append_value(f64::from(value));
        }
        builder.append(true);
    }
    Arc::new(builder.finish())
}

/// Lists of fixed size, with something behind the null.
fn fixed_size_lists() -> ArrayRef {
    let mut builder = FixedSizeListBuilder::new(Float32Builder::new(), 2);
    for row in ROWS {
        builder
            .values()
            .append_slice(&row.unwrap_or([f32::NAN, 7.0]));
        builder.append(row.is_some());
    }
    Arc::new(builder.finish())
}

#[test]
fn lists_of_floats_are_vectors_however_they_are_stored() {
    for column in [lists(), large_lists(), fixed_size_lists()] {
        let found = column.data_type().clone();
        let ids = text_column(&[Some("tea"), Some("cup"), Some("pot")]);
        let bytes = parquet(vec![("id", ids), ("image", column)]);
        for options in [
            AttributeOptions::new("id"),
            named(&[("image", AttributeKind::Vector)]),
        ] {
            let (table, _) = read_with("items.parquet", &bytes, &options).unwrap();
            assert_eq!(table.columns()[0].cells, expected(), "{found}");
        }
    }
}

#[test]
fn rows_before_the_first_vector_may_lack_one() {
    let mut builder = ListBuilder::new(Float32Builder::new());
    for row in [None, None, Some([1.0, 2.0, 3.0]), None] {
        builder
            .values()
            .append_slice(row.as_ref().map_or(&[], |row| row));
        builder.append(row.is_some());
    }
    let ids = text_column(&[Some("a"), Some("b"), Some("c"), Some("d")]);
    let bytes = parquet(vec![("id", ids), ("image", Arc::new(builder.finish()))]);
    let (table, _) = read_with("items.parquet", bytes, &AttributeOptions::new("id")).unwrap();
    let AttributeCells::Vector(vectors) = &table.columns()[0].cells else {
        panic!("{table:?}");
    };
    let rows: Vec<Option<&[f32]>> = (0..4).map(|row| vectors.row(row)).collect();
    assert_eq!(rows, [None, None, Some(&[1.0, 2.0, 3.0][..]), None]);
}

/// An .npy file made by hand: NumPy's format, version 1.
fn npy(dtype: &str, is_fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if is_fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn table(ids: &[&str]) -> AttributeTable {
    let ids = ids.iter().map(|&id| id.to_owned()).collect();
    AttributeTable::from_columns(ids, vec![]).unwrap()
}

fn image(bytes: impl AsRef<[u8]>, rows: &NpyRows) -> AttributeCells {
    let (_folder, path) = file("images.npy", bytes);
    let table = table(&["tea", "cup", "pot"]).with_npy("image", &path, rows);
    table.unwrap().column("image").unwrap().cells.clone()
}

fn vectors(values: [f32; 6], is_missing: [bool; 3]) -> AttributeCells {
    AttributeCells::Vector(VectorCells {
        width: 2,
        values: values.into(),
        is_missing: is_missing.into(),
    })
}

#[test]
fn npy_files_read_the_same_whatever_their_layout() {
    let rows = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.5];
    let by_columns = [1.0_f32, 3.0, 5.0, 2.0, 4.0, 6.5];
    let expected = vectors(rows, [false; 3]);
    let little = |values: [f32; 6]| values.map(f32::to_le_bytes).concat();
    let big = rows.map(f32::to_be_bytes).concat();
    let wide = rows.map(|value| f64::from(value).to_le_bytes()).concat();
    let wide_big = by_columns
        .map(|value| f64::from(value).to_be_bytes())
        .concat();
    for bytes in [
        npy("<f4", false, "(3, 2)", &little(rows)),
        npy("<f4", true, "(3, 2)", &little(by_columns)),
        npy(">f4", false, "(3, 2)", &big),
        npy("<f8", false, "(3, 2)", &wide),
        npy(">f8", true, "(3, 2)", &wide_big),
    ] {
        assert_eq!(image(bytes, &NpyRows::InTableOrder), expected);
    }

    // As a library writes it.
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[3, 2])
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(rows).unwrap();
    writer.finish().unwrap();
    assert_eq!(image(bytes, &NpyRows::InTableOrder), expected);
}

#[test]
fn npy_rows_may_name_their_ids() {
    let data = [1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    let bytes = npy("<f4", false, "(2, 2)", &data);
    let ids = |ids: [&str; 2]| NpyRows::OfIds(ids.map(str::to_owned).into());
    assert_eq!(
        image(&bytes, &ids(["pot", "tea"])),
        vectors([3.0, 4.0, 0.0, 0.0, 1.0, 2.0], [false, true, false])
    );
    // The table has no mug.
    assert_eq!(
        image(&bytes, &ids(["mug", "cup"])),
        vectors([0.0, 0.0, 3.0, 4.0, 0.0, 0.0], [true, false, true])
    );
}

mod refused {
    use proptest::prelude::*;
    use salient::data::{AttributeError, BadRow, DataError, Origin, Place, RowRule};

    use super::*;

    /// What reading an .npy file for a table of two ids says, its path left out.
    fn refused(bytes: impl AsRef<[u8]>) -> (DataError, String) {
        refused_for(bytes, &NpyRows::InTableOrder)
    }

    fn refused_for(bytes: impl AsRef<[u8]>, rows: &NpyRows) -> (DataError, String) {
        let (_folder, path) = file("images.npy", bytes);
        let error = table(&["tea", "cup"])
            .with_npy("image", &path, rows)
            .unwrap_err();
        let message = error.to_string();
        let rest = message.strip_prefix(&path.display().to_string());
        let rest = rest.unwrap_or_else(|| panic!("no path in {message:?}"));
        (error, rest.to_owned())
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    #[test]
    fn an_array_of_another_shape_is_refused() {
        let six = floats(&[0.0; 6]);
        for (shape, message) in [
            (
                "(6,)",
                " is an array of shape [6]; two axes are needed, [rows, width], with a width of at least 1",
            ),
            (
                "(1, 2, 3)",
                " is an array of shape [1, 2, 3]; two axes are needed, [rows, width], with a width of at least 1",
            ),
            (
                "(2, 0)",
                " is an array of shape [2, 0]; two axes are needed, [rows, width], with a width of at least 1",
            ),
            (
                "(3, 2)",
                " has 3 rows, but there are 2 ids; each id needs one row, in the same order",
            ),
        ] {
            assert_eq!(refused(npy("<f4", false, shape, &six)).1, message);
        }
    }

    #[test]
    fn an_array_of_another_type_is_refused() {
        for (dtype, found) in [("<i4", "'<i4'"), ("<f2", "'<f2'"), ("|O", "'|O'")] {
            let (error, message) = refused(npy(dtype, false, "(2, 2)", &[0; 16]));
            assert!(matches!(
                error,
                DataError::Attributes(AttributeError::NpyType { found: named, .. }) if named == found
            ));
            assert_eq!(
                message,
                format!(
                    " is an array of {found}; vectors must be of type f4 or f8, so save it as array.astype('f4')"
                )
            );
        }
    }

    #[test]
    fn a_file_of_another_size_than_its_header_says_is_refused() {
        let sound = npy("<f4", false, "(2, 2)", &floats(&[0.0; 4]));
        let size = sound.len();
        let cut_off = &sound[..size - 1];
        let longer = [&sound[..], b"x"].concat();
        for bytes in [cut_off, &longer[..]] {
            assert_eq!(
                refused(bytes).1,
                format!(
                    " is {} bytes long, but its header says {size}; it may be cut off",
                    bytes.len()
                )
            );
        }
        // Nothing of that size is ever asked of the system.
        let huge = npy("<f4", false, "(2, 9223372036854775807)", &[]);
        let (error, _) = refused(huge);
        assert!(matches!(
            error,
            DataError::Attributes(
                AttributeError::NpySize {
                    expected: u64::MAX,
                    ..
                } | AttributeError::BrokenNpy { .. }
            )
        ));
    }

    #[test]
    fn what_is_no_npy_file_is_refused() {
        let nested = npy(
            "<f4",
            false,
            &format!("{}1{}", "(".repeat(3_000), ",)".repeat(3_000)),
            &[],
        );
        let long = npy("<f4", false, &format!("({}2, 2)", " ".repeat(20_000)), &[]);
        for bytes in [
            b"".to_vec(),
            b"id,image\ntea,1\n".to_vec(),
            b"\x93NUMPY\x01\x00\xff".to_vec(),
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}".to_vec(),
            npy("<f4", false, "(2, -2)", &[]),
            npy("<f4", false, "(2, 2", &[]),
            nested,
            long,
        ] {
            let (error, message) = refused(bytes);
            assert!(matches!(
                error,
                DataError::Attributes(AttributeError::BrokenNpy { .. })
            ));
            assert!(
                message.starts_with(" cannot be read as .npy: "),
                "{message}"
            );
        }
        let error = table(&["tea"])
            .with_npy("image", "no/such.npy", &NpyRows::InTableOrder)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no/such.npy does not exist; check the path"
        );
    }

    #[test]
    fn a_number_that_is_not_finite_is_shown_with_its_place() {
        let by_rows = floats(&[0.0, 0.0, 0.0, 0.0, 0.0, f32::NAN]);
        let by_columns = floats(&[0.0, 0.0, 0.0, 0.0, 0.0, f32::NEG_INFINITY]);
        let wide = [0.0, 0.0, 0.0, 0.0, 1e39, 0.0]
            .map(f64::to_le_bytes)
            .concat();
        for (bytes, text, coordinate) in [
            (npy("<f4", false, "(2, 3)", &by_rows), "NaN", 3),
            (npy("<f4", true, "(2, 3)", &by_columns), "-inf", 3),
            (
                npy("<f8", false, "(2, 3)", &wide),
                "1000000000000000000000000000000000000000",
                2,
            ),
        ] {
            let (_folder, path) = file("images.npy", bytes);
            let error = table(&["tea", "cup"])
                .with_npy("image", &path, &NpyRows::InTableOrder)
                .unwrap_err();
            let DataError::BadRow(bad) = &error else {
                panic!("{error:?}");
            };
            let expected = BadRow {
                origin: Origin::File(path.clone()),
                place: Place::Row(2),
                column: Some("image".into()),
                text: text.into(),
                rule: RowRule::NonFiniteCoordinate { coordinate },
            };
            assert_eq!(**bad, expected);
            assert_eq!(
                error.to_string(),
                format!(
                    "{} row 2, column \"image\": {text:?}: number {coordinate} of the vector must be finite, in 32 bits too",
                    path.display()
                )
            );
        }
    }

    #[test]
    fn ids_given_twice_are_refused() {
        let bytes = npy("<f4", false, "(2, 1)", &floats(&[1.0, 2.0]));
        let rows = NpyRows::OfIds(["tea", "tea"].map(str::to_owned).into());
        let (_, message) = refused_for(bytes, &rows);
        assert_eq!(
            message,
            " row 2, column \"image\": \"tea\": row 1 has this id already; an id has one row of attributes"
        );
    }

    #[test]
    fn a_name_that_is_taken_is_refused() {
        let bytes = npy("<f4", false, "(2, 1)", &floats(&[1.0, 2.0]));
        let (_folder, path) = file("images.npy", bytes);
        let prices = AttributeCells::Number(vec![None, Some(1.0)]);
        let table = table(&["tea", "cup"])
            .with_column(Attribute::new("image", prices))
            .unwrap();
        let error = table
            .with_npy("image", &path, &NpyRows::InTableOrder)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "two attributes are named \"image\"; names must differ"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_npy_reader_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let read = |bytes: &[u8]| {
                let (_folder, path) = file("images.npy", bytes);
                let read = table(&["tea", "cup"]).with_npy("image", &path, &NpyRows::InTableOrder);
                if let Err(error) = read {
                    assert!(!error.to_string().is_empty());
                }
            };
            read(&bytes);
            read(&[b"\x93NUMPY\x01\x00", &bytes[..]].concat());
            let mut damaged = npy("<f4", false, "(2, 2)", &floats(&[1.0; 4]));
            for (index, byte) in flips {
                let n_bytes = damaged.len();
                damaged[index.index(n_bytes)] = byte;
            }
            if let Some(cut) = cut {
                damaged.truncate(cut.index(damaged.len()));
            }
            read(&damaged);
        }
    }
}
