//! What every fault needs: a folder to work in, the program, a PostgreSQL, and how long to go on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::crowd::{Crowd, Manners, Target};
use crate::ledger::Ledger;
use crate::postgres::{self, Cluster};
use crate::process::{Server, Site};
use crate::random::Random;
use crate::report::{Engine, Report};

/// What is asked for on the command line.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) is_long: bool,
    /// Of the rounds of the long form.
    pub(crate) share: f64,
    pub(crate) seed: u64,
    pub(crate) binary: PathBuf,
    /// A program of an older version.
    pub(crate) old: Option<PathBuf>,
    pub(crate) engines: Vec<Engine>,
}

/// One run.
pub(crate) struct Harness {
    pub(crate) options: Options,
    pub(crate) work: PathBuf,
    /// An empty cluster, which others are copies of.
    template: OnceLock<PathBuf>,
    cluster: OnceLock<Cluster>,
    /// Held while the template is made.
    making: Mutex<()>,
    number: AtomicU32,
}

impl Harness {
    pub(crate) fn new(options: Options, work: &Path) -> Result<Self> {
        // As above it.
        fs::set_permissions(work, PermissionsExt::from_mode(0o711))?;
        Ok(Self {
            options,
            work: work.to_owned(),
            template: OnceLock::new(),
            cluster: OnceLock::new(),
            making: Mutex::default(),
            number: AtomicU32::new(0),
        })
    }

    /// How often, in the short form and in the long one.
    pub(crate) fn rounds(&self, short: usize, long: u32) -> usize {
        if !self.options.is_long {
            return short;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of rounds")]
        let rounds = (f64::from(long) * self.options.share).ceil() as usize;
        rounds.max(short)
    }

    /// How long, in the short form and in the long one.
    pub(crate) fn time(&self, short: Duration, long: Duration) -> Duration {
        if self.options.is_long { long.mul_f64(self.options.share).max(short) } else { short }
    }

    pub(crate) fn report(&self, fault: &'static str, what: &str, engine: Option<Engine>) -> Report {
        Report::new(fault, what, engine, self.options.is_long)
    }

    /// A number that was not given before.
    pub(crate) fn number(&self) -> u32 {
        self.number.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn random(&self) -> Random {
        Random::new(self.options.seed.wrapping_add(u64::from(self.number())))
    }

    /// A new folder.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.work.join(format!("{name}-{}", self.number()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// A cluster of one's own in this folder, with these lines in its configuration.
    pub(crate) fn make_cluster(&self, folder: &Path, lines: &[&str]) -> Result<Cluster> {
        let template = {
            let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
            if self.template.get().is_none() {
                let folder = self.folder("template")?;
                postgres::make_template(&folder)?;
                drop(self.template.set(folder));
            }
            self.template.get().context("no template")?
        };
        Cluster::make(folder, template, lines)
    }

    /// The PostgreSQL that faults share which do nothing to it. As fast as it can: nobody cuts its power.
    pub(crate) fn cluster(&self) -> Result<&Cluster> {
        if self.cluster.get().is_none() {
            let cluster = self.make_cluster(&self.folder("postgres")?, &["fsync = off", "full_page_writes = off"])?;
            // One that another was faster to make ends here.
            drop(self.cluster.set(cluster));
        }
        self.cluster.get().context("no cluster")
    }

    /// An empty place.
    pub(crate) fn empty_site(&self, engine: Engine) -> Result<Site> {
        let folder = self.folder("site")?;
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(self.cluster()?.make_database(&format!("d{}", self.number()))?),
        };
        self.site_at(&folder, database)
    }

    /// A place in this folder, with what is there.
    pub(crate) fn site_at(&self, folder: &Path, database: Option<String>) -> Result<Site> {
        let site = Site {
            binary: self.options.binary.clone(),
            data: folder.join("data"),
            database,
            variables: Vec::new(),
            by: Vec::new(),
            log: folder.join("server.log"),
        };
        site.by_program(&self.options.binary)
    }

    /// A place with an administrator.
    pub(crate) fn site(&self, engine: Engine) -> Result<Site> {
        let site = self.empty_site(engine)?;
        site.add_administrator()?;
        Ok(site)
    }

    /// People who act at this server.
    pub(crate) fn crowd(&self, server: &Server, size: usize) -> Result<Crowd> {
        let manners =
            Manners { administrator: server.administrator()?, pause: Duration::from_millis(10), rarely_hashes: false };
        let number = self.number();
        let ledger = Ledger::open(&self.work.join(format!("ledger-{number}.txt")))?;
        let seed = self.options.seed.wrapping_add(u64::from(number));
        Ok(Crowd::new(size, seed, ledger, Target::of(&[server.address]), manners))
    }
}
