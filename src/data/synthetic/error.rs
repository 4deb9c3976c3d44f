//! What can be wrong with the settings of a shop.

/// A [`ShopConfig`](super::ShopConfig) describes no shop that can be simulated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntheticError {
    /// A count lies outside its range.
    #[error(
        "{field} is {value}, but must lie in {minimum} to {maximum}; choose a count in that range"
    )]
    CountOutOfRange {
        /// Name of the setting.
        field: &'static str,
        /// What it was set to.
        value: usize,
        /// Least allowed value.
        minimum: usize,
        /// Greatest allowed value.
        maximum: usize,
    },
    /// A number lies outside its range, or is not finite.
    #[error(
        "{field} is {value}, but must lie in {minimum} to {maximum}; choose a number in that range"
    )]
    NumberOutOfRange {
        /// Name of the setting.
        field: &'static str,
        /// What it was set to.
        value: f64,
        /// Least allowed value.
        minimum: f64,
        /// Greatest allowed value.
        maximum: f64,
    },
    /// Popularity, the one part of the next-item law that reaches every item, has too little weight.
    #[error(
        "popularity_weight is {weight} of weights that sum to {sum}, but must be above 0 and at least a thousandth of the sum; raise it"
    )]
    PopularityTooLight {
        /// Weight of popularity.
        weight: f64,
        /// Sum of the four weights.
        sum: f64,
    },
    /// The routine has no event to go by.
    #[error(
        "routine_lag_weights are all 0, but one of them must be positive; set routine_weight to 0 to go without the routine"
    )]
    NoRoutineLag,
    /// The start lies too far from 1970 to count milliseconds from it.
    #[error(
        "start_utc_millis is {value}, but must lie within 10,000 years of 1970; choose a nearer start"
    )]
    StartOutOfRange {
        /// What it was set to.
        value: i64,
    },
}
