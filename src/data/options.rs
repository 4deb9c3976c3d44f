//! How a text file is laid out, and what to do about its bad rows.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::bad_row::OnBadRow;
use super::error::DataError;

/// What separates the columns of a text file: one ASCII character other than a quote or a line end.
///
/// As text, the character itself, or `tab` or `\t` for a tab.
///
/// ```
/// use salient::data::Delimiter;
///
/// assert_eq!("tab".parse::<Delimiter>()?, Delimiter::TAB);
/// assert_eq!(";".parse::<Delimiter>()?.byte(), b';');
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delimiter(u8);

impl Delimiter {
    /// A comma.
    pub const COMMA: Self = Self(b',');
    /// A tab.
    pub const TAB: Self = Self(b'\t');

    /// The character as a byte.
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Tab for names that end in `.tsv`, `.tab`, `.inter`, `.item` or `.user`, with `.gz` after it or not; else comma.
    pub(crate) fn for_path(path: &Path) -> Self {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_ascii_lowercase())
            .unwrap_or_default();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        if [".tsv", ".tab", ".inter", ".item", ".user"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            Self::TAB
        } else {
            Self::COMMA
        }
    }
}

impl FromStr for Delimiter {
    type Err = DataError;

    /// Reads a delimiter.
    ///
    /// # Errors
    /// [`DataError::InvalidDelimiter`] when the text is neither one allowed character nor `tab` nor `\t`.
    fn from_str(text: &str) -> Result<Self, DataError> {
        match text.as_bytes() {
            b"tab" | b"\\t" => Ok(Self::TAB),
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => {
                Ok(Self(*byte))
            }
            _ => Err(DataError::InvalidDelimiter { text: text.into() }),
        }
    }
}

impl TryFrom<String> for Delimiter {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> Self {
        if delimiter == Delimiter::TAB {
            "tab".into()
        } else {
            char::from(delimiter.0).into()
        }
    }
}

/// How to read a file.
///
/// All but `on_bad_row` concerns text files alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadOptions {
    /// What separates the columns. Default none: a tab for names that end in `.tsv`, `.tab`, `.inter`, `.item` or `.user`
    /// (with `.gz` after it or not), else a comma.
    pub delimiter: Option<Delimiter>,
    /// Whether the first record names the columns. Default true.
    pub has_header: bool,
    /// What to do about a row that breaks a rule. Default [`OnBadRow::Fail`].
    pub on_bad_row: OnBadRow,
    /// The greatest length of a record in bytes, at least 1; a longer one is a bad row and is never held in memory. Default
    /// 1 MiB.
    pub max_line_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            delimiter: None,
            has_header: true,
            on_bad_row: OnBadRow::Fail,
            max_line_bytes: 1 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_follows_the_file_name() {
        for (name, expected) in [
            ("a.tsv", Delimiter::TAB),
            ("a.TSV.GZ", Delimiter::TAB),
            ("ml-100k.inter.gz", Delimiter::TAB),
            ("ml-100k.item.gz", Delimiter::TAB),
            ("ml-100k.user", Delimiter::TAB),
            ("a.csv", Delimiter::COMMA),
            ("tsv", Delimiter::COMMA),
        ] {
            assert_eq!(Delimiter::for_path(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_delimiter_is_one_ascii_character() {
        assert_eq!("\\t".parse::<Delimiter>().unwrap(), Delimiter::TAB);
        for text in ["", ",,", "é", "\"", "\n", "\r"] {
            let error = text.parse::<Delimiter>().unwrap_err();
            assert!(
                matches!(&error, DataError::InvalidDelimiter { text: seen } if seen == text),
                "{error:?}"
            );
        }
        assert_eq!(
            ",,".parse::<Delimiter>().unwrap_err().to_string(),
            "\",,\" is no delimiter: give one ASCII character other than a quote or a line end, or `tab`"
        );
    }
}
