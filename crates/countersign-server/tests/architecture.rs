//! The rules of the house that a test can hold: modules import one way, files stay short, SQL stays in the stores.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The most lines of a file before its tests.
const LONGEST_FILE: usize = 400;

/// A source file of a crate.
struct Source {
    path: PathBuf,
    /// `["store", "sqlite"]` for `src/store/sqlite/mod.rs`; empty for `src/lib.rs`.
    module: Vec<String>,
    /// Its text before its tests.
    text: String,
}

#[test]
fn modules_import_only_from_modules_declared_above_them() {
    let mut wrong = Vec::new();
    for sources in crates() {
        let order = declared_order(&sources);
        for source in &sources {
            for import in imports(&source.text) {
                let Some((theirs, ours)) = where_they_part(&import, &source.module) else { continue };
                let place = |module: &[String]| order.get(module).copied();
                if let (Some(theirs_at), Some(ours_at)) = (place(theirs), place(ours))
                    && theirs_at > ours_at
                {
                    wrong.push(format!("{}: crate::{}", source.path.display(), import.join("::")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports from a module below:\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_below_400_lines_before_their_tests() {
    let long: Vec<_> = crates()
        .flatten()
        .filter(|source| source.text.lines().count() >= LONGEST_FILE)
        .map(|source| format!("{} lines: {}", source.text.lines().count(), source.path.display()))
        .collect();
    assert!(long.is_empty(), "split by meaning:\n{}", long.join("\n"));
}

#[test]
fn sql_stands_under_store_and_nowhere_else() {
    let statements = ["SELECT ", "INSERT INTO", "DELETE FROM", "PRAGMA ", "BEGIN IMMEDIATE"];
    let is_sql = |line: &str| !line.trim_start().starts_with("//") && statements.iter().any(|sql| line.contains(sql));
    let strays: Vec<_> = crates()
        .flatten()
        .filter(|source| source.module.first().is_none_or(|first| first != "store"))
        .filter(|source| source.text.lines().any(is_sql))
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(strays.is_empty(), "SQL outside the stores:\n{}", strays.join("\n"));
}

/// The examples, and how many lines of Python their originals have, counted alike.
const EXAMPLES: [(&str, usize); 4] = [("article", 72), ("fastapi-docs", 101), ("lesson", 37), ("cookbook", 160)];

#[test]
fn the_examples_are_no_longer_than_their_originals_and_the_readme_says_how_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    for (name, most) in EXAMPLES {
        let src = root.join("examples").join(name).join("src");
        let mut sources = Vec::new();
        collect(&src, &src, &mut sources);
        let lines: usize = sources.iter().map(|source| lines_of_code(&source.text)).sum();
        assert!(lines > 0 && lines <= most, "{name}: {lines} lines, the original has {most}");
        let row = readme
            .lines()
            .find(|line| line.starts_with("| ") && line.contains(&format!("(examples/{name})")))
            .unwrap_or_default();
        assert!(row.contains(&format!("| {lines} |")), "README: {name} has {lines} lines: {row}");
    }
}

#[test]
fn what_the_pages_of_the_repository_link_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = Vec::new();
    for folder in [".", "docs", "crates/countersign-axum/guide"] {
        let files = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    let mut broken = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        let labels =
            text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ")).map(|(_, target)| target);
        let local = targets.chain(labels).filter(|target| !target.contains("://") && !target.starts_with('#'));
        broken.extend(
            local.filter(|target| !page.with_file_name(target).exists()).map(|target| (page, target.to_owned())),
        );
    }
    assert!(pages.len() > 10 && broken.is_empty(), "{broken:#?}");
}

/// Lines that are not blank, no comment and no import.
fn lines_of_code(text: &str) -> usize {
    let mut in_import = false;
    let counts = |line: &&str| {
        let line = line.trim();
        let import = in_import || line.starts_with("use ");
        in_import = import && !line.ends_with(';');
        !import && !line.is_empty() && !line.starts_with("//")
    };
    text.lines().filter(counts).count()
}

/// The sources of each crate of the workspace.
fn crates() -> impl Iterator<Item = Vec<Source>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut crates: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("src")).collect();
    crates.sort();
    assert!(crates.len() >= 5, "the crates lie in {}", folder.display());
    crates.into_iter().map(|src| {
        let mut sources = Vec::new();
        collect(&src, &src, &mut sources);
        sources
    })
}

fn collect(src: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(src, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let whole = fs::read_to_string(&path).unwrap();
            let text = whole.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
            sources.push(Source { module: module_of(src, &path), path, text });
        }
    }
}

fn module_of(src: &Path, path: &Path) -> Vec<String> {
    let inside = path.strip_prefix(src).unwrap().with_extension("");
    let mut module: Vec<_> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// Where each module stands in its parent's list.
fn declared_order(sources: &[Source]) -> HashMap<Vec<String>, usize> {
    let mut order = HashMap::new();
    for source in sources {
        for (place, line) in source.text.lines().enumerate() {
            let line = line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line);
            if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
                let mut module = source.module.clone();
                module.push(name.to_owned());
                order.insert(module, place);
            }
        }
    }
    order
}

/// The paths after `crate::` in code, not in comments.
fn imports(text: &str) -> Vec<Vec<String>> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1).map(path_at_start).collect::<Vec<_>>()).collect()
}

fn path_at_start(text: &str) -> Vec<String> {
    let end = text.find(|char: char| !(char.is_alphanumeric() || char == '_' || char == ':')).unwrap_or(text.len());
    text[..end].split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The two siblings at which a path and a module part ways; nothing when one lies in the other.
fn where_they_part<'a>(path: &'a [String], module: &'a [String]) -> Option<(&'a [String], &'a [String])> {
    let common = path.iter().zip(module).take_while(|(theirs, ours)| theirs == ours).count();
    Some((path.get(..=common)?, module.get(..=common)?))
}

#[test]
fn the_check_itself_sees_an_import_from_below() {
    let source = |module: &[&str], text: &str| Source {
        path: PathBuf::new(),
        module: module.iter().map(|&part| part.to_owned()).collect(),
        text: text.to_owned(),
    };
    let sources = [source(&[], "mod low;\npub mod high;\n"), source(&["low"], "use crate::high::Thing;\n")];
    let order = declared_order(&sources);
    let import = imports(&sources[1].text).remove(0);
    let (theirs, ours) = where_they_part(&import, &sources[1].module).unwrap();
    assert!(order[theirs] > order[ours]);
}
