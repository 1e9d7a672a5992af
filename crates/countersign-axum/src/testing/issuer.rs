//! Tokens for the tests of a guarded program, by a key that nobody else has.

use countersign_token::{Algorithm, IssueError, Issuer, KeyError, KeySet, NewToken, SigningKey, Verifier};

use crate::clock::{Clock, ClockHand};
use crate::guard::Guard;

const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "https://api.test";
const CLIENT: &str = "test";

/// When the clock of a [`TestIssuer`] starts, in Unix seconds.
const START: i64 = 1_800_000_000;

/// Makes tokens in a test, and the guard that takes them, on a clock that stands still until it is moved.
///
/// ```
/// use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
/// use countersign_axum::{Bearer, testing::TestIssuer, token::NewToken};
/// use tower::ServiceExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = TestIssuer::new()?;
/// let app = Router::new().route("/hello", get(|_: Bearer| async {})).with_state(issuer.guard());
/// let token = issuer.token(&NewToken::for_subject("ada").lifetime_s(60))?;
/// let request = || Request::get("/hello").header("authorization", format!("Bearer {token}")).body(Body::empty());
///
/// assert_eq!(app.clone().oneshot(request()?).await?.status(), StatusCode::OK);
/// issuer.advance(60);
/// assert_eq!(app.oneshot(request()?).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TestIssuer {
    issuer: Issuer,
    guard: Guard,
    clock: Clock,
    hand: ClockHand,
}

impl TestIssuer {
    /// An issuer of RFC 9068 access tokens, as a server makes them, with a key of its own.
    pub fn new() -> Result<Self, KeyError> {
        let key = SigningKey::generate(Algorithm::Es256)?;
        let (clock, hand) = Clock::settable(START);
        let verifier = Verifier::new(ISSUER, AUDIENCE, KeySet::new(vec![key.verification_key()])?);
        Ok(Self { issuer: Issuer::new(ISSUER, key), guard: Guard::new(verifier).clock(clock.clone()), clock, hand })
    }

    /// The guard that takes the tokens of this issuer; give it the style and the texts that the program's own has.
    pub fn guard(&self) -> Guard {
        self.guard.clone()
    }

    /// A token that is good from now on. Unless the test names others, it is given to the client `test` and is for the
    /// API of the [`guard`](Self::guard).
    pub fn token(&self, new: &NewToken) -> Result<String, IssueError> {
        let mut new = new.clone();
        if new.client_id.is_empty() {
            CLIENT.clone_into(&mut new.client_id);
        }
        if new.audience.is_empty() {
            new.audience.push(AUDIENCE.to_owned());
        }
        Ok(self.issuer.issue(&new, self.clock.now())?.token)
    }

    /// Moves the clock of the issuer and of its guards by so many seconds.
    pub fn advance(&self, seconds: i64) {
        self.hand.advance(seconds);
    }
}
