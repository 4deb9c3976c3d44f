//! Labelled impressions out of an event log, as three files that the example `ctr` trains, stops and judges by.
//!
//!     cargo run --release --example impressions
//!     cargo run --release --example impressions -- --data log.csv --user-column user --item-column item --time-column time \
//!         --event-column event --impressions view --successes cart,buy --item-columns category --out impressions
#![expect(
    clippy::print_stdout,
    reason = "an example talks to the person who runs it"
)]

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use parquet::arrow::ArrowWriter;
use salient::data::{Impressions, TableColumn};

mod flags;
mod log;
mod parts;
#[path = "../shared"]
#[expect(dead_code, reason = "shared with examples that need more of it")]
mod shared {
    pub(crate) mod data_flags;
    pub(crate) mod failure;
    pub(crate) mod flags;
}

use flags::Flags;
use parts::Parts;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    shared::failure::exit_code(run(&Flags::parse()))
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let log = log::read(flags)?;
    let rule = flags.rule()?;
    let parts = Parts::new(flags, &log.events, &rule)?;
    println!("{}", log.audit);
    if let Some(items) = &log.items {
        let n_absent = items.n_absent(log.events.item_ids().iter().map(String::as_str));
        let names = items.columns().iter().map(|column| column.name.as_str());
        println!(
            "{} of items: {n_absent} of {} items have none\n",
            names.collect::<Vec<_>>().join(", "),
            log.events.n_items()
        );
    }
    fs::create_dir_all(&flags.out)
        .map_err(|error| format!("cannot make {}: {error}", flags.out.display()))?;
    let mut columns = Vec::new();
    for (name, times) in parts.named() {
        let made = rule.apply(&log.events, log.items.as_ref(), times.clone());
        let made = made.map_err(|error| format!("{name}, {}: {error}", parts::shown(&times)))?;
        println!("{name:5}  {}: {}", parts::shown(&times), made.summary);
        write(&made, &file(&flags.out, name))?;
        columns = made.columns;
    }
    println!("\nTo train on them:\n\n{}", command(&flags.out, &columns));
    Ok(())
}

/// The file of a part.
fn file(folder: &Path, part: &str) -> PathBuf {
    folder.join(format!("{part}.parquet"))
}

fn write(impressions: &Impressions, path: &Path) -> Result<(), Box<dyn Error>> {
    let table = &impressions.table;
    let failed = |error: &dyn Error| format!("cannot write {}: {error}", path.display());
    let file = File::create(path).map_err(|error| failed(&error))?;
    let mut writer = ArrowWriter::try_new(file, table.schema(), None).map_err(|e| failed(&e))?;
    writer.write(table).map_err(|error| failed(&error))?;
    writer.close().map_err(|error| failed(&error))?;
    Ok(())
}

/// The command that trains on the files.
fn command(folder: &Path, columns: &[TableColumn]) -> String {
    let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let file = |part| format!("--{part} '{}'", file(folder, part).display());
    format!(
        "cargo run --release --example ctr -- {} {} {} \\\n    --time-format millis --named-only --min-count 2 --preset din --against-no-history \\\n    --columns '{}'",
        file("train"),
        file("valid"),
        file("test"),
        columns.join(",")
    )
}
