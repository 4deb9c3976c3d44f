//! Rows of a table as numbers.

/// Id of a value that training did not see often enough.
pub const UNKNOWN: u32 = 0;

/// Id of a value that is not there.
pub const MISSING: u32 = 1;

/// Rows of a table as numbers, with the fields of a [`TabularShape`](super::TabularShape).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedRows {
    /// Number of rows.
    pub n_rows: usize,
    /// Ids of the fields with one value, each below `n_values` of its field. `[n_rows, n_categories]`, row by row.
    pub categories: Vec<u32>,
    /// Numbers of all fields with numbers, end to end. `[n_rows, n_numbers]`, row by row.
    pub numbers: Vec<f32>,
    /// One for each field with any number of values.
    pub lists: Vec<EncodedList>,
    /// 0 or 1 for each label. `[n_rows, n_labels]`, row by row; empty where labels are not read.
    pub labels: Vec<f32>,
    /// How much each row counts, above 0. `[n_rows]`; empty where all count the same.
    pub weights: Vec<f32>,
    /// The group that a row belongs to, such as its user, as a number that only equality is asked of. `[n_rows]`; empty where
    /// there is none.
    pub groups: Vec<u64>,
    /// When it happened, UTC. `[n_rows]`; empty where there is no time.
    pub times_utc_millis: Vec<i64>,
}

/// A field with any number of values in each row.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedList {
    /// Row `r` has the values `ids[offsets[r]..offsets[r + 1]]`, maybe none. `[n_rows + 1]`.
    pub offsets: Vec<usize>,
    /// Ids of the values of all rows.
    pub ids: Vec<u32>,
    /// Milliseconds from each value to the time of its row, at least 0. As long as `ids`; empty where times are not known.
    pub ages_millis: Vec<i64>,
}

impl Default for EncodedList {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            ids: Vec::new(),
            ages_millis: Vec::new(),
        }
    }
}
