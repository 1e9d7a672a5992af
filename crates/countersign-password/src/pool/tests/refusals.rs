//! Whom the pool turns away, when, and with which answer.

use super::*;

//
#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let pool = pool(1, 2);
    let (first, release) = occupy(&pool, 64);
    let waiting = [enter(&pool, 64, nothing).unwrap(), enter(&pool, 64, nothing).unwrap()];
    assert_eq!(load(&pool), (2, 1, 64));

    assert!(matches!(enter(&pool, 64, nothing), Err(PoolError::Busy { retry_after_s: 1.. })));
    assert_eq!(pool.stats().waiting, 2);

    drop(release);
    first.await.unwrap();
    for job in waiting {
        job.await.unwrap();
    }
    pool.crew.queue.wait_until_idle();
    let stats = pool.stats();
    assert!(stats.is_idle());
    assert_eq!(stats.refused, Refusals { full: 1, ..Refusals::default() });
    assert_eq!(stats.times.iter().map(|time| (time.scheme, time.count)).collect::<Vec<_>>(), [(Scheme::Argon2id, 3)]);
}

//
#[tokio::test]
async fn a_job_past_its_deadline_is_refused_without_being_run() {
    let hasher = Hasher::new(Policy::new(Argon2Params::for_tests()));
    let settings = PoolSettings { deadline: Duration::ZERO, ..PoolSettings::default() };
    let pool = HashPool::new(hasher, settings).unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let late = pool.submit(kib(64), move |_, _| Ok(counter.fetch_add(1, Ordering::SeqCst)));
    assert!(matches!(late.await, Err(PoolError::Busy { retry_after_s: 1.. })));
    assert!(matches!(pool.hash(password("secret")).await, Err(PoolError::Busy { .. })));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert_eq!(pool.stats().refused, Refusals { late: 2, ..Refusals::default() });
}

//
#[tokio::test]
async fn hashes_that_would_wait_beyond_the_deadline_are_refused_at_once() {
    let hasher = Hasher::new(Policy::new(Argon2Params::for_tests()));
    let deadline = Duration::from_secs(100);
    let settings = PoolSettings { threads: 1, memory_budget_mib: 4, queue_limit: 1000, deadline };
    let pool = HashPool::new(hasher, settings).unwrap();
    let legacy = Kind { scheme: Scheme::Bcrypt, memory_kib: 0 };
    pool.crew.queue.note(kib(64), Duration::from_millis(10));
    pool.crew.queue.note(legacy, Duration::from_secs(40));
    let (_first, _release) = occupy(&pool, 64);
    let mut waiting: Vec<_> = (0..500).map(|_| enter(&pool, 64, nothing).unwrap()).collect();

    // A legacy hash counts by its own cost: these are 5 s and then 40 s each.
    let mut enter_legacy = || {
        let mut job: Waiting<'_, ()> = Box::pin(pool.submit(legacy, nothing));
        let polled = job.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        waiting.push(job);
        polled
    };
    for _ in 0..3 {
        assert_eq!(enter_legacy(), Poll::Pending);
    }
    assert_eq!(enter_legacy(), Poll::Ready(Err(PoolError::Busy { retry_after_s: 126 })));
    assert_eq!(pool.stats().waiting, 503);
    drop(waiting);
    assert_eq!(pool.stats().waiting, 0);
    assert!(enter(&pool, 64, nothing).is_ok());
}

//
#[tokio::test]
async fn no_source_fills_the_queue_when_another_one_comes() {
    let pool = pool(1, 6);
    let (flood, guest) = (host(&pool, 1), host(&pool, 2));
    let (first, release) = occupy(&pool, 64);
    let ran = Ran::default();
    let flooding = ["f1", "f2", "f3", "f4", "f5", "f6"].map(|name| enter(&flood, 64, ran.job(name)).unwrap());
    assert!(matches!(enter(&flood, 64, nothing), Err(PoolError::Busy { .. })));

    let guests = [enter(&guest, 64, ran.job("g1")).unwrap(), enter(&guest, 64, ran.job("g2")).unwrap()];
    assert!(matches!(enter(&guest, 64, nothing), Err(PoolError::Busy { .. })));
    drop(release);
    first.await.unwrap();
    let mut outcomes = Vec::new();
    for job in flooding {
        outcomes.push(job.await.is_ok());
    }
    for job in guests {
        job.await.unwrap();
    }
    assert_eq!(outcomes, [true, true, true, true, false, false]);
    assert_eq!(ran.names(), ["f1", "g1", "f2", "g2", "f3", "f4"]);
    assert_eq!(pool.stats().refused, Refusals { full: 2, displaced: 2, ..Refusals::default() });
}

#[tokio::test]
async fn a_job_larger_than_the_budget_is_refused_and_says_so() {
    let pool = pool(1, 8);
    let refusal = enter(&pool, 4097, nothing).err();
    assert_eq!(refusal, Some(PoolError::OverBudget { needed_mib: 6, budget_mib: 4 }));
    assert!(enter(&pool, 4096, nothing).unwrap().await.is_ok());
    assert!(enter(&pool, u32::MAX, nothing).is_err());
    assert_eq!(pool.stats().refused.over_budget, 2);
}
