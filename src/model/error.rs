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
    /// A number that must not be negative is, or is not finite.
    #[error("{field} is {value}: use a finite number of at least 0")]
    Negative {
        /// The field of the config.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// A count does not reach what its use needs, such as the buckets of a bias.
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
    /// A table has no field that the network reads.
    #[error("the table has no field that a {network} network reads: name at least one")]
    NoFields {
        /// The network.
        network: &'static str,
    },
    /// A table has nothing to predict.
    #[error("the table has no label: name at least one")]
    NoLabels,
    /// A network that attends to histories finds none whose values are those of a field.
    #[error(
        "{network} attends to histories, but no list is a history that shares the values of a field: declare one, or choose another network"
    )]
    NoHistory {
        /// The network.
        network: &'static str,
    },
    /// A network that reads events finds no list that tells of them.
    #[error(
        "{network} reads events, but no list is a history: declare one, or choose another network"
    )]
    NoEvents {
        /// The network.
        network: &'static str,
    },
    /// A list shares the values of a field that is not there.
    #[error(
        "list {list:?} shares the values of category {category}, but there are {n_categories} categories"
    )]
    NoSuchCategory {
        /// Name of the list.
        list: String,
        /// The index given.
        category: usize,
        /// Categories there are.
        n_categories: usize,
    },
    /// A list has more values than the field whose values it shares.
    #[error(
        "list {list:?} has {n_values} values, but shares those of {category:?}, which has {n_shared}"
    )]
    MoreValuesThanShared {
        /// Name of the list.
        list: String,
        /// Its values.
        n_values: usize,
        /// Name of the field.
        category: String,
        /// The field's values.
        n_shared: usize,
    },
    /// The values of all fields together cannot be numbered.
    #[error("the fields have {n_values} values together: at most {most} can be numbered")]
    TooManyValues {
        /// Values of all fields.
        n_values: usize,
        /// The most there can be.
        most: usize,
    },
    /// Settings name a field that the table does not have.
    #[error("{setting} names the field {name:?}, which the table does not have")]
    UnknownField {
        /// The setting.
        setting: &'static str,
        /// The name.
        name: String,
    },
    /// A share of positive labels leaves nothing to tell apart.
    #[error("the base rate of label {label} is {rate}: use a number above 0 and below 1")]
    BaseRateOutOfRange {
        /// Which label, from 0.
        label: usize,
        /// Its base rate.
        rate: f64,
    },
}
