//! `countersign entity`: things, whose they are, and the tokens for them, also while the server runs. Tokens are made by the owners
//! alone, at the server.

use anyhow::anyhow;
use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign::entity::{Entity, EntityToken};
use countersign::http::{EntityTokenView, EntityView};
use countersign::session::SessionId;
use countersign::store::Store;
use countersign_axum::Clock;
use countersign_token::{ScopeSet, Subject};
use serde_json::{Value, json};

use crate::command::act::Act;
use crate::command::output::{print, print_json, table, time};
use crate::command::user::find;
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration, Settings};

/// Things that are read in one step.
const AT_ONCE: usize = 1000;

pub(super) fn declare() -> Command {
    let verb = |verb: &'static str, about: &'static str| {
        Command::new(verb)
            .about(about)
            .args(settings::flags(move |setting| setting.is_of_store() || verb == "add" && setting.name == "entities"))
    };
    let thing = || Arg::new("thing").value_name("THING").required(true).help("Its kind and its id, such as car:foo");
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON");
    let owner = |help: &'static str| Arg::new("owner").long("owner").value_name("NAME").help(help);
    Command::new("entity")
        .about("Say which things there are that tokens can be made for, and whose they are")
        .subcommand_required(true)
        .subcommands([
            verb("add", "Declare a thing, or change it; tokens that are void then end")
                .arg(thing())
                .arg(owner("Whose it is, by user name or e-mail address").required(true))
                .arg(
                    Arg::new("permission")
                        .long("permission")
                        .value_name("PERMISSION")
                        .num_args(1..)
                        .action(ArgAction::Append)
                        .help("What the owner may do with it, and let others do [default: all that its kind has]"),
                ),
            verb("list", "List the things")
                .arg(owner("Only those of this user, by user name or e-mail address"))
                .arg(json()),
            verb("remove", "Remove a thing; its tokens end").arg(thing()),
            verb("tokens", "List the tokens for a thing, the youngest first").arg(thing()).arg(json()),
            verb("revoke", "End a token for a thing").arg(
                Arg::new("id").value_name("ID").required(true).help("The token, by the id that `entity tokens` shows"),
            ),
        ])
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let settings = Configuration::load(&settings::given(matches))?.settings;
    // Before anything is opened: a wrong command line leaves nothing behind.
    let thing = match matches.try_get_one::<String>("thing").ok().flatten() {
        None => None,
        Some(text) => Some(subject(text)?),
    };
    let directory = DataDirectory::of(&settings);
    let store = || directory.open_existing();
    match (verb, thing) {
        ("add", Some(thing)) => add(matches, &settings, &thing).await,
        ("remove", Some(thing)) => remove(store().await?.as_ref(), &thing).await,
        ("tokens", Some(thing)) => tokens(store().await?.as_ref(), &thing, matches.get_flag("json")).await,
        ("revoke", None) => {
            let id: &String = matches.get_one("id").ok_or_else(|| Failure::usage("name a token"))?;
            let id = id.parse().map_err(|_| {
                Failure::usage(format!("{id:?} is no id of a token: `countersign entity tokens` shows which there are"))
            })?;
            revoke(store().await?.as_ref(), id).await
        }
        _ => list(matches, store().await?.as_ref()).await,
    }
}

async fn remove(store: &dyn Store, thing: &Subject) -> Result<(), Failure> {
    if !store.delete_entity(thing).await? {
        return Err(no_such_thing(thing));
    }
    Act::new("delete entity").detail("entity", thing).note(store).await;
    print(&format!("{thing} is gone.\n"))
}

async fn revoke(store: &dyn Store, id: SessionId) -> Result<(), Failure> {
    if !store.end_entity_token(id, None).await? {
        return Err(anyhow!("there is no token {id}: `countersign entity tokens` shows which there are").into());
    }
    Act::new("revoke").detail("token", &id).note(store).await;
    print("The token is good no more.\n")
}

fn subject(text: &str) -> Result<Subject, Failure> {
    text.parse().map_err(|error| Failure::usage(format!("{text:?}: {error}")))
}

fn no_such_thing(thing: &Subject) -> Failure {
    anyhow!("there is no {:?}: `countersign entity list` shows which things there are", thing.as_str()).into()
}

async fn add(matches: &ArgMatches, settings: &Settings, thing: &Subject) -> Result<(), Failure> {
    let texts = matches.get_many::<String>("permission").into_iter().flatten();
    let words = texts.flat_map(|text| text.split(' ')).filter(|text| !text.is_empty());
    let permissions = matches.contains_id("permission").then(|| ScopeSet::from_tokens(words)).transpose();
    let permissions = permissions.map_err(|error| Failure::usage(format!("--permission: {error}")))?;
    let permissions = settings.entities.check(thing, permissions);
    let permissions = permissions.map_err(|error| Failure::usage(format!("{:?}: {error}", thing.as_str())))?;
    let owner: &String = matches.get_one("owner").ok_or_else(|| Failure::usage("name the owner by --owner"))?;
    let store = DataDirectory::of(settings).open_existing().await?;
    let owner = find(store.as_ref(), owner).await?;
    let entity = Entity { subject: thing.clone(), owner: owner.id, permissions, created_at: Clock::system().now() };
    let declared = store.declare_entity(&entity).await?;
    let declared = declared.ok_or_else(|| anyhow!("{} was deleted at the same moment", owner.username))?;
    let act = Act::new("declare entity").detail("entity", thing).detail("owner", &owner.id);
    act.detail("ended", &declared.ended).note(store.as_ref()).await;
    let ended = if declared.ended == 0 { String::new() } else { format!(" {} tokens have ended.", declared.ended) };
    let permissions = declared.entity.permissions;
    print(&format!("{thing} is of {} now, with {permissions}.{ended}\n", owner.username))
}

async fn list(matches: &ArgMatches, store: &dyn Store) -> Result<(), Failure> {
    let owner = match matches.get_one::<String>("owner") {
        Some(name) => Some(find(store, name).await?.id),
        None => None,
    };
    let mut entities: Vec<Entity> = Vec::new();
    loop {
        let after = entities.last().map(|entity| entity.subject.clone());
        let page = store.list_entities(owner, after.as_ref(), AT_ONCE).await?;
        let is_last = page.len() < AT_ONCE;
        entities.extend(page);
        if is_last {
            break;
        }
    }
    let (mut rows, mut objects) = (Vec::new(), Vec::new());
    for entity in entities {
        // Between the two looks a user may go, and the thing with it.
        let Some(user) = store.find_by_id(entity.owner).await? else { continue };
        if matches.get_flag("json") {
            let mut object = serde_json::to_value(EntityView::from(entity))?;
            if let Value::Object(members) = &mut object {
                members.insert("username".to_owned(), json!(user.username.as_str()));
            }
            objects.push(object);
        } else {
            let (permissions, made) = (entity.permissions.to_string(), time(entity.created_at));
            rows.push([entity.subject.to_string(), user.username.to_string(), permissions, made]);
        }
    }
    if matches.get_flag("json") {
        return print_json(&Value::Array(objects));
    }
    print(&table(["THING", "OWNER", "PERMISSIONS", "MADE"], &rows))
}

async fn tokens(store: &dyn Store, thing: &Subject, json: bool) -> Result<(), Failure> {
    store.find_entity(thing).await?.ok_or_else(|| no_such_thing(thing))?;
    let tokens = store.list_entity_tokens(thing, Clock::system().now()).await?;
    if json {
        let tokens = tokens.into_iter().map(|token| serde_json::to_value(EntityTokenView::from(token)));
        return print_json(&tokens.collect::<Result<_, _>>()?);
    }
    let row = |token: EntityToken| {
        let EntityToken { id, name, permissions, created_at, expires_at, .. } = token;
        [id.to_string(), name, permissions.to_string(), time(created_at), time(expires_at)]
    };
    let rows: Vec<_> = tokens.into_iter().map(row).collect();
    print(&table(["TOKEN", "NAME", "PERMISSIONS", "MADE", "UNTIL"], &rows))
}
