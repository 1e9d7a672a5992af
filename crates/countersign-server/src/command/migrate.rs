//! `countersign migrate`: everything out of one database into another, of either engine.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use countersign::store::Mark;
use countersign::store::sqlite::Look;
use countersign::store::transfer::{Moved, bring_over, reopen};
use serde_json::json;

use crate::command::act::Act;
use crate::command::output::{print, print_json, table};
use crate::command::progress::Progress;
use crate::data_directory::{copy_sealing_key, fingerprint_in, sealing_key_in};
use crate::database::DatabasePassword;
use crate::failure::Failure;
use crate::location::Location;
use crate::settings::{self, Configuration};

pub(super) fn declare() -> Command {
    let place = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("WHERE").required_unless_present("reopen").help(help)
    };
    let password = |name: &'static str, side: &'static str| {
        let help = format!("A file that holds the password of the database that --{side} names, and nothing else");
        Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
    };
    Command::new("migrate")
        .about("Move everything into another database, and verify that it has arrived; a move that was cut off goes on when run again")
        .override_usage(
            "countersign migrate --from <WHERE> --to <WHERE> [OPTIONS]\n       countersign migrate --reopen <WHERE>",
        )
        .arg(place("from", "The database to read: sqlite:PATH (a data directory, or the file in it) or postgres://…"))
        .arg(place("to", "The database to fill, which has to be empty"))
        .arg(password("from-password-file", "from"))
        .arg(password("to-password-file", "to"))
        .arg(
            Arg::new("reopen")
                .long("reopen")
                .value_name("WHERE")
                .conflicts_with_all(["from", "to", "from-password-file", "to-password-file", "json"])
                .help("Only this: let a database be used again that was moved, as it was then"),
        )
        .arg(password("reopen-password-file", "reopen").requires("reopen"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print the summary as JSON"))
        .args(settings::flags(|setting| setting.name == "data"))
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let settings = Configuration::load(&settings::given(matches))?.settings;
    if matches.contains_id("reopen") {
        return reopen_at(&location(matches, "reopen", "reopen-password-file")?).await;
    }
    let from = location(matches, "from", "from-password-file")?;
    let to = location(matches, "to", "to-password-file")?;
    if from.to_string() == to.to_string() {
        return Err(Failure::usage("--from and --to name the same database"));
    }
    let keys = Keys {
        from: from.directory().unwrap_or(&settings.data).to_owned(),
        to: to.directory().unwrap_or(&settings.data).to_owned(),
    };
    let mut source = from.source().await?;
    keys.check()?;
    let mut target = to.target(None).await?;
    let about_key = keys.bring_along()?;
    let mut progress = Progress::of_rows();
    let mut show = |done, total| progress.show_of(done, total);
    let names = (from.to_string(), to.to_string());
    let moved = bring_over(source.as_mut(), target.as_mut(), (&names.0, &names.1), &mut show).await;
    progress.clear();
    let moved = moved?;
    drop((source, target));
    if moved.is_finished {
        Act::new("migrate").detail("from", &from).note(to.open().await?.as_ref()).await;
    }
    tell(&moved, &from, &to, &about_key, matches.get_flag("json"))
}

async fn reopen_at(location: &Location) -> Result<(), Failure> {
    let not_moved = || Failure::work(format!("{location} was not moved: there is nothing to do"));
    if !matches!(location.examine(Look::Quick).await?.mark, Some(Mark::MovedTo(_))) {
        return Err(not_moved());
    }
    let mut port = location.target(None).await?;
    let target = reopen(port.as_mut()).await?.ok_or_else(not_moved)?;
    drop(port);
    Act::new("reopen").detail("moved_to", &target).note(location.open().await?.as_ref()).await;
    print(&format!("{location} is used again, as it was when it was moved. Start no server on {target} any more.\n"))
}

fn location(matches: &ArgMatches, name: &str, password_file: &str) -> Result<Location, Failure> {
    let text: &String = matches.get_one(name).ok_or_else(|| Failure::usage(format!("name --{name}")))?;
    let location = text.parse().map_err(|error| Failure::usage(format!("--{name}: {error}")))?;
    let password = matches.get_one::<PathBuf>(password_file).map(|file| {
        DatabasePassword::read(file).map_err(|error| Failure::usage(format!("--{password_file}: {error}")))
    });
    match (location, password.transpose()?) {
        (Location::Server(address), _) if address.has_password() => Err(Failure::usage(format!(
            "--{name}: every process of this machine can read a password there: write it into a file, and name that by \
             --{password_file}"
        ))),
        (Location::Server(address), Some(password)) => {
            Ok(Location::Server(Box::new(address.password(password.text()))))
        }
        (Location::File(_), Some(_)) => {
            Err(Failure::usage(format!("--{password_file}: --{name} is a file, and needs no password")))
        }
        (location, None) => Ok(location),
    }
}

/// The sealing key, which lies beside the database: without it the signing keys in there cannot be read.
struct Keys {
    /// The data directory of the servers that were.
    from: PathBuf,
    /// That of the servers that will be.
    to: PathBuf,
}

impl Keys {
    /// Refuses a key in the way that belongs to another database.
    fn check(&self) -> Result<(), Failure> {
        let (ours, theirs) = (fingerprint_in(&self.from)?, fingerprint_in(&self.to)?);
        if ours.is_some() && theirs.is_some() && theirs != ours {
            return Err(Failure::work(format!(
                "{} is not the key that seals what is moved, which is {}: name another data directory, or put the key in its place",
                shown(&self.to),
                shown(&self.from)
            )));
        }
        Ok(())
    }

    /// Copies it where it is missing, and says what is to be done about it.
    fn bring_along(&self) -> Result<String, Failure> {
        if fingerprint_in(&self.to)?.is_some() {
            return Ok(format!(
                "The sealing key is {}: every node needs a copy in its data directory.",
                shown(&self.to)
            ));
        }
        if fingerprint_in(&self.from)?.is_none() {
            return Ok(format!(
                "There is no {}: put the sealing.key of your server into the data directory of the new one, which does not start \
                 without it.",
                shown(&self.from)
            ));
        }
        copy_sealing_key(&self.from, &self.to)?;
        Ok(format!("The sealing key was copied to {}.", shown(&self.to)))
    }
}

fn shown(directory: &Path) -> String {
    sealing_key_in(directory).display().to_string()
}

fn tell(moved: &Moved, from: &Location, to: &Location, about_key: &str, json: bool) -> Result<(), Failure> {
    let rows: u64 = moved.tables.iter().map(|table| table.digest.rows).sum();
    let written: u64 = moved.tables.iter().map(|table| table.written).sum();
    if json {
        let tables = moved.tables.iter().map(|table| {
            json!({ "table": table.name, "rows": table.digest.rows, "written": table.written, "sha256": table.digest.sha256 })
        });
        let tables: Vec<_> = tables.collect();
        let summary = json!({ "finished": moved.is_finished, "rows": rows, "written": written, "tables": tables });
        print_json(&summary)?;
    }
    if !moved.is_finished {
        return Err(Failure::work(format!(
            "{written} of {rows} rows were written, and a server or a command is still at work on {from}: stop all of them and run \
             this again, which brings over what has changed since and finishes the move; {to} cannot be used before"
        )));
    }
    if json {
        return Ok(());
    }
    let lines: Vec<_> = moved
        .tables
        .iter()
        .map(|table| {
            let digest = &table.digest;
            [table.name.clone(), digest.rows.to_string(), table.written.to_string(), digest.sha256.clone()]
        })
        .collect();
    print(&format!(
        "{}\nAll {rows} rows are in {to}, and are the same there.\n{about_key}\n{from} is marked as moved: no server starts on it \
         any more.\n",
        table(["TABLE", "ROWS", "WRITTEN NOW", "SHA-256"], &lines)
    ))
}
