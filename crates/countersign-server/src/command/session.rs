//! `countersign session`: who is logged in where, also while the server runs.

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use countersign::http::SessionView;
use countersign::session::{Session, SessionId};
use countersign::store::Store;
use countersign_axum::Clock;
use serde_json::{Value, json};

use crate::command::act::Act;
use crate::command::output::{print, print_json, table, time};
use crate::command::user::find;
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration, Setting};

pub(super) fn declare() -> Command {
    let data = || settings::flags(Setting::is_of_store);
    let user = |help: &'static str| Arg::new("user").long("user").value_name("NAME").help(help);
    Command::new("session")
        .about("See who is logged in where, and end it")
        .subcommand_required(true)
        .subcommand(
            Command::new("list")
                .about("List the sessions, the latest login first")
                .arg(user("Only those of this user, by name or e-mail address"))
                .arg(
                    Arg::new("limit")
                        .long("limit")
                        .value_name("COUNT")
                        .value_parser(value_parser!(u32).range(1..))
                        .default_value("10000")
                        .help("List so many at most, and say if there are more"),
                )
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
                .args(data()),
        )
        .subcommand(
            Command::new("end")
                .about("End a session, or all of a user: its tokens are good no more")
                .arg(Arg::new("id").value_name("ID").help("The session, by the id that `session list` shows"))
                .arg(user("End all sessions of this user, by name or e-mail address"))
                .group(ArgGroup::new("which").args(["id", "user"]).required(true))
                .args(data()),
        )
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let store = DataDirectory::of(&settings).open_existing().await?;
    let user = match matches.get_one::<String>("user") {
        Some(name) => Some(find(store.as_ref(), name).await?),
        None => None,
    };
    if verb == "list" {
        let most =
            matches.get_one("limit").map_or(usize::MAX, |limit: &u32| usize::try_from(*limit).unwrap_or(usize::MAX));
        let (user, now) = (user.map(|user| user.id), Clock::system().now());
        let mut sessions = store.list_sessions(user, now, most.saturating_add(1)).await?;
        if sessions.len() > most {
            sessions.truncate(most);
            eprintln!("There are more than these {most}, the latest: list more by --limit, or those of one by --user.");
        }
        return list(store.as_ref(), sessions, matches.get_flag("json")).await;
    }
    if let Some(user) = user {
        let count = store.end_sessions(user.id).await?;
        Act::new("end all sessions").user(user.id).detail("count", &count).note(store.as_ref()).await;
        return print(&format!("{count} sessions of {} are ended.\n", user.username));
    }
    let id: &String = matches.get_one("id").ok_or_else(|| Failure::usage("name a session"))?;
    let id: SessionId = id.parse().map_err(|error| Failure::usage(format!("{id:?} is no session: {error}")))?;
    if !store.end_session(id, None).await? {
        return Err(Failure::work(format!(
            "there is no session {id}: `countersign session list` shows which there are"
        )));
    }
    Act::new("end session").detail("session", &id).note(store.as_ref()).await;
    print("The session is ended.\n")
}

async fn list(store: &dyn Store, sessions: Vec<Session>, json: bool) -> Result<(), Failure> {
    let mut rows = Vec::with_capacity(sessions.len());
    let mut objects = Vec::with_capacity(sessions.len());
    for session in sessions {
        // Between the two looks a user may go, and the session with it.
        let Some(user) = store.find_by_id(session.user).await? else { continue };
        if json {
            let mut object = serde_json::to_value(SessionView::from(session))?;
            if let Value::Object(members) = &mut object {
                members.insert("username".to_owned(), json!(user.username.as_str()));
            }
            objects.push(object);
        } else {
            let from = session.origin.address.unwrap_or_else(|| "-".to_owned());
            let until = time(session.expires_at);
            rows.push([
                session.id.to_string(),
                user.username.to_string(),
                session.client,
                from,
                time(session.created_at),
                time(session.last_used_at),
                until,
            ]);
        }
    }
    if json {
        return print_json(&Value::Array(objects));
    }
    print(&table(["SESSION", "USER", "CLIENT", "FROM", "SINCE", "LAST USED", "UNTIL"], &rows))
}
