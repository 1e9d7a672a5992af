//! Status lists at work: sessions take places in them at random, and they are signed for whoever checks tokens elsewhere
//! (Token Status List, draft-ietf-oauth-status-list-21).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_axum::{Clock, IsRevoked, Revocations, Unavailable};
use countersign_token::{Claims, IssueError, Issuer, StatusList, StatusListLives, StatusReference};

use crate::status::{PLACES, StatusListId, StatusPlace};
use crate::store::{StatusStore, StoreError};

/// A list is made known for so much longer than is needed at the moment, so that this is rarely to be done, in seconds.
const MARGIN_S: i64 = 24 * 60 * 60;
/// How long a copy of a list may be kept before it is asked for again, and until when it counts at all: an API that has lost sight of
/// this server goes by it no longer than this.
pub const LIVES: StatusListLives = StatusListLives { ttl_s: 5, lifetime_s: 24 * 60 * 60 };
/// A list that is the same is signed again after so many seconds: on the hour.
const SIGNED_FOR_S: i64 = 60 * 60;
/// Signed lists that are kept at the most, of some 200 bytes to 16 KiB.
const MOST_SIGNED: usize = 256;
/// The largest leeway of a verifier, in seconds: so much longer than a token lives is its mark kept.
const LEEWAY_S: i64 = 300;
/// Marks that are deleted in one step: others who write wait for it.
const PURGED_AT_ONCE: usize = 500;

/// The lists of statuses. Clones share them.
#[derive(Clone)]
pub struct Statuses {
    store: Arc<dyn StatusStore>,
    /// What the URI of a list begins with.
    base: Arc<str>,
    clock: Clock,
    /// The list in which this process takes places; no other one does.
    current: Arc<tokio::sync::Mutex<Option<OwnList>>>,
    signed: Arc<std::sync::Mutex<HashMap<StatusListId, Arc<SignedStatusList>>>>,
}

struct OwnList {
    id: StatusListId,
    free: Vec<u16>,
    known_until: i64,
}

/// A list as it is served.
#[derive(Debug)]
pub struct SignedStatusList {
    /// The compact JWS, of the type `application/statuslist+jwt`.
    pub token: String,
    /// Its entity tag (RFC 9110 section 8.8.3).
    pub etag: String,
    revoked: Vec<u16>,
    kid: String,
    hour: i64,
}

/// Why there is no signed list.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatusListError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be signed.
    #[error("a list of statuses could not be signed: {0}")]
    Signing(#[from] IssueError),
}

impl Statuses {
    /// Lists in this store, of the server with this issuer URL.
    pub fn new(store: Arc<dyn StatusStore>, issuer: &str, clock: Clock) -> Self {
        let base = format!("{}/statuslists/", issuer.trim_end_matches('/')).into();
        Self { store, base, clock, current: Arc::default(), signed: Arc::default() }
    }

    /// A place of which nobody can tell whose it is, in a list that is known until this time at least.
    pub async fn take(&self, until: i64) -> Result<StatusPlace, StoreError> {
        let mut current = self.current.lock().await;
        let mut list = match current.take().filter(|list| !list.free.is_empty()) {
            Some(list) => list,
            None => OwnList::new()?,
        };
        if list.known_until < until {
            let known_until = until.saturating_add(MARGIN_S);
            self.store.keep_status_list(list.id, known_until).await?;
            list.known_until = known_until;
        }
        let place = list.take();
        *current = Some(list);
        place
    }

    /// What a token says of its place.
    pub fn reference(&self, place: StatusPlace) -> StatusReference {
        StatusReference { index: place.index.into(), uri: self.uri(place.list) }
    }

    fn uri(&self, list: StatusListId) -> String {
        format!("{}{list}", self.base)
    }

    /// The place that a token names, if it is in one of the lists of this server.
    fn place(&self, reference: &StatusReference) -> Option<StatusPlace> {
        let list = reference.uri.strip_prefix(&*self.base)?.parse().ok()?;
        Some(StatusPlace { list, index: reference.index.try_into().ok()? })
    }

    /// A list as it is at this moment, signed; `None` if there is none of this id, or not any more.
    pub async fn sign(
        &self,
        id: StatusListId,
        issuer: &Issuer,
    ) -> Result<Option<Arc<SignedStatusList>>, StatusListError> {
        let Some(revoked) = self.store.list_revoked(id).await? else { return Ok(None) };
        // All processes sign for the same hour, so that a list has one tag whichever of them is asked.
        let (now, kid) = (self.clock.now(), issuer.key().kid());
        let hour = now - now.rem_euclid(SIGNED_FOR_S);
        let kept = self.signed.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let is_as_kept = |kept: &Arc<SignedStatusList>| kept.revoked == revoked && kept.kid == kid && kept.hour == hour;
        if let Some(kept) = kept.filter(is_as_kept) {
            return Ok(Some(kept));
        }
        let list = StatusList::of_invalid(PLACES, revoked.iter().copied().map(u32::from));
        let token = issuer.sign_status_list(&list, &self.uri(id), LIVES, hour)?;
        let etag = tag(kid, hour, &revoked);
        let signed = Arc::new(SignedStatusList { token, etag, revoked, kid: kid.to_owned(), hour });
        let mut all = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_SIGNED {
            all.clear();
        }
        all.insert(id, Arc::clone(&signed));
        Ok(Some(signed))
    }

    /// Deletes what is over, in steps.
    pub async fn purge(&self) -> Result<(), StoreError> {
        while self.store.purge_statuses(self.clock.now() - LEEWAY_S, PURGED_AT_ONCE).await? == PURGED_AT_ONCE {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

impl Revocations for Statuses {
    /// Asks the store each time: what another process has taken back is refused here at once.
    fn is_revoked<'a>(&'a self, claims: &'a Claims, _now: i64) -> IsRevoked<'a> {
        Box::pin(async move {
            match claims.status().and_then(|reference| self.place(reference)) {
                Some(place) => self.store.is_revoked(place).await.map_err(Unavailable::because),
                None => Ok(false),
            }
        })
    }
}

impl OwnList {
    fn new() -> Result<Self, StoreError> {
        let mut id = [0; StatusListId::BYTES];
        fill(&mut id)?;
        let id = StatusListId::from_bytes(id);
        Ok(Self { id, free: (0..=u16::MAX).collect(), known_until: 0 })
    }

    /// One of the free places, at random: the order of logins cannot be read off the places.
    fn take(&mut self) -> Result<StatusPlace, StoreError> {
        let mut random = [0; 8];
        fill(&mut random)?;
        // Of 2^64 numbers at most 2^16 are too many for an even chance.
        let at = u64::from_ne_bytes(random) % self.free.len().max(1) as u64;
        let index = self.free.swap_remove(usize::try_from(at).unwrap_or_default());
        Ok(StatusPlace { list: self.id, index })
    }
}

/// A weak tag, since the signatures of two processes differ.
fn tag(kid: &str, hour: i64, revoked: &[u16]) -> String {
    let mut said = format!("{kid} {hour}").into_bytes();
    said.extend(revoked.iter().flat_map(|place| place.to_be_bytes()));
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, &said)))
}

fn fill(bytes: &mut [u8]) -> Result<(), StoreError> {
    let no_randomness = |_| StoreError::Unavailable("the system gives no random bytes for a status list".to_owned());
    aws_lc_rs::rand::fill(bytes).map_err(no_randomness)
}

impl fmt::Debug for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statuses").field("base", &self.base).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use countersign_token::{Algorithm, KeySet, SigningKey, Verifier};

    use super::*;
    use crate::store::memory::MemoryStore;

    const NOW: i64 = 1_800_000_000;

    fn statuses() -> (Statuses, Arc<MemoryStore>) {
        let store = Arc::new(MemoryStore::new());
        let (clock, _) = Clock::settable(NOW);
        (Statuses::new(store.clone(), "https://as.example/", clock), store)
    }

    fn issuer() -> (Issuer, Verifier) {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let keys = KeySet::new(vec![key.verification_key()]).unwrap();
        (Issuer::new("https://as.example/", key), Verifier::new("https://as.example/", "https://api.example", keys))
    }

    #[tokio::test]
    async fn a_list_gives_each_of_its_places_once_and_in_no_order() {
        let (statuses, _) = statuses();
        let mut places = Vec::new();
        for _ in 0..=PLACES {
            places.push(statuses.take(NOW + 60).await.unwrap());
        }
        let lists: HashSet<StatusListId> = places.iter().map(|place| place.list).collect();
        assert_eq!(lists.len(), 2, "the one is full, the other just begun");
        let of_first: HashSet<u16> = places[..PLACES as usize].iter().map(|place| place.index).collect();
        assert_eq!(of_first.len(), PLACES as usize);
        let ascents = places.windows(2).filter(|pair| pair[0].index < pair[1].index).count();
        // Half of 65,536 and twelve standard deviations (73.9 each) to either side.
        assert!((31_880..=33_656).contains(&ascents), "{ascents}");
    }

    #[tokio::test]
    async fn a_list_is_known_for_as_long_as_somebody_needs_it() {
        let (statuses, store) = statuses();
        let first = statuses.take(NOW + 60).await.unwrap();
        store.purge_statuses(NOW + 60, 10).await.unwrap();
        assert_eq!(store.list_revoked(first.list).await, Ok(Some(Vec::new())));
        let (needed, much_later) = (NOW + 10 * MARGIN_S, NOW + 12 * MARGIN_S);
        assert_eq!(statuses.take(needed).await.unwrap().list, first.list);
        store.purge_statuses(needed, 10).await.unwrap();
        assert_eq!(store.list_revoked(first.list).await, Ok(Some(Vec::new())));
        store.purge_statuses(much_later, 10).await.unwrap();
        assert_eq!(store.list_revoked(first.list).await, Ok(None));
    }

    #[tokio::test]
    async fn a_list_is_signed_again_when_it_has_changed_or_grown_old() {
        let (statuses, _) = statuses();
        let (issuer, verifier) = issuer();
        let place = statuses.take(NOW + 60).await.unwrap();
        let sign = async |statuses: &Statuses| statuses.sign(place.list, &issuer).await.unwrap().unwrap();
        let first = sign(&statuses).await;
        assert!(Arc::ptr_eq(&first, &sign(&statuses).await));
        let uri = statuses.reference(place).uri;
        let published = verifier.verify_status_list(&first.token, &uri, NOW).unwrap();
        assert!(published.list.is_valid(place.index.into()));
        let (clock, _) = Clock::settable(NOW + SIGNED_FOR_S);
        assert!(!Arc::ptr_eq(&first, &sign(&Statuses { clock, ..statuses.clone() }).await));
        let nobody = StatusListId::from_bytes([7; StatusListId::BYTES]);
        assert!(statuses.sign(nobody, &issuer).await.unwrap().is_none());
    }

    #[test]
    fn a_place_is_read_off_a_reference_to_a_list_of_this_server_alone() {
        let (statuses, _) = statuses();
        let place = StatusPlace { list: StatusListId::from_bytes([1; 9]), index: 65_535 };
        let reference = statuses.reference(place);
        assert_eq!(reference.uri, "https://as.example/statuslists/AQEBAQEBAQEB");
        assert_eq!(statuses.place(&reference), Some(place));
        let beyond = StatusReference { index: PLACES, ..reference };
        assert_eq!(statuses.place(&beyond), None);
        for uri in ["https://as.example.evil/statuslists/AQEBAQEBAQEB", "https://as.example/statuslists/AQEBAQEBAQEB/"]
        {
            assert_eq!(statuses.place(&StatusReference { index: 1, uri: uri.to_owned() }), None);
        }
    }
}
