//! Times as they are written, to milliseconds since 1970 in UTC.

use std::fmt;
use std::str::FromStr;

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use serde::{Deserialize, Serialize};

use super::bad_row::RowRule;
use super::error::DataError;

/// The first millisecond of the year 0.
const MIN_MILLIS: i64 = -62_167_219_200_000;
/// The first millisecond of the year 10000.
const END_MILLIS: i64 = 253_402_300_800_000;
const MILLIS_PER_SECOND: i64 = 1_000;
pub(crate) const MILLIS_PER_DAY: i64 = 86_400_000;

/// How times are written.
///
/// Dates without a time of day mean midnight; times without an offset mean UTC. Columns of a table that are timestamps or
/// dates by type need no format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TimeFormat {
    /// Numbers are seconds since 1970, with a fraction or not; text is RFC 3339, `YYYY-MM-DD` or `YYYY-MM-DD HH:MM[:SS]`.
    /// The default.
    #[default]
    Auto,
    /// Seconds since 1970, with a fraction or not.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMillis,
    /// Microseconds since 1970.
    UnixMicros,
    /// A pattern of [`chrono::format::strftime`], such as `%d/%m/%Y %H:%M`.
    Pattern(String),
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::UnixSeconds => "unix-seconds",
            Self::UnixMillis => "unix-millis",
            Self::UnixMicros => "unix-micros",
            Self::Pattern(pattern) => pattern,
        })
    }
}

impl FromStr for TimeFormat {
    type Err = DataError;

    /// Reads `auto`, `unix-seconds`, `unix-millis`, `unix-micros` (or without the `unix-`), or a pattern with `%` in it.
    ///
    /// # Errors
    /// [`DataError::UnknownTimeFormat`], [`DataError::InvalidTimePattern`].
    fn from_str(text: &str) -> Result<Self, DataError> {
        match text.replace('_', "-").as_str() {
            "auto" => Ok(Self::Auto),
            "unix-seconds" | "seconds" => Ok(Self::UnixSeconds),
            "unix-millis" | "millis" => Ok(Self::UnixMillis),
            "unix-micros" | "micros" => Ok(Self::UnixMicros),
            _ if text.contains('%') => {
                let format = Self::Pattern(text.into());
                TimeParser::new(&format)?;
                Ok(format)
            }
            _ => Err(DataError::UnknownTimeFormat { text: text.into() }),
        }
    }
}

impl TryFrom<String> for TimeFormat {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<TimeFormat> for String {
    fn from(format: TimeFormat) -> Self {
        format.to_string()
    }
}

/// Reads times of one format.
pub(crate) enum TimeParser {
    Auto,
    Unix(Unit),
    Pattern {
        pattern: String,
        items: Vec<Item<'static>>,
    },
}

/// A unit of time since 1970, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
    Days,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "unix-seconds",
            Self::Millis => "unix-millis",
            Self::Micros => "unix-micros",
            Self::Nanos => "a timestamp in nanoseconds",
            Self::Days => "a date",
        }
    }

    /// Milliseconds of a whole number of units; fractions of a millisecond are rounded down.
    fn millis(self, value: i64) -> Option<i64> {
        match self {
            Self::Seconds => value.checked_mul(MILLIS_PER_SECOND),
            Self::Millis => Some(value),
            Self::Micros => Some(value.div_euclid(1_000)),
            Self::Nanos => Some(value.div_euclid(1_000_000)),
            Self::Days => value.checked_mul(MILLIS_PER_DAY),
        }
    }

    /// Milliseconds of a whole number of units, within the years 0 to 9999.
    pub(crate) fn checked_millis(self, value: i64) -> Result<i64, RowRule> {
        let unit = self.name();
        let millis = self.millis(value).ok_or(RowRule::TimeOutOfRange { unit })?;
        in_range(millis, unit)
    }

    /// Milliseconds of a number of units; seconds are rounded to the nearest millisecond, as binary fractions need.
    fn millis_of_float(self, value: f64) -> Option<i64> {
        let millis = match self {
            Self::Seconds => (value * 1e3).round(),
            Self::Millis => value.floor(),
            Self::Micros => (value / 1e3).floor(),
            Self::Nanos => (value / 1e6).floor(),
            Self::Days => (value * MILLIS_PER_DAY as f64).floor(),
        };
        // Far beyond any year that passes the range check, and exact in i64.
        (millis.abs() < 1e18).then_some(millis as i64)
    }
}

impl TimeParser {
    /// # Errors
    /// [`DataError::InvalidTimePattern`] when a pattern holds an unknown specifier.
    pub(crate) fn new(format: &TimeFormat) -> Result<Self, DataError> {
        Ok(match format {
            TimeFormat::Auto => Self::Auto,
            TimeFormat::UnixSeconds => Self::Unix(Unit::Seconds),
            TimeFormat::UnixMillis => Self::Unix(Unit::Millis),
            TimeFormat::UnixMicros => Self::Unix(Unit::Micros),
            TimeFormat::Pattern(pattern) => Self::Pattern {
                items: StrftimeItems::new(pattern).parse_to_owned().map_err(|_| {
                    DataError::InvalidTimePattern {
                        pattern: pattern.clone(),
                    }
                })?,
                pattern: pattern.clone(),
            },
        })
    }

    /// Milliseconds since 1970 of a time as text.
    pub(crate) fn text(&self, text: &str) -> Result<i64, RowRule> {
        let text = text.trim();
        if text.is_empty() {
            return Err(RowRule::MissingTime);
        }
        let millis = match self {
            Self::Pattern { items, .. } => parse_pattern(text, items),
            Self::Unix(unit) => return self.number_in_text(text, *unit),
            // Text that begins as a date is no number, and numbers are the common case.
            Self::Auto => match self.number_in_text(text, Unit::Seconds) {
                Err(RowRule::UnparsableTime { .. }) => parse_date(text),
                result => return result,
            },
        };
        in_range(millis.ok_or_else(|| self.unparsable())?, "a date")
    }

    /// Milliseconds since 1970 of a time as a whole number.
    pub(crate) fn integer(&self, value: i64) -> Result<i64, RowRule> {
        match self.unit() {
            Some(unit) => unit.checked_millis(value),
            // Such as 20160509 with %Y%m%d.
            None => self.text(&value.to_string()),
        }
    }

    /// Milliseconds since 1970 of a time as a number.
    pub(crate) fn float(&self, value: f64) -> Result<i64, RowRule> {
        match self.unit() {
            Some(_) if !value.is_finite() => Err(self.unparsable()),
            Some(unit) => match unit.millis_of_float(value) {
                Some(millis) => in_range(millis, unit.name()),
                None => Err(RowRule::TimeOutOfRange { unit: unit.name() }),
            },
            None => self.text(&value.to_string()),
        }
    }

    fn unit(&self) -> Option<Unit> {
        match self {
            Self::Auto => Some(Unit::Seconds),
            Self::Unix(unit) => Some(*unit),
            Self::Pattern { .. } => None,
        }
    }

    fn number_in_text(&self, text: &str, unit: Unit) -> Result<i64, RowRule> {
        if let Ok(value) = text.parse::<i64>() {
            return unit.checked_millis(value);
        }
        match text.parse::<f64>() {
            Ok(value) => self.float(value),
            Err(_) => Err(self.unparsable()),
        }
    }

    fn unparsable(&self) -> RowRule {
        RowRule::UnparsableTime {
            expected: match self {
                Self::Auto => "Unix seconds, RFC 3339 or YYYY-MM-DD[ HH:MM:SS]".into(),
                Self::Unix(unit) => format!("a number in {}", unit.name()),
                Self::Pattern { pattern, .. } => format!("the pattern {pattern}"),
            },
        }
    }
}

/// Refuses a time that is most likely in another unit.
pub(crate) fn in_range(millis: i64, unit: &'static str) -> Result<i64, RowRule> {
    if (MIN_MILLIS..END_MILLIS).contains(&millis) {
        Ok(millis)
    } else {
        Err(RowRule::TimeOutOfRange { unit })
    }
}

/// RFC 3339, a date with a time of day in UTC, or a date.
fn parse_date(text: &str) -> Option<i64> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(midnight(date));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ]
    .iter()
    .find_map(|pattern| NaiveDateTime::parse_from_str(text, pattern).ok())
    .map(|time| time.and_utc().timestamp_millis())
}

fn parse_pattern(text: &str, items: &[Item<'static>]) -> Option<i64> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
    let offset_seconds = parsed.offset().unwrap_or(0);
    let local = match parsed.to_naive_datetime_with_offset(offset_seconds) {
        Ok(time) => time.and_utc().timestamp_millis(),
        // A time of day that is there but wrong must not become midnight.
        Err(_) if parsed.to_naive_time().is_ok() || parsed.hour_mod_12().is_some() => return None,
        Err(_) => midnight(parsed.to_naive_date().ok()?),
    };
    Some(local - i64::from(offset_seconds) * MILLIS_PER_SECOND)
}

fn midnight(date: NaiveDate) -> i64 {
    date.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

/// A date for people, such as `1997-09-20`.
pub(crate) fn date_of_millis(millis: i64) -> String {
    DateTime::from_timestamp_millis(millis).map_or_else(
        || format!("{millis} ms"),
        |time| time.format("%Y-%m-%d").to_string(),
    )
}

/// A moment for people, such as `1997-09-20` for midnight, or `1997-09-20 10:00:00 UTC`; of a millisecond, if it has some.
pub(crate) fn moment_of_millis(millis: i64) -> String {
    match DateTime::from_timestamp_millis(millis) {
        Some(time) if millis % MILLIS_PER_DAY != 0 => {
            time.format("%Y-%m-%d %H:%M:%S%.f UTC").to_string()
        }
        _ => date_of_millis(millis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(format: &str, text: &str) -> Result<i64, RowRule> {
        TimeParser::new(&format.parse().unwrap())
            .unwrap()
            .text(text)
    }

    #[test]
    fn auto_reads_seconds_and_dates() {
        for (text, expected) in [
            ("881250949", 881_250_949_000),
            ("8.81250949e8", 881_250_949_000),
            (" 1.0005 ", 1_001),
            ("-1", -1_000),
            ("1970-01-02", 86_400_000),
            ("1970-01-02 00:00", 86_400_000),
            ("1970-01-02 00:00:01", 86_401_000),
            ("1970-01-02 00:00:01.25", 86_401_250),
            ("1970-01-02T00:00:01", 86_401_000),
            ("1970-01-02T01:00:01+01:00", 86_401_000),
            ("1970-01-02T00:00:01Z", 86_401_000),
        ] {
            assert_eq!(millis("auto", text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_units_and_patterns_are_read_as_named() {
        assert_eq!(millis("unix-millis", "1500"), Ok(1_500));
        assert_eq!(millis("millis", "1500"), Ok(1_500));
        assert_eq!(millis("unix_micros", "1500999"), Ok(1_500));
        assert_eq!(millis("unix-micros", "-1"), Ok(-1));
        assert_eq!(millis("%d/%m/%Y", "02/01/1970"), Ok(86_400_000));
        assert_eq!(millis("%d/%m/%Y %H:%M", "02/01/1970 00:01"), Ok(86_460_000));
        assert_eq!(
            millis("%Y-%m-%d %H:%M:%S %z", "1970-01-02 01:00:00 +0100"),
            Ok(86_400_000)
        );
        let dates = TimeParser::new(&TimeFormat::Pattern("%Y%m%d".into())).unwrap();
        assert_eq!(dates.integer(19_700_102), Ok(86_400_000));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "yesterday",
            "NA",
            "nan",
            "inf",
            "2024-13-01",
            "2024-02-30 10:00",
            "1e400",
        ] {
            assert!(
                matches!(millis("auto", text), Err(RowRule::UnparsableTime { .. })),
                "{text}"
            );
        }
        assert_eq!(millis("auto", " "), Err(RowRule::MissingTime));
        assert!(matches!(
            millis("%d/%m/%Y %I %p", "02/01/1970 13 PM"),
            Err(RowRule::UnparsableTime { expected }) if expected == "the pattern %d/%m/%Y %I %p"
        ));
    }

    #[test]
    fn milliseconds_read_as_seconds_are_refused() {
        for text in [
            "1511544070000",
            "9223372036854775807",
            "1e300",
            "253402300800",
            "-62167219201",
        ] {
            assert_eq!(
                millis("auto", text),
                Err(RowRule::TimeOutOfRange {
                    unit: "unix-seconds"
                }),
                "{text}"
            );
        }
        assert_eq!(millis("auto", "253402300799"), Ok(END_MILLIS - 1_000));
        assert_eq!(millis("auto", "-62167219200"), Ok(MIN_MILLIS));
    }

    #[test]
    fn formats_survive_being_written_and_read() {
        for text in [
            "auto",
            "unix-seconds",
            "unix-millis",
            "unix-micros",
            "%d.%m.%Y",
        ] {
            let format: TimeFormat = text.parse().unwrap();
            assert_eq!(format.to_string(), text);
        }
    }

    #[test]
    fn unknown_formats_are_refused() {
        let error = "epoch".parse::<TimeFormat>().unwrap_err();
        assert!(matches!(&error, DataError::UnknownTimeFormat { text } if text == "epoch"));
        assert_eq!(
            error.to_string(),
            "unknown time format \"epoch\"; use auto, unix-seconds, unix-millis, unix-micros, or a pattern such as %d/%m/%Y %H:%M"
        );
        let error = "%Y-%Q".parse::<TimeFormat>().unwrap_err();
        assert!(matches!(&error, DataError::InvalidTimePattern { pattern } if pattern == "%Y-%Q"));
        assert_eq!(
            error.to_string(),
            "time pattern \"%Y-%Q\" is not valid: each % must begin a specifier of strftime, such as %Y-%m-%d %H:%M:%S"
        );
    }
}
