//! The flags of the settings, for the command line.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, value_parser};

use crate::settings::source::Given;
use crate::settings::table::{CONFIG_FILE_VARIABLE, Setting, TABLE};

/// `--config`, and the flags of those settings that a command needs.
pub fn flags(is_needed: impl Fn(&Setting) -> bool) -> impl Iterator<Item = Arg> {
    let file = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(format!("A TOML file of settings [env: {CONFIG_FILE_VARIABLE}]"));
    std::iter::once(file).chain(TABLE.iter().filter(move |setting| is_needed(setting)).map(flag))
}

fn flag(setting: &Setting) -> Arg {
    let default = setting.default_text();
    let default = if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
    Arg::new(setting.name).long(setting.name).value_name(setting.value).allow_hyphen_values(true).help(format!(
        "{} [env: {}]{default}",
        setting.help,
        setting.variable()
    ))
}

/// What was given: by the flags that a command declared, and by the environment.
pub fn given(matches: &ArgMatches) -> Given {
    let flags = TABLE.iter().filter_map(|setting| {
        let value = matches.try_get_one::<String>(setting.name).ok().flatten()?;
        Some((setting.name, value.clone()))
    });
    Given {
        flags: flags.collect(),
        file: matches.get_one::<PathBuf>("config").cloned(),
        environment: std::env::vars_os().collect(),
    }
}
