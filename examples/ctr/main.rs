//! Will this person click this? Trains on a table of impressions, judges and calibrates it beside simple baselines, saves it and
//! asks it.
//!
//!     cargo run --release --example ctr
//!     cargo run --release --example ctr -- --data impressions.csv --label clicked --columns user:group,time:time
#![expect(
    clippy::print_stdout,
    reason = "an example talks to the person who runs it"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use salient::evaluation::classification::{
    ClassificationMetric, ClassificationReport, ClassificationSettings, compare_classifications,
};
use salient::evaluation::{DataOrigin, Estimate};
use salient::tasks::ctr::{CtrConfig, CtrData, CtrModel, fit};
use salient::tasks::tabular::HistoryUse;
use salient::training::{StopReason, Trained, Trainer};

mod flags;
mod judge;
mod model_flags;
mod outcome;
#[path = "../shared"]
mod shared {
    pub(crate) mod failure;
    pub(crate) mod flags;
    pub(crate) mod report;
    pub(crate) mod resources;
    pub(crate) mod settings;
    pub(crate) mod table_flags;
    pub(crate) mod training;
}
mod source;

use flags::Flags;
use judge::{Baseline, Judged};
use outcome::FoldTiming;
use shared::resources;

/// Of what the model is compared with the baseline that comes first.
const GAINS: [ClassificationMetric; 3] = [
    ClassificationMetric::RocAuc,
    ClassificationMetric::GroupAuc,
    ClassificationMetric::LogLoss,
];

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    shared::failure::exit_code(run(&Flags::parse()))
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    flags.run.check()?;
    let device = salient::device::pick(&flags.run.device)?;
    let config = flags.model.config(&flags.run)?;
    let source = source::find(flags)?;
    let mut judged = Judged::default();
    let mut last = None;
    for (fold, sources) in source.sources.iter().enumerate() {
        let data = CtrData::read(sources, &source.options)?;
        if fold == 0 {
            println!("{}\n\n{}\n", data.columns, data.features);
        }
        Judged::check(&data, &flags.data.segments)?;
        let cpu_before = resources::cpu_seconds();
        let fingerprint = data.fingerprint(&config);
        let trainer = shared::training::trainer(&flags.run, &config.training, fingerprint)?;
        let trained = fit(&config, &data, trainer, &device)?;
        let train_cpu_seconds = resources::cpu_seconds() - cpu_before;
        if trained.stopped == StopReason::Cancelled {
            return Err(shared::training::interrupted(&flags.run, trained.steps).into());
        }
        let evaluate_start = Instant::now();
        judged.add(&trained.model, &data, &flags.data.segments)?;
        let evaluate_seconds = evaluate_start.elapsed().as_secs_f64();
        judged.folds.push(FoldTiming {
            train_seconds: trained.timing.wall_seconds,
            train_cpu_seconds,
            epochs: trained.history.len(),
            examples_per_second: trained.timing.examples_per_second,
            evaluate_seconds,
        });
        for (baseline, config) in baselines(flags, &config)? {
            let trainer = Trainer::new(config.training.clone());
            let trained = fit(&config, &data, trainer, &device)?;
            judged.add_baseline(baseline, &trained.model, &data)?;
        }
        last = Some((data, trained));
    }
    let (data, trained) = last.ok_or("there is nothing to train on: --folds must be at least 2")?;
    report(flags, &source, &data, &trained, &judged)
}

/// The lesser models that the flags ask for.
fn baselines(
    flags: &Flags,
    config: &CtrConfig,
) -> Result<Vec<(Baseline, CtrConfig)>, Box<dyn Error>> {
    let mut baselines = Vec::new();
    if flags.model.against_no_history {
        let mut without = config.clone();
        without.network.history = HistoryUse::Ignored;
        baselines.push((Baseline::WithoutHistory, without));
    }
    if !flags.model.no_baselines {
        let mut linear = CtrConfig::preset("lr")?;
        linear.training.seed = flags.run.seed;
        baselines.push((Baseline::Linear, linear));
    }
    Ok(baselines)
}

/// Prints what was found, and keeps it where the flags say.
fn report(
    flags: &Flags,
    source: &source::Source,
    data: &CtrData,
    trained: &Trained<CtrModel>,
    judged: &Judged,
) -> Result<(), Box<dyn Error>> {
    let settings = ClassificationSettings {
        origin: DataOrigin {
            data_sha256: data.reads.first().and_then(|read| read.sha256.clone()),
            split: Some(format!("{}, test", source.split)),
            ..DataOrigin::default()
        },
        ..ClassificationSettings::default()
    };
    let (mut all, mut gained) = (Vec::new(), BTreeMap::new());
    for label in &judged.labels {
        let mut reports = judged.reports(label, &trained.model.config().preset, &settings)?;
        println!("{}: {}\n", label.name, reports[0]);
        if let Some(shop) = &source.shop {
            reports.push(judged.best_possible(label, shop, &source.sources, &settings)?);
        }
        println!("{}\n", compare_classifications(&reports)?);
        gained.insert(label.name.clone(), gains(&reports)?);
        if let Some(way) = way_gone(&reports) {
            println!("{way}\n");
        }
        all.push(reports);
    }
    let mut outcome = outcome::outcome(flags, data, trained, judged, &all);
    outcome.significance = Some(serde_json::to_value(gained)?);
    if let Some(directory) = &flags.run.out {
        trained.model.save(directory, &outcome.quality())?;
        for (label, reports) in judged.labels.iter().zip(&all) {
            let name = |what: &str| directory.join(format!("{}_{what}.svg", label.name));
            reports[0].write_reliability_svg(name("reliability"))?;
            reports[0].write_gain_svg(name("gain"))?;
        }
        println!("saved to {}", directory.display());
    }
    if let Some(path) = &flags.run.json {
        outcome.write(path)?;
    }
    Ok(())
}

/// Prints how much better the model is than the baseline that comes first, with intervals of the differences.
fn gains(
    reports: &[ClassificationReport],
) -> Result<BTreeMap<&'static str, Estimate>, Box<dyn Error>> {
    let mut gains = BTreeMap::new();
    if let [model, baseline, ..] = reports {
        for metric in GAINS {
            if let Some(gain) = model.difference_from(baseline, metric)? {
                let (ours, theirs) = (&model.model, &baseline.model);
                println!("{}, {ours} less {theirs}: {gain}", metric.title());
                gains.insert(metric.name(), gain);
            }
        }
        println!();
    }
    Ok(gains)
}

/// How much of the way from logistic regression to the best possible the model went.
fn way_gone(reports: &[ClassificationReport]) -> Option<String> {
    let find = |name: &str| reports.iter().find(|report| report.model == name);
    let (linear, best) = (find("logistic regression")?, find("best possible")?);
    let part = |metric: ClassificationMetric| {
        let value = |report: &ClassificationReport| report.value(metric);
        let (from, to) = (value(linear)?, value(best)?);
        let closed = ((value(&reports[0])? - from) / (to - from) * 100.0).round() + 0.0;
        Some(format!(
            "{}: logistic regression {from:.4}, model {:.4}, best possible {to:.4}: {closed:.0} % of the gap closed",
            metric.title(),
            value(&reports[0])?
        ))
    };
    let auc = part(ClassificationMetric::RocAuc)?;
    Some(format!("{auc}\n{}", part(ClassificationMetric::LogLoss)?))
}
