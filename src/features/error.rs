//! What can be wrong with records on their way into a model.

use super::tabular::TabularError;

/// What can be wrong with records on their way into a model.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum FeatureError {
    /// A vocabulary lists one id twice.
    #[error("vocabulary holds {id:?} twice: ids must be distinct")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// A vocabulary has more ids than a 32-bit number can tell apart.
    #[error("vocabulary holds {n_ids} ids: at most {limit} fit")]
    TooManyIds {
        /// Ids given.
        n_ids: usize,
        /// Most that fit.
        limit: usize,
    },
    /// None of the ids to learn from has attributes.
    #[error(
        "none of {n_ids} ids is in the table of attributes: an id there is {there:?}, one sought is {sought:?}"
    )]
    NoKnownIds {
        /// Ids given.
        n_ids: usize,
        /// The first id of the table.
        there: String,
        /// The first id given; empty when there is none.
        sought: String,
    },
    /// An attribute has no value for any of the ids to learn from.
    #[error("attribute {name:?} has no value for any of {n_rows} training rows; leave it out")]
    NoValues {
        /// The attribute.
        name: String,
        /// Rows of the table that were learnt from.
        n_rows: usize,
    },
    /// The least count of a value is zero.
    #[error("min_count is 0; it must be at least 1")]
    ZeroMinCount,
    /// A table lacks an attribute that the schema was fitted on.
    #[error("the table has no attribute {name:?}, which the schema was fitted on; it has {}", present.join(", "))]
    MissingAttribute {
        /// The attribute.
        name: String,
        /// The attributes of the table.
        present: Vec<String>,
    },
    /// An attribute is of another kind than the one that the schema was fitted on.
    #[error("attribute {name:?} is a {found}, but the schema was fitted on a {expected}")]
    OtherKind {
        /// The attribute.
        name: String,
        /// Kind in the table.
        found: &'static str,
        /// Kind in the schema.
        expected: &'static str,
    },
    /// Vectors are of another width than those that the schema was fitted on.
    #[error(
        "attribute {name:?} has vectors of width {found}, but the schema was fitted on width {expected}"
    )]
    OtherWidth {
        /// The attribute.
        name: String,
        /// Width in the table.
        found: usize,
        /// Width in the schema.
        expected: usize,
    },
    /// A schema has two columns of one name, or a column lists a value twice.
    #[error(
        "the attribute schema holds {name:?} twice: names of attributes, and values of one, must be distinct"
    )]
    RepeatedInSchema {
        /// The name or value.
        name: String,
    },
    /// A schema scales by numbers that no fit gives.
    #[error(
        "the scale of attribute {name:?} is not valid: means must be finite, deviations finite and positive, as many of one as of the other and at least one"
    )]
    InvalidScale {
        /// The attribute.
        name: String,
    },
    /// The rows of a table cannot become numbers.
    #[error(transparent)]
    Tabular(#[from] TabularError),
}
