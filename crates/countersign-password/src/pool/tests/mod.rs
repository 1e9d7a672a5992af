//! Jobs that wait for the test instead of hashing show what the pool does while they run.

mod refusals;

use std::cell::RefCell;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;
use crate::policy::{Argon2Params, Policy};

type Waiting<'a, T> = Pin<Box<dyn Future<Output = Result<T, PoolError>> + Send + 'a>>;

fn pool(threads: usize, queue_limit: usize) -> HashPool {
    let hasher = Hasher::new(Policy::new(Argon2Params::for_tests()));
    let settings = PoolSettings { threads, memory_budget_mib: 4, queue_limit, deadline: Duration::MAX };
    HashPool::new(hasher, settings).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

/// A hash that fills this much.
fn kib(memory_kib: u32) -> Kind {
    Kind { scheme: Scheme::Argon2id, memory_kib: Memory::held_for(memory_kib) }
}

/// The pool as the host with this number has it.
fn host(pool: &HashPool, number: u8) -> HashPool {
    pool.for_source(IpAddr::from(Ipv4Addr::new(192, 0, 2, number)).into())
}

/// What the pool does, without what it has done.
fn load(pool: &HashPool) -> (usize, usize, usize) {
    let stats = pool.stats();
    (stats.waiting, stats.running, stats.memory_kib)
}

/// Polls once: puts the job into the queue, or gets its refusal.
fn enter<'a, T: Send + 'static>(
    pool: &'a HashPool,
    memory_kib: u32,
    work: impl FnOnce(&Hasher, &mut Workspace) -> Result<T, ResourceError> + Send + 'static,
) -> Result<Waiting<'a, T>, PoolError> {
    let mut waiting: Waiting<'a, T> = Box::pin(pool.submit(kib(memory_kib), work));
    match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(refusal)) => Err(refusal),
        // The answer may be there already, and is taken where the future is awaited.
        Poll::Ready(Ok(answer)) => Ok(Box::pin(async { Ok(answer) })),
        Poll::Pending => Ok(waiting),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "this is what a job looks like")]
fn nothing(_: &Hasher, _: &mut Workspace) -> Result<(), ResourceError> {
    Ok(())
}

/// The names of jobs in the order in which they ran.
#[derive(Clone, Default)]
struct Ran(Arc<Mutex<Vec<&'static str>>>);

impl Ran {
    /// A job that leaves its name.
    fn job(
        &self,
        name: &'static str,
    ) -> impl FnOnce(&Hasher, &mut Workspace) -> Result<(), ResourceError> + Send + 'static {
        let ran = self.clone();
        move |_, _| {
            ran.0.lock().unwrap().push(name);
            Ok(())
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

/// A job that runs until the sender is dropped, and holds this much memory. Returns when it has begun.
fn occupy(pool: &HashPool, memory_kib: u32) -> (Waiting<'_, ()>, Sender<()>) {
    let (begun, has_begun) = mpsc::channel();
    let (release, released): (Sender<()>, Receiver<()>) = mpsc::channel();
    let work = move |_: &Hasher, _: &mut Workspace| {
        begun.send(()).unwrap();
        let _ = released.recv();
        Ok(())
    };
    let job = enter(pool, memory_kib, work).unwrap();
    has_begun.recv().unwrap();
    (job, release)
}

#[tokio::test]
async fn the_pool_hashes_and_verifies_as_the_hasher_does() {
    let pool = pool(2, 8);
    let other = pool.clone();
    let stored = tokio::spawn(async move { other.hash(password("secret")).await }).await.unwrap().unwrap();
    assert_eq!(pool.verify(password("secret"), Some(stored.clone())).await, Ok(Verdict::Match));
    assert_eq!(pool.verify(password("Secret"), Some(stored)).await, Ok(Verdict::Mismatch));
    //
    assert_eq!(pool.verify(password("secret"), None).await, Ok(Verdict::Mismatch));
}

#[tokio::test]
async fn a_hash_leaves_nothing_in_the_memory_of_its_thread() {
    let pool = pool(1, 8);
    let (first, release) = occupy(&pool, 64);
    let hash = enter(&pool, 64, |hasher, memory| hasher.hash_in(memory, &password("secret")).map(drop)).unwrap();
    let fill = |_: &Hasher, workspace: &mut Workspace| -> Result<(), ResourceError> {
        workspace.memory.blocks(4000)?.iter_mut().for_each(|block| block.as_mut().fill(7));
        panic!("on purpose, in a test")
    };
    let failing = enter(&pool, 4000, fill).unwrap();
    let look = |_: &Hasher, workspace: &mut Workspace| {
        Ok(workspace.memory.blocks(4000)?.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)))
    };
    let look = enter(&pool, 4000, look).unwrap();
    drop(release);
    first.await.unwrap();
    hash.await.unwrap();
    assert_eq!(failing.await, Err(PoolError::Failed));
    assert_eq!(look.await, Ok(true));
}

// F-17
#[tokio::test]
async fn a_dropped_future_gives_its_place_back() {
    let pool = pool(1, 1);
    let (first, release) = occupy(&pool, 64);
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let given_up = enter(&pool, 64, move |_, _| Ok(counter.fetch_add(1, Ordering::SeqCst))).unwrap();
    assert!(matches!(enter(&pool, 64, nothing), Err(PoolError::Busy { .. })));

    drop(given_up);
    assert_eq!(pool.stats().waiting, 0);
    let next = enter(&pool, 64, nothing).unwrap();

    drop(release);
    first.await.unwrap();
    next.await.unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

// F-17
#[tokio::test]
async fn a_future_dropped_while_its_hash_runs_leaves_nothing_behind() {
    let pool = pool(1, 1);
    let (running, release) = occupy(&pool, 64);
    drop(running);
    assert_eq!(pool.stats().running, 1);
    drop(release);
    pool.crew.queue.wait_until_idle();
    assert_eq!(enter(&pool, 64, nothing).unwrap().await, Ok(()));
}

#[tokio::test]
async fn a_panic_ends_the_job_and_nothing_else() {
    let pool = pool(1, 8);
    for _ in 0..3 {
        let work = |_: &Hasher, _: &mut Workspace| -> Result<(), ResourceError> { panic!("on purpose, in a test") };
        assert_eq!(pool.submit(kib(2048), work).await, Err(PoolError::Failed));
    }
    assert!(pool.hash(password("secret")).await.is_ok());
    pool.crew.queue.wait_until_idle();
}

#[test]
fn settings_with_which_nothing_could_be_hashed_are_refused() {
    let settings = PoolSettings { memory_budget_mib: 19, ..PoolSettings::default() };
    for settings in [settings, PoolSettings { threads: 0, ..PoolSettings::default() }] {
        let error = HashPool::new(Hasher::new(Policy::default()), settings).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    let settings = PoolSettings { memory_budget_mib: 20, ..PoolSettings::default() };
    assert!(HashPool::new(Hasher::new(Policy::default()), settings).is_ok());
}

#[tokio::test]
async fn a_large_job_is_not_overtaken() {
    let pool = pool(2, 8);
    let (first, release) = occupy(&pool, 64);
    let ran = Ran::default();
    // The large one needs the whole budget, of which the first job holds a part.
    let (large, small) = (enter(&pool, 4096, ran.job("large")).unwrap(), enter(&pool, 64, ran.job("small")).unwrap());
    drop(release);
    for job in [first, large, small] {
        job.await.unwrap();
    }
    assert_eq!(ran.names(), ["large", "small"]);
}

/// Lets idle threads look at the queue and rest again, usually.
fn let_threads_rest() {
    for _ in 0..200 {
        thread::yield_now();
    }
}

#[tokio::test]
async fn those_behind_a_large_job_run_when_it_is_given_up() {
    let pool = pool(2, 8);
    for _ in 0..50 {
        let (first, release) = occupy(&pool, 64);
        let (large, small) = (enter(&pool, 4096, nothing).unwrap(), enter(&pool, 64, nothing).unwrap());
        let_threads_rest();
        drop(large);
        small.await.unwrap();
        drop(release);
        first.await.unwrap();
    }
}

#[tokio::test]
async fn a_job_that_fits_runs_as_soon_as_it_is_first_in_the_queue() {
    let pool = pool(3, 8);
    let (_long, _held) = occupy(&pool, 1900);
    for _ in 0..50 {
        let (first, release) = occupy(&pool, 1900);
        // Fits only into the memory that the thread of the first job holds, and keeps the small one waiting until then.
        let (until, ended) = mpsc::channel::<()>();
        let large = enter(&pool, 1900, move |_: &Hasher, _: &mut Workspace| Ok(ended.recv().is_err())).unwrap();
        let small = enter(&pool, 64, nothing).unwrap();
        let_threads_rest();
        drop(release);
        first.await.unwrap();
        small.await.unwrap();
        drop(until);
        assert_eq!(large.await, Ok(true));
    }
}

thread_local! {
    /// Dropped when its thread ends.
    static LIFE: RefCell<Option<Sender<()>>> = const { RefCell::new(None) };
}

#[tokio::test]
async fn the_threads_end_when_the_last_handle_is_dropped() {
    let pool = pool(3, 8);
    let (life, end) = mpsc::channel();
    let together = Arc::new(Barrier::new(3));
    let jobs = (0..3).map(|_| {
        let (life, together) = (life.clone(), Arc::clone(&together));
        let work = move |_: &Hasher, _: &mut Workspace| {
            LIFE.set(Some(life));
            together.wait();
            Ok(())
        };
        enter(&pool, 64, work).unwrap()
    });
    let jobs = jobs.collect::<Vec<_>>();
    for job in jobs {
        job.await.unwrap();
    }
    drop(life);
    let other = pool.clone();
    drop(pool);
    assert!(other.hash(password("secret")).await.is_ok());
    drop(other);
    assert_eq!(end.recv(), Err(mpsc::RecvError));
}

#[tokio::test]
async fn a_closed_queue_tells_those_who_wait() {
    let pool = pool(1, 8);
    let (first, release) = occupy(&pool, 64);
    let waiting = enter(&pool, 64, nothing).unwrap();
    pool.crew.queue.close();
    assert_eq!(waiting.await, Err(PoolError::Stopped));
    assert_eq!(enter(&pool, 64, nothing).err(), Some(PoolError::Stopped));
    drop(release);
    assert_eq!(first.await, Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    // F-15, F-17
    #[test]
    fn the_memory_budget_holds_and_nothing_is_lost_however_jobs_come_and_go(
        threads in 1usize..6,
        jobs in prop::collection::vec((1u32..=4096, prop::bool::weighted(0.2)), 1..80),
    ) {
        let pool = pool(threads, 100);
        let in_use = Arc::new(AtomicUsize::new(0));
        let mut kept = Vec::new();
        for (memory_kib, given_up) in jobs {
            let (in_use, observer) = (Arc::clone(&in_use), Arc::clone(&pool.crew.queue));
            let work = move |_: &Hasher, workspace: &mut Workspace| {
                let held = Memory::held_for(memory_kib);
                let together = in_use.fetch_add(held, Ordering::SeqCst) + held;
                let blocks = workspace.memory.blocks(memory_kib as usize)?.len();
                let counted = observer.stats().memory_kib;
                in_use.fetch_sub(held, Ordering::SeqCst);
                Ok(blocks == memory_kib as usize && together <= 4096 && (held..=4096).contains(&counted))
            };
            let job = enter(&pool, memory_kib, work).unwrap();
            if !given_up {
                kept.push(job);
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for job in kept {
            prop_assert_eq!(runtime.block_on(job), Ok(true));
        }
        pool.crew.queue.wait_until_idle();
        prop_assert!(pool.stats().is_idle());
    }
}

//
#[tokio::test]
async fn where_hashes_of_several_kinds_are_met_no_answer_comes_before_the_slowest_would() {
    let pool = pool(1, 8);
    let verify = async |stored: Option<&PasswordHash>| {
        let begun = Instant::now();
        let _ = pool.verify(password("secret"), stored.cloned()).await.unwrap();
        begun.elapsed()
    };
    let dear = PasswordHash::parse("$2b$08$DcBC6hLmTX72pwXltbOhJOSr3bE4eAjrU1JePDKqmpCVS9OG9rcFO").unwrap();
    let ours = pool.hash(password("other")).await.unwrap();
    verify(None).await;
    verify(Some(&ours)).await;
    assert!(pool.crew.padding.span().is_none(), "an unknown user and one with a hash of the policy cost the same");
    verify(Some(&dear)).await;
    for stored in [None, Some(&ours), Some(&dear)] {
        let span = pool.crew.padding.span().unwrap();
        // Each answer moves the estimate by less than a tenth.
        assert!(verify(stored).await > span.mul_f64(0.9));
        // A password with two spellings is hashed twice, whoever it is tried on.
        let begun = Instant::now();
        let _ = pool.verify(password("re\u{301}sume\u{301}"), stored.cloned()).await.unwrap();
        assert!(begun.elapsed() > span.mul_f64(1.8));
    }
}

//
#[tokio::test]
async fn a_kind_is_learnt_ahead_once_and_that_of_new_hashes_never() {
    let pool = pool(1, 8);
    let ours = pool.hash(password("other")).await.unwrap();
    let foreign = |salt: char| {
        let text = format!(
            "$2b$04${}.jaUDC1hS7OzEJHNp.Rn/.d8mnRVpZ3y",
            "CfNNyUmvkEe3kwrPvbc88".replace('C', &salt.to_string())
        );
        PasswordHash::parse(&text).unwrap()
    };
    let verified = || pool.stats().times.iter().map(|time| time.count).sum::<u64>() - 1;
    pool.learn(ours).await.unwrap();
    assert_eq!(verified(), 0);
    pool.learn(foreign('C')).await.unwrap();
    pool.learn(foreign('D')).await.unwrap();
    assert_eq!(verified(), 1);
}
