//! `countersign audit`: what was done, by whom, when and from where; also while the server runs.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use countersign::audit::{AuditQuery, AuditRecord};
use countersign::http::AuditRecordView;
use countersign::store::Store;
use countersign::user::UserId;
use serde_json::Value;

use crate::command::output::{print, print_json, table, time_ms};
use crate::command::user::find;
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration, Setting};

/// Records that are read in one step.
const AT_ONCE: usize = 1000;

pub(super) fn declare() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let which = [
        text("event", "NAME", "Only acts with this name, such as `login`"),
        text("user", "NAME", "Only acts about this user, by name, e-mail address or id (of one who is gone)"),
        text("by", "WHO", "Only acts by this account's id, or by `command line`"),
        text("client", "ID", "Only acts of this client"),
        text("source", "ADDRESS", "Only acts from this address"),
        text("since", "TIME", "Only acts at this time or later, such as 2026-01-31T12:00:00Z"),
        text("until", "TIME", "Only acts before this time"),
    ];
    let data = || settings::flags(Setting::is_of_store);
    Command::new("audit")
        .about("See what was done: logins, refusals, changes of accounts, clients and keys")
        .subcommand_required(true)
        .subcommand(
            Command::new("list")
                .about("List the latest acts, the last one first")
                .args(&which)
                .arg(
                    Arg::new("limit")
                        .long("limit")
                        .value_name("COUNT")
                        .value_parser(value_parser!(u32).range(1..))
                        .default_value("50")
                        .help("List so many at most, and say if there are more"),
                )
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
                .args(data()),
        )
        .subcommand(
            Command::new("export")
                .about("Print all acts as JSON, one a line, the oldest first")
                .args(&which)
                .args(data()),
        )
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let bounds = (seconds(matches, "since")?, seconds(matches, "until")?);
    let store = DataDirectory::of(&settings).open_existing().await?;
    let mut query = query(matches, store.as_ref()).await?;
    query.oldest_first = verb == "export";
    query = bounds.0.map_or(query.clone(), |since| query.since(since));
    query = bounds.1.map_or(query.clone(), |until| query.until(until));
    if verb == "export" { export(store.as_ref(), query).await } else { list(matches, store.as_ref(), query).await }
}

async fn query(matches: &ArgMatches, store: &dyn Store) -> Result<AuditQuery, Failure> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let user = match text("user") {
        // What was done about somebody outlives them.
        Some(id) if id.parse::<UserId>().is_ok() => Some(id),
        Some(name) => Some(find(store, &name).await?.id.to_string()),
        None => None,
    };
    let (event, by, client, source) = (text("event"), text("by"), text("client"), text("source"));
    Ok(AuditQuery { event, user, by, client, source, ..AuditQuery::default() })
}

fn seconds(matches: &ArgMatches, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = matches.get_one::<String>(name) else { return Ok(None) };
    let time: Result<jiff::Timestamp, _> = text.parse();
    let time = time.map_err(|_| Failure::usage(format!("--{name}: write a time such as 2026-01-31T12:00:00Z")))?;
    Ok(Some(time.as_second()))
}

async fn list(matches: &ArgMatches, store: &dyn Store, query: AuditQuery) -> Result<(), Failure> {
    let most = matches.get_one("limit").map_or(usize::MAX, |limit: &u32| usize::try_from(*limit).unwrap_or(usize::MAX));
    let mut records = Vec::new();
    let mut next = Some(query);
    while let Some(query) = next.filter(|_| records.len() < most) {
        let query = AuditQuery { limit: most - records.len(), ..query };
        let page = store.list_records(&query).await?;
        records.extend(page.records);
        next = page.next.map(|last| query.go_on(last));
        if next.is_some() && records.len() >= most {
            eprintln!("There are more than these {most}, the latest: list more by --limit, or export all.");
        }
    }
    if matches.get_flag("json") {
        let records = records.into_iter().map(|record| serde_json::to_value(AuditRecordView::from(record)));
        return print_json(&Value::Array(records.collect::<Result<_, _>>()?));
    }
    let rows: Vec<_> = records.into_iter().map(row).collect();
    print(&table(["TIME", "EVENT", "OUTCOME", "USER", "BY", "CLIENT", "FROM", "MORE"], &rows))
}

fn row(record: AuditRecord) -> [String; 8] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let times = (record.times > 1).then(|| format!("{} times", record.times));
    let detail = record.detail.iter().map(|(name, value)| format!("{name}={value}"));
    let more: Vec<String> = record.cause.into_iter().chain(times).chain(detail).collect();
    [
        time_ms(record.id.millis()),
        record.event,
        or_dash(record.outcome),
        or_dash(record.user),
        or_dash(record.by),
        or_dash(record.client),
        or_dash(record.source),
        more.join(", "),
    ]
}

async fn export(store: &dyn Store, query: AuditQuery) -> Result<(), Failure> {
    let mut next = Some(AuditQuery { limit: AT_ONCE, ..query });
    while let Some(query) = next {
        let page = store.list_records(&query).await?;
        let mut lines = String::new();
        for record in page.records {
            lines.push_str(&serde_json::to_string(&AuditRecordView::from(record))?);
            lines.push('\n');
        }
        print(&lines)?;
        next = page.next.map(|last| query.go_on(last));
    }
    Ok(())
}
