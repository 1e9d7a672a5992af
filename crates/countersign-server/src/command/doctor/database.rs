//! What the database says of itself, and what that means.

use countersign::store::sqlite::Look;
use countersign::store::{Examination, Mark};

use crate::command::doctor::finding::Findings;
use crate::command::output::time;
use crate::settings::Settings;

/// Clocks that differ by more are worth a look.
const CLOCK_SKEW_S: i64 = 2;
/// Tokens last minutes: by this much, clocks that differ refuse some.
const CLOCK_OFF_S: i64 = 30;
/// The oldest PostgreSQL that is still looked after when this was written.
const OLDEST_POSTGRES: u32 = 14;

pub(super) fn check(settings: &Settings, (examination, look): (&Examination, Look), now: i64, findings: &mut Findings) {
    schema(examination, findings);
    if let Some(damage) = &examination.damage {
        findings.wrong(
            "integrity",
            format!("the database is damaged: {damage}"),
            "stop the server, and restore a backup",
        );
    } else if settings.database.is_none() {
        let looked = match look {
            Look::Quick => "every page of the database was read",
            Look::Thorough => "every row of the database was compared with its places in the indexes",
        };
        findings.good("integrity", format!("{looked}, and nothing is damaged"));
    }
    durability(examination, findings);
    if let Some(address) = &settings.database {
        if address.can_be_listened_to() {
            let found = format!("the way to {address} is not encrypted");
            findings.wrong("encryption", found, "turn TLS on at the database, and leave out sslmode=disable");
        }
        connections(settings, examination, findings);
    }
    clock(examination, now, findings);
}

fn schema(examination: &Examination, findings: &mut Findings) {
    let (engine, schema, known) = (&examination.engine, examination.schema, examination.known_schema);
    if let Some(mark) = &examination.mark {
        let (found, remedy) = match mark {
            Mark::HalfDone(source) => (
                format!("{engine} holds a half-done move of {source}"),
                "run `countersign migrate` again, which finishes it",
            ),
            Mark::MovedTo(target) => (
                format!("everything in {engine} was moved to {target}"),
                "name that one; `countersign migrate --reopen` with the name of this one has this one used again as it was then",
            ),
        };
        findings.wrong("schema", found, remedy);
    } else if schema == 0 {
        findings.warn("schema", format!("{engine} is empty"), "start the server, which makes the tables");
    } else if schema < known {
        let found = format!("{engine} has schema version {schema}, and this program makes {known}");
        findings.warn("schema", found, "start this version of the server, which brings it up to date");
    } else {
        findings.good("schema", format!("{engine} has schema version {schema}"));
    }
}

fn durability(examination: &Examination, findings: &mut Findings) {
    let setting = |name: &str| examination.settings.get(name).map(String::as_str);
    let what = "durability";
    let before = findings.len();
    if setting("fsync") == Some("off") {
        let found =
            "fsync is off: a crash of the database's machine loses what was acknowledged, and may damage the rest";
        findings.wrong(what, found, "fsync = on in postgresql.conf");
    }
    if setting("full_page_writes") == Some("off") {
        let found = "full_page_writes is off: a crash of the database's machine may damage what is kept";
        findings.wrong(what, found, "full_page_writes = on in postgresql.conf");
    }
    if setting("synchronous_commit") == Some("off") {
        let found = "synchronous_commit is off for this role; the server turns it on for its own connections";
        findings.warn(what, found, "turn it on, for whatever else writes here");
    }
    if setting("journal_mode").is_some_and(|mode| mode != "wal") {
        findings.warn(what, "the database is not in WAL mode", "start the server, which turns it on");
    }
    let version =
        setting("server_version_num").and_then(|version| version.parse::<u32>().ok()).map(|version| version / 10_000);
    if version.is_some_and(|version| version < OLDEST_POSTGRES) {
        findings.warn("version", format!("{} gets no corrections any more", examination.engine), "upgrade PostgreSQL");
    }
    if findings.len() == before && examination.schema > 0 {
        findings.good(what, "what is acknowledged is on the disk");
    }
}

/// Each node takes as many as it is told, and commands and other programs need some.
fn connections(settings: &Settings, examination: &Examination, findings: &mut Findings) {
    let most = examination.settings.get("max_connections").and_then(|most| most.parse::<usize>().ok());
    let Some(most) = most else { return };
    let ours = settings.database_connections;
    let found = format!("the database allows {most} connections, and each node takes up to {ours}");
    if ours >= most {
        findings.wrong("connections", found, "lower database-connections, or raise max_connections in postgresql.conf");
    } else {
        findings.good("connections", found);
    }
}

fn clock(examination: &Examination, now: i64, findings: &mut Findings) {
    let what = "clock";
    let remedy = "have the clocks of all machines set by NTP";
    if let Some(latest) = examination.latest.filter(|latest| *latest > now + CLOCK_SKEW_S) {
        let found = format!(
            "the last thing in the database was done at {}, and here it is {}: the clock went back, or another node's is fast",
            time(latest),
            time(now)
        );
        findings.wrong(what, found, remedy);
        return;
    }
    let off = examination.clock.map_or(0, |theirs| (theirs - now).abs());
    let found = format!("the database's clock and ours differ by {off} s");
    if off > CLOCK_OFF_S {
        findings.wrong(what, found, remedy);
    } else if off > CLOCK_SKEW_S {
        findings.warn(what, found, remedy);
    } else if examination.clock.is_some() {
        findings.good(what, found);
    } else {
        findings.good(what, format!("it is {}, and nothing in the database is later", time(now)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::Level;

    const NOW: i64 = 1_700_000_000;

    fn found(settings: &[(&str, &str)], change: impl FnOnce(&mut Examination)) -> Findings {
        let mut examination = Examination::default();
        (examination.engine, examination.schema, examination.known_schema) = ("PostgreSQL 15.4".to_owned(), 8, 8);
        examination.settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        change(&mut examination);
        let mut findings = Findings::default();
        check(&Settings::default(), (&examination, Look::Quick), NOW, &mut findings);
        findings
    }

    #[test]
    fn what_a_crash_would_cost_is_wrong() {
        let on = [
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("synchronous_commit", "on"),
            ("server_version_num", "150004"),
        ];
        assert_eq!(found(&on, |_| ()).of("durability"), [(Level::Good, "what is acknowledged is on the disk")]);
        for (name, level) in
            [("fsync", Level::Wrong), ("full_page_writes", Level::Wrong), ("synchronous_commit", Level::Warning)]
        {
            let off = on.map(|(other, value)| (other, if other == name { "off" } else { value }));
            let findings = found(&off, |_| ());
            let those = findings.of("durability");
            assert!(those.len() == 1 && those[0].0 == level && those[0].1.starts_with(name), "{those:?}");
        }
        assert_eq!(found(&[("server_version_num", "120001")], |_| ()).of("version").len(), 1);
        assert_eq!(found(&[("journal_mode", "delete")], |_| ()).of("durability")[0].0, Level::Warning);
    }

    #[test]
    fn a_clock_that_differs_is_told_of_by_how_much() {
        for (theirs, latest, level) in [
            (Some(NOW), Some(NOW), Level::Good),
            (Some(NOW - 10), None, Level::Warning),
            (Some(NOW + 3600), None, Level::Wrong),
            (None, Some(NOW + 60), Level::Wrong),
            (None, None, Level::Good),
        ] {
            let findings = found(&[], |examination| (examination.clock, examination.latest) = (theirs, latest));
            let those = findings.of("clock");
            assert!(those.len() == 1 && those[0].0 == level, "{theirs:?} {latest:?}: {those:?}");
        }
    }

    #[test]
    fn another_schema_and_a_half_done_move_are_told_of() {
        let level = |change: fn(&mut Examination)| found(&[], change).of("schema")[0].0;
        assert_eq!(level(|_| ()), Level::Good);
        assert_eq!(level(|examination| examination.schema = 7), Level::Warning);
        assert_eq!(level(|examination| examination.schema = 0), Level::Warning);
        assert_eq!(level(|examination| examination.mark = Some(Mark::HalfDone("x".to_owned()))), Level::Wrong);
        assert_eq!(level(|examination| examination.mark = Some(Mark::MovedTo("x".to_owned()))), Level::Wrong);
        let damaged = found(&[], |examination| examination.damage = Some("row 7 missing".to_owned()));
        assert_eq!(damaged.of("integrity"), [(Level::Wrong, "the database is damaged: row 7 missing")]);
    }
}
