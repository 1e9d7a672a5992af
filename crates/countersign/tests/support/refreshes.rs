//! One refresh token in many hands at once, in two processes: the same race for every engine.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Child;
use std::sync::Arc;

use countersign::axum::Clock;
use countersign::session::refresh_token::RefreshKey;
use countersign::session::{Origin, RefreshToken, Session};
use countersign::sessions::{Login, SessionLives, Sessions};
use countersign::statuses::Statuses;
use countersign::store::{SessionStore, StatusStore};
use countersign::token::ScopeSet;
use countersign::user::User;
use tokio::task::JoinSet;

const ROUNDS: usize = 200;
/// Uses of a token in each of the two processes.
const USES: usize = 25;

pub(crate) fn sessions_in<S: SessionStore + StatusStore>(store: Arc<S>) -> Sessions {
    let lives = SessionLives { access_token_s: 1800, refresh_idle_s: 86_400, refresh_s: 86_400 };
    let statuses = Statuses::new(store.clone(), "https://as.example", Clock::system());
    Sessions::new(store, statuses, RefreshKey::new(&[7; 32]), lives, Clock::system())
}

/// Here, and in a child that runs [`obey`].
pub(crate) async fn of_fifty_uses_all_get_the_same_next_token(sessions: &Sessions, user: &User, mut child: Child) {
    let scope = ScopeSet::default();
    let login = Login { user, client: "first-party", scope: &scope, with_refresh: true, origin: Origin::default() };
    let mut token = sessions.begin(login).await.unwrap().unwrap().1.unwrap().text().to_string();
    let mut lines = crate::lines_of(&mut child);
    let mut orders = child.stdin.take().unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    for round in 0..ROUNDS {
        orders.write_all(format!("{token}\n").as_bytes()).unwrap();
        let ours = use_at_once(sessions, &token).await;
        let theirs: BTreeSet<String> = lines.next().unwrap().unwrap().split(' ').map(str::to_owned).collect();
        let children: Vec<&String> = ours.union(&theirs).collect();
        assert_eq!(children.len(), 1, "round {round}: {children:?}");
        token.clone_from(children.first().unwrap());
    }
    drop(orders);
    assert!(child.wait().unwrap().success());
    assert_eq!(sessions.stats().reused, 0);
    assert_eq!(sessions.list(user.id).await.unwrap().len(), 1);
}

/// What the other process does: it uses each token that it is told, and says what that gives.
pub(crate) async fn obey(sessions: &Sessions) {
    eprintln!("ready");
    for line in std::io::stdin().lines() {
        let children = use_at_once(sessions, &line.unwrap()).await;
        eprintln!("{}", children.into_iter().collect::<Vec<_>>().join(" "));
    }
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
