//! One entry to files, whatever their format.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::csv::read_text;
use super::error::{DataError, Origin};
use super::interactions::Interactions;
use super::options::ReadOptions;
use super::parquet::read_parquet;
use super::records::read_error;
use super::schema::InteractionSchema;
use super::summary::{ReadSummary, RowLedger, TableFormat};

/// Size of the pieces in which files are read: large against the cost of a system call.
const BUFFER_BYTES: usize = 1 << 17;
const PARQUET_MAGIC: &[u8] = b"PAR1";
const GZIP_MAGIC: &[u8] = b"\x1f\x8b";

/// The first bytes of files that are packed in a way that is not read here.
const OTHER_MAGIC: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
];

/// Reads a file of events: CSV, TSV or other delimited text, plain or packed by gzip, or Parquet.
///
/// The format is told by the first bytes of the file; a name that ends in `.parquet` or `.pq` promises Parquet. The file is
/// read piece by piece, and only the columns asked for are kept.
///
/// ```
/// use salient::data::{InteractionSchema, ReadOptions, read_interactions};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("log.csv");
/// std::fs::write(&path, "user,item,time\nanna,tea,2024-05-01\nanna,cup,2024-05-02\n")?;
/// let schema = InteractionSchema {
///     time: Some("time".into()),
///     ..InteractionSchema::new("user", "item")
/// };
/// let (log, summary) = read_interactions(&path, &schema, &ReadOptions::default())?;
/// assert_eq!((log.n_rows(), log.n_users(), log.n_items()), (2, 1, 2));
/// assert_eq!(summary.n_rows_read, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError`] says what is wrong with the file, the schema, or a row.
pub fn read_interactions(
    path: impl AsRef<Path>,
    schema: &InteractionSchema,
    options: &ReadOptions,
) -> Result<(Interactions, ReadSummary), DataError> {
    let path = path.as_ref();
    let ((collector, ledger), file) = read_file(
        path,
        |text| read_text(text, path, schema, options),
        |file| read_parquet(file, path, schema, options.on_bad_row),
    )?;
    Ok((collector.finish(), file.summary(path, ledger)))
}

/// What is known of a file once it is read.
pub(crate) struct FileFacts {
    format: TableFormat,
    sha256: String,
    n_bytes: u64,
}

impl FileFacts {
    /// What was read from the file at `path`, whose rows the ledger counted.
    pub(crate) fn summary(self, path: &Path, ledger: RowLedger) -> ReadSummary {
        ReadSummary {
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            format: self.format,
            sha256: Some(self.sha256),
            n_bytes: Some(self.n_bytes),
            n_rows_read: ledger.n_rows_read,
            skipped: ledger.skipped,
        }
    }
}

/// Tells the format of a file by its first bytes and hands it to `text`, unpacked, or to `parquet`; all of it is hashed.
pub(crate) fn read_file<T>(
    path: &Path,
    text: impl FnOnce(&mut dyn BufRead) -> Result<T, DataError>,
    parquet: impl FnOnce(File) -> Result<T, DataError>,
) -> Result<(T, FileFacts), DataError> {
    let unreadable = |source| DataError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let (bytes, format) = open_table(path)?;
    let mut bytes = HashingReader::new(bytes);
    let table;
    if format == TableFormat::Parquet {
        // Parquet is read from its end, so hashing takes a pass of its own.
        bytes.drain().map_err(unreadable)?;
        table = parquet(open(path)?)?;
    } else {
        let is_gzip = format == TableFormat::GzipText;
        table = read_bytes(&mut bytes, is_gzip, path, text)?;
        bytes.drain().map_err(unreadable)?;
    }
    let (sha256, n_bytes) = bytes.finish();
    let facts = FileFacts {
        format,
        sha256,
        n_bytes,
    };
    Ok((table, facts))
}

/// Does what [`read_file`] does, but neither hashes the file nor reads what is not asked for.
pub(crate) fn look_at_file<T>(
    path: &Path,
    text: impl FnOnce(&mut dyn BufRead) -> Result<T, DataError>,
    parquet: impl FnOnce(File) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let (bytes, format) = open_table(path)?;
    match format {
        TableFormat::Parquet => parquet(open(path)?),
        format => read_bytes(bytes, format == TableFormat::GzipText, path, text),
    }
}

/// The bytes of a file, and the format that the first of them tell.
fn open_table(path: &Path) -> Result<(impl Read, TableFormat), DataError> {
    let mut file = open(path)?;
    let head = head(&mut file).map_err(|source| DataError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    if head.is_empty() {
        let origin = Origin::File(path.to_owned());
        return Err(DataError::Empty { origin });
    }
    if let Some((_, format)) = OTHER_MAGIC
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
    {
        return Err(DataError::UnsupportedCompression {
            path: path.to_owned(),
            format,
        });
    }
    let format = if head.starts_with(PARQUET_MAGIC) || promises_parquet(path) {
        TableFormat::Parquet
    } else if head.starts_with(GZIP_MAGIC) {
        TableFormat::GzipText
    } else {
        TableFormat::Text
    };
    Ok((Cursor::new(head).chain(file), format))
}

pub(crate) fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => DataError::FileMissing {
            path: path.to_owned(),
        },
        _ => DataError::Unreadable {
            path: path.to_owned(),
            source,
        },
    })
}

/// The first bytes of a file, enough to tell its format.
fn head(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.take(8).read_to_end(&mut head)?;
    Ok(head)
}

fn promises_parquet(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("parquet") || end.eq_ignore_ascii_case("pq"))
}

fn read_bytes<T>(
    bytes: impl Read,
    is_gzip: bool,
    path: &Path,
    read: impl FnOnce(&mut dyn BufRead) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let mut bytes = BufReader::with_capacity(BUFFER_BYTES, bytes);
    if !is_gzip {
        return read(&mut bytes);
    }
    let mut text = BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(bytes));
    // The decoder gives an error once and then ends, so that none may be passed over.
    let head = text
        .fill_buf()
        .map_err(|source| read_error(path, 0, source))?;
    if head.starts_with(PARQUET_MAGIC) {
        return Err(DataError::UnsupportedCompression {
            path: path.to_owned(),
            format: "gzip-packed Parquet",
        });
    }
    read(&mut text)
}

/// Hashes what is read through it.
struct HashingReader<R> {
    input: R,
    hash: Sha256,
    n_bytes: u64,
}

impl<R: Read> HashingReader<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            hash: Sha256::new(),
            n_bytes: 0,
        }
    }

    /// Reads what is left.
    fn drain(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER_BYTES];
        while self.read(&mut buffer)? > 0 {}
        Ok(())
    }

    /// The hash in hexadecimal, and the number of bytes.
    fn finish(self) -> (String, u64) {
        let mut text = String::new();
        for byte in self.hash.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        (text, self.n_bytes)
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.input.read(buffer)?;
        self.hash.update(&buffer[..n_bytes]);
        self.n_bytes += n_bytes as u64;
        Ok(n_bytes)
    }
}
