//! A server that goes away, hangs, or is busy: what is asked fails soon as unavailable, and works again as soon as it can.

use std::net::SocketAddr;

use countersign::store::{HealthCheck as _, share_time};
use countersign::user::UserId;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;

/// What a way to the server does with what passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Connections end, and none is made.
    Shut,
    /// Nothing comes through, and nobody is told.
    Silent,
}

/// A way to the server through which the test rules.
struct Proxy {
    address: SocketAddr,
    way: watch::Sender<Way>,
}

impl Proxy {
    async fn new() -> Self {
        let to = server::server().split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, (way, state)) = (listener.local_addr().unwrap(), watch::channel(Way::Open));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(stream, to.clone(), state.clone()));
            }
        });
        Self { address, way }
    }

    /// The URL of a new schema by this way.
    fn fresh(&self) -> String {
        let url = server::fresh();
        let direct = server::server().split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap();
        url.replace(direct, &self.address.to_string())
    }

    fn turn(&self, way: Way) {
        self.way.send(way).unwrap();
    }
}

async fn pass(mut stream: TcpStream, to: String, mut state: watch::Receiver<Way>) {
    while *state.borrow_and_update() == Way::Silent {
        state.changed().await.unwrap();
    }
    if *state.borrow() == Way::Shut {
        return;
    }
    let mut server = TcpStream::connect(to).await.unwrap();
    loop {
        let mut changed = state.clone();
        tokio::select! {
            _ = copy_bidirectional(&mut stream, &mut server) => return,
            _ = changed.changed() => {}
        }
        while *state.borrow_and_update() == Way::Silent {
            state.changed().await.unwrap();
        }
        if *state.borrow() == Way::Shut {
            return;
        }
    }
}

#[track_caller]
fn assert_unavailable<T: std::fmt::Debug>(outcome: &Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
}

// F-07
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_is_used_again_without_a_restart() {
    let proxy = Proxy::new().await;
    let store = open(&proxy.fresh()).await;
    let user = store.insert(&named("ada")).await.unwrap();
    for _ in 0..3 {
        proxy.turn(Way::Shut);
        let outcomes = at_once(&store, 50).await;
        outcomes.iter().for_each(assert_unavailable);
        assert_unavailable(&store.ping().await);
        proxy.turn(Way::Open);
        assert_eq!(store.find_by_id(user.id).await, Ok(Some(user.clone())));
        store.ping().await.unwrap();
    }
}

/// Less than others hold a connection.
const MOMENT: Duration = Duration::from_millis(50);

async fn at_once(store: &Arc<PostgresStore>, count: usize) -> Vec<Result<(), StoreError>> {
    let mut asked = JoinSet::new();
    for _ in 0..count {
        let store = Arc::clone(store);
        asked.spawn(async move { store.find_by_id(UserId::new(NOW)).await.map(drop) });
    }
    asked.join_all().await
}

// F-09: a request ends, whatever the network does; after how many seconds is measured by script/faults.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_heard_holds_nobody_up_for_long() {
    let proxy = Proxy::new().await;
    let store = Arc::new(PostgresStore::open(&address(&proxy.fresh())).await.unwrap());
    proxy.turn(Way::Silent);
    let outcomes = tokio::time::timeout(PATIENCE, at_once(&store, 50)).await.unwrap();
    outcomes.iter().for_each(assert_unavailable);
    assert_unavailable(&tokio::time::timeout(PATIENCE, store.insert(&named("ada"))).await.unwrap());
    // The steps of one request have the time of one, or these would take longer than there is patience.
    let steps = share_time(async {
        for _ in 0..40 {
            assert_unavailable(&store.ping().await);
        }
    });
    tokio::time::timeout(PATIENCE, steps).await.unwrap();
    proxy.turn(Way::Open);
    store.ping().await.unwrap();
    store.insert(&named("bob")).await.unwrap();
}

// F-10
#[tokio::test(flavor = "multi_thread")]
async fn who_finds_all_connections_busy_is_refused_and_the_rest_recovers() {
    let url = server::fresh();
    let store = Arc::new(PostgresStore::open(&address(&url).connections(2).patience(MOMENT)).await.unwrap());
    let mut blocker = server::connect(&url).await;
    let lock = blocker.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    // Two hold the connections until the server gives up on their lock; the others do not wait so long.
    let outcomes = at_once(&store, 20).await;
    outcomes.iter().for_each(assert_unavailable);
    let busy = outcomes.iter().filter(|outcome| format!("{outcome:?}").contains("all connections")).count();
    assert!(busy > 0, "{outcomes:?}");
    lock.rollback().await.unwrap();
    store.insert(&named("ada")).await.unwrap();
}

// F-17: callers that go away, in the middle of whatever they asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_cancelled_changes_leaves_nothing_half_done() {
    let url = server::fresh();
    let store = Arc::new(PostgresStore::open(&address(&url).connections(4).patience(PATIENCE)).await.unwrap());
    let user = store.insert(&named("ada")).await.unwrap();
    let mut callers = JoinSet::new();
    for n in 0..400_u32 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let scopes = ScopesChange::Grant(ScopeSet::parse(&format!("s:{n}")).unwrap());
            let change = UserChange { scopes, ..UserChange::default() };
            let time = Duration::from_micros(u64::from(n) * 37 % 20_000);
            drop(tokio::time::timeout(time, store.update(user.id, &change, NOW)).await);
        });
    }
    callers.join_all().await;
    let change = UserChange { scopes: ScopesChange::Replace(ScopeSet::default()), ..UserChange::default() };
    // A transaction that was left open would hold the user, and this would wait for it in vain.
    let after = store.update(user.id, &change, NOW).await.unwrap().unwrap();
    assert_eq!(after.scopes, ScopeSet::default());
    for outcome in at_once(&store, 20).await {
        assert_eq!(outcome, Ok(()));
    }
}
