use std::fs;

use proptest::prelude::*;
use salient::data::{InteractionSchema, OnBadRow, ReadOptions, read_interactions};

use super::{gzip, parquet, schema, sound_columns};

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
