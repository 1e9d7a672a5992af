//! Whatever is asked of the stores, in whatever order, they answer alike: steps of chance are taken in each, and all answers compared.
//!
//! `TEST_SEEDS=1000-2000 cargo test -p countersign --all-features --test alike` takes other steps than the usual ones.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests fail as the tests do"
)]

mod samples;
mod choice;
mod steps;
#[cfg(feature = "postgres")]
mod postgres;

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use countersign::store::memory::MemoryStore;
use countersign::store::sqlite::SqliteStore;
use countersign::store::{Store, StoreError};
use tempfile::TempDir;

/// Names a seed, or the first and the last of several, in the place of the usual ones.
const VARIABLE: &str = "TEST_SEEDS";

type Named = (&'static str, Arc<dyn Store>);
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
type Comparison<'a> = Pin<Box<dyn Future<Output = Option<String>> + 'a>>;
type Take = dyn for<'a> Fn(&'a [Named]) -> Comparison<'a>;

/// Something that is asked of all stores; the answer of the first is what the others are held to.
struct Step {
    what: String,
    take: Box<Take>,
}

fn step<G, T>(name: &str, given: G, ask: for<'a> fn(&'a dyn Store, &'a G) -> Answer<'a, T>) -> Step
where
    G: Debug + 'static,
    T: Debug + PartialEq + 'static,
{
    let (what, given) = (format!("{name} {given:?}"), Arc::new(given));
    Step {
        what,
        take: Box::new(move |stores| {
            let given = Arc::clone(&given);
            Box::pin(async move { compare(stores, &*given, ask).await })
        }),
    }
}

/// How one store answers otherwise than the first, or fails.
async fn compare<G, T>(
    stores: &[Named],
    given: &G,
    ask: for<'a> fn(&'a dyn Store, &'a G) -> Answer<'a, T>,
) -> Option<String>
where
    T: Debug + PartialEq,
{
    let mut expected = None;
    for (name, store) in stores {
        let answer = ask(&**store, given).await;
        if let Err(StoreError::Unavailable(reason) | StoreError::Damaged(reason)) = &answer {
            return Some(format!("{name} fails: {reason}"));
        }
        match &expected {
            None => expected = Some(answer),
            Some(expected) if *expected == answer => {}
            Some(expected) => return Some(format!("{expected:?} is expected, and {name} answers {answer:?}")),
        }
    }
    None
}

/// The number of the first step that is answered otherwise, and how.
async fn difference(stores: &[Named], steps: &[&Step]) -> Option<(usize, String)> {
    for (number, step) in steps.iter().enumerate() {
        if let Some(how) = (step.take)(stores).await {
            return Some((number, how));
        }
    }
    None
}

/// Takes the steps in new stores. Where one is answered otherwise, leaves out what that does not need, large parts first and then single
/// steps, and tells of the rest.
async fn assert_alike(seed: u64, steps: &[Step], fresh: impl AsyncFn() -> Vec<Named>) {
    let mut steps: Vec<&Step> = steps.iter().collect();
    let Some((mut last, mut how)) = difference(&fresh().await, &steps).await else { return };
    let mut part = last.div_ceil(2);
    while part > 0 {
        let mut from = 0;
        while from < last {
            let mut fewer = steps[..=last].to_vec();
            fewer.drain(from..last.min(from + part));
            match difference(&fresh().await, &fewer).await {
                Some(still) => ((last, how), steps) = (still, fewer),
                None => from += part,
            }
        }
        part /= 2;
    }
    let whats: Vec<&str> = steps[..=last].iter().map(|step| step.what.as_str()).collect();
    panic!("{VARIABLE}={seed}: after\n  {}\n{how}", whats.join("\n  "));
}

fn seeds(usual: RangeInclusive<u64>) -> RangeInclusive<u64> {
    let Ok(asked) = std::env::var(VARIABLE) else { return usual };
    let (first, last) = asked.split_once('-').unwrap_or((&asked, &asked));
    first.parse().unwrap()..=last.parse().unwrap()
}

/// A folder for databases.
struct Folder(TempDir, AtomicU32);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir().unwrap();
        Self(folder, AtomicU32::new(0))
    }

    /// Where there is none yet.
    fn new_path(&self) -> PathBuf {
        self.0.path().join(format!("{}.db", self.1.fetch_add(1, Ordering::Relaxed)))
    }
}

fn memory() -> Named {
    ("memory", Arc::new(MemoryStore::new()))
}

fn sqlite(path: &Path) -> Named {
    ("SQLite", Arc::new(SqliteStore::open(path).unwrap()))
}

// F-22
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_answers_as_the_memory_store_does() {
    let folder = Folder::new();
    for seed in seeds(0..=6) {
        assert_alike(seed, &steps::of(seed), async || vec![memory(), sqlite(&folder.new_path())]).await;
    }
}
