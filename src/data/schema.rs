//! Which columns of a table mean what.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::{ColumnRole, DataError, Origin};
use super::time::TimeFormat;

/// A column, by name or by number.
///
/// A name matches a column of exactly that name first. If there is none, it matches a column with a typed header as in
/// RecBole's files, such as `user_id:token` for `user_id`, if there is just one.
///
/// As text, `#3` is the third column and everything else is a name. In a table without a header a name of plain digits is a
/// number too, so `3` and `#3` are the same there.
///
/// ```
/// use salient::data::ColumnRef;
///
/// let by_name: ColumnRef = "user_id".parse()?;
/// assert_eq!(by_name, ColumnRef::Name("user_id".into()));
/// let by_number: ColumnRef = "#3".parse()?;
/// assert_eq!(by_number, ColumnRef::Number(3));
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ColumnRef {
    /// The column of this name.
    Name(String),
    /// The column at this place, counted from 1.
    Number(usize),
}

impl From<&str> for ColumnRef {
    /// The column of this name, whatever its characters.
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<usize> for ColumnRef {
    /// The column at this place, counted from 1.
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}

impl FromStr for ColumnRef {
    type Err = DataError;

    /// Reads `#3` as a number and everything else as a name.
    ///
    /// # Errors
    /// [`DataError::InvalidColumnNumber`] when no number from 1 follows `#`, or the text is empty.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let Some(digits) = text.strip_prefix('#') else {
            return if text.is_empty() {
                Err(DataError::InvalidColumnNumber { text: text.into() })
            } else {
                Ok(Self::Name(text.into()))
            };
        };
        match digits.parse() {
            Ok(number) if number > 0 => Ok(Self::Number(number)),
            _ => Err(DataError::InvalidColumnNumber { text: text.into() }),
        }
    }
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Number(number) => write!(formatter, "#{number}"),
        }
    }
}

/// Which columns of an event log mean what.
///
/// ```
/// use salient::data::InteractionSchema;
///
/// let schema = InteractionSchema {
///     time: Some("timestamp".into()),
///     ..InteractionSchema::new("user_id", "item_id")
/// };
/// assert_eq!(schema.event, None);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InteractionSchema {
    /// Who acted.
    pub user: ColumnRef,
    /// On what.
    pub item: ColumnRef,
    /// When. Without it, the order of the rows is the order of the events. Default none.
    #[serde(default)]
    pub time: Option<ColumnRef>,
    /// What orders a user's events of the same time: as numbers if all its values are numbers, else as text; missing values
    /// come first. Events that are still equal keep the order of the rows. Default none.
    #[serde(default)]
    pub tie_break: Option<ColumnRef>,
    /// Type of the event, such as view or buy. Default none.
    #[serde(default)]
    pub event: Option<ColumnRef>,
    /// Weight of the event, such as a rating or a dwell time; a finite number. Default none.
    #[serde(default)]
    pub weight: Option<ColumnRef>,
    /// How times are written. Default [`TimeFormat::Auto`].
    #[serde(default)]
    pub time_format: TimeFormat,
}

impl InteractionSchema {
    /// A schema of two columns; the others are none.
    pub fn new(user: impl Into<ColumnRef>, item: impl Into<ColumnRef>) -> Self {
        Self {
            user: user.into(),
            item: item.into(),
            time: None,
            tie_break: None,
            event: None,
            weight: None,
            time_format: TimeFormat::Auto,
        }
    }

    /// Finds the columns in a table.
    pub(crate) fn resolve(&self, table: &Columns<'_>) -> Result<ResolvedSchema, DataError> {
        let optional = |reference: &Option<ColumnRef>, role| {
            reference
                .as_ref()
                .map(|reference| table.find(reference, role))
                .transpose()
        };
        let resolved = ResolvedSchema {
            user: table.find(&self.user, ColumnRole::User)?,
            item: table.find(&self.item, ColumnRole::Item)?,
            time: optional(&self.time, ColumnRole::Time)?,
            tie_break: optional(&self.tie_break, ColumnRole::TieBreak)?,
            event: optional(&self.event, ColumnRole::Event)?,
            weight: optional(&self.weight, ColumnRole::Weight)?,
        };
        if resolved.user.index == resolved.item.index {
            return Err(DataError::SameColumn {
                origin: table.origin.clone(),
                column: resolved.user.name,
            });
        }
        Ok(resolved)
    }
}

/// A column that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Place in the table, from 0.
    pub(crate) index: usize,
    /// Name in the header, or number as `#1`.
    pub(crate) name: String,
}

/// An [`InteractionSchema`] with its columns found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResolvedSchema {
    pub(crate) user: Column,
    pub(crate) item: Column,
    pub(crate) time: Option<Column>,
    pub(crate) tie_break: Option<Column>,
    pub(crate) event: Option<Column>,
    pub(crate) weight: Option<Column>,
}

impl ResolvedSchema {
    /// The columns with their roles.
    pub(crate) fn by_role(&self) -> impl Iterator<Item = (ColumnRole, &Column)> {
        [
            (ColumnRole::User, Some(&self.user)),
            (ColumnRole::Item, Some(&self.item)),
            (ColumnRole::Time, self.time.as_ref()),
            (ColumnRole::TieBreak, self.tie_break.as_ref()),
            (ColumnRole::Event, self.event.as_ref()),
            (ColumnRole::Weight, self.weight.as_ref()),
        ]
        .into_iter()
        .filter_map(|(role, column)| Some((role, column?)))
    }

    /// Renumbers the columns for a table that holds them alone; their former numbers, in order.
    pub(crate) fn select(&mut self) -> Vec<usize> {
        let mut selected: Vec<usize> = self.by_role().map(|(_, column)| column.index).collect();
        selected.sort_unstable();
        selected.dedup();
        let columns = [Some(&mut self.user), Some(&mut self.item)]
            .into_iter()
            .chain([
                self.time.as_mut(),
                self.tie_break.as_mut(),
                self.event.as_mut(),
                self.weight.as_mut(),
            ]);
        for column in columns.flatten() {
            column.index = selected.partition_point(|&index| index < column.index);
        }
        selected
    }
}

/// The columns of a table.
pub(crate) struct Columns<'a> {
    pub(crate) origin: &'a Origin,
    /// Names, or numbers as `#1` when there is no header.
    pub(crate) names: &'a [String],
    pub(crate) has_header: bool,
}

impl Columns<'_> {
    /// Names for the columns of a table without a header.
    pub(crate) fn numbered(n_columns: usize) -> Vec<String> {
        (1..=n_columns).map(|number| format!("#{number}")).collect()
    }

    pub(crate) fn find(
        &self,
        reference: &ColumnRef,
        role: ColumnRole,
    ) -> Result<Column, DataError> {
        let index = match reference {
            ColumnRef::Number(number) => self.at(*number),
            ColumnRef::Name(name) if self.has_header => self.named(name, role)?,
            ColumnRef::Name(name) => name.parse().ok().and_then(|number| self.at(number)),
        };
        match index {
            Some(index) => Ok(Column {
                index,
                name: self.names[index].clone(),
            }),
            None => Err(DataError::MissingColumn {
                origin: self.origin.clone(),
                role,
                asked: reference.to_string(),
                columns: self.names.to_vec(),
                hint: self.hint(reference),
            }),
        }
    }

    fn at(&self, number: usize) -> Option<usize> {
        number
            .checked_sub(1)
            .filter(|&index| index < self.names.len())
    }

    fn named(&self, asked: &str, role: ColumnRole) -> Result<Option<usize>, DataError> {
        let exact = self.matches(|name| name == asked);
        let fitting = if exact.is_empty() {
            self.matches(|name| name.rsplit_once(':').is_some_and(|(stem, _)| stem == asked))
        } else {
            exact
        };
        if fitting.len() > 1 {
            return Err(DataError::AmbiguousColumn {
                origin: self.origin.clone(),
                role,
                asked: asked.into(),
                matches: fitting
                    .iter()
                    .map(|&index| format!("#{} {}", index + 1, self.names[index]))
                    .collect(),
            });
        }
        Ok(fitting.first().copied())
    }

    fn matches(&self, fits: impl Fn(&str) -> bool) -> Vec<usize> {
        (0..self.names.len())
            .filter(|&index| fits(&self.names[index]))
            .collect()
    }

    fn hint(&self, reference: &ColumnRef) -> Option<&'static str> {
        let only = if self.names.len() == 1 {
            self.names[0].as_str()
        } else {
            ""
        };
        match reference {
            ColumnRef::Number(0) => Some("columns count from 1"),
            _ if only.contains([',', ';', '\t', '|']) => Some("is the delimiter right?"),
            ColumnRef::Name(_) if !self.has_header => {
                Some("the table has no header, so give a number such as #1")
            }
            ColumnRef::Name(name) if name.parse::<usize>().is_ok() => {
                Some("a number is written as #1 when there is a header")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &[&str], has_header: bool, reference: &str) -> Result<usize, DataError> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let table = Columns {
            origin: &Origin::Rows,
            names: &names,
            has_header,
        };
        let column = table.find(&reference.parse()?, ColumnRole::User)?;
        assert_eq!(column.name, names[column.index]);
        Ok(column.index)
    }

    #[test]
    fn a_column_is_found_by_exact_name_then_typed_name_then_number() {
        let names = ["user_id:token", "item_id:token", "user_id", "3"];
        assert_eq!(find(&names, true, "user_id").unwrap(), 2);
        assert_eq!(find(&names, true, "item_id").unwrap(), 1);
        assert_eq!(find(&names, true, "item_id:token").unwrap(), 1);
        assert_eq!(find(&names, true, "3").unwrap(), 3);
        assert_eq!(find(&names, true, "#3").unwrap(), 2);
        assert_eq!(find(&["#1", "#2"], false, "2").unwrap(), 1);
        assert_eq!(find(&["#1", "#2"], false, "#2").unwrap(), 1);
    }

    #[test]
    fn a_name_that_fits_two_columns_is_refused() {
        for names in [["a", "a"], ["a:token", "a:float"]] {
            let error = find(&names, true, "a").unwrap_err();
            let DataError::AmbiguousColumn {
                role,
                asked,
                matches,
                ..
            } = &error
            else {
                panic!("{error:?}");
            };
            assert_eq!(
                (*role, asked.as_str(), matches.len()),
                (ColumnRole::User, "a", 2)
            );
            assert_eq!(
                error.to_string(),
                format!(
                    "rows: \"a\" for the user fits more than one column: `#1 {}`, `#2 {}`; give the full name, or the number as `#1`",
                    names[0], names[1]
                )
            );
        }
    }

    #[test]
    fn missing_columns_come_with_a_hint() {
        let hint = |names: &[&str], has_header, reference| match find(names, has_header, reference)
        {
            Err(DataError::MissingColumn { hint, .. }) => hint,
            other => panic!("{other:?}"),
        };
        assert_eq!(hint(&["a", "b"], true, "c"), None);
        assert_eq!(hint(&["a;b"], true, "a"), Some("is the delimiter right?"));
        assert_eq!(
            hint(&["a", "b"], true, "2"),
            Some("a number is written as #1 when there is a header")
        );
        assert_eq!(
            hint(&["#1", "#2"], false, "user"),
            Some("the table has no header, so give a number such as #1")
        );
        assert_eq!(hint(&["#1", "#2"], false, "#3"), None);
        assert_eq!(
            hint(&["#1", "#2"], false, "0"),
            Some("the table has no header, so give a number such as #1")
        );
    }

    #[test]
    fn a_column_number_counts_from_one() {
        for text in ["#0", "#", "#x", ""] {
            let error = text.parse::<ColumnRef>().unwrap_err();
            assert!(
                matches!(&error, DataError::InvalidColumnNumber { text: seen } if seen == text)
            );
            assert_eq!(
                error.to_string(),
                format!("{text:?} is no column number: columns count from 1, as in `#1`")
            );
        }
    }

    #[test]
    fn a_schema_reads_from_json_with_names_and_numbers() {
        let schema: InteractionSchema = serde_json::from_str(
            r#"{"user": "u", "item": 2, "time": "t", "time_format": "unix-millis"}"#,
        )
        .unwrap();
        assert_eq!(schema.item, ColumnRef::Number(2));
        assert_eq!(schema.time_format, TimeFormat::UnixMillis);
        let text = serde_json::to_string(&schema).unwrap();
        assert_eq!(
            serde_json::from_str::<InteractionSchema>(&text).unwrap(),
            schema
        );
    }

    #[test]
    fn selected_columns_keep_their_order() {
        let column = |index, name: &str| Column {
            index,
            name: name.into(),
        };
        let mut schema = ResolvedSchema {
            user: column(7, "u"),
            item: column(2, "i"),
            time: Some(column(5, "t")),
            tie_break: Some(column(5, "t")),
            event: None,
            weight: None,
        };
        assert_eq!(schema.select(), [2, 5, 7]);
        let indices: Vec<usize> = schema.by_role().map(|(_, column)| column.index).collect();
        assert_eq!(indices, [2, 0, 1, 1]);
    }
}
