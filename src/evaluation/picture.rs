//! What the pictures of all reports share: colours, axes, keys, and how a file is written.

use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::EvaluationError;

pub(super) type BoxedError = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Chart<'a, 'b> =
    ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Range = std::ops::Range<f64>;

/// Blue and orange that stay apart in the common forms of colour blindness (Okabe and Ito 2008), as in the learning curve.
pub(super) const MODEL_COLOUR: RGBColor = RGBColor(0, 114, 178);
pub(super) const BEST_COLOUR: RGBColor = RGBColor(213, 94, 0);
pub(super) const AXIS_COLOUR: RGBColor = RGBColor(90, 90, 90);
const FAINT: RGBColor = RGBColor(225, 225, 225);
pub(super) const TITLE_HEIGHT: u32 = 34;
const TITLE_SIZE: u32 = 16;

/// Draws into a file; its directory is made if need be.
pub(super) fn write(
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

pub(super) fn draw_title(area: &Area<'_>, title: &str) -> Result<(), BoxedError> {
    let style = ("sans-serif", TITLE_SIZE).into_font().color(&AXIS_COLOUR);
    area.draw(&Text::new(title.to_owned(), (14, 12), style))?;
    Ok(())
}

/// Axes with a mesh.
pub(super) fn chart<'a, 'b>(
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

pub(super) fn draw_key<'a: 'b, 'b>(
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
