//! The made part of docs/scale.md, and its plots.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::scale::SIZES;
use crate::scale::drawings;
use crate::scale::figures::{ENGINES, Figures, KINDS, Series, short};
use crate::scale::nodes::{COUNTS, Work, names};

const BEGIN: &str = "<!-- Made by `bench scale`. -->\n";
const END: &str = "<!-- Until here. -->\n";

/// Writes both, into the repository from which the program was built.
pub(crate) fn write(figures: &Figures) -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let path = docs.join("scale.md");
    let old = std::fs::read_to_string(&path).context("docs/scale.md")?;
    let (before, rest) = old.split_once(BEGIN).context("docs/scale.md says nowhere where the figures begin")?;
    let (_, after) = rest.split_once(END).context("docs/scale.md says nowhere where the figures end")?;
    std::fs::write(&path, format!("{before}{BEGIN}\n{}\n{END}{after}", tables(figures)))?;
    let images = docs.join("images");
    std::fs::write(images.join("scale.svg"), drawings::sizes(figures))?;
    std::fs::write(images.join("scale-nodes.svg"), drawings::nodes(figures))?;
    Ok(())
}

fn tables(figures: &Figures) -> String {
    let mut text = String::new();
    for engine in ENGINES {
        table_of_times(&mut text, figures, engine);
    }
    table_of_engines(&mut text, figures);
    table_of_nodes(&mut text, figures);
    text
}

fn table_of_times(text: &mut String, figures: &Figures, engine: &str) {
    let _ = writeln!(text, "### {engine}\n");
    text.push_str(
        "| p50 / p99 in ms | 1 k users | 100 k | 1 M | p50, 1 M : 1 k | CPU, 1 M : 1 k |\n|---|---|---|---|---|---|\n",
    );
    for kind in KINDS {
        let of = |users| figures.of(engine, users, kind);
        let cell = |series: Option<&Series>| {
            series
                .map_or_else(|| "–".to_owned(), |series| format!("{} / {}", short(series.p50_ms), short(series.p99_ms)))
        };
        let [small, middle, large] = SIZES.map(of);
        let ratio = |value: fn(&Series) -> f64| match (large, small) {
            (Some(large), Some(small)) if value(small) > 0.0 => format!("{:.2}", value(large) / value(small)),
            _ => "–".to_owned(),
        };
        let (times, cpu) = (ratio(|one| one.p50_ms), ratio(|one| one.server_us + one.database_us));
        let _ = writeln!(text, "| {kind} | {} | {} | {} | {times} | {cpu} |", cell(small), cell(middle), cell(large));
    }
    text.push('\n');
}

fn table_of_engines(text: &mut String, figures: &Figures) {
    text.push_str("### Disk, memory, start\n\n| what | engine | 1 k users | 100 k | 1 M |\n|---|---|---|---|---|\n");
    let rows: [(&str, &str, &[&str]); 9] = [
        ("the whole file, MiB", "SQLite", &["everything at {}, MiB of rows"]),
        ("users, with indexes, MiB", "PostgreSQL", &["users at {}, MiB of rows", "users at {}, MiB of indexes"]),
        ("sessions, rows, MiB", "PostgreSQL", &["sessions at {}, MiB of rows"]),
        ("sessions, indexes, MiB", "PostgreSQL", &["sessions at {}, MiB of indexes"]),
        ("log ahead of a login, bytes", "both", &["bytes written for a login at {}"]),
        ("log ahead of a refresh, bytes", "both", &["bytes written for a refresh at {}"]),
        ("memory of the server, MiB", "both", &["memory of the server at {}, MiB"]),
        ("start, first connection, ms", "both", &["start at {}, ms"]),
        ("reading the kinds of hashes after the start, s", "both", &["read at the start at {}, s"]),
    ];
    for (what, engine, notes) in rows {
        for engine in ENGINES.into_iter().filter(|one| engine == "both" || *one == engine) {
            let at = |users: u64| {
                let sum: f64 =
                    notes.iter().map(|note| figures.noted(engine, &note.replace("{}", &users.to_string()))).sum();
                if sum.is_nan() { "–".to_owned() } else { short(sum) }
            };
            let [small, middle, large] = SIZES.map(at);
            let _ = writeln!(text, "| {what} | {engine} | {small} | {middle} | {large} |");
        }
    }
    text.push('\n');
}

fn table_of_nodes(text: &mut String, figures: &Figures) {
    text.push_str("### More servers on one PostgreSQL, 1 M users\n\n");
    text.push_str("| what | servers | requests/s | against one | server CPU, µs each | database CPU, µs each |\n|---|---|---|---|---|---|\n");
    for work in Work::ALL {
        let rate = |count| {
            let [rate, ..] = names(work, count);
            figures.noted("PostgreSQL", &rate)
        };
        for count in COUNTS.into_iter().filter(|count| !rate(*count).is_nan()) {
            let [_, server, database] = names(work, count).map(|name| figures.noted("PostgreSQL", &name));
            let _ = writeln!(
                text,
                "| {} | {count} | {} | {:.2} | {server:.0} | {database:.0} |",
                work.name(),
                short(rate(count)),
                rate(count) / rate(1)
            );
        }
    }
}
