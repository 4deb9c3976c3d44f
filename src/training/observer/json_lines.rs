//! A log with one JSON object a line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::{Event, Observer};
use crate::training::BoxedError;

/// Writes every event as a line of JSON: its fields, its name as `event`, and `elapsed_seconds` since the log was opened.
///
/// A number that is not finite is `null`.
#[derive(Debug)]
pub struct JsonLines<W: Write = BufWriter<File>> {
    writer: W,
    every_steps: u64,
    opened: Instant,
}

#[derive(Serialize)]
struct Line<'a> {
    elapsed_seconds: f64,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

impl JsonLines {
    /// Appends to a file, which is made if need be with the directory it is in, so that a resumed run goes on where the
    /// log ends.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self::new(BufWriter::new(file)))
    }
}

impl<W: Write> JsonLines<W> {
    /// Writes to anything.
    ///
    /// ```
    /// use salient::training::JsonLines;
    ///
    /// let log = JsonLines::new(Vec::new()).every_steps(10);
    /// ```
    pub fn new(writer: W) -> Self {
        Self {
            writer,
            every_steps: 1,
            opened: Instant::now(),
        }
    }

    /// Writes no more than each `n`-th step; other events are always written. With 0 no step is.
    #[must_use]
    pub fn every_steps(mut self, n: u64) -> Self {
        self.every_steps = n;
        self
    }
}

impl<W: Write> Observer for JsonLines<W> {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), BoxedError> {
        let is_step = match event {
            Event::Step { step, .. } => {
                if self.every_steps == 0 || !step.is_multiple_of(self.every_steps) {
                    return Ok(());
                }
                true
            }
            _ => false,
        };
        let line = Line {
            elapsed_seconds: self.opened.elapsed().as_secs_f64(),
            event,
        };
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        self.writer.write_all(&line)?;
        // Steps may wait in a buffer; what is rare should be there for whoever looks.
        if !is_step {
            self.writer.flush()?;
        }
        Ok(())
    }
}
