//! Plots as SVG, readable on light and dark: the colours follow the reader's scheme, and the ground is theirs. Sizes are in pixels.

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

/// A colour, by what it is for.
#[derive(Clone, Copy)]
pub(crate) struct Colour(&'static str);

/// What is read first, second, and hardly at all.
pub(crate) const INK: Colour = Colour("ink");
pub(crate) const QUIET: Colour = Colour("quiet");
pub(crate) const FAINT: Colour = Colour("faint");
/// From weak to strong, for sizes that grow.
pub(crate) const SHADES: [Colour; 3] = [Colour("weak"), Colour("middling"), Colour("strong")];
/// For things that are not of one kind.
pub(crate) const KINDS: [Colour; 2] = [Colour("one"), Colour("other")];
/// What the plot is about, and what that is held against.
pub(crate) const OURS: Colour = Colour("ours");
pub(crate) const THEIRS: Colour = Colour("theirs");

const STYLE: &str = "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-variant-numeric:tabular-nums}\
text,rect,circle{fill:currentColor}line{stroke:currentColor}\
.ink{color:#24292f}.quiet{color:#57606a}.faint{color:#d0d7de}\
.weak{color:#9ecae1}.middling{color:#4292c6}.strong{color:#08519c}.one{color:#2b7a5b}.other{color:#c77d2e}\
.ours{color:#0969da}.theirs{color:#8c959f}\
@media(prefers-color-scheme:dark){.ink{color:#e6edf3}.quiet{color:#9198a1}.faint{color:#3d444d}\
.weak{color:#2a5d8f}.middling{color:#4c9bd6}.strong{color:#c6e2f7}.one{color:#4bb58c}.other{color:#e0a15c}\
.ours{color:#4493f8}.theirs{color:#6e7681}}";

impl Plot {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(crate) fn text(&mut self, at: (f64, f64), anchor: Anchor, (colour, size): (Colour, f64), text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (text, (x, y)) = (escaped(text), at);
        let _ = writeln!(
            self.body,
            r#"<text class="{}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}">{text}</text>"#,
            colour.0
        );
    }

    pub(crate) fn line(&mut self, line: &Line, colour: Colour) {
        let Line { from, to, width } = line;
        let _ = writeln!(
            self.body,
            r#"<line class="{}" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke-width="{width}"/>"#,
            colour.0, from.0, from.1, to.0, to.1
        );
    }

    pub(crate) fn dot(&mut self, at: (f64, f64), radius: f64, colour: Colour) {
        let _ = writeln!(self.body, r#"<circle class="{}" cx="{:.1}" cy="{:.1}" r="{radius}"/>"#, colour.0, at.0, at.1);
    }

    /// A box, by its corner and how wide and high it is.
    pub(crate) fn bar(&mut self, at: (f64, f64), size: (f64, f64), colour: Colour) {
        let _ = writeln!(
            self.body,
            r#"<rect class="{}" x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" rx="2"/>"#,
            colour.0, at.0, at.1, size.0, size.1
        );
    }

    /// The file, with a title for those who do not see it.
    pub(crate) fn finish(self, title: &str) -> String {
        let Self { width, height, body } = self;
        let title = escaped(title);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n{body}</svg>\n"
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
