use std::fmt::Write as _;

use proptest::prelude::*;
use salient::Error;
use salient::data::{
    AbsentColumns, DataError, OtherColumns, ReadOptions, Record, RecordCell, RowRule, TableColumn,
    TableOptions, TableParts, TableSource,
};
use salient::evaluation::calibration::CalibrationKind;
use salient::features::tabular::{FieldConfig, TabularConfig};
use salient::model::ModelError;
use salient::tasks::ctr::{CtrConfig, CtrData, CtrDataOptions, CtrModel, CtrSources, PRESETS, fit};
use salient::training::{Schedule, Trainer};

use super::{Files, config, data, options, record, trained};

fn read(text: &str, columns: &str) -> Result<CtrData, Error> {
    let files = Files::new();
    let sources = CtrSources::Given {
        train: TableSource::File(files.write("train.csv", text)),
        valid: None,
        test: None,
    };
    let options = CtrDataOptions {
        table: TableOptions::new(TableColumn::list(columns).unwrap()),
        ..CtrDataOptions::default()
    };
    CtrData::read(&sources, &options)
}

/// Settings for rows without any for validation.
fn unvalidated(preset: &str) -> CtrConfig {
    let mut config = config(preset);
    config.training.schedule = Schedule::Constant;
    config.training.patience = None;
    config.training.max_epochs = 1;
    config.training.batch_size = 8;
    config.calibration = CalibrationKind::Identity;
    config
}

fn assert_probabilities(found: &[f64], n: usize) {
    assert_eq!(found.len(), n);
    assert!(found.iter().all(|p| (0.0..=1.0).contains(p)), "{found:?}");
}

#[test]
fn unseen_values_and_empty_strings_have_a_probability() {
    let files = Files::new();
    let data = data(&files, 600, &options());
    for preset in ["fm", "din"] {
        let model = trained(&config(preset), &data).model;
        let mut unseen = record("never seen", 0.5);
        unseen.insert("seen".into(), "ad0 never before".into());
        let empty = Record::from(["ad", "price", "seen"].map(|name| (name.to_owned(), "".into())));
        let missing = empty.keys().map(|name| (name.clone(), RecordCell::Missing));
        let records = [unseen, missing.collect(), empty];
        let found = model.predict_records(&records, AbsentColumns::Refuse);
        let found = found.unwrap().probabilities;
        assert_probabilities(&found, 3);
        assert_eq!(found[1], found[2], "an empty text is a missing value");
    }
}

#[test]
fn a_row_with_another_number_of_columns_is_named() {
    let error = read("click,ad\n1,a\n0,b,c\n", "click:label,ad:category").unwrap_err();
    let Error::Data(DataError::BadRow(bad)) = &error else {
        panic!("{error:?}");
    };
    let rule = RowRule::WrongColumnCount {
        found: 3,
        expected: 2,
    };
    assert_eq!((bad.place.to_string(), &bad.rule), ("line 3".into(), &rule));
}

#[test]
fn a_label_that_is_neither_yes_nor_no_is_named() {
    let error = read("click,ad\n1,a\n2,b\n", "click:label,ad:category").unwrap_err();
    let Error::Data(DataError::BadRow(bad)) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (bad.place.to_string(), bad.column.as_deref(), &bad.rule),
        ("line 3".into(), Some("click"), &RowRule::NotALabel)
    );
}

#[test]
fn columns_without_a_value_are_warned_of_and_predicted_with() {
    let mut text = "click,ad,none,gap,tags\n".to_owned();
    (0..40).for_each(|row| writeln!(text, "{},ad{},,,", row % 2, row % 3).unwrap());
    let columns = "click:label,ad:category,none:category,gap:number,tags:categories=|";
    let data = read(&text, columns).unwrap();
    assert_eq!(data.features.warnings().len(), 3);
    let config = unvalidated("autoint_plus");
    let model = trained(&config, &data).model;
    let record = Record::from([
        ("ad".to_owned(), "ad1".into()),
        ("none".to_owned(), "now there".into()),
        ("gap".to_owned(), 3.5.into()),
        ("tags".to_owned(), "x|y".into()),
    ]);
    let found = model.predict_records(&[record], AbsentColumns::Refuse);
    assert_probabilities(&found.unwrap().probabilities, 1);
}

#[test]
fn a_column_that_a_later_file_lacks_is_named() {
    let files = Files::new();
    let data = data(&files, 600, &options());
    let model = trained(&config("lr"), &data).model;
    let path = files.write("later.csv", "ad,seen\nad1,ad0\n");
    let error = model
        .schema()
        .read(path, TableParts::Inputs, &ReadOptions::default())
        .unwrap_err();
    assert!(
        matches!(&error, Error::Data(DataError::MissingColumn { asked, .. }) if asked == "price"),
        "{error:?}"
    );
}

/// The roles of the columns that [`AnyRow`] has beside the label and the item.
const ROLES: [&str; 6] = [
    "code:category",
    "price:number",
    "tags:categories=|",
    "seen:history=item;times=when",
    "own:history",
    "user:group",
];

#[derive(Clone, Debug)]
struct AnyRow {
    item: String,
    code: String,
    price: Option<f64>,
    tags: Vec<String>,
    seen: Vec<String>,
    own: Vec<String>,
    at: i64,
}

/// Rows with values of this pattern.
fn any_row(value: &'static str) -> impl Strategy<Value = AnyRow> {
    let values = || prop::collection::vec(value, 0..5);
    let price = prop::option::of(-1e6..1e6);
    (
        value,
        value,
        price,
        values(),
        values(),
        values(),
        0..i64::from(i32::MAX),
    )
        .prop_map(|(item, code, price, tags, mut seen, own, at)| {
            seen.retain(|item| !item.is_empty());
            let at = at + 100;
            AnyRow {
                item,
                code,
                price,
                tags,
                seen,
                own,
                at,
            }
        })
}

const HEADER: &str = "y,item,code,price,tags,seen,when,own,user,at\n";

impl AnyRow {
    fn when(&self) -> String {
        let times = (0..self.seen.len()).map(|place| (self.at - 99 + place as i64).to_string());
        times.collect::<Vec<_>>().join(" ")
    }

    fn line(&self, label: usize) -> String {
        let price = self.price.map(|price| price.to_string());
        format!(
            "{label},{},{},{},{},{},{},{},u{label},{}\n",
            self.item,
            self.code,
            price.unwrap_or_default(),
            self.tags.join("|"),
            self.seen.join(" "),
            self.when(),
            self.own.join(" "),
            self.at
        )
    }

    fn record(&self) -> Record {
        let list = |values: &[String]| {
            RecordCell::List(
                values
                    .iter()
                    .map(|value| RecordCell::from(value.as_str()))
                    .collect(),
            )
        };
        Record::from([
            ("item".to_owned(), self.item.as_str().into()),
            ("code".to_owned(), self.code.as_str().into()),
            (
                "price".to_owned(),
                self.price.map_or(RecordCell::Missing, RecordCell::from),
            ),
            ("tags".to_owned(), list(&self.tags)),
            ("seen".to_owned(), list(&self.seen)),
            ("when".to_owned(), self.when().as_str().into()),
            ("own".to_owned(), list(&self.own)),
            ("at".to_owned(), self.at.into()),
        ])
    }
}

/// Trains a model of a preset on rows; none where the preset needs a history that there is not.
fn model_of(
    files: &Files,
    preset: &str,
    rows: &[AnyRow],
    options: &CtrDataOptions,
) -> Option<CtrModel> {
    let lines = rows.iter().enumerate().map(|(row, any)| any.line(row % 2));
    let text = HEADER.to_owned() + &lines.collect::<String>();
    let sources = CtrSources::Given {
        train: TableSource::File(files.write("train.csv", &text)),
        valid: None,
        test: None,
    };
    let data = CtrData::read(&sources, options).unwrap();
    let config = unvalidated(preset);
    let device = salient::device::pick("flex").unwrap();
    let trainer = Trainer::new(config.training.clone());
    match fit(&config, &data, trainer, &device) {
        Ok(trained) => Some(trained.model),
        Err(Error::Model(ModelError::NoHistory { .. })) => None,
        Err(error) => panic!("{preset}: {error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever a schema holds and whatever values come later, no id is beyond its table.
    #[test]
    fn no_value_is_out_of_range_in_a_prediction(
        has_role in prop::array::uniform6(any::<bool>()),
        has_time in any::<bool>(),
        preset in prop::sample::select(PRESETS.to_vec()),
        min_count in 1..4_u64,
        n_buckets in prop::option::of(1..9_usize),
        max_history in 1..4_usize,
        rows in prop::collection::vec(any_row("[a-d]?"), 4..24),
        asked in prop::collection::vec(any_row("[a-zé]{0,2}"), 1..12),
    ) {
        let mut columns = "y:label,item:category".to_owned();
        for (role, _) in ROLES.iter().zip(has_role).filter(|(_, has_role)| *has_role) {
            // Times of a history are held against the time of its row.
            let role = if has_time { role } else { role.trim_end_matches(";times=when") };
            write!(columns, ",{role}").unwrap();
        }
        if has_time {
            columns.push_str(",at:time");
        }
        let options = CtrDataOptions {
            table: TableOptions {
                others: OtherColumns::Ignore,
                ..TableOptions::new(TableColumn::list(&columns).unwrap())
            },
            features: TabularConfig {
                defaults: FieldConfig { min_count, n_buckets, ..FieldConfig::default() },
                max_history,
                ..TabularConfig::default()
            },
            ..CtrDataOptions::default()
        };
        let files = Files::new();
        if let Some(model) = model_of(&files, preset, &rows, &options) {
            let lines: String = asked.iter().map(|any| any.line(0)).collect();
            let path = files.write("asked.csv", &(HEADER.to_owned() + &lines));
            let read = ReadOptions::default();
            let (encoded, _) = model.schema().read(path, TableParts::Inputs, &read).unwrap();
            let of_file = model.predict(&encoded).unwrap().probabilities;
            assert_probabilities(&of_file, asked.len());
            let records: Vec<Record> = asked.iter().map(AnyRow::record).collect();
            let of_records = model.predict_records(&records, AbsentColumns::Refuse).unwrap();
            prop_assert_eq!(of_file, of_records.probabilities);
        } else {
            prop_assert!(["din", "bst"].contains(&preset) && !has_role[3], "{}", preset);
        }
    }
}
