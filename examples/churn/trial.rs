//! On which customers the procedure is judged.

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use flate2::read::MultiGzDecoder;
use salient::data::Texts;
use salient::tasks::churn::{
    ChurnConfig, ChurnData, CrossValidation, FoldOutcome, Folds, cross_validate, fit,
};

use crate::flags::Flags;
use crate::progress::Progress;
use crate::source::Source;

/// Customers that the procedure is judged on.
pub(crate) enum Trial<'a> {
    /// Those of each fold, by what is learnt from the others.
    Folds(Folds),
    /// Those of a later time.
    Later(&'a ChurnData),
}

/// The trial; none if nothing is to be judged.
pub(crate) fn find<'a>(
    flags: &Flags,
    source: &'a Source,
) -> Result<Option<Trial<'a>>, Box<dyn Error>> {
    if let Some(later) = &source.test {
        return Ok(Some(Trial::Later(later)));
    }
    let (data, folds) = (&source.data, &flags.folds);
    if let Some(path) = &folds.folds_file {
        return Ok(Some(Trial::Folds(from_file(path, data)?)));
    }
    if folds.folds == 0 {
        return Ok(None);
    }
    let folds = Folds::stratified(data, folds.folds, folds.repeats, flags.run.seed)?;
    Ok(Some(Trial::Folds(folds)))
}

impl Trial<'_> {
    /// How the customers were chosen.
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Folds(folds) => folds.origin().to_owned(),
            Self::Later(_) => "the last cut-off whose horizon closes".to_owned(),
        }
    }

    /// Trains and judges.
    pub(crate) fn run(
        &self,
        flags: &Flags,
        config: &ChurnConfig,
        data: &ChurnData,
        device: &Device,
    ) -> Result<CrossValidation, Box<dyn Error>> {
        let n_trainings = match self {
            Self::Folds(folds) => folds.n_folds() * folds.n_repeats(),
            Self::Later(_) => 1,
        };
        let progress = Progress::new(&config.preset, config.n_networks() * n_trainings);
        let run = progress.run(flags.threads);
        let later = match self {
            Self::Folds(folds) => return Ok(cross_validate(config, data, folds, &run, device)?),
            Self::Later(later) => later,
        };
        let start = Instant::now();
        let trained = fit(config, data, &run, device)?;
        let fold = FoldOutcome {
            repeat: 0,
            fold: 0,
            test_rows: (0..later.n_rows()).collect(),
            cases: trained.model.cases(later)?,
            out_of_fold: trained.out_of_fold,
            seconds: start.elapsed().as_secs_f64(),
        };
        Ok(CrossValidation {
            folds: vec![fold],
            origin: self.origin(),
        })
    }
}

/// Reads the fold of each customer, by id.
fn from_file(path: &Path, data: &ChurnData) -> Result<Folds, Box<dyn Error>> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| format!("{shown}: {error}"))?;
    let input: Box<dyn Read> = match path.extension() {
        Some(extension) if extension == "gz" => Box::new(MultiGzDecoder::new(file)),
        _ => Box::new(file),
    };
    let mut reader = csv::Reader::from_reader(input);
    let mut by_id = HashMap::new();
    let mut n_repeats = 0;
    for record in reader.records() {
        let record = record.map_err(|error| format!("{shown}: {error}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let fold = |cell: &str| -> Result<usize, String> {
            let invalid = || format!("{shown}, line {line}: fold {cell:?} is no whole number");
            cell.trim().parse().map_err(|_| invalid())
        };
        let folds = record.iter().skip(1).map(fold);
        let folds = folds.collect::<Result<Vec<_>, _>>()?;
        n_repeats = folds.len();
        let id = record.get(0).unwrap_or_default().to_owned();
        if by_id.insert(id.clone(), folds).is_some() {
            return Err(format!("{shown}, line {line}: id {id:?} is there twice").into());
        }
    }
    let mut assignments = vec![Vec::with_capacity(data.n_rows()); n_repeats];
    for id in data.ids().into_iter().flat_map(Texts::iter) {
        let Some(folds) = by_id.get(id) else {
            return Err(format!("{shown}: no line for id {id:?} of the table").into());
        };
        for (repeat, &fold) in assignments.iter_mut().zip(folds) {
            repeat.push(fold);
        }
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let origin = format!("folds of {name}, {n_repeats} repeats");
    Ok(Folds::given(data, assignments, origin)?)
}
