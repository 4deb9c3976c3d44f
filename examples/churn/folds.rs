//! The folds that the flags ask for.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use salient::data::Texts;
use salient::tasks::churn::{ChurnData, Folds};

use crate::flags::FoldFlags;

/// The folds; none if nothing is to be judged.
pub(crate) fn find(
    flags: &FoldFlags,
    data: &ChurnData,
    seed: u64,
) -> Result<Option<Folds>, Box<dyn Error>> {
    if let Some(path) = &flags.folds_file {
        return Ok(Some(from_file(path, data)?));
    }
    if flags.folds == 0 {
        return Ok(None);
    }
    let folds = Folds::stratified(data, flags.folds, flags.repeats, seed)?;
    Ok(Some(folds))
}

/// Reads the fold of each customer, by id.
fn from_file(path: &Path, data: &ChurnData) -> Result<Folds, Box<dyn Error>> {
    let shown = path.display();
    let mut reader = csv::Reader::from_path(path).map_err(|error| format!("{shown}: {error}"))?;
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
