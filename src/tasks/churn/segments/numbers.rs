//! Two numbers for people to compare.

/// Both with three digits of the larger, and more where that tells them apart.
pub(super) fn pair(left: f64, right: f64) -> [String; 2] {
    let largest = left.abs().max(right.abs());
    let difference = (left - right).abs();
    if largest == 0.0 {
        return ["0", "0"].map(str::to_owned);
    }
    let place = |number: f64| number.log10().floor() as i32;
    let of_largest = 2 - place(largest);
    let decimals = match difference > 0.0 {
        true => of_largest.max(-place(difference)),
        false => of_largest,
    };
    let text = |number: f64| match (-3..7).contains(&place(largest)) {
        true => {
            let text = format!("{number:.*}", decimals.clamp(0, 12) as usize);
            let shortened = text.trim_end_matches('0').trim_end_matches('.');
            let is_whole = !text.contains('.');
            if is_whole { text } else { shortened.to_owned() }
        }
        false => {
            let digits = (decimals + place(largest)).clamp(2, 12) as usize;
            format!("{number:.digits$e}")
        }
    };
    [left, right].map(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_digits_as_tell_them_apart() {
        for (left, right, expected) in [
            (9.0, 38.24, ["9", "38.2"]),
            (0.0, 0.0, ["0", "0"]),
            (0.0, 1.5, ["0", "1.5"]),
            (1200.4, 100.6, ["1200", "101"]),
            (40.1234, 40.1266, ["40.123", "40.127"]),
            (-0.0123, 0.5, ["-0.012", "0.5"]),
            (2e9, 3.5e9, ["2.00e9", "3.50e9"]),
            (0.00001, 0.00002, ["1.00e-5", "2.00e-5"]),
            (7.0, 7.0, ["7", "7"]),
        ] {
            assert_eq!(pair(left, right), expected);
        }
    }
}
