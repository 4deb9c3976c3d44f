//! Matrix factorisation minimises what its paper defines, and solves for new users as for old ones.

use proptest::prelude::*;
use salient::baselines::{BaselineError, MatrixFactorisation, MatrixFactorisationConfig};
use salient::evaluation::ranking::Scorer;

use super::{a_log, example, gauss, histories, scores};

fn plain(n_factors: u32) -> MatrixFactorisationConfig {
    MatrixFactorisationConfig {
        n_factors,
        regularisation: 1.0,
        alpha: 10.0,
        history_half_life_events: None,
        ..MatrixFactorisationConfig::default()
    }
}

fn factorised(
    sequences: &[Vec<u32>],
    n_items: usize,
    config: &MatrixFactorisationConfig,
) -> MatrixFactorisation {
    MatrixFactorisation::fit(&histories(sequences), n_items, config).unwrap()
}

fn rows(model: &MatrixFactorisation) -> Vec<Vec<f64>> {
    (0..model.n_items() as u32)
        .map(|item| {
            let factors = model.item_factors(item).iter();
            factors.copied().map(f64::from).collect()
        })
        .collect()
}

/// The vector that fits the confidences best, by the normal equations over all rows, seen or not.
fn least_squares(
    rows: &[Vec<f64>],
    n_events: &[f64],
    config: &MatrixFactorisationConfig,
) -> Vec<f64> {
    let d = config.n_factors as usize;
    let mut left = vec![vec![0.0; d]; d];
    let mut right = vec![0.0; d];
    for (row, &r) in rows.iter().zip(n_events) {
        let (confidence, preference) = (1.0 + config.alpha * r, f64::from(u8::from(r > 0.0)));
        for a in 0..d {
            right[a] += confidence * preference * row[a];
            for b in 0..d {
                left[a][b] += confidence * row[a] * row[b];
            }
        }
    }
    for (a, row) in left.iter_mut().enumerate() {
        row[a] += config.regularisation;
    }
    gauss(left, right)
}

fn n_events(items: &[u32], n_items: usize) -> Vec<f64> {
    let count = |item| items.iter().filter(|&&other| other == item).count() as f64;
    (0..n_items as u32).map(count).collect()
}

/// Users who like even items, and users who like odd ones.
fn two_tastes() -> Vec<Vec<u32>> {
    let user = |user: u32| {
        (0..6)
            .filter(|place| !(place + user / 2).is_multiple_of(6))
            .map(|place| 2 * place + user % 2)
            .collect()
    };
    (0..24).map(user).collect()
}

#[test]
fn factors_are_a_fixed_point_of_alternating_least_squares() {
    let config = MatrixFactorisationConfig {
        n_iterations: 200,
        regularisation: 0.7,
        alpha: 3.0,
        ..plain(2)
    };
    let mut sequences = two_tastes();
    // An item chosen twice is surer.
    sequences[3].push(1);
    let model = factorised(&sequences, 12, &config);
    let items = rows(&model);
    let users: Vec<Vec<f64>> = sequences
        .iter()
        .map(|events| least_squares(&items, &n_events(events, 12), &config))
        .collect();
    for (item, factors) in items.iter().enumerate() {
        let of_users: Vec<f64> = sequences
            .iter()
            .map(|events| n_events(events, 12)[item])
            .collect();
        let expected = least_squares(&users, &of_users, &config);
        for (found, expected) in factors.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-3,
                "{item}: {found} {expected}"
            );
        }
        assert!(factors.iter().any(|factor| factor.abs() > 0.1));
    }
}

#[test]
fn a_new_user_is_recommended_what_others_of_the_same_taste_chose() {
    let model = factorised(&two_tastes(), 12, &plain(4));
    let scores = scores(&model, &[1, 5]);
    let least_odd = [3, 7, 9, 11].map(|item| scores[item]);
    let most_even = [0, 2, 4, 6, 8, 10].map(|item| scores[item]);
    let (least, most) = (
        least_odd.into_iter().fold(f32::INFINITY, f32::min),
        most_even.into_iter().fold(f32::NEG_INFINITY, f32::max),
    );
    assert!(least > most + 0.2, "{least} {most}");
    assert_eq!(model.name(), "matrix_factorisation");
}

#[test]
fn the_same_seed_gives_the_same_factors_and_another_seed_others() {
    let model = |seed| {
        let config = MatrixFactorisationConfig { seed, ..plain(3) };
        factorised(&two_tastes(), 12, &config)
    };
    assert_eq!(model(1), model(1));
    assert_ne!(model(1).item_factors(0), model(2).item_factors(0));
}

#[test]
fn items_without_training_events_are_last() {
    let model = factorised(&example(), 5, &plain(3));
    assert_eq!(model.item_factors(3), [0.0; 3]);
    assert!(model.item_factors(5).is_empty());
    let scores = scores(&model, &[3]);
    assert_eq!(scores[3], 0.0);
    // Nothing is known of item 3, so that the user is nowhere, and popularity decides.
    assert!(scores[1] > scores[0] && scores[0] > scores[2] && scores[2] > scores[4]);
}

#[test]
fn a_factorisation_that_leaves_the_finite_numbers_is_refused() {
    let config = MatrixFactorisationConfig {
        alpha: 1e300,
        regularisation: 0.5,
        ..plain(2)
    };
    let sequences = example();
    let error = MatrixFactorisation::fit(&histories(&sequences), 4, &config).unwrap_err();
    let expected = BaselineError::FactorsNotFinite {
        n_factors: 2,
        regularisation: 0.5,
        alpha: 1e300,
    };
    assert_eq!(error, expected);
}

#[test]
fn data_that_is_fitted_exactly_still_gives_finite_factors() {
    // The conjugate gradients of one number converge to the last bit, after which they divide 0 by 0.
    for sequences in [vec![vec![0]], vec![vec![0], vec![1]], vec![vec![0, 1]; 3]] {
        let config = MatrixFactorisationConfig {
            n_iterations: 500,
            ..plain(1)
        };
        let model = factorised(&sequences, 2, &config);
        let scores = scores(&model, &[0]);
        assert!(scores.iter().all(|score| score.is_finite()) && scores[0] > 0.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn a_history_is_folded_in_by_the_normal_equations(
        (n_items, sequences) in a_log(),
        question in prop::collection::vec(0..12u32, 1..9),
        n_factors in 1..5u32,
    ) {
        let config = MatrixFactorisationConfig { regularisation: 0.5, alpha: 2.0, ..plain(n_factors) };
        let model = factorised(&sequences, n_items, &config);
        let question: Vec<u32> = question.iter().map(|item| item % n_items as u32).collect();
        let items = rows(&model);
        let user = least_squares(&items, &n_events(&question, n_items), &config);
        for (found, item) in scores(&model, &question).iter().zip(items) {
            let expected: f64 = item.iter().zip(&user).map(|(y, x)| y * x).sum();
            prop_assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
}
