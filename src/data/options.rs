//! How a text file is laid out, and what to do about its bad rows.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::bad_row::OnBadRow;
use super::error::DataError;

/// What separates the columns of a text file: one ASCII character other than a quote or a line end, or any number of spaces and
/// tabs.
///
/// As text, the character itself, `tab` or `\t` for a tab, or `whitespace` for any number of spaces and tabs, of which those at
/// the ends of a line separate nothing.
///
/// ```
/// use salient::data::Delimiter;
///
/// assert_eq!("tab".parse::<Delimiter>()?, Delimiter::TAB);
/// assert_eq!(";".parse::<Delimiter>()?.byte(), b';');
/// assert_eq!("whitespace".parse::<Delimiter>()?, Delimiter::WHITESPACE);
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delimiter {
    byte: u8,
    /// Whether any number of spaces and tabs are one.
    is_run: bool,
}

impl Delimiter {
    /// A comma.
    pub const COMMA: Self = Self::one(b',');
    /// A tab.
    pub const TAB: Self = Self::one(b'\t');
    /// Any number of spaces and tabs.
    pub const WHITESPACE: Self = Self {
        byte: b' ',
        is_run: true,
    };

    const fn one(byte: u8) -> Self {
        let is_run = false;
        Self { byte, is_run }
    }

    /// The character as a byte; of any number of spaces and tabs, a space.
    pub const fn byte(self) -> u8 {
        self.byte
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
    /// [`DataError::InvalidDelimiter`] when the text is neither one allowed character nor `tab`, `\t` or `whitespace`.
    fn from_str(text: &str) -> Result<Self, DataError> {
        match text.as_bytes() {
            b"tab" | b"\\t" => Ok(Self::TAB),
            b"whitespace" => Ok(Self::WHITESPACE),
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => {
                Ok(Self::one(*byte))
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
        match delimiter {
            Delimiter::TAB => "tab".into(),
            Delimiter::WHITESPACE => "whitespace".into(),
            other => char::from(other.byte).into(),
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
        for text in [",", " ", "tab", "whitespace"] {
            let delimiter: Delimiter = text.parse().unwrap();
            assert_eq!(String::from(delimiter), text);
        }
        for text in ["", ",,", "é", "\"", "\n", "\r"] {
            let error = text.parse::<Delimiter>().unwrap_err();
            assert!(
                matches!(&error, DataError::InvalidDelimiter { text: seen } if seen == text),
                "{error:?}"
            );
        }
        assert_eq!(
            ",,".parse::<Delimiter>().unwrap_err().to_string(),
            "\",,\" is no delimiter: give one ASCII character other than a quote or a line end, `tab`, or `whitespace`"
        );
    }
}
