//! What can be wrong with a question to a task.

/// What can be wrong with a question to a task.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum TaskError {
    /// No preset has this name.
    #[error("unknown preset {name:?}: the presets are {}", known.join(", "))]
    UnknownPreset {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// A setting lies outside its range.
    #[error("{setting} is {value}: it must be at least {least}")]
    TooSmall {
        /// Name of the setting.
        setting: &'static str,
        /// The value given.
        value: usize,
        /// The least allowed.
        least: usize,
    },
    /// Targets are to be weighed by weights that the log does not have.
    #[error(
        "weighted_targets is set, but the log has no weights: name a weight column, or leave it off"
    )]
    NoWeights,
    /// The training part of a log holds too few items to rank.
    #[error(
        "the training part of the log holds {n_items} distinct item(s): ranking needs at least 2"
    )]
    TooFewItems {
        /// Distinct items.
        n_items: usize,
    },
    /// The training part of a log holds nothing that follows anything.
    #[error(
        "none of {n_users} user(s) has 2 or more events in the training part: there is no next item to learn from"
    )]
    NoSuccession {
        /// Users in the log.
        n_users: usize,
    },
    /// More items are asked for than there are.
    #[error("k is {k}: the catalogue holds {n_items} items")]
    CutoffExceedsItems {
        /// Items asked for.
        k: usize,
        /// Items in the catalogue.
        n_items: usize,
    },
    /// An item in an allow or deny list is not in the catalogue.
    #[error("item {id:?} of the {list} list is not in the catalogue of {n_items} items")]
    UnknownListedItem {
        /// The item.
        id: String,
        /// Which list: allow or deny.
        list: &'static str,
        /// Items in the catalogue.
        n_items: usize,
    },
    /// An imported model was made for another number of items.
    #[error("the item table has {found} rows, {n_items} item ids and padding need {}", n_items + 1)]
    ItemTableRows {
        /// Rows of the table.
        found: usize,
        /// Item ids given.
        n_items: usize,
    },
}
