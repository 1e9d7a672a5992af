//! A session against a model of it: whatever happens in whatever order, the store and the model agree.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use countersign::axum::{Clock, ClockHand};
use countersign::session::refresh_token::RefreshKey;
use countersign::session::{Origin, RefreshToken, Session, SessionId};
use countersign::sessions::{Login, RefreshError, SessionLives, Sessions};
use countersign::statuses::Statuses;
use countersign::store::UserStore;
use countersign::store::memory::MemoryStore;
use countersign::token::ScopeSet;
use countersign::user::{NewUser, User, UserChange, UserId, Username};
use proptest::prelude::*;

const LIVES: SessionLives = SessionLives { access_token_s: 60, refresh_idle_s: 1000, refresh_s: 5000 };

/// What may happen to a session.
#[derive(Clone, Debug)]
enum Act {
    /// One of the tokens that were handed out is used, counted from the last.
    Use(usize),
    /// The same by another client.
    UseElsewhere(usize),
    /// The process is another one, over the same store.
    Restart,
    /// So many seconds go by.
    Wait(i64),
    /// A token is given back, counted from the last.
    Revoke(usize),
    /// The user is disabled, and enabled again.
    Disable,
    /// What has expired is deleted.
    Purge,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        12 => (0_usize..2).prop_map(Act::Use),
        2 => (0_usize..6).prop_map(Act::Use),
        1 => (0_usize..3).prop_map(Act::UseElsewhere),
        3 => Just(Act::Restart),
        4 => (1_i64..700).prop_map(Act::Wait),
        1 => (990_i64..1010).prop_map(Act::Wait),
        1 => (0_usize..4).prop_map(Act::Revoke),
        1 => Just(Act::Disable),
        2 => Just(Act::Purge),
    ];
    proptest::collection::vec(act, 1..40)
}

/// What should hold.
struct Model {
    /// Every token that was handed out, in order; the last is the good one.
    handed_out: Vec<String>,
    is_alive: bool,
    began_at: i64,
    used_at: i64,
    /// When the last access token was given.
    given_at: i64,
}

impl Model {
    fn is_good_at(&self, now: i64) -> bool {
        self.is_alive && now < (self.used_at + LIVES.refresh_idle_s).min(self.began_at + LIVES.refresh_s)
    }

    /// Whether the session is still kept: its last access token may outlive its refresh token.
    fn is_kept_at(&self, now: i64) -> bool {
        self.is_good_at(now) || (self.is_alive && now < self.given_at + LIVES.access_token_s)
    }

    /// Where a token stands that is counted from the last.
    fn place(&self, from_the_last: usize) -> usize {
        self.handed_out.len().saturating_sub(1 + from_the_last)
    }
}

struct House {
    store: Arc<MemoryStore>,
    sessions: Sessions,
    user: UserId,
    session: SessionId,
    clock: Clock,
    hand: ClockHand,
    model: Model,
}

fn sessions_in(store: &Arc<MemoryStore>, clock: &Clock) -> Sessions {
    let statuses = Statuses::new(store.clone(), "https://as.example", clock.clone());
    Sessions::new(store.clone(), statuses, RefreshKey::new(&[7; 32]), LIVES, clock.clone())
}

impl House {
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let (clock, hand) = Clock::settable(1_800_000_000);
        let sessions = sessions_in(&store, &clock);
        let user = store.insert(&NewUser::new(Username::new("alice").unwrap(), 0)).await.unwrap();
        let scope = ScopeSet::default();
        let login =
            Login { user: &user, client: "first-party", scope: &scope, with_refresh: true, origin: Origin::default() };
        let (session, token) = sessions.begin(login).await.unwrap().unwrap();
        let handed_out = vec![token.unwrap().text().to_string()];
        let now = clock.now();
        let model = Model { handed_out, is_alive: true, began_at: now, used_at: now, given_at: now };
        Self { store, sessions, user: user.id, session: session.id, clock, hand, model }
    }

    async fn refresh(&self, place: usize, client: &str) -> Result<String, RefreshError> {
        let token = RefreshToken::read(&self.model.handed_out[place]).unwrap();
        let all = |session: &Session, _: &User| Ok(session.scope.clone());
        self.sessions.refresh(&token, client, all).await.map(|refreshed| refreshed.next.text().to_string())
    }

    async fn act(&mut self, act: &Act) {
        let now = self.clock.now();
        match act {
            Act::Use(from_the_last) => self.use_token(self.model.place(*from_the_last), now).await,
            Act::UseElsewhere(from_the_last) => {
                let place = self.model.place(*from_the_last);
                assert!(matches!(self.refresh(place, "other").await, Err(RefreshError::NotValid)));
            }
            Act::Restart => {
                self.sessions = sessions_in(&self.store, &self.clock);
            }
            Act::Wait(seconds) => self.hand.advance(*seconds),
            Act::Revoke(from_the_last) => {
                let text = &self.model.handed_out[self.model.place(*from_the_last)];
                self.sessions.revoke(&RefreshToken::read(text).unwrap(), "first-party").await.unwrap();
                self.model.is_alive = false;
            }
            Act::Disable => {
                for disabled in [true, false] {
                    let change = UserChange { disabled: Some(disabled), ..UserChange::default() };
                    self.store.update(self.user, &change, now).await.unwrap();
                }
                self.model.is_alive = false;
            }
            Act::Purge => self.sessions.purge().await.unwrap(),
        }
        let is_kept = self.sessions.find(self.session).await.unwrap().is_some();
        assert_eq!(is_kept, self.model.is_kept_at(self.clock.now()), "after {act:?}");
    }

    async fn use_token(&mut self, place: usize, now: i64) {
        let used = self.refresh(place, "first-party").await;
        let last = self.model.handed_out.len() - 1;
        if !self.model.is_good_at(now) {
            assert!(matches!(used, Err(RefreshError::NotValid)));
        } else if place == last {
            self.model.handed_out.push(used.unwrap());
            (self.model.used_at, self.model.given_at) = (now, now);
        } else if place + 1 == last {
            assert_eq!(used.unwrap(), self.model.handed_out[last]);
            self.model.given_at = now;
        } else {
            assert!(matches!(used, Err(RefreshError::NotValid)));
            self.model.is_alive = false;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    //
    #[test]
    fn a_session_does_what_the_model_does(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut house = House::new().await;
            for act in &acts {
                house.act(act).await;
            }
            let tokens = &house.model.handed_out;
            assert_eq!(tokens.iter().collect::<std::collections::BTreeSet<_>>().len(), tokens.len(), "no token twice");
        });
    }
}
