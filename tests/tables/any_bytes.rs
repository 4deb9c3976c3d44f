use std::fs;
use std::sync::Arc;

use arrow_array::Int64Array;
use proptest::prelude::*;
use salient::data::{OnBadRow, ReadOptions, TableOptions, TableParts, TableSchema};
use salient::features::tabular::{EncodedRows, TabularConfig, TabularSchema, TabularShape};

use super::options;
use crate::attributes::{gzip, number_column, parquet, text_column, text_lists};
use crate::damage::{damaged, text_bytes};

const NAMED: &str = "y:label,a:category,b:categories=|,h:history=a;times=t;separator=|,at:time,\
w:weight,g:group,n:number";
const NUMBERED: &str = "#1:label,#2:category,#3:history";

/// Whether all ids are those that the shape promises.
fn assert_in_range(rows: &EncodedRows, shape: &TabularShape) {
    let n_categories = shape.categories.len();
    assert_eq!(rows.categories.len(), rows.n_rows * n_categories);
    assert_eq!(rows.numbers.len(), rows.n_rows * shape.n_numbers());
    for (index, id) in rows.categories.iter().enumerate() {
        assert!((*id as usize) < shape.categories[index % n_categories].n_values);
    }
    for (list, field) in rows.lists.iter().zip(&shape.lists) {
        assert_eq!(list.offsets.len(), rows.n_rows + 1);
        assert_eq!(*list.offsets.last().unwrap(), list.ids.len());
        assert!(list.ids.iter().all(|id| (*id as usize) < field.n_values));
        assert!(list.ages_millis.iter().all(|age| *age > 0));
    }
    assert!(rows.numbers.iter().all(|number| number.is_finite()));
}

/// Reads bytes as a file of this name and learns from it, for its panics and for ids out of range.
fn read_any(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    for on_bad_row in [OnBadRow::Fail, OnBadRow::Skip] {
        for (columns, has_header) in [(NAMED, true), ("y:label", true), (NUMBERED, false)] {
            let file = ReadOptions {
                on_bad_row,
                has_header,
                max_line_bytes: 64,
                ..ReadOptions::default()
            };
            let options = TableOptions {
                file,
                n_look_rows: 2,
                ..options(columns)
            };
            let learnt = TableSchema::infer(&path, &options).map(|(schema, summary)| {
                assert!(!summary.to_string().is_empty());
                let config = TabularConfig::default();
                config.fit(&schema, &path, &options.file)
            });
            match learnt {
                Ok(Ok((schema, summary))) => {
                    assert!(!summary.to_string().is_empty());
                    let json = serde_json::to_string(&schema).unwrap();
                    assert!(serde_json::from_str::<TabularSchema>(&json).is_ok());
                    let parts = [TableParts::All, TableParts::Inputs];
                    for parts in parts {
                        let (rows, _) = schema.read(&path, parts, &options.file).unwrap();
                        assert_in_range(&rows, &schema.shape());
                    }
                }
                Ok(Err(error)) => assert!(!error.to_string().is_empty()),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

const PIECES: &[&[u8]] = &[
    b"1,x,p|q,x|z,1|2,9,1,u,0.5\n",
    b"0,,,,,8,2,v,\n",
    b"1,x,y\n",
    b"0,x,y z\n",
    b"1,x,",
    b"|",
];

fn sound_parquet() -> Vec<u8> {
    parquet(vec![
        ("y", Arc::new(Int64Array::from(vec![1, 0, 1])) as _),
        ("a", text_column(&[Some("x"), None, Some("z")])),
        ("b", text_lists(&[Some(&["p", "q"]), None, Some(&[])])),
        ("h", text_lists(&[Some(&["x"]), None, None])),
        ("t", text_lists(&[Some(&["1"]), None, None])),
        ("at", Arc::new(Int64Array::from(vec![9, 8, 7]))),
        ("w", number_column(&[Some(1.0), Some(2.0), Some(3.0)])),
        ("g", text_column(&[Some("u"), Some("v"), Some("u")])),
        ("n", number_column(&[Some(0.5), None, Some(2.0)])),
    ])
}

#[test]
fn the_sound_tables_are_sound() {
    // Else the tests below would damage what is refused anyway.
    for (name, bytes) in [
        ("rows.parquet", sound_parquet()),
        (
            "rows.csv",
            b"y,a,b,h,t,at,w,g,n\n1,x,p|q,x|z,1|2,9,1,u,0.5\n0,,,,,8,2,v,\n".to_vec(),
        ),
    ] {
        let table = super::table_with(name, bytes, &options(NAMED));
        let n_rows = table.all_rows().n_rows();
        assert!(n_rows > 1, "{name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_text_reader_panic(
        bytes in text_bytes(&[b"", b"y,a,b,h,t,at,w,g,n\n"], PIECES),
    ) {
        read_any("rows.csv", &bytes);
        read_any("rows.csv.gz", &gzip(&bytes));
    }

    #[test]
    fn no_bytes_make_the_parquet_reader_panic(bytes in damaged(sound_parquet(), 0)) {
        read_any("rows.parquet", &bytes);
    }
}
