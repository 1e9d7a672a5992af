//! `countersign hash`: what the passwords of all users are hashed with, and what this machine can afford.

mod calibrate;
mod report;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration};

pub(super) fn declare() -> Command {
    let json = || Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON");
    Command::new("hash")
        .about("Look at the password hashes, and at what this machine can afford")
        .subcommand_required(true)
        .subcommand(
            Command::new("report")
                .about("Count the users by how their passwords are hashed, and those whose hash was upgraded")
                .arg(json())
                .args(settings::flags(|setting| setting.is_of_store() || is_of_hashes(setting.name))),
        )
        .subcommand(
            Command::new("calibrate")
                .about("Measure this machine, and propose the cost of new hashes and the memory for them")
                .arg(
                    Arg::new("milliseconds")
                        .long("milliseconds")
                        .value_name("COUNT")
                        .default_value("250")
                        .value_parser(value_parser!(u64).range(1..=1000))
                        .help("The longest that a hash may take while all threads hash, 1 to 1000"),
                )
                .arg(json())
                .args(settings::flags(|setting| {
                    ["hash-threads", "hash-budget-mib", "hash-kernel"].contains(&setting.name)
                })),
        )
}

/// Whether a setting says what new hashes are.
fn is_of_hashes(name: &str) -> bool {
    ["hash-memory-kib", "hash-iterations", "hash-parallelism", "pepper-file", "foreign-hashes"].contains(&name)
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let json = matches.get_flag("json");
    if verb == "calibrate" {
        let milliseconds = matches.get_one("milliseconds").copied().unwrap_or_default();
        return calibrate::run(&settings, std::time::Duration::from_millis(milliseconds), json);
    }
    let store = DataDirectory::of(&settings).open_existing().await?;
    report::run(store.as_ref(), &settings, json).await
}
