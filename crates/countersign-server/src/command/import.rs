//! `countersign import`: users of other programs, also while the server runs.

mod summary;

use std::fs::File;
use std::io::{Read, stdin};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign::import::{self, Format, Found, Item, Newcomer, ReadError};
use countersign::store::sqlite::Rehearsal;
use countersign::store::{Imported, Store, StoreError};
use countersign_axum::Clock;
use tokio::sync::mpsc;

use crate::command::act::Act;
use crate::command::import::summary::Summary;
use crate::command::progress::Progress;
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::settings::{self, Configuration, Setting};

/// Users that are taken over in one step: one flush of the disk for all.
const BATCH: usize = 1000;
/// Users that are read ahead.
const AHEAD: usize = 64;
/// How long batches follow one another before whoever else writes, such as a server, gets a turn.
const LONGEST_TURN: Duration = Duration::from_secs(1);
/// How long that turn is: who waits for the database looks again at least every tenth of a second, and for three seconds.
const TURN_OF_OTHERS: Duration = Duration::from_millis(110);

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
            .args(settings::flags(Setting::is_of_store)),
    )
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(matches) = matches.subcommand_matches("users") else { return Ok(()) };
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let name: &String = matches.get_one("file").ok_or_else(|| Failure::usage("name a file"))?;
    let file = open(name).with_context(|| format!("cannot read {name}"))?;
    let format = matches.get_one::<String>("format");
    let format = format.and_then(|name| Format::ALL.into_iter().find(|(known, _)| known == name));
    let is_check = matches.get_flag("check");
    let directory = DataDirectory::of(&settings);
    let mut destination = if is_check {
        Destination::Rehearsal(Some(Box::new(directory.rehearsal().await?)))
    } else {
        Destination::Store(directory.open().await?, Duration::ZERO)
    };
    let progress = Progress::through(&file);
    let reading = Reading::begin(format.map(|(_, format)| format), progress.counting(file));
    let mut summary = Summary::new(is_check, progress);
    let end = take_over(&mut destination, reading, &mut summary).await;
    if let Destination::Store(store, _) = &destination {
        Act::new("import users").detail("added", &summary.added()).note(store.as_ref()).await;
    }
    summary.print(matches.get_flag("json"))?;
    end?;
    summary.verdict()
}

/// A file is read past the buffer of standard input, so that both are one kind of thing.
fn open(name: &str) -> std::io::Result<File> {
    if name == "-" { Ok(File::from(stdin().as_fd().try_clone_to_owned()?)) } else { File::open(name) }
}

/// Where users go.
enum Destination {
    /// With how long it was written to since others had their turn.
    Store(Arc<dyn Store>, Duration),
    /// `None` while it works, on a thread that may wait.
    Rehearsal(Option<Box<Rehearsal>>),
}

impl Destination {
    async fn import(&mut self, newcomers: &[Newcomer]) -> Result<Vec<Imported>, StoreError> {
        match self {
            Self::Store(store, turn) => {
                if *turn > LONGEST_TURN {
                    tokio::time::sleep(TURN_OF_OTHERS).await;
                    *turn = Duration::ZERO;
                }
                let began = Instant::now();
                let outcomes = store.import(newcomers).await;
                *turn += began.elapsed();
                outcomes
            }
            Self::Rehearsal(place) => {
                let ended = || StoreError::Unavailable("the rehearsal has ended".to_owned());
                let (mut rehearsal, newcomers) = (place.take().ok_or_else(ended)?, newcomers.to_vec());
                let work = move || (rehearsal.import(&newcomers), rehearsal);
                let (outcomes, rehearsal) = tokio::task::spawn_blocking(work).await.map_err(|_| ended())?;
                *place = Some(rehearsal);
                outcomes
            }
        }
    }
}

/// What a reader of its own hands over; it waits when nobody takes.
struct Reading {
    items: mpsc::Receiver<Item>,
    end: std::thread::JoinHandle<Result<(), ReadError>>,
}

impl Reading {
    fn begin(format: Option<Format>, file: impl Read + Send + 'static) -> Self {
        let (sender, items) = mpsc::channel(AHEAD);
        let end =
            std::thread::spawn(move || import::read(format, file, &mut |item| sender.blocking_send(item).is_ok()));
        Self { items, end }
    }
}

async fn take_over(destination: &mut Destination, mut reading: Reading, summary: &mut Summary) -> Result<(), Failure> {
    // Asked for each user: ids begin with the second, so that those of a second lie together in the database.
    let clock = Clock::system();
    let mut batch: Vec<(usize, Newcomer)> = Vec::with_capacity(BATCH);
    while let Some(Item { place, found }) = reading.items.recv().await {
        match found {
            Found::PassedOver => summary.pass_over(),
            Found::Unreadable(reason) => summary.refuse(place, None, &reason),
            Found::User(record) => match record.to_newcomer(clock.now()) {
                Ok(newcomer) => batch.push((place, newcomer)),
                Err(error) => summary.refuse(place, record.who().as_deref(), &error),
            },
        }
        if batch.len() == BATCH {
            import_batch(destination, &mut batch, summary).await?;
        }
        summary.show_progress();
    }
    import_batch(destination, &mut batch, summary).await?;
    let end = reading.end.join().map_err(|_| Failure::work("the reader of the file failed"))?;
    Ok(end?)
}

async fn import_batch(
    destination: &mut Destination,
    batch: &mut Vec<(usize, Newcomer)>,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let (places, newcomers): (Vec<usize>, Vec<Newcomer>) = batch.drain(..).unzip();
    let outcomes = destination.import(&newcomers).await;
    let outcomes = outcomes.context("the import stopped: run it again, and it goes on from here")?;
    for ((place, newcomer), outcome) in places.into_iter().zip(&newcomers).zip(outcomes) {
        summary.count(place, newcomer, outcome);
    }
    Ok(())
}
