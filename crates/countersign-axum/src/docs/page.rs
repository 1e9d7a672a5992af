//! Our own small pages around the scripts.

use std::fmt::Write as _;

use crate::docs::asset::Asset;

/// A page with an empty element that a script fills.
pub(crate) struct Page<'p> {
    /// Its title, not yet escaped.
    pub(crate) title: &'p str,
    /// Where the assets are, seen from the page: empty, or with a slash at the end.
    pub(crate) assets: &'p str,
    pub(crate) styles: &'p [Asset],
    /// The id of the element that the scripts fill.
    pub(crate) element: &'p str,
    pub(crate) scripts: &'p [Asset],
    /// The content security policy.
    pub(crate) policy: String,
}

impl Page<'_> {
    /// The page. All addresses in it are relative, so that it works behind a path prefix.
    pub(crate) fn html(&self) -> String {
        let Self { assets, element, .. } = self;
        let mut html = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.push_str("<link rel=\"icon\" href=\"data:,\">\n");
        // Writing to a String cannot fail.
        let _ = writeln!(html, "<title>{}</title>", escape(self.title));
        for style in self.styles {
            let _ = writeln!(html, "<link rel=\"stylesheet\" href=\"{assets}{}\">", style.name);
        }
        let _ = writeln!(html, "</head>\n<body>\n<div id=\"{element}\"></div>");
        html.push_str("<noscript>This page needs JavaScript. The document itself is openapi.json.</noscript>\n");
        for script in self.scripts {
            let _ = writeln!(html, "<script src=\"{assets}{}\"></script>", script.name);
        }
        html.push_str("</body>\n</html>\n");
        html
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_leave_its_element() {
        assert_eq!(escape("A & B</title><script>"), "A &amp; B&lt;/title&gt;&lt;script&gt;");
    }
}
