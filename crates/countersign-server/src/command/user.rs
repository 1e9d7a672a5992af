//! `countersign user`: the accounts, also while the server runs; it keeps nothing of them in memory.

mod declare;
mod show;

use std::sync::Arc;

use anyhow::anyhow;
use clap::ArgMatches;
use countersign::accounts::NewAccount;
use countersign::http::UserView;
use countersign::store::{SearchText, Store, UserQuery};
use countersign::user::{EmailAddress, FullName, Login, ScopesChange, User, UserChange, Username};
use countersign_axum::Clock;
use countersign_token::ScopeSet;

use crate::command::act::Act;
use crate::command::output::{print, print_json};
use crate::command::secret;
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration, Settings};
use crate::wiring;

pub(super) use declare::declare;

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let directory = DataDirectory::of(&settings);
    if verb == "add" {
        return add(matches, &settings, &directory).await;
    }
    if verb == "list" {
        return list(matches, directory.open_existing().await?.as_ref()).await;
    }
    let store = directory.open_existing().await?;
    let name: &String = matches.get_one("name").ok_or_else(|| Failure::usage("name a user"))?;
    let user = find(store.as_ref(), name).await?;
    match verb {
        "show" if matches.get_flag("json") => print_json(&serde_json::to_value(UserView::from(user))?),
        "show" => print(&show::text(&user)),
        "set-password" => set_password(matches, &settings, &directory, store, &user).await,
        "unlock" => unlock(&settings, &directory, store, &user).await,
        "disable" => change(store.as_ref(), &user, UserChange { disabled: Some(true), ..UserChange::default() }).await,
        "enable" => change(store.as_ref(), &user, UserChange { disabled: Some(false), ..UserChange::default() }).await,
        "grant" => change_scopes(store.as_ref(), &user, ScopesChange::Grant(scopes(matches)?)).await,
        "revoke" => change_scopes(store.as_ref(), &user, ScopesChange::Revoke(scopes(matches)?)).await,
        "delete" => delete(store.as_ref(), &user).await,
        _ => Ok(()),
    }
}

async fn add(matches: &ArgMatches, settings: &Settings, directory: &DataDirectory) -> Result<(), Failure> {
    let text = |name| matches.get_one::<String>(name).map(String::as_str);
    let username = Username::new(text("name").unwrap_or_default())?;
    let email = text("email").map(EmailAddress::new).transpose()?;
    let full_name = text("full-name").map(FullName::new).transpose()?;
    let is_told = matches.contains_id("scope");
    let scopes = if is_told { scopes(matches)? } else { settings.default_scopes.clone() };
    let password = secret::new_password(matches.get_flag("password-stdin"))?;
    let store = directory.open().await?;
    let accounts = wiring::accounts(settings, store.clone())?;
    let account = NewAccount { username, email, full_name, scopes, password };
    let user = accounts.register(account).await?;
    Act::new("register").user(user.id).note(store.as_ref()).await;
    print(&format!("{} is a user now.\n", user.username))
}

async fn list(matches: &ArgMatches, store: &dyn Store) -> Result<(), Failure> {
    let mut query = UserQuery::default().limit(usize::MAX);
    if let Some(text) = matches.get_one::<String>("search") {
        query = query.search(SearchText::new(text)?);
    }
    let most = matches.get_one("limit").map_or(usize::MAX, |limit: &u32| usize::try_from(*limit).unwrap_or(usize::MAX));
    let mut users = Vec::new();
    let mut next = Some(query);
    while let Some(query) = next.filter(|_| users.len() <= most) {
        let page = store.list(&query).await?;
        users.extend(page.users);
        next = page.next.map(|last| query.after(last));
    }
    if users.len() > most {
        users.truncate(most);
        eprintln!("There are more than these {most}, who came first: list more by --limit, or some by --search.");
    }
    users.sort_by(|one, other| one.username.as_str().cmp(other.username.as_str()));
    if matches.get_flag("json") {
        return print_json(
            &users.into_iter().map(|user| serde_json::to_value(UserView::from(user))).collect::<Result<_, _>>()?,
        );
    }
    print(&show::list(&users))
}

async fn set_password(
    matches: &ArgMatches,
    settings: &Settings,
    directory: &DataDirectory,
    store: Arc<dyn Store>,
    user: &User,
) -> Result<(), Failure> {
    let password = secret::new_password(matches.get_flag("password-stdin"))?;
    let accounts = wiring::accounts(settings, store.clone())?;
    // What is counted is found by the sealing key; a machine that has none sets passwords all the same.
    let (accounts, about_wrong_ones) = match wiring::throttles(settings, directory, store.clone()).await {
        Ok(throttles) => (accounts.throttled(throttles), String::new()),
        Err(error) => (
            accounts,
            format!("Wrong passwords before may keep them waiting, since they could not be forgotten: {error:#}.\n"),
        ),
    };
    accounts.set_password(user.id, password).await?;
    Act::new("set password").user(user.id).note(store.as_ref()).await;
    print(&format!("{} has a new password.\n{about_wrong_ones}", user.username))
}

async fn unlock(
    settings: &Settings,
    directory: &DataDirectory,
    store: Arc<dyn Store>,
    user: &User,
) -> Result<(), Failure> {
    let throttles = wiring::throttles(settings, directory, store.clone()).await?;
    throttles.forgive(user).await?;
    Act::new("unlock").user(user.id).note(store.as_ref()).await;
    print(&format!("{} may try again.\n", user.username))
}

async fn change(store: &dyn Store, user: &User, change: UserChange) -> Result<(), Failure> {
    let changed = store.update(user.id, &change, Clock::system().now()).await?;
    let user = changed.ok_or_else(|| anyhow!("{} was deleted at the same moment", user.username))?;
    let act = Act::new("change user").user(user.id).detail("scopes", &user.scopes);
    act.detail("disabled", &user.disabled).note(store).await;
    print(&show::text(&user))
}

async fn change_scopes(store: &dyn Store, user: &User, scopes: ScopesChange) -> Result<(), Failure> {
    change(store, user, UserChange { scopes, ..UserChange::default() }).await
}

async fn delete(store: &dyn Store, user: &User) -> Result<(), Failure> {
    store.delete(user.id).await?;
    Act::new("delete user").user(user.id).note(store).await;
    print(&format!("{} is gone.\n", user.username))
}

/// The user whose name or e-mail address this is.
pub(super) async fn find(store: &dyn Store, name: &str) -> Result<User, Failure> {
    let found = store.find_credentials(&Login::parse(name)).await?;
    let found =
        found.ok_or_else(|| anyhow!("there is no user {name:?}: `countersign user list` shows who there is"))?;
    Ok(found.user)
}

/// The scopes of the command line, each argument one or several.
fn scopes(matches: &ArgMatches) -> Result<ScopeSet, Failure> {
    let mut scopes = ScopeSet::default();
    for text in matches.get_many::<String>("scope").into_iter().flatten() {
        let more = ScopeSet::parse(text).map_err(|error| Failure::usage(format!("--scope {text:?}: {error}")))?;
        scopes = scopes.union(&more);
    }
    Ok(scopes)
}
