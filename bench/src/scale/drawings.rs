//! The plots of docs/scale.md.

use crate::plot::{self, Anchor, FAINT, INK, Line, Plot, QUIET, SHADES};
use crate::scale::SIZES;
use crate::scale::figures::{ENGINES, Figures, KINDS, short};
use crate::scale::nodes::{COUNTS, Work, names};

const WIDTH: f64 = 900.0;
const LABELS: f64 = 300.0;
const ROW: f64 = 24.0;
/// Milliseconds at both ends of the scale, as powers of ten.
const DECADES: (f64, f64) = (-1.0, 3.7);
const NAMES: [&str; 3] = ["1 k users", "100 k", "1 M users, 10 M sessions"];

/// How long each kind of request takes at each size, on both engines.
pub(crate) fn sizes(figures: &Figures) -> String {
    let panel = ROW * (f64::from(u32::try_from(KINDS.len()).unwrap_or(0)) + 2.2);
    let mut plot = Plot::new(WIDTH, 64.0 + 2.0 * panel + 16.0);
    plot.text((16.0, 26.0), Anchor::Start, (INK, 17.0), "Time of a request at three sizes of the database");
    plot.text(
        (16.0, 46.0),
        Anchor::Start,
        (QUIET, 12.0),
        "Dots: median; lines: up to the 99th percentile. Milliseconds, by powers of ten",
    );
    for ((name, shade), x) in NAMES.into_iter().zip(SHADES).zip([560.0, 650.0, 720.0]) {
        plot.dot((x, 42.0), 5.0, shade);
        plot.text((x + 10.0, 46.0), Anchor::Start, (QUIET, 12.0), name);
    }
    for (engine, top) in ENGINES.into_iter().zip([64.0, 64.0 + panel]) {
        panel_of_engine(&mut plot, figures, (engine, top));
    }
    plot.finish("Time of a request at a thousand, a hundred thousand and a million users, on SQLite and on PostgreSQL")
}

fn panel_of_engine(plot: &mut Plot, figures: &Figures, (engine, top): (&str, f64)) {
    plot.text((16.0, top + 18.0), Anchor::Start, (INK, 14.0), engine);
    let rows = f64::from(u32::try_from(KINDS.len()).unwrap_or(0));
    let bottom = top + ROW * (rows + 1.2);
    for (power, label) in [(-1, "0.1"), (0, "1"), (1, "10"), (2, "100"), (3, "1000 ms")] {
        let x = x_of(10_f64.powi(power));
        plot.line(&Line { from: (x, top + 8.0), to: (x, bottom), width: 1.0 }, FAINT);
        plot.text((x, bottom + 14.0), Anchor::Middle, (QUIET, 11.0), label);
    }
    for (kind, row) in KINDS.into_iter().zip(1_u8..) {
        let y = top + ROW * (f64::from(row) + 0.4);
        plot.text((LABELS - 8.0, y + 4.0), Anchor::End, (INK, 12.0), kind);
        for ((users, shade), shift) in SIZES.into_iter().zip(SHADES).zip([-6.0, 0.0, 6.0]) {
            let Some(series) = figures.of(engine, users, kind) else { continue };
            let at = |ms: f64| (x_of(ms), y + shift);
            plot.line(&Line { from: at(series.p50_ms), to: at(series.p99_ms), width: 2.0 }, shade);
            plot.dot(at(series.p50_ms), 3.6, shade);
        }
    }
}

fn x_of(ms: f64) -> f64 {
    let share = (ms.log10() - DECADES.0) / (DECADES.1 - DECADES.0);
    LABELS + share.clamp(0.0, 1.0) * (WIDTH - LABELS - 24.0)
}

/// The CPU time of a request on one, two and four servers, and how many a second there were.
pub(crate) fn nodes(figures: &Figures) -> String {
    let note = |name: &str| figures.noted("PostgreSQL", name);
    let most = |work| {
        let sums = COUNTS.map(|count| names(work, count)).map(|[_, server, database]| note(&server) + note(&database));
        sums.into_iter().filter(|sum| !sum.is_nan()).fold(1.0, f64::max)
    };
    let is_measured = |work: &&Work| {
        let [rate, ..] = names(**work, 1);
        !note(&rate).is_nan()
    };
    let measured: Vec<Work> = Work::ALL.iter().filter(is_measured).copied().collect();
    let height = 70.0 + 94.0 * f64::from(u32::try_from(measured.len()).unwrap_or(0));
    let mut plot = Plot::new(WIDTH, height);
    plot.text(
        (16.0, 26.0),
        Anchor::Start,
        (INK, 17.0),
        "CPU time of a request with one, two and four servers on one PostgreSQL",
    );
    plot.text(
        (16.0, 46.0),
        Anchor::Start,
        (QUIET, 12.0),
        "Microseconds, each kind to its own scale; and requests a second of all servers together",
    );
    for ((name, colour), x) in
        [("the server's", plot::KINDS[0]), ("PostgreSQL's", plot::KINDS[1])].into_iter().zip([640.0, 760.0])
    {
        plot.bar((x, 36.0), (11.0, 11.0), colour);
        plot.text((x + 17.0, 46.0), Anchor::Start, (QUIET, 12.0), name);
    }
    let mut y = 70.0;
    for work in measured {
        plot.text((16.0, y + 12.0), Anchor::Start, (INK, 13.0), work.name());
        y += 20.0;
        for count in COUNTS {
            let [rate, server, database] = names(work, count).map(|name| note(&name));
            let wide = |us: f64| us / most(work) * 560.0;
            plot.text(
                (92.0, y + 14.0),
                Anchor::End,
                (QUIET, 12.0),
                &format!("{count} server{}", if count > 1 { "s" } else { "" }),
            );
            plot.bar((100.0, y + 2.0), (wide(server), 16.0), plot::KINDS[0]);
            plot.bar((101.0 + wide(server), y + 2.0), (wide(database), 16.0), plot::KINDS[1]);
            let text = format!("{:.0} + {:.0} µs   ·   {}/s", server, database, short(rate));
            plot.text((110.0 + wide(server + database), y + 14.0), Anchor::Start, (INK, 12.0), &text);
            y += 22.0;
        }
        y += 8.0;
    }
    plot.finish("CPU time of a request with one, two and four servers on one PostgreSQL")
}
