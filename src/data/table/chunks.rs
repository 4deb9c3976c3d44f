//! Rows, handed on a chunk at a time.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, Read};

use super::plan::TablePlan;
use super::rows::{RowCells, TableRows};
use crate::data::records::Taken;

/// Rows of a chunk: enough that what is done once a chunk costs nothing, few enough to stay in the processor's cache.
pub(super) const CHUNK_ROWS: usize = 8_192;

/// What a caller does with a chunk.
type Take<'a, E> = dyn FnMut(&TableRows) -> Result<(), E> + 'a;

/// Who takes the chunks, and what went wrong there.
pub(super) struct Sink<'a, E> {
    take: RefCell<&'a mut Take<'a, E>>,
    error: Cell<Option<E>>,
    is_stopped: Cell<bool>,
}

impl<'a, E> Sink<'a, E> {
    pub(super) fn new(take: &'a mut Take<'a, E>) -> Self {
        Self {
            take: RefCell::new(take),
            error: Cell::new(None),
            is_stopped: Cell::new(false),
        }
    }

    fn give(&self, rows: &TableRows) {
        if self.is_stopped.get() {
            return;
        }
        let taken = (self.take.borrow_mut())(rows);
        if let Err(error) = taken {
            self.error.set(Some(error));
            self.is_stopped.set(true);
        }
    }

    /// Whether no more rows are wanted.
    pub(super) const fn is_stopped(&self) -> &Cell<bool> {
        &self.is_stopped
    }

    /// What went wrong, if anything.
    pub(super) fn finish(&self) -> Result<(), E> {
        self.error.take().map_or(Ok(()), Err)
    }
}

/// Gathers rows and hands them on a chunk at a time.
pub(super) struct Chunks<'a, 's, E> {
    pub(super) plan: TablePlan<'a>,
    rows: TableRows,
    pub(super) n_good: usize,
    sink: &'a Sink<'s, E>,
}

impl<'a, 's, E> Chunks<'a, 's, E> {
    pub(super) fn new(plan: TablePlan<'a>, sink: &'a Sink<'s, E>) -> Self {
        Self {
            rows: TableRows::new(&plan),
            plan,
            n_good: 0,
            sink,
        }
    }

    pub(super) fn push(&mut self, row: &impl RowCells) -> Taken {
        self.rows.push(&self.plan, row)?;
        self.n_good += 1;
        if self.rows.n_rows() == CHUNK_ROWS {
            self.flush();
        }
        Ok(())
    }

    /// Hands on the last rows.
    pub(super) fn flush(&mut self) {
        if self.rows.n_rows() > 0 {
            self.sink.give(&self.rows);
            self.rows.clear();
        }
    }
}

/// Input that ends where no more is wanted.
pub(super) struct UntilStopped<'a, R> {
    pub(super) input: R,
    pub(super) is_stopped: &'a Cell<bool>,
}

impl<R: BufRead> Read for UntilStopped<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_stopped.get() {
            return Ok(0);
        }
        self.input.read(buffer)
    }
}

impl<R: BufRead> BufRead for UntilStopped<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.is_stopped.get() {
            return Ok(&[]);
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, n_bytes: usize) {
        self.input.consume(n_bytes);
    }
}
