//! A picture of how the validation metric depends on each setting.

use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::trial_log::io_error;
use super::{SearchError, SearchOutcome, Trial};
use crate::training::BoxedError;

const PANEL_WIDTH: u32 = 440;
const PANEL_HEIGHT: u32 = 330;
const TITLE_HEIGHT: u32 = 54;
/// Blue and orange that stay apart in the common forms of colour blindness (Okabe and Ito 2008), as in the learning curve.
const LAST_ROUND_COLOUR: RGBColor = RGBColor(0, 114, 178);
const BEST_COLOUR: RGBColor = RGBColor(213, 94, 0);
const AXIS_COLOUR: RGBColor = RGBColor(90, 90, 90);
const FAINT: RGBColor = RGBColor(225, 225, 225);
/// How much of its colour a trial keeps that stopped in an earlier round.
const PALE: f64 = 0.35;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl SearchOutcome {
    /// Draws the validation metric of all trials against each setting that was searched, as an SVG file with a panel a
    /// setting. The best trial is marked; the directory is made if need be.
    ///
    /// Trials that stopped in an earlier round of successive halving are pale, those that diverged are crosses at the
    /// bottom. Needs the feature `plot`.
    ///
    /// # Errors
    /// [`SearchError::Draw`], [`SearchError::Io`].
    pub fn write_svg(&self, path: impl AsRef<Path>) -> Result<(), SearchError> {
        let path = path.as_ref();
        let mut svg = String::new();
        draw(&mut svg, self).map_err(|source| SearchError::Draw { source })?;
        let directory = path.parent().map_or(Ok(()), fs::create_dir_all);
        directory
            .and_then(|()| fs::write(path, svg))
            .map_err(io_error("write", path))
    }
}

/// A searched setting: where each trial lies on its axis, and what the axis says.
struct Panel<'a> {
    name: &'static str,
    low: f64,
    high: f64,
    n_labels: usize,
    place: Box<dyn Fn(&Trial) -> f64 + 'a>,
    label: Box<dyn Fn(&f64) -> String + 'a>,
}

impl<'a> Panel<'a> {
    fn range(
        name: &'static str,
        (low, high): (f64, f64),
        place: impl Fn(&Trial) -> f64 + 'a,
        label: impl Fn(&f64) -> String + 'a,
    ) -> Self {
        // A range of one value has a width, too.
        let room = ((high - low) * 0.05).max(1e-3);
        Self {
            name,
            low: low - room,
            high: high + room,
            n_labels: 6,
            place: Box::new(place),
            label: Box::new(label),
        }
    }

    fn choices(
        name: &'static str,
        choices: Vec<String>,
        choice: impl Fn(&Trial) -> String + 'a,
    ) -> Self {
        let places = choices.clone();
        let place = move |trial: &Trial| {
            let chosen = choice(trial);
            let found = places.iter().position(|label| *label == chosen);
            found.unwrap_or_default() as f64
        };
        let n_choices = choices.len();
        let label = move |at: &f64| match at.fract() {
            0.0 if *at >= 0.0 => choices.get(*at as usize).cloned().unwrap_or_default(),
            _ => String::new(),
        };
        Self {
            name,
            low: -0.5,
            high: n_choices as f64 - 0.5,
            // Labels lie on whole numbers alone, and the axis starts between two.
            n_labels: 2 * n_choices + 1,
            place: Box::new(place),
            label: Box::new(label),
        }
    }
}

fn panels(outcome: &SearchOutcome) -> Vec<Panel<'_>> {
    let space = &outcome.space;
    let mut panels = Vec::new();
    if let Some(range) = &space.learning_rate {
        let ends = (range.start().log10(), range.end().log10());
        let place = |trial: &Trial| trial.config.training.learning_rate.log10();
        let label = |log: &f64| format!("{:.1e}", 10f64.powf(*log));
        panels.push(Panel::range("learning rate", ends, place, label));
    }
    if let Some(range) = &space.dropout {
        let ends = (*range.start(), *range.end());
        let label = |value: &f64| format!("{value:.2}");
        let place = |trial: &Trial| trial.config.dropout;
        panels.push(Panel::range("dropout", ends, place, label));
    }
    if !space.d_model.is_empty() {
        let mut widths = space.d_model.clone();
        widths.sort_unstable();
        widths.dedup();
        let widths = widths.iter().map(usize::to_string).collect();
        let choice = |trial: &Trial| trial.config.d_model.to_string();
        panels.push(Panel::choices("d_model", widths, choice));
    }
    if !space.loss.is_empty() {
        let labels = space.loss.iter().map(|loss| loss.label.clone()).collect();
        let choice = |trial: &Trial| trial.loss.clone().unwrap_or_default();
        panels.push(Panel::choices("loss", labels, choice));
    }
    panels
}

fn draw(svg: &mut String, outcome: &SearchOutcome) -> Result<(), BoxedError> {
    let panels = panels(outcome);
    let n_columns = panels.len().clamp(1, 2);
    let n_rows = panels.len().div_ceil(n_columns).max(1);
    let size = (
        PANEL_WIDTH * n_columns as u32,
        TITLE_HEIGHT + PANEL_HEIGHT * n_rows as u32,
    );
    let root = SVGBackend::with_string(svg, size).into_drawing_area();
    root.fill(&WHITE)?;
    let (top, rest) = root.split_vertically(TITLE_HEIGHT);
    for (text, size, y) in [(title(outcome), 16, 10), (key(outcome), 13, 33)] {
        let style = ("sans-serif", size).into_font().color(&AXIS_COLOUR);
        top.draw(&Text::new(text, (14, y), style))?;
    }
    let areas = rest.split_evenly((n_rows, n_columns));
    for (area, panel) in areas.iter().zip(&panels) {
        draw_panel(area, panel, outcome)?;
    }
    root.present()?;
    Ok(())
}

/// How many trials there are, and what is best.
fn title(outcome: &SearchOutcome) -> String {
    let trials = format!("{} trials", outcome.trials.len());
    match outcome
        .best()
        .and_then(|best| Some((best, best.measured.as_ref()?)))
    {
        Some((best, measured)) => format!(
            "{trials}; ringed: best, number {} ({:.4})",
            best.number, measured.value
        ),
        None => trials,
    }
}

/// What marks mean, of those that there are.
fn key(outcome: &SearchOutcome) -> String {
    let last_round = outcome.trials.iter().map(|trial| trial.round).max();
    let mut measured = outcome
        .trials
        .iter()
        .filter(|trial| trial.measured.is_some());
    let mut marks = Vec::new();
    if measured.any(|trial| Some(trial.round) != last_round) {
        marks.push("pale: stopped in an earlier round");
    }
    if outcome.trials.iter().any(|trial| trial.measured.is_none()) {
        marks.push("crosses: diverged");
    }
    marks.join("; ")
}

fn draw_panel(
    area: &Area<'_>,
    panel: &Panel<'_>,
    outcome: &SearchOutcome,
) -> Result<(), BoxedError> {
    let (low, high) = value_range(outcome);
    let metric = outcome.metric().unwrap_or("metric").replace('_', " ");
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(panel.low..panel.high, low..high)?;
    let decimals = (1.5 - (high - low).log10()).ceil().clamp(0.0, 8.0) as usize;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(AXIS_COLOUR)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .x_labels(panel.n_labels)
        .y_labels(6)
        .x_label_formatter(&panel.label)
        .y_label_formatter(&|value| format!("{value:.decimals$}"))
        .x_desc(panel.name)
        .y_desc(format!("validation {metric}"))
        .draw()?;
    let last_round = outcome.trials.iter().map(|trial| trial.round).max();
    let (measured, diverged): (Vec<&Trial>, Vec<&Trial>) =
        (outcome.trials.iter()).partition(|trial| trial.measured.is_some());
    let point = |trial: &Trial| {
        let value = trial.measured.as_ref().map_or(low, |found| found.value);
        ((panel.place)(trial), value)
    };
    chart.draw_series(measured.iter().map(|trial| {
        let share = if Some(trial.round) == last_round {
            1.0
        } else {
            PALE
        };
        Circle::new(point(trial), 4, LAST_ROUND_COLOUR.mix(share).filled())
    }))?;
    let style = AXIS_COLOUR.stroke_width(2);
    chart.draw_series(
        diverged
            .iter()
            .map(|trial| Cross::new(point(trial), 4, style)),
    )?;
    let style = BEST_COLOUR.stroke_width(2);
    let best = outcome.best().into_iter();
    chart.draw_series(best.map(|trial| Circle::new(point(trial), 8, style)))?;
    Ok(())
}

/// From below the lowest to above the highest value, never empty.
fn value_range(outcome: &SearchOutcome) -> (f64, f64) {
    let measured = outcome
        .trials
        .iter()
        .filter_map(|trial| trial.measured.as_ref());
    let values: Vec<f64> = measured.map(|measured| measured.value).collect();
    if values.is_empty() {
        return (0.0, 1.0);
    }
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let room = match (high - low) * 0.08 {
        room if room > 0.0 => room,
        _ => low.abs().max(1e-3) * 0.1,
    };
    (low - room, high + room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::next_item::{
        LossChoice, Measured, NextItemConfig, NextItemLoss, SearchSpace,
    };

    /// Trials whose best is neither the first nor the last; some diverged.
    fn outcome(n_trials: usize) -> SearchOutcome {
        let space = SearchSpace {
            learning_rate: Some(1e-4..=1e-1),
            dropout: Some(0.0..=0.5),
            d_model: vec![64, 32, 128],
            loss: ["softmax", "gbce", "bpr"].map(choice).to_vec(),
        };
        let trial = |number: usize| {
            let at = |step: usize| ((number * step) % 101) as f64 / 101.0;
            let mut config = NextItemConfig {
                dropout: 0.5 * at(37),
                d_model: [64, 32, 128][number % 3],
                ..NextItemConfig::default()
            };
            config.training.learning_rate = 10f64.powf(-4.0 + 3.0 * at(71));
            let value = 0.17 - 0.05 * (at(71) - 0.4).powi(2) - 0.08 * (at(37) - 0.3).powi(2);
            let loss = ["softmax", "gbce", "bpr"][number / 3 % 3];
            Trial {
                number,
                config,
                loss: Some(loss.to_owned()),
                round: 1 + usize::from(number.is_multiple_of(4)),
                epochs: 3,
                measured: (at(71) < 0.9).then(|| Measured {
                    metric: "ndcg_at_10".to_owned(),
                    value,
                    epoch: 3,
                }),
            }
        };
        SearchOutcome {
            trials: (1..=n_trials).map(trial).collect(),
            space,
            is_complete: true,
        }
    }

    fn choice(label: &str) -> LossChoice {
        LossChoice {
            label: label.to_owned(),
            loss: NextItemLoss::default(),
        }
    }

    fn svg(outcome: &SearchOutcome) -> String {
        let mut svg = String::new();
        draw(&mut svg, outcome).unwrap();
        svg
    }

    #[test]
    fn each_searched_setting_has_a_panel_and_the_best_trial_a_ring() {
        let mut outcome = outcome(24);
        let texts = ["learning rate", "dropout", "d_model", "loss", "gbce", "128"];
        let full = svg(&outcome);
        let around = [
            "validation ndcg at 10",
            "24 trials",
            "pale: stopped in an earlier round; crosses: diverged",
        ];
        for text in texts.into_iter().chain(around) {
            assert!(full.contains(text), "{text}");
        }
        assert_eq!(full.matches("r=\"8\"").count(), 4);
        let n_measured = outcome
            .trials
            .iter()
            .filter(|t| t.measured.is_some())
            .count();
        assert!(n_measured < 24);
        assert_eq!(full.matches("r=\"4\"").count(), 4 * n_measured);
        outcome.space.dropout = None;
        outcome.space.loss.clear();
        let half = svg(&outcome);
        assert!(!half.contains("dropout") && !half.contains("gbce"));
        assert_eq!(half.matches("r=\"8\"").count(), 2);
    }

    #[test]
    fn any_number_of_trials_can_be_drawn() {
        for n_trials in [0, 1, 2, 300] {
            let mut outcome = outcome(n_trials);
            assert!(svg(&outcome).contains("learning rate"));
            outcome.space.learning_rate = Some(1e-3..=1e-3);
            outcome.space.d_model = vec![8];
            for trial in &mut outcome.trials {
                trial.measured = None;
            }
            assert!(!svg(&outcome).contains("r=\"8\""));
        }
    }

    /// Writes a picture to look at: `SALIENT_PLOT=FILE cargo test ... -- --ignored a_picture`.
    #[test]
    #[ignore = "writes the file named by SALIENT_PLOT"]
    fn a_picture_to_look_at() {
        let path = std::env::var("SALIENT_PLOT").unwrap();
        outcome(24).write_svg(path).unwrap();
    }
}
