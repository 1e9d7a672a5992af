//! `countersign doctor`: looks at an installation, changes nothing, and says what to do.

mod finding;
mod files;
mod database;
mod keys;
mod callers;
mod issuer;

use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign::store::sqlite::Look;
use countersign::store::{Examination, SigningKeyRecord};
use countersign_axum::Clock;

use crate::command::doctor::finding::{Findings, Level};
use crate::command::output::{print, print_json};
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration, Settings};

pub(super) fn declare() -> Command {
    Command::new("doctor")
        .about("Check the installation: files, database, clock, keys, and whether the issuer's URL leads here; fails if something is wrong")
        .arg(
            Arg::new("offline")
                .long("offline")
                .action(ArgAction::SetTrue)
                .help("Do not ask the issuer's URL, such as before the server is started"),
        )
        .arg(
            Arg::new("thorough")
                .long("thorough")
                .action(ArgAction::SetTrue)
                .help("Compare every row of an SQLite database with its places in the indexes, which takes several times as long"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
        .args(settings::flags(|_| true))
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let configuration = Configuration::load(&settings::given(matches))?;
    let settings = &configuration.settings;
    let now = Clock::system().now();
    let mut findings = Findings::default();
    files::check(&configuration, &mut findings);
    let directory = DataDirectory::of(settings);
    let look = if matches.get_flag("thorough") { Look::Thorough } else { Look::Quick };
    let records = match directory.location().examine(look).await {
        Ok(examination) => {
            database::check(settings, (&examination, look), now, &mut findings);
            keys_of(&directory, &examination, &mut findings).await
        }
        Err(error) => {
            let remedy = "start the server once, which makes it, or correct what is said here";
            findings.wrong("database", format!("{error:#}"), remedy);
            None
        }
    };
    if let Some(records) = &records {
        keys::check(settings, &directory, records, now, &mut findings);
    }
    callers::check(settings, &mut findings);
    if !matches.get_flag("offline") {
        issuer::check(settings, records.as_deref().unwrap_or_default(), &mut findings).await;
    }
    tell(settings, &findings, matches.get_flag("json"))
}

/// The signing keys, where the schema is one that this program reads without changing it.
async fn keys_of(
    directory: &DataDirectory,
    examination: &Examination,
    findings: &mut Findings,
) -> Option<Vec<SigningKeyRecord>> {
    if examination.schema != examination.known_schema || examination.mark.is_some() {
        return None;
    }
    let listed = async { anyhow::Ok(directory.open().await?.list_keys().await?) };
    match listed.await {
        Ok(records) => Some(records),
        Err(error) => {
            findings.wrong("database", format!("{error:#}"), "correct what is said here");
            None
        }
    }
}

fn tell(settings: &Settings, findings: &Findings, json: bool) -> Result<(), Failure> {
    if json {
        print_json(&findings.to_json())?;
    } else {
        print(&findings.text())?;
    }
    let wrong = findings.count(Level::Wrong);
    if wrong > 0 {
        let data = settings.data.display();
        return Err(Failure::work(format!("{wrong} of {} checks of {data} found something wrong", findings.len())));
    }
    Ok(())
}
