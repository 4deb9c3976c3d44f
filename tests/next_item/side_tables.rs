use burn::tensor::Device;
use salient::Error;
use salient::data::{
    Attribute, AttributeCells, AttributeTable, InteractionRow, Interactions, Split, SplitRule,
};
use salient::evaluation::ranking::{
    Candidates, RankingCase, RankingMetric, RankingSettings, Scorer, evaluate_ranking,
};
use salient::tasks::TaskError;
use salient::tasks::next_item::{
    ContentConfig, ContentFusion, HiddenItems, NextItemConfig, NextItemData, NextItemSources,
    RecommendOptions, Recommender, UserHistory,
};
use salient::training::Trainer;
use tempfile::tempdir;

use super::{config, run};

/// Items of six shelves; whoever takes one of a shelf takes one of the next shelf afterwards, whichever.
const N_SHELVES: usize = 6;
const N_ITEMS: usize = 90;

/// A number that looks random.
fn scrambled(x: usize) -> usize {
    (x.wrapping_mul(2_654_435_761) >> 7) ^ (x.wrapping_mul(40_503) >> 3)
}

fn shelves() -> Interactions {
    let rows = (0..400).flat_map(|user| {
        (0..10).map(move |step| {
            let shelf = (user + step) % N_SHELVES;
            let item = shelf + N_SHELVES * (scrambled(user * 31 + step) % (N_ITEMS / N_SHELVES));
            InteractionRow {
                user: format!("user {user}"),
                item: format!("item {item}"),
                time_utc_millis: 1_000 * step as i64,
                ..InteractionRow::default()
            }
        })
    });
    Interactions::from_rows(rows.collect::<Vec<_>>()).unwrap()
}

/// The shelf of each item, as a category, among several values and as a vector; and a price that says nothing.
fn items() -> AttributeTable {
    let shelf = |item: usize| item % N_SHELVES;
    let all = || 0..N_ITEMS;
    let names: Vec<String> = all().map(|item| format!("shelf {}", shelf(item))).collect();
    let columns = vec![
        Attribute::new("shelf", AttributeCells::category(names.iter().map(Some))),
        Attribute::new(
            "tags",
            AttributeCells::categories(names.iter().zip(all()).map(|(name, item)| {
                match item % 3 {
                    0 => vec![],
                    1 => vec![name.as_str()],
                    _ => vec![name.as_str(), "sale"],
                }
            })),
        ),
        Attribute::new(
            "price",
            AttributeCells::Number(
                all()
                    .map(|item| (item % 7 > 0).then_some(scrambled(item) as f64 % 50.0))
                    .collect(),
            ),
        ),
    ];
    AttributeTable::from_columns(all().map(|item| format!("item {item}")).collect(), columns)
        .unwrap()
}

fn data(hidden: Option<HiddenItems>) -> NextItemData {
    let log = shelves();
    let split = Split::new(&log, SplitRule::LeaveOneOut).unwrap();
    let sources = NextItemSources {
        items: Some(&items()),
        hidden_items: hidden,
        ..NextItemSources::default()
    };
    NextItemData::with_sources(&log, &split, &sources).unwrap()
}

const HIDDEN: HiddenItems = HiddenItems {
    fraction: 0.2,
    seed: 5,
};

fn with_content(fusion: ContentFusion, max_epochs: usize) -> NextItemConfig {
    NextItemConfig {
        content: Some(ContentConfig {
            fusion,
            id_dropout: 0.2,
        }),
        ..config(max_epochs)
    }
}

#[test]
fn hidden_items_leave_training_but_not_the_catalogue() {
    let data = data(Some(HIDDEN));
    assert_eq!(data.n_items(), N_ITEMS);
    assert_eq!(data.hidden_items.len(), 18);
    for &item in &data.hidden_items {
        assert_eq!(data.item_counts[item as usize], 0);
        assert!(!data.train.items.contains(&(item + 2)));
    }
    let asks = |items: &[u32]| items.iter().any(|item| data.hidden_items.contains(item));
    assert!(data.test.iter().any(|case| asks(&case.targets)));
    assert!(data.test.iter().any(|case| asks(&case.history)));
    // Another seed hides others.
    let other = self::data(Some(HiddenItems { seed: 6, ..HIDDEN }));
    let names = |data: &NextItemData| {
        let names = data
            .hidden_items
            .iter()
            .map(|&item| data.catalogue.ids()[item as usize].clone());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    assert_ne!(names(&data), names(&other));
}

#[test]
fn content_ranks_items_that_nobody_has_met() {
    let data = data(Some(HIDDEN));
    let cold: Vec<_> = data
        .test
        .iter()
        .filter(|case| {
            case.targets
                .iter()
                .any(|item| data.hidden_items.contains(item))
        })
        .cloned()
        .collect();
    let k = 3;
    let settings = RankingSettings {
        cutoffs: vec![k],
        candidates: Candidates::AllowList(data.hidden_items.as_slice().into()),
        ..RankingSettings::default()
    };
    let recall = |scorer: &dyn Scorer| {
        let report = evaluate_ranking(&cold, scorer, &settings).unwrap();
        report.mean(RankingMetric::Recall, k).unwrap()
    };
    let by_chance = k as f64 / data.hidden_items.len() as f64;
    for fusion in [
        ContentFusion::Sum,
        ContentFusion::Concatenation,
        ContentFusion::CrossAttention,
    ] {
        let trained = run(&with_content(fusion, 12), &data);
        let found = recall(&trained.model.scorer());
        assert!(
            found > 3.0 * by_chance,
            "{fusion:?}: {found}, by chance {by_chance}"
        );
    }
    // Without content all of them have one vector, so none is before another.
    let ids_alone = run(&config(3), &data);
    assert_eq!(recall(&ids_alone.model.scorer()), 0.0);
}

#[test]
fn content_comes_back_from_a_file() {
    let data = data(Some(HIDDEN));
    for fusion in [ContentFusion::Sum, ContentFusion::CrossAttention] {
        let model = run(&with_content(fusion, 1), &data).model;
        let directory = tempdir().unwrap();
        model.save(directory.path(), &()).unwrap();
        let loaded = Recommender::load(directory.path()).unwrap();
        let history = ["item 3", "item 10", "item 17"];
        let options = RecommendOptions::default();
        assert_eq!(
            model.recommend(&history, 20, &options).unwrap(),
            loaded.recommend(&history, 20, &options).unwrap()
        );
        // A part that is missing is refused by name.
        std::fs::remove_file(directory.path().join("item_content.safetensors")).unwrap();
        let error = Recommender::load(directory.path()).unwrap_err();
        assert!(
            error.to_string().contains("item_content.safetensors"),
            "{error}"
        );
    }
}

#[test]
fn content_and_a_table_of_its_own_are_refused_together() {
    let config = NextItemConfig {
        item_table: salient::tasks::next_item::ItemTable::Separate,
        ..with_content(ContentFusion::Sum, 1)
    };
    let error = config.validate().unwrap_err();
    assert!(matches!(
        error,
        TaskError::Conflict {
            setting: "content",
            ..
        }
    ));
    let config = NextItemConfig {
        content: Some(ContentConfig {
            id_dropout: 1.0,
            ..ContentConfig::default()
        }),
        ..config
    };
    let message = config.validate().unwrap_err().to_string();
    assert_eq!(message, "content.id_dropout is 1: it must lie in [0, 1)");
}

/// Everybody starts alike; what comes then depends on the person's country alone.
fn countries() -> (Interactions, AttributeTable) {
    const COUNTRIES: [&str; 3] = ["de", "fr", "it"];
    let rows = (0..300).flat_map(|user| {
        let second = format!("{} {}", COUNTRIES[user % 3], scrambled(user * 17) % 4);
        [(0, "start".to_owned()), (1_000, second)].map(|(time_utc_millis, item)| InteractionRow {
            user: format!("user {user}"),
            item,
            time_utc_millis,
            ..InteractionRow::default()
        })
    });
    let log = Interactions::from_rows(rows.collect::<Vec<_>>()).unwrap();
    (log, users(300, |user| COUNTRIES[user % COUNTRIES.len()]))
}

fn users(n_users: usize, country: impl Fn(usize) -> &'static str) -> AttributeTable {
    let cells = AttributeCells::category((0..n_users).map(|user| Some(country(user))));
    let age = AttributeCells::Number((0..n_users).map(|user| Some((user % 50) as f64)).collect());
    AttributeTable::from_columns(
        (0..n_users).map(|user| format!("user {user}")).collect(),
        vec![Attribute::new("country", cells), Attribute::new("age", age)],
    )
    .unwrap()
}

#[test]
fn attributes_of_a_user_decide_where_the_history_does_not() {
    let (log, users) = countries();
    let rule = SplitRule::ByUser {
        validation_fraction: 0.15,
        test_fraction: 0.15,
        seed: 1,
    };
    let split = Split::new(&log, rule).unwrap();
    let sources = NextItemSources {
        users: Some(&users),
        ..NextItemSources::default()
    };
    let data = NextItemData::with_sources(&log, &split, &sources).unwrap();
    for preset in ["sasrec", "hstu", "bert4rec"] {
        let config = NextItemConfig {
            user_attributes: true,
            // Little is left to chance where everything is told.
            dropout: 0.0,
            ..super::recipes::small(preset, if preset == "bert4rec" { 60 } else { 20 })
        };
        let model = run(&config, &data).model;
        let directory = tempdir().unwrap();
        model.save(directory.path(), &()).unwrap();
        let model = Recommender::load_on(directory.path(), &Device::flex()).unwrap();
        for country in ["de", "fr", "it"] {
            let mut history = UserHistory::of_items(&["start"]);
            history.events[0].time_utc_millis = Some(0);
            history.asked_at_utc_millis = Some(1_000);
            history.attributes = Some(self::users(1, |_| country));
            let answer = model
                .recommend_to(&history, 4, &RecommendOptions::default())
                .unwrap();
            let n_right = answer
                .items
                .iter()
                .filter(|item| item.id.starts_with(country))
                .count();
            assert!(n_right >= 3, "{preset}, {country}: {:?}", answer.items);
        }
        // Of whom nothing is known gets an answer too.
        let mut history = UserHistory::of_items(&["start"]);
        history.events[0].time_utc_millis = Some(0);
        assert_eq!(
            model
                .recommend_to(&history, 4, &RecommendOptions::default())
                .unwrap()
                .items
                .len(),
            4
        );
        // An evaluation needs the users of its cases.
        let settings = RankingSettings {
            cutoffs: vec![4],
            ..RankingSettings::default()
        };
        let report = evaluate_ranking(&data.test, &model.scorer_for(&data).unwrap(), &settings);
        assert!(report.unwrap().mean(RankingMetric::HitRate, 4).unwrap() > 0.8);
        let error = evaluate_ranking(&data.test, &model.scorer(), &settings).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("user_attributes"), "{cause}");
    }
}

#[test]
fn attributes_in_other_numbers_than_the_model_reads_are_refused() {
    let (log, users) = countries();
    // Two events a user are too few to hold any out.
    let split = Split::new(&log, SplitRule::LeaveOneOut).unwrap();
    let numbered = |table: &AttributeTable| {
        let sources = NextItemSources {
            users: Some(table),
            ..NextItemSources::default()
        };
        NextItemData::with_sources(&log, &split, &sources).unwrap()
    };
    let config = NextItemConfig {
        user_attributes: true,
        ..config(1)
    };
    let model = run(&config, &numbered(&users)).model;
    let others = numbered(&self::users(300, |user| ["xx", "yy"][user % 2]));
    let error = model.scorer_for(&others).unwrap_err();
    assert_eq!(error, TaskError::OtherSchema { what: "users" });
    let trainer = Trainer::new(config.training.clone());
    let error = model
        .fit_more(&others, trainer, &Device::flex())
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Task(TaskError::OtherSchema { what: "users" })
    ));
    // Cases without a history are answered by popularity, with or without attributes.
    let data = numbered(&users);
    let scorer = model.scorer_for(&data).unwrap();
    let nobody = vec![RankingCase::default(); 2];
    let mut scores = vec![0.0; 2 * data.n_items()];
    scorer.score(&nobody, &mut scores).unwrap();
    assert_eq!(scores[..data.n_items()], scores[data.n_items()..]);
    assert!(scores.iter().any(|score| *score > 0.0));
    // A user whom the table does not have.
    let stranger = RankingCase {
        user: Some(300),
        history: vec![0],
        ..RankingCase::default()
    };
    let mut scores = vec![0.0; data.n_items()];
    let error = scorer.score(&[stranger], &mut scores).unwrap_err();
    assert_eq!(
        error.to_string(),
        "case 0: user 300 is outside 300 rows of user attributes"
    );
}
