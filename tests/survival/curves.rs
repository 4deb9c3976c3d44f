//! Predicted curves say what follows from them.

use salient::evaluation::survival::SurvivalCurves;

use super::exponential;
use crate::support::assert_close;

fn two() -> SurvivalCurves {
    SurvivalCurves::new(vec![2.0, 4.0, 8.0], vec![0.8, 0.6, 0.2, 1.0, 1.0, 0.5]).unwrap()
}

#[test]
fn hazards_become_the_product_of_what_they_leave() {
    let hazards = [0.2, 0.25, 2.0 / 3.0, 0.0, 0.0, 0.5];
    let curves = SurvivalCurves::from_hazards(&[2.0, 4.0, 8.0], &hazards).unwrap();
    assert_eq!((curves.n_rows(), curves.times()), (2, &[2.0, 4.0, 8.0][..]));
    for row in 0..2 {
        assert_close(curves.survival_of(row), two().survival_of(row), 1e-15);
    }
    // All gone is gone for good.
    let curves = SurvivalCurves::from_hazards(&[1.0, 2.0], &[1.0, 0.0]).unwrap();
    assert_eq!(curves.survival_of(0), [0.0, 0.0]);
}

#[test]
fn survival_is_linear_between_times_and_level_beyond_the_last() {
    let curves = two();
    let times = [-1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 100.0, f64::INFINITY];
    let expected = [1.0, 1.0, 0.9, 0.8, 0.7, 0.5, 0.2, 0.2, 0.2];
    assert_close(
        &times.map(|time| curves.survival_at(0, time)),
        &expected,
        1e-15,
    );
    assert!(curves.survival_at(0, f64::NAN).is_nan());
    assert!((curves.event_probability(0, 3.0) - 0.3).abs() < 1e-15);
    assert_eq!(curves.event_probability(1, 4.0), 0.0);
}

#[test]
fn the_median_lies_where_the_line_crosses_a_half() {
    let curves = two();
    assert_close(&[curves.median(0).unwrap()], &[5.0], 1e-12);
    assert_eq!(curves.median(1), Some(8.0));
    let at_once = SurvivalCurves::new(vec![4.0], vec![0.0, 0.51]).unwrap();
    assert_eq!(at_once.median(0), Some(2.0));
    assert_eq!(at_once.median(1), None);
    // ln 2 / rate, but for the straight lines of the grid.
    let median = exponential(&[0.1]).median(0).unwrap();
    assert!((median - 10.0 * 2f64.ln()).abs() < 0.01, "{median}");
}

#[test]
fn the_restricted_mean_is_the_area_under_the_curve() {
    let curves = two();
    assert_close(&[curves.restricted_mean(0, 3.0)], &[1.8 + 0.75], 1e-12);
    assert_close(&[curves.restricted_mean(0, 8.0)], &[1.8 + 1.4 + 1.6], 1e-12);
    assert_close(&[curves.restricted_mean(0, 10.0)], &[4.8 + 0.4], 1e-12);
    assert_eq!(
        [-1.0, 0.0].map(|end| curves.restricted_mean(0, end)),
        [0.0; 2]
    );
    assert!(curves.restricted_mean(0, f64::NAN).is_nan());
    let mean = exponential(&[0.1]).restricted_mean(0, 25.0);
    let expected = 10.0 * (1.0 - (-2.5f64).exp());
    assert!((mean - expected).abs() < 1e-3, "{mean}, {expected}");
}
