//! Which columns of a table are attributes, and of what kind.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AttributeError;
use crate::data::options::ReadOptions;
use crate::data::schema::ColumnRef;

/// What an attribute is, and how its cells are read. An empty cell is a missing value, whatever the kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeKind {
    /// One of a set of values, such as a brand. Spaces around it do not count.
    Category,
    /// Any number of a set of values, such as genres. A Parquet column may be a list of text.
    Categories {
        /// What stands between the values of a cell of text. Spaces around a value do not count.
        separator: char,
    },
    /// A finite number, such as a price.
    Number,
    /// As many finite numbers in every row, such as the vector that a text or image model gives: a Parquet column of lists of
    /// 32- or 64-bit floats. Text files hold none; see [`AttributeTable::with_npy`](super::AttributeTable::with_npy).
    Vector,
}

impl AttributeKind {
    /// What stands between the values of a cell of text, if there may be several.
    pub(super) const fn separator(&self) -> Option<char> {
        match self {
            Self::Categories { separator } => Some(*separator),
            _ => None,
        }
    }
}

/// A column that is an attribute.
///
/// As text, `name:kind`, where kind is `category`, `categories` (separated by spaces), `categories=|` (by another character,
/// or by `space`, `tab` or `comma`), `number` or `vector`; the column itself as [`ColumnRef`] has it.
///
/// ```
/// use salient::data::{AttributeColumn, AttributeKind};
///
/// let genres: AttributeColumn = "genres:categories=|".parse()?;
/// assert_eq!(genres, AttributeColumn::new("genres", AttributeKind::Categories { separator: '|' }));
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeColumn {
    /// The column.
    pub column: ColumnRef,
    /// What it holds.
    pub kind: AttributeKind,
}

impl AttributeColumn {
    /// A column of this kind.
    pub fn new(column: impl Into<ColumnRef>, kind: AttributeKind) -> Self {
        Self {
            column: column.into(),
            kind,
        }
    }
}

impl FromStr for AttributeColumn {
    type Err = crate::data::DataError;

    /// Reads `name:kind`.
    ///
    /// # Errors
    /// [`AttributeError::InvalidColumn`], and [`DataError::InvalidColumnNumber`](crate::data::DataError) for a bad number.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || AttributeError::InvalidColumn { text: text.into() };
        let (column, kind) = text.rsplit_once(':').ok_or_else(invalid)?;
        let kind = match kind {
            "category" => AttributeKind::Category,
            "categories" => AttributeKind::Categories { separator: ' ' },
            "number" => AttributeKind::Number,
            "vector" => AttributeKind::Vector,
            other => other
                .strip_prefix("categories=")
                .and_then(separator)
                .map(|separator| AttributeKind::Categories { separator })
                .ok_or_else(invalid)?,
        };
        Ok(Self {
            column: column.parse()?,
            kind,
        })
    }
}

/// Reads a character that stands between values.
pub(crate) fn separator(text: &str) -> Option<char> {
    let mut characters = text.chars();
    match (text, characters.next(), characters.next()) {
        ("space", ..) => Some(' '),
        ("tab", ..) => Some('\t'),
        ("comma", ..) => Some(','),
        (_, Some(separator), None) => Some(separator),
        _ => None,
    }
}

/// How to read a table of attributes.
///
/// ```
/// use salient::data::{AttributeColumn, AttributeKind, AttributeOptions};
///
/// let options = AttributeOptions {
///     columns: Some(vec![AttributeColumn::new("price", AttributeKind::Number)]),
///     ..AttributeOptions::new("item_id")
/// };
/// assert!(options.file.has_header);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeOptions {
    /// Whom or what a row describes: ids as the event log has them, each once.
    pub id_column: ColumnRef,
    /// The attributes. Default none: all columns beside the id, whose kinds are guessed as
    /// [`AttributeTable::read`](super::AttributeTable::read) says.
    #[serde(default)]
    pub columns: Option<Vec<AttributeColumn>>,
    /// How the file is laid out and what to do about bad rows.
    #[serde(default)]
    pub file: ReadOptions,
}

impl AttributeOptions {
    /// All columns beside the id, in a file with the usual layout.
    pub fn new(id_column: impl Into<ColumnRef>) -> Self {
        Self {
            id_column: id_column.into(),
            columns: None,
            file: ReadOptions::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataError;

    #[test]
    fn a_column_and_its_kind_are_read_from_text() {
        let categories = |separator| AttributeKind::Categories { separator };
        for (text, column, kind) in [
            ("brand:category", "brand".into(), AttributeKind::Category),
            (
                "class:token_seq:categories",
                "class:token_seq".into(),
                categories(' '),
            ),
            ("genres:categories=|", "genres".into(), categories('|')),
            ("genres:categories=comma", "genres".into(), categories(',')),
            ("#3:number", ColumnRef::Number(3), AttributeKind::Number),
            ("image:vector", "image".into(), AttributeKind::Vector),
        ] {
            let read: AttributeColumn = text.parse().unwrap();
            assert_eq!(read, AttributeColumn { column, kind }, "{text}");
        }
    }

    #[test]
    fn what_is_no_kind_is_refused() {
        for text in [
            "brand",
            "brand:",
            "brand:text",
            "brand:categories=",
            "a:categories=||",
        ] {
            let error = text.parse::<AttributeColumn>().unwrap_err();
            assert!(matches!(
                &error,
                DataError::Attributes(AttributeError::InvalidColumn { text: seen }) if seen == text
            ));
            assert_eq!(
                error.to_string(),
                format!(
                    "{text:?} is no attribute; write name:kind, where kind is category, categories, categories=SEPARATOR, number or vector"
                )
            );
        }
    }
}
