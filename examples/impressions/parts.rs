//! The times of the impressions to train, to validate and to test on.

use std::ops::Range;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime};
use salient::data::{ImpressionRule, Interactions, OpenWindows};

use crate::flags::Flags;

/// A moment in milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(i64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let date = NaiveDate::from_str(text).map(|date| date.and_time(NaiveTime::MIN).and_utc());
        let moment = date.or_else(|_| DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()));
        match moment {
            Ok(moment) => Ok(Self(moment.timestamp_millis())),
            Err(_) => Err("write 2017-11-25, which is UTC, or 2017-11-25T00:00:00+08:00".into()),
        }
    }
}

/// The times of each part, in milliseconds since 1970, UTC.
pub(crate) struct Parts {
    train: Range<i64>,
    valid: Range<i64>,
    test: Range<i64>,
}

impl Parts {
    /// The times that the flags say; each part ends a window before the next begins.
    pub(crate) fn new(
        flags: &Flags,
        log: &Interactions,
        rule: &ImpressionRule,
    ) -> Result<Self, String> {
        let times = log.times_utc_millis().iter().copied();
        let (first, last) = (times.clone().min(), times.max());
        let (first, last) = first.zip(last).ok_or("the log is empty")?;
        let too_long = |_| format!("the window is too long: {:?}", rule.window);
        let window = i64::try_from(rule.window.as_millis()).map_err(too_long)?;
        let last = match rule.open_windows {
            OpenWindows::LeaveOut => last.saturating_sub(window),
            OpenWindows::Keep => last,
        };
        let or = |given: Option<Moment>, usual: i64| given.map_or(usual, |Moment(given)| given);
        let tenth = last.saturating_sub(first) / 10;
        let train_from = or(flags.parts.train_from, first);
        let test_until = or(flags.parts.test_until, last.saturating_add(1));
        let test_from = or(flags.parts.test_from, test_until.saturating_sub(tenth));
        let valid_until = test_from.saturating_sub(window);
        let valid_from = or(flags.parts.valid_from, valid_until.saturating_sub(tenth));
        let train_until = valid_from.saturating_sub(window);
        Ok(Self {
            train: train_from..train_until,
            valid: valid_from..valid_until,
            test: test_from..test_until,
        })
    }

    /// The parts with their names.
    pub(crate) fn named(&self) -> [(&'static str, Range<i64>); 3] {
        [
            ("train", self.train.clone()),
            ("valid", self.valid.clone()),
            ("test", self.test.clone()),
        ]
    }
}

/// The first and the last moment, for people.
pub(crate) fn shown(times: &Range<i64>) -> String {
    let moment = |millis| match DateTime::from_timestamp_millis(millis) {
        Some(moment) => moment.format("%Y-%m-%d %H:%M:%S").to_string(),
        None => millis.to_string(),
    };
    format!("{} to {} UTC", moment(times.start), moment(times.end))
}
