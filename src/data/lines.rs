//! Bytes of a text file, handed on a line at a time, so that lines can be counted and long ones refused.

use std::io::{self, BufRead, Read};

/// A line that is longer than allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LongLine {
    /// The line, from 1.
    pub(crate) line: u64,
    /// Its beginning.
    pub(crate) head: Vec<u8>,
}

/// Number of bytes of a long line that are kept to show.
const HEAD_BYTES: usize = 300;

/// Gives at most one line at each read. A record reader on top therefore never takes more than the record's own lines, so
/// that the line count after a record is the number of its last line.
pub(crate) struct LineFeeder<R> {
    input: R,
    line: Vec<u8>,
    n_given: usize,
    /// Number of lines begun so far.
    pub(crate) n_lines: u64,
    /// Number of lines given since [`begin_record`](Self::begin_record), empty ones before the record not counted.
    n_record_lines: u64,
    n_record_bytes: usize,
    limit: usize,
    /// Whether a long line is left out and noted, or ends the reading.
    pub(crate) skip_long_lines: bool,
    /// Whether spaces and tabs outside quotes become one space, or nothing at the ends of a line.
    pub(crate) squeezes_blanks: bool,
    in_quotes: bool,
    pub(crate) skipped: Vec<LongLine>,
    /// The long line that ended the reading.
    pub(crate) stopped_by: Option<LongLine>,
    last_byte: Option<u8>,
    ended: bool,
}

impl<R: BufRead> LineFeeder<R> {
    pub(crate) fn new(input: R, limit: usize) -> Self {
        Self {
            input,
            line: Vec::new(),
            n_given: 0,
            n_lines: 0,
            n_record_lines: 0,
            n_record_bytes: 0,
            limit,
            skip_long_lines: false,
            squeezes_blanks: false,
            in_quotes: false,
            skipped: Vec::new(),
            stopped_by: None,
            last_byte: None,
            ended: false,
        }
    }

    /// Says that the bytes from here on belong to another record.
    pub(crate) fn begin_record(&mut self) {
        self.n_record_bytes = 0;
        self.n_record_lines = 0;
        self.in_quotes = false;
    }

    /// The line in which the record just read began.
    pub(crate) fn record_line(&self) -> u64 {
        self.n_lines - self.n_record_lines.saturating_sub(1)
    }

    /// Whether the input ended before the record did: after a line end, or in a later line that no quote ends.
    pub(crate) fn ends_inside_quotes(&self) -> bool {
        self.ended
            && match self.last_byte {
                Some(b'\n') => true,
                Some(b'"') | None => false,
                Some(_) => self.n_record_lines > 1,
            }
    }

    /// Takes the next line that is short enough; none at the end.
    fn next_line(&mut self) -> io::Result<bool> {
        loop {
            // Two more for the line end, so that a line of the greatest length is told from a longer one.
            let room = self.limit.saturating_add(2);
            self.line.clear();
            self.n_given = 0;
            let n_bytes = (&mut self.input)
                .take(room as u64)
                .read_until(b'\n', &mut self.line)?;
            if n_bytes == 0 {
                self.ended = true;
                return Ok(false);
            }
            self.n_lines += 1;
            self.last_byte = self.line.last().copied();
            let n_bytes = without_line_end(&self.line).len();
            self.n_record_bytes = self.n_record_bytes.saturating_add(n_bytes);
            if self.n_record_bytes <= self.limit {
                if self.squeezes_blanks {
                    squeeze_blanks(&mut self.line, &mut self.in_quotes);
                    self.n_record_bytes -= n_bytes - without_line_end(&self.line).len();
                }
                // Empty lines before a record are none of it.
                self.n_record_lines += u64::from(self.n_record_bytes > 0);
                return Ok(true);
            }
            self.refuse(n_bytes)?;
        }
    }

    /// Leaves the line out, or ends the reading.
    fn refuse(&mut self, n_bytes: usize) -> io::Result<()> {
        let long = LongLine {
            line: self.n_lines - self.n_record_lines,
            head: self.line[..self.line.len().min(HEAD_BYTES)].to_vec(),
        };
        let is_alone = self.n_record_bytes == n_bytes;
        if !(self.skip_long_lines && is_alone) {
            self.stopped_by = Some(long);
            return Err(io::Error::other("the line is too long"));
        }
        if self.line.last() != Some(&b'\n') {
            self.input.skip_until(b'\n')?;
        }
        self.skipped.push(long);
        self.n_record_bytes = 0;
        Ok(())
    }
}

impl<R: BufRead> Read for LineFeeder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.n_given == self.line.len() && !self.next_line()? {
            return Ok(0);
        }
        let rest = &self.line[self.n_given..];
        let n_bytes = rest.len().min(buffer.len());
        buffer[..n_bytes].copy_from_slice(&rest[..n_bytes]);
        self.n_given += n_bytes;
        Ok(n_bytes)
    }
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Makes one space of spaces and tabs outside quotes, and nothing of those at the ends of the line. Quotes open where a column
/// begins, as they do for the reader of records.
fn squeeze_blanks(line: &mut Vec<u8>, in_quotes: &mut bool) {
    let mut n_kept = 0;
    for place in 0..line.len() {
        let byte = line[place];
        let last = line[..n_kept].last().copied();
        let is_first = matches!(last, None | Some(b' '));
        match byte {
            // A second quote, right after one, is a quote inside quotes.
            b'"' if *in_quotes || is_first || last == Some(b'"') => *in_quotes = !*in_quotes,
            b' ' | b'\t' if !*in_quotes && is_first => continue,
            b'\r' | b'\n' if !*in_quotes && last == Some(b' ') => n_kept -= 1,
            _ => {}
        }
        let is_blank = byte == b'\t' && !*in_quotes;
        line[n_kept] = if is_blank { b' ' } else { byte };
        n_kept += 1;
    }
    line.truncate(n_kept);
    // The last line may have no end.
    if !*in_quotes && line.last() == Some(&b' ') {
        line.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_outside_quotes_become_one_space() {
        for (line, expected, is_open) in [
            (
                " 00001 19970101  1   11.77\r\n",
                "00001 19970101 1 11.77\r\n",
                false,
            ),
            ("a\t \tb \t\n", "a b\n", false),
            ("a b  ", "a b", false),
            (" \t \n", "\n", false),
            ("a  \"b  c\"  d", "a \"b  c\" d", false),
            ("\"a \"\"  b\"  c", "\"a \"\"  b\" c", false),
            ("5\"  disk", "5\" disk", false),
            ("a  \"b \n", "a \"b \n", true),
        ] {
            let (mut found, mut in_quotes) = (line.as_bytes().to_vec(), false);
            squeeze_blanks(&mut found, &mut in_quotes);
            assert_eq!(String::from_utf8(found).unwrap(), expected, "{line:?}");
            assert_eq!(in_quotes, is_open, "{line:?}");
        }
    }
}
