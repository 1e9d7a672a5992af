//! `countersign key`: the signing keys, also while the server runs, which looks at them once a second.

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign::keys::generate;
use countersign::store::{KeyState, SigningKeyRecord, Store};
use countersign_axum::Clock;
use countersign_token::Algorithm;
use serde_json::{Value, json};

use crate::command::act::Act;
use crate::command::output::{print, print_json, table, time};
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration, Origin, Setting, Settings};

pub(super) fn declare() -> Command {
    let data = || settings::flags(Setting::is_of_store);
    let making =
        || settings::flags(|setting| setting.is_of_store() || ["algorithm", "keys-max-age"].contains(&setting.name));
    Command::new("key").about("Look at the signing keys, and replace them").subcommand_required(true).subcommands([
        Command::new("list")
            .about("List the signing keys")
            .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
            .args(data()),
        Command::new("rotate")
            .about("Publish the next signing key now; it signs as soon as all others have had time to learn it")
            .args(making()),
        Command::new("revoke")
            .about("Withdraw a key at once: its tokens are refused within a second here, and elsewhere when the keys are fetched")
            .arg(Arg::new("kid").value_name("KEY").required(true).help("The key, as `key list` shows it"))
            .args(making()),
    ])
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let configuration = Configuration::load(&settings::given(matches))?;
    let settings = &configuration.settings;
    let directory = DataDirectory::of(settings);
    let store = directory.open_existing().await?;
    match verb {
        "list" => list(store.as_ref(), matches.get_flag("json")).await,
        "rotate" => {
            let next = make(store.as_ref(), &directory, &configuration, KeyState::Next).await?;
            rotate(store.as_ref(), &next, settings).await
        }
        _ => {
            let kid: &String = matches.get_one("kid").ok_or_else(|| Failure::usage("name a key"))?;
            let substitute = make(store.as_ref(), &directory, &configuration, KeyState::Active).await?;
            revoke(store.as_ref(), &substitute, kid).await
        }
    }
}

async fn list(store: &dyn Store, json: bool) -> Result<(), Failure> {
    let keys = store.list_keys().await?;
    if json {
        let keys: Vec<Value> = keys
            .iter()
            .map(|key| {
                json!({
                    "kid": key.kid,
                    "algorithm": key.algorithm,
                    "state": key.state.name(),
                    "created_at": time(key.created_at),
                    "since": time(key.since),
                })
            })
            .collect();
        return print_json(&Value::Array(keys));
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            let (state, algorithm) = (key.state.name().to_owned(), key.algorithm.clone());
            [key.kid.clone(), algorithm, state, time(key.since), time(key.created_at)]
        })
        .collect();
    print(&table(["KEY", "ALGORITHM", "STATE", "SINCE", "MADE"], &rows))
}

/// A new key, of the algorithm that is named, and otherwise of that of the key that signs now.
async fn make(
    store: &dyn Store,
    directory: &DataDirectory,
    configuration: &Configuration,
    state: KeyState,
) -> Result<SigningKeyRecord, Failure> {
    let is_named =
        configuration.rows().any(|(setting, _, from)| setting.name == "algorithm" && *from != Origin::Default);
    let keys = store.list_keys().await?;
    let active = keys.iter().find(|key| key.state == KeyState::Active).filter(|_| !is_named);
    let algorithm = active.and_then(|key| Algorithm::from_name(&key.algorithm));
    let sealing = directory.sealing_key(store).await?;
    Ok(generate(&sealing, algorithm.unwrap_or(configuration.settings.algorithm), state, Clock::system().now())?)
}

async fn rotate(store: &dyn Store, next: &SigningKeyRecord, settings: &Settings) -> Result<(), Failure> {
    if !store.insert_key(next).await? {
        return Err(Failure::work("a next key is published already: `countersign key list` shows it and since when"));
    }
    Act::new("next signing key published").detail("kid", &next.kid).note(store).await;
    let wait = settings.keys_max_age.as_secs();
    print(&format!("{} is published. It signs in about {wait} s, while the server runs.\n", next.kid))
}

async fn revoke(store: &dyn Store, substitute: &SigningKeyRecord, kid: &str) -> Result<(), Failure> {
    let keys = store.list_keys().await?;
    let key = keys.iter().find(|key| key.kid == kid);
    let key = key.with_context(|| format!("there is no key {kid:?}: `countersign key list` shows which there are"))?;
    if !store.remove_key(kid, Some(substitute)).await? {
        return Err(Failure::work("the key was changed at the same moment: try again"));
    }
    Act::new("signing key withdrawn").detail("kid", kid).note(store).await;
    let signs_now =
        if key.state == KeyState::Active { format!(" {} signs now.", substitute.kid) } else { String::new() };
    print(&format!("{kid} is withdrawn.{signs_now}\n"))
}
