//! `countersign backup`: everything in one file, while the server runs.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign::store::transfer::{Backup, Port, Written, back_up};
use countersign_axum::Clock;
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;
use rustix::process::geteuid;
use serde_json::{Value, json};

use crate::command::act::Act;
use crate::command::output::{print, print_json, table, time};
use crate::command::progress::Progress;
use crate::data_directory::{DataDirectory, fingerprint_in, sealing_key_in};
use crate::failure::Failure;
use crate::settings::{self, Configuration, Setting};

/// Bytes that are written together.
const BUFFER: usize = 256 << 10;

pub(super) fn declare() -> Command {
    Command::new("backup")
        .about("Write everything into one file, also while the server runs; the sealing key is not in it")
        .arg(Arg::new("file").value_name("FILE").required(true).help("The file to make; - is standard output"))
        .arg(
            Arg::new("overwrite")
                .long("overwrite")
                .action(ArgAction::SetTrue)
                .help("Put the backup in place of a file that is there"),
        )
        .arg(
            Arg::new("damaged")
                .long("damaged")
                .action(ArgAction::SetTrue)
                .help("Also from a database that is damaged, if every row of it can still be read"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print the summary as JSON"))
        .args(settings::flags(Setting::is_of_store))
}

pub(super) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let settings = Configuration::load(&settings::given(matches))?.settings;
    let name: &String = matches.get_one("file").ok_or_else(|| Failure::usage("name a file"))?;
    let (overwrites, json) = (matches.get_flag("overwrite"), matches.get_flag("json"));
    let file = Path::new(name);
    if name != "-" && !overwrites && file.try_exists()? {
        return Err(Failure::work(format!("{name} is there already: name another file, or say --overwrite")));
    }
    let fingerprint = fingerprint_in(&settings.data)?;
    let location = DataDirectory::of(&settings).location();
    let mut port = location.source().await?;
    if !matches.get_flag("damaged") {
        refuse_damage(port.as_mut()).await?;
    }
    if name == "-" {
        let written = write(port.as_mut(), fingerprint, &mut io::stdout()).await?;
        let rows: u64 = written.tables.iter().map(|(_, digest)| digest.rows).sum();
        drop(port);
        Act::new("backup").note(location.open().await?.as_ref()).await;
        eprintln!("{rows} rows are written. {}", about_key(&settings.data, &written));
        return Ok(());
    }
    let draft = Draft::make(file)?;
    let written = write(port.as_mut(), fingerprint, &mut BufWriter::with_capacity(BUFFER, &draft.file)).await?;
    draft.put_in_place(file, overwrites, &written)?;
    drop(port);
    Act::new("backup").detail("file", &file.display()).note(location.open().await?.as_ref()).await;
    tell(file, &written, &about_key(&settings.data, &written), json)
}

/// A backup of what is damaged would take the place of one that is whole, sooner or later (F-21).
async fn refuse_damage(port: &mut dyn Port) -> Result<(), Failure> {
    let Some(damage) = port.damage().await? else { return Ok(()) };
    Err(Failure::work(format!(
        "the database is damaged: {damage}: keep the last backup that is whole, and restore it; --damaged makes one all the same, if every row can still be read"
    )))
}

async fn write(
    port: &mut dyn Port,
    fingerprint: Option<String>,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Written> {
    let mut progress = Progress::of_rows();
    let mut show = |done, total| progress.show_of(done, total);
    let written = back_up(port, (Clock::system().now(), fingerprint), out, &mut show).await;
    progress.clear();
    Ok(written?)
}

/// A file that gets its name when it is whole. Dropped before, it is removed.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn make(file: &Path) -> anyhow::Result<Self> {
        let name = file.file_name().ok_or_else(|| anyhow!("{} is no name of a file", file.display()))?;
        let mut partial = name.to_owned();
        partial.push(".partial");
        let path = file.with_file_name(partial);
        let cannot = || format!("cannot make {}", path.display());
        // What an earlier backup has left that was cut off; in a folder for everybody, others may have put something there.
        let no_link = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_link);
        let draft = options.open(&path).with_context(cannot)?;
        let metadata = draft.metadata().with_context(cannot)?;
        if !metadata.is_file() || metadata.uid() != geteuid().as_raw() || metadata.nlink() != 1 {
            return Err(anyhow!(
                "{} is there, and it is not ours: write the backup into another folder",
                path.display()
            ));
        }
        draft.try_lock().with_context(|| format!("another backup writes {}", path.display()))?;
        draft.set_permissions(Permissions::from_mode(0o600)).with_context(cannot)?;
        draft.set_len(0).with_context(cannot)?;
        Ok(Self { path, file: draft })
    }

    /// Reads it once more, and gives it its name when it is on the disk.
    fn put_in_place(self, file: &Path, overwrites: bool, written: &Written) -> anyhow::Result<()> {
        let cannot = || format!("cannot write {}", file.display());
        self.file.sync_all().with_context(cannot)?;
        let found = Backup::open(BufReader::with_capacity(BUFFER, File::open(&self.path)?)).and_then(Backup::check)?;
        if found != *written {
            return Err(anyhow!(
                "{} holds something else than was written into it: look at the disk",
                self.path.display()
            ));
        }
        if overwrites {
            fs::rename(&self.path, file).with_context(cannot)?;
        } else {
            rename_unless_there(&self.path, file).with_context(cannot)?;
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all().with_context(cannot)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is not there any more once it has its name.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file of this name that has come meanwhile stays.
fn rename_unless_there(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // The file system does not know how.
        Err(Errno::INVAL) => fs::hard_link(from, to),
        done => Ok(done?),
    }
}

fn about_key(data: &Path, written: &Written) -> String {
    let key = sealing_key_in(data);
    if written.header.sealing_key.is_none() {
        return format!(
            "There is no {}: the signing keys in this backup are of use only with the sealing.key of the server. Keep a copy of it.",
            key.display()
        );
    }
    format!(
        "Keep a copy of {} as well, in another place: without it everybody has to log in anew. It does not change.",
        key.display()
    )
}

fn tell(file: &Path, written: &Written, about_key: &str, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&summary(written));
    }
    let made_at = time(written.header.made_at);
    print(&format!(
        "{}\n{} holds everything of {made_at}, and was read once more.\n{about_key}\n",
        tables(written),
        file.display()
    ))
}

/// The tables of a backup, for people.
pub(super) fn tables(written: &Written) -> String {
    let lines =
        written.tables.iter().map(|(name, digest)| [name.clone(), digest.rows.to_string(), digest.sha256.clone()]);
    table(["TABLE", "ROWS", "SHA-256"], &lines.collect::<Vec<_>>())
}

/// The same for programs.
pub(super) fn summary(written: &Written) -> Value {
    let header = &written.header;
    let tables = written
        .tables
        .iter()
        .map(|(name, digest)| json!({ "table": name, "rows": digest.rows, "sha256": digest.sha256 }));
    json!({
        "schema": header.schema,
        "engine": header.engine,
        "made_at": time(header.made_at),
        "sealing_key": header.sealing_key,
        "tables": tables.collect::<Vec<_>>(),
    })
}
