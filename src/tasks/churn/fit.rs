//! From customers to a trained model.

use burn::tensor::Device;

use super::config::ChurnConfig;
use super::data::ChurnData;
use super::folds::deal;
use super::leak::refuse_leaks;
use super::member::{MemberRecord, Members, cases};
use super::mixture::mixture;
use super::model::ChurnModel;
use super::parallel;
use crate::Error;
use crate::evaluation::calibration::Calibrator;
use crate::evaluation::classification::ClassificationCases;
use crate::features::tabular::{TabularFitter, TabularSummary};
use crate::random::{RandomKey, Stream};
use crate::tasks::TaskError;
use crate::tasks::tabular::check_histories;
use crate::training::CancelToken;

/// How training is run; the result does not depend on it.
#[derive(Default)]
pub struct ChurnRun<'a> {
    /// Networks trained at once. Default none: as many as there are processors.
    pub n_threads: Option<usize>,
    /// Stops the run.
    pub cancel: CancelToken,
    /// Told when a network is trained.
    pub on_member: Option<&'a (dyn Fn(&MemberRecord) + Sync)>,
}

/// What [`fit`] gives.
#[derive(Clone, Debug)]
pub struct TrainedChurn {
    /// The model.
    pub model: ChurnModel,
    /// For each row, in the order of the data, the calibrated probability by the networks that have not seen it, beside the truth.
    /// It is what settings are to be chosen by. Calibration was fitted on these very answers, by its one or two numbers.
    pub out_of_fold: ClassificationCases,
    /// How training went, network by network.
    pub members: Vec<MemberRecord>,
    /// What was learnt of the columns.
    pub features: TabularSummary,
}

/// Trains a model on all rows of `data`.
///
/// The customers are dealt into [`ChurnConfig::n_parts`] parts; each network of the ensemble stops by one and learns from the
/// others. Columns that give the label away are refused first.
///
/// # Errors
/// [`Error::Task`] for rows that cannot be learnt from, among them [`TaskError::Leak`];
/// [`Error::Feature`] and [`Error::Model`] for the settings, [`Error::Training`] for the run, [`Error::Evaluation`] for the
/// calibration.
pub fn fit(
    config: &ChurnConfig,
    data: &ChurnData,
    run: &ChurnRun<'_>,
    device: &Device,
) -> Result<TrainedChurn, Error> {
    if config.networks.is_empty() {
        return Err(TaskError::TooSmall {
            setting: "networks",
            value: 0,
            least: 1,
        }
        .into());
    }
    for network in &config.networks {
        check_histories(network, &data.schema)?;
    }
    data.both_classes("training")?;
    refuse_leaks(data)?;
    let mut fitter = TabularFitter::new(&config.features, &data.schema)?;
    fitter.push(&data.rows)?;
    let (schema, features) = fitter.finish()?;
    let rows = schema.encode(&data.rows)?;
    let key = RandomKey::new(config.training.seed).stream(Stream::Split);
    let parts = deal(data, config.n_parts, key)?;
    let rate = data.churn_rate();
    let balance = config.imbalance.balance(rate)?;
    let members = Members {
        config,
        shape: &schema.shape(),
        rows: &rows,
        parts: &parts,
        balance,
        rate,
        cancel: &run.cancel,
        device,
    };
    let n_threads = run.n_threads.unwrap_or_else(parallel::available);
    let trained = parallel::each(config.n_networks(), n_threads, |member| {
        let trained = members.train(member)?;
        if let Some(tell) = run.on_member {
            tell(&trained.record);
        }
        Ok(trained)
    })?;
    let mut by_kind = vec![vec![0.0; rows.n_rows]; config.networks.len()];
    let (mut networks, mut records) = (Vec::new(), Vec::new());
    for (index, member) in trained.into_iter().enumerate() {
        let logits = &mut by_kind[index / config.n_parts];
        for (row, logit) in member.unseen.into_iter().zip(member.logits) {
            logits[row] = logit;
        }
        networks.push(member.network);
        records.push(member.record);
    }
    let shares = mixture(&by_kind, &rows.labels, &rows.weights)?;
    let mixed = |row| -> f64 {
        let kinds = by_kind.iter().zip(&shares);
        kinds.map(|(logits, share)| share * logits[row]).sum()
    };
    let logits: Vec<f64> = (0..rows.n_rows).map(mixed).collect();
    let calibrator = calibrator(config, &logits, &rows.labels, &rows.weights)?;
    let probabilities = logits.iter().map(|&logit| calibrator.probability(logit));
    Ok(TrainedChurn {
        out_of_fold: cases(probabilities.collect(), &rows)?,
        model: ChurnModel {
            config: config.clone(),
            schema,
            networks,
            shares,
            balance,
            calibrator,
        },
        members: records,
        features,
    })
}

fn calibrator(
    config: &ChurnConfig,
    logits: &[f64],
    labels: &[f32],
    weights: &[f32],
) -> Result<Calibrator, Error> {
    let labels: Vec<bool> = labels.iter().map(|&label| label > 0.5).collect();
    // A weight counts as so many rows, so that together they are as many as there are.
    let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    let share = weights.len() as f64 / total;
    let weights: Vec<f64> = weights.iter().map(|&w| f64::from(w) * share).collect();
    let weights = (!weights.is_empty()).then_some(&weights[..]);
    let fitted = Calibrator::fit(config.calibration, logits, &labels, weights)?;
    Ok(fitted.written()?)
}
