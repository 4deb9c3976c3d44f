//! What can be wrong with records on their way into a model.

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
}
