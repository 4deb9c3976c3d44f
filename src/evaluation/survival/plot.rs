//! A picture of a report.

use std::path::Path;

use plotters::prelude::*;

use super::{RiskGroup, SurvivalMetric, SurvivalReport};
use crate::evaluation::EvaluationError;
use crate::evaluation::picture::{
    AXIS_COLOUR, Area, BoxedError, Chart, TITLE_HEIGHT, chart, draw_key, draw_title, write,
};

/// Colours that stay apart in the common forms of colour blindness (Okabe and Ito 2008), the highest risk in the warmest.
const COLOURS: [RGBColor; 4] = [
    RGBColor(213, 94, 0),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 114, 178),
];

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
    draw_groups(&rest, report)?;
    root.present()?;
    Ok(())
}

fn draw_groups(area: &Area<'_>, report: &SurvivalReport) -> Result<(), BoxedError> {
    let groups = &report.risk_groups;
    let last = groups.iter().filter_map(|group| group.points.last());
    let end = last
        .map(|point| point.time)
        .fold(f64::MIN_POSITIVE, f64::max);
    let mut chart = chart(area, (0.0..end, 0.0..1.02), ("time", "share that survives"))?;
    // Bands first, so that no curve lies under one.
    for (group, colour) in groups.iter().zip(COLOURS) {
        chart.draw_series(bands(group, colour))?;
    }
    for (index, (group, colour)) in groups.iter().zip(COLOURS).enumerate() {
        draw_group(&mut chart, (index, groups.len()), (group, colour))?;
    }
    let style = AXIS_COLOUR.stroke_width(2);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    let no_points: [(f64, f64); 0] = [];
    let observed = LineSeries::new(no_points, style);
    chart
        .draw_series(observed)?
        .label("Kaplan-Meier")
        .legend(key);
    let dash = move |(x, y)| {
        let parts = [0, 7, 14].map(|start| [(x + start, y), (x + start + 4, y)]);
        EmptyElement::at((0, 0))
            + PathElement::new(parts[0], style)
            + PathElement::new(parts[1], style)
            + PathElement::new(parts[2], style)
    };
    let predicted = LineSeries::new(no_points, style);
    chart
        .draw_series(predicted)?
        .label("predicted")
        .legend(dash);
    draw_key(&mut chart, SeriesLabelPosition::LowerLeft)
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
    (index, n_groups): (usize, usize),
    (group, colour): (&RiskGroup, RGBColor),
) -> Result<(), BoxedError> {
    let steps = group.points.windows(2).flat_map(|pair| {
        let step = |survival| [(pair[0].time, survival), (pair[1].time, survival)];
        pair[0].observed.map(step).into_iter().flatten()
    });
    let last = group.points.last();
    let end = last.and_then(|point| Some((point.time, point.observed?)));
    let style = colour.stroke_width(2);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    let name = match index {
        0 => "highest risk",
        _ if index + 1 == n_groups => "lowest risk",
        _ => "between",
    };
    let label = format!(
        "{name}: {} customers, {} events",
        group.n_rows, group.n_events
    );
    chart
        .draw_series(LineSeries::new(steps.chain(end), style))?
        .label(label)
        .legend(key);
    let points = group.points.iter();
    let points: Vec<_> = points.map(|point| (point.time, point.predicted)).collect();
    chart.draw_series(DashedLineSeries::new(points, 6, 4, style))?;
    Ok(())
}
