//! What can be wrong with a rule that tells who leaves.

use std::time::Duration;

use crate::data::time::moment_of_millis as moment;

/// What can be wrong with a rule that tells who leaves, with a log that it is applied to, or with a table that it made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChurnError {
    /// The log has no times.
    #[error(
        "who leaves is told by the times of events, but none were read; name their column in the schema"
    )]
    NeedsTimes,
    /// A period is no time at all, or longer than can be counted.
    #[error(
        "the {name} is {period:?}; it must last at least a millisecond and at most 2^63 of them"
    )]
    InvalidPeriod {
        /// Which period.
        name: &'static str,
        /// What was given.
        period: Duration,
    },
    /// There is no cut-off.
    #[error("there are no cut-offs for {part}; at least one is needed")]
    NoCutOffs {
        /// What they are for.
        part: &'static str,
    },
    /// A cut-off is not later than the one before it.
    #[error(
        "cut-off {} follows cut-off {}; each must be later than the one before it",
        moment(*second),
        moment(*first)
    )]
    CutOffsNotIncreasing {
        /// The one before, in milliseconds since 1970, UTC.
        first: i64,
        /// The one that follows it.
        second: i64,
    },
    /// What happens within the horizon of a cut-off is not known to its end.
    #[error(
        "the horizon of cut-off {} closes at {}, but events are known until {} only; take an earlier cut-off or a shorter horizon, or say when the log ends if that is later than its last event",
        moment(*cut_off),
        moment(*closes),
        moment(*known_until)
    )]
    HorizonOpen {
        /// The cut-off, in milliseconds since 1970, UTC.
        cut_off: i64,
        /// The last moment of its horizon.
        closes: i64,
        /// The last moment whose events are known.
        known_until: i64,
    },
    /// An event is later than the log's end.
    #[error(
        "customer {customer:?} has an event at {}, after the end of the log at {}; {n_later} events are so late: mend their times, or give a later end",
        moment(*time),
        moment(*log_end)
    )]
    EventAfterLogEnd {
        /// Whose event it is.
        customer: String,
        /// Its time, in milliseconds since 1970, UTC.
        time: i64,
        /// The last moment of the log.
        log_end: i64,
        /// How many events are later than the end.
        n_later: usize,
    },
    /// Nobody has a row.
    #[error(
        "no customer has a row at any cut-off: {n_not_yet} times there was no event yet, and {n_inactive} times none recent enough; take later cut-offs or longer periods"
    )]
    NoCustomers {
        /// Customers without an event yet, over all cut-offs.
        n_not_yet: usize,
        /// Customers whose last event was too long before, over all cut-offs.
        n_inactive: usize,
    },
    /// An attribute of customers that has not one value a customer.
    #[error(
        "attribute {name:?} is of kind {kind}; a row has attributes of kind category and number, so leave it out"
    )]
    UnusableAttribute {
        /// The attribute.
        name: String,
        /// Its kind.
        kind: &'static str,
    },
    /// An attribute has the name of a column that the table has anyway.
    #[error("attribute {name:?} would be a second column of that name; give it another name")]
    RepeatedColumn {
        /// The attribute.
        name: String,
    },
    /// A split was asked of a log that is too short for it.
    #[error(
        "the times from {} to {} last {has_days:.2} days, but these cut-offs need {needs_days:.2}; take fewer of them, a shorter step, a shorter horizon or a longer log",
        moment(*first),
        moment(*last)
    )]
    LogTooShort {
        /// The first moment, in milliseconds since 1970, UTC.
        first: i64,
        /// The last moment.
        last: i64,
        /// Days between them.
        has_days: f64,
        /// Days that are needed.
        needs_days: f64,
    },
    /// A part begins before the labels of the part before it are known.
    #[error(
        "{part} begins at cut-off {}, but the horizon of the last cut-off before it, {}, closes at {} only: what is judged by would be learnt from; leave a horizon between the parts",
        moment(*cut_off),
        moment(*before),
        moment(*closes)
    )]
    PartsOverlap {
        /// The later part: `validation` or `test`.
        part: &'static str,
        /// Its first cut-off, in milliseconds since 1970, UTC.
        cut_off: i64,
        /// The last cut-off of the part before.
        before: i64,
        /// The last moment of that one's horizon.
        closes: i64,
    },
    /// A row holds something that happened after its cut-off.
    #[error(
        "column {column:?} of customer {customer:?} at cut-off {} holds an event of {}, which is after it: the future must not be an input",
        moment(*cut_off),
        moment(*time)
    )]
    EventAfterCutOff {
        /// The column.
        column: &'static str,
        /// Whose row it is.
        customer: String,
        /// Its cut-off, in milliseconds since 1970, UTC.
        cut_off: i64,
        /// When the event happened.
        time: i64,
    },
    /// A table lacks a column that a rule gave it, or has one of another type.
    #[error("the table has no column {column:?} such as a churn rule gives it")]
    UnknownTable {
        /// The column.
        column: &'static str,
    },
}
