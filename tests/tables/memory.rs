use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use salient::Error;
use salient::data::{ReadOptions, TableParts, TableSchema};
use salient::features::tabular::{FieldConfig, NumberEncoding, TabularConfig};

use super::options;

const FILE: &str = "SALIENT_TABLE_TO_READ";
const REPORT: &str = "SALIENT_TABLE_REPORT";
const N_ROWS: usize = 800_000;

/// Writes a packed table, which is 40 MB of text.
fn write(path: &Path) -> u64 {
    let file = std::fs::File::create(path).unwrap();
    let mut packed = GzEncoder::new(std::io::BufWriter::new(file), Compression::fast());
    packed.write_all(b"y,a,b,c,d,e,n,m,seen,g\n").unwrap();
    let mut n_bytes = 0;
    for row in 0..N_ROWS {
        // Spread over the values as a multiplicative hash does.
        let mixed = row.wrapping_mul(2_654_435_761) >> 7;
        let line = format!(
            "{},a{},b{},c{},{},e{},{}.{},{},s{} s{} s{},g{}\n",
            mixed % 7 / 6,
            mixed % 1_000,
            mixed % 97,
            mixed % 11,
            mixed % 5,
            mixed % 3,
            mixed % 10_007,
            mixed % 100,
            mixed % 65_521,
            mixed % 50,
            mixed % 51,
            mixed % 52,
            mixed % 5_000,
        );
        n_bytes += line.len() as u64;
        packed.write_all(line.as_bytes()).unwrap();
    }
    packed.finish().unwrap().flush().unwrap();
    n_bytes
}

/// Peak of the resident memory since the program began. What `getrusage` gives counts that of the parent in.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.unwrap().split_whitespace().nth(1);
    number.unwrap().parse().unwrap()
}

/// The reading to measure. Does nothing when it is run as a test of its own.
#[test]
fn a_reading_to_measure() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let before = peak_kib();
    let config = TabularConfig {
        defaults: FieldConfig {
            encoding: NumberEncoding::Quantile { n_quantiles: 100 },
            ..FieldConfig::default()
        },
        ..TabularConfig::default()
    };
    let (table, _) = TableSchema::infer(&path, &options("y:label,seen:history,g:group")).unwrap();
    let read = ReadOptions::default();
    let start = std::time::Instant::now();
    let (schema, _) = config.fit(&table, &path, &read).unwrap();
    let fitted = start.elapsed();
    let mut n_rows = 0;
    schema
        .read_chunks(&path, TableParts::All, &read, |rows| {
            n_rows += rows.n_rows;
            Ok::<_, Error>(())
        })
        .unwrap();
    assert_eq!(n_rows, N_ROWS);
    let report = format!(
        "{} {fitted:?} {:?}",
        peak_kib() - before,
        start.elapsed() - fitted
    );
    std::fs::write(std::env::var_os(REPORT).unwrap(), report).unwrap();
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv.gz");
    let report = folder.path().join("report");
    let n_bytes = write(&path);
    assert!(n_bytes > 38_000_000, "{n_bytes}");
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tables::memory::a_reading_to_measure"])
        .env(FILE, &path)
        .env(REPORT, &report)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let report = std::fs::read_to_string(report).unwrap();
    println!("KiB, time to fit, time to encode: {report}");
    let kib: u64 = report.split(' ').next().unwrap().parse().unwrap();
    assert!(kib > 1_024, "{kib} KiB is too little to be true");
    // Two samples of 1 MiB each, chunks, code, and what the allocator keeps: 18 MiB; all rows as text would be 37 MiB, as numbers 90.
    assert!(kib < 30 * 1_024, "{kib} KiB");
}
