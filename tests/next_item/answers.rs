//! What a recommender answers, and how it says what it could not use.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use salient::Error;
use salient::evaluation::ranking::{RankingCase, RankingSettings, Scorer, evaluate_ranking};
use salient::random::Mode;
use salient::sequence::Offsets;
use salient::tasks::TaskError;
use salient::tasks::next_item::{
    Histories, NextItemConfig, RecommendOptions, Recommendation, Recommender, ScoreSource,
};

use super::{config, first_items, recommender, run, shop_data};
use crate::support::{assert_close, values};

/// A recommender that reads the last 5 events.
static SHORT: LazyLock<Recommender> = LazyLock::new(|| {
    let config = NextItemConfig {
        max_len: 5,
        ..config(3)
    };
    run(&config, &shop_data()).model
});

static SHOP: LazyLock<Recommender> = LazyLock::new(|| recommender(3));

fn keep_seen() -> RecommendOptions {
    RecommendOptions {
        keep_seen: true,
        ..RecommendOptions::default()
    }
}

fn ids(answer: &Recommendation) -> Vec<&str> {
    answer.items.iter().map(|item| item.id.as_str()).collect()
}

fn refused(history: &[&str], k: usize, options: &RecommendOptions) -> (TaskError, String) {
    match SHOP.recommend(history, k, options).unwrap_err() {
        Error::Task(error) => {
            let message = error.to_string();
            (error, message)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_come_best_first_and_as_many_as_asked_for() {
    let history = first_items(&SHOP, 4);
    let n_items = SHOP.catalogue().n_real();
    let all = SHOP.recommend(&history, n_items, &keep_seen()).unwrap();
    assert_eq!(all.items.len(), n_items);
    assert_eq!((all.source, all.n_unknown_events), (ScoreSource::Model, 0));
    assert!(all.items.windows(2).all(|w| w[0].score >= w[1].score));
    assert_eq!(ids(&all).iter().collect::<BTreeSet<_>>().len(), n_items);
    for k in [1, 2, 10, n_items - 1] {
        let some = SHOP.recommend(&history, k, &keep_seen()).unwrap();
        assert_eq!(some.items, all.items[..k]);
    }
}

#[test]
fn a_recommender_answers_many_threads_alike() {
    let history = first_items(&SHOP, 6);
    let ask = || {
        SHOP.recommend(&history, 7, &RecommendOptions::default())
            .unwrap()
    };
    let expected = ask();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), expected);
        }
    });
}

#[test]
fn asking_for_none_or_for_more_than_there_are_is_refused() {
    let (error, message) = refused(&[], 0, &RecommendOptions::default());
    assert_eq!(
        error,
        TaskError::TooSmall {
            setting: "k",
            value: 0,
            least: 1
        }
    );
    assert_eq!(message, "k is 0: it must be at least 1");
    let (error, message) = refused(&[], 61, &RecommendOptions::default());
    assert_eq!(error, TaskError::CutoffExceedsItems { k: 61, n_items: 60 });
    assert_eq!(message, "k is 61: the catalogue holds 60 items");
}

#[test]
fn items_of_the_history_are_left_out_unless_kept() {
    // One of the items twice.
    let mut history = first_items(&SHOP, 5);
    history.push(history[0].clone());
    let n_items = SHOP.catalogue().n_real();
    let kept = SHOP.recommend(&history, n_items, &keep_seen()).unwrap();
    assert_eq!(kept.items.len(), n_items);
    let filtered = SHOP
        .recommend(&history, n_items, &RecommendOptions::default())
        .unwrap();
    assert_eq!(filtered.items.len(), n_items - 5);
    let expected: Vec<&str> = ids(&kept)
        .into_iter()
        .filter(|id| !history.iter().any(|seen| seen == id))
        .collect();
    assert_eq!(ids(&filtered), expected);
}

#[test]
fn an_item_that_fell_out_of_the_window_still_counts_as_seen() {
    let history = first_items(&SHORT, 12);
    let n_items = SHORT.catalogue().n_real();
    let answer = SHORT
        .recommend(&history, n_items, &RecommendOptions::default())
        .unwrap();
    assert_eq!(answer.items.len(), n_items - 12);
    assert!(
        ids(&answer)
            .iter()
            .all(|id| !history.contains(&(*id).to_owned()))
    );
}

#[test]
fn lists_restrict_what_can_be_recommended() {
    let history = first_items(&SHOP, 3);
    let all = SHOP.recommend(&history, 60, &keep_seen()).unwrap();
    let allowed: Vec<String> = SHOP.catalogue().ids()[10..20].to_vec();
    let of_allowed = |denied: &[String]| RecommendOptions {
        allow: Some(allowed.clone()),
        deny: denied.to_vec(),
        ..RecommendOptions::default()
    };
    let in_order = |wanted: &dyn Fn(&str) -> bool| -> Vec<&str> {
        ids(&all).into_iter().filter(|id| wanted(id)).collect()
    };

    let answer = SHOP.recommend(&history, 10, &of_allowed(&[])).unwrap();
    assert_eq!(
        ids(&answer),
        in_order(&|id| allowed.iter().any(|a| a == id))
    );
    // Fewer than asked for where no more are left.
    let answer = SHOP
        .recommend(&history, 10, &of_allowed(&allowed[..7]))
        .unwrap();
    assert_eq!(
        ids(&answer),
        in_order(&|id| allowed[7..].iter().any(|a| a == id))
    );
    let answer = SHOP.recommend(&history, 10, &of_allowed(&allowed)).unwrap();
    assert_eq!((answer.items.len(), answer.source), (0, ScoreSource::Model));
    let nothing_allowed = RecommendOptions {
        allow: Some(Vec::new()),
        ..RecommendOptions::default()
    };
    assert!(
        SHOP.recommend(&history, 1, &nothing_allowed)
            .unwrap()
            .items
            .is_empty()
    );

    let best = all.items[0].id.clone();
    let denied = RecommendOptions {
        deny: vec![best],
        ..keep_seen()
    };
    let answer = SHOP.recommend(&history, 1, &denied).unwrap();
    assert_eq!(answer.items, all.items[1..2]);
    // An allow-list does not bring back what was seen.
    let seen = RecommendOptions {
        allow: Some(history.clone()),
        ..RecommendOptions::default()
    };
    assert!(SHOP.recommend(&history, 1, &seen).unwrap().items.is_empty());
}

#[test]
fn an_unknown_item_in_a_list_is_refused_with_the_list() {
    let unknown = || vec!["no such item".to_owned()];
    let allow = RecommendOptions {
        allow: Some(unknown()),
        ..RecommendOptions::default()
    };
    let deny = RecommendOptions {
        deny: unknown(),
        ..RecommendOptions::default()
    };
    for (list, options) in [("allow", allow), ("deny", deny)] {
        let (error, message) = refused(&[], 1, &options);
        assert_eq!(
            error,
            TaskError::UnknownListedItem {
                id: "no such item".to_owned(),
                list,
                n_items: 60
            }
        );
        assert_eq!(
            message,
            format!("item \"no such item\" of the {list} list is not in the catalogue of 60 items")
        );
    }
}

#[test]
fn unknown_events_are_skipped_and_counted() {
    let known = first_items(&SHOP, 3);
    let mixed = ["?", &known[0], "new", &known[1], &known[2], "?"];
    let ask = |history: &[&str]| {
        SHOP.recommend(history, 5, &RecommendOptions::default())
            .unwrap()
    };
    let answer = ask(&mixed);
    assert_eq!(answer.n_unknown_events, 3);
    assert_eq!(answer.source, ScoreSource::Model);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    assert_eq!(answer.items, ask(&known).items);
    assert_eq!(SHOP.embed(&mixed).unwrap(), SHOP.embed(&known).unwrap());
}

#[test]
fn without_a_known_event_popularity_answers_and_says_so() {
    let data = shop_data();
    let mut expected: Vec<usize> = (0..60).collect();
    // A stable sort: of equal counts, the item that training saw first.
    expected.sort_by_key(|&item| std::cmp::Reverse(data.item_counts[item]));
    let counts: BTreeSet<u32> = data.item_counts.iter().copied().collect();
    assert!(counts.len() < 60, "some counts are tied");
    let expected: Vec<(&str, f32)> = expected
        .into_iter()
        .map(|item| {
            let id = SHOP.catalogue().ids()[item].as_str();
            (id, data.item_counts[item] as f32)
        })
        .collect();
    for (history, n_unknown) in [(vec![], 0), (vec!["?", "!"], 2)] {
        let answer = SHOP
            .recommend(&history, 60, &RecommendOptions::default())
            .unwrap();
        assert_eq!(answer.source, ScoreSource::Popularity);
        assert_eq!(answer.n_unknown_events, n_unknown);
        let found: Vec<(&str, f32)> = answer
            .items
            .iter()
            .map(|item| (item.id.as_str(), item.score))
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_history_has_a_vector_that_gives_its_scores() {
    assert_eq!(SHOP.embed::<&str>(&[]).unwrap(), None);
    assert_eq!(SHOP.embed(&["?", "!"]).unwrap(), None);
    let history = first_items(&SHOP, 4);
    let vector = SHOP.embed(&history).unwrap().unwrap();
    assert_eq!(vector.len(), 16);
    let table: Vec<f32> = SHOP.model().catalogue().into_data().iter::<f32>().collect();
    for item in SHOP.recommend(&history, 60, &keep_seen()).unwrap().items {
        let index = SHOP.catalogue().catalogue_index(&item.id).unwrap() as usize;
        let row = &table[16 * index..16 * (index + 1)];
        let score: f32 = row.iter().zip(&vector).map(|(a, b)| a * b).sum();
        assert!((score - item.score).abs() < 1e-5, "{score} {}", item.score);
    }
}

#[test]
fn a_history_counts_by_its_last_max_len_events() {
    let history = first_items(&SHORT, 17);
    let ask = |history: &[String]| SHORT.recommend(history, 60, &keep_seen()).unwrap();
    assert_eq!(ask(&history), ask(&history[12..]));
    assert_eq!(
        SHORT.embed(&history).unwrap(),
        SHORT.embed(&history[12..]).unwrap()
    );
    // Unknown events take no place among them.
    let mut with_unknown = history[12..].to_vec();
    with_unknown.insert(3, "?".to_owned());
    assert_eq!(ask(&with_unknown).items, ask(&history[12..]).items);
    assert_ne!(ask(&history[13..]).items, ask(&history[12..]).items);
}

#[test]
fn the_order_of_a_history_matters() {
    let history = first_items(&SHOP, 4);
    let mut reversed = history.clone();
    reversed.reverse();
    assert_ne!(
        SHOP.embed(&history).unwrap(),
        SHOP.embed(&reversed).unwrap()
    );
}

#[test]
fn no_event_sees_a_later_one() {
    let rows = |items: [u32; 6]| {
        let histories = Histories::new(items.to_vec(), Offsets::from_lengths([2, 4]));
        let rows = SHOP.model().forward(&histories, Mode::Inference);
        values(rows.unwrap().rows())
    };
    // Widths of 16; the last event of the second history changes, and its row alone.
    let (before, after) = (rows([2, 3, 4, 5, 6, 7]), rows([2, 3, 4, 5, 6, 8]));
    assert_eq!(before[..5 * 16], after[..5 * 16]);
    assert_ne!(before[5 * 16..], after[5 * 16..]);
}

#[test]
fn one_user_gets_the_scores_of_their_row_in_a_batch() {
    let data = shop_data();
    let mut cases: Vec<RankingCase> = data.test[..40].to_vec();
    cases[7].history.clear();
    let mut scores = vec![0.0; cases.len() * 60];
    SHOP.scorer().score(&cases, &mut scores).unwrap();
    for (case, row) in cases.iter().zip(scores.chunks(60)) {
        let history: Vec<&str> = case
            .history
            .iter()
            .map(|&item| SHOP.catalogue().ids()[item as usize].as_str())
            .collect();
        let mut alone = vec![f64::NAN; 60];
        for item in SHOP.recommend(&history, 60, &keep_seen()).unwrap().items {
            let index = SHOP.catalogue().catalogue_index(&item.id).unwrap();
            alone[index as usize] = f64::from(item.score);
        }
        let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
        assert_close(&row, &alone, 1e-5);
    }
}

#[test]
fn figures_do_not_depend_on_the_batch_size() {
    let data = shop_data();
    let means = |batch_size| {
        let settings = RankingSettings {
            batch_size,
            interval: None,
            ..RankingSettings::default()
        };
        evaluate_ranking(&data.test, &SHOP.scorer(), &settings)
            .unwrap()
            .means()
    };
    assert_eq!(means(1), means(256));
    assert_eq!(means(17), means(256));
}
