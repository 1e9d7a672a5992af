//! What the compiler says of the usual mistakes: each file of `tests/compile_fail` is compiled, and fails with the
//! words of its snapshot.
//!
//! `rustc` is called by itself, with the libraries that the tests of the workspace are built with. A package of its own
//! for these files would build all dependencies again, which takes minutes.
#![cfg(feature = "openapi")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// What the files use.
const CRATES: [&str; 4] = ["axum", "countersign_axum", "utoipa", "utoipa_axum"];

#[test]
fn a_mistake_is_answered_with_what_to_do() {
    let libraries = libraries();
    let folder = Path::new("tests/compile_fail");
    let mut files: Vec<PathBuf> = folder
        .read_dir()
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| has_extension(path, "rs"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("compile_fail");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for file in files {
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            insta::assert_snapshot!(name, compile(&file, &libraries));
        }
    });
}

/// Always with the features of the whole workspace: there nothing is built twice, and the words depend on no choice.
fn libraries() -> BTreeMap<&'static str, PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--locked", "--workspace", "--all-features", "--test", "compile_fail"])
        .args(["--message-format", "json"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("UTF-8");
    let messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut libraries = BTreeMap::new();
    for message in messages.filter(|message| message["reason"] == "compiler-artifact") {
        let Some(name) = CRATES.into_iter().find(|name| message["target"]["name"] == *name) else { continue };
        let files = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str).map(PathBuf::from);
        libraries.extend(files.filter(|file| has_extension(file, "rlib")).map(|file| (name, file)));
    }
    assert_eq!(libraries.len(), CRATES.len(), "{libraries:?}");
    libraries
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// What the compiler says of `file`.
fn compile(file: &Path, libraries: &BTreeMap<&'static str, PathBuf>) -> String {
    // Code is generated, because a scope's name is not looked at before.
    let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file.with_extension("o").file_name().expect("a name"));
    let mut compiler = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    compiler.args(["--edition", "2024", "--crate-type", "lib", "--emit", "obj", "--error-format", "json"]);
    compiler.args(["-A", "warnings", "-o"]).arg(object).arg(file);
    for (name, path) in libraries {
        compiler.arg("--extern").arg(format!("{name}={}", path.display()));
        compiler.arg("-L").arg(format!("dependency={}", path.parent().expect("a folder").display()));
    }
    let output = compiler.output().expect("rustc runs");
    assert!(!output.status.success(), "{} compiles", file.display());
    let messages = String::from_utf8(output.stderr).expect("UTF-8");
    let messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    messages.filter(|message| message["spans"] != json!([])).map(|message| told(&message, file)).collect()
}

/// One message, without what changes for no reason of ours: places in other files, and types of other crates.
fn told(message: &Value, file: &Path) -> String {
    let mut told = format!("error: {}\n", text(&message["message"]));
    for span in message["spans"].as_array().into_iter().flatten() {
        let written = written(span);
        if Path::new(text(&written["file_name"])) == file {
            let marked = written["text"].as_array().into_iter().flatten().map(marked).collect::<Vec<_>>().join(" ");
            writeln!(told, "  line {} `{marked}` {}", written["line_start"], text(&span["label"])).expect("a string");
        }
    }
    for child in message["children"].as_array().into_iter().flatten() {
        let text = text(&child["message"]);
        let incidental = ["the following other types", "the full name for the type", "consider using `--verbose`"];
        if !incidental.iter().any(|start| text.starts_with(start)) {
            writeln!(told, "  {}: {text}", child["level"].as_str().expect("a level")).expect("a string");
        }
    }
    told + "\n"
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Where the program has what a macro made of it.
fn written(mut span: &Value) -> &Value {
    while !span["expansion"].is_null() {
        span = &span["expansion"]["span"];
    }
    span
}

/// The part of a line that a span marks.
fn marked(line: &Value) -> String {
    let column = |end: &str| line[end].as_u64().and_then(|column| usize::try_from(column).ok()).expect("a column");
    let (start, end) = (column("highlight_start"), column("highlight_end"));
    text(&line["text"]).chars().skip(start - 1).take(end - start).collect()
}
