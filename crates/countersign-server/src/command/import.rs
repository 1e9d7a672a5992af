//! `countersign import`: users of other programs, also while the server runs.

mod summary;

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write, stderr, stdin};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign::import::{self, Format, Item, ReadError};
use countersign::store::UserStore;
use countersign::store::sqlite::SqliteStore;
use countersign::user::NewUser;
use countersign_axum::Clock;
use tokio::sync::mpsc;

use crate::command::import::summary::Summary;
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration};

/// Users that are taken over in one step: one flush of the disk for all.
const BATCH: usize = 1000;
/// Bytes from which the format is guessed.
const BEGINNING: usize = 64 * 1024;

pub(super) fn declare() -> Command {
    let formats = Format::ALL.map(|(name, _)| name);
    Command::new("import").about("Take users over from other programs").subcommand_required(true).subcommand(
        Command::new("users")
            .about("Take users over with their password hashes; whoever is here already is left alone")
            .arg(Arg::new("file").value_name("FILE").required(true).help("The file of users; - is standard input"))
            .arg(
                Arg::new("format")
                    .long("format")
                    .value_name("FORMAT")
                    .value_parser(formats)
                    .help("The format of the file. Without it: what it looks like"),
            )
            .arg(
                Arg::new("check")
                    .long("check")
                    .action(ArgAction::SetTrue)
                    .help("Change nothing, and say what would become of each user"),
            )
            .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print the summary as JSON"))
            .args(settings::flags(|setting| setting.name == "data")),
    )
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(matches) = matches.subcommand_matches("users") else { return Ok(()) };
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let name: &String = matches.get_one("file").ok_or_else(|| Failure::usage("name a file"))?;
    let mut file = open(name)?;
    let format = match matches.get_one::<String>("format") {
        Some(name) => {
            Format::ALL.into_iter().find(|(known, _)| known == name).map_or(Format::Csv, |(_, format)| format)
        }
        None => Format::guess(file.fill_buf().with_context(|| format!("cannot read {name}"))?),
    };
    let directory = DataDirectory::at(&settings.data);
    let is_check = matches.get_flag("check");
    let rehearsal = if is_check { Some(Rehearsal::over(&settings.data, &directory).await?) } else { None };
    let store = match &rehearsal {
        Some(rehearsal) => Arc::clone(&rehearsal.store),
        None => directory.open()?,
    };
    let mut summary = Summary::new(is_check);
    take_over(store.as_ref(), read(format, file), &mut summary).await?;
    summary.print(matches.get_flag("json"))
}

fn open(name: &str) -> Result<Box<dyn BufRead + Send>, Failure> {
    let file: Box<dyn Read + Send> = if name == "-" {
        Box::new(stdin())
    } else {
        Box::new(File::open(name).with_context(|| format!("cannot read {name}"))?)
    };
    Ok(Box::new(BufReader::with_capacity(BEGINNING, file)))
}

/// What a reader of its own hands over; it waits when nobody takes.
struct Reading {
    items: mpsc::Receiver<Item>,
    end: std::thread::JoinHandle<Result<(), ReadError>>,
}

fn read(format: Format, file: Box<dyn BufRead + Send>) -> Reading {
    let (sender, items) = mpsc::channel(BATCH);
    let end = std::thread::spawn(move || import::read(format, file, &mut |item| sender.blocking_send(item).is_ok()));
    Reading { items, end }
}

async fn take_over(store: &dyn UserStore, mut reading: Reading, summary: &mut Summary) -> Result<(), Failure> {
    let now = Clock::system().now();
    let mut batch: Vec<(usize, NewUser)> = Vec::with_capacity(BATCH);
    while let Some((place, record)) = reading.items.recv().await {
        match record.and_then(|record| record.to_new_user(now)) {
            Ok(user) => batch.push((place, user)),
            Err(error) => summary.refuse(place, &error),
        }
        if batch.len() == BATCH {
            import_batch(store, &mut batch, summary).await?;
        }
    }
    import_batch(store, &mut batch, summary).await?;
    progress(summary, true);
    let end = reading.end.join().map_err(|_| Failure::work("the reader of the file failed"))?;
    Ok(end.context("what was read before was taken over")?)
}

async fn import_batch(
    store: &dyn UserStore,
    batch: &mut Vec<(usize, NewUser)>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let (places, users): (Vec<usize>, Vec<NewUser>) = batch.drain(..).unzip();
    let outcomes = store.import(&users).await?;
    for ((place, user), outcome) in places.into_iter().zip(&users).zip(outcomes) {
        summary.count(place, user, outcome);
    }
    progress(summary, false);
    Ok(())
}

/// How far it is, over and over in one line of a terminal.
fn progress(summary: &Summary, is_end: bool) {
    let mut stderr = stderr();
    if stderr.is_terminal() {
        let end = if is_end { "\n" } else { "" };
        // A terminal that is gone has nobody in front of it.
        let _ = write!(stderr, "\r{} users read{end}", summary.read());
    }
}

/// A copy of the database, in which an import is tried; gone when this is dropped.
struct Rehearsal {
    store: Arc<SqliteStore>,
    folder: PathBuf,
}

impl Rehearsal {
    async fn over(data: &Path, directory: &DataDirectory) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("countersign-check-{}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).create(&folder).context("cannot make a folder for the check")?;
        let copy = folder.join("countersign.db");
        let opened = async {
            if data.exists() {
                directory.open_existing()?.copy_to(&copy).await?;
            }
            anyhow::Ok(SqliteStore::open(&copy)?)
        };
        match opened.await {
            Ok(store) => Ok(Self { store: Arc::new(store), folder }),
            Err(error) => {
                let _ = std::fs::remove_dir_all(&folder);
                Err(error.into())
            }
        }
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
