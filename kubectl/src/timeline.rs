//! A timeline for people: a table, and a plot for the terminal or as SVG.

use std::fmt::Write as _;

use hpa_override_core::{Bound, Instant};
use hpa_override_plan::Point;
use jiff::tz::TimeZone;
use textplots::{Chart, Plot as _, Shape};

use crate::{output::table, situation::what_happens, when};

/// The points as a table.
pub fn as_table(points: &[Point], zone: &TimeZone) -> String {
    let before = std::iter::once(None).chain(points.iter().map(Some));
    let row = |(before, point): (Option<&Point>, &Point)| {
        let happens = what_happens(before, point);
        vec![when::shown(point.at, zone), point.effective.to_string(), point.desired.to_string(), happens]
    };
    table(&["FROM", "BOUNDS", "OWNER", "WHAT HAPPENS"], before.zip(points).map(row).collect())
}

/// The number of a bound at both ends of each step, in hours after the first point.
fn steps(points: &[Point], until: Instant, number: impl Fn(&Point) -> i32) -> Vec<(f32, f32)> {
    let Some(first) = points.first() else { return Vec::new() };
    let ends = points.iter().skip(1).map(|point| point.at).chain([until]);
    let hours = |at: Instant| {
        #[expect(clippy::cast_precision_loss, reason = "a plot of some hundred columns")]
        let seconds = at.since(first.at) as f32;
        seconds / 3600.0
    };
    let step = |(point, end): (&Point, Instant)| {
        #[expect(clippy::cast_precision_loss, reason = "a plot of some hundred rows")]
        let number = number(point) as f32;
        [(hours(point.at), number), (hours(end), number)]
    };
    points.iter().zip(ends).flat_map(step).collect()
}

/// The effective bounds over time, drawn in characters.
pub fn as_plot(points: &[Point], until: Instant) -> String {
    let (min, max) = (
        steps(points, until, |point| point.effective.get(Bound::Min)),
        steps(points, until, |point| point.effective.get(Bound::Max)),
    );
    let end = max.last().map_or(1.0, |(hours, _)| *hours);
    let top = max.iter().map(|(_, number)| *number).fold(1.0, f32::max);
    let mut chart = Chart::new_with_y_range(120, 40, 0.0, end, 0.0, top * 1.1);
    let mut text = String::new();
    let (min, max) = (Shape::Lines(&min), Shape::Lines(&max));
    let chart = chart.lineplot(&min).lineplot(&max);
    chart.axis();
    chart.figures();
    let _ = writeln!(text, "{chart}");
    text
}

/// Width and height of the picture, and its margins, in pixels.
const WIDTH: f32 = 720.0;
const HEIGHT: f32 = 240.0;
const LEFT: f32 = 48.0;
const BOTTOM: f32 = 36.0;

/// The effective bounds over time and what the owner wants, as an SVG picture.
pub fn as_svg(title: &str, points: &[Point], until: Instant) -> String {
    let lines = [
        ("#1f77b4", "max", steps(points, until, |point| point.effective.get(Bound::Max))),
        ("#2ca02c", "min", steps(points, until, |point| point.effective.get(Bound::Min))),
        ("#999999", "owner max", steps(points, until, |point| point.desired.get(Bound::Max))),
        ("#bbbbbb", "owner min", steps(points, until, |point| point.desired.get(Bound::Min))),
    ];
    let numbers = || lines.iter().flat_map(|(_, _, steps)| steps);
    let end = numbers().map(|(hours, _)| *hours).fold(f32::MIN_POSITIVE, f32::max);
    let top = numbers().map(|(_, number)| *number).fold(1.0, f32::max);
    let x = |hours: f32| LEFT + hours / end * (WIDTH - LEFT - 12.0);
    let y = |number: f32| HEIGHT - BOTTOM - number / top * (HEIGHT - BOTTOM - 28.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"16\" font-size=\"13\">{title}</text>\n",
        title = escaped(title)
    );
    for number in [0.0, top] {
        let at = y(number);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{number}</text>", LEFT - 6.0, at + 4.0);
        let _ = writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{}\" stroke=\"#dddddd\"/>", WIDTH - 12.0);
    }
    let ends = points.first().map(|point| (point.at, LEFT, "start")).into_iter().chain([(until, WIDTH - 12.0, "end")]);
    for (at, x, anchor) in ends {
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{at}</text>", HEIGHT - BOTTOM + 16.0);
    }
    for (number, (colour, name, steps)) in lines.iter().enumerate().rev() {
        let path: Vec<String> =
            steps.iter().map(|(hours, number)| format!("{:.1} {:.1}", x(*hours), y(*number))).collect();
        let dashes = if number > 1 { " stroke-dasharray=\"4 3\"" } else { "" };
        let _ = writeln!(
            svg,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}><title>{name}</title></path>",
            path.join("L")
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
