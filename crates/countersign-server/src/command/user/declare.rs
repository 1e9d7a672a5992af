//! The command line of `countersign user`.

use clap::{Arg, ArgAction, Command, value_parser};

use crate::settings::{self, Setting};

/// The verbs and their arguments.
pub(in crate::command) fn declare() -> Command {
    let named =
        |verb: &'static str, about: &'static str| command(verb, about).arg(name("A user name or an e-mail address"));
    Command::new("user").about("Make, look at and change the users").subcommand_required(true).subcommands([
        hashing("add", "Make a user; the password is asked for")
            .arg(name("The user name"))
            .arg(Arg::new("email").long("email").value_name("E-MAIL").help("The e-mail address"))
            .arg(Arg::new("full-name").long("full-name").value_name("NAME").help("The name to show"))
            .arg(
                Arg::new("scope")
                    .long("scope")
                    .value_name("SCOPE")
                    .num_args(1..)
                    .action(ArgAction::Append)
                    .help("What the user may do; several may follow [default: the setting default-scopes]"),
            )
            .arg(password_stdin()),
        command("list", "List the users")
            .arg(
                Arg::new("search")
                    .long("search")
                    .value_name("TEXT")
                    .help("Only those whose name or address contains this"),
            )
            .arg(
                Arg::new("limit")
                    .long("limit")
                    .value_name("COUNT")
                    .value_parser(value_parser!(u32).range(1..))
                    .help("List so many at most, and say if there are more"),
            )
            .arg(json()),
        named("show", "Show a user").arg(json()),
        hashing(
            "set-password",
            "Give a user a new password; their tokens end with it, and wrong ones before are forgotten",
        )
        .arg(name("A user name or an e-mail address"))
        .arg(password_stdin()),
        named("unlock", "Forget wrong passwords, for a user whom they keep waiting"),
        named("disable", "Lock a user out at once; their tokens end with it"),
        named("enable", "Let a disabled user in again"),
        named("delete", "Delete a user for good"),
        named("grant", "Allow a user more scopes").arg(scopes()),
        named("revoke", "Take scopes from a user").arg(scopes()),
    ])
}

fn command(verb: &'static str, about: &'static str) -> Command {
    Command::new(verb).about(about).args(settings::flags(Setting::is_of_store))
}

/// A command that hashes a password.
fn hashing(verb: &'static str, about: &'static str) -> Command {
    let needed = [
        "hash-memory-kib",
        "hash-iterations",
        "hash-parallelism",
        "pepper-file",
        "password-list",
        "breached-passwords",
    ];
    Command::new(verb)
        .about(about)
        .args(settings::flags(move |setting| setting.is_of_store() || needed.contains(&setting.name)))
}

fn name(help: &'static str) -> Arg {
    Arg::new("name").value_name("NAME").required(true).help(help)
}

fn scopes() -> Arg {
    Arg::new("scope").value_name("SCOPE").required(true).num_args(1..).help("One scope or several")
}

fn json() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON")
}

fn password_stdin() -> Arg {
    Arg::new("password-stdin")
        .long("password-stdin")
        .action(ArgAction::SetTrue)
        .help("Read the password from standard input: one line")
}
