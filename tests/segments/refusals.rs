//! What cannot be cut into segments is refused by name, and nothing panics.

use proptest::prelude::Strategy;
use salient::tasks::churn::segments::{SegmentError, Segmentation, SegmentationSettings, describe};

use super::descriptions::table;
use super::{fixed, planted};

fn refusal(embeddings: &[f32], width: usize, settings: &SegmentationSettings) -> SegmentError {
    Segmentation::fit(embeddings, width, settings).unwrap_err()
}

#[test]
fn settings_below_their_range_are_named() {
    let embeddings: Vec<f32> = (0..50_u8).map(f32::from).collect();
    let default = SegmentationSettings::default;
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "a range that a user may write"
    )]
    let reversed = 4..=3;
    let cases = [
        (fixed(1), "k", 1, 2),
        (
            SegmentationSettings {
                k: 0..=5,
                ..default()
            },
            "k",
            0,
            2,
        ),
        (
            SegmentationSettings {
                k: reversed,
                ..default()
            },
            "the end of k",
            3,
            4,
        ),
        (
            SegmentationSettings {
                n_restarts: 0,
                ..default()
            },
            "n_restarts",
            0,
            1,
        ),
        (
            SegmentationSettings {
                n_fit_rows: 1,
                ..default()
            },
            "n_fit_rows",
            1,
            2,
        ),
        (
            SegmentationSettings {
                silhouette_sample: 1,
                ..default()
            },
            "silhouette_sample",
            1,
            2,
        ),
    ];
    for (settings, setting, value, least) in cases {
        let expected = SegmentError::TooSmall {
            setting,
            value,
            least,
        };
        assert_eq!(refusal(&embeddings, 1, &settings), expected);
    }
    assert!(Segmentation::fit(&embeddings, 1, &fixed(2)).is_ok());
}

#[test]
fn numbers_that_are_no_rows_are_refused() {
    let wide = |n_numbers, width| SegmentError::WidthDoesNotDivide { n_numbers, width };
    assert_eq!(refusal(&[1.0; 7], 3, &fixed(2)), wide(7, 3));
    assert_eq!(refusal(&[1.0; 7], 0, &fixed(2)), wide(7, 0));
    let planted = planted(2, 50, 1);
    let found = Segmentation::fit(&planted.embeddings, planted.width, &fixed(2)).unwrap();
    assert_eq!(found.assign(&[1.0; 8]).unwrap_err(), wide(8, 7));
}

#[test]
fn a_number_that_is_not_finite_is_named_by_its_place() {
    let planted = planted(2, 50, 1);
    let found = Segmentation::fit(&planted.embeddings, planted.width, &fixed(2)).unwrap();
    for value in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        let mut embeddings = planted.embeddings.clone();
        embeddings[7 * 11 + 4] = value;
        for error in [
            refusal(&embeddings, 7, &fixed(2)),
            found.assign(&embeddings).unwrap_err(),
        ] {
            // A NaN is not equal to itself.
            assert!(matches!(
                error,
                SegmentError::NotFinite {
                    row: 11,
                    column: 4,
                    ..
                }
            ));
            let text = format!("the embedding of row 11 is {value} in column 4: it must be finite");
            assert_eq!(error.to_string(), text);
        }
    }
}

#[test]
fn rows_that_are_too_much_alike_are_refused() {
    let few = |n_distinct, k| SegmentError::TooFewDistinctRows { n_distinct, k };
    assert_eq!(refusal(&[0.5; 600], 3, &fixed(2)), few(1, 2));
    assert_eq!(refusal(&[], 3, &fixed(2)), few(0, 2));
    // Nought has one value, though two signs.
    assert_eq!(refusal(&[0.0, -0.0, 0.0], 1, &fixed(2)), few(1, 2));
    let three: Vec<f32> = (0..300_u16).map(|row| f32::from(row % 3)).collect();
    assert_eq!(refusal(&three, 1, &fixed(4)), few(3, 4));
    assert_eq!(
        refusal(&three, 1, &SegmentationSettings::default()),
        few(3, 8)
    );
    // As many as there are is possible: each value is a segment, which is as good as can be.
    let found = Segmentation::fit(&three, 1, &fixed(3)).unwrap();
    assert_eq!(found.silhouettes()[0].silhouette, 1.0);
}

#[test]
fn numbers_of_all_sizes_are_clustered_without_panic() {
    let settings = SegmentationSettings {
        k: 2..=3,
        n_restarts: 2,
        ..SegmentationSettings::default()
    };
    // Each row is half of the last one, so that every cut leaves one row on one side.
    let halves: Vec<f32> = (0..250).map(|row| f32::MAX / 2_f32.powi(row)).collect();
    let both: Vec<f32> = halves.iter().flat_map(|half| [*half, -half]).collect();
    let mut turned = Vec::new();
    for row in 0..2000_usize {
        let size = 2_f32.powi(-((row / 50) as i32));
        turned.extend((0..50).map(|column| if row % 50 == column { size } else { 0.0 }));
    }
    let tiny: Vec<f32> = (0..100_u8)
        .map(|row| f32::from_bits(u32::from(row % 7)))
        .collect();
    for (embeddings, width) in [(both, 2), (turned, 50), (tiny, 1)] {
        match Segmentation::fit(&embeddings, width, &settings) {
            Ok(found) => {
                let segments = found.assign(&embeddings).unwrap();
                assert_eq!(segments.iter().max(), Some(&(found.k() - 1)));
            }
            Err(error) => assert!(
                matches!(
                    error,
                    SegmentError::TooFewDistinctRows { .. } | SegmentError::EmptySegments { .. }
                ),
                "{error}"
            ),
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_finite_rows_are_segments_or_refused(
        values in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO,
                (-2_i8..3).prop_map(f32::from),
            ],
            0..60,
        ),
        width in 1_usize..4,
        k in 2_usize..5,
    ) {
        let embeddings = &values[..values.len() / width * width];
        if let Ok(found) = Segmentation::fit(embeddings, width, &fixed(k)) {
            let mut segments = found.assign(embeddings).unwrap();
            segments.sort_unstable();
            segments.dedup();
            proptest::prop_assert_eq!(segments, (0..k).collect::<Vec<_>>());
            let silhouette = found.silhouettes()[0].silhouette;
            proptest::prop_assert!((-1.0..=1.0).contains(&silhouette));
        }
    }
}

#[test]
fn a_damaged_file_is_refused() {
    let planted = planted(2, 50, 1);
    let found = Segmentation::fit(&planted.embeddings, planted.width, &fixed(2)).unwrap();
    let sound = serde_json::to_value(&found).unwrap();
    let read = |value| serde_json::from_value::<Segmentation>(value);
    assert_eq!(read(sound.clone()).unwrap(), found);
    let rules = [
        ("means", serde_json::json!([]), "a mean at least"),
        ("deviations", serde_json::json!([1.0]), "as many deviations"),
        (
            "centroids",
            serde_json::json!([[1.0], [2.0]]),
            "as wide as the means",
        ),
        ("centroids", serde_json::json!([]), "2 centroids at least"),
        ("more", serde_json::json!(1), "unknown field"),
    ];
    for (field, value, expected) in rules {
        let mut damaged = sound.clone();
        damaged[field] = value;
        let error = read(damaged).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_is_not_of_the_rows_of_the_table_cannot_describe_them() {
    let data = table("left:label,a:number", "left,a", ["1,2", "0,3", "1,4"]);
    let differ = |what, found| SegmentError::RowsDiffer {
        what,
        found,
        n_rows: 3,
    };
    assert_eq!(
        describe(&[0, 1], &data, None).unwrap_err(),
        differ("segments", 2)
    );
    let error = describe(&[0, 1, 0], &data, Some(&[0.5; 4])).unwrap_err();
    assert_eq!(error, differ("probabilities", 4));
    for value in [-0.1, 1.1] {
        let error = describe(&[0, 1, 0], &data, Some(&[0.0, 1.0, value])).unwrap_err();
        assert_eq!(error, SegmentError::NotAProbability { row: 2, value });
    }
    let error = describe(&[0, 1, 0], &data, Some(&[f64::NAN, 1.0, 0.0])).unwrap_err();
    assert!(matches!(
        error,
        SegmentError::NotAProbability { row: 0, .. }
    ));
    let nobody = data.select(&[]);
    assert_eq!(
        describe(&[], &nobody, None).unwrap_err(),
        SegmentError::NoRows
    );
}
