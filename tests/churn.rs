//! A churn model learns from a table of customers, answers tables and records alike, is judged on rows that it has not seen, and
//! says what is wrong with a table.

use std::fmt::Write as _;

use burn::tensor::Device;
use rand::RngExt;
use salient::Error;
use salient::data::{
    AbsentColumns, DataError, OnBadRow, ReadOptions, Record, RecordCell, RowRule, TableColumn,
    TableOptions, TableSource,
};
use salient::evaluation::classification::{log_loss, roc_auc};
use salient::random::RandomKey;
use salient::tasks::TaskError;
use salient::tasks::churn::{
    ChurnConfig, ChurnData, ChurnDataOptions, ChurnModel, ChurnRun, Folds, Imbalance, TrainedChurn,
    cross_validate, find_leaks, fit,
};
use tempfile::tempdir;

const COLUMNS: &str = "left:label,id:group,months:number,plan:category";

/// Customers with `id,months,plan`, and whether they left: soon after they came, or by the month.
fn customers(n_rows: usize, seed: u64) -> String {
    let mut generator = RandomKey::new(seed).generator();
    let mut text = "id,months,plan,left\n".to_owned();
    for row in 0..n_rows {
        let months: f64 = generator.random_range(0.0..60.0);
        let monthly = generator.random_bool(0.5);
        let chance = (0.5 - months / 120.0) + if monthly { 0.3 } else { 0.0 };
        let left = u8::from(generator.random_bool(chance.clamp(0.05, 0.95)));
        let plan = if monthly { "monthly" } else { "yearly" };
        writeln!(text, "c{row},{months:.1},{plan},{left}").unwrap();
    }
    text
}

fn read_with(text: &str, options: &ChurnDataOptions) -> Result<ChurnData, Error> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("customers.csv");
    std::fs::write(&path, text).unwrap();
    ChurnData::read(&TableSource::File(path), options)
}

fn options(columns: &str) -> ChurnDataOptions {
    ChurnDataOptions::new(TableOptions::new(TableColumn::list(columns).unwrap()))
}

fn read(text: &str) -> ChurnData {
    read_with(text, &options(COLUMNS)).unwrap()
}

/// The presets, made quick.
fn config(preset: &str) -> ChurnConfig {
    let mut config = ChurnConfig::preset(preset).unwrap();
    config.n_parts = 2;
    config.training.max_epochs = 4;
    config
}

fn run<'a>(n_threads: usize) -> ChurnRun<'a> {
    ChurnRun {
        n_threads: Some(n_threads),
        ..ChurnRun::default()
    }
}

fn trained(config: &ChurnConfig, data: &ChurnData) -> TrainedChurn {
    fit(config, data, &run(2), &Device::flex()).unwrap()
}

fn refusal(text: &str) -> TaskError {
    match fit(&config("lr"), &read(text), &run(1), &Device::flex()) {
        Err(Error::Task(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("nothing is refused"),
    }
}

#[test]
fn every_preset_tells_unseen_customers_apart() {
    let (train, test) = (read(&customers(800, 1)), read(&customers(800, 2)));
    for preset in salient::tasks::churn::PRESETS {
        let model = trained(&config(preset), &train).model;
        let cases = model.cases(&test).unwrap();
        let auc = roc_auc(&cases).unwrap();
        assert!(auc > 0.68, "{preset}: {auc}");
        let mean = cases.probabilities().iter().sum::<f64>() / 800.0;
        assert!((mean - test.churn_rate()).abs() < 0.06, "{preset}: {mean}");
    }
}

#[test]
fn a_saved_model_answers_as_before() {
    let data = read(&customers(300, 3));
    let mut config = config("ft_transformer");
    config.imbalance = Imbalance::Focal { gamma: 1.3 };
    let model = trained(&config, &data).model;
    let folder = tempdir().unwrap();
    model.save(folder.path(), &"no figures").unwrap();
    let loaded = ChurnModel::load(folder.path()).unwrap();
    assert_eq!(
        loaded.predict_data(&data).unwrap(),
        model.predict_data(&data).unwrap()
    );
    let weights = folder.path().join("weights-3.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let error = ChurnModel::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("weights-3"), "{error}");
}

#[test]
fn nothing_depends_on_how_many_networks_train_at_once() {
    let data = read(&customers(300, 4));
    let config = config("ft_transformer");
    let device = Device::flex();
    let [one, three] = [1, 3].map(|n_threads| {
        let model = fit(&config, &data, &run(n_threads), &device).unwrap().model;
        model.predict_data(&data).unwrap()
    });
    assert_eq!(one, three);
    let folds = Folds::stratified(&data, 3, 2, 9).unwrap();
    let [one, four] = [1, 4].map(|n_threads| {
        let judged = cross_validate(&config, &data, &folds, &run(n_threads), &device).unwrap();
        let cases = judged.folds.iter().map(|fold| fold.cases.clone());
        cases.collect::<Vec<_>>()
    });
    assert_eq!(one, four);
}

#[test]
fn pooled_answers_are_about_all_rows_in_their_order() {
    let data = read(&customers(200, 5));
    let folds = Folds::stratified(&data, 4, 2, 0).unwrap();
    let judged = cross_validate(&config("lr"), &data, &folds, &run(2), &Device::flex()).unwrap();
    let truth: Vec<bool> = data.labels().iter().map(|&label| label > 0.5).collect();
    for repeat in 0..2 {
        assert_eq!(judged.pooled(repeat).unwrap().labels(), truth);
    }
    assert_ne!(judged.pooled(0).unwrap(), judged.pooled(1).unwrap());
    assert!(judged.pooled(2).is_err());
    // Each class is dealt evenly, and each row tested once a repeat.
    for fold in &judged.folds {
        assert_eq!(fold.test_rows.len(), 50);
        let n_left = fold.cases.n_positives();
        let even = truth.iter().filter(|&&left| left).count() as f64 / 4.0;
        assert!((n_left as f64 - even).abs() <= 1.0, "{n_left}");
    }
}

#[test]
fn the_answers_within_training_are_of_networks_that_had_not_seen_the_row() {
    // Noise can be learnt by heart, but not foretold.
    let mut generator = RandomKey::new(6).generator();
    let mut text = "id,left,months,plan\n".to_owned();
    for row in 0..400 {
        let left = u8::from(generator.random_bool(0.5));
        writeln!(text, "c{row},{left},{row},p{}", row % 130).unwrap();
    }
    let data = read(&text);
    let mut config = config("gam");
    config.training.max_epochs = 60;
    config.training.learning_rate = 0.1;
    config.training.patience = None;
    let trained = trained(&config, &data);
    let seen = roc_auc(&trained.model.cases(&data).unwrap()).unwrap();
    let unseen = roc_auc(&trained.out_of_fold).unwrap();
    assert!(seen > 0.75, "{seen}");
    assert!(unseen < 0.6, "{unseen}");
}

#[test]
fn probabilities_are_those_of_all_customers_whatever_is_done_about_few_leaving() {
    let data = read(&customers(1_000, 7));
    for imbalance in [
        Imbalance::Ignored,
        Imbalance::Weights { positive: None },
        Imbalance::Weights {
            positive: Some(0.2),
        },
        Imbalance::Focal { gamma: 2.0 },
    ] {
        let mut config = config("gam");
        config.imbalance = imbalance;
        config.calibration = salient::evaluation::calibration::CalibrationKind::Identity;
        config.training.max_epochs = 15;
        let cases = trained(&config, &data).out_of_fold;
        let mean = cases.probabilities().iter().sum::<f64>() / 1_000.0;
        assert!(
            (mean - data.churn_rate()).abs() < 0.03,
            "{imbalance:?}: {mean}"
        );
        assert!(log_loss(&cases).unwrap() < 0.67, "{imbalance:?}");
    }
}

#[test]
fn records_are_answered_like_rows_and_absent_columns_are_named() {
    let data = read(&customers(300, 8));
    let model = trained(&config("ft_transformer"), &data).model;
    let record = Record::from([
        ("months".to_owned(), RecordCell::Number(3.0)),
        ("plan".to_owned(), "monthly".into()),
    ]);
    let table = read("id,months,plan,left\nx,3.0,monthly,0\ny,3.0,yearly,1\n");
    let probability = model
        .predict_records([&record], AbsentColumns::Refuse)
        .unwrap()[0];
    assert_eq!(probability, model.predict_data(&table).unwrap()[0]);
    let without = Record::from([("plan".to_owned(), "monthly".into())]);
    let error = model.predict_records([&without], AbsentColumns::Refuse);
    assert!(error.unwrap_err().to_string().contains("months"));
}

#[test]
fn a_column_that_gives_the_label_away_is_caught_by_name() {
    let with = |column: &dyn Fn(usize, bool) -> String| {
        let mut text = "id,left,months,plan\n".to_owned();
        for row in 0..200 {
            let left = row % 3 == 0;
            let plan = column(row, left);
            writeln!(text, "c{row},{},{},{plan}", u8::from(left), row % 7).unwrap();
        }
        text
    };
    let is_leak = |error: TaskError| {
        let TaskError::Leak { column, label, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((column.as_str(), label.as_str()), ("plan", "left"));
    };
    is_leak(refusal(&with(&|_, left| left.to_string())));
    // A reason that only leavers have, each one of its own.
    is_leak(refusal(&with(&|row, left| match left {
        true => format!("reason{row}"),
        false => String::new(),
    })));
    // A code that is neither high nor low for leavers.
    let code = with(&|row, left| if left { 5 } else { [1, 9][row % 2] }.to_string());
    let data = read_with(
        &code,
        &options("left:label,id:group,months:number,plan:number"),
    );
    let leaks = find_leaks(&data.unwrap()).unwrap();
    assert_eq!(leaks.len(), 1);
    assert_eq!((leaks[0].column.as_str(), leaks[0].roc_auc), ("plan", 1.0));
    // What is merely telling is no leak.
    assert!(find_leaks(&read(&customers(500, 9))).unwrap().is_empty());
}

#[test]
fn customers_with_several_rows_are_refused_or_kept_together() {
    let mut text = "id,months,plan,left\n".to_owned();
    for row in 0..120 {
        writeln!(text, "c{},{row},a,{}", row / 3, u8::from(row / 3 % 2 == 0)).unwrap();
    }
    let refused = read_with(&text, &options(COLUMNS));
    let Err(Error::Task(TaskError::RepeatedId { id, first, second })) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((id.as_str(), first, second), ("c0", 1, 2));
    let several = ChurnDataOptions {
        repeated_ids: true,
        ..options(COLUMNS)
    };
    let data = read_with(&text, &several).unwrap();
    let folds = Folds::stratified(&data, 5, 1, 3).unwrap();
    let mut config = config("lr");
    config.training.max_epochs = 1;
    let judged = cross_validate(&config, &data, &folds, &run(2), &Device::flex()).unwrap();
    for fold in &judged.folds {
        let rows = &fold.test_rows;
        assert!(
            rows.iter().all(|row| rows.contains(&(row / 3 * 3))),
            "{rows:?}"
        );
    }
}

#[test]
fn tables_and_folds_that_cannot_be_learnt_from_are_refused() {
    let with = |left: &dyn Fn(usize) -> u8| {
        let mut text = "id,months,plan,left\n".to_owned();
        for row in 0..50 {
            writeln!(text, "c{row},{row},a,{}", left(row)).unwrap();
        }
        text
    };
    for class in [0, 1] {
        let error = refusal(&with(&|_| class));
        assert!(
            matches!(error, TaskError::SingleClass { class: found, n_rows: 50, .. } if found == class),
            "{error}"
        );
    }
    let one = with(&|row| u8::from(row == 7));
    let error = refusal(&one);
    assert!(
        matches!(
            error,
            TaskError::FewerThanFolds {
                class: "left",
                n_customers: 1,
                ..
            }
        ),
        "{error}"
    );
    let data = read(&one);
    assert!(Folds::stratified(&data, 1, 1, 0).is_err());
    assert!(Folds::stratified(&data, 2, 0, 0).is_err());
    let given = |folds| Folds::given(&data, folds, "by hand").unwrap_err();
    assert!(matches!(
        given(vec![vec![0; 3]]),
        TaskError::FoldRows {
            found: 3,
            n_rows: 50,
            ..
        } | TaskError::TooSmall { .. }
    ));
    let skipped = (0..50).map(|row| if row < 9 { 0 } else { 2 }).collect();
    assert_eq!(
        given(vec![skipped]),
        TaskError::EmptyFold { repeat: 0, fold: 1 }
    );
    let twice = read_with(&one, &options("left:label,plan:label=a,id:group"));
    assert!(matches!(
        twice,
        Err(Error::Task(TaskError::NotOneLabel { n_labels: 2 }))
    ));
    let mut config = config("lr");
    config.networks.clear();
    assert!(fit(&config, &read(&customers(50, 1)), &run(1), &Device::flex()).is_err());
}

#[test]
fn signs_of_currency_and_durations_below_zero_are_named_or_counted() {
    let mut text = customers(60, 11);
    text += "d1,$12.50,monthly,1\nd2, ,monthly,0\n";
    let Err(Error::Data(DataError::BadRow(bad))) = read_with(&text, &options(COLUMNS)) else {
        panic!("a sign of currency is a number");
    };
    assert_eq!(bad.rule, RowRule::UnparsableNumber);
    assert!(bad.to_string().contains("$12.50"), "{bad}");
    let mut skipping = options(COLUMNS);
    skipping.table.file = ReadOptions {
        on_bad_row: OnBadRow::Skip,
        ..ReadOptions::default()
    };
    let data = read_with(&text, &skipping).unwrap();
    assert_eq!((data.n_rows(), data.read.n_rows_skipped()), (61, 1));
    let model = trained(&config("lr"), &data);
    // The blank is a missing number, which is reported.
    assert!(model.features.to_string().contains("months (number)"));
    let duration = options("left:label,id:group,months:duration,plan:category");
    let watched = read_with(&customers(9, 1), &duration).unwrap();
    assert_eq!(watched.durations().unwrap().len(), 9);
    let negative = "id,months,plan,left\na,-1,x,0\n";
    let Err(Error::Data(DataError::BadRow(bad))) = read_with(negative, &duration) else {
        panic!("nobody was watched for less than no time");
    };
    assert_eq!(bad.rule, RowRule::DurationNegative);
}
