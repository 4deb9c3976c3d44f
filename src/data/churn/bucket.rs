//! Amounts and gaps as categories whose names can be read.

use crate::data::time::MILLIS_PER_DAY;

/// Octaves of amounts that are told apart: below `2^-7` (less than a cent) and from `2^30` on there is one bucket each.
const OCTAVES: std::ops::Range<i32> = -7..30;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Where buckets of gaps begin: powers of two of a day, and few parts of a day.
const GAPS: [(i64, &str); 17] = [
    (0, "0"),
    (MINUTE, "1m"),
    (10 * MINUTE, "10m"),
    (HOUR, "1h"),
    (3 * HOUR, "3h"),
    (6 * HOUR, "6h"),
    (12 * HOUR, "12h"),
    (MILLIS_PER_DAY, "1d"),
    (2 * MILLIS_PER_DAY, "2d"),
    (4 * MILLIS_PER_DAY, "4d"),
    (8 * MILLIS_PER_DAY, "8d"),
    (16 * MILLIS_PER_DAY, "16d"),
    (32 * MILLIS_PER_DAY, "32d"),
    (64 * MILLIS_PER_DAY, "64d"),
    (128 * MILLIS_PER_DAY, "128d"),
    (256 * MILLIS_PER_DAY, "256d"),
    (512 * MILLIS_PER_DAY, "512d"),
];

/// The bucket of a finite amount: half an octave, such as `8..12` for 8 up to 12, or `-12..-8` for less than nothing.
pub(super) fn amount_bucket(amount: f32) -> String {
    // Exact in 64 bits, as are the powers of two, so that every amount is in the bucket that names it.
    let size = f64::from(amount).abs();
    if size == 0.0 {
        return "0".into();
    }
    let octave = size.log2().floor() as i32;
    let (low, high) = if octave < OCTAVES.start {
        (0.0, Some(2_f64.powi(OCTAVES.start)))
    } else if octave >= OCTAVES.end {
        (2_f64.powi(OCTAVES.end), None)
    } else {
        let start = 2_f64.powi(octave);
        match size < 1.5 * start {
            true => (start, Some(1.5 * start)),
            false => (1.5 * start, Some(2.0 * start)),
        }
    };
    let high = high.map(|high| high.to_string()).unwrap_or_default();
    match amount < 0.0 {
        true if high.is_empty() => format!("..-{low}"),
        true if low == 0.0 => format!("-{high}..0"),
        true => format!("-{high}..-{low}"),
        false => format!("{low}..{high}"),
    }
}

/// The bucket of the time since the event before, such as `2d..4d` for two days up to four; `0` for none at all, and `first`
/// where there is no event before.
pub(super) fn gap_bucket(gap_millis: Option<i64>) -> String {
    let Some(gap) = gap_millis else {
        return "first".into();
    };
    if gap == 0 {
        return "0".into();
    }
    let above = GAPS.partition_point(|&(start, _)| start <= gap);
    let name = |place: usize| GAPS.get(place).map_or("", |&(_, name)| name);
    format!("{}..{}", name(above.saturating_sub(1)), name(above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_in_the_half_octave_that_its_bucket_names() {
        for (amount, name) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1..1.5"),
            (1.5, "1.5..2"),
            (7.999, "6..8"),
            (8.0, "8..12"),
            (11.77, "8..12"),
            (12.0, "12..16"),
            (-12.0, "-16..-12"),
            (0.01, "0.0078125..0.01171875"),
            (0.005, "0..0.0078125"),
            (-0.005, "-0.0078125..0"),
            (1e-40, "0..0.0078125"),
            (1_073_741_824.0, "1073741824.."),
            (-f32::MAX, "..-1073741824"),
        ] {
            assert_eq!(amount_bucket(amount), name, "{amount}");
        }
    }

    #[test]
    fn a_gap_is_in_the_period_that_its_bucket_names() {
        for (gap, name) in [
            (None, "first"),
            (Some(0), "0"),
            (Some(1), "0..1m"),
            (Some(MINUTE), "1m..10m"),
            (Some(MILLIS_PER_DAY - 1), "12h..1d"),
            (Some(MILLIS_PER_DAY), "1d..2d"),
            (Some(3 * MILLIS_PER_DAY), "2d..4d"),
            (Some(511 * MILLIS_PER_DAY), "256d..512d"),
            (Some(i64::MAX), "512d.."),
        ] {
            assert_eq!(gap_bucket(gap), name, "{gap:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_amount_lies_between_the_numbers_of_its_bucket(bits: u32) {
            let amount = f32::from_bits(bits);
            proptest::prop_assume!(amount.is_finite() && amount > 0.0);
            let name = amount_bucket(amount);
            let (low, high) = name.split_once("..").unwrap();
            let high = high.parse().unwrap_or(f64::INFINITY);
            proptest::prop_assert!(low.parse::<f64>().unwrap() <= amount.into());
            proptest::prop_assert!(f64::from(amount) < high);
            let negative = amount_bucket(-amount);
            proptest::prop_assert!(negative.contains("..") && negative.contains('-'));
        }
    }
}
