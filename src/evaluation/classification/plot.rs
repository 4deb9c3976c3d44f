//! Pictures of a report.

use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::{ClassificationMetric, ClassificationReport};
use crate::evaluation::EvaluationError;

type BoxedError = Box<dyn std::error::Error + Send + Sync>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Range = std::ops::Range<f64>;

/// Blue and orange that stay apart in the common forms of colour blindness (Okabe and Ito 2008), as in the learning curve.
const MODEL_COLOUR: RGBColor = RGBColor(0, 114, 178);
const BEST_COLOUR: RGBColor = RGBColor(213, 94, 0);
const AXIS_COLOUR: RGBColor = RGBColor(90, 90, 90);
const FAINT: RGBColor = RGBColor(225, 225, 225);
const TITLE_HEIGHT: u32 = 34;
const TITLE_SIZE: u32 = 16;

impl ClassificationReport {
    /// Draws the share of positives against the mean prediction, with Wilson's intervals, over a histogram of the predictions,
    /// as an SVG file; its directory is made if need be. Needs the feature `plot`.
    ///
    /// # Errors
    /// [`EvaluationError::Picture`].
    pub fn write_reliability_svg(&self, path: impl AsRef<Path>) -> Result<(), EvaluationError> {
        write("reliability curve", path.as_ref(), |svg| {
            draw_reliability(svg, self)
        })
    }

    /// Draws the cumulative gain beside that of chance and the best possible, and the lift, as an SVG file; its directory is
    /// made if need be. Needs the feature `plot`.
    ///
    /// # Errors
    /// [`EvaluationError::Picture`].
    pub fn write_gain_svg(&self, path: impl AsRef<Path>) -> Result<(), EvaluationError> {
        write("gain curve", path.as_ref(), |svg| draw_gain(svg, self))
    }
}

fn write(
    picture: &'static str,
    path: &Path,
    draw: impl FnOnce(&mut String) -> Result<(), BoxedError>,
) -> Result<(), EvaluationError> {
    let drawn = || {
        let mut svg = String::new();
        draw(&mut svg)?;
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        Ok(fs::write(path, svg)?)
    };
    drawn().map_err(|source: BoxedError| EvaluationError::Picture {
        picture,
        path: path.to_owned(),
        source,
    })
}

fn draw_reliability(svg: &mut String, report: &ClassificationReport) -> Result<(), BoxedError> {
    let root = SVGBackend::with_string(svg, (620, 720)).into_drawing_area();
    root.fill(&WHITE)?;
    let (top, rest) = root.split_vertically(TITLE_HEIGHT);
    let error = report.value(ClassificationMetric::ExpectedCalibrationError);
    let error = error.map_or_else(String::new, |error| {
        format!(", calibration error {error:.4}")
    });
    draw_title(&top, &format!("{}{error}", report.model))?;
    let (upper, lower) = rest.split_vertically(480);
    let highest = report.reliability.iter().map(|bin| bin.interval.high);
    let highest = highest.fold(report.histogram.high, f64::max);
    // A little room, but no more than there are probabilities.
    let end = (highest * 1.05).clamp(1e-9, 1.0);
    draw_bins(&upper, report, end)?;
    draw_histogram(&lower, report, end)?;
    root.present()?;
    Ok(())
}

fn draw_bins(area: &Area<'_>, report: &ClassificationReport, end: f64) -> Result<(), BoxedError> {
    let names = ("", "share of positives");
    let mut chart = chart(area, (0.0..end, 0.0..end), names)?;
    let style = AXIS_COLOUR.stroke_width(1);
    let diagonal = DashedLineSeries::new([(0.0, 0.0), (end, end)], 5, 4, style);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    chart
        .draw_series(diagonal)?
        .label("as predicted")
        .legend(key);
    let style = MODEL_COLOUR.stroke_width(2);
    let points = report.reliability.iter();
    let points = points.map(|bin| (bin.mean_prediction, bin.positive_share));
    chart.draw_series(report.reliability.iter().map(|bin| {
        let x = bin.mean_prediction;
        PathElement::new([(x, bin.interval.low), (x, bin.interval.high)], style)
    }))?;
    let line = LineSeries::new(points, MODEL_COLOUR.filled().stroke_width(2)).point_size(4);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    chart.draw_series(line)?.label("observed").legend(key);
    draw_key(&mut chart, SeriesLabelPosition::UpperLeft)
}

fn draw_histogram(
    area: &Area<'_>,
    report: &ClassificationReport,
    end: f64,
) -> Result<(), BoxedError> {
    let histogram = &report.histogram;
    let most = histogram.n_rows.iter().copied().max().unwrap_or(0);
    let tallest = most.max(1) as f64 / report.n_rows.max(1) as f64;
    let names = ("prediction", "share of rows");
    let mut chart = chart(area, (0.0..end, 0.0..tallest * 1.05), names)?;
    let width = histogram.high / histogram.n_rows.len().max(1) as f64;
    chart.draw_series((0u32..).zip(&histogram.n_rows).map(|(bar, &n_rows)| {
        let left = f64::from(bar) * width;
        let share = n_rows as f64 / report.n_rows.max(1) as f64;
        let corners = [(left, 0.0), (left + width * 0.92, share)];
        Rectangle::new(corners, MODEL_COLOUR.mix(0.7).filled())
    }))?;
    Ok(())
}

fn draw_gain(svg: &mut String, report: &ClassificationReport) -> Result<(), BoxedError> {
    let root = SVGBackend::with_string(svg, (960, 440)).into_drawing_area();
    root.fill(&WHITE)?;
    let (top, rest) = root.split_vertically(TITLE_HEIGHT);
    let auc = report.value(ClassificationMetric::RocAuc);
    let auc = auc.map_or_else(String::new, |auc| format!(", ROC AUC {auc:.4}"));
    draw_title(&top, &format!("{}{auc}", report.model))?;
    let (left, right) = rest.split_horizontally(480);
    draw_cumulative(&left, report)?;
    draw_lift(&right, report)?;
    root.present()?;
    Ok(())
}

fn draw_cumulative(area: &Area<'_>, report: &ClassificationReport) -> Result<(), BoxedError> {
    let names = (
        "share of rows, highest predictions first",
        "share of positives found",
    );
    let mut chart = chart(area, (0.0..1.0, 0.0..1.02), names)?;
    let style = AXIS_COLOUR.stroke_width(1);
    let chance = DashedLineSeries::new([(0.0, 0.0), (1.0, 1.0)], 5, 4, style);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    chart.draw_series(chance)?.label("by chance").legend(key);
    if let Some(share) = report.value(ClassificationMetric::PositiveShare) {
        let style = BEST_COLOUR.stroke_width(2);
        let best = LineSeries::new([(0.0, 0.0), (share, 1.0), (1.0, 1.0)], style);
        let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
        chart.draw_series(best)?.label("best possible").legend(key);
    }
    let style = MODEL_COLOUR.stroke_width(2);
    let points = report.gain.iter().map(|point| (point.share, point.gain));
    let points = std::iter::once((0.0, 0.0)).chain(points);
    let line = LineSeries::new(points, MODEL_COLOUR.filled().stroke_width(2)).point_size(3);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    chart.draw_series(line)?.label("model").legend(key);
    draw_key(&mut chart, SeriesLabelPosition::LowerRight)
}

fn draw_lift(area: &Area<'_>, report: &ClassificationReport) -> Result<(), BoxedError> {
    let highest = report
        .gain
        .iter()
        .map(|point| point.lift)
        .fold(1.0, f64::max);
    let names = ("share of rows, highest predictions first", "lift");
    let mut chart = chart(area, (0.0..1.0, 0.0..highest * 1.08), names)?;
    let style = AXIS_COLOUR.stroke_width(1);
    let chance = DashedLineSeries::new([(0.0, 1.0), (1.0, 1.0)], 5, 4, style);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    chart.draw_series(chance)?.label("by chance").legend(key);
    let style = MODEL_COLOUR.stroke_width(2);
    let points = report.gain.iter().map(|point| (point.share, point.lift));
    let line = LineSeries::new(points, MODEL_COLOUR.filled().stroke_width(2)).point_size(3);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    chart.draw_series(line)?.label("model").legend(key);
    draw_key(&mut chart, SeriesLabelPosition::UpperRight)
}

fn draw_title(area: &Area<'_>, title: &str) -> Result<(), BoxedError> {
    let style = ("sans-serif", TITLE_SIZE).into_font().color(&AXIS_COLOUR);
    area.draw(&Text::new(title.to_owned(), (14, 12), style))?;
    Ok(())
}

/// Axes with a mesh.
fn chart<'a, 'b>(
    area: &'b Area<'a>,
    (x, y): (Range, Range),
    (x_name, y_name): (&str, &str),
) -> Result<Chart<'a, 'b>, BoxedError> {
    let (x_span, y_span) = (x.end - x.start, y.end - y.start);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(22)
        .x_label_area_size(if x_name.is_empty() { 26 } else { 46 })
        .y_label_area_size(72)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(AXIS_COLOUR)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|value| format_value(*value, x_span))
        .y_label_formatter(&|value| format_value(*value, y_span))
        .x_desc(x_name)
        .y_desc(y_name)
        .draw()?;
    Ok(chart)
}

fn draw_key<'a: 'b, 'b>(
    chart: &mut Chart<'a, 'b>,
    position: SeriesLabelPosition,
) -> Result<(), BoxedError> {
    chart
        .configure_series_labels()
        .position(position)
        .margin(12)
        .background_style(WHITE.mix(0.85))
        .border_style(FAINT)
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}

/// As many decimals as tell neighbouring labels apart.
fn format_value(value: f64, span: f64) -> String {
    let decimals = (1.0 - span.log10()).ceil().clamp(0.0, 9.0) as usize;
    format!("{value:.decimals$}")
}
