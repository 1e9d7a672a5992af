//! Any text as the file of settings: it is read, and what it says can be said again; or one line tells what is wrong.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use countersign_server::failure::Failure;
use countersign_server::settings::{Configuration, Given};
use libfuzzer_sys::{Corpus, fuzz_target};

/// The file of this process.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("countersign-fuzz-{}.toml", std::process::id())));

fn shown(configuration: &Configuration) -> Vec<(&'static str, String)> {
    configuration.rows().map(|(setting, value, _)| (setting.name, value)).collect()
}

fuzz_target!(|text: &str| -> Corpus {
    // Some settings name files, and some files have no end.
    if text.contains("dev") || text.contains("proc") {
        return Corpus::Reject;
    }
    std::fs::write(&*FILE, text).expect("a temporary file");
    let loaded = Configuration::load(&Given { file: Some(FILE.clone()), ..Given::default() });
    match loaded {
        Ok(configuration) => {
            let flags = shown(&configuration).into_iter().filter(|(_, value)| !value.is_empty()).collect();
            let again = Configuration::load(&Given { flags, ..Given::default() });
            let again = again.unwrap_or_else(|refused| panic!("what is shown is refused: {refused:?}"));
            assert_eq!(shown(&again), shown(&configuration));
        }
        Err(Failure::Usage(said)) => {
            assert!(said.len() > 20 && said.contains(": "), "{said:?}");
            assert!(!said.contains(char::is_control), "{said:?}");
        }
        Err(Failure::Work(error)) => panic!("{error:?}"),
    }
    Corpus::Keep
});
