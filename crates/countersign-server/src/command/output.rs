//! What commands print: aligned tables for people, JSON for programs.

use std::io::{self, Write};

use serde_json::Value;

use crate::failure::Failure;

/// Prints to standard output. A reader that has seen enough is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::work(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a JSON value over several lines.
pub(super) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value:#}\n"))
}

/// Rows under a line of titles, in aligned columns. What would disturb them, or the terminal, is shown by its number: a name holds none of it,
/// what somebody's environment says may.
pub(super) fn table<const N: usize>(titles: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| harmless(cell))).collect();
    let mut widths = titles.map(|title| title.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let rows = rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
    std::iter::once(line(titles)).chain(rows).collect()
}

fn harmless(text: &str) -> String {
    let is_bad = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let show = |c: char| if is_bad(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}

/// A time of the store as text (RFC 3339, UTC).
pub(super) fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// The same of milliseconds.
pub(super) fn time_ms(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["ada", "x"].map(str::to_owned), ["grace-ü", ""].map(str::to_owned)];
        assert_eq!(table(["NAME", "STATE"], &rows), "NAME     STATE\nada      x\ngrace-ü\n");
        assert_eq!(table(["NAME"], &[]), "NAME\n");
    }

    // R-177, S-034
    #[test]
    fn no_cell_begins_a_line_or_commands_the_terminal() {
        let rows = [["a\r\nb\u{1b}[31m\u{9b}\u{202e}".to_owned()]];
        assert_eq!(table(["NAME"], &rows), "NAME\na\\u{d}\\u{a}b\\u{1b}[31m\\u{9b}\\u{202e}\n");
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
    }
}
