//! A picture of segments.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use rand::seq::SliceRandom;

use super::error::SegmentError;
use super::principal::{Principal, principal};
use super::report::{SegmentReport, SegmentSummary};
use super::segmentation::Segmentation;
use crate::Error;
use crate::evaluation::EvaluationError;
use crate::random::{RandomKey, Stream};

type BoxedError = Box<dyn std::error::Error + Send + Sync>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Colours that stay apart in the common forms of colour blindness (Okabe and Ito 2008), brown in the place of their yellow,
/// which is too pale for a point on white.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(40, 40, 40),
    RGBColor(230, 159, 0),
    RGBColor(122, 72, 22),
];
const AXIS_COLOUR: RGBColor = RGBColor(90, 90, 90);
const TEXT_COLOUR: RGBColor = RGBColor(40, 40, 40);
const FAINT: RGBColor = RGBColor(225, 225, 225);
const WIDTH: u32 = 1000;
const SCATTER_WIDTH: i32 = 660;
const TITLE_HEIGHT: u32 = 34;
const PANELS_HEIGHT: u32 = 470;
const LINE_HEIGHT: u32 = 23;
/// Customers drawn at most; more hide each other.
const MOST_POINTS: usize = 3000;
/// Letters that a name in the key has room for.
const NAME_LENGTH: usize = 78;

impl Segmentation {
    /// Draws customers on the first two principal components of their embeddings, coloured by segment, beside the silhouette of each
    /// number of segments, as an SVG file; its directory is made if need be. Needs the feature `plot`.
    ///
    /// At most 3000 customers are drawn, chosen at random by the seed of the settings.
    ///
    /// # Shapes
    /// - `embeddings`: `[n_rows, width]`, those of the report
    ///
    /// # Errors
    /// [`Error::Segment`] for embeddings of other customers than those of the report, and as [`assign`](Self::assign);
    /// [`Error::Evaluation`] if the picture cannot be drawn or written.
    pub fn write_svg(
        &self,
        embeddings: &[f32],
        report: &SegmentReport,
        path: impl AsRef<Path>,
    ) -> Result<(), Error> {
        let path = path.as_ref();
        let segments = self.assign(embeddings)?;
        same_customers(&segments, report)?;
        let drawn = || {
            let rows = embeddings.chunks_exact(self.width());
            let rows: Vec<f64> = rows.flat_map(|row| self.standard.apply(row)).collect();
            let Some(principal) = principal(&rows, self.width()) else {
                return Err("the principal components do not converge".into());
            };
            let mut svg = String::new();
            draw(&mut svg, self, &principal, &segments, report)?;
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            Ok(fs::write(path, svg)?)
        };
        drawn().map_err(|source: BoxedError| {
            let (picture, path) = ("picture of segments", path.to_owned());
            EvaluationError::Picture {
                picture,
                path,
                source,
            }
            .into()
        })
    }
}

fn same_customers(segments: &[usize], report: &SegmentReport) -> Result<(), SegmentError> {
    let reported = report.segments.iter();
    let reported = reported
        .map(|found| (found.segment, found.n_rows))
        .collect();
    let mut found = BTreeMap::new();
    for &segment in segments {
        *found.entry(segment).or_default() += 1;
    }
    match found == reported {
        true => Ok(()),
        false => Err(SegmentError::OtherCustomers { reported, found }),
    }
}

fn draw(
    svg: &mut String,
    segmentation: &Segmentation,
    principal: &Principal,
    segments: &[usize],
    report: &SegmentReport,
) -> Result<(), BoxedError> {
    let n_lines = report.segments.len() as u32;
    let height = TITLE_HEIGHT + PANELS_HEIGHT + LINE_HEIGHT * n_lines + 20;
    let root = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let (top, rest) = root.split_vertically(TITLE_HEIGHT);
    let shown = shown(segments.len(), segmentation);
    let title = title(report, shown.len());
    top.draw(&Text::new(title, (14, 12), font(16, AXIS_COLOUR)))?;
    let (panels, key) = rest.split_vertically(PANELS_HEIGHT);
    let (left, right) = panels.split_horizontally(SCATTER_WIDTH);
    draw_customers(&left, principal, segments, &shown)?;
    draw_silhouettes(&right, segmentation)?;
    draw_key(&key, &report.segments)?;
    root.present()?;
    Ok(())
}

fn title(report: &SegmentReport, n_shown: usize) -> String {
    let (n_rows, rate) = (report.n_rows, report.churn_rate);
    let shown = match n_shown == n_rows {
        true => String::new(),
        false => format!(" ({n_shown} of them drawn)"),
    };
    let n_segments = report.segments.len();
    format!("{n_rows} customers{shown} in {n_segments} segments, churn rate {rate:.3}")
}

/// The rows that are drawn, in random order, so that no segment lies on top.
fn shown(n_rows: usize, segmentation: &Segmentation) -> Vec<usize> {
    let key = RandomKey::new(segmentation.settings.seed).stream(Stream::Segments);
    let mut rows: Vec<usize> = (0..n_rows).collect();
    rows.shuffle(&mut key.child(2).generator());
    rows.truncate(MOST_POINTS);
    rows
}

fn draw_customers(
    area: &Area<'_>,
    principal: &Principal,
    segments: &[usize],
    shown: &[usize],
) -> Result<(), BoxedError> {
    let range = |of: fn(&(f64, f64)) -> f64| {
        let values = shown.iter().map(|&row| of(&principal.points[row]));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        // Points on one spot have room, too.
        let room = if high > low { (high - low) * 0.04 } else { 1.0 };
        low - room..high + room
    };
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(46)
        .y_label_area_size(64)
        .build_cartesian_2d(range(|point| point.0), range(|point| point.1))?;
    let name = |which, share: f64| format!("{which} principal component ({:.0} %)", share * 100.0);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(AXIS_COLOUR)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .x_labels(6)
        .y_labels(6)
        .x_desc(name("first", principal.shares.0))
        .y_desc(name("second", principal.shares.1))
        .draw()?;
    // Fewer points are larger.
    let size = if shown.len() > 800 { 2 } else { 3 };
    chart.draw_series(
        shown
            .iter()
            .map(|&row| mark(principal.points[row], segments[row], size, 0.7)),
    )?;
    Ok(())
}

/// Circles for the first eight segments, triangles for the next, crosses for all others.
fn mark<'a, C: Clone + 'static>(
    at: C,
    segment: usize,
    size: i32,
    opacity: f64,
) -> DynElement<'static, SVGBackend<'a>, C> {
    let style = COLOURS[segment % COLOURS.len()].mix(opacity);
    match segment / COLOURS.len() {
        0 => Circle::new(at, size, style.filled()).into_dyn(),
        1 => TriangleMarker::new(at, size + 1, style.filled()).into_dyn(),
        _ => Cross::new(at, size, style.stroke_width(1)).into_dyn(),
    }
}

fn draw_silhouettes(area: &Area<'_>, segmentation: &Segmentation) -> Result<(), BoxedError> {
    let found = segmentation.silhouettes();
    let values = || found.iter().map(|found| found.silhouette);
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let room = (high - low).max(1e-3) * 0.1;
    let low = if low < 0.0 { low - room } else { 0.0 };
    let (first, last) = (
        segmentation.settings.k.start(),
        segmentation.settings.k.end(),
    );
    let ks = *first as f64 - 0.6..*last as f64 + 0.6;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(46)
        .y_label_area_size(58)
        .build_cartesian_2d(ks, low..high + room)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(AXIS_COLOUR)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .x_labels(0)
        .y_labels(6)
        .y_label_formatter(&|value| format!("{value:.2}"))
        .x_desc("number of segments")
        .y_desc("mean silhouette")
        .draw()?;
    chart.draw_series(found.iter().map(|found| {
        let k = found.k as f64;
        let taken = found.k == segmentation.k();
        let colour = if taken {
            COLOURS[0]
        } else {
            RGBColor(170, 190, 205)
        };
        Rectangle::new(
            [(k - 0.38, 0.0), (k + 0.38, found.silhouette)],
            colour.filled(),
        )
    }))?;
    // The axis itself would have labels between whole numbers.
    let below = font(13, BLACK).pos(Pos::new(HPos::Center, VPos::Top));
    chart.draw_series(found.iter().map(|found| {
        let label = Text::new(found.k.to_string(), (0, 5), below.clone());
        EmptyElement::at((found.k as f64, low)) + label
    }))?;
    Ok(())
}

fn draw_key(area: &Area<'_>, segments: &[SegmentSummary]) -> Result<(), BoxedError> {
    for (line, found) in (0..).zip(segments) {
        let y = 10 + LINE_HEIGHT as i32 * line;
        area.draw(&mark((24, y), found.segment, 6, 1.0))?;
        let mut name: String = found.name.chars().take(NAME_LENGTH).collect();
        if name.len() < found.name.len() {
            name.push('…');
        }
        let (n_rows, rate) = (found.n_rows, found.churn_rate);
        let text = format!(
            "{}: {name}; {n_rows} customers, churn rate {rate:.3}",
            found.segment
        );
        area.draw(&Text::new(text, (40, y - 7), font(15, TEXT_COLOUR)))?;
    }
    Ok(())
}

fn font(size: u32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour)
}
