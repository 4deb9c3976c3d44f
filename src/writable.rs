//! Numbers that survive being written.

/// Rounded to 15 digits. So many come back unchanged from JSON for numbers of 1e-8 to 1e15, where powers of ten are exact, so
/// that a saved model computes what it did before.
pub(crate) fn writable(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn numbers_come_back_from_json_unchanged(
            digits in 1.0..10.0_f64,
            exponent in -8..15_i32,
            sign in proptest::sample::select(vec![-1.0, 1.0]),
        ) {
            let number = writable(sign * digits * 10.0_f64.powi(exponent));
            let back: f64 = serde_json::from_str(&serde_json::to_string(&number).unwrap()).unwrap();
            proptest::prop_assert_eq!(number.to_bits(), back.to_bits());
        }
    }
}
