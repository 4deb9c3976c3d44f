//! What can be wrong with the configuration of a model, or with an input that does not fit it.

/// What can be wrong with the configuration of a model, or with an input that does not fit it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A size that must be positive is zero.
    #[error("{field} is 0: use at least 1")]
    ZeroSize {
        /// The field of the config.
        field: &'static str,
    },
    /// The width of a token cannot be shared out among the heads.
    #[error(
        "d_model {d_model} is no multiple of n_heads {n_heads}: every head needs an equal share of the width"
    )]
    HeadsDoNotDivideModel {
        /// Width of a token vector.
        d_model: usize,
        /// Number of heads.
        n_heads: usize,
    },
    /// A chance of dropping something is no number in `[0, 1)`.
    #[error("{field} is {value}: use a number of at least 0 and below 1")]
    DropoutOutOfRange {
        /// The field of the config.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// A sliding window hides every token.
    #[error("a window of 0 hides every token: use at least 1, or none to see all")]
    WindowOfZero,
    /// Rotary positions turn pairs of coordinates, and a head has an odd number of them.
    #[error(
        "rotary positions turn pairs of coordinates but a head has {d_head}: make d_model / n_heads even"
    )]
    OddRotaryWidth {
        /// Width of one head.
        d_head: usize,
    },
    /// A number that must be positive and finite is not.
    #[error("{field} is {value}: use a positive finite number")]
    NotPositive {
        /// The field of the config.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// A bias has too few buckets for its distances.
    #[error("{field} is {value}: use at least {least}")]
    TooSmall {
        /// The field of the config.
        field: &'static str,
        /// Its value.
        value: usize,
        /// The least that is allowed.
        least: usize,
    },
    /// A sequence has more rows than there are learned positions.
    #[error(
        "sequence {sequence} has {seq_len} rows but there are {max_len} learned positions: shorten it, or raise max_len"
    )]
    SequenceTooLong {
        /// Which sequence of the batch, from 0.
        sequence: usize,
        /// Its length.
        seq_len: usize,
        /// Number of learned positions.
        max_len: usize,
    },
    /// A length exceeds the axis that holds the sequence.
    #[error("length {length} of sequence {sequence} exceeds seq_len {seq_len}")]
    LengthExceedsSequence {
        /// Which sequence of the batch, from 0.
        sequence: usize,
        /// The length given.
        length: usize,
        /// Length of the axis.
        seq_len: usize,
    },
    /// A padding mask hides a token and shows a later one.
    #[error(
        "the padding mask of sequence {sequence} shows position {position} after a hidden one: padding must come last"
    )]
    PaddingBeforeToken {
        /// Which sequence of the batch, from 0.
        sequence: usize,
        /// The first visible position after a hidden one, from 0.
        position: usize,
    },
}
