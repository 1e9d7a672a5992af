//! `countersign key`: the signing keys.

use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign::store::KeyStore;
use serde_json::{Value, json};

use crate::command::output::{print, print_json, table, time};
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration};

pub(super) fn declare() -> Command {
    Command::new("key").about("Look at the signing keys").subcommand_required(true).subcommand(
        Command::new("list")
            .about("List the signing keys")
            .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
            .args(settings::flags(|setting| setting.name == "data")),
    )
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(matches) = matches.subcommand_matches("list") else { return Ok(()) };
    let configuration = Configuration::load(&settings::given(matches))?;
    let store = DataDirectory::at(&configuration.settings.data).open_existing()?;
    let keys = store.list_keys().await?;
    if matches.get_flag("json") {
        let keys: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "kid": key.kid,
                    "algorithm": key.algorithm,
                    "state": key.state.name(),
                    "created_at": time(key.created_at),
                })
            })
            .collect();
        return print_json(&Value::Array(keys));
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|key| [key.kid.clone(), key.algorithm.clone(), key.state.name().to_owned(), time(key.created_at)])
        .collect();
    print(&table(["KEY", "ALGORITHM", "STATE", "MADE"], &rows))
}
