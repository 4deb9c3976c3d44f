//! How attributes become numbers.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::encoded::{EncodedAttributes, EncodedColumn};
use crate::features::error::FeatureError;

/// How attributes become numbers, learnt from the ids of the training data.
///
/// ```
/// use salient::data::{Attribute, AttributeCells, AttributeTable};
/// use salient::features::{AttributeSchema, EncodedColumn};
///
/// let items = AttributeTable::from_columns(
///     ["tea", "cup", "pot"].map(str::to_owned).into(),
///     vec![
///         Attribute::new("brand", AttributeCells::category(["acme", "acme", "best"].map(Some))),
///         Attribute::new("price", AttributeCells::Number(vec![Some(1.0), Some(3.0), None])),
///     ],
/// )?;
/// // The pot is in no training event, so its brand is unknown.
/// let schema = AttributeSchema::fit(&items, ["tea", "cup"])?;
/// let encoded = schema.encode(&items, ["tea", "cup", "pot"])?;
/// assert_eq!(encoded.columns[0], EncodedColumn::Categories {
///     n_values: 2,
///     offsets: vec![0, 1, 2, 3],
///     numbers: vec![1, 1, 0],
/// });
/// assert_eq!(encoded.columns[1], EncodedColumn::Numbers {
///     width: 2,
///     values: vec![-1.0, 0.0, 1.0, 0.0, 0.0, 1.0],
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<AttributeEncoding>", into = "Vec<AttributeEncoding>")]
pub struct AttributeSchema {
    columns: Vec<AttributeEncoding>,
}

impl AttributeSchema {
    /// The attributes, in the order of the columns of [`EncodedAttributes`](super::EncodedAttributes).
    pub fn columns(&self) -> &[AttributeEncoding] {
        &self.columns
    }

    /// The columns that this schema encodes to, without any row.
    pub fn nothing_known(&self) -> EncodedAttributes {
        let columns = self.columns.iter().map(|column| match &column.rule {
            EncodingRule::Category { values } | EncodingRule::Categories { values } => {
                EncodedColumn::Categories {
                    n_values: values.len() + 1,
                    offsets: vec![0],
                    numbers: Vec::new(),
                }
            }
            EncodingRule::Number { .. } => EncodedColumn::Numbers {
                width: 2,
                values: Vec::new(),
            },
            EncodingRule::Vector { means, .. } => EncodedColumn::Numbers {
                width: means.len() + 1,
                values: Vec::new(),
            },
        });
        EncodedAttributes {
            n_rows: 0,
            columns: columns.collect(),
        }
    }
}

/// How one attribute becomes numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributeEncoding {
    /// Its name.
    pub name: String,
    /// What becomes of its values.
    pub rule: EncodingRule,
}

/// What becomes of the values of an attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodingRule {
    /// The value at place `p` has number `p + 1`, any other 0.
    Category {
        /// Known values, the most frequent first.
        values: Vec<String>,
    },
    /// Likewise, for each of several values.
    Categories {
        /// Known values, the most frequent first.
        values: Vec<String>,
    },
    /// A number less the mean, over the standard deviation.
    Number {
        /// Mean over the training rows that have one.
        mean: f64,
        /// Standard deviation over them, 1 where they are all equal.
        standard_deviation: f64,
    },
    /// Likewise, for each number of a vector.
    Vector {
        /// Mean of each number.
        means: Vec<f64>,
        /// Standard deviation of each number.
        standard_deviations: Vec<f64>,
    },
}

impl EncodingRule {
    /// What the attribute is, in a word, as [`AttributeCells::kind`](crate::data::AttributeCells::kind) has it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Category { .. } => "category",
            Self::Categories { .. } => "categories",
            Self::Number { .. } => "number",
            Self::Vector { .. } => "vector",
        }
    }

    fn check(&self, name: &str) -> Result<(), FeatureError> {
        let is_valid = |mean: f64, deviation: f64| {
            mean.is_finite() && deviation.is_finite() && deviation > 0.0
        };
        let is_sound = match self {
            Self::Category { values } | Self::Categories { values } => {
                return check_distinct(values.iter());
            }
            Self::Number {
                mean,
                standard_deviation,
            } => is_valid(*mean, *standard_deviation),
            Self::Vector {
                means,
                standard_deviations,
            } => {
                !means.is_empty()
                    && means.len() == standard_deviations.len()
                    && means
                        .iter()
                        .zip(standard_deviations)
                        .all(|(&mean, &deviation)| is_valid(mean, deviation))
            }
        };
        if is_sound {
            Ok(())
        } else {
            Err(FeatureError::InvalidScale { name: name.into() })
        }
    }
}

fn check_distinct<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), FeatureError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(FeatureError::RepeatedInSchema { name: name.clone() });
        }
    }
    Ok(())
}

impl TryFrom<Vec<AttributeEncoding>> for AttributeSchema {
    type Error = FeatureError;

    /// Checks the columns, as one that was read from a file must be.
    ///
    /// # Errors
    /// [`FeatureError::RepeatedInSchema`], [`FeatureError::InvalidScale`].
    fn try_from(columns: Vec<AttributeEncoding>) -> Result<Self, FeatureError> {
        check_distinct(columns.iter().map(|column| &column.name))?;
        for column in &columns {
            column.rule.check(&column.name)?;
        }
        Ok(Self { columns })
    }
}

impl From<AttributeSchema> for Vec<AttributeEncoding> {
    fn from(schema: AttributeSchema) -> Self {
        schema.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<AttributeSchema, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_schema_is_read_from_json() {
        let json = r#"[{"name":"price","rule":{"number":{"mean":1.5,"standard_deviation":2.0}}}]"#;
        let schema = read(json).unwrap();
        assert_eq!(schema.columns()[0].rule.kind(), "number");
        assert_eq!(serde_json::to_string(&schema).unwrap(), json);
    }

    #[test]
    fn what_no_fit_gives_is_refused() {
        for (json, message) in [
            (
                r#"[{"name":"price","rule":{"number":{"mean":1.5,"standard_deviation":0.0}}}]"#,
                "the scale of attribute \"price\" is not valid",
            ),
            (
                r#"[{"name":"image","rule":{"vector":{"means":[1.0,2.0],"standard_deviations":[1.0]}}}]"#,
                "the scale of attribute \"image\" is not valid",
            ),
            (
                r#"[{"name":"image","rule":{"vector":{"means":[],"standard_deviations":[]}}}]"#,
                "the scale of attribute \"image\" is not valid",
            ),
            (
                r#"[{"name":"brand","rule":{"category":{"values":["a","b","a"]}}}]"#,
                "the attribute schema holds \"a\" twice",
            ),
            (
                r#"[{"name":"brand","rule":{"category":{"values":[]}}},{"name":"brand","rule":{"categories":{"values":[]}}}]"#,
                "the attribute schema holds \"brand\" twice",
            ),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
