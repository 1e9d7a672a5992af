//! Bars for programs, with the least and the most of their turns.

use super::figures::Spread;
use crate::plot::{Anchor, FAINT, INK, Line, OURS, Plot, THEIRS};

const WIDTH: f64 = 720.0;
/// Where the bars begin, and how long the longest is.
const LEFT: f64 = 150.0;
const LENGTH: f64 = 400.0;
const BAR: f64 = 18.0;
const STEP: f64 = 27.0;
const HEAD: f64 = 34.0;
const GAP: f64 = 18.0;
const TEXT: f64 = 13.0;

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
    let mut plot = Plot::new(WIDTH, panels.iter().map(|panel| panel.height() + GAP).sum());
    let mut top = 0.0;
    for panel in panels {
        panel.draw(&mut plot, top);
        top += panel.height() + GAP;
    }
    plot.finish(&panels.iter().map(|panel| panel.title.as_str()).collect::<Vec<_>>().join("; "))
}

impl Panel {
    fn height(&self) -> f64 {
        self.bars.iter().fold(HEAD, |height, _| height + STEP)
    }

    fn draw(&self, plot: &mut Plot, top: f64) {
        let note = if self.logarithmic { " (each step of the scale is ten times the last)" } else { "" };
        plot.text((8.0, top + 20.0), Anchor::Start, (INK, 15.0), &format!("{}{note}", self.title));
        let most = self.bars.iter().map(|bar| bar.spread.most).fold(f64::MIN_POSITIVE, f64::max);
        let least = self.bars.iter().map(|bar| bar.spread.least).fold(most, f64::min).max(most * 1e-6);
        // A logarithmic scale begins at the power of ten below the least.
        let from = 10_f64.powf(least.log10().floor());
        let at = |value: f64| {
            let share =
                if self.logarithmic { (value.max(from) / from).log10() / (most / from).log10() } else { value / most };
            LEFT + LENGTH * share
        };
        let (mut y, bottom) = (top + HEAD, top + self.height() - (STEP - BAR) + 4.0);
        let mut upright = |x: f64| plot.line(&Line { from: (x, y), to: (x, bottom), width: 1.0 }, FAINT);
        upright(LEFT);
        let mut tick = from;
        while self.logarithmic && tick <= most {
            upright(at(tick));
            tick *= 10.0;
        }
        for bar in &self.bars {
            bar.draw(plot, (y, self.unit), at);
            y += STEP;
        }
    }
}

impl Bar {
    fn draw(&self, plot: &mut Plot, (top, unit): (f64, &str), at: impl Fn(f64) -> f64) {
        let Spread { least, median, most } = self.spread;
        let (middle, text) = (top + BAR / 2.0, top + BAR / 2.0 + 4.5);
        plot.text((LEFT - 8.0, text), Anchor::End, (INK, TEXT), self.name);
        let colour = if self.is_ours { OURS } else { THEIRS };
        plot.bar((LEFT, top), ((at(median) - LEFT).max(1.0), BAR), colour);
        let (low, high) = (at(least), at(most));
        for (from, to) in [((low, 0.0), (high, 0.0)), ((low, -3.0), (low, 3.0)), ((high, -3.0), (high, 3.0))] {
            plot.line(&Line { from: (from.0, middle + from.1), to: (to.0, middle + to.1), width: 1.2 }, INK);
        }
        let value = format!("{} {unit}", number(median));
        plot.text((high.max(at(median)) + 8.0, text), Anchor::Start, (INK, TEXT), &value);
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
