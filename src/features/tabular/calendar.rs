//! What the calendar says of a time.

use chrono::{DateTime, Datelike};
use serde::{Deserialize, Serialize};

const MILLIS_PER_HOUR: i64 = 3_600_000;
const MILLIS_PER_DAY: i64 = 24 * MILLIS_PER_HOUR;

/// A category made of the time of a row. All its values have an id, whether training saw them or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarPart {
    /// The hour of the day, from 0 to 23.
    Hour,
    /// The day of the week, Monday first.
    Weekday,
    /// The month, January first.
    Month,
    /// The season: from December, March, June and September on three months each.
    Season,
}

impl CalendarPart {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Month => "month",
            Self::Season => "season",
        }
    }

    /// How many values there are.
    pub const fn n_values(self) -> usize {
        match self {
            Self::Hour => 24,
            Self::Weekday => 7,
            Self::Month => 12,
            Self::Season => 4,
        }
    }

    /// The value for a time, below [`Self::n_values`].
    pub(super) fn value(self, time_utc_millis: i64, utc_offset_minutes: i32) -> u32 {
        let local = time_utc_millis.saturating_add(i64::from(utc_offset_minutes) * 60_000);
        // Times lie in the years 0 to 9999, far within what a date can be.
        let month = || DateTime::from_timestamp_millis(local).map_or(0, |date| date.month0());
        match self {
            Self::Hour => (local.rem_euclid(MILLIS_PER_DAY) / MILLIS_PER_HOUR) as u32,
            // The first of January 1970 was a Thursday.
            Self::Weekday => (local.div_euclid(MILLIS_PER_DAY) + 3).rem_euclid(7) as u32,
            Self::Month => month(),
            Self::Season => (month() + 1) / 3 % 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Timelike;

    use super::*;

    const PARTS: [CalendarPart; 4] = [
        CalendarPart::Hour,
        CalendarPart::Weekday,
        CalendarPart::Month,
        CalendarPart::Season,
    ];

    #[test]
    fn known_days_are_where_the_calendar_has_them() {
        // Sunday, 29 February 2004, 23:30 UTC; an hour later it is Monday, 1 March.
        let millis = 1_078_097_400_000;
        assert_eq!(PARTS.map(|part| part.value(millis, 0)), [23, 6, 1, 0]);
        assert_eq!(PARTS.map(|part| part.value(millis, 60)), [0, 0, 2, 1]);
        assert_eq!(PARTS.map(|part| part.value(-1, 0)), [23, 2, 11, 0]);
    }

    proptest::proptest! {
        #[test]
        fn every_time_has_the_values_of_its_date(
            millis in -62_167_219_200_000_i64..253_402_300_800_000,
            offset in -1439..1440_i32,
        ) {
            let date = DateTime::from_timestamp_millis(millis + i64::from(offset) * 60_000).unwrap();
            let values = PARTS.map(|part| part.value(millis, offset));
            let expected = [date.hour(), date.weekday().num_days_from_monday(), date.month0()];
            proptest::prop_assert_eq!(&values[..3], &expected);
            let season = [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0][date.month0() as usize];
            proptest::prop_assert_eq!(values[3], season);
            for (part, value) in PARTS.iter().zip(values) {
                proptest::prop_assert!((value as usize) < part.n_values());
            }
        }
    }
}
