//! Who is about to leave? Trains on a table of customers, judges it by cross-validation beside logistic regression, says whom
//! to contact, saves it and asks it.
//!
//!     cargo run --release --example churn
//!     cargo run --release --example churn -- --data customers.csv --label-column Churn --positive Yes --id-column customerID
#![expect(
    clippy::print_stdout,
    reason = "an example talks to the person who runs it"
)]

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::Parser;
use salient::evaluation::classification::{log_loss, roc_auc};
use salient::tasks::churn::{ChurnRun, MemberRecord, cross_validate, fit};

mod flags;
mod folds;
mod judge;
mod model_flags;
#[path = "../shared"]
mod shared {
    pub(crate) mod failure;
    pub(crate) mod flags;
    pub(crate) mod settings;
    pub(crate) mod table_flags;
}
mod source;

use flags::Flags;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    shared::failure::exit_code(run(&Flags::parse()))
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    flags.run.check()?;
    let device = salient::device::pick(&flags.run.device)?;
    let config = flags.model.config(&flags.run)?;
    let source = source::read(flags)?;
    let start = Instant::now();
    let n_done = AtomicUsize::new(0);
    let tell = |record: &MemberRecord| {
        let n_done = n_done.fetch_add(1, Ordering::Relaxed) + 1;
        eprintln!(
            "{n_done} networks trained, the last in {} epochs",
            record.history.len()
        );
    };
    let run = ChurnRun {
        n_threads: flags.threads,
        on_member: Some(&tell),
        ..ChurnRun::default()
    };
    match folds::find(&flags.folds, &source.data, flags.run.seed)? {
        Some(folds) => {
            let judged = cross_validate(&config, &source.data, &folds, &run, &device)?;
            judge::print_spread(&config.preset, &judge::by_fold(&judged)?);
        }
        None => {
            let trained = fit(&config, &source.data, &run, &device)?;
            let unseen = &trained.out_of_fold;
            println!(
                "inner auc {:.5} log loss {:.5}",
                roc_auc(unseen)?,
                log_loss(unseen)?
            );
        }
    }
    println!("{:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
