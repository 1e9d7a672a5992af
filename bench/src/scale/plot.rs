//! Plots as SVG: dots on a scale of powers of ten, and bars. Sizes are in pixels; colours hold on light and on dark pages.

use std::fmt::Write as _;

/// A drawing, from the top left corner.
pub(crate) struct Plot {
    width: f64,
    height: f64,
    body: String,
}

/// How a text stands to its point.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line, by its ends.
pub(crate) struct Line {
    pub(crate) from: (f64, f64),
    pub(crate) to: (f64, f64),
    pub(crate) width: f64,
}

pub(crate) const INK: &str = "#1f2933";
pub(crate) const FAINT: &str = "#d5dbe1";
pub(crate) const QUIET: &str = "#5f6c7b";
/// From light to dark, for sizes that grow.
pub(crate) const SHADES: [&str; 3] = ["#9ecae1", "#4292c6", "#08519c"];
/// For things that are not of one kind.
pub(crate) const KINDS: [&str; 2] = ["#2b7a5b", "#c77d2e"];

impl Plot {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(crate) fn text(&mut self, at: (f64, f64), anchor: Anchor, (colour, size): (&str, f64), text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let (x, y) = at;
        let _ = writeln!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{text}</text>"#
        );
    }

    pub(crate) fn line(&mut self, line: &Line, colour: &str) {
        let Line { from, to, width } = line;
        let _ = writeln!(
            self.body,
            r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{colour}" stroke-width="{width}"/>"#,
            from.0, from.1, to.0, to.1
        );
    }

    pub(crate) fn dot(&mut self, at: (f64, f64), radius: f64, colour: &str) {
        let _ = writeln!(self.body, r#"<circle cx="{:.1}" cy="{:.1}" r="{radius}" fill="{colour}"/>"#, at.0, at.1);
    }

    /// A box, by its corner and how wide and high it is.
    pub(crate) fn bar(&mut self, at: (f64, f64), size: (f64, f64), colour: &str) {
        let _ = writeln!(
            self.body,
            r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" rx="2" fill="{colour}"/>"#,
            at.0, at.1, size.0, size.1
        );
    }

    /// The file, with a title for those who do not see it.
    pub(crate) fn finish(self, title: &str) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\">\n\
             <title>{title}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n"
        )
    }
}
