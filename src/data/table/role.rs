//! What the columns of a table are for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::TableError;
use crate::data::attributes::separator;
use crate::data::error::DataError;
use crate::data::schema::ColumnRef;

/// What a column is for, and how its cells are read. Spaces around a cell do not count, and an empty one is missing.
///
/// As text: `label`, `label=VALUE`, `category`, `categories` (separated by spaces), `categories=|` (by another character, or by
/// `space`, `tab` or `comma`), `number`, `time`, `weight`, `duration`, `group` or `ignore`; and `history`, with what it needs after it, as
/// in `history=item;times=seen_at;separator=|`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TableRole {
    /// What is to be predicted: yes or no. Never missing.
    Label {
        /// The text that means yes, where every other means no. Default none: `1`, `true` and `yes` mean yes, `0`, `false` and
        /// `no` mean no, in any case, and nothing else is a label.
        #[serde(default)]
        positive: Option<String>,
    },
    /// One of a set of values, such as a brand.
    Category,
    /// Any number of a set of values, such as genres. A Parquet column may be a list. Missing entries are left out.
    Categories {
        /// What stands between the values of a cell of text.
        separator: char,
    },
    /// A finite number, such as a price.
    Number,
    /// When it happened. Never missing.
    Time,
    /// What came before, the oldest value first, such as the items that somebody clicked. A Parquet column may be a list.
    /// Missing entries are left out; where there are times, only if the time is missing, too.
    History {
        /// What stands between the values of a cell of text.
        separator: char,
        /// The category whose values these are, such as the item that is shown. Default none: values of its own.
        #[serde(default)]
        of: Option<ColumnRef>,
        /// The column with the time of each value, written as this one is. Each must be before the time of the row, which needs
        /// a column of its own, and none before the one in front of it. A value without a time, or a time without a value, makes
        /// a bad row. Default none.
        #[serde(default)]
        times: Option<ColumnRef>,
    },
    /// How much a row counts: a finite number above 0. Never missing.
    Weight,
    /// How long the row was watched, such as the months of a customer until the customer left or the table was made: a finite
    /// number, at least 0. Never missing, and no input.
    Duration,
    /// To whom or what a row belongs, such as the user. Never missing. Its column may be a category as well.
    Group,
    /// Nothing.
    Ignore,
}

impl TableRole {
    /// Whether a prediction is made from it.
    pub const fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Category
                | Self::Categories { .. }
                | Self::Number
                | Self::Time
                | Self::History { .. }
        )
    }

    /// In a word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Label { .. } => "label",
            Self::Category => "category",
            Self::Categories { .. } => "categories",
            Self::Number => "number",
            Self::Time => "time",
            Self::History { .. } => "history",
            Self::Weight => "weight",
            Self::Duration => "duration",
            Self::Group => "group",
            Self::Ignore => "ignore",
        }
    }

    /// What stands between the values of a cell, if there may be several.
    pub(crate) const fn separator(&self) -> Option<char> {
        match self {
            Self::Categories { separator } | Self::History { separator, .. } => Some(*separator),
            _ => None,
        }
    }
}

impl fmt::Display for TableRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())?;
        match self {
            Self::Label {
                positive: Some(positive),
            } => write!(formatter, "={positive}"),
            Self::Categories { separator } if *separator != ' ' => {
                write!(formatter, "={}", Separator(*separator))
            }
            Self::History {
                separator,
                of,
                times,
            } => {
                if let Some(of) = of {
                    write!(formatter, "={of}")?;
                }
                if let Some(times) = times {
                    write!(formatter, ";times={times}")?;
                }
                if *separator != ' ' {
                    write!(formatter, ";separator={}", Separator(*separator))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// A separator as text.
struct Separator(char);

impl fmt::Display for Separator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ' ' => formatter.write_str("space"),
            '\t' => formatter.write_str("tab"),
            ',' => formatter.write_str("comma"),
            other => write!(formatter, "{other}"),
        }
    }
}

impl FromStr for TableRole {
    type Err = DataError;

    /// Reads a role.
    ///
    /// # Errors
    /// [`TableError::InvalidRole`], and [`DataError::InvalidColumnNumber`] for a bad number.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let invalid = || TableError::InvalidRole { text: text.into() };
        let (name, value) = match text.split_once(['=', ';']) {
            Some((name, _)) => (name, Some(&text[name.len()..])),
            None => (text, None),
        };
        if name == "history" {
            return history(value.unwrap_or_default(), text);
        }
        let value = match value {
            Some(value) => Some(value.strip_prefix('=').ok_or_else(invalid)?),
            None => None,
        };
        Ok(match (name, value) {
            ("label", None) => Self::Label { positive: None },
            ("label", Some(positive)) if !positive.trim().is_empty() => Self::Label {
                positive: Some(positive.trim().to_owned()),
            },
            ("category", None) => Self::Category,
            ("categories", None) => Self::Categories { separator: ' ' },
            ("categories", Some(value)) => Self::Categories {
                separator: separator(value).ok_or_else(invalid)?,
            },
            ("number", None) => Self::Number,
            ("time", None) => Self::Time,
            ("weight", None) => Self::Weight,
            ("duration", None) => Self::Duration,
            ("group", None) => Self::Group,
            ("ignore", None) => Self::Ignore,
            _ => return Err(invalid().into()),
        })
    }
}

/// Reads what stands after the word `history`.
fn history(rest: &str, text: &str) -> Result<TableRole, DataError> {
    let invalid = || TableError::InvalidRole { text: text.into() };
    let (mut between, mut of, mut times) = (' ', None, None);
    let mut parts = rest.split(';');
    let first = parts.next().unwrap_or_default();
    if !first.is_empty() {
        of = Some(first.strip_prefix('=').ok_or_else(invalid)?.parse()?);
    }
    for part in parts {
        match part.split_once('=').ok_or_else(invalid)? {
            ("times", column) => times = Some(column.parse()?),
            ("separator", value) => between = separator(value).ok_or_else(invalid)?,
            _ => return Err(invalid().into()),
        }
    }
    Ok(TableRole::History {
        separator: between,
        of,
        times,
    })
}

/// A column and what it is for.
///
/// As text, `name:role`; the column as [`ColumnRef`] has it, the role as [`TableRole`]. A name that has a colon in it is given
/// whole, as the last colon counts.
///
/// ```
/// use salient::data::{TableColumn, TableRole};
///
/// let columns = TableColumn::list("price:number,genres:categories=|,user:group")?;
/// assert_eq!(columns[1], TableColumn::new("genres", TableRole::Categories { separator: '|' }));
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableColumn {
    /// The column.
    pub column: ColumnRef,
    /// What it is for.
    pub role: TableRole,
}

impl TableColumn {
    /// A column for this use.
    pub fn new(column: impl Into<ColumnRef>, role: TableRole) -> Self {
        Self {
            column: column.into(),
            role,
        }
    }

    /// Reads columns separated by commas.
    ///
    /// # Errors
    /// Those of [`Self::from_str`].
    pub fn list(text: &str) -> Result<Vec<Self>, DataError> {
        text.split(',')
            .map(|column| column.trim().parse())
            .collect()
    }
}

impl FromStr for TableColumn {
    type Err = DataError;

    /// Reads `name:role`.
    ///
    /// # Errors
    /// [`TableError::InvalidRole`], and [`DataError::InvalidColumnNumber`] for a bad number.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let (column, role) = text
            .rsplit_once(':')
            .ok_or_else(|| TableError::InvalidRole { text: text.into() })?;
        Ok(Self {
            role: role.parse()?,
            column: column.parse()?,
        })
    }
}

impl fmt::Display for TableColumn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.column, self.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_from_their_text() {
        for text in [
            "click:label",
            "y:label=yes",
            "brand:category",
            "genres:categories",
            "genres:categories=|",
            "genres:categories=tab",
            "#3:number",
            "at:time",
            "seen:history",
            "seen:history=item",
            "seen:history=#4;times=#5;separator=comma",
            "seen:history;separator=|",
            "w:weight",
            "a:b:group",
            "id:ignore",
        ] {
            let column: TableColumn = text.parse().unwrap();
            assert_eq!(column.to_string(), text);
        }
        let history: TableColumn = "seen:history=item;times=at".parse().unwrap();
        assert_eq!(
            history.role,
            TableRole::History {
                separator: ' ',
                of: Some("item".into()),
                times: Some("at".into()),
            }
        );
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for text in [
            "brand",
            "brand:",
            "brand:text",
            "click:label=",
            "click:label;x",
            "brand:categories=",
            "brand:number=3",
            "seen:history;when=at",
            "seen:history;times",
            "seen:historyx",
        ] {
            let error = text.parse::<TableColumn>().unwrap_err();
            assert!(
                matches!(&error, DataError::Table(TableError::InvalidRole { .. })),
                "{text}: {error}"
            );
        }
    }
}
