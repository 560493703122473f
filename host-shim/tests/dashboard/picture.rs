//! Panels as an SVG, each where the dashboard has it: a number, or lines over time. Axes and colours are not Grafana's.

use std::fmt::Write as _;

use serde_json::Value;

use super::prometheus::Series;

/// Of one cell of the dashboard's grid, which has 24 columns.
const WIDTH: f64 = 60.0;
const HEIGHT: f64 = 30.0;
const COLOURS: [&str; 6] = ["#3274d9", "#e0752d", "#299c46", "#a352cc", "#d44a3a", "#7c7c7c"];

pub fn draw(panels: &[(&Value, Vec<Series>)]) -> String {
    let rows = panels.iter().map(|(panel, _)| place(panel)).map(|[_, y, _, h]| y + h).fold(0.0, f64::max);
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{}' height='{rows}' font-family='sans-serif' font-size='12'>\
         <rect width='100%' height='100%' fill='#f4f5f5'/>",
        24.0 * WIDTH
    );
    for (panel, series) in panels {
        let [x, y, width, height] = place(panel);
        let title = panel["title"].as_str().unwrap_or_default();
        write!(
            svg,
            "<svg x='{x}' y='{y}' width='{width}' height='{height}'><rect x='2' y='2' width='{}' height='{}' fill='white' \
             stroke='#ccc'/><text x='10' y='18' font-weight='bold'>{}</text>",
            width - 4.0,
            height - 4.0,
            escaped(title)
        )
        .unwrap();
        match (panel["type"].as_str(), series.first().and_then(|first| first.points.last())) {
            (Some("row"), _) => {}
            (_, None) => svg.push_str("<text x='10' y='40' fill='#999'>no data</text>"),
            (Some("stat"), Some((_, value))) => {
                write!(svg, "<text x='10' y='60' font-size='28'>{value:.2}</text>").unwrap();
            }
            _ => lines(&mut svg, series, width, height),
        }
        svg.push_str("</svg>");
    }
    svg.push_str("</svg>\n");
    svg
}

/// Left, top, width, height.
fn place(panel: &Value) -> [f64; 4] {
    let part = |key: &str, unit: f64| panel["gridPos"][key].as_f64().unwrap_or_default() * unit;
    [part("x", WIDTH), part("y", HEIGHT), part("w", WIDTH), part("h", HEIGHT)]
}

fn lines(svg: &mut String, series: &[Series], width: f64, height: f64) {
    let points = || series.iter().flat_map(|series| &series.points);
    let (from, to) = points().fold((f64::MAX, f64::MIN), |(from, to), (at, _)| (from.min(*at), to.max(*at)));
    let highest = points().map(|(_, value)| *value).fold(0.0, f64::max);
    let bottom = height - 20.0 - 12.0 * f64::from(u32::try_from(series.len()).unwrap());
    let (across, up) = ((width - 20.0) / (to - from).max(1.0), (bottom - 40.0) / highest.max(f64::MIN_POSITIVE));
    write!(svg, "<text x='10' y='34' fill='#999'>{highest:.4}</text>").unwrap();
    let mut legend = bottom + 14.0;
    for (series, colour) in series.iter().zip(COLOURS.iter().cycle()) {
        let path: Vec<_> = series
            .points
            .iter()
            .map(|(at, value)| format!("{:.1},{:.1}", 10.0 + (at - from) * across, bottom - value * up))
            .collect();
        let last = series.points.last().map_or(0.0, |(_, value)| *value);
        write!(
            svg,
            "<polyline fill='none' stroke='{colour}' points='{}'/><text x='10' y='{legend}' font-size='10' \
             fill='{colour}'>{} {last:.4}</text>",
            path.join(" "),
            escaped(&series.labels)
        )
        .unwrap();
        legend += 12.0;
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
