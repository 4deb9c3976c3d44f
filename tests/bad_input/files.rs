use std::path::Path;

use salient::data::{DataError, OnBadRow, ReadOptions, read_interactions};

use super::{gzip, parquet, refused, refused_with, schema, sound_columns, with_row};

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
