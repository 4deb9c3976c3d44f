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
use std::time::Instant;

use burn::tensor::Device;
use clap::Parser;
use salient::data::Texts;
use salient::evaluation::DataOrigin;
use salient::evaluation::classification::compare_classifications;
use salient::evaluation::decisions::{CostMatrix, Costs, choose_contacts};
use salient::tasks::churn::{ChurnConfig, ChurnData, ChurnModel, fit};

mod events;
mod flags;
mod judge;
mod model_flags;
mod outcome;
mod progress;
#[path = "../shared"]
mod shared {
    pub(crate) mod failure;
    pub(crate) mod flags;
    pub(crate) mod report;
    pub(crate) mod resources;
    pub(crate) mod settings;
    pub(crate) mod table_flags;
}
mod source;
mod trial;

use flags::Flags;
use judge::FoldFigures;
use outcome::Judged;
use progress::Progress;
use source::Source;
use trial::Trial;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    shared::failure::exit_code(run(&Flags::parse()))
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    flags.run.check()?;
    let device = salient::device::pick(&flags.run.device)?;
    let mut config = flags.model.config(&flags.run)?;
    if flags.events.events.is_some() {
        // Cut-offs are no moments at which customers do anything.
        config.features.calendar.clear();
    }
    let source = source::read(flags)?;
    let data = &source.data;
    println!("{}\n", data.columns);
    let trial = trial::find(flags, &source)?;
    let judged = match &trial {
        Some(trial) => Some(judge(flags, &config, &source, trial, &device)?),
        None => None,
    };
    let progress = Progress::new("all customers", config.n_networks());
    let start = Instant::now();
    let trained = fit(&config, data, &progress.run(flags.threads), &device)?;
    let train_seconds = start.elapsed().as_secs_f64();
    println!("{}", trained.features);
    report_contacts(flags, data, &trained.model)?;
    let outcome = outcome::outcome(flags, data, &trained, judged.as_ref(), train_seconds);
    if let Some(directory) = &flags.run.out {
        trained.model.save(directory, &outcome.quality())?;
        if let Some(judged) = &judged {
            judged.reports[0].write_reliability_svg(directory.join("reliability.svg"))?;
            judged.reports[0].write_gain_svg(directory.join("gain.svg"))?;
            let profit = directory.join("profit.svg");
            judged.decisions.write_profit_svg(profit)?;
        }
        println!("saved to {}", directory.display());
    }
    if let Some(path) = &flags.run.json {
        outcome.write(path)?;
    }
    Ok(())
}

/// Judges the procedure by cross-validation, and prints what was found.
fn judge(
    flags: &Flags,
    config: &ChurnConfig,
    source: &Source,
    trial: &Trial<'_>,
    device: &Device,
) -> Result<Judged, Box<dyn Error>> {
    let data = &source.data;
    let name = config.preset.as_str();
    let start = Instant::now();
    let model = trial.run(flags, config, data, device)?;
    let evaluate_seconds = start.elapsed().as_secs_f64();
    let linear = match flags.model.no_baselines {
        true => None,
        false => {
            let mut linear = ChurnConfig::preset("lr")?;
            linear.training.seed = flags.run.seed;
            linear
                .features
                .calendar
                .clone_from(&config.features.calendar);
            Some(trial.run(flags, &linear, data, device)?)
        }
    };
    let origin = DataOrigin {
        data_sha256: source.sha256.clone(),
        split: Some(trial.origin()),
        ..DataOrigin::default()
    };
    let figures = judge::by_fold(&model)?;
    judge::print_spread(name, &figures);
    let mut against = Vec::new();
    if let Some(linear) = &linear {
        let figures = judge::by_fold(linear)?;
        judge::print_spread("logistic regression", &figures);
        against.push(("logistic regression".to_owned(), figures));
    }
    if let Some(path) = &flags.folds.against {
        against.push(judge::of_file(path)?);
    }
    let differences = print_differences(name, &figures, &against)?;
    let mut models = vec![(name, &model)];
    models.extend(linear.iter().map(|linear| ("logistic regression", linear)));
    let reports = judge::pooled(&models, source.shop.as_ref(), &origin)?;
    println!("{}\n\n{}\n", reports[0], compare_classifications(&reports)?);
    if let Some(shop) = &source.shop {
        for (name, judged) in &models {
            let (absolute, square) = judge::distance(&judged.pooled(0)?, shop);
            println!(
                "{name}: {absolute:.4} from the true probability on average, {square:.4} in root mean square"
            );
        }
        println!();
    }
    let decisions = judge::decisions(name, &model, &flags.contacts, &origin)?;
    println!("{decisions}\n");
    let conformal = judge::conformal(name, &model, flags.contacts.alpha, &origin)?;
    let covered: usize = conformal.iter().map(|fold| fold.coverage.n_covered).sum();
    let n_rows: usize = conformal.iter().map(|fold| fold.coverage.n_rows).sum();
    println!(
        "prediction sets: {:.4} of {n_rows} rows covered, {:.4} promised\n",
        covered as f64 / n_rows as f64,
        1.0 - flags.contacts.alpha
    );
    Ok(Judged {
        figures,
        differences,
        reports,
        decisions,
        conformal,
        evaluate_seconds,
    })
}

fn print_differences(
    name: &str,
    figures: &[FoldFigures],
    against: &[(String, Vec<FoldFigures>)],
) -> Result<outcome::Differences, Box<dyn Error>> {
    let mut all = outcome::Differences::new();
    for (other, theirs) in against {
        let differences = judge::differences(figures, theirs)?;
        println!("{name} less {other}, fold by fold, with 95 % intervals");
        for (metric, difference) in &differences {
            println!("  {metric:28} {difference}");
        }
        println!();
        all.insert(other.clone(), differences);
    }
    Ok(all)
}

/// Prints the customers whom to contact first.
fn report_contacts(
    flags: &Flags,
    data: &ChurnData,
    model: &ChurnModel,
) -> Result<(), Box<dyn Error>> {
    let contacts = &flags.contacts;
    let matrix = CostMatrix::contact(
        contacts.contact_cost,
        contacts.customer_value,
        contacts.success_rate,
    )?;
    let probabilities = model.predict_data(data)?;
    let costs = Costs::Same(matrix);
    let chosen = choose_contacts(&probabilities, &costs, judge::rule(contacts))?;
    println!(
        "{} of {} customers to contact; first",
        chosen.len(),
        data.n_rows()
    );
    let ids: Vec<&str> = data.ids().into_iter().flat_map(Texts::iter).collect();
    for &row in chosen.iter().take(5) {
        let value = matrix.expected_value(probabilities[row]);
        let who = ids
            .get(row)
            .map_or_else(|| format!("row {}", row + 1), |id| (*id).to_owned());
        println!(
            "  {who}: leaves with probability {:.3}, a contact is worth {value:.2}",
            probabilities[row]
        );
    }
    Ok(())
}
