//! Bars as SVG, readable on light and dark: the colours follow the reader's scheme, and the ground is theirs.

use std::fmt::Write as _;

use super::figures::Spread;

const WIDTH: f64 = 720.0;
/// Where the bars begin, and how long the longest is.
const LEFT: f64 = 150.0;
const LENGTH: f64 = 400.0;
const BAR: f64 = 18.0;
const STEP: f64 = 27.0;
const HEAD: f64 = 34.0;
const GAP: f64 = 18.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#24292f}\
.title{font-weight:600}.value{font-variant-numeric:tabular-nums}\
.bar{fill:#8c959f}.ours{fill:#0969da}.whisker{stroke:#24292f;stroke-width:1.2;fill:none}.axis{stroke:#8c959f}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#6e7681}.ours{fill:#4493f8}.whisker{stroke:#e6edf3}}";

/// One panel: a title with its unit, and a bar for each program.
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What is put after the values.
    pub(crate) unit: &'static str,
    /// Lengths are by powers of ten.
    pub(crate) logarithmic: bool,
    pub(crate) bars: Vec<Bar>,
}

pub(crate) struct Bar {
    pub(crate) name: &'static str,
    pub(crate) is_ours: bool,
    pub(crate) spread: Spread,
}

/// The panels, one below the other.
pub(crate) fn svg(panels: &[Panel]) -> String {
    let height: f64 = panels.iter().map(|panel| panel.height() + GAP).sum();
    let label = panels.iter().map(|panel| panel.title.as_str()).collect::<Vec<_>>().join("; ");
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{label}\">\n<style>{STYLE}</style>\n"
    );
    let mut top = 0.0;
    for panel in panels {
        panel.draw(&mut svg, top);
        top += panel.height() + GAP;
    }
    svg.push_str("</svg>\n");
    svg
}

impl Panel {
    fn height(&self) -> f64 {
        self.bars.iter().fold(HEAD, |height, _| height + STEP)
    }

    fn draw(&self, svg: &mut String, top: f64) {
        let note = if self.logarithmic { " (each step of the scale is ten times the last)" } else { "" };
        let _ = writeln!(svg, "<text class=\"title\" x=\"8\" y=\"{}\">{}{note}</text>", top + 20.0, self.title);
        let most = self.bars.iter().map(|bar| bar.spread.most).fold(f64::MIN_POSITIVE, f64::max);
        let least = self.bars.iter().map(|bar| bar.spread.least).fold(most, f64::min).max(most * 1e-6);
        // A logarithmic scale begins at the power of ten below the least.
        let from = 10_f64.powf(least.log10().floor());
        let at = |value: f64| {
            let share =
                if self.logarithmic { (value.max(from) / from).log10() / (most / from).log10() } else { value / most };
            LEFT + LENGTH * share
        };
        let mut y = top + HEAD;
        let bottom = top + self.height() - (STEP - BAR) + 4.0;
        let mut tick = from;
        while self.logarithmic && tick <= most {
            let _ = writeln!(
                svg,
                "<path class=\"axis\" stroke-dasharray=\"2 3\" d=\"M{0:.1} {y}V{bottom:.1}\"/>",
                at(tick)
            );
            tick *= 10.0;
        }
        let _ = writeln!(svg, "<path class=\"axis\" d=\"M{LEFT} {y}V{bottom:.1}\"/>");
        for bar in &self.bars {
            let Spread { least, median, most } = bar.spread;
            let middle = y + BAR / 2.0;
            let class = if bar.is_ours { "bar ours" } else { "bar" };
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
                 <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>",
                LEFT - 8.0,
                middle + 4.5,
                bar.name,
                (at(median) - LEFT).max(1.0),
            );
            let (low, high) = (at(least), at(most));
            let _ = write!(
                svg,
                "<path class=\"whisker\" d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} {0:.1}v6M{high:.1} {0:.1}v6\"/>",
                middle - 3.0,
            );
            let (x, y_text) = (high.max(at(median)) + 8.0, middle + 4.5);
            let value = number(median);
            let _ = writeln!(svg, "<text class=\"value\" x=\"{x:.1}\" y=\"{y_text:.1}\">{value} {}</text>", self.unit);
            y += STEP;
        }
    }
}

/// Three digits that count.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 10_000.0 => {
            let text = format!("{value:.0}");
            let (front, back) = text.split_at(text.len() - 3);
            format!("{front},{back}")
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.2}"),
    }
}
