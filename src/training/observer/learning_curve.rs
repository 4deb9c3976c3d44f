//! A picture of how a run went.

use std::fs;
use std::path::PathBuf;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::{Event, Observer};
use crate::training::{BoxedError, EpochRecord};

const WIDTH: u32 = 880;
const HEIGHT: u32 = 620;
/// Blue, orange and grey that stay apart in the common forms of colour blindness (Okabe and Ito 2008).
const LOSS_COLOUR: RGBColor = RGBColor(0, 114, 178);
const METRIC_COLOUR: RGBColor = RGBColor(213, 94, 0);
const BEST_COLOUR: RGBColor = RGBColor(90, 90, 90);
const FAINT: RGBColor = RGBColor(225, 225, 225);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Points = Vec<(f64, f64)>;

/// Why a learning curve cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The drawing library refuses.
    #[error("cannot draw the learning curve")]
    Draw {
        /// Why.
        source: BoxedError,
    },
    /// The file system refuses.
    #[error("cannot write the learning curve to {path:?}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Draws training loss and deciding validation metric by epoch as an SVG file, anew after each epoch.
#[derive(Debug)]
pub struct LearningCurve {
    path: PathBuf,
    history: Vec<EpochRecord>,
    best_epoch: Option<usize>,
}

impl LearningCurve {
    /// A curve that is kept in this file; its directory is made if need be.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            history: Vec::new(),
            best_epoch: None,
        }
    }

    fn write(&self) -> Result<(), PlotError> {
        let mut svg = String::new();
        draw(&mut svg, &self.history, self.best_epoch)
            .map_err(|source| PlotError::Draw { source })?;
        let directory = self.path.parent().map_or(Ok(()), fs::create_dir_all);
        directory
            .and_then(|()| fs::write(&self.path, svg))
            .map_err(|source| PlotError::Write {
                path: self.path.clone(),
                source,
            })
    }
}

impl Observer for LearningCurve {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), BoxedError> {
        match event {
            Event::Started {
                history,
                best_epoch,
                ..
            } => {
                self.history = history.to_vec();
                self.best_epoch = *best_epoch;
            }
            Event::Validated {
                epoch,
                improved: true,
                ..
            } => self.best_epoch = Some(*epoch),
            Event::EpochEnded { record } => {
                self.history.push((*record).clone());
                self.write()?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Draws one panel for the loss and, if there was validation, one below it for the metric.
fn draw(
    svg: &mut String,
    history: &[EpochRecord],
    best_epoch: Option<usize>,
) -> Result<(), BoxedError> {
    let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let area = root.margin(10, 10, 10, 24);
    let loss = history.iter().map(|r| (r.epoch as f64, r.train_loss));
    let loss: Points = loss.collect();
    let (name, metric) = metric_points(history);
    let best = best_epoch.map(|epoch| epoch as f64);
    if metric.is_empty() {
        panel(&area, "training loss", &loss, (LOSS_COLOUR, best, true))?;
    } else {
        let (top, bottom) = area.split_vertically(HEIGHT / 2 - 22);
        panel(&top, "training loss", &loss, (LOSS_COLOUR, best, false))?;
        panel(&bottom, &name, &metric, (METRIC_COLOUR, best, true))?;
    }
    root.present()?;
    Ok(())
}

/// The deciding metric's name, as people write it, and its value by epoch.
fn metric_points(history: &[EpochRecord]) -> (String, Points) {
    let mut name = String::new();
    let mut points = Points::new();
    for record in history {
        let Some(validation) = &record.validation else {
            continue;
        };
        if let Some(&value) = validation.metrics.get(&validation.deciding) {
            name = format!("validation {}", validation.deciding.replace('_', " "));
            points.push((record.epoch as f64, value));
        }
    }
    (name, points)
}

fn panel(
    area: &Area<'_>,
    name: &str,
    points: &Points,
    (colour, best, labels_epochs): (RGBColor, Option<f64>, bool),
) -> Result<(), BoxedError> {
    let last_epoch = points.last().map_or(1.0, |point| point.0);
    let (low, high) = value_range(points);
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .x_label_area_size(if labels_epochs { 44 } else { 24 })
        .y_label_area_size(78)
        .build_cartesian_2d(0.0..last_epoch.max(2.0) * 1.02, low..high)?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(BEST_COLOUR)
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 16))
        .x_labels(12)
        .y_labels(6)
        .x_label_formatter(&|epoch| format!("{epoch:.0}"))
        .y_label_formatter(&|value| format_value(*value, high - low))
        .y_desc(name);
    if labels_epochs {
        mesh.x_desc("epoch");
    }
    mesh.draw()?;
    if let Some(epoch) = best {
        draw_best(&mut chart, points, (epoch, low, high))?;
    }
    let style = colour.stroke_width(2);
    let line = LineSeries::new(points.iter().copied(), style).point_size(2);
    chart
        .draw_series(line)?
        .label(name)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .margin(12)
        .background_style(WHITE.mix(0.85))
        .border_style(FAINT)
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}

/// Marks the best epoch by a line, and its value by a ring.
fn draw_best(
    chart: &mut Chart<'_, '_>,
    points: &Points,
    (epoch, low, high): (f64, f64, f64),
) -> Result<(), BoxedError> {
    let style = BEST_COLOUR.stroke_width(1);
    let line = DashedLineSeries::new([(epoch, low), (epoch, high)], 5, 4, style);
    let found = points.iter().find(|point| point.0 == epoch);
    let label = match found {
        Some((_, value)) => format!("best epoch, {epoch:.0} ({value:.4})"),
        None => format!("best epoch, {epoch:.0}"),
    };
    chart
        .draw_series(line)?
        .label(label)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    chart.draw_series(
        found
            .iter()
            .map(|&&point| Circle::new(point, 5, BEST_COLOUR.stroke_width(2))),
    )?;
    Ok(())
}

/// From below the lowest to above the highest value, never empty.
fn value_range(points: &Points) -> (f64, f64) {
    let values = points.iter().map(|point| point.1);
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let room = match (high - low) * 0.08 {
        room if room > 0.0 => room,
        _ => low.abs().max(1e-3) * 0.1,
    };
    (low - room, high + room)
}

/// As many decimals as tell neighbouring labels apart.
fn format_value(value: f64, span: f64) -> String {
    let decimals = (1.5 - span.log10()).ceil().clamp(0.0, 8.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Validation;

    fn history(n_epochs: usize, validates: bool) -> Vec<EpochRecord> {
        let record = |epoch: usize| {
            let x = epoch as f64;
            let metric = 0.18 * (1.0 - (-x / 9.0).exp()) - 0.0009 * x + 0.002 * (x * 2.3).sin();
            EpochRecord {
                epoch,
                train_loss: 4.2 + 3.6 * (-x / 7.0).exp(),
                learning_rate: 1e-3,
                validation: validates
                    .then(|| Validation::new("ndcg_at_10", [("ndcg_at_10", metric)])),
                seconds: None,
            }
        };
        (1..=n_epochs).map(record).collect()
    }

    fn svg(history: &[EpochRecord], best_epoch: Option<usize>) -> String {
        let mut svg = String::new();
        draw(&mut svg, history, best_epoch).unwrap();
        svg
    }

    #[test]
    fn both_curves_are_drawn_with_axes_legend_and_best_epoch() {
        let svg = svg(&history(45, true), Some(28));
        for text in [
            "training loss",
            "validation ndcg at 10",
            "epoch",
            "best epoch, 28",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn runs_of_any_length_can_be_drawn() {
        for n_epochs in [0, 1, 2, 3, 1000] {
            for validates in [false, true] {
                let svg = svg(&history(n_epochs, validates), validates.then_some(1));
                assert!(svg.contains("training loss"));
            }
        }
    }

    #[test]
    fn labels_have_as_many_decimals_as_their_steps_need() {
        assert_eq!(format_value(0.123456, 0.2), "0.123");
        assert_eq!(format_value(5.0, 3.0), "5.00");
        assert_eq!(format_value(250.0, 400.0), "250");
    }

    /// Writes a picture to look at: `SALIENT_PLOT=FILE cargo test ... -- --ignored a_picture`.
    #[test]
    #[ignore = "writes the file named by SALIENT_PLOT"]
    fn a_picture_to_look_at() {
        let path = std::env::var("SALIENT_PLOT").unwrap();
        fs::write(path, svg(&history(45, true), Some(28))).unwrap();
    }
}
