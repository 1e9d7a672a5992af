//! `countersign config`: each setting, its value, and where it came from.

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};

use crate::command::output::{print, print_json, table};
use crate::failure::Failure;
use crate::settings::{self, Configuration, Origin};

pub(super) fn declare() -> Command {
    Command::new("config")
        .about("Show each setting, its value, and where it came from")
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
        .args(settings::flags(|_| true))
}

pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let configuration = Configuration::load(&settings::given(matches))?;
    if matches.get_flag("json") {
        let rows: Vec<Value> = configuration
            .rows()
            .map(|(setting, value, origin)| {
                let kind = match origin {
                    Origin::Default => "default",
                    Origin::File(_) => "file",
                    Origin::Environment(_) => "environment",
                    Origin::Flag(_) => "flag",
                };
                json!({ "setting": setting.key(), "value": value, "origin": kind, "source": origin.to_string() })
            })
            .collect();
        return print_json(&Value::Array(rows));
    }
    let rows: Vec<_> =
        configuration.rows().map(|(setting, value, origin)| [setting.key(), value, origin.to_string()]).collect();
    print(&table(["SETTING", "VALUE", "FROM"], &rows))
}
