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
    /// The weights by time of a history to answer need times that it does not have.
    #[error(
        "the history of case {case} has {n_times} times for {n_events} events; give one an event, or fit without history_half_life_days"
    )]
    HistoryTimesMismatch {
        /// The case, within the batch.
        case: usize,
        /// Number of times.
        n_times: usize,
        /// Number of events.
        n_events: usize,
    },
    /// A catalogue is too large for matrices that hold a number for each pair of items.
    #[error(
        "the catalogue has {n_items} items, for which the dense matrices take {:.1} GB, and at most {max_items} are allowed; raise max_items where the memory is there, or take ItemKnn",
        *.n_bytes as f64 / 1e9
    )]
    TooManyItems {
        /// Size of the catalogue.
        n_items: usize,
        /// Largest that the configuration allows.
        max_items: usize,
        /// Memory that fitting would take.
        n_bytes: u64,
    },
    /// Equations have no solution that 64 bits can tell.
    #[error(
        "the equations with regularisation {regularisation:e} are singular in 64 bits; raise regularisation"
    )]
    NotPositiveDefinite {
        /// The regularisation.
        regularisation: f64,
    },
    /// A factorisation left the finite numbers.
    #[error(
        "the matrix factorisation with n_factors {n_factors}, regularisation {regularisation} and alpha {alpha} is not finite after one round; factors must be: lower alpha or raise regularisation"
    )]
    FactorsNotFinite {
        /// Number of factors.
        n_factors: u32,
        /// Weight of the squared factors.
        regularisation: f64,
        /// Confidence of an event.
        alpha: f64,
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
