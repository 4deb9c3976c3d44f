//! Pictures of a report.

use std::path::Path;

use plotters::prelude::*;

use super::{ClassificationMetric, ClassificationReport};
use crate::evaluation::EvaluationError;
use crate::evaluation::picture::{
    AXIS_COLOUR, Area, BEST_COLOUR, BoxedError, MODEL_COLOUR, TITLE_HEIGHT, chart, draw_key,
    draw_title, write,
};

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
