//! Where a metric is undefined, or a result cannot be had or compared.

/// Where a metric is undefined, or a result cannot be had or compared.
///
/// Cases are numbered from 0, items are catalogue indices.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// There is nothing to take a mean of.
    #[error("no cases to evaluate; a mean needs at least one")]
    NoCases,
    /// No metric was asked for.
    #[error("no cutoffs; name at least one k, such as 10")]
    NoCutoffs,
    /// The first 0 places hold nothing.
    #[error("cutoff k is 0; it must be at least 1")]
    ZeroCutoff,
    /// More places than items.
    #[error("cutoff k is {k}, but the catalogue has {n_items} items; lower k")]
    CutoffExceedsItems {
        /// The cutoff.
        k: usize,
        /// Size of the catalogue.
        n_items: usize,
    },
    /// More places than candidates.
    #[error("cutoff k is {k}, but the allow-list has {n_candidates} items; lower k")]
    CutoffExceedsCandidates {
        /// The cutoff.
        k: usize,
        /// Size of the allow-list.
        n_candidates: usize,
    },
    /// No case can be scored in batches of 0.
    #[error("batch_size is 0; it must be at least 1")]
    ZeroBatchSize,
    /// Too few resamples for an interval.
    #[error("n_resamples is {n_resamples}; a bootstrap interval needs at least 2")]
    TooFewResamples {
        /// The number asked for.
        n_resamples: usize,
    },
    /// No interval holds all or nothing of a distribution.
    #[error("interval level is {level}; it must lie between 0 and 1, both excluded")]
    LevelOutOfRange {
        /// The level asked for.
        level: f64,
    },
    /// An allow-list names an item that does not exist.
    #[error(
        "the allow-list holds item {item}, but the catalogue has {n_items} items; catalogue indices start at 0"
    )]
    CandidateOutOfRange {
        /// The item.
        item: u32,
        /// Size of the catalogue.
        n_items: usize,
    },
    /// A history holds an item that does not exist.
    #[error(
        "the history of case {case} holds item {item}, but the catalogue has {n_items} items; leave out items outside the catalogue"
    )]
    HistoryOutOfRange {
        /// The case.
        case: usize,
        /// The item.
        item: u32,
        /// Size of the catalogue.
        n_items: usize,
    },
    /// A target does not exist.
    #[error(
        "case {case} has target {item}, but the catalogue has {n_items} items; count targets outside it in n_unknown_targets"
    )]
    TargetOutOfRange {
        /// The case.
        case: usize,
        /// The target.
        item: u32,
        /// Size of the catalogue.
        n_items: usize,
    },
    /// One right answer is given twice.
    #[error("case {case} has target {item} more than once; targets must be distinct")]
    RepeatedTarget {
        /// The case.
        case: usize,
        /// The target.
        item: u32,
    },
    /// Without a right answer every ranking is as good.
    #[error(
        "case {case} has no target, known or unknown; ranking metrics are undefined for it, leave it out"
    )]
    NoTargets {
        /// The case.
        case: usize,
    },
    /// A column of a history is neither empty nor as long as the history.
    #[error(
        "{column} of case {case} has {found} entries for a history of {expected}; give one an event, or none at all"
    )]
    ColumnLength {
        /// The case.
        case: usize,
        /// The field of the case.
        column: &'static str,
        /// Length of the history.
        expected: usize,
        /// Length of the column.
        found: usize,
    },
    /// A scorer gave something that cannot be ranked.
    #[error("{scorer} gave item {item} of case {case} the score {value}; scores must be finite")]
    NotFinite {
        /// Name of the scorer.
        scorer: String,
        /// The case.
        case: usize,
        /// The item.
        item: u32,
        /// Its score.
        value: f32,
    },
    /// A scorer failed.
    #[error("{scorer} failed to score the cases from {first_case} on")]
    ScorerFailed {
        /// Name of the scorer.
        scorer: String,
        /// First case of the batch.
        first_case: usize,
        /// What the scorer said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two results were not measured alike.
    #[error(
        "results cannot be compared: {field} is {left} in one protocol and {right} in the other; evaluate both alike"
    )]
    ProtocolsDiffer {
        /// The part of the protocol.
        field: &'static str,
        /// Its value on the left.
        left: String,
        /// Its value on the right.
        right: String,
    },
    /// There is nothing to compare.
    #[error("no reports to compare; give at least one")]
    NoReports,
    /// A report does not hold what is asked of it.
    #[error(
        "the report on {model} holds no values of {metric} by case; evaluate with that cutoff, and do not read the report from a file"
    )]
    NoCaseValues {
        /// Name of the scorer.
        model: String,
        /// The metric.
        metric: String,
    },
    /// A part of a catalogue does not fit its items.
    #[error("{part} has {found} entries, but {n_items} items need {expected}")]
    CatalogueLength {
        /// The part of the catalogue.
        part: &'static str,
        /// Number of entries.
        found: usize,
        /// Number of entries that it should have.
        expected: usize,
        /// Size of the catalogue.
        n_items: usize,
    },
    /// Content that has no distance from anything.
    #[error("the content of item {item} holds {value}; it must be finite")]
    ContentNotFinite {
        /// The item.
        item: u32,
        /// The number.
        value: f32,
    },
    /// Nothing can be said of a list without items.
    #[error(
        "the history of case {case} holds every candidate, so that its list is empty; leave it out or keep seen items"
    )]
    EmptyList {
        /// The case.
        case: usize,
    },
    /// A test needs draws.
    #[error("n_resamples is 0; a randomisation test needs at least 1")]
    NoResamples,
    /// A difference that cannot be tested.
    #[error("the difference of case {case} is {value}; differences must be finite")]
    DifferenceNotFinite {
        /// The case.
        case: usize,
        /// The difference.
        value: f64,
    },
    /// Labels do not match the cases.
    #[error("segment {segment} has {n_labels} labels for {n_cases} cases; give one a case")]
    LabelsMismatch {
        /// Name of the segment.
        segment: String,
        /// Number of labels.
        n_labels: usize,
        /// Number of cases.
        n_cases: usize,
    },
    /// Bins of histories are not in order.
    #[error("history bounds are {bounds:?}; they must be at least 1 and ascending")]
    BoundsNotAscending {
        /// The bounds.
        bounds: Vec<usize>,
    },
    /// A number of a row is not what it must be.
    #[error("{column} of row {row} is {value}; it must be {rule}")]
    RowOutOfRange {
        /// The column.
        column: &'static str,
        /// The row, from 0.
        row: usize,
        /// The number.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
    /// A column does not fit the rows.
    #[error("{column} has {found} entries for {expected} rows; give one a row")]
    RowCount {
        /// The column.
        column: String,
        /// Number of entries.
        found: usize,
        /// Number of rows.
        expected: usize,
    },
    /// A setting is not what it must be.
    #[error("{setting} is {value}; it must be {rule}")]
    SettingOutOfRange {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
    /// One class alone cannot be told from another.
    #[error("{metric} needs both classes: {n_positives} of {n_rows} weighted rows are positive")]
    SingleClass {
        /// What was asked for.
        metric: &'static str,
        /// Number of rows with a weight above 0.
        n_rows: usize,
        /// Number of positives among them.
        n_positives: usize,
    },
    /// No row counts.
    #[error("all {n_rows} weights are 0; one at least must be above")]
    NoWeight {
        /// Number of rows.
        n_rows: usize,
    },
    /// Nothing says which rows belong together.
    #[error("group_auc needs the group of each row, such as the user; give groups")]
    NoGroups,
    /// No group tells one class from the other.
    #[error("group_auc is undefined: none of {n_groups} groups has both classes")]
    NoGroupWithBothClasses {
        /// Number of groups.
        n_groups: usize,
    },
    /// The best calibration does not exist.
    #[error("no best {kind} calibration exists: {reason}")]
    NoBestCalibration {
        /// Kind of calibration.
        kind: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A calibration could not be found to the precision that is asked of it.
    #[error("{kind} calibration did not converge in {n_steps} steps; gradient {gradient:e}")]
    NotConverged {
        /// Kind of calibration.
        kind: &'static str,
        /// Number of steps taken.
        n_steps: usize,
        /// Size of the gradient of the mean loss.
        gradient: f64,
    },
    /// The target policy takes none of the logged actions.
    #[error("the target policy takes none of the {n_rows} logged actions; they say nothing of it")]
    NoOverlap {
        /// Number of rows.
        n_rows: usize,
    },
    /// Costs say the same of every customer, whatever the probability.
    #[error(
        "no threshold follows from the costs: contacting gains {positive} at a customer who would leave and {negative} at one who would stay, so that {reason}"
    )]
    NoThreshold {
        /// What contacting a customer who would leave gains against doing nothing.
        positive: f64,
        /// What contacting a customer who would stay gains against doing nothing.
        negative: f64,
        /// Why there is none.
        reason: &'static str,
    },
    /// More contacts than customers.
    #[error("the contact budget is {budget}, but there are {n_customers} customers; lower it")]
    BudgetExceedsCustomers {
        /// The number of contacts.
        budget: usize,
        /// The number of customers.
        n_customers: usize,
    },
    /// Something that is not defined for rows of unequal weight.
    #[error("{what} is not defined for rows with weights; give rows without")]
    WeightsUndefined {
        /// What is not defined.
        what: &'static str,
    },
    /// Too few rows to say anything at this level.
    #[error(
        "conformal sets of alpha {alpha} need at least {n_needed} {rows} to calibrate on, but there are {n_rows}; give more or raise alpha"
    )]
    TooFewCalibrationRows {
        /// Share of the sets that may miss.
        alpha: f64,
        /// Which rows.
        rows: &'static str,
        /// Number of them.
        n_rows: usize,
        /// Number that is needed.
        n_needed: usize,
    },
    /// Nothing can be said of when something happens that never did.
    #[error("{metric} needs events: none was observed for {n_rows} customers, all are censored")]
    NoEvents {
        /// What was asked for.
        metric: &'static str,
        /// Number of customers.
        n_rows: usize,
    },
    /// No two customers are known to leave one after the other.
    #[error(
        "concordance is undefined: of {n_rows} customers with {n_events} events none is known to outlive another's event"
    )]
    NoComparablePairs {
        /// Number of customers.
        n_rows: usize,
        /// Number of events.
        n_events: usize,
    },
    /// Nobody can stand for the customers that are censored.
    #[error(
        "time {time} has no censoring support: the last customer, of duration {last_duration}, is censored by then; ask for an earlier time"
    )]
    NoCensoringSupport {
        /// The time.
        time: f64,
        /// The longest duration.
        last_duration: f64,
    },
    /// One side of a time cannot be told from the other.
    #[error(
        "{metric} needs both sides of time {time}: there are {n_events} events by then and {n_beyond} customers beyond it"
    )]
    OneSideOfTime {
        /// What was asked for.
        metric: &'static str,
        /// The time.
        time: f64,
        /// Number of events by then.
        n_events: usize,
        /// Number of customers observed for longer.
        n_beyond: usize,
    },
    /// A grid of times is not ascending.
    #[error("time {index} of the grid is {value}; it must be {rule}")]
    TimeOutOfOrder {
        /// Its place in the grid, from 0.
        index: usize,
        /// The time.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
    /// A grid has too few times.
    #[error(
        "{n_times} times (with censoring support, where that is needed); at least {needed} are needed"
    )]
    TooFewTimes {
        /// Number of times.
        n_times: usize,
        /// Number that is needed.
        needed: usize,
    },
    /// Curves are not all as long as the grid of times.
    #[error("{column} has {found} values, which do not fill rows of {n_times} times")]
    CurvesLength {
        /// What the curves are of.
        column: &'static str,
        /// Number of values.
        found: usize,
        /// Number of times.
        n_times: usize,
    },
    /// A value of a curve is not what it must be.
    #[error("{column} of row {row} at time {time} is {value}; it must be {rule}")]
    CurveOutOfRange {
        /// What the curve is of.
        column: &'static str,
        /// The row, from 0.
        row: usize,
        /// The time.
        time: f64,
        /// The number.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
    /// A picture cannot be drawn or written.
    #[error("cannot draw the {picture} into {path:?}")]
    Picture {
        /// What it shows.
        picture: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// What the drawing library or the file system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
