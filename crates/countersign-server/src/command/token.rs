//! `countersign token`: what stands in a token.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::json;

use crate::command::output::print_json;
use crate::command::secret;
use crate::failure::Failure;

pub(super) fn declare() -> Command {
    Command::new("token").about("Look at tokens").subcommand_required(true).subcommand(
        Command::new("inspect").about("Print what a token says about itself; nothing of it is verified").arg(
            Arg::new("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Where the token stands [default: standard input]"),
        ),
    )
}

pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let file = matches.subcommand_matches("inspect").and_then(|inspect| inspect.get_one::<PathBuf>("file"));
    let token = match file {
        None => secret::line(io::stdin().lock(), "the token")?,
        Some(path) if looks_like_a_token(&path.to_string_lossy()) => {
            return Err(Failure::usage(
                "a token is a secret and not for the command line: give it on standard input or name a file that holds it",
            ));
        }
        Some(path) => {
            let file = File::open(path).map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
            secret::line(file, "the token")?
        }
    };
    let seen = countersign_token::inspect(token.trim())
        .map_err(|error| Failure::work(format!("this is not a token: {error}")))?;
    eprintln!("Not verified: anybody could have written this.");
    print_json(&json!({ "header": seen.header, "claims": seen.claims }))
}

fn looks_like_a_token(text: &str) -> bool {
    text.starts_with("ey") && text.matches('.').count() == 2
}
