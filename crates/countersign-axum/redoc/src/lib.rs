//! The script of ReDoc 2, cut out of the page that aide makes of it, and rid of its one request to another host.

#![forbid(unsafe_code)]

use std::fmt;

/// What ReDoc 2 loads from another host: a logo, which it leaves away when it cannot be loaded.
const LOGO: &str = "https://cdn.redoc.ly/redoc/logo-mini.svg";

/// The page of aide is not what it was.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownPage {
    /// There is no script in it, or nothing that starts it.
    NoScript,
    /// It carries another ReDoc than version 2. Version 3 sends telemetry.
    NotVersion2,
    /// ReDoc loads its logo from somewhere else, or something besides.
    NoLogo,
}

impl fmt::Display for UnknownPage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoScript => "aide's page of ReDoc holds no script that can be cut out",
            Self::NotVersion2 => "aide's page holds another ReDoc than version 2",
            Self::NoLogo => "ReDoc's logo is not where it was",
        })
    }
}

impl std::error::Error for UnknownPage {}

/// The script: it defines `Redoc`, starts nothing, and loads nothing from another host.
pub fn script() -> Result<String, UnknownPage> {
    cut_out(&aide::redoc::Redoc::new("").html())
}

fn cut_out(page: &str) -> Result<String, UnknownPage> {
    let (_, script) = page.split_once("<script>").ok_or(UnknownPage::NoScript)?;
    let (script, _) = script.rsplit_once("Redoc.init(").ok_or(UnknownPage::NoScript)?;
    if !script.contains("\" ReDoc Version: \",\"2.") {
        return Err(UnknownPage::NotVersion2);
    }
    if script.matches(LOGO).count() != 1 || script.matches("cdn.redoc.ly").count() != 1 {
        return Err(UnknownPage::NoLogo);
    }
    // An image that holds nothing fails without a request.
    Ok(script.trim().replace(LOGO, "data:,"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_whole_and_starts_nothing() {
        let script = script().expect("aide's page as it is known");
        assert!(script.starts_with("/*!"));
        assert!(!script.contains("<html"));
        assert!(!script.contains("redoc-container"));
        assert!(!script.contains(LOGO));
        assert!(script.len() > 900_000);
    }

    #[test]
    fn another_page_stops_the_build() {
        let page = |script: &str| format!("<html><script>{script} Redoc.init(\"\")</script>");
        let good = format!("\" ReDoc Version: \",\"2.0.0\" \"{LOGO}\"");
        assert!(cut_out(&page(&good)).is_ok());
        assert_eq!(cut_out("<html>"), Err(UnknownPage::NoScript));
        assert_eq!(cut_out(&page(&good.replace("2.0.0", "3.0.0"))), Err(UnknownPage::NotVersion2));
        assert_eq!(cut_out(&page(&good.replace("cdn.", "other."))), Err(UnknownPage::NoLogo));
        assert_eq!(cut_out(&page(&format!("{good} \"https://cdn.redoc.ly/x\""))), Err(UnknownPage::NoLogo));
    }
}
