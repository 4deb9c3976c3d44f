//! A picture of a report.

use std::path::Path;

use plotters::prelude::*;

use super::{RiskGroup, SurvivalMetric, SurvivalReport};
use crate::evaluation::EvaluationError;
use crate::evaluation::picture::{
    AXIS_COLOUR, Area, BoxedError, Chart, TITLE_HEIGHT, chart, draw_title, write,
};

/// Colours that stay apart in the common forms of colour blindness (Okabe and Ito 2008), the highest risk in the warmest.
const COLOURS: [RGBColor; 4] = [
    RGBColor(213, 94, 0),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 114, 178),
];

/// Of the key, which stands over the curves: they may be anywhere.
const KEY_HEIGHT: u32 = 46;
const KEY_WIDTH: i32 = 280;

impl SurvivalReport {
    /// Draws the mean predicted survival of each quarter of the customers by risk beside their Kaplan-Meier curve and its bands, as
    /// an SVG file; its directory is made if need be. Needs the feature `plot`.
    ///
    /// # Errors
    /// [`EvaluationError::Picture`].
    pub fn write_survival_svg(&self, path: impl AsRef<Path>) -> Result<(), EvaluationError> {
        write("survival curves", path.as_ref(), |svg| draw(svg, self))
    }
}

fn draw(svg: &mut String, report: &SurvivalReport) -> Result<(), BoxedError> {
    let root = SVGBackend::with_string(svg, (860, 560)).into_drawing_area();
    root.fill(&WHITE)?;
    let (top, rest) = root.split_vertically(TITLE_HEIGHT);
    let concordance = report.value(SurvivalMetric::Concordance);
    let concordance = concordance.map_or_else(String::new, |value| {
        format!(", time-dependent concordance {value:.4}")
    });
    draw_title(&top, &format!("{}{concordance}", report.model))?;
    let (key, rest) = rest.split_vertically(KEY_HEIGHT);
    draw_key(&key, &report.risk_groups)?;
    draw_groups(&rest, &report.risk_groups)?;
    root.present()?;
    Ok(())
}

/// What each colour and each kind of line stands for, two entries above each other.
fn draw_key(area: &Area<'_>, groups: &[RiskGroup]) -> Result<(), BoxedError> {
    let group = |(index, (group, colour)): (usize, (&RiskGroup, RGBColor))| {
        let name = match index {
            0 => "highest risk".to_owned(),
            _ if index + 1 == groups.len() => "lowest risk".to_owned(),
            _ => format!("part {}", index + 1),
        };
        let (n_rows, n_events) = (group.n_rows, group.n_events);
        let text = format!("{name}: {n_rows} customers, {n_events} events");
        (text, colour, false)
    };
    let mut entries: Vec<_> = groups.iter().zip(COLOURS).enumerate().map(group).collect();
    entries.push(("Kaplan-Meier".to_owned(), AXIS_COLOUR, false));
    entries.push(("predicted".to_owned(), AXIS_COLOUR, true));
    let style = ("sans-serif", 14).into_font().color(&AXIS_COLOUR);
    for (index, (text, colour, is_dashed)) in (0..).zip(entries) {
        let (x, y) = (22 + index / 2 * KEY_WIDTH, 10 + index % 2 * 20);
        let dashes = if is_dashed {
            vec![(0, 4), (7, 11), (14, 18)]
        } else {
            vec![(0, 18)]
        };
        for (start, end) in dashes {
            let line = [(x + start, y), (x + end, y)];
            area.draw(&PathElement::new(line, colour.stroke_width(2)))?;
        }
        area.draw(&Text::new(text, (x + 28, y - 6), style.clone()))?;
    }
    Ok(())
}

fn draw_groups(area: &Area<'_>, groups: &[RiskGroup]) -> Result<(), BoxedError> {
    let last = groups.iter().filter_map(|group| group.points.last());
    let end = last
        .map(|point| point.time)
        .fold(f64::MIN_POSITIVE, f64::max);
    let mut chart = chart(area, (0.0..end, 0.0..1.02), ("time", "share that survives"))?;
    // Bands first, so that no curve lies under one.
    for (group, colour) in groups.iter().zip(COLOURS) {
        chart.draw_series(bands(group, colour))?;
    }
    for (group, colour) in groups.iter().zip(COLOURS) {
        draw_group(&mut chart, group, colour)?;
    }
    Ok(())
}

/// Where each step of the Kaplan-Meier curve may lie.
fn bands(group: &RiskGroup, colour: RGBColor) -> impl Iterator<Item = Rectangle<(f64, f64)>> + '_ {
    group.points.windows(2).filter_map(move |pair| {
        let interval = pair[0].interval?;
        let corners = [(pair[0].time, interval.low), (pair[1].time, interval.high)];
        Some(Rectangle::new(corners, colour.mix(0.15).filled()))
    })
}

fn draw_group(
    chart: &mut Chart<'_, '_>,
    group: &RiskGroup,
    colour: RGBColor,
) -> Result<(), BoxedError> {
    let steps = group.points.windows(2).flat_map(|pair| {
        let step = |survival| [(pair[0].time, survival), (pair[1].time, survival)];
        pair[0].observed.map(step).into_iter().flatten()
    });
    let last = group.points.last();
    let end = last.and_then(|point| Some((point.time, point.observed?)));
    let style = colour.stroke_width(2);
    chart.draw_series(LineSeries::new(steps.chain(end), style))?;
    let points = group.points.iter();
    let points: Vec<_> = points.map(|point| (point.time, point.predicted)).collect();
    chart.draw_series(DashedLineSeries::new(points, 6, 4, style))?;
    Ok(())
}
