//! `countersign openapi`: the document, without a server.

use clap::{ArgMatches, Command};

use crate::command::output::print_json;
use crate::failure::Failure;
use crate::settings::{self, Configuration, Settings};

pub(super) fn declare() -> Command {
    Command::new("openapi")
        .about("Print the OpenAPI document of the server")
        .args(settings::flags(|setting| ["error-style", "profile"].contains(&setting.name)))
}

pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let configuration = Configuration::load(&settings::given(matches))?;
    let Settings { error_style, profile, .. } = configuration.settings;
    let document = countersign::http::document(error_style, profile);
    let document = serde_json::to_value(document)?;
    print_json(&document)
}
