//! Which texts stand for nothing: the one rule for looking at a table and for reading it.

/// What a cell, or an entry of one, says; empty where it is missing. Spaces around it, and around what stands for a missing
/// value, do not count.
pub(super) fn present<'a>(text: &'a str, missing: &[String]) -> &'a str {
    let text = text.trim();
    match missing.iter().any(|missing| missing.trim() == text) {
        true => "",
        false => text,
    }
}

/// The entries of a cell, empty where one is missing: one, or where there is a separator any number. Several spaces or tabs
/// that separate are as one.
pub(super) fn entries<'a>(
    text: &'a str,
    separator: Option<char>,
    missing: &[String],
) -> impl Iterator<Item = &'a str> {
    let is_blank = separator.is_some_and(char::is_whitespace);
    present(text, missing)
        .split(move |character| Some(character) == separator)
        .map(str::trim)
        .filter(move |entry| !(is_blank && entry.is_empty()))
        .map(move |entry| present(entry, missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_nothing_is_nothing_with_spaces_or_without() {
        let missing = [" NA".to_owned(), "not known".to_owned()];
        for (text, expected) in [
            ("NA", ""),
            (" NA ", ""),
            ("not known", ""),
            ("", ""),
            ("  ", ""),
            (" tea ", "tea"),
            ("na", "na"),
        ] {
            assert_eq!(present(text, &missing), expected, "{text:?}");
        }
    }

    #[test]
    fn entries_keep_their_places() {
        let missing = ["NA".to_owned(), "a b".to_owned()];
        let of = |text, separator| -> Vec<&str> { entries(text, separator, &missing).collect() };
        assert_eq!(of("a||NA| b ", Some('|')), ["a", "", "", "b"]);
        assert_eq!(of("a  NA b", Some(' ')), ["a", "", "b"]);
        assert_eq!(of("a b", Some(' ')), [""; 0]);
        assert_eq!(of("", Some(' ')), [""; 0]);
        assert_eq!(of("a|b", None), ["a|b"]);
        assert_eq!(of("", None), [""]);
    }
}
