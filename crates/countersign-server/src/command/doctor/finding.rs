//! What was found, how bad it is, and what to do.

use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// As it should be.
    Good,
    /// It works, and may not for long, or not for everybody.
    Warning,
    /// It does not work, or is not safe.
    Wrong,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }
}

struct Finding {
    level: Level,
    /// What was looked at, in a word or two.
    what: &'static str,
    found: String,
    /// What to do, if anything.
    remedy: Option<String>,
}

/// Everything that was found, in the order in which it was looked at.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn good(&mut self, what: &'static str, found: impl Into<String>) {
        self.0.push(Finding { level: Level::Good, what, found: found.into(), remedy: None });
    }

    pub(super) fn warn(&mut self, what: &'static str, found: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { level: Level::Warning, what, found: found.into(), remedy: Some(remedy.into()) });
    }

    pub(super) fn wrong(&mut self, what: &'static str, found: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { level: Level::Wrong, what, found: found.into(), remedy: Some(remedy.into()) });
    }

    /// Whether something about this was found to be wrong.
    pub(super) fn is_wrong(&self, what: &str) -> bool {
        self.0.iter().any(|finding| finding.what == what && finding.level == Level::Wrong)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let finding = |finding: &Finding| {
            json!({
                "level": finding.level.name(),
                "check": finding.what,
                "found": finding.found,
                "remedy": finding.remedy,
            })
        };
        self.0.iter().map(finding).collect()
    }

    /// For people: a line for each, and below it what to do.
    pub(super) fn text(&self) -> String {
        let width = self.0.iter().map(|finding| finding.what.len()).max().unwrap_or_default();
        let line = |finding: &Finding| {
            let remedy = finding.remedy.as_ref().map(|remedy| format!("{:indent$}{remedy}\n", "", indent = width + 11));
            let (level, what, found) = (finding.level.name(), finding.what, &finding.found);
            format!("{level:7}  {what:width$}  {found}\n{}", remedy.unwrap_or_default())
        };
        self.0.iter().map(line).collect()
    }

    /// What was found of this, for tests.
    #[cfg(test)]
    pub(super) fn of(&self, what: &str) -> Vec<(Level, &str)> {
        let those = self.0.iter().filter(|finding| finding.what == what);
        those.map(|finding| (finding.level, finding.found.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_stands_below_what_was_found() {
        let mut findings = Findings::default();
        findings.good("clock", "goes right");
        findings.wrong("sealing key", "is gone", "restore it");
        assert_eq!(
            findings.text(),
            "good     clock        goes right\nwrong    sealing key  is gone\n                      restore it\n"
        );
        assert_eq!((findings.len(), findings.count(Level::Wrong)), (2, 1));
        assert_eq!(findings.to_json()[1]["remedy"], "restore it");
    }
}
