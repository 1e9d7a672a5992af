//! What a hash costs, in CPU time of the process: by this crate, and by the crate argon2 over memory that is reused.
//! Then what the pool makes of the cores, against a bare loop on as many threads.
//!
//! `cargo bench -p countersign-password --bench hash -- [--json] [--only M,T,P] [--count N]`: `--only` measures one
//! set of parameters and leaves the pool out. `bench/argon2.py` compares with the C reference.

#![expect(clippy::unwrap_used, reason = "a bench that cannot measure may stop")]

use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use countersign_password::{Argon2Params, HashPool, Hasher, Password, Policy, PoolSettings};
use cpu_time::ProcessTime;
use serde_json::json;

/// OWASP's first two choices and the second one of RFC 9106: KiB, iterations, lanes.
const SETS: [(u32, u32, u32); 3] = [(19_456, 2, 1), (47_104, 1, 1), (65_536, 3, 4)];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let json = arguments.iter().any(|argument| argument == "--json");
    let count = value("--count").map_or(25, |count| count.parse().unwrap());
    let only = value("--only").map(|set| {
        let numbers: Vec<u32> = set.split(',').map(|number| number.parse().unwrap()).collect();
        let [memory_kib, iterations, parallelism] = numbers.try_into().unwrap();
        (memory_kib, iterations, parallelism)
    });
    for set in only.map_or(SETS.to_vec(), |set| vec![set]) {
        cost(set, count, json);
    }
    if only.is_none() {
        throughput(json);
    }
}

fn password() -> Password {
    Password::new("correct horse battery staple".to_owned()).unwrap()
}

/// CPU milliseconds of one hash, `count` times this crate and the other one by turns.
fn cost((memory_kib, iterations, parallelism): (u32, u32, u32), count: usize, json: bool) {
    let hasher = Hasher::new(Policy::new(Argon2Params::new(memory_kib, iterations, parallelism).unwrap()));
    let params = Params::new(memory_kib, iterations, parallelism, Some(32)).unwrap();
    let mut blocks = vec![Block::new(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..count {
        ours.push(cpu_ms(|| drop(hasher.hash(&password()).unwrap())));
        theirs.push(cpu_ms(|| {
            let mut tag = [0; 32];
            argon2
                .hash_password_into_with_memory(b"correct horse", b"0123456789abcdef", &mut tag, &mut blocks)
                .unwrap();
        }));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    if json {
        let set = json!({"memory_kib": memory_kib, "iterations": iterations, "parallelism": parallelism});
        println!("{}", json!({"set": set, "cpu_ms": ours, "argon2_crate_cpu_ms": theirs}));
    } else {
        println!("m={memory_kib} t={iterations} p={parallelism}: {ours:.2} ms of CPU, the crate argon2 {theirs:.2} ms");
    }
}

fn cpu_ms(hash: impl FnOnce()) -> f64 {
    let start = ProcessTime::now();
    hash();
    start.elapsed().as_secs_f64() * 1000.0
}

/// Hashes per second of a loop on each core, and of the pool, by turns: with as many clients as threads, each of which
/// waits for its answer before it asks again, and with eight times as many.
fn throughput(json: bool) {
    const ROUNDS: usize = 7;
    let hasher = Hasher::new(Policy::default());
    let settings = PoolSettings { deadline: Duration::MAX, ..PoolSettings::default() };
    let threads = settings.threads;
    let pool = HashPool::new(hasher.clone(), settings).unwrap();

    let [mut by_loop, mut by_few, mut by_many] = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        by_loop.push(loop_per_second(&hasher, threads));
        by_few.push(pool_per_second(&pool, threads, threads));
        by_many.push(pool_per_second(&pool, threads, 8 * threads));
    }
    let [by_loop, by_few, by_many] = [by_loop, by_few, by_many].map(median);
    if json {
        let pool = json!({"few_clients_per_s": by_few, "many_clients_per_s": by_many});
        println!("{}", json!({"threads": threads, "loop_per_s": by_loop, "pool": pool}));
    } else {
        println!("{threads} threads: a bare loop on each {by_loop:.0} hashes/s");
        for (clients, by_pool) in [(threads, by_few), (8 * threads, by_many)] {
            println!("pool, {clients} clients: {by_pool:.0} hashes/s, ratio {:.2}", by_pool / by_loop);
        }
    }
}

/// Hashes of one thread or of its share of the clients in one measurement.
const HASHES: usize = 64;

fn loop_per_second(hasher: &Hasher, threads: usize) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..HASHES).for_each(|_| drop(hasher.hash(&password()).unwrap())));
        }
    });
    per_second(HASHES * threads, start)
}

fn pool_per_second(pool: &HashPool, threads: usize, clients: usize) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let each = HASHES * threads / clients;
    let start = Instant::now();
    runtime.block_on(async {
        let clients: Vec<_> = (0..clients)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    for _ in 0..each {
                        pool.hash(password()).await.unwrap();
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
    });
    per_second(each * clients, start)
}

fn per_second(hashes: usize, start: Instant) -> f64 {
    f64::from(u32::try_from(hashes).unwrap()) / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    *values.get(values.len() / 2).unwrap()
}
