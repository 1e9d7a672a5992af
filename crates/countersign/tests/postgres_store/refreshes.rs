//! One refresh token in many hands at once, in two processes.

use std::collections::BTreeSet;
use std::io::Write as _;

use countersign::axum::Clock;
use countersign::session::refresh_token::RefreshKey;
use countersign::session::{Origin, RefreshToken, Session};
use countersign::sessions::{Login, SessionLives, Sessions};
use countersign::statuses::Statuses;
use countersign::user::User;

use super::*;

const ROUNDS: usize = 200;
/// Uses of a token in each of the two processes.
const USES: usize = 25;

async fn sessions(url: &str) -> Sessions {
    let store = open(url).await;
    let lives = SessionLives { access_token_s: 1800, refresh_idle_s: 86_400, refresh_s: 86_400 };
    let statuses = Statuses::new(store.clone(), "https://as.example", Clock::system());
    Sessions::new(store, statuses, RefreshKey::new(&[7; 32]), lives, Clock::system())
}

/// What the uses of a token give, all at once; who is refused makes it fail.
async fn use_at_once(sessions: &Sessions, token: &str) -> BTreeSet<String> {
    let token = RefreshToken::read(token).unwrap();
    let mut refreshes = JoinSet::new();
    for _ in 0..USES {
        let (sessions, token) = (sessions.clone(), token.clone());
        refreshes.spawn(async move {
            let all = |session: &Session, _: &User| Ok(session.scope.clone());
            sessions.refresh(&token, "first-party", all).await.unwrap().next.text().to_string()
        });
    }
    refreshes.join_all().await.into_iter().collect()
}

// S-001, S-002, R-112
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_uses_in_two_processes_all_get_the_same_next_token() {
    let url = server::fresh();
    let user = open(&url).await.insert(&named("alice")).await.unwrap();
    let sessions = sessions(&url).await;
    let scope = ScopeSet::default();
    let login =
        Login { user: &user, client: "first-party", scope: &scope, with_refresh: true, origin: Origin::default() };
    let mut token = sessions.begin(login).await.unwrap().unwrap().1.unwrap().text().to_string();

    let mut child = other_process("refreshes::process_refreshes", &url).spawn().unwrap();
    let mut lines = lines_of(&mut child);
    let mut orders = child.stdin.take().unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    for round in 0..ROUNDS {
        orders.write_all(format!("{token}\n").as_bytes()).unwrap();
        let ours = use_at_once(&sessions, &token).await;
        let theirs: BTreeSet<String> = lines.next().unwrap().unwrap().split(' ').map(str::to_owned).collect();
        let children: Vec<&String> = ours.union(&theirs).collect();
        assert_eq!(children.len(), 1, "round {round}: {children:?}");
        token = children[0].clone();
    }
    drop(orders);
    assert!(child.wait().unwrap().success());
    assert_eq!(sessions.stats().reused, 0);
    assert_eq!(sessions.list(user.id).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by of_fifty_uses_in_two_processes_all_get_the_same_next_token"]
async fn process_refreshes() {
    let sessions = sessions(&database_of_this_process()).await;
    eprintln!("ready");
    for line in std::io::stdin().lines() {
        let children = use_at_once(&sessions, &line.unwrap()).await;
        eprintln!("{}", children.into_iter().collect::<Vec<_>>().join(" "));
    }
}
