//! A progress bar in the terminal.

use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};

use super::{Event, Observer};
use crate::training::{BoxedError, StopReason};

const TEMPLATE: &str =
    "{prefix} [{wide_bar:.cyan/dim}] {pos}/{len} {msg} {elapsed_precise}<{eta_precise}";

/// Shows the steps of each epoch on standard error, and a line for each epoch that is over. Where standard error is no
/// terminal it shows nothing.
#[derive(Debug)]
pub struct ProgressBar {
    bar: Bar,
    steps_per_epoch: u64,
    max_epochs: usize,
    epoch: usize,
}

impl Default for ProgressBar {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgressBar {
    /// A bar on standard error.
    pub fn new() -> Self {
        Self::on(ProgressDrawTarget::stderr())
    }

    fn on(target: ProgressDrawTarget) -> Self {
        Self {
            bar: Bar::with_draw_target(None, target),
            steps_per_epoch: 0,
            max_epochs: 0,
            epoch: 0,
        }
    }

    fn start_epoch(&mut self, epoch: usize) {
        self.epoch = epoch;
        self.bar.reset();
        self.bar.set_length(self.steps_per_epoch);
        self.bar
            .set_prefix(format!("epoch {epoch}/{}", self.max_epochs));
    }
}

impl Observer for ProgressBar {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), BoxedError> {
        match event {
            Event::Started {
                config,
                steps_per_epoch,
                ..
            } => {
                let style = ProgressStyle::with_template(TEMPLATE)?;
                self.bar.set_style(style.progress_chars("━╸─"));
                self.steps_per_epoch = *steps_per_epoch;
                self.max_epochs = config.max_epochs;
            }
            Event::Step {
                epoch,
                step_of_epoch,
                loss,
                examples_per_second,
                ..
            } => {
                if *epoch != self.epoch {
                    self.start_epoch(*epoch);
                }
                self.bar.set_position(*step_of_epoch);
                self.bar
                    .set_message(format!("loss {loss:.4}, {examples_per_second:.0}/s"));
            }
            Event::EpochEnded { record } => {
                let mut line = format!("epoch {}: loss {:.4}", record.epoch, record.train_loss);
                for (name, value) in record.validation.iter().flat_map(|v| &v.metrics) {
                    line += &format!(", {name} {value:.4}");
                }
                self.bar.println(line);
            }
            Event::Finished { stopped, .. } => {
                let reason = match stopped {
                    StopReason::MaxEpochs => "all epochs done",
                    StopReason::Patience => "validation no longer improves",
                    StopReason::Cancelled => "cancelled",
                };
                self.bar.finish_and_clear();
                self.bar.println(reason);
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;
    use crate::training::{EpochRecord, TrainingConfig, Validation};

    /// A terminal that keeps what is written to it.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _n: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _n: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _n: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _n: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_bar_shows_epoch_step_and_metrics() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let mut bar = ProgressBar::on(target);
        let config = TrainingConfig::default();
        let started = Event::Started {
            config: &config,
            n_examples: 20,
            n_parameters: 3,
            steps_per_epoch: 5,
            resumed_at_step: 0,
            history: &[],
            best_epoch: None,
        };
        bar.observe(&started).unwrap();
        let step = Event::Step {
            epoch: 1,
            step: 2,
            step_of_epoch: 2,
            loss: 0.12345,
            learning_rate: 0.1,
            gradient_norm: 1.0,
            examples_per_second: 321.4,
        };
        bar.observe(&step).unwrap();
        bar.bar.tick();
        let record = EpochRecord {
            epoch: 1,
            train_loss: 0.5,
            learning_rate: 0.1,
            validation: Some(Validation::new("ndcg_at_10", [("ndcg_at_10", 0.25)])),
            seconds: None,
        };
        bar.observe(&Event::EpochEnded { record: &record }).unwrap();
        let shown = paper.0.lock().unwrap();
        for part in [
            "epoch 1/100",
            "2/5",
            "loss 0.1235, 321/s",
            "epoch 1: loss 0.5000, ndcg_at_10 0.2500",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
    }
}
