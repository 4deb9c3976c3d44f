//! Segments are told by the columns that set them apart.

use salient::data::{TableColumn, TableOptions, TableSource};
use salient::tasks::churn::segments::{
    LEAST_EFFECT, LEAST_ROWS, SegmentContrast, SegmentReport, SegmentTrait, describe,
};
use salient::tasks::churn::{ChurnData, ChurnDataOptions};

/// A table out of lines of CSV.
pub(super) fn table(
    columns: &str,
    header: &str,
    lines: impl IntoIterator<Item = impl AsRef<str>>,
) -> ChurnData {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("customers.csv");
    let lines: Vec<String> = lines
        .into_iter()
        .map(|line| line.as_ref().to_owned())
        .collect();
    std::fs::write(&path, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
    let options = TableOptions::new(TableColumn::list(columns).unwrap());
    ChurnData::read(&TableSource::File(path), &ChurnDataOptions::new(options)).unwrap()
}

/// 300 customers, of whom the last 100 are segment 1: new, by the month, mostly of unknown income, and of the same age as others.
pub(super) fn customers() -> (ChurnData, Vec<usize>) {
    let segments: Vec<usize> = (0..300).map(|row| usize::from(row >= 200)).collect();
    let lines = segments.iter().enumerate().map(|(row, &segment)| {
        let inside = segment == 1;
        let left = u8::from(if inside { row % 2 == 0 } else { row % 10 == 0 });
        let tenure = if inside { 2 + row % 5 } else { 30 + row % 20 };
        let contract = match (inside, row % 10) {
            (true, 0) | (false, 0..7) => "yearly",
            _ => "monthly",
        };
        let income = if inside && row % 5 != 0 {
            String::new()
        } else {
            (row % 13).to_string()
        };
        let tags = match (inside, row % 4) {
            (true, 0..3) => "new|promo",
            (false, 0) => "promo",
            _ => "",
        };
        let age = 20 + row % 50;
        format!(
            "{row},{left},{tenure},{},{contract},{income},{tags},{age},const",
            2 * tenure
        )
    });
    let data = table(
        "id:group,left:label,tenure:number,tenure_weeks:number,contract:category,income:number,tags:categories=|,age:number,country:category",
        "id,left,tenure,tenure_weeks,contract,income,tags,age,country",
        lines,
    );
    (data, segments)
}

fn find<'a>(report: &'a SegmentReport, segment: usize, column: &str) -> Option<&'a SegmentTrait> {
    let traits = &report.segments[segment].traits;
    traits.iter().find(|found| found.column == column)
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
}

#[test]
fn the_planted_columns_are_named_the_strongest_first_and_no_others() {
    let (data, segments) = customers();
    let report = describe(&segments, &data, None).unwrap();
    let columns = |segment: usize| -> Vec<&str> {
        let traits = report.segments[segment].traits.iter();
        traits.map(|found| &found.column[..]).collect()
    };
    assert_eq!(columns(1), ["tenure", "income", "tags", "contract"]);
    // Seen from the others, an income that is known is no value of its own.
    assert_eq!(columns(0), ["tenure", "contract", "tags"]);
    assert_eq!(
        report.segments[1].name,
        "tenure low (4 against 39.5), income missing"
    );
    for found in report.segments.iter().flat_map(|segment| &segment.traits) {
        assert!(found.effect.abs() >= LEAST_EFFECT);
        // Weeks say what months have said.
        let likewise: &[&str] = if found.column == "tenure" {
            &["tenure_weeks"]
        } else {
            &[]
        };
        assert_eq!(found.likewise, likewise);
    }
}

#[test]
fn numbers_are_compared_by_means_in_pooled_deviations() {
    let (data, segments) = customers();
    let report = describe(&segments, &data, None).unwrap();
    let [inside, outside]: [Vec<f64>; 2] = [
        (200..300).map(|row| f64::from(2 + row % 5)).collect(),
        (0..200).map(|row| f64::from(30 + row % 20)).collect(),
    ];
    let mean = |side: &[f64]| side.iter().sum::<f64>() / side.len() as f64;
    let variance = |side: &[f64]| {
        let squares = side.iter().map(|number| (number - mean(side)).powi(2));
        squares.sum::<f64>() / (side.len() - 1) as f64
    };
    let pooled = (99.0 * variance(&inside) + 199.0 * variance(&outside)) / 298.0;
    let expected = (mean(&inside) - mean(&outside)) / pooled.sqrt();
    let found = find(&report, 1, "tenure").unwrap();
    close(found.effect, expected);
    close(find(&report, 0, "tenure").unwrap().effect, -expected);
    let expected = SegmentContrast::Number {
        mean: 4.0,
        mean_of_others: 39.5,
        median: 4.0,
        median_of_others: 39.5,
    };
    assert_eq!(found.contrast, expected);
}

#[test]
fn categories_are_compared_by_the_shares_of_the_most_typical_value() {
    let (data, segments) = customers();
    let report = describe(&segments, &data, None).unwrap();
    // 90 of 100 by the month against 60 of 200; 80 incomes unknown, elsewhere none; 75 new against none.
    for (column, value, inside, outside) in [
        ("contract", Some("monthly"), 0.9, 0.3),
        ("income", None, 0.8, 0.0),
        ("tags", Some("new"), 0.75, 0.0),
    ] {
        let found = find(&report, 1, column).unwrap();
        let angle = |share: f64| 2.0 * share.sqrt().asin();
        close(found.effect, angle(inside) - angle(outside));
        let SegmentContrast::Value {
            value: named,
            share,
            share_of_others,
            lift,
        } = &found.contrast
        else {
            panic!("{column} is no category");
        };
        assert_eq!(named.as_deref(), value);
        close(*share, inside);
        close(*share_of_others, outside);
        match lift {
            Some(lift) => close(*lift, inside / outside),
            None => assert_eq!(outside, 0.0),
        }
    }
    // A list without entries is missing: a quarter against three.
    let found = find(&report, 0, "tags").unwrap();
    assert!(matches!(
        found.contrast,
        SegmentContrast::Value { value: None, .. }
    ));
}

#[test]
fn shares_and_rates_are_those_of_the_segment() {
    let (data, segments) = customers();
    let probabilities: Vec<f64> = (0..300)
        .map(|row| if row < 200 { 0.1 } else { 0.6 })
        .collect();
    let report = describe(&segments, &data, Some(&probabilities)).unwrap();
    assert_eq!(report.n_rows, 300);
    close(report.churn_rate, 70.0 / 300.0);
    let found = &report.segments[1];
    assert_eq!((found.segment, found.n_rows), (1, 100));
    close(found.share, 1.0 / 3.0);
    close(found.churn_rate, 0.5);
    close(found.mean_probability.unwrap(), 0.6);
    // By statsmodels: proportion_confint(50, 100, method="wilson").
    assert!(
        (found.churn_interval.low - 0.403_832).abs() < 1e-6,
        "{found:?}"
    );
    assert!(
        (found.churn_interval.high - 0.596_168).abs() < 1e-6,
        "{found:?}"
    );
}

#[test]
fn effects_that_chance_may_have_made_are_not_named() {
    // Shares of a half and of nearly a half, in segments of one size: the threshold lies in between.
    let share_needed = |n_rows: f64| {
        let effect = LEAST_EFFECT.max(3.0 * (2.0 / n_rows).sqrt());
        ((std::f64::consts::FRAC_PI_2 + effect) / 2.0).sin().powi(2)
    };
    for n_rows in [100, 2000] {
        let needed = (share_needed(f64::from(n_rows)) * f64::from(n_rows)).ceil() as u32;
        for (n_inside, is_named) in [(needed, true), (needed - 1, false)] {
            let lines = (0..2 * n_rows).map(|row| {
                let has = if row < n_rows {
                    row < n_inside
                } else {
                    row % 2 == 0
                };
                format!("{},{}", row % 3 % 2, if has { "yes" } else { "no" })
            });
            let data = table("left:label,has:category", "left,has", lines);
            let segments: Vec<usize> = (0..2 * n_rows)
                .map(|row| usize::from(row >= n_rows))
                .collect();
            let report = describe(&segments, &data, None).unwrap();
            assert_eq!(
                find(&report, 0, "has").is_some(),
                is_named,
                "{n_rows} {n_inside}"
            );
        }
    }
}

#[test]
fn a_few_rows_name_no_column() {
    for (n_inside, is_named) in [(LEAST_ROWS - 1, false), (LEAST_ROWS, true)] {
        let rows = 0..n_inside + 100;
        let lines = rows.clone().map(|row| {
            let inside = row < n_inside;
            format!(
                "{},{},{}",
                row % 2,
                u8::from(inside),
                if inside { "x" } else { "y" }
            )
        });
        let data = table("left:label,a:number,b:category", "left,a,b", lines);
        let segments: Vec<usize> = rows.map(|row| usize::from(row >= n_inside)).collect();
        let report = describe(&segments, &data, None).unwrap();
        assert_eq!(!report.segments[0].traits.is_empty(), is_named);
        if is_named {
            // Constant on either side: the deviation is nought.
            assert_eq!(find(&report, 0, "a").unwrap().effect, 10.0);
        } else {
            assert_eq!(report.segments[0].name, "no column sets it apart");
        }
    }
}

#[test]
fn a_segment_that_nobody_is_in_keeps_its_number() {
    let (data, segments) = customers();
    let segments: Vec<usize> = segments.iter().map(|segment| 3 * segment).collect();
    let report = describe(&segments, &data, None).unwrap();
    let numbers: Vec<usize> = report.segments.iter().map(|found| found.segment).collect();
    assert_eq!(numbers, [0, 3]);
    // One segment has nobody to be set apart from.
    let report = describe(&[2; 300], &data, None).unwrap();
    assert!(report.segments[0].traits.is_empty());
    close(report.segments[0].share, 1.0);
}

#[test]
fn a_report_prints_as_tables_and_comes_back_from_a_file() {
    let (data, segments) = customers();
    let report = describe(&segments, &data, Some(&[0.25; 300])).unwrap();
    insta::assert_snapshot!(report, @r"
    300 customers in 2 segments, churn rate 0.2333

    segment  rows   share  churn rate          interval  mean prediction
    0         200  66.7 %      0.1000  [0.0657, 0.1494]           0.2500
    1         100  33.3 %      0.5000  [0.4038, 0.5962]           0.2500

    segment 0: tenure high (39.5 against 4), contract = yearly
    mean (median) or share                 here  others  effect  lift
    tenure (likewise tenure_weeks)  39.5 (39.5)   4 (4)   +7.40     –
    contract = yearly                    70.0 %  10.0 %   +1.34  7.00
    tags missing                         75.0 %  25.0 %   +1.05  3.00

    segment 1: tenure low (4 against 39.5), income missing
    mean (median) or share            here       others  effect  lift
    tenure (likewise tenure_weeks)   4 (4)  39.5 (39.5)   -7.40     –
    income missing                  80.0 %        0.0 %   +2.21     –
    tags = new                      75.0 %        0.0 %   +2.09     –
    contract = monthly              90.0 %       30.0 %   +1.34  3.00
    ");
    let text = serde_json::to_string(&report).unwrap();
    let back: SegmentReport = serde_json::from_str(&text).unwrap();
    assert_eq!(back.to_string(), report.to_string());
}
