use std::fs;

use proptest::prelude::*;
use salient::data::{InteractionSchema, OnBadRow, ReadOptions, read_interactions};

use super::{gzip, parquet, schema, sound_columns};
use crate::damage::{damaged, text_bytes};

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

fn table_bytes() -> impl Strategy<Value = Vec<u8>> {
    text_bytes(&[b"", b"user,item,when,stars\n"], &[b"a,b,1,1\n", b"a,b,"])
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
        packed in table_bytes().prop_flat_map(|bytes| damaged(gzip(&bytes), 2)),
    ) {
        read_any("log.csv.gz", &[b"\x1f\x8b", &bytes[..]].concat());
        read_any("log.csv.gz", &packed);
    }

    #[test]
    fn no_bytes_make_the_parquet_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        damaged in damaged(parquet(sound_columns()), 0),
    ) {
        read_any("log.parquet", &bytes);
        read_any("log", &[b"PAR1", &bytes[..], b"PAR1"].concat());
        read_any("log.parquet", &damaged);
    }
}
