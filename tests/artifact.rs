//! A saved model is read back whole or refused by name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use salient::artifact::{Artifact, ArtifactError, FORMAT_VERSION, save};

fn saved(directory: &Path) {
    let parts = BTreeMap::from([
        ("config.json".to_owned(), b"{\"d_model\":8}".to_vec()),
        ("weights.bin".to_owned(), vec![7; 64]),
    ]);
    save(directory, "next_item", &parts).unwrap();
}

#[test]
fn what_was_saved_is_loaded() {
    let directory = tempfile::tempdir().unwrap();
    saved(directory.path());
    let artifact = Artifact::load(directory.path(), "next_item").unwrap();
    assert_eq!(artifact.part("weights.bin").unwrap(), [7; 64]);
    let config: BTreeMap<String, usize> = artifact.json("config.json").unwrap();
    assert_eq!(config["d_model"], 8);
}

#[test]
fn every_single_flipped_bit_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    saved(directory.path());
    for name in ["manifest.json", "config.json", "weights.bin"] {
        let path = directory.path().join(name);
        let good = fs::read(&path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &bad).unwrap();
            assert!(
                Artifact::load(directory.path(), "next_item").is_err(),
                "{name} bit {bit}"
            );
        }
        fs::write(&path, &good).unwrap();
    }
    assert!(Artifact::load(directory.path(), "next_item").is_ok());
}

#[test]
fn a_flipped_bit_names_the_part_and_both_checksums() {
    let directory = tempfile::tempdir().unwrap();
    saved(directory.path());
    let path = directory.path().join("weights.bin");
    let mut bytes = fs::read(&path).unwrap();
    bytes[3] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = Artifact::load(directory.path(), "next_item").unwrap_err();
    assert!(
        matches!(&error, ArtifactError::WrongChecksum { part, .. } if part == "weights.bin"),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("is damaged: its SHA-256 is "),
        "{error}"
    );
}

#[test]
fn a_truncated_part_names_both_lengths() {
    let directory = tempfile::tempdir().unwrap();
    saved(directory.path());
    fs::write(directory.path().join("weights.bin"), [7; 63]).unwrap();
    let error = Artifact::load(directory.path(), "next_item").unwrap_err();
    assert!(
        matches!(&error, ArtifactError::WrongLength { part, found: 63, expected: 64, .. } if part == "weights.bin"),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .ends_with("has 63 bytes, its manifest says 64"),
        "{error}"
    );
}

#[test]
fn a_missing_part_is_named() {
    let directory = tempfile::tempdir().unwrap();
    saved(directory.path());
    fs::remove_file(directory.path().join("config.json")).unwrap();
    let error = Artifact::load(directory.path(), "next_item").unwrap_err();
    assert!(
        matches!(&error, ArtifactError::MissingPart { part, .. } if part == "config.json"),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .ends_with("lacks its part \"config.json\""),
        "{error}"
    );
}

#[test]
fn a_newer_version_asks_for_an_upgrade_even_with_unknown_fields() {
    let directory = tempfile::tempdir().unwrap();
    let newer = FORMAT_VERSION + 1;
    fs::write(
        directory.path().join("manifest.json"),
        format!("{{\"format\":\"salient\",\"format_version\":{newer},\"new\":1}}"),
    )
    .unwrap();
    let error = Artifact::load(directory.path(), "next_item").unwrap_err();
    assert!(
        matches!(&error, ArtifactError::NewerVersion { found, supported, .. } if *found == newer && *supported == FORMAT_VERSION),
        "{error:?}"
    );
    assert!(error.to_string().contains("upgrade salient"), "{error}");
}

#[test]
fn a_model_of_another_task_names_both() {
    let directory = tempfile::tempdir().unwrap();
    saved(directory.path());
    let error = Artifact::load(directory.path(), "churn").unwrap_err();
    assert!(
        matches!(&error, ArtifactError::OtherTask { found, expected, .. } if found == "next_item" && expected == "churn"),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .ends_with("holds a model for \"next_item\", not for \"churn\""),
        "{error}"
    );
}

#[test]
fn foreign_directories_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = Artifact::load(directory.path(), "next_item").unwrap_err();
    assert!(
        matches!(error, ArtifactError::NoManifest { .. }),
        "{error:?}"
    );
    fs::write(
        directory.path().join("manifest.json"),
        "{\"format\":\"other\"}",
    )
    .unwrap();
    let error = Artifact::load(directory.path(), "next_item").unwrap_err();
    assert!(
        matches!(&error, ArtifactError::Foreign { found, .. } if found == "other"),
        "{error:?}"
    );
    fs::write(directory.path().join("manifest.json"), "{").unwrap();
    let error = Artifact::load(directory.path(), "next_item").unwrap_err();
    assert!(
        matches!(error, ArtifactError::DamagedManifest { .. }),
        "{error:?}"
    );
}
