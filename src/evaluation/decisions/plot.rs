//! Pictures of a report.

use std::path::Path;

use plotters::prelude::*;

use super::{DecisionReport, ProfitPoint};
use crate::evaluation::EvaluationError;
use crate::evaluation::picture::{
    AXIS_COLOUR, BEST_COLOUR, BoxedError, MODEL_COLOUR, TITLE_HEIGHT, chart, draw_key, draw_title,
    write,
};

impl DecisionReport {
    /// Draws what contacting more and more customers by the priority of the rule earns, beside what the probabilities promised
    /// and what as many contacts at random earn, as an SVG file; its directory is made if need be. Needs the feature `plot`.
    ///
    /// # Errors
    /// [`EvaluationError::Picture`].
    pub fn write_profit_svg(&self, path: impl AsRef<Path>) -> Result<(), EvaluationError> {
        write("profit curve", path.as_ref(), |svg| draw_profit(svg, self))
    }
}

fn draw_profit(svg: &mut String, report: &DecisionReport) -> Result<(), BoxedError> {
    let root = SVGBackend::with_string(svg, (720, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let (top, rest) = root.split_vertically(TITLE_HEIGHT);
    let value = report.value_per_customer.mean;
    draw_title(
        &top,
        &format!("{}, value per customer {value:.2}", report.model),
    )?;
    let points = &report.profit;
    let last = points
        .last()
        .map_or((1.0, 0.0), |p| (p.n_contacts, p.value));
    let (low, high) = ends(points);
    let room = (high - low) * 0.06;
    let names = ("customers contacted", "value against doing nothing");
    let ranges = (0.0..last.0, low - room..high + room);
    let mut chart = chart(&rest, ranges, names)?;

    let style = AXIS_COLOUR.stroke_width(1);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    let random = DashedLineSeries::new([(0.0, 0.0), last], 5, 4, style);
    chart.draw_series(random)?.label("at random").legend(key);

    let style = BEST_COLOUR.stroke_width(2);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    let line = points.iter().map(|p| (p.n_contacts, p.expected_value));
    let expected = LineSeries::new(line, style);
    chart.draw_series(expected)?.label("expected").legend(key);

    let style = MODEL_COLOUR.stroke_width(2);
    let key = move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style);
    let line = points.iter().map(|p| (p.n_contacts, p.value));
    let realised = LineSeries::new(line, style);
    chart.draw_series(realised)?.label("realised").legend(key);

    // What the rule does lies on the curve, unless it contacts a part of a hundredth.
    let confusion = &report.confusion;
    let n_contacts = confusion.true_positives + confusion.false_positives;
    let n_rows = n_contacts + confusion.false_negatives + confusion.true_negatives;
    let at = (n_contacts, value * n_rows);
    let key = move |(x, y)| Circle::new((x + 9, y), 5, MODEL_COLOUR.filled());
    let chosen = std::iter::once(Circle::new(at, 5, MODEL_COLOUR.filled()));
    chart.draw_series(chosen)?.label("chosen").legend(key);
    // Below the curve, which rises first and falls then.
    draw_key(&mut chart, SeriesLabelPosition::LowerMiddle)?;
    root.present()?;
    Ok(())
}

/// The lowest and the highest value, of which one at least is not the other.
fn ends(points: &[ProfitPoint]) -> (f64, f64) {
    let values = points.iter().flat_map(|p| [p.value, p.expected_value]);
    let (low, high) = values.fold((0.0, 0.0), |(low, high): (f64, f64), value| {
        (low.min(value), high.max(value))
    });
    match low < high {
        true => (low, high),
        false => (0.0, 1.0),
    }
}
