//! A trainer with everything that a person at a terminal expects of one.

use std::sync::OnceLock;

use salient::training::{
    CancelToken, JsonLines, LearningCurve, ProgressBar, Trainer, TrainingConfig,
};

use super::flags::RunFlags;

/// A trainer that shows its progress, stops cleanly at a signal and, with `--out`, keeps a log, a learning curve and
/// checkpoints.
pub(crate) fn trainer(
    flags: &RunFlags,
    config: &TrainingConfig,
    fingerprint: String,
) -> Result<Trainer<'static>, Box<dyn std::error::Error>> {
    let token = token()?;
    let trainer = Trainer::new(config.clone())
        .observe(ProgressBar::new())
        .cancel(token);
    let Some(out) = &flags.out else {
        return Ok(trainer);
    };
    let checkpoints = out.join("checkpoint");
    if flags.resume && !checkpoints.join("checkpoint.safetensors").exists() {
        eprintln!(
            "no checkpoint in {}: training starts from the beginning",
            checkpoints.display()
        );
    }
    let log = JsonLines::append(out.join("training.jsonl"))
        .map_err(|error| format!("cannot write in {}: {error}", out.display()))?;
    Ok(trainer
        .observe(log)
        .observe(LearningCurve::new(out.join("learning_curve.svg")))
        .checkpoint_in(checkpoints, fingerprint)
        .resume(flags.resume))
}

/// What a signal cancels, the same for all runs of the process.
fn token() -> Result<CancelToken, ctrlc::Error> {
    static TOKEN: OnceLock<CancelToken> = OnceLock::new();
    if let Some(token) = TOKEN.get() {
        return Ok(token.clone());
    }
    let token = TOKEN.get_or_init(CancelToken::new).clone();
    let handler = token.clone();
    ctrlc::set_handler(move || handler.cancel())?;
    Ok(token)
}

/// What to tell somebody who stopped a run, and how to go on.
pub(crate) fn interrupted(flags: &RunFlags, steps: u64) -> String {
    let remedy = if flags.out.is_some() {
        "the same command with --resume goes on from there"
    } else {
        "nothing is kept without --out"
    };
    format!("interrupted after {steps} steps; {remedy}")
}
