use std::fmt::Write as _;

use rand::RngExt;
use salient::Error;
use salient::data::{TableColumn, TableOptions, TableParts, TableSource};
use salient::evaluation::classification::{ClassificationMetric, ClassificationSettings};
use salient::features::tabular::{FieldFacts, RowStoreWriter};
use salient::random::RandomKey;
use salient::tasks::TaskError;
use salient::tasks::ctr::{CtrData, CtrDataOptions, CtrSources};

use super::{Files, config, data, impressions, options, trained};

fn all_for_training(files: &Files, text: &str, columns: &str, negatives_kept: f64) -> CtrData {
    let sources = CtrSources::Given {
        train: TableSource::File(files.write("train.csv", text)),
        valid: None,
        test: None,
    };
    let options = CtrDataOptions {
        table: TableOptions::new(TableColumn::list(columns).unwrap()),
        negatives_kept,
        ..CtrDataOptions::default()
    };
    CtrData::read(&sources, &options).unwrap()
}

#[test]
fn nothing_is_learnt_from_negatives_that_are_dropped() {
    let files = Files::new();
    let mut text = "click,ad,price\n".to_owned();
    for row in 0..2_000 {
        // Each negative has a value and a price of its own.
        match row % 10 {
            0 => writeln!(text, "1,common,1").unwrap(),
            _ => writeln!(text, "0,ad{row},{row}.5").unwrap(),
        }
    }
    let data = all_for_training(&files, &text, "click:label,ad:category,price:number", 0.1);
    let rows = data.train.range(0..data.train.n_rows()).unwrap();
    assert!((300..460).contains(&rows.n_rows), "{}", rows.n_rows);
    let n_known = data.schema.value_names("ad").unwrap().len();
    let mut seen: Vec<u32> = rows.categories.clone();
    seen.sort_unstable();
    seen.dedup();
    let known: Vec<u32> = (2..n_known as u32).collect();
    assert_eq!(seen, known, "each known value is in a row that is kept");
    let FieldFacts::Values { n_values, .. } = data.features.fields[0].facts else {
        panic!("{:?}", data.features.fields);
    };
    assert_eq!(n_values, known.len());
    assert_eq!(data.features.n_rows, rows.n_rows as u64);
    // The scale is that of the rows that are kept: mean 0, deviation 1.
    let scaled: Vec<f64> = rows.numbers.iter().step_by(2).map(|&x| x.into()).collect();
    let n_rows = rows.n_rows as f64;
    let mean = scaled.iter().sum::<f64>() / n_rows;
    let square = scaled.iter().map(|x| x * x).sum::<f64>() / n_rows;
    assert!(
        mean.abs() < 1e-4 && (square - 1.0).abs() < 1e-4,
        "{mean} {square}"
    );
}

#[test]
fn base_rates_go_by_weight() {
    let files = Files::new();
    let mut generator = RandomKey::new(4).generator();
    let mut text = "click,buy,ad,w\n".to_owned();
    let (mut total, mut clicked, mut bought) = (0.0, 0.0, 0.0);
    for _ in 0..400 {
        let click = generator.random_bool(0.5);
        let buy = click && generator.random_bool(0.5);
        let weight = if click { 4.0 } else { 0.5 } + f64::from(generator.random_range(0..3_u8));
        writeln!(text, "{},{},a,{weight}", u8::from(click), u8::from(buy)).unwrap();
        total += weight;
        clicked += weight * f64::from(u8::from(click));
        bought += weight * f64::from(u8::from(buy));
    }
    let data = all_for_training(
        &files,
        &text,
        "click:label,buy:label,ad:category,w:weight",
        1.0,
    );
    for rates in [data.base_rates().to_vec(), data.true_rates().unwrap()] {
        assert!((rates[0] - clicked / total).abs() < 1e-9);
        assert!((rates[1] - bought / total).abs() < 1e-9);
    }
    assert!(clicked / total > 0.6, "weights matter here");
}

#[test]
fn a_model_is_evaluated_by_what_it_says_of_rows() {
    let files = Files::new();
    let data = data(&files, 900, &options());
    let model = trained(&config("fm"), &data).model;
    let test = data.test.as_ref().unwrap();
    let settings = ClassificationSettings::default();
    let reports = model.evaluate(test, &settings).unwrap();
    let [report] = &reports[..] else {
        panic!("{} reports", reports.len());
    };
    assert_eq!(
        (report.model.as_str(), report.n_rows),
        ("fm", test.n_rows())
    );
    let rows = test.range(0..test.n_rows()).unwrap();
    let said = model.predict(&rows).unwrap().of_label(0);
    let of = |label: f32| {
        let rows = said.iter().zip(&rows.labels);
        rows.filter(move |(_, found)| **found == label)
            .map(|(p, _)| *p)
    };
    let (mut right, mut pairs) = (0.0, 0.0);
    for (yes, no) in of(1.0).flat_map(|yes| of(0.0).map(move |no| (yes, no))) {
        right += if yes > no {
            1.0
        } else {
            0.5 * f64::from(u8::from(yes == no))
        };
        pairs += 1.0;
    }
    let auc = report.value(ClassificationMetric::RocAuc).unwrap();
    assert!((auc - right / pairs).abs() < 1e-9, "{auc}");
    assert!(
        report
            .estimate(ClassificationMetric::LogLoss)
            .unwrap()
            .interval
            .is_some()
    );
}

#[test]
fn a_row_without_a_finite_logit_is_named_by_its_place_in_the_table() {
    let files = Files::new();
    let data = data(&files, 600, &options());
    let model = trained(&config("lr"), &data).model;
    let path = files.write("many.csv", &impressions(9_000, 5));
    let read = Default::default();
    let (mut rows, _) = model.schema().read(path, TableParts::All, &read).unwrap();
    let width = rows.numbers.len() / rows.n_rows;
    rows.numbers[8_500 * width] = f32::NAN;
    let mut store = RowStoreWriter::new(usize::MAX);
    store.push(&rows).unwrap();
    let store = store.finish().unwrap();
    for error in [model.predict(&rows).err(), model.cases(&store).err()] {
        assert!(
            matches!(
                error,
                Some(Error::Task(TaskError::NonFiniteLogit { row: 8_500, .. }))
            ),
            "{error:?}"
        );
    }
}
