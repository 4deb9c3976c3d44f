//! Rows that training reads again and again: in memory while they are few, in a temporary file beyond.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::encoded::{EncodedList, EncodedRows};

/// Rows of a block of the file. A block is what is read at once: small against memory, large against a disk's seek.
const BLOCK_ROWS: usize = 8_192;

/// Most blocks whose rows are shuffled among each other: a quarter of a million rows.
const SHUFFLED_BLOCKS: usize = 32;

/// Bytes that such blocks may take, unless there are fewer than [`LEAST_SHUFFLED`] of them.
const SHUFFLED_BYTES: u64 = 64 << 20;
const LEAST_SHUFFLED: u64 = 4;

/// Rows that training reads again and again: in memory while they are few, in a temporary file beyond.
///
/// The file has no name and vanishes with the store.
#[derive(Debug)]
pub struct RowStore {
    n_rows: usize,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    Memory(EncodedRows),
    File(Mutex<BlockFile>),
}

/// Takes rows into a [`RowStore`].
#[derive(Debug)]
pub struct RowStoreWriter {
    max_bytes_in_memory: usize,
    n_rows: usize,
    /// Rows that are in no block yet.
    pending: EncodedRows,
    file: Option<BlockFile>,
}

impl RowStoreWriter {
    /// A store that goes to a temporary file once its rows take more than this in memory.
    pub fn new(max_bytes_in_memory: usize) -> Self {
        Self {
            max_bytes_in_memory,
            n_rows: 0,
            pending: EncodedRows::default(),
            file: None,
        }
    }

    /// Adds rows, all with the same fields.
    ///
    /// # Errors
    /// If the temporary file cannot be made or written.
    pub fn push(&mut self, rows: &EncodedRows) -> io::Result<()> {
        self.n_rows += rows.n_rows;
        self.pending.append(rows);
        if self.file.is_none() && self.pending.n_bytes() > self.max_bytes_in_memory {
            self.file = Some(BlockFile::new()?);
        }
        match &mut self.file {
            Some(file) => file.write_whole_blocks(&mut self.pending),
            None => Ok(()),
        }
    }

    /// The store.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub fn finish(self) -> io::Result<RowStore> {
        let rows = match self.file {
            None => Rows::Memory(self.pending),
            Some(mut file) => {
                if self.pending.n_rows > 0 {
                    file.write(&self.pending)?;
                }
                Rows::File(Mutex::new(file))
            }
        };
        Ok(RowStore {
            n_rows: self.n_rows,
            rows,
        })
    }
}

impl RowStore {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Rows in a block and blocks to shuffle together, where rows are read from a disk.
    pub fn blocks(&self) -> Option<(usize, usize)> {
        match &self.rows {
            Rows::Memory(_) => None,
            Rows::File(file) => Some((BLOCK_ROWS, lock(file).n_shuffled())),
        }
    }

    /// These rows, in this order. From a disk it is quick if the rows asked for one after another lie in few blocks.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> io::Result<EncodedRows> {
        let file = match &self.rows {
            Rows::Memory(all) => return Ok(all.select(rows)),
            Rows::File(file) => file,
        };
        let mut blocks: Vec<Option<Arc<EncodedRows>>> =
            vec![None; self.n_rows.div_ceil(BLOCK_ROWS)];
        let mut selected = EncodedRows::default();
        for (index, &row) in rows.iter().enumerate() {
            assert!(row < self.n_rows, "row {row} of {} rows", self.n_rows);
            let block = &mut blocks[row / BLOCK_ROWS];
            let block = match block {
                Some(block) => block,
                None => block.insert(lock(file).block(row / BLOCK_ROWS)?),
            };
            if index == 0 {
                selected = block.empty_like();
            }
            let place = row % BLOCK_ROWS;
            selected.push_rows_of(block, place..place + 1);
        }
        Ok(selected)
    }

    /// The rows of a range.
    ///
    /// # Errors
    /// If the temporary file cannot be read.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn range(&self, rows: Range<usize>) -> io::Result<EncodedRows> {
        let file = match &self.rows {
            Rows::Memory(all) => return Ok(all.range(rows)),
            Rows::File(file) => file,
        };
        assert!(
            rows.end <= self.n_rows,
            "row {} of {} rows",
            rows.end.saturating_sub(1),
            self.n_rows
        );
        let mut part = EncodedRows::default();
        let mut start = rows.start;
        while start < rows.end {
            let (index, place) = (start / BLOCK_ROWS, start % BLOCK_ROWS);
            let n_rows = (BLOCK_ROWS - place).min(rows.end - start);
            let block = lock(file).block(index)?;
            if part.n_rows == 0 {
                part = block.empty_like();
            }
            part.push_rows_of(&block, place..place + n_rows);
            start += n_rows;
        }
        Ok(part)
    }
}

/// A thread that panics while it holds the file leaves it as it was before or after a read.
fn lock(file: &Mutex<BlockFile>) -> MutexGuard<'_, BlockFile> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Blocks of rows in a file, the last of them read kept in memory.
#[derive(Debug)]
struct BlockFile {
    file: File,
    /// Where each block starts, and where the last one ends.
    starts: Vec<u64>,
    /// Blocks in memory, the one read last at the end.
    kept: Vec<(usize, Arc<EncodedRows>)>,
}

impl BlockFile {
    fn new() -> io::Result<Self> {
        Ok(Self {
            file: tempfile::tempfile()?,
            starts: vec![0],
            kept: Vec::new(),
        })
    }

    /// Moves rows to the file while they fill a block.
    fn write_whole_blocks(&mut self, pending: &mut EncodedRows) -> io::Result<()> {
        let n_whole = pending.n_rows / BLOCK_ROWS * BLOCK_ROWS;
        if n_whole == 0 {
            return Ok(());
        }
        for start in (0..n_whole).step_by(BLOCK_ROWS) {
            self.write(&pending.range(start..start + BLOCK_ROWS))?;
        }
        *pending = pending.range(n_whole..pending.n_rows);
        Ok(())
    }

    /// Blocks whose rows are shuffled among each other.
    fn n_shuffled(&self) -> usize {
        let n_blocks = (self.starts.len() as u64 - 1).max(1);
        let n_bytes = self.starts.last().copied().unwrap_or(0).max(1);
        let fitting = SHUFFLED_BYTES.saturating_mul(n_blocks) / n_bytes;
        fitting.clamp(LEAST_SHUFFLED, SHUFFLED_BLOCKS as u64) as usize
    }

    fn write(&mut self, block: &EncodedRows) -> io::Result<()> {
        let bytes = block.to_bytes();
        self.file.write_all(&bytes)?;
        let end = self.starts.last().copied().unwrap_or(0) + bytes.len() as u64;
        self.starts.push(end);
        Ok(())
    }

    fn block(&mut self, block: usize) -> io::Result<Arc<EncodedRows>> {
        if let Some(place) = self.kept.iter().position(|(kept, _)| *kept == block) {
            let found = self.kept.remove(place);
            self.kept.push(found.clone());
            return Ok(found.1);
        }
        let (start, end) = (self.starts[block], self.starts[block + 1]);
        let mut bytes = vec![0; (end - start) as usize];
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(&mut bytes)?;
        let read = Arc::new(from_bytes(&bytes).ok_or(io::ErrorKind::InvalidData)?);
        // Batches made ahead may still read the window before.
        if self.kept.len() >= 2 * self.n_shuffled() {
            self.kept.remove(0);
        }
        self.kept.push((block, Arc::clone(&read)));
        Ok(read)
    }
}

impl EncodedRows {
    /// All arrays, each after its length: what a block of a file is, and what tells rows from others.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.n_bytes() + 128);
        put(&mut bytes, &[self.n_rows as u64], u64::to_le_bytes);
        put(&mut bytes, &self.categories, u32::to_le_bytes);
        put(&mut bytes, &self.numbers, f32::to_le_bytes);
        put(&mut bytes, &self.labels, f32::to_le_bytes);
        put(&mut bytes, &self.weights, f32::to_le_bytes);
        put(&mut bytes, &self.groups, u64::to_le_bytes);
        put(&mut bytes, &self.times_utc_millis, i64::to_le_bytes);
        for list in &self.lists {
            let offsets: Vec<u64> = list.offsets.iter().map(|&offset| offset as u64).collect();
            put(&mut bytes, &offsets, u64::to_le_bytes);
            put(&mut bytes, &list.ids, u32::to_le_bytes);
            put(&mut bytes, &list.ages_millis, i64::to_le_bytes);
        }
        bytes
    }
}

fn put<T: Copy, const N: usize>(bytes: &mut Vec<u8>, values: &[T], to: impl Fn(T) -> [u8; N]) {
    bytes.extend((values.len() as u64).to_le_bytes());
    for &value in values {
        bytes.extend(to(value));
    }
}

/// The block that [`EncodedRows::to_bytes`] wrote; `None` if it wrote another.
fn from_bytes(mut bytes: &[u8]) -> Option<EncodedRows> {
    let bytes = &mut bytes;
    let n_rows = *take(bytes, u64::from_le_bytes)?.first()? as usize;
    let mut rows = EncodedRows {
        n_rows,
        categories: take(bytes, u32::from_le_bytes)?,
        numbers: take(bytes, f32::from_le_bytes)?,
        labels: take(bytes, f32::from_le_bytes)?,
        weights: take(bytes, f32::from_le_bytes)?,
        groups: take(bytes, u64::from_le_bytes)?,
        times_utc_millis: take(bytes, i64::from_le_bytes)?,
        lists: Vec::new(),
    };
    while !bytes.is_empty() {
        let offsets = take(bytes, u64::from_le_bytes)?;
        rows.lists.push(EncodedList {
            offsets: offsets.into_iter().map(|offset| offset as usize).collect(),
            ids: take(bytes, u32::from_le_bytes)?,
            ages_millis: take(bytes, i64::from_le_bytes)?,
        });
    }
    Some(rows)
}

fn take<T, const N: usize>(bytes: &mut &[u8], from: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let n_bytes = usize::try_from(u64::from_le_bytes(*length))
        .ok()?
        .checked_mul(N)?;
    let (values, rest) = rest.split_at_checked(n_bytes)?;
    *bytes = rest;
    let (values, _) = values.as_chunks::<N>();
    Some(values.iter().map(|&value| from(value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows with two categories, three numbers, a list with ages and one without, from the `start`-th on.
    fn some_rows(start: usize, n_rows: usize) -> EncodedRows {
        let each = |n: usize| (start * n..(start + n_rows) * n).map(|i| i as u32);
        let lengths: Vec<usize> = (start..start + n_rows).map(|row| row % 4).collect();
        let offsets: Vec<usize> = std::iter::once(0)
            .chain(lengths.iter().scan(0, |end, length| {
                *end += length;
                Some(*end)
            }))
            .collect();
        let ids: Vec<u32> = (start..start + n_rows)
            .flat_map(|row| (0..row % 4).map(move |place| (row * 10 + place) as u32))
            .collect();
        EncodedRows {
            n_rows,
            categories: each(2).collect(),
            numbers: each(3).map(|i| i as f32).collect(),
            labels: each(1).map(|i| (i % 2) as f32).collect(),
            weights: Vec::new(),
            groups: each(1).map(u64::from).collect(),
            times_utc_millis: each(1).map(i64::from).collect(),
            lists: vec![
                EncodedList {
                    offsets: offsets.clone(),
                    ages_millis: ids.iter().map(|&id| i64::from(id) * 7).collect(),
                    ids: ids.clone(),
                },
                EncodedList {
                    offsets,
                    ids,
                    ages_millis: Vec::new(),
                },
            ],
        }
    }

    fn store(n_rows: usize, max_bytes_in_memory: usize) -> RowStore {
        let mut writer = RowStoreWriter::new(max_bytes_in_memory);
        for start in (0..n_rows).step_by(1_000) {
            let rows = some_rows(start, 1_000.min(n_rows - start));
            writer.push(&rows).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn a_file_gives_the_rows_that_memory_gives() {
        let n_rows = 3 * BLOCK_ROWS + 5;
        let (memory, file) = (store(n_rows, usize::MAX), store(n_rows, 1 << 18));
        assert_eq!(memory.blocks(), None);
        assert_eq!(file.blocks(), Some((BLOCK_ROWS, SHUFFLED_BLOCKS)));
        let asked = [
            n_rows - 1,
            0,
            7,
            7,
            BLOCK_ROWS,
            2 * BLOCK_ROWS - 1,
            3 * BLOCK_ROWS,
        ];
        for store in [&memory, &file] {
            assert_eq!(store.n_rows(), n_rows);
            let expected = asked.map(|row| some_rows(row, 1));
            let mut all = expected[0].clone();
            expected[1..].iter().for_each(|row| all.append(row));
            assert_eq!(store.select(&asked).unwrap(), all);
        }
        assert_eq!(file.range(0..n_rows).unwrap(), some_rows(0, n_rows));
        for store in [&memory, &file] {
            for start in [5, BLOCK_ROWS - 2, BLOCK_ROWS] {
                assert_eq!(store.range(start..start + 4).unwrap(), some_rows(start, 4));
            }
            assert_eq!(store.range(7..7).unwrap().n_rows, 0);
        }
    }

    #[test]
    fn few_blocks_stay_in_memory() {
        let file = store((2 * SHUFFLED_BLOCKS + 9) * BLOCK_ROWS, 0);
        file.range(0..file.n_rows()).unwrap();
        let Rows::File(file) = &file.rows else {
            panic!("the rows went to a file");
        };
        assert_eq!(lock(file).kept.len(), 2 * SHUFFLED_BLOCKS);
    }

    #[test]
    fn no_rows_are_a_store_too() {
        let none = RowStoreWriter::new(0).finish().unwrap();
        assert_eq!((none.n_rows(), none.select(&[]).unwrap().n_rows), (0, 0));
    }

    #[test]
    #[should_panic(expected = "row 9 of 9 rows")]
    fn a_range_that_is_not_there_is_refused() {
        drop(store(9, 0).range(8..10));
    }

    #[test]
    #[should_panic(expected = "row 9 of 9 rows")]
    fn a_row_that_is_not_there_is_refused() {
        drop(store(9, 0).select(&[9]));
    }
}
