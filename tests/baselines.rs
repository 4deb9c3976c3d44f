//! Baselines give the scores that their formulas say.

use std::collections::HashSet;

use proptest::prelude::*;
use salient::baselines::{
    BaselineError, Ease, EaseConfig, ItemKnn, ItemKnnConfig, Markov, MarkovConfig,
    MatrixFactorisation, MatrixFactorisationConfig, Popularity, PopularityConfig, TrainingHistory,
};
use salient::evaluation::ranking::{RankingCase, Scorer};

/// EASE is the minimum that its paper defines.
mod ease;

/// Matrix factorisation minimises what its paper defines, and solves for new users as for old ones.
mod matrix_factorisation;

/// Old events of a history count less, by their number and by their days.
mod recency;

const DAY: i64 = 86_400_000;

fn histories(sequences: &[Vec<u32>]) -> Vec<TrainingHistory<'_>> {
    sequences
        .iter()
        .map(|items| TrainingHistory::from(items.as_slice()))
        .collect()
}

fn case(history: &[u32]) -> RankingCase {
    RankingCase {
        history: history.to_vec(),
        ..RankingCase::default()
    }
}

fn scores(scorer: &dyn Scorer, history: &[u32]) -> Vec<f32> {
    let mut scores = vec![f32::NAN; scorer.n_items()];
    scorer.score(&[case(history)], &mut scores).unwrap();
    scores
}

fn assert_close(found: &[f32], expected: &[f32]) {
    let pairs = found.iter().zip(expected);
    let is_close =
        found.len() == expected.len() && pairs.clone().all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(is_close, "{found:?} {expected:?}");
}

fn popularity(sequences: &[Vec<u32>], n_items: usize) -> Popularity {
    Popularity::fit(&histories(sequences), n_items, &PopularityConfig::default()).unwrap()
}

fn markov(sequences: &[Vec<u32>], n_items: usize, prior_transitions: f64) -> Markov {
    Markov::fit(
        &histories(sequences),
        n_items,
        &MarkovConfig { prior_transitions },
    )
    .unwrap()
}

fn item_knn(sequences: &[Vec<u32>], n_items: usize, config: &ItemKnnConfig) -> ItemKnn {
    ItemKnn::fit(&histories(sequences), n_items, config).unwrap()
}

fn ease(sequences: &[Vec<u32>], n_items: usize) -> Ease {
    Ease::fit(&histories(sequences), n_items, &EaseConfig::default()).unwrap()
}

fn factorised(sequences: &[Vec<u32>], n_items: usize) -> MatrixFactorisation {
    let config = MatrixFactorisationConfig::default();
    MatrixFactorisation::fit(&histories(sequences), n_items, &config).unwrap()
}

/// Solves `matrix x = right` by Gauss, with the largest pivot of each column.
fn gauss(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for column in 0..n {
        let pivot = (column..n)
            .max_by(|a, b| {
                matrix[*a][column]
                    .abs()
                    .total_cmp(&matrix[*b][column].abs())
            })
            .unwrap();
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in (0..n).filter(|&row| row != column) {
            let factor = matrix[row][column] / matrix[column][column];
            let of_pivot = matrix[column].clone();
            for (entry, of_pivot) in matrix[row].iter_mut().zip(of_pivot) {
                *entry -= factor * of_pivot;
            }
            right[row] -= factor * right[column];
        }
    }
    (0..n).map(|row| right[row] / matrix[row][row]).collect()
}

fn example() -> Vec<Vec<u32>> {
    vec![vec![0, 1, 2], vec![0, 1, 0, 1], vec![2, 1], vec![]]
}

#[test]
fn popularity_counts_events() {
    let popularity = popularity(&example(), 4);
    assert_eq!(popularity.counts(), [3.0, 4.0, 2.0, 0.0]);
    assert_eq!(scores(&popularity, &[2, 3]), [3.0, 4.0, 2.0, 0.0]);
    assert_eq!(popularity.name(), "popularity");
}

#[test]
fn an_event_a_half_life_old_counts_half() {
    let history = |items: &'static [u32], times_utc_millis: &'static [i64]| TrainingHistory {
        items,
        times_utc_millis,
    };
    let histories = [
        history(&[0, 1], &[-4 * DAY, 6 * DAY]),
        history(&[0, 2], &[DAY, 5 * DAY]),
    ];
    let config = PopularityConfig {
        half_life_days: Some(5.0),
    };
    let popularity = Popularity::fit(&histories, 3, &config).unwrap();
    assert_close(popularity.counts(), &[0.25 + 0.5, 1.0, 2f32.powf(-0.2)]);
    assert_eq!(popularity.name(), "recent_popularity");
}

#[test]
fn popularity_survives_json() {
    let popularity = popularity(&example(), 4);
    let json = serde_json::to_string(&popularity).unwrap();
    assert_eq!(
        serde_json::from_str::<Popularity>(&json).unwrap(),
        popularity
    );
}

#[test]
fn a_markov_chain_gives_the_probability_of_the_next_item() {
    // After 0 always 1, three times; after 1: 2 once, 0 once; after 2: 1 once. Shares are 3, 4 and 2 of 9.
    let chain = markov(&example(), 4, 2.0);
    let (a, b, c) = (2.0 * 3.0 / 9.0, 2.0 * 4.0 / 9.0, 2.0 * 2.0 / 9.0);
    assert_close(
        &scores(&chain, &[2, 0]),
        &[a / 5.0, (3.0 + b) / 5.0, c / 5.0, 0.0],
    );
    assert_close(
        &scores(&chain, &[1]),
        &[(1.0 + a) / 4.0, b / 4.0, (1.0 + c) / 4.0, 0.0],
    );
    // Nothing ever followed item 3, and an empty history has no last item: popularity.
    let shares = [3.0 / 9.0, 4.0 / 9.0, 2.0 / 9.0, 0.0];
    assert_close(&scores(&chain, &[0, 3]), &shares);
    assert_close(&scores(&chain, &[]), &shares);
}

#[test]
fn item_knn_sums_cosines_over_the_history() {
    // Users of 0: {0, 1}, of 1: {0, 1, 2}, of 2: {0, 2}.
    let config = ItemKnnConfig {
        n_neighbours: 2,
        shrinkage: 0.5,
        history_half_life_events: Some(2.0),
        ..ItemKnnConfig::default()
    };
    let knn = item_knn(&example(), 4, &config);
    let s01 = 2.0 / (6f32.sqrt() + 0.5);
    let s02 = 1.0 / (2.0 + 0.5);
    assert_close(&scores(&knn, &[0]), &[0.0, s01, s02, 0.0]);
    // Item 1 is 2 events old and item 0 is the last; the first 0 does not count again.
    let expected = [0.5 * s01, s01, s02 + 0.5 * s01, 0.0];
    assert_close(&scores(&knn, &[0, 1, 3, 0]), &expected);
    let neighbours: Vec<u32> = knn.neighbours(0).map(|(item, _)| item).collect();
    assert_eq!(neighbours, [1, 2]);
    assert_eq!(knn.neighbours(3).count() + knn.neighbours(99).count(), 0);
}

#[test]
fn item_knn_ranks_items_without_evidence_by_popularity() {
    let knn = item_knn(&example(), 4, &ItemKnnConfig::default());
    for history in [[].as_slice(), &[3]] {
        let scores = scores(&knn, history);
        assert!(scores[1] > scores[0] && scores[0] > scores[2] && scores[2] > scores[3]);
    }
}

#[test]
fn item_knn_learns_from_the_end_of_a_history() {
    let config = ItemKnnConfig {
        max_history: 2,
        ..ItemKnnConfig::default()
    };
    let knn = item_knn(&[vec![0, 1, 2]], 3, &config);
    assert_eq!(knn.neighbours(0).count(), 0);
    assert_eq!(
        knn.neighbours(1).map(|(item, _)| item).collect::<Vec<_>>(),
        [2]
    );
}

fn a_log() -> impl Strategy<Value = (usize, Vec<Vec<u32>>)> {
    (1..12usize).prop_flat_map(|n_items| {
        let history = prop::collection::vec(0..n_items as u32, 0..10);
        (Just(n_items), prop::collection::vec(history, 0..12))
    })
}

/// Similarities of all pairs of items, from a dense table of users and items; zero but for the nearest.
fn dense_similarities(
    sequences: &[Vec<u32>],
    n_items: usize,
    config: &ItemKnnConfig,
) -> Vec<Vec<f32>> {
    let has = |user: &Vec<u32>, item: usize| f64::from(u8::from(user.contains(&(item as u32))));
    let dot = |a: usize, b: usize| {
        sequences
            .iter()
            .map(|user| has(user, a) * has(user, b))
            .sum::<f64>()
    };
    let similarity = |a: usize, b: usize| {
        let together = if a == b { 0.0 } else { dot(a, b) };
        // Without a common user the similarity is zero even where the denominator is.
        if together == 0.0 {
            0.0
        } else {
            (together / ((dot(a, a) * dot(b, b)).sqrt() + config.shrinkage)) as f32
        }
    };
    let row = |a: usize| {
        let all: Vec<f32> = (0..n_items).map(|b| similarity(a, b)).collect();
        let mut order: Vec<usize> = (0..n_items).collect();
        order.sort_by(|x, y| all[*y].total_cmp(&all[*x]));
        let kept: HashSet<usize> = order.into_iter().take(config.n_neighbours).collect();
        (0..n_items)
            .map(|b| if kept.contains(&b) { all[b] } else { 0.0 })
            .collect()
    };
    (0..n_items).map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn item_knn_equals_a_dense_one((n_items, sequences) in a_log(), n_neighbours in 1..6usize, shrinkage in 0.0..5.0f64) {
        let config = ItemKnnConfig { n_neighbours, shrinkage, history_half_life_events: None, history_half_life_days: None, max_history: 100 };
        let knn = item_knn(&sequences, n_items, &config);
        let dense = dense_similarities(&sequences, n_items, &config);
        for history in &sequences {
            let distinct: HashSet<u32> = history.iter().copied().collect();
            let expected: Vec<f32> = (0..n_items)
                .map(|item| distinct.iter().map(|seen| dense[*seen as usize][item]).sum())
                .collect();
            for (found, expected) in scores(&knn, history).iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn a_markov_chain_equals_counting((n_items, sequences) in a_log(), prior in 0.1..20.0f64) {
        let chain = markov(&sequences, n_items, prior);
        let all: Vec<u32> = sequences.concat();
        let count = |items: &[u32], item: u32| items.iter().filter(|&&other| other == item).count() as f64;
        for last in 0..n_items as u32 {
            let next: Vec<u32> = sequences.iter()
                .flat_map(|items| items.iter().zip(items.iter().skip(1)))
                .filter(|(from, _)| **from == last)
                .map(|(_, to)| *to)
                .collect();
            let found = scores(&chain, &[last]);
            for item in 0..n_items as u32 {
                let share = count(&all, item) / (all.len() as f64).max(1.0);
                let expected = (count(&next, item) + prior * share) / (next.len() as f64 + prior);
                prop_assert!((f64::from(found[item as usize]) - expected).abs() < 1e-6);
            }
            let total: f32 = found.iter().sum();
            prop_assert!(all.is_empty() || (total - 1.0).abs() < 1e-5, "{total}");
        }
    }

    #[test]
    fn scores_are_finite_and_independent_of_the_batch((n_items, sequences) in a_log(), other in a_log()) {
        let questions: Vec<RankingCase> = other.1.iter()
            .map(|history| case(&history.iter().map(|item| item % n_items as u32).collect::<Vec<_>>()))
            .collect();
        let no_shrinkage = ItemKnnConfig { shrinkage: 0.0, ..ItemKnnConfig::default() };
        let scorers: [&dyn Scorer; 6] = [
            &popularity(&sequences, n_items),
            &ease(&sequences, n_items),
            &factorised(&sequences, n_items),
            &markov(&sequences, n_items, 1e-3),
            &item_knn(&sequences, n_items, &ItemKnnConfig::default()),
            &item_knn(&sequences, n_items, &no_shrinkage),
        ];
        for scorer in scorers {
            let mut together = vec![f32::NAN; questions.len() * n_items];
            scorer.score(&questions, &mut together).unwrap();
            let alone: Vec<f32> = questions.iter().flat_map(|case| scores(scorer, &case.history)).collect();
            prop_assert!(together.iter().all(|score| score.is_finite()));
            prop_assert_eq!(together, alone);
        }
    }

    #[test]
    fn an_empty_history_is_answered_by_popularity((n_items, sequences) in a_log()) {
        let counts = popularity(&sequences, n_items).counts().to_vec();
        let scorers: [&dyn Scorer; 4] = [
            &ease(&sequences, n_items),
            &factorised(&sequences, n_items),
            &markov(&sequences, n_items, 1.0),
            &item_knn(&sequences, n_items, &ItemKnnConfig::default()),
        ];
        for scorer in scorers {
            let scores = scores(scorer, &[]);
            for a in 0..n_items {
                for b in 0..n_items {
                    prop_assert_eq!(scores[a] > scores[b], counts[a] > counts[b]);
                }
            }
        }
    }

    #[test]
    fn the_order_of_users_does_not_matter((n_items, sequences) in a_log(), question in prop::collection::vec(0..12u32, 0..6)) {
        let reversed: Vec<Vec<u32>> = sequences.iter().rev().cloned().collect();
        let question: Vec<u32> = question.iter().map(|item| item % n_items as u32).collect();
        let answers = |sequences: &[Vec<u32>]| [
            scores(&popularity(sequences, n_items), &question),
            scores(&ease(sequences, n_items), &question),
            scores(&markov(sequences, n_items, 1.0), &question),
            scores(&item_knn(sequences, n_items, &ItemKnnConfig::default()), &question),
        ];
        prop_assert_eq!(answers(&sequences), answers(&reversed));
    }
}

#[test]
fn an_item_outside_the_catalogue_is_refused_in_training() {
    let sequences = [vec![0], vec![1, 3]];
    let error =
        Popularity::fit(&histories(&sequences), 3, &PopularityConfig::default()).unwrap_err();
    let expected = BaselineError::TrainingItemOutOfRange {
        history: 1,
        item: 3,
        n_items: 3,
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "training history 1 holds item 3, but the catalogue has 3 items; leave out items outside it"
    );
    let markov = Markov::fit(&histories(&sequences), 3, &MarkovConfig::default());
    assert_eq!(markov.unwrap_err(), expected);
    let knn = ItemKnn::fit(&histories(&sequences), 3, &ItemKnnConfig::default());
    assert_eq!(knn.unwrap_err(), expected);
    let ease = Ease::fit(&histories(&sequences), 3, &EaseConfig::default());
    assert_eq!(ease.unwrap_err(), expected);
    let config = MatrixFactorisationConfig::default();
    let factorised = MatrixFactorisation::fit(&histories(&sequences), 3, &config);
    assert_eq!(factorised.unwrap_err(), expected);
}

#[test]
fn an_item_outside_the_catalogue_is_refused_in_a_question() {
    let sequences = example();
    let scorers: [&dyn Scorer; 5] = [
        &popularity(&sequences, 3),
        &ease(&sequences, 3),
        &factorised(&sequences, 3),
        &markov(&sequences, 3, 1.0),
        &item_knn(&sequences, 3, &ItemKnnConfig::default()),
    ];
    for scorer in scorers {
        let error = scorer
            .score(&[case(&[]), case(&[0, 7])], &mut [0.0; 6])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the history of case 1 holds item 7, but the baseline knows 3 items; leave out items outside them"
        );
        let expected = BaselineError::ItemOutOfRange {
            case: 1,
            item: 7,
            n_items: 3,
        };
        assert_eq!(error.downcast_ref(), Some(&expected));
    }
}

#[test]
fn a_catalogue_without_items_is_refused() {
    let error = Popularity::fit(&[], 0, &PopularityConfig::default()).unwrap_err();
    assert_eq!(error, BaselineError::NoItems);
    let expected = "the catalogue has no items; a baseline needs at least one";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_half_life_needs_times() {
    let config = PopularityConfig {
        half_life_days: Some(1.0),
    };
    let error = Popularity::fit(&histories(&example()), 3, &config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "training history 0 has 0 times for 3 events; give one an event, or fit without half_life_days"
    );
    let one_time = TrainingHistory {
        items: &[0, 1],
        times_utc_millis: &[5],
    };
    let error = Popularity::fit(&[one_time], 3, &PopularityConfig::default()).unwrap_err();
    let expected = BaselineError::TimesMismatch {
        history: 0,
        n_times: 1,
        n_events: 2,
    };
    assert_eq!(error, expected);
    let message = "training history 0 has 1 times for 2 events; give one an event";
    assert_eq!(error.to_string(), message);
}

#[test]
fn settings_out_of_range_are_refused() {
    let sequences = example();
    let histories = histories(&sequences);
    let factorisation_refused = |config: MatrixFactorisationConfig| {
        MatrixFactorisation::fit(&histories, 3, &config).unwrap_err()
    };
    let none = |setting: &str| format!("{setting} is 0; it must be finite and above 0");
    let no_factors = factorisation_refused(MatrixFactorisationConfig {
        n_factors: 0,
        ..MatrixFactorisationConfig::default()
    });
    assert_eq!(no_factors.to_string(), none("n_factors"));
    let no_iterations = factorisation_refused(MatrixFactorisationConfig {
        n_iterations: 0,
        ..MatrixFactorisationConfig::default()
    });
    assert_eq!(no_iterations.to_string(), none("n_iterations"));
    let no_items = EaseConfig {
        max_items: 0,
        ..EaseConfig::default()
    };
    let no_items = Ease::fit(&histories, 3, &no_items).unwrap_err();
    assert_eq!(no_items.to_string(), none("max_items"));
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let half_life_days = Some(value);
        let errors = [
            Popularity::fit(&histories, 3, &PopularityConfig { half_life_days }).unwrap_err(),
            Markov::fit(
                &histories,
                3,
                &MarkovConfig {
                    prior_transitions: value,
                },
            )
            .unwrap_err(),
            Ease::fit(
                &histories,
                3,
                &EaseConfig {
                    regularisation: value,
                    ..EaseConfig::default()
                },
            )
            .unwrap_err(),
            factorisation_refused(MatrixFactorisationConfig {
                regularisation: value,
                ..MatrixFactorisationConfig::default()
            }),
            factorisation_refused(MatrixFactorisationConfig {
                alpha: value,
                ..MatrixFactorisationConfig::default()
            }),
        ];
        let settings = [
            "half_life_days",
            "prior_transitions",
            "regularisation",
            "regularisation",
            "alpha",
        ];
        for (error, setting) in errors.iter().zip(settings) {
            let expected = format!("{setting} is {value}; it must be finite and above 0");
            assert_eq!(error.to_string(), expected);
        }
    }
    let refused = |config: ItemKnnConfig| {
        ItemKnn::fit(&histories, 3, &config)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(ItemKnnConfig {
            n_neighbours: 0,
            ..ItemKnnConfig::default()
        }),
        "n_neighbours is 0; it must be finite and above 0"
    );
    assert_eq!(
        refused(ItemKnnConfig {
            max_history: 0,
            ..ItemKnnConfig::default()
        }),
        "max_history is 0; it must be finite and above 0"
    );
    assert_eq!(
        refused(ItemKnnConfig {
            shrinkage: -0.5,
            ..ItemKnnConfig::default()
        }),
        "shrinkage is -0.5; it must be finite and at least 0"
    );
    let accepted = ItemKnnConfig {
        shrinkage: 0.0,
        n_neighbours: 1,
        max_history: 1,
        ..ItemKnnConfig::default()
    };
    assert!(ItemKnn::fit(&histories, 3, &accepted).is_ok());
}
