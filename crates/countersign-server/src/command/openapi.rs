//! `countersign openapi`: the document, without a server.

use clap::{ArgMatches, Command};

use crate::command::output::print_json;
use crate::failure::Failure;
use crate::settings::{self, Configuration};

pub(super) fn declare() -> Command {
    Command::new("openapi")
        .about("Print the OpenAPI document of the server")
        .args(settings::flags(|setting| setting.name == "error-style"))
}

pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let configuration = Configuration::load(&settings::given(matches))?;
    let document = countersign::http::document(configuration.settings.error_style);
    let document = serde_json::to_value(document)?;
    print_json(&document)
}
