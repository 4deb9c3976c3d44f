//! Why a baseline cannot be fitted or asked.

/// Why a baseline cannot be fitted or asked. Histories and cases are numbered from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// There is nothing to recommend.
    #[error("the catalogue has no items; a baseline needs at least one")]
    NoItems,
    /// A history to learn from holds an item that does not exist.
    #[error(
        "training history {history} holds item {item}, but the catalogue has {n_items} items; leave out items outside it"
    )]
    TrainingItemOutOfRange {
        /// The history.
        history: usize,
        /// The item.
        item: u32,
        /// Size of the catalogue.
        n_items: usize,
    },
    /// A history to answer holds an item that does not exist.
    #[error(
        "the history of case {case} holds item {item}, but the baseline knows {n_items} items; leave out items outside them"
    )]
    ItemOutOfRange {
        /// The case, within the batch.
        case: usize,
        /// The item.
        item: u32,
        /// Size of the catalogue.
        n_items: usize,
    },
    /// Times are needed, or there are some but not one an event.
    #[error("training history {history} has {n_times} times for {n_events} events; give one an event{}", remedy(*.n_times))]
    TimesMismatch {
        /// The history.
        history: usize,
        /// Number of times.
        n_times: usize,
        /// Number of events.
        n_events: usize,
    },
    /// A setting that must be above 0 is not.
    #[error("{setting} is {value}; it must be finite and above 0")]
    NotPositive {
        /// The field of the configuration.
        setting: &'static str,
        /// Its value.
        value: f64,
    },
    /// A setting that must be at least 0 is not.
    #[error("{setting} is {value}; it must be finite and at least 0")]
    Negative {
        /// The field of the configuration.
        setting: &'static str,
        /// Its value.
        value: f64,
    },
}

fn remedy(n_times: usize) -> &'static str {
    if n_times == 0 {
        ", or fit without half_life_days"
    } else {
        ""
    }
}

impl BaselineError {
    /// Checks that `setting` is finite and above 0.
    pub(super) fn check_positive(setting: &'static str, value: f64) -> Result<(), Self> {
        if value.is_finite() && value > 0.0 {
            Ok(())
        } else {
            Err(Self::NotPositive { setting, value })
        }
    }

    /// Checks that `setting` is finite and at least 0.
    pub(super) fn check_not_negative(setting: &'static str, value: f64) -> Result<(), Self> {
        if value.is_finite() && value >= 0.0 {
            Ok(())
        } else {
            Err(Self::Negative { setting, value })
        }
    }
}
