//! `countersign restore`: everything out of a backup, or nothing.

use std::fs::File;
use std::io::{BufReader, Read, stdin};
use std::os::fd::AsFd as _;
use std::path::Path;

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign::store::transfer::{Backup, Ends, Header, Restored, Restoring, Written, restore};
use serde_json::{Value, json};

use crate::command::act::Act;
use crate::command::backup::{summary, tables};
use crate::command::output::{print, print_json, time};
use crate::command::progress::Progress;
use crate::data_directory::{DataDirectory, fingerprint_in, sealing_key_in};
use crate::failure::Failure;
use crate::settings::{self, Configuration, Setting};

/// Bytes that are read together.
const BUFFER: usize = 256 << 10;

pub(super) fn declare() -> Command {
    let switch =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    Command::new("restore")
        .about("Put everything of a backup into an empty database; a backup that is damaged or not whole changes nothing")
        .arg(Arg::new("file").value_name("FILE").required(true).help("The backup; - is standard input"))
        .arg(switch("check", "Only read the backup, and say what is in it").conflicts_with_all(["replace"]))
        .arg(switch("replace", "Delete everything that is in the database"))
        .arg(switch(
            "end-all-sessions",
            "Log everybody out: refresh tokens that were used after the backup would be good again, as would sessions that were ended",
        ))
        .arg(switch("end-all-entity-tokens", "End all tokens of things as well: those that were revoked after the backup would be good again"))
        .arg(
            switch(
                "new-sealing-key",
                "Do without the sealing key, which is lost: everybody logs in anew, and tokens of things and signing keys are made anew",
            )
            .conflicts_with("check"),
        )
        .arg(switch("json", "Print the summary as JSON"))
        .args(settings::flags(Setting::is_of_store))
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let name: &String = matches.get_one("file").ok_or_else(|| Failure::usage("name a file"))?;
    let (is_check, json) = (matches.get_flag("check"), matches.get_flag("json"));
    let is_file = name != "-";
    let not_restored = || if is_file { format!("{name} was not restored") } else { "nothing was restored".to_owned() };
    let mut total = None;
    if is_check || is_file {
        // Before anything is touched.
        let written = open(name)?.check().with_context(not_restored)?;
        if is_check {
            return if json { print_json(&summary(&written)) } else { print(&about(&written)) };
        }
        total = Some(written.tables.iter().map(|(_, digest)| digest.rows).sum());
    }
    let backup = open(name)?;
    let header = backup.header().clone();
    let has_new_key = matches.get_flag("new-sealing-key");
    check_key(&settings.data, &header, has_new_key)?;
    let location = DataDirectory::of(&settings).location();
    let mut port = location.target(Some(header.schema)).await?;
    let asked = Ends {
        sessions: matches.get_flag("end-all-sessions"),
        entity_tokens: matches.get_flag("end-all-entity-tokens"),
        sealed: false,
    };
    let how = Restoring { replaces: matches.get_flag("replace"), ends: if has_new_key { Ends::ALL } else { asked } };
    let mut progress = Progress::of_rows();
    // A pipe has no end that is known before.
    let mut show = |rows| match total {
        Some(total) => progress.show_of(rows, total),
        None => progress.show(rows),
    };
    let restored = restore(port.as_mut(), backup, how, &mut show).await;
    progress.clear();
    let restored = restored.with_context(not_restored)?;
    drop(port);
    // A backup of an older version is brought up to date.
    let store = location.open().await?;
    Act::new("restore")
        .detail("backup_of", &time(header.made_at))
        .detail("ended_sessions", &restored.ended_sessions)
        .detail("ended_entity_tokens", &restored.ended_entity_tokens)
        .note(store.as_ref())
        .await;
    if json { print_json(&result(&restored)) } else { print(&told(&restored, how, &settings.data)) }
}

type Input = BufReader<Box<dyn Read + Send>>;

fn open(name: &str) -> anyhow::Result<Backup<Input>> {
    let file = if name == "-" {
        File::from(stdin().as_fd().try_clone_to_owned()?)
    } else {
        File::open(name).with_context(|| format!("cannot read {name}"))?
    };
    let input = BufReader::with_capacity(BUFFER, Box::new(file) as Box<dyn Read + Send>);
    Backup::open(input).with_context(|| format!("cannot restore {name}"))
}

/// Refuses a data directory with a key that does not open what is in the backup; where a new one is to be made, with any.
fn check_key(data: &Path, header: &Header, has_new_key: bool) -> Result<(), Failure> {
    let there = fingerprint_in(data)?;
    if has_new_key && there.is_some() {
        return Err(Failure::work(format!(
            "{} is there: restore without --new-sealing-key if it is the one of this backup, and move it away if it is not",
            sealing_key_in(data).display()
        )));
    }
    if there.is_some() && header.sealing_key.is_some() && there != header.sealing_key {
        return Err(Failure::work(format!(
            "{} is not the sealing key of this backup: put the one in its place that was kept with it",
            sealing_key_in(data).display()
        )));
    }
    Ok(())
}

fn about(written: &Written) -> String {
    let header = &written.header;
    format!(
        "{}\nThe backup is whole. It is of {} (schema version {}, {}).\n",
        tables(written),
        time(header.made_at),
        header.schema,
        header.engine
    )
}

fn result(restored: &Restored) -> Value {
    let mut result = summary(&restored.written);
    if let Value::Object(members) = &mut result {
        members.insert("ended_sessions".to_owned(), json!(restored.ended_sessions));
        members.insert("ended_entity_tokens".to_owned(), json!(restored.ended_entity_tokens));
    }
    result
}

fn told(restored: &Restored, how: Restoring, data: &Path) -> String {
    let made_at = time(restored.written.header.made_at);
    let mut lines = vec![tables(&restored.written), format!("Everything is as it was at {made_at}.")];
    lines.push(if how.ends.sessions {
        format!("{} sessions were ended: everybody logs in anew.", restored.ended_sessions)
    } else {
        "Refresh tokens that were used since, and sessions that were ended since, are good again: whoever has kept one may use it. \
         To log everybody out: restore with --end-all-sessions."
            .to_owned()
    });
    lines.push(if how.ends.entity_tokens {
        format!("{} tokens of things were ended.", restored.ended_entity_tokens)
    } else {
        "Tokens of things that were revoked since are good again, unless they have expired: --end-all-entity-tokens ends all.".to_owned()
    });
    let undone =
        "Whatever else was done since is undone: passwords, disabled users and clients, withdrawn keys. Do it again.";
    lines.push(undone.to_owned());
    let key = sealing_key_in(data);
    if how.ends.sealed {
        lines.push(format!(
            "The server makes a new sealing key at {}, and new signing keys, when it starts: keep a copy of it. APIs elsewhere have to fetch \
             the keys, which they do by themselves; tokens for things have to be made anew.",
            key.display()
        ));
    } else if !key.exists() {
        lines.push(format!(
            "Put the sealing key that was kept with this backup at {} before the server starts. If it is lost: restore again with \
             --replace --new-sealing-key.",
            key.display()
        ));
    }
    lines.join("\n") + "\n"
}
