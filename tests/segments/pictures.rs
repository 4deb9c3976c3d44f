//! Pictures of segments show what there is.

use std::fs;

use salient::Error;
use salient::evaluation::EvaluationError;
use salient::tasks::churn::ChurnData;
use salient::tasks::churn::segments::{
    SegmentError, SegmentReport, Segmentation, SegmentationSettings, describe,
};

use super::descriptions::{customers, table};
use super::planted;

/// A table whose columns follow the first embedding.
fn data(embeddings: &[f32], width: usize) -> ChurnData {
    let rows = embeddings.chunks_exact(width).enumerate();
    let lines = rows.map(|(row, values)| {
        let contract = if values[0] > 0.0 {
            "Month-to-month"
        } else {
            "Two year"
        };
        format!("{},{:.3},{contract}", u8::from(row % 3 == 0), values[0])
    });
    table(
        "left:label,tenure:number,Contract:category",
        "left,tenure,Contract",
        lines,
    )
}

struct Drawn {
    svg: String,
    segmentation: Segmentation,
    report: SegmentReport,
}

fn drawn(embeddings: &[f32], width: usize, settings: &SegmentationSettings) -> Drawn {
    let segmentation = Segmentation::fit(embeddings, width, settings).unwrap();
    let segments = segmentation.assign(embeddings).unwrap();
    let report = describe(&segments, &data(embeddings, width), None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The folder of a picture is made if need be.
    let path = folder.path().join("new/segments.svg");
    segmentation.write_svg(embeddings, &report, &path).unwrap();
    let svg = fs::read_to_string(path).unwrap();
    Drawn {
        svg,
        segmentation,
        report,
    }
}

fn settings(k: std::ops::RangeInclusive<usize>) -> SegmentationSettings {
    SegmentationSettings {
        k,
        n_restarts: 2,
        n_fit_rows: 1000,
        silhouette_sample: 300,
        ..SegmentationSettings::default()
    }
}

#[test]
fn every_customer_and_segment_and_number_of_segments_is_drawn() {
    for (k, n_rows) in [(2, 300), (8, 900)] {
        let planted = planted(k, n_rows, 3);
        let Drawn {
            svg,
            segmentation,
            report,
        } = drawn(&planted.embeddings, planted.width, &settings(2..=9));
        // One mark a customer and one a line of the key.
        assert_eq!(svg.matches("<circle").count(), n_rows + segmentation.k());
        for found in &report.segments {
            let text = format!("customers, churn rate {:.3}", found.churn_rate);
            assert!(svg.contains(&text), "{text}");
        }
        for text in ["first principal component", "mean silhouette", "churn rate"] {
            assert!(svg.contains(text), "{text}");
        }
    }
}

#[test]
fn of_many_customers_some_are_drawn() {
    let planted = planted(3, 50_000, 2);
    let Drawn {
        svg, segmentation, ..
    } = drawn(&planted.embeddings, planted.width, &settings(3..=3));
    assert_eq!(svg.matches("<circle").count(), 3000 + segmentation.k());
    assert!(svg.contains("50000 customers (3000 of them drawn)"));
}

#[test]
fn one_column_and_more_segments_than_colours_can_be_drawn() {
    let embeddings: Vec<f32> = (0..400_u16).map(|row| f32::from(row % 20)).collect();
    let Drawn { svg, .. } = drawn(&embeddings, 1, &settings(18..=20));
    assert!(svg.starts_with("<svg"));
}

#[test]
fn a_report_of_other_customers_is_not_drawn() {
    let planted = planted(2, 300, 1);
    let settings = settings(2..=2);
    let segmentation = Segmentation::fit(&planted.embeddings, planted.width, &settings).unwrap();
    let (data, segments) = customers();
    let report = describe(&segments, &data, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let found = segmentation.assign(&planted.embeddings).unwrap();
    let n_first = found.iter().filter(|&&segment| segment == 0).count();
    let error = segmentation
        .write_svg(&planted.embeddings, &report, folder.path().join("a.svg"))
        .unwrap_err();
    let Error::Segment(error) = error else {
        panic!("{error}");
    };
    let expected = SegmentError::OtherCustomers {
        reported: [(0, 200), (1, 100)].into(),
        found: [(0, n_first), (1, 300 - n_first)].into(),
    };
    assert_eq!(error, expected);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let planted = planted(2, 100, 1);
    let settings = settings(2..=2);
    let segmentation = Segmentation::fit(&planted.embeddings, planted.width, &settings).unwrap();
    let segments = segmentation.assign(&planted.embeddings).unwrap();
    let data = data(&planted.embeddings, planted.width);
    let report = describe(&segments, &data, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = segmentation
        .write_svg(&planted.embeddings, &report, folder.path())
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Evaluation(EvaluationError::Picture { picture: "picture of segments", path, .. })
            if path == folder.path()
    ));
}
