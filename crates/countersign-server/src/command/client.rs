//! `countersign client`: the programs that ask for tokens, also while the server runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use countersign::client::{Client, ClientChange, ClientId, ClientKeys, check_audiences, check_name};
use countersign::clients::Clients;
use countersign::http::ClientView;
use countersign::store::Store;
use countersign_axum::Clock;
use countersign_token::ScopeSet;
use serde_json::Value;

use crate::command::act::Act;
use crate::command::output::{print, print_json, table, time};
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration, Setting};

pub(super) fn declare() -> Command {
    let verb = |verb: &'static str, about: &'static str| {
        Command::new(verb).about(about).args(settings::flags(Setting::is_of_store))
    };
    let id = || Arg::new("id").value_name("CLIENT").required(true).help("The id of the client");
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON");
    Command::new("client")
        .about("Register, look at and change the programs that ask for tokens")
        .subcommand_required(true)
        .subcommands([
            verb("add", "Register a client; without keys it has a secret, which is printed this once")
                .arg(id())
                .arg(Arg::new("public").long("public").action(ArgAction::SetTrue).help("It can keep no secret"))
                .args(features()),
            verb("list", "List the clients").arg(json()),
            verb("show", "Show a client").arg(id()).arg(json()),
            verb("set", "Change a client; what is not named stays").arg(id()).args(features()),
            verb("disable", "Keep a client out; its sessions end").arg(id()),
            verb("enable", "Let a disabled client in again").arg(id()),
            verb("delete", "Delete a client for good; its sessions end").arg(id()),
            verb("add-secret", "Give a client a second secret, which is printed this once").arg(id()),
            verb("remove-secret", "Remove a secret, but not the last")
                .arg(id())
                .arg(Arg::new("secret").value_name("SECRET").required(true).help("Its id, as `client show` prints it")),
        ])
}

/// What can be said of a client.
fn features() -> [Arg; 7] {
    let several = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).num_args(0..).action(ArgAction::Append).help(help)
    };
    [
        Arg::new("name").long("name").value_name("NAME").help("The name to show"),
        several("grant", "GRANT", "How it asks for tokens: password, refresh_token, client_credentials (not a public one)"),
        several("scope", "SCOPE", "The most that its tokens carry"),
        several(
            "audience",
            "AUDIENCE",
            "The APIs that its tokens are for [default: that of the server]; one that is such an API may ask about them",
        ),
        Arg::new("access-token-seconds")
            .long("access-token-seconds")
            .value_name("COUNT")
            .value_parser(value_parser!(i64).range(0..))
            .help("How long its access tokens live, if shorter than those of the server; 0 as long as those"),
        Arg::new("always-refresh")
            .long("always-refresh")
            .value_name("yes|no")
            .value_parser(["yes", "no"])
            .help("Whether every login by it comes with a refresh token"),
        Arg::new("jwks").long("jwks").value_name("FILE").value_parser(value_parser!(PathBuf)).help(
            "Its public keys, a JWK set or a JWK, by which it proves itself (private_key_jwt) without a secret or beside it; \
             a set without keys is none",
        ),
    ]
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let directory = DataDirectory::of(&settings);
    // Before anything is made: a wrong command line leaves nothing behind.
    let change = match verb {
        "add" | "set" => change(matches)?,
        "disable" => ClientChange { disabled: Some(true), ..ClientChange::default() },
        "enable" => ClientChange { disabled: Some(false), ..ClientChange::default() },
        _ => ClientChange::default(),
    };
    let store = directory.open_existing().await?;
    if verb == "list" {
        return list(store.as_ref(), matches.get_flag("json")).await;
    }
    let id: &String = matches.get_one("id").ok_or_else(|| Failure::usage("name a client"))?;
    let id = ClientId::new(id).map_err(|error| Failure::usage(format!("{id:?}: {error}")))?;
    let (clients, now) = (Clients::new(store.clone()), Clock::system().now());
    if verb == "add" {
        let mut client = change.apply_to(&Client::new(id, matches.get_flag("public"), now));
        let secret = clients.register(&mut client, now).await?;
        act("register client", &client.id).note(store.as_ref()).await;
        let secret = secret.map_or(String::new(), |secret| format!("\nclient_secret: {}\n", *secret));
        return print(&format!("{} is a client now.\n{secret}", client.id));
    }
    let client = store.find_client(&id).await?.ok_or_else(|| no_such_client(&id))?;
    match verb {
        "show" if matches.get_flag("json") => return print_json(&serde_json::to_value(ClientView::from(client))?),
        "show" => return print(&text(&client)),
        "add-secret" => {
            let (secret, _) = clients.add_secret(&client, now).await?;
            act("add client secret", &id).note(store.as_ref()).await;
            return print(&format!("client_secret: {}\n", *secret));
        }
        "remove-secret" => {
            let secret: &String = matches.get_one("secret").ok_or_else(|| Failure::usage("name a secret"))?;
            clients.remove_secret(&client, secret).await?;
            act("remove client secret", &id).note(store.as_ref()).await;
            return print("The secret is removed.\n");
        }
        "delete" => {
            store.delete_client(&id).await?;
            act("delete client", &id).note(store.as_ref()).await;
            return print(&format!("{id} is gone.\n"));
        }
        _ => {}
    }
    let changed = clients.change(&client, &change).await?;
    let changed = changed.ok_or_else(|| no_such_client(&id))?;
    act("change client", &id).note(store.as_ref()).await;
    print(&text(&changed))
}

fn act(event: &str, client: &ClientId) -> Act {
    Act::new(event).client(client.as_str())
}

fn no_such_client(id: &ClientId) -> Failure {
    anyhow!("there is no client {:?}: `countersign client list` shows which there are", id.as_str()).into()
}

/// What the command line says of a client.
fn change(matches: &ArgMatches) -> Result<ClientChange, Failure> {
    let words = |name: &str| {
        let texts = matches.get_many::<String>(name).into_iter().flatten();
        let words = texts.flat_map(|text| text.split(' ')).filter(|text| !text.is_empty()).map(str::to_owned);
        matches.contains_id(name).then(|| words.collect::<Vec<_>>())
    };
    let wrong = |flag: &str, error: &dyn std::fmt::Display| Failure::usage(format!("--{flag}: {error}"));
    let name = matches.get_one::<String>("name").map(|name| check_name(name));
    let grants = words("grant").map(|texts| texts.iter().map(|text| text.parse()).collect::<Result<_, String>>());
    let audiences = words("audience");
    if let Some(audiences) = &audiences {
        check_audiences(audiences).map_err(|error| wrong("audience", &error))?;
    }
    Ok(ClientChange {
        name: name.transpose().map_err(|error| wrong("name", &error))?,
        grants: grants.transpose().map_err(|error| wrong("grant", &error))?,
        scopes: words("scope").map(ScopeSet::from_tokens).transpose().map_err(|error| wrong("scope", &error))?,
        audiences,
        access_token_lifetime_s: matches.get_one::<i64>("access-token-seconds").map(|s| Some(*s).filter(|s| *s > 0)),
        always_refresh: matches.get_one::<String>("always-refresh").map(|always| always == "yes"),
        disabled: None,
        keys: matches.get_one::<PathBuf>("jwks").map(|path| keys(path)).transpose()?,
    })
}

fn keys(path: &Path) -> Result<ClientKeys, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("--jwks {}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
    ClientKeys::from_jwks(&text).map_err(|error| wrong(&error))
}

async fn list(store: &dyn Store, json: bool) -> Result<(), Failure> {
    let clients = store.list_clients().await?;
    if json {
        let clients: Result<Vec<Value>, _> =
            clients.into_iter().map(ClientView::from).map(serde_json::to_value).collect();
        return print_json(&clients?.into());
    }
    let rows: Vec<_> = clients
        .iter()
        .map(|client| {
            let (kind, state) = (kind(client).to_owned(), state(client).to_owned());
            [client.id.to_string(), client.name.clone(), kind, state, grants(client), client.scopes.to_string()]
        })
        .collect();
    print(&table(["CLIENT", "NAME", "KIND", "STATE", "GRANTS", "SCOPES"], &rows))
}

fn text(client: &Client) -> String {
    let lifetime =
        client.access_token_lifetime_s.map_or("as the server's".to_owned(), |seconds| format!("{seconds} s"));
    let mut lines = vec![
        ("client", client.id.to_string()),
        ("name", client.name.clone()),
        ("kind", kind(client).to_owned()),
        ("state", state(client).to_owned()),
        ("grants", grants(client)),
        ("scopes", client.scopes.to_string()),
        ("audiences", client.audiences.join(" ")),
        ("access tokens", lifetime),
        ("refresh", if client.always_refresh { "always" } else { "when asked for" }.to_owned()),
        ("made", time(client.created_at)),
    ];
    let secrets =
        client.secrets.iter().map(|secret| ("secret", format!("{} of {}", secret.id(), time(secret.created_at))));
    lines.extend(secrets);
    lines.extend(client.keys.names().map(|(kid, algorithm)| ("key", format!("{kid} ({algorithm})"))));
    let lines = lines.into_iter().map(|(title, value)| format!("{}\n", format!("{title:14} {value}").trim_end()));
    lines.collect::<Vec<_>>().concat()
}

fn kind(client: &Client) -> &'static str {
    if client.is_public { "public" } else { "confidential" }
}

fn state(client: &Client) -> &'static str {
    if client.disabled { "disabled" } else { "enabled" }
}

fn grants(client: &Client) -> String {
    client.grants.iter().map(|grant| grant.name()).collect::<Vec<_>>().join(" ")
}
