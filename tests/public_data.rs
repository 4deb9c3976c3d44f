//! Public data sets are read as their publishers describe them, and give the figures that are known for them.
//!
//! They are no part of the repository. `SALIENT_DATA` names a folder that holds one folder for each:
//! `cargo test --release --test promises public_data:: -- --ignored`.

use std::path::PathBuf;
use std::time::Duration;

use burn::tensor::Device;
use salient::baselines::{
    Ease, EaseConfig, ItemKnn, ItemKnnConfig, MatrixFactorisation, MatrixFactorisationConfig,
    Popularity, PopularityConfig, TrainingHistory,
};
use salient::data::{
    AttributeCells, AttributeOptions, AttributeTable, ChurnRule, InteractionFilter,
    InteractionSchema, Interactions, ReadOptions, Split, SplitRule, read_interactions,
};
use salient::evaluation::ranking::{
    RankingCase, RankingMetric, RankingSettings, Scorer, ScorerError, evaluate_ranking,
};
use salient::features::{AttributeSchema, EncodedColumn, EncodingRule};
use salient::tasks::next_item::{NextItemConfig, NextItemData, fit};
use salient::training::{Trainer, TrainingConfig};

fn path(name: &str) -> PathBuf {
    let folder = std::env::var_os("SALIENT_DATA").expect("SALIENT_DATA names no folder");
    PathBuf::from(folder).join(name)
}

fn movielens() -> Interactions {
    let schema = InteractionSchema {
        time: Some("timestamp:float".into()),
        weight: Some("rating:float".into()),
        ..InteractionSchema::new("user_id:token", "item_id:token")
    };
    let file = path("movielens-100k/ml-100k.inter.gz");
    let (log, summary) = read_interactions(file, &schema, &ReadOptions::default()).unwrap();
    assert_eq!((summary.n_rows_read, summary.skipped.len()), (100_000, 0));
    log
}

fn movielens_data() -> NextItemData {
    let log = movielens();
    let split = Split::new(&log, SplitRule::LeaveOneOut).unwrap();
    NextItemData::new(&log, &split).unwrap()
}

/// NDCG at 10 on the test cases, items of the history left out.
fn ndcg_at_10(data: &NextItemData, scorer: &impl Scorer) -> f64 {
    ndcg_at_10_on(&data.test, scorer)
}

fn ndcg_at_10_on(cases: &[RankingCase], scorer: &impl Scorer) -> f64 {
    let settings = RankingSettings {
        interval: None,
        ..RankingSettings::default()
    };
    let report = evaluate_ranking(cases, scorer, &settings).unwrap();
    report.mean(RankingMetric::Ndcg, 10).unwrap()
}

#[test]
#[ignore = "needs SALIENT_DATA"]
fn movielens_100k_has_its_published_counts() {
    let log = movielens();
    assert_eq!(
        (log.n_rows(), log.n_users(), log.n_items()),
        (100_000, 943, 1_682)
    );
    let ratings = log.weights().unwrap();
    assert!(ratings.iter().all(|rating| (1.0..=5.0).contains(rating)));
    // September 1997 to April 1998.
    let times = log.times_utc_millis();
    assert_eq!(times.iter().min(), Some(&874_724_710_000));
    assert_eq!(times.iter().max(), Some(&893_286_638_000));
    let data = movielens_data();
    assert_eq!((data.test.len(), data.validation.len()), (943, 943));
}

#[test]
#[ignore = "needs SALIENT_DATA"]
fn popularity_on_movielens_100k_is_where_it_is_known_to_be() {
    let data = movielens_data();
    let sequences = data.train.catalogue_sequences();
    let histories: Vec<TrainingHistory<'_>> = sequences
        .iter()
        .map(|items| items.as_slice().into())
        .collect();
    let popularity =
        Popularity::fit(&histories, data.n_items(), &PopularityConfig::default()).unwrap();
    let found = ndcg_at_10(&data, &popularity);
    assert!((0.040..0.050).contains(&found), "{found}");
}

#[test]
#[ignore = "needs SALIENT_DATA"]
fn the_defaults_of_baselines_give_the_validation_figures_of_their_docs() {
    let data = movielens_data();
    let sequences = data.train.catalogue_sequences();
    let histories: Vec<TrainingHistory<'_>> = sequences
        .iter()
        .map(|items| items.as_slice().into())
        .collect();
    let n_items = data.n_items();
    let ease = Ease::fit(&histories, n_items, &EaseConfig::default()).unwrap();
    let knn = ItemKnn::fit(&histories, n_items, &ItemKnnConfig::default()).unwrap();
    let config = MatrixFactorisationConfig::default();
    let factorised = MatrixFactorisation::fit(&histories, n_items, &config).unwrap();
    let scorers: [(&dyn Scorer, f64); 3] = [(&ease, 0.1255), (&knn, 0.1193), (&factorised, 0.1153)];
    for (scorer, stated) in scorers {
        let found = ndcg_at_10_on(&data.validation, &scorer);
        let name = scorer.name();
        assert!((found - stated).abs() < 1e-3, "{name}: {found} {stated}");
    }
}

/// Likes all items alike.
struct Constant(usize);

impl Scorer for Constant {
    fn name(&self) -> &str {
        "constant"
    }

    fn n_items(&self) -> usize {
        self.0
    }

    fn score(&self, _: &[RankingCase], scores: &mut [f32]) -> Result<(), ScorerError> {
        scores.fill(0.0);
        Ok(())
    }
}

#[test]
#[ignore = "needs SALIENT_DATA"]
fn two_epochs_on_movielens_100k_beat_a_constant() {
    let data = movielens_data();
    let config = NextItemConfig {
        d_model: 16,
        d_ff: 16,
        max_len: 50,
        training: TrainingConfig {
            max_epochs: 2,
            batch_size: 32,
            ..NextItemConfig::default().training
        },
        ..NextItemConfig::default()
    };
    let trainer = Trainer::new(config.training.clone());
    let trained = fit(&config, &data, trainer, &Device::flex()).unwrap();
    let found = ndcg_at_10(&data, &trained.model.scorer());
    let constant = ndcg_at_10(&data, &Constant(data.n_items()));
    assert!(constant < 0.005, "ties gain nothing: {constant}");
    assert!(found > constant + 0.005, "{found} against {constant}");
}

#[test]
#[ignore = "needs SALIENT_DATA"]
fn movielens_100k_items_have_their_genres() {
    let file = path("movielens-100k/ml-100k.item.gz");
    let (items, summary) = AttributeTable::read(file, &AttributeOptions::new("item_id")).unwrap();
    assert_eq!((items.n_rows(), summary.read.n_rows_read), (1_682, 1_682));
    let left_out: Vec<String> = summary.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(
        left_out,
        [
            "column \"movie_title:token_seq\" is left out: 2652 different values among 4878 are too many for a category; name the column to keep it"
        ]
    );
    let toy_story = items.index_of("1").unwrap();
    let AttributeCells::Categories(genres) = &items.column("class").unwrap().cells else {
        panic!("{:?}", items.columns());
    };
    let of = |row: usize| -> Vec<&str> {
        let values = genres.row(row).iter();
        values
            .map(|&value| genres.values()[value as usize].as_str())
            .collect()
    };
    assert_eq!(of(toy_story), ["Animation", "Children's", "Comedy"]);
    // Counted by awk, `unknown` included.
    assert_eq!((genres.values().len(), genres.n_cells()), (19, 2_893));
    let n_dramas = (0..items.n_rows()).filter(|&row| of(row).contains(&"Drama"));
    assert_eq!(n_dramas.count(), 725);

    // All items of the log are known, and drama, the most frequent genre, has the first number.
    let log = movielens();
    let ids = || log.item_ids().iter().map(String::as_str);
    assert_eq!(items.n_absent(ids()), 0);
    let schema = AttributeSchema::fit(&items, ids()).unwrap();
    let encoded = schema.encode(&items, ids()).unwrap();
    let EncodedColumn::Categories {
        n_values, numbers, ..
    } = &encoded.columns[1]
    else {
        panic!("{:?}", schema.columns());
    };
    assert_eq!((*n_values, numbers.len()), (20, 2_893));
    assert_eq!(numbers.iter().filter(|&&number| number == 1).count(), 725);
}

#[test]
#[ignore = "needs SALIENT_DATA"]
fn movielens_100k_users_have_their_ages() {
    let options = AttributeOptions {
        columns: Some(vec![
            "age:number".parse().unwrap(),
            "gender:category".parse().unwrap(),
            "occupation:category".parse().unwrap(),
        ]),
        ..AttributeOptions::new("user_id")
    };
    let file = path("movielens-100k/ml-100k.user.gz");
    let (users, _) = AttributeTable::read(file, &options).unwrap();
    assert_eq!(users.n_rows(), 943);
    let ids = users.ids().iter().map(String::as_str);
    let schema = AttributeSchema::fit(&users, ids).unwrap();
    // Counted by awk: 670 men, 273 women; 21 occupations; a mean age of 34.05.
    let EncodingRule::Number { mean, .. } = schema.columns()[0].rule else {
        panic!("{schema:?}");
    };
    assert!((34.04..34.06).contains(&mean), "{mean}");
    let EncodingRule::Category { values } = &schema.columns()[1].rule else {
        panic!("{schema:?}");
    };
    assert_eq!(values, &["M", "F"]);
    let EncodingRule::Category { values } = &schema.columns()[2].rule else {
        panic!("{schema:?}");
    };
    assert_eq!(values.len(), 21);
}

#[test]
#[ignore = "needs SALIENT_DATA"]
fn taobao_is_read_and_filtered_by_event() {
    let schema = InteractionSchema {
        time: Some("timestamp".into()),
        event: Some("behavior".into()),
        ..InteractionSchema::new("user_id", "item_id")
    };
    let file = path("taobao-userbehavior/user_behavior.csv.gz");
    let (log, _) = read_interactions(file, &schema, &ReadOptions::default()).unwrap();
    assert_eq!(
        (log.n_rows(), log.n_users(), log.n_items()),
        (84_475, 815, 55_368)
    );
    let filter = InteractionFilter {
        events: Some(vec!["buy".to_owned(), "cart".to_owned()]),
        ..InteractionFilter::default()
    };
    let (kept, summary) = filter.apply(log).unwrap();
    assert_eq!(kept.n_rows(), 1_750 + 4_497);
    assert_eq!(summary.n_dropped_by_event, 75_872 + 2_356);
    let mut names: Vec<&str> = kept
        .events()
        .unwrap()
        .iter()
        .map(|&event| kept.event_names()[usize::from(event)].as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["buy", "cart"]);
}

#[test]
#[ignore = "needs SALIENT_DATA"]
fn diginetica_is_read_by_session() {
    let schema = InteractionSchema {
        time: Some("eventdate".into()),
        tie_break: Some("timeframe".into()),
        ..InteractionSchema::new("session_id", "item_id")
    };
    let options = ReadOptions {
        delimiter: Some(";".parse().unwrap()),
        ..ReadOptions::default()
    };
    let file = path("diginetica-sample/train-item-views.csv.gz");
    let (log, _) = read_interactions(file, &schema, &options).unwrap();
    assert_eq!((log.n_rows(), log.n_users()), (12_391, 2_986));
    // The file is not in the order of time: within a day, the milliseconds since the session began decide.
    assert_eq!(log.user_id(0), "1");
    let session: Vec<&str> = log
        .user_range(0)
        .map(|row| log.item_id(log.items()[row]))
        .collect();
    assert_eq!(
        session,
        [
            "9654", "33043", "32118", "12352", "35077", "36118", "81766", "129055", "31331",
            "32627"
        ]
    );
}

#[test]
#[ignore = "needs SALIENT_DATA"]
fn cdnow_has_the_customers_and_the_churn_that_are_counted_in_it() {
    let schema = InteractionSchema {
        time: Some("date".into()),
        weight: Some("dollar_value".into()),
        time_format: "%Y%m%d".parse().unwrap(),
        ..InteractionSchema::new("customer_id", "number_of_cds")
    };
    let options = ReadOptions {
        delimiter: Some("whitespace".parse().unwrap()),
        ..ReadOptions::default()
    };
    let file = path("cdnow/CDNOW_master.txt.gz");
    let (log, summary) = read_interactions(file, &schema, &options).unwrap();
    assert_eq!((summary.n_rows_read, log.n_users()), (69_659, 23_570));
    let dollars: f64 = log.weights().unwrap().iter().map(|&w| f64::from(w)).sum();
    assert!((dollars - 2_500_315.63).abs() < 0.1, "{dollars}");

    let day = 86_400_000;
    let days = |n: u64| Duration::from_secs(86_400 * n);
    // 30 September 1997: 39 weeks to look back, and as many to wait for another purchase. Counted by a script.
    let rule = ChurnRule::new(days(273), vec![10_134 * day]);
    let churn = rule.apply(&log, None).unwrap();
    let summary = &churn.summary;
    assert_eq!((summary.n_rows(), summary.n_churned()), (23_570, 16_512));
    assert_eq!((summary.n_one_event, summary.n_tied), (13_954, 2_068));
    // 31 March 1998, those with a purchase in the 180 days before.
    let rule = ChurnRule {
        active_within: Some(days(180)),
        ..ChurnRule::new(days(91), vec![10_316 * day])
    };
    let summary = rule.apply(&log, None).unwrap().summary;
    assert_eq!((summary.n_rows(), summary.n_churned()), (6_055, 3_715));
    assert_eq!(summary.cut_offs[0].n_inactive, 23_570 - 6_055);
}
