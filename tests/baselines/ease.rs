//! EASE is the minimum that its paper defines.

use proptest::prelude::*;
use salient::baselines::{BaselineError, Ease, EaseConfig};
use salient::evaluation::ranking::Scorer;

use super::{a_log, assert_close, example, gauss, histories, scores};

fn plain(regularisation: f64) -> EaseConfig {
    EaseConfig {
        regularisation,
        history_half_life_events: None,
        ..EaseConfig::default()
    }
}

fn ease(sequences: &[Vec<u32>], n_items: usize, config: &EaseConfig) -> Ease {
    Ease::fit(&histories(sequences), n_items, config).unwrap()
}

/// 1 where a user has an item, by users.
fn has(sequences: &[Vec<u32>], n_items: usize) -> Vec<Vec<f64>> {
    let row = |items: &Vec<u32>| {
        (0..n_items as u32)
            .map(|item| f64::from(u8::from(items.contains(&item))))
            .collect()
    };
    sequences.iter().map(row).collect()
}

/// `B` by the formula of the paper, the inverse by Gauss.
fn naive(sequences: &[Vec<u32>], n_items: usize, regularisation: f64) -> Vec<Vec<f64>> {
    let x = has(sequences, n_items);
    let mut matrix = vec![vec![0.0; n_items]; n_items];
    for (i, row) in matrix.iter_mut().enumerate() {
        for (j, entry) in row.iter_mut().enumerate() {
            *entry = x.iter().map(|user| user[i] * user[j]).sum();
        }
        row[i] += regularisation;
    }
    // The inverse is symmetric: column j of it is also its row j.
    let inverse: Vec<Vec<f64>> = (0..n_items)
        .map(|j| {
            let unit = (0..n_items).map(|i| f64::from(u8::from(i == j)));
            gauss(matrix.clone(), unit.collect())
        })
        .collect();
    (0..n_items)
        .map(|i| {
            (0..n_items)
                .map(|j| f64::from(u8::from(i == j)) - inverse[i][j] / inverse[j][j])
                .collect()
        })
        .collect()
}

/// `|X - X B|² + lambda |B|²`.
fn objective(x: &[Vec<f64>], b: &[Vec<f64>], regularisation: f64) -> f64 {
    let n_items = b.len();
    let error = |user: &Vec<f64>, j: usize| {
        let expected: f64 = (0..n_items).map(|i| user[i] * b[i][j]).sum();
        (user[j] - expected).powi(2)
    };
    let errors: f64 = x
        .iter()
        .map(|user| (0..n_items).map(|j| error(user, j)).sum::<f64>())
        .sum();
    let squares: f64 = b.iter().flatten().map(|entry| entry * entry).sum();
    errors + regularisation * squares
}

#[test]
fn two_items_have_the_weights_of_a_hand_calculation() {
    // Users of 0: 2, of 1: 3, of both: 2. With one other item, weight = both / (users + lambda).
    let sequences = [vec![0, 1], vec![1, 0, 1], vec![1]];
    let ease = ease(&sequences, 2, &plain(1.5));
    assert_close(ease.weights(0), &[0.0, 2.0 / 3.5]);
    assert_close(ease.weights(1), &[2.0 / 4.5, 0.0]);
    assert!(ease.weights(2).is_empty());
    assert_eq!(ease.name(), "ease");
    let expected = [2.0 / 4.5, 0.5 * 2.0 / 3.5];
    let config = EaseConfig {
        history_half_life_events: Some(1.0),
        ..plain(1.5)
    };
    let recent = super::ease::ease(&sequences, 2, &config);
    assert_close(&scores(&recent, &[1, 0, 1]), &expected);
}

#[test]
fn items_without_evidence_are_ranked_by_popularity() {
    let ease = ease(&example(), 4, &EaseConfig::default());
    // Item 3 was never seen in training, so nothing is known to go with it.
    for history in [[].as_slice(), &[3]] {
        let scores = scores(&ease, history);
        assert!(scores[1] > scores[0] && scores[0] > scores[2] && scores[2] > scores[3]);
    }
}

#[test]
fn a_catalogue_beyond_the_limit_is_refused_before_memory_is_taken() {
    let sequences = example();
    let histories = histories(&sequences);
    let error = Ease::fit(&histories, 10_001, &EaseConfig::default()).unwrap_err();
    let expected = BaselineError::TooManyItems {
        n_items: 10_001,
        max_items: 10_000,
        n_bytes: 1_600_320_016,
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "the catalogue has 10001 items, for which the dense matrices take 1.6 GB, and at most 10000 are allowed; raise max_items where the memory is there, or take ItemKnn"
    );
    let at_most = |max_items| EaseConfig {
        max_items,
        ..EaseConfig::default()
    };
    assert!(Ease::fit(&histories, 4, &at_most(4)).is_ok());
    assert!(Ease::fit(&histories, 4, &at_most(3)).is_err());
}

#[test]
fn equations_without_solution_are_refused() {
    // One user with two items: singular but for a regularisation that 64 bits cannot see.
    let sequences = [vec![0, 1]];
    let error = Ease::fit(&histories(&sequences), 2, &plain(1e-300)).unwrap_err();
    let expected = BaselineError::NotPositiveDefinite {
        regularisation: 1e-300,
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "the equations with regularisation 1e-300 are singular in 64 bits; raise regularisation"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn weights_equal_the_formula_with_a_naive_inverse((n_items, sequences) in a_log(), regularisation in 0.1..50.0f64) {
        let ease = ease(&sequences, n_items, &plain(regularisation));
        for (item, row) in (0..).zip(naive(&sequences, n_items, regularisation)) {
            for (found, expected) in ease.weights(item).iter().zip(row) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
            }
        }
    }

    #[test]
    fn weights_minimise_the_ridge_objective_with_an_empty_diagonal(
        (n_items, sequences) in a_log(),
        regularisation in 0.1..50.0f64,
        steps in prop::collection::vec(-0.1..0.1f64, 121),
    ) {
        let ease = ease(&sequences, n_items, &plain(regularisation));
        let x = has(&sequences, n_items);
        let b: Vec<Vec<f64>> = (0..n_items as u32)
            .map(|item| ease.weights(item).iter().copied().map(f64::from).collect())
            .collect();
        let least = objective(&x, &b, regularisation);
        let mut moved = b.clone();
        for i in 0..n_items {
            prop_assert_eq!(b[i][i], 0.0);
            for j in (0..n_items).filter(|&j| j != i) {
                moved[i][j] += steps[i * 11 + j];
                // Half the slope of the objective in one direction: 0 at the minimum.
                let slope = |user: &Vec<f64>| {
                    let expected: f64 = (0..n_items).map(|k| user[k] * b[k][j]).sum();
                    user[i] * (expected - user[j])
                };
                let slope = x.iter().map(slope).sum::<f64>() + regularisation * b[i][j];
                prop_assert!(slope.abs() < 1e-4, "{slope}");
            }
        }
        // Rounding the weights to 32 bits costs far less than moving them.
        prop_assert!(objective(&x, &moved, regularisation) >= least - 1e-9);
    }

    #[test]
    fn a_score_is_the_sum_of_rows((n_items, sequences) in a_log()) {
        let ease = ease(&sequences, n_items, &plain(2.0));
        for history in &sequences {
            let mut expected = vec![0.0; n_items];
            let mut distinct = history.clone();
            distinct.sort_unstable();
            distinct.dedup();
            for item in distinct {
                for (sum, weight) in expected.iter_mut().zip(ease.weights(item)) {
                    *sum += weight;
                }
            }
            for (found, expected) in scores(&ease, history).iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }
}
