//! `docs/benchmarks.md` and its plots, written whole.

use std::fmt::Write as _;
use std::fs::{create_dir_all, write as write_file};
use std::path::Path;

use anyhow::Result;

use super::bars::{Bar, Panel, number, svg};
use super::figures::Run;
use super::program::{PROGRAMS, Program};
use super::storm::{CLIENTS, EVERY, PATIENCE, SPAN};
use super::{CONNECTIONS, LOGIN_SPAN, ME_SPAN};

/// A column: the measure, and its heading with the unit.
type Column = (&'static str, &'static str);

const ME: &[Column] = &[("me_cpu_us", "CPU time a request, µs"), ("me_per_s", "requests/s")];
const LOGIN: &[Column] = &[("login_cpu_ms", "CPU time a login, ms"), ("logins_per_s", "logins/s")];
const STORM: &[Column] = &[
    ("storm_sent_per_s", "logins sent/s"),
    ("storm_good_per_s", "logged in/s"),
    ("storm_wrong_per_s", "told that the password is wrong/s"),
    ("storm_refused_per_s", "told to come again/s"),
    ("storm_unanswered_per_s", "no answer/s"),
];
const OTHERS: &[Column] = &[
    ("storm_me_p50_ms", "median, ms"),
    ("storm_me_p99_ms", "p99, ms"),
    ("storm_me_answered", "answered, %"),
    ("storm_peak_mib", "most memory, MiB"),
];
const HOUSE: &[Column] = &[
    ("idle_mib", "memory idle, MiB"),
    ("loaded_mib", "memory 3 s after the load, MiB"),
    ("start_ms", "start to first answer, ms"),
];

/// Writes the page and the plots under this folder.
pub(crate) fn write(run: &Run, docs: &Path) -> Result<()> {
    let images = docs.join("images");
    create_dir_all(&images)?;
    let all = |_: Program| true;
    let me = panel(run, "CPU time of GET /users/me", ("me_cpu_us", "µs"), all);
    let idle = panel(run, "Memory, idle", ("idle_mib", "MiB"), distinct);
    let start = panel(run, "Start to first answer", ("start_ms", "ms"), distinct);
    let login = panel(run, "CPU time of a login", ("login_cpu_ms", "ms"), all);
    let good = panel(run, "Storm: logged in each second", ("storm_good_per_s", "/s"), all);
    let others = panel(run, "Storm: GET /users/me, p99", ("storm_me_p99_ms", "ms"), all);
    let others = Panel { logarithmic: true, ..others };
    let me =
        Panel { bars: me.bars.into_iter().filter(|bar| bar.name != Program::CountersignHigh.name()).collect(), ..me };
    write_file(images.join("compare-requests.svg"), svg(&[me]))?;
    write_file(images.join("compare-logins.svg"), svg(&[login]))?;
    write_file(images.join("compare-storm.svg"), svg(&[good, others]))?;
    write_file(images.join("compare-house.svg"), svg(&[idle, start]))?;
    write_file(docs.join("benchmarks.md"), text(run))?;
    Ok(())
}

/// The two runs of Countersign differ in the hash alone.
fn distinct(program: Program) -> bool {
    program != Program::CountersignHigh
}

fn panel(run: &Run, title: &str, (measure, unit): (&str, &'static str), is_in: impl Fn(Program) -> bool) -> Panel {
    let bars = PROGRAMS.iter().filter(|program| is_in(**program)).filter_map(|program| {
        let is_ours = matches!(program, Program::Countersign | Program::CountersignHigh);
        Some(Bar { name: program.name(), is_ours, spread: run.spread(*program, measure)? })
    });
    Panel { title: title.to_owned(), unit, logarithmic: false, bars: bars.collect() }
}

fn text(run: &Run) -> String {
    let mut page = format!(
        include_str!("page/head.md"),
        taken = run.taken,
        machine = run.machine,
        turns = run.turns(),
        storms = run.storm_turns(),
    );
    for bound in bounds(run) {
        let _ = writeln!(page, "{bound}");
    }
    let _ = write!(
        page,
        include_str!("page/requests.md"),
        connections = CONNECTIONS,
        seconds = ME_SPAN.as_secs(),
        table = table(run, ME, |program| distinct(program).then(String::new)),
    );
    let _ = write!(
        page,
        include_str!("page/logins.md"),
        connections = CONNECTIONS,
        seconds = LOGIN_SPAN.as_secs(),
        table = table(run, LOGIN, |program| Some(program.hash().to_owned())),
    );
    let _ = write!(
        page,
        include_str!("page/storm.md"),
        clients = CLIENTS,
        every = EVERY.as_secs_f64(),
        span = SPAN.as_secs(),
        patience = PATIENCE.as_secs(),
        logins = table(run, STORM, |_| Some(String::new())),
        others = table(run, OTHERS, |_| Some(String::new())),
    );
    let _ = write!(
        page,
        include_str!("page/house.md"),
        table = table(run, HOUSE, |program| distinct(program).then(String::new))
    );
    for (name, versions) in &run.versions {
        let _ = writeln!(page, "| {name} | {versions} |");
    }
    page
}

/// What was wanted, and whether it holds in this run.
fn bounds(run: &Run) -> Vec<String> {
    let (ours, tutorial) = (run.median(Program::Countersign, "me_cpu_us"), run.median(Program::Tutorial, "me_cpu_us"));
    let (idle, start) = (run.median(Program::Countersign, "idle_mib"), run.median(Program::Countersign, "start_ms"));
    let row = |what: &str, wanted: &str, is: String, holds: bool| {
        format!("| {what} | {wanted} | {is} | {} |", if holds { "holds" } else { "**missed**" })
    };
    vec![
        row(
            "CPU time of `GET /users/me` against the FastAPI tutorial's",
            "at most 1/20",
            format!("1/{}", number(tutorial / ours)),
            ours * 20.0 <= tutorial,
        ),
        row("memory, idle", "below 25 MiB", format!("{} MiB", number(idle)), idle < 25.0),
        row("start to first answer", "below 100 ms", format!("{} ms", number(start)), start < 100.0),
    ]
}

/// The rows that `note` takes in, with the note, where there is one, in a column of its own.
fn table(run: &Run, columns: &[Column], note: impl Fn(Program) -> Option<String>) -> String {
    let rows: Vec<_> = PROGRAMS.iter().filter_map(|program| Some((*program, note(*program)?))).collect();
    let has_notes = rows.iter().any(|(_, note)| !note.is_empty());
    let mut head = vec!["program"];
    if has_notes {
        head.push("hash");
    }
    head.extend(columns.iter().map(|(_, heading)| *heading));
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for (program, note) in rows {
        let mut cells = vec![program.name().to_owned()];
        if has_notes {
            cells.push(note);
        }
        cells.extend(columns.iter().map(|(measure, _)| cell(run, program, measure)));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// The median, and the least and the most where there are several turns.
fn cell(run: &Run, program: Program, measure: &str) -> String {
    let Some(spread) = run.spread(program, measure) else { return "–".to_owned() };
    let (least, median, most) = (number(spread.least), number(spread.median), number(spread.most));
    if least == most { median } else { format!("{median} ({least} to {most})") }
}
