//! A click model learns from tables, answers files, records and choices alike, and says what is wrong with them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rand::RngExt;
use salient::Error;
use salient::data::{
    AbsentColumns, DataError, Record, RecordCell, RowRule, TableColumn, TableOptions, TableSource,
    TableSplit,
};
use salient::evaluation::calibration::{CalibrationKind, Calibrator, PlattTargets};
use salient::evaluation::classification::roc_auc;
use salient::features::tabular::TabularConfig;
use salient::random::RandomKey;
use salient::tasks::TaskError;
use salient::tasks::ctr::{
    CtrConfig, CtrData, CtrDataOptions, CtrModel, CtrSources, PRESETS, RankOptions, fit,
};
use salient::training::{Trained, Trainer};
use tempfile::{TempDir, tempdir};

/// What is learnt of rows is what training sees of them: kept, and by weight.
mod training_rows;

/// Values, rows and columns that are not as they should be are answered or named, whatever they are.
mod odd_rows;

/// The chance of a click by advertisement, less what a price of 1 takes away.
const CHANCES: [f64; 5] = [0.9, 0.7, 0.5, 0.3, 0.1];

const COLUMNS: &str = "click:label,user:group,ad:category,price:number,seen:history=ad";

/// Impressions of users who saw up to four advertisements before.
fn impressions(n_rows: usize, seed: u64) -> String {
    let mut generator = RandomKey::new(seed).generator();
    let mut text = "click,user,ad,price,seen\n".to_owned();
    for row in 0..n_rows {
        let ad = generator.random_range(0..CHANCES.len());
        let price = generator.random::<f64>();
        let click = generator.random_bool(CHANCES[ad] * (1.0 - 0.5 * price));
        let seen: Vec<String> = (0..row % 5)
            .map(|place| format!("ad{}", place % 3))
            .collect();
        let seen = seen.join(" ");
        writeln!(
            text,
            "{},u{},ad{ad},{price:.3},{seen}",
            u8::from(click),
            row % 97
        )
        .unwrap();
    }
    text
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: tempdir().unwrap(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn options() -> CtrDataOptions {
    CtrDataOptions {
        table: TableOptions::new(TableColumn::list(COLUMNS).unwrap()),
        ..CtrDataOptions::default()
    }
}

fn split_file(path: PathBuf) -> CtrSources {
    let split = TableSplit::Random {
        validation: 0.2,
        test: 0.2,
        seed: 1,
    };
    CtrSources::Split(TableSource::File(path), split)
}

fn data(files: &Files, n_rows: usize, options: &CtrDataOptions) -> CtrData {
    let path = files.write("log.csv", &impressions(n_rows, 3));
    CtrData::read(&split_file(path), options).unwrap()
}

/// A preset made small and quick.
fn config(preset: &str) -> CtrConfig {
    let mut config = CtrConfig::preset(preset).unwrap();
    config.network.d_embedding = 8;
    config.training.batch_size = 64;
    config.training.learning_rate = 0.01;
    config.training.max_epochs = 4;
    config
}

fn trained(config: &CtrConfig, data: &CtrData) -> Trained<CtrModel> {
    let device = salient::device::pick("flex").unwrap();
    fit(config, data, Trainer::new(config.training.clone()), &device).unwrap()
}

fn record(ad: &str, price: f64) -> Record {
    Record::from([
        ("ad".to_owned(), ad.into()),
        ("price".to_owned(), price.into()),
        ("seen".to_owned(), "ad0 ad1".into()),
    ])
}

#[test]
fn every_preset_learns_what_is_clicked() {
    let files = Files::new();
    let data = data(&files, 3_000, &options());
    let mut best = vec![];
    for preset in PRESETS {
        let trained = trained(&config(preset), &data);
        let cases = trained.model.cases(data.test.as_ref().unwrap()).unwrap();
        let auc = roc_auc(&cases[0]).unwrap();
        // The true chances have about 0.79.
        assert!((0.7..0.86).contains(&auc), "{preset}: {auc}");
        best.push(auc);
    }
    assert!(best.iter().any(|&auc| auc > 0.76), "{best:?}");
}

#[test]
fn a_saved_model_answers_as_before() {
    let files = Files::new();
    let data = data(&files, 600, &options());
    let mut config = config("autoint_plus");
    config.calibration = CalibrationKind::Platt(PlattTargets::Smoothed);
    let model = trained(&config, &data).model;
    assert!(matches!(model.calibrators()[0], Calibrator::Platt { .. }));
    let path = files.path().join("model");
    model.save(&path, &serde_json::json!({})).unwrap();
    let loaded = CtrModel::load(&path).unwrap();
    let records = [record("ad0", 0.1), record("never seen", 0.9)];
    let answers = |model: &CtrModel| {
        let found = model.predict_records(&records, AbsentColumns::Refuse);
        found.unwrap().probabilities
    };
    assert_eq!(answers(&model), answers(&loaded));
    assert!(answers(&model).iter().all(|p| (0.0..=1.0).contains(p)));
}

#[test]
fn a_record_has_the_probability_of_its_row_in_a_file() {
    let files = Files::new();
    let data = data(&files, 600, &options());
    let model = trained(&config("din"), &data).model;
    let path = files.write(
        "one.csv",
        "click,user,ad,price,seen\n1,u1,ad3,0.25,ad0 ad1\n",
    );
    let (rows, _) = model
        .schema()
        .read(path, salient::data::TableParts::All, &Default::default())
        .unwrap();
    let of_file = model.predict(&rows).unwrap();
    let of_record = model.predict_records(&[record("ad3", 0.25)], AbsentColumns::Refuse);
    assert_eq!(of_file, of_record.unwrap());
}

#[test]
fn rows_on_disk_are_the_rows_in_memory() {
    let files = Files::new();
    let in_memory = data(&files, 2_000, &options());
    let on_disk = CtrDataOptions {
        max_bytes_in_memory: 0,
        ..options()
    };
    let on_disk = data(&files, 2_000, &on_disk);
    assert!(in_memory.train.blocks().is_none() && on_disk.train.blocks().is_some());
    let all = |data: &CtrData| {
        let n_rows = data.train.n_rows();
        data.train.range(0..n_rows).unwrap()
    };
    assert_eq!(all(&in_memory), all(&on_disk));
    let config = config("fm");
    let fingerprint = in_memory.fingerprint(&config);
    assert_eq!(fingerprint, on_disk.fingerprint(&config));
    let cases = trained(&config, &on_disk)
        .model
        .cases(on_disk.test.as_ref().unwrap());
    assert!(roc_auc(&cases.unwrap()[0]).unwrap() > 0.7);
}

#[test]
fn dropped_negatives_are_made_up_for() {
    let files = Files::new();
    let few = CtrDataOptions {
        negatives_kept: 0.2,
        ..options()
    };
    let (all, kept) = (data(&files, 6_000, &options()), data(&files, 6_000, &few));
    let n_dropped = all.train.n_rows() - kept.train.n_rows();
    let n_negative = (1.0 - all.base_rates()[0]) * all.train.n_rows() as f64;
    assert!((n_dropped as f64 / n_negative - 0.8).abs() < 0.03);
    assert!(kept.base_rates()[0] > all.base_rates()[0] + 0.2);
    let model = trained(&config("lr"), &kept).model;
    let cases = model.cases(kept.test.as_ref().unwrap()).unwrap();
    let mean = cases[0].probabilities().iter().sum::<f64>() / cases[0].n_rows() as f64;
    let share = cases[0].n_positives() as f64 / cases[0].n_rows() as f64;
    assert!((mean - share).abs() < 0.04, "{mean} for {share}");
}

#[test]
fn candidates_are_ranked_by_their_probability() {
    let files = Files::new();
    let data = data(&files, 3_000, &options());
    let model = trained(&config("autoint"), &data).model;
    let context = Record::from([
        ("seen".to_owned(), RecordCell::Missing),
        ("price".to_owned(), 0.2.into()),
    ]);
    let ad = |ad: &str| Record::from([("ad".to_owned(), RecordCell::from(ad))]);
    let candidates = ["ad4", "ad0", "ad2"].map(ad);
    let options = RankOptions::default();
    let ranking = model
        .rank(&context, &candidates, &options, RandomKey::new(1))
        .unwrap();
    let order: Vec<usize> = ranking
        .candidates
        .iter()
        .map(|candidate| candidate.index)
        .collect();
    assert_eq!((order, ranking.chosen), (vec![1, 2, 0], 1));
    let refused = |candidates: &[Record], options: &RankOptions| {
        model
            .rank(&context, candidates, options, RandomKey::new(1))
            .unwrap_err()
    };
    let error = refused(&[], &options);
    assert!(matches!(error, Error::Task(TaskError::NoCandidates)));
    let too_much = RankOptions {
        epsilon: 1.5,
        ..options
    };
    assert_eq!(
        refused(&candidates, &too_much).to_string(),
        "epsilon is 1.5: it must lie in [0, 1]"
    );
    let other = RankOptions {
        label: 1,
        ..options
    };
    let error = refused(&candidates, &other);
    assert!(matches!(
        error,
        Error::Task(TaskError::NoSuchLabel {
            label: 1,
            n_labels: 1
        })
    ));
}

#[test]
fn a_column_that_is_absent_at_prediction_is_named() {
    let files = Files::new();
    let data = data(&files, 600, &options());
    let model = trained(&config("fm"), &data).model;
    let mut record = record("ad1", 0.5);
    record.remove("price");
    let error = model
        .predict_records(&[record.clone()], AbsentColumns::Refuse)
        .unwrap_err();
    let Error::Data(DataError::BadRow(bad)) = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (bad.column.as_deref(), &bad.rule),
        (Some("price"), &RowRule::AbsentFromRecord)
    );
    let found = model
        .predict_records(&[record], AbsentColumns::Missing)
        .unwrap();
    assert_eq!(found.probabilities.len(), 1);
}

#[test]
fn labels_of_one_class_are_refused() {
    let files = Files::new();
    let path = files.write("log.csv", "click,ad\n1,a\n1,b\n1,a\n");
    let sources = CtrSources::Given {
        train: TableSource::File(path),
        valid: None,
        test: None,
    };
    let options = CtrDataOptions {
        table: TableOptions::new(TableColumn::list("click:label,ad:category").unwrap()),
        ..CtrDataOptions::default()
    };
    let data = CtrData::read(&sources, &options).unwrap();
    let config = config("lr");
    let device = salient::device::pick("flex").unwrap();
    let error = fit(
        &config,
        &data,
        Trainer::new(config.training.clone()),
        &device,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "label \"click\" is 1 in all 3 training rows: there is nothing to tell apart"
    );
}

#[test]
fn calibration_needs_validation_rows() {
    let files = Files::new();
    let path = files.write("log.csv", &impressions(50, 3));
    let sources = CtrSources::Given {
        train: TableSource::File(path),
        valid: None,
        test: None,
    };
    let data = CtrData::read(&sources, &options()).unwrap();
    let mut config = config("lr");
    config.calibration = CalibrationKind::Temperature;
    let device = salient::device::pick("flex").unwrap();
    let error = fit(
        &config,
        &data,
        Trainer::new(config.training.clone()),
        &device,
    )
    .unwrap_err();
    assert!(matches!(
        error,
        Error::Task(TaskError::NoValidation {
            setting: "calibration"
        })
    ));
}

#[test]
fn nothing_is_learnt_from_rows_that_are_held_out() {
    let files = Files::new();
    // The value `late` is in the last rows alone, which are held out.
    let mut text = "click,ad\n".to_owned();
    for row in 0..100 {
        let ad = if row < 70 { "early" } else { "late" };
        writeln!(text, "{},{ad}", row % 2).unwrap();
    }
    let path = files.write("log.csv", &text);
    let split = TableSplit::ByOrder {
        validation: 0.1,
        test: 0.2,
    };
    let options = CtrDataOptions {
        table: TableOptions::new(TableColumn::list("click:label,ad:category").unwrap()),
        features: TabularConfig::default(),
        ..CtrDataOptions::default()
    };
    let data = CtrData::read(&CtrSources::Split(TableSource::File(path), split), &options).unwrap();
    let names = data.schema.value_names("ad").unwrap();
    assert_eq!(names, ["(unknown)", "(missing)", "early"]);
    let n_rows =
        |rows: &Option<salient::features::tabular::RowStore>| rows.as_ref().unwrap().n_rows();
    assert_eq!(
        (data.train.n_rows(), n_rows(&data.valid), n_rows(&data.test)),
        (70, 10, 20)
    );
}

#[test]
fn two_labels_are_learnt_at_once() {
    let files = Files::new();
    let mut text = "click,buy,ad,price\n".to_owned();
    let mut generator = RandomKey::new(9).generator();
    for _ in 0..3_000 {
        let (ad, price) = (generator.random_range(0..5), generator.random::<f64>());
        let click = generator.random_bool(CHANCES[ad]);
        let buy = click && generator.random_bool(1.0 - price);
        writeln!(
            text,
            "{},{},ad{ad},{price:.3}",
            u8::from(click),
            u8::from(buy)
        )
        .unwrap();
    }
    let path = files.write("log.csv", &text);
    let columns = TableColumn::list("click:label,buy:label,ad:category,price:number").unwrap();
    let options = CtrDataOptions {
        table: TableOptions::new(columns),
        ..CtrDataOptions::default()
    };
    let data = CtrData::read(&split_file(path), &options).unwrap();
    let model = trained(&config("mlp"), &data).model;
    let cases = model.cases(data.test.as_ref().unwrap()).unwrap();
    assert_eq!(cases.len(), 2);
    for cases in &cases {
        assert!(roc_auc(cases).unwrap() > 0.75);
    }
    let cheap = |price: f64| {
        let record = Record::from([
            ("ad".to_owned(), "ad0".into()),
            ("price".to_owned(), price.into()),
        ]);
        model
            .predict_records(&[record], AbsentColumns::Refuse)
            .unwrap()
    };
    // The price decides whether one buys, not whether one clicks.
    let (low, high) = (cheap(0.05), cheap(0.95));
    assert!(low.of_label(1)[0] > high.of_label(1)[0] + 0.2);
    assert!((low.of_label(0)[0] - high.of_label(0)[0]).abs() < 0.2);
}
