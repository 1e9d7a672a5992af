//! docs/configuration.md, made from the table.

use std::fmt::Write;

use crate::settings::table::{CONFIG_FILE_VARIABLE, TABLE};

/// The reference page of all settings, in Markdown.
pub fn reference() -> String {
    let mut page = format!(
        "# Configuration\n\n\
         <!-- Made from the table of settings; `UPDATE_REFERENCE=1 cargo test -p countersign-server --test configuration` writes it anew. -->\n\n\
         Each setting can be given as a flag, as an environment variable, or in one TOML file that `--config FILE` or\n\
         `{CONFIG_FILE_VARIABLE}` names. A flag beats a variable, a variable beats the file. What is unknown or cannot be read\n\
         stops the program with exit code 2 before it does anything. Relative paths start from the working directory, in the\n\
         file from the file's folder. An empty variable counts as not set. `countersign config` shows what holds and where it\n\
         came from.\n\n\
         No setting is a secret but a password in the URL of the database, which is shown nowhere: other passwords come from a\n\
         prompt or from standard input, keys live in the data directory.\n\n\
         | flag | variable | key | default | what |\n|---|---|---|---|---|\n"
    );
    for setting in TABLE {
        let default = match setting.name {
            // Of the machine, or of another setting: the text says which.
            "issuer" | "audience" | "hash-threads" | "hash-budget-mib" | "hash-queue" => String::new(),
            _ => setting.default_text(),
        };
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let row = [
            format!("`{} {}`", setting.flag(), setting.value.replace('|', "\\|")),
            format!("`{}`", setting.variable()),
            format!("`{}`", setting.key()),
            default,
            setting.help.to_owned(),
        ];
        let _ = writeln!(page, "| {} |", row.join(" | "));
    }
    page
}
