//! What a guarded program keeps in its state: the verifier, the clock, and how refusals look.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use countersign_token::{Claims, Verifier, VerifyError};
use http::request::Parts;

use crate::clock::Clock;
use crate::credentials::{Credentials, credentials};
#[cfg(feature = "remote")]
use crate::demand::Demand;
use crate::guard_stats::{Counts, GuardStats};
use crate::problem::ErrorStyle;
use crate::refusal::{AuthError, Face, Realm, Refusal};
use crate::revocation::Revocations;
use crate::verified::VerifiedTokens;

/// What a guarded program keeps in its state.
///
/// Clones are cheap and share one verifier. Guards find it through [`FromRef`](axum_core::extract::FromRef): it is the
/// state itself, or a member of a state that implements `FromRef<State> for Guard`.
#[derive(Clone)]
pub struct Guard {
    /// Empty while the keys of a remote issuer are not there.
    verifier: Arc<ArcSwapOption<Verifier>>,
    verified: Arc<VerifiedTokens>,
    counts: Arc<Counts>,
    settings: Arc<Settings>,
    revocations: Option<Arc<dyn Revocations>>,
    #[cfg(feature = "remote")]
    demand: Option<Arc<Demand>>,
}

#[derive(Clone, Default)]
struct Settings {
    clock: Clock,
    face: Face,
}

impl Guard {
    /// A guard that lets pass what `verifier` takes, with the realm `api` and the system's clock.
    pub fn new(verifier: Verifier) -> Self {
        Self::of(Arc::new(ArcSwapOption::from_pointee(verifier)))
    }

    fn of(verifier: Arc<ArcSwapOption<Verifier>>) -> Self {
        Self {
            verifier,
            verified: Arc::new(VerifiedTokens::new()),
            counts: Arc::default(),
            settings: Arc::default(),
            revocations: None,
            #[cfg(feature = "remote")]
            demand: None,
        }
    }

    /// A guard whose verifier is put in place by somebody else, who is reached by `demand`.
    #[cfg(feature = "remote")]
    pub(crate) fn of_remote(verifier: Arc<ArcSwapOption<Verifier>>, demand: Arc<Demand>) -> Self {
        Self { demand: Some(demand), ..Self::of(verifier) }
    }

    /// Names the protection space in the challenge (RFC 9110 section 11.5).
    ///
    /// Quotes are escaped; what cannot stand in a header becomes a question mark.
    #[must_use]
    pub fn realm(self, realm: &str) -> Self {
        self.with(|settings| settings.face.realm = Realm::new(realm))
    }

    /// Reads the time from `clock`.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        self.with(|settings| settings.clock = clock)
    }

    /// Answers in `style`.
    ///
    /// [`ErrorStyle::FastApi`] also reads requests as FastAPI does: of two `Authorization` headers the first counts,
    /// and a token in the query beside the header does no harm. With [`ErrorStyle::Problem`] both are refused with 400.
    #[must_use]
    pub fn style(self, style: ErrorStyle) -> Self {
        self.with(|settings| settings.face.style = style)
    }

    /// The `detail` of the answer to a bad token, in place of `Could not validate credentials`.
    #[must_use]
    pub fn invalid_token_detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.with(|settings| settings.face.invalid_token_detail = detail.into())
    }

    /// Asks whether a good token was taken back, at every request, in place of whoever was asked before.
    ///
    /// The guard of a [remote issuer](crate::remote) asks the issuer's lists unless this is set.
    #[must_use]
    pub fn revocations(self, revocations: impl Revocations + 'static) -> Self {
        Self { revocations: Some(Arc::new(revocations)), ..self }
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// Puts another verifier in place, for all clones and from the next request on: for key rotation.
    pub fn replace_verifier(&self, verifier: Verifier) {
        self.verifier.store(Some(Arc::new(verifier)));
    }

    /// The time by which this guard judges tokens, in Unix seconds: a login of the same program issues them by it, so that a
    /// test which sets the clock sets it for both.
    pub fn now(&self) -> i64 {
        self.settings.clock.now()
    }

    /// What has become of the tokens that this guard and its clones were shown.
    pub fn stats(&self) -> GuardStats {
        self.counts.read()
    }

    /// The answer to a request that an extractor of your own turns away.
    pub fn refuse(&self, error: AuthError) -> Refusal {
        Refusal::new(error, self.settings.face.clone())
    }

    /// The claims of the request's token, if it was not taken back.
    pub(crate) async fn claims(&self, parts: &Parts) -> Result<Claims, Refusal> {
        let claims = self.verified_claims(parts).await?;
        self.check_revocation(&claims).await.map_err(|error| self.refuse(error))?;
        Ok(claims)
    }

    /// The claims of the request's token, taken back or not.
    pub(crate) async fn verified_claims(&self, parts: &Parts) -> Result<Claims, Refusal> {
        self.find_claims(parts).await.map_err(|error| self.refuse(error))
    }

    async fn check_revocation(&self, claims: &Claims) -> Result<(), AuthError> {
        let Some(revocations) = &self.revocations else { return Ok(()) };
        match revocations.is_revoked(claims, self.now()).await {
            Ok(false) => Ok(()),
            Ok(true) => {
                tracing::debug!("access token refused: it was taken back");
                Err(AuthError::InvalidToken)
            }
            Err(unavailable) => {
                tracing::error!(error = %unavailable, "a request could not be checked");
                Err(AuthError::Unavailable)
            }
        }
    }

    #[cfg_attr(not(feature = "remote"), expect(clippy::unused_async, reason = "only a remote issuer is waited for"))]
    async fn find_claims(&self, parts: &Parts) -> Result<Claims, AuthError> {
        let token = match credentials(parts, self.settings.face.style) {
            Credentials::None => return Err(AuthError::NoToken),
            Credentials::Several => return Err(AuthError::InvalidRequest),
            Credentials::Bearer(token) => std::str::from_utf8(token).map_err(|_| AuthError::InvalidToken)?,
        };
        let verified = self.verify(token);
        #[cfg(feature = "remote")]
        let verified = match (verified, &self.demand) {
            (Err(Unverified::NoKeys | Unverified::Refused(VerifyError::UnknownKey)), Some(demand)) => {
                demand.newer_keys().await;
                self.verify(token)
            }
            (verified, _) => verified,
        };
        verified.map_err(|unverified| match unverified {
            Unverified::NoKeys => {
                self.counts.unchecked.add();
                AuthError::Unavailable
            }
            Unverified::Refused(reason) => {
                self.counts.refused.add();
                tracing::debug!(%reason, "access token refused");
                AuthError::InvalidToken
            }
        })
    }

    fn verify(&self, token: &str) -> Result<Claims, Unverified> {
        let verifier = self.verifier.load_full().ok_or(Unverified::NoKeys)?;
        let now = self.now();
        let unknown = match self.verified.find(token, &verifier, now) {
            Ok(claims) => {
                self.counts.remembered.add();
                return Ok(claims);
            }
            Err(unknown) => unknown,
        };
        let claims = verifier.verify(token, now).map_err(Unverified::Refused)?;
        self.counts.verified.add();
        self.verified.remember(&unknown, verifier, claims.clone(), now);
        Ok(claims)
    }
}

/// Why no claims were found in a token.
enum Unverified {
    /// There is nothing to check it with.
    NoKeys,
    Refused(VerifyError),
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let face = &self.settings.face;
        formatter.debug_struct("Guard").field("realm", &face.realm).field("style", &face.style).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use countersign_token::{Algorithm, Issuer, NewToken, SigningKey};
    use http::Request;
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::clock::ClockHand;

    fn key(secret: u8) -> SigningKey {
        SigningKey::from_secret(Algorithm::Hs256, &[secret; 32]).expect("a key")
    }

    fn guard(secret: u8) -> (Guard, ClockHand) {
        let (clock, hand) = Clock::settable(1000);
        (Guard::new(Verifier::plain(key(secret).verification_key())).clock(clock), hand)
    }

    fn request(secret: u8) -> Parts {
        let request = NewToken::for_subject("user:ada").lifetime_s(60);
        let token = Issuer::plain(key(secret)).issue(&request, 1000).expect("a token").token;
        let request = Request::builder().header(AUTHORIZATION, format!("Bearer {token}")).body(());
        request.expect("a request").into_parts().0
    }

    #[tokio::test]
    async fn a_token_that_was_good_is_refused_once_it_has_expired() {
        //
        let (guard, hand) = guard(1);
        let parts = request(1);
        guard.claims(&parts).await.expect("a good token");
        hand.advance(59);
        guard.claims(&parts).await.expect("it is remembered, and still good");
        hand.advance(1);
        guard.claims(&parts).await.expect_err("it has expired");
    }

    #[tokio::test]
    async fn what_one_guard_found_is_nothing_to_a_guard_with_another_verifier() {
        let parts = request(1);
        guard(1).0.claims(&parts).await.expect("a good token");
        let refusal = guard(2).0.claims(&parts).await.expect_err("signed with another key");
        assert_eq!(*refusal.error(), AuthError::InvalidToken);

        let (guard, _) = guard(1);
        guard.claims(&parts).await.expect("a good token");
        guard.replace_verifier(Verifier::plain(key(2).verification_key()));
        guard.claims(&parts).await.expect_err("the key has been replaced");
    }
}
