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
    /// A setting lies outside its range.
    #[error("{setting} is {value}: it must lie in {range}")]
    OutOfRange {
        /// Name of the setting.
        setting: &'static str,
        /// The value given.
        value: f64,
        /// The values allowed.
        range: &'static str,
    },
    /// Two settings do not go together.
    #[error("{setting} and {other} do not go together: {rule}")]
    Conflict {
        /// One of them.
        setting: &'static str,
        /// The other.
        other: &'static str,
        /// Why, and what to do.
        rule: &'static str,
    },
    /// A setting reads weights that the log does not have.
    #[error("{setting} is set, but the log has no weights: name a weight column, or leave it off")]
    NoWeights {
        /// Name of the setting.
        setting: &'static str,
    },
    /// A setting reads types of event that the log does not have.
    #[error(
        "{setting} is set, but the log has no types of event: name an event column, or leave it off"
    )]
    NoEventTypes {
        /// Name of the setting.
        setting: &'static str,
    },
    /// A setting reads times that the log does not have.
    #[error("{setting} is set, but the log has no times: name a time column, or leave it off")]
    NoTimes {
        /// Name of the setting.
        setting: &'static str,
    },
    /// A weight is given for a type of event that training does not see.
    #[error(
        "target_weights names the event type {name:?}, which training does not see: it sees {}", known.join(", ")
    )]
    UnknownEventType {
        /// The type.
        name: String,
        /// The types there are.
        known: Vec<String>,
    },
    /// Attributes that are brought into other numbers than a model reads.
    #[error(
        "the attributes of {what} are encoded by another schema than the model's: make the data with the model as `known`"
    )]
    OtherSchema {
        /// Items or users.
        what: &'static str,
    },
    /// A question names a user of whom the side table has no row.
    #[error("case {case}: user {user} is outside {n_users} rows of user attributes")]
    UserOutOfRange {
        /// Which question, from 0.
        case: usize,
        /// The user's index.
        user: usize,
        /// Rows there are.
        n_users: usize,
    },
    /// The weight of an event in a history is not a number.
    #[error("event {event} of the history has a weight that is not finite")]
    WeightNotFinite {
        /// Which event, from 0.
        event: usize,
    },
    /// A weight that targets are to be weighed by is negative.
    #[error(
        "weighted_targets is set, but event {event} of the training part weighs {weight}: weights must be at least 0"
    )]
    NegativeWeight {
        /// Which training event, from 0.
        event: usize,
        /// Its weight.
        weight: f32,
    },
    /// An item of the training events that is counted as having none.
    #[error("item {id:?} has training events, but item_counts says that it has none")]
    UncountedItem {
        /// The item.
        id: String,
    },
    /// Data to train on with numbers its items or types of event unlike the model.
    #[error(
        "the data does not start with the {n_known} {what} of the model in their order: make it with the model as `known`"
    )]
    NotContinued {
        /// Items, or types of event.
        what: &'static str,
        /// How many the model knows.
        n_known: usize,
    },
    /// The settings read what is known of items, but there is no table of them.
    #[error("content is set, but there is no side table of items: give one, or leave content off")]
    NoItemContent,
    /// The settings read what is known of users, but there is no table of them.
    #[error(
        "user_attributes is set, but there is no side table of users: give one, or leave user_attributes off"
    )]
    NoUserAttributes,
    /// A question lacks something that the model reads of each event.
    #[error(
        "case {case}: the model reads {column} of events, but {found} of {n_events} events have them"
    )]
    MissingColumn {
        /// Which question, from 0.
        case: usize,
        /// What is missing.
        column: &'static str,
        /// Events of the history.
        n_events: usize,
        /// Events that have it.
        found: usize,
    },
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
    /// A part has no rows.
    #[error("there are no {part} rows: name a table with some, or hold out fewer")]
    NoRows {
        /// Such as `training`.
        part: &'static str,
    },
    /// All rows of a part have the same label.
    #[error(
        "label {label:?} is {class} in all {n_rows} {part} rows: there is nothing to tell apart"
    )]
    SingleClass {
        /// Name of the label.
        label: String,
        /// Such as `training`.
        part: &'static str,
        /// Number of rows.
        n_rows: usize,
        /// The only label.
        class: u8,
    },
    /// A setting needs validation rows.
    #[error("{setting} is set, but there are no validation rows: hold some out, or leave it off")]
    NoValidation {
        /// Name of the setting.
        setting: &'static str,
    },
    /// There is nothing to choose from.
    #[error("there are no candidates: give at least one")]
    NoCandidates,
    /// A model has fewer labels.
    #[error("label {label} is asked for, counted from 0, but the model has {n_labels}")]
    NoSuchLabel {
        /// The label asked for.
        label: usize,
        /// Labels of the model.
        n_labels: usize,
    },
    /// A model has no such field.
    #[error("field {name:?} is asked for: the categories of the model are {}", known.join(", "))]
    NoSuchField {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A row is so far from all that training saw that the model has no number for it.
    #[error(
        "the logit of row {row}, counted from 0, is {value}: a number in it is too far from those of training"
    )]
    NonFiniteLogit {
        /// The row, among all that the model was asked about.
        row: usize,
        /// What the model gives instead of a number.
        value: f32,
    },
    /// A network reads the times of a history that has none.
    #[error(
        "event_transformer reads when events were, but history {column:?} has no times: name their column, as in {column}:history;times=seen_at"
    )]
    HistoryWithoutTimes {
        /// The history.
        column: String,
    },
    /// A network takes the values of histories for those of the same events, which they may not be.
    #[error(
        "event_transformer reads histories side by side, but {first:?} and {second:?} have different times or separators: give both the same, or leave one out, as in {second}:ignore"
    )]
    HistoriesOfOtherTimes {
        /// A history.
        first: String,
        /// One that does not go with it.
        second: String,
    },
    /// A table of customers must say who left.
    #[error("{n_labels} columns are labels: name one that says who left, as in Churn:label=Yes")]
    NotOneLabel {
        /// Columns with that role.
        n_labels: usize,
    },
    /// A customer is there twice.
    #[error(
        "id {id:?} is that of rows {first} and {second}, counted from 1: each customer may have one row, unless repeated ids are allowed"
    )]
    RepeatedId {
        /// The id.
        id: String,
        /// Its first row.
        first: usize,
        /// Its second.
        second: usize,
    },
    /// A column gives the label away.
    #[error(
        "column {column:?} alone tells who left (ROC AUC {roc_auc:.4}): it seems to be written when {label:?} is; leave it out, as in {column}:ignore"
    )]
    Leak {
        /// The column.
        column: String,
        /// The label.
        label: String,
        /// Area under the ROC curve of its values.
        roc_auc: f64,
    },
    /// There are more folds than customers of a class.
    #[error(
        "{n_customers} customer(s) {class}, which cannot be dealt into {n_folds} folds: take fewer"
    )]
    FewerThanFolds {
        /// What the customers did.
        class: &'static str,
        /// How many there are.
        n_customers: usize,
        /// Folds asked for.
        n_folds: usize,
    },
    /// Folds are not given for each row.
    #[error("repeat {repeat} gives the folds of {found} rows: the table has {n_rows}")]
    FoldRows {
        /// Which repeat, from 0.
        repeat: usize,
        /// Rows with a fold.
        found: usize,
        /// Rows of the table.
        n_rows: usize,
    },
    /// A fold has no rows.
    #[error("fold {fold} of repeat {repeat}, both counted from 0, has no rows")]
    EmptyFold {
        /// Which repeat.
        repeat: usize,
        /// Which fold.
        fold: usize,
    },
    /// The system gives no thread to train on.
    #[error("no thread can be started to train on: {reason}")]
    NoThread {
        /// What the system says.
        reason: String,
    },
    /// A tensor cannot be read to the host.
    #[error("the device gives no numbers: {reason}")]
    Unreadable {
        /// What it gives instead.
        reason: String,
    },
}
