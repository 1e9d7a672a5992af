//! How a client says who it is at the token endpoint (RFC 6749 section 2.3, RFC 7523 section 2.2).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_token::ClientAssertion;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::form::answer::{TokenError, TokenErrorCode};
use crate::form::strict::{self, StrictForm};

/// The client that a token request names, and the secret or the assertion that it shows. Nothing of it has been checked.
#[derive(Clone)]
pub struct ClientCredentials {
    id: String,
    proof: Proof,
    in_header: bool,
}

/// What a client shows: one thing at most.
#[derive(Clone)]
enum Proof {
    None,
    Secret(Zeroizing<String>),
    Assertion(Zeroizing<String>),
}

/// The `client_assertion_type` of a JWT (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const REFUSED: &str = "Client authentication failed";

impl ClientCredentials {
    /// Reads the client from HTTP Basic or from the form; `None` when the request names no client.
    ///
    /// Basic credentials are form-decoded after base64. Empty ones (`Basic Og==`), which Swagger UI sends with
    /// the password grant, stand for no client. With a `client_assertion` the form need not name the client: the assertion does.
    /// Two methods at once, or two `Authorization` headers, are `invalid_request`; malformed Basic credentials, other schemes
    /// and other kinds of assertions are `invalid_client`.
    pub fn from_request(headers: &HeaderMap, form: &StrictForm) -> Result<Option<Self>, TokenError> {
        let in_form = in_form(form)?;
        let Some(in_header) = in_header(headers)? else { return Ok(in_form) };
        match in_form {
            // A client that repeats its id in the form still uses one method.
            Some(client) if client.has_proof() || client.id != in_header.id => {
                Err(two_methods("Name the client in the Authorization header or in the form, not in both"))
            }
            _ => Ok(Some(in_header)),
        }
    }

    /// The client's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The client's secret; a public client shows none.
    pub fn secret(&self) -> Option<&str> {
        if let Proof::Secret(secret) = &self.proof { Some(secret) } else { None }
    }

    /// What the client has signed in the place of a secret: a [`ClientAssertion`], to be verified.
    pub fn assertion(&self) -> Option<&str> {
        if let Proof::Assertion(assertion) = &self.proof { Some(assertion) } else { None }
    }

    fn has_proof(&self) -> bool {
        !matches!(self.proof, Proof::None)
    }

    /// The answer to a client that is not known or shows the wrong secret: `invalid_client`, with 401 and a challenge
    /// when the client came by the `Authorization` header.
    pub fn refuse(&self) -> TokenError {
        if self.in_header {
            TokenError::wrong_client(REFUSED)
        } else {
            TokenError::new(TokenErrorCode::InvalidClient, REFUSED)
        }
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClientCredentials").field("id", &self.id).finish_non_exhaustive()
    }
}

fn in_form(form: &StrictForm) -> Result<Option<ClientCredentials>, TokenError> {
    let (id, secret, assertion) = (form.optional("client_id")?, form.optional("client_secret")?, in_assertion(form)?);
    let wiped = |text: &str| Zeroizing::new(text.to_owned());
    let (id, proof) = match (id, secret, assertion) {
        (None, None, None) => return Ok(None),
        (_, Some(_), Some(_)) => return Err(two_methods("Show a client_secret or a client_assertion, not both")),
        (None, Some(_), None) => {
            return Err(TokenError::new(TokenErrorCode::InvalidRequest, "A client_secret needs a client_id"));
        }
        (Some(id), None, None) => (id.to_owned(), Proof::None),
        (Some(id), Some(secret), None) => (id.to_owned(), Proof::Secret(wiped(secret))),
        (Some(id), None, Some(assertion)) => (id.to_owned(), Proof::Assertion(wiped(assertion))),
        (None, None, Some(assertion)) => {
            let named = ClientAssertion::client_named_by(assertion);
            let named = named.ok_or_else(|| TokenError::new(TokenErrorCode::InvalidClient, REFUSED))?;
            (named, Proof::Assertion(wiped(assertion)))
        }
    };
    Ok(Some(ClientCredentials { id, proof, in_header: false }))
}

/// The `client_assertion`, which comes with its type and is a JWT.
fn in_assertion(form: &StrictForm) -> Result<Option<&str>, TokenError> {
    match (form.optional("client_assertion_type")?, form.optional("client_assertion")?) {
        (None, None) => Ok(None),
        (Some(JWT_BEARER), Some(assertion)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(TokenError::new(
            TokenErrorCode::InvalidClient,
            "The only client_assertion_type here is urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )),
        _ => {
            let text = "A client_assertion and its client_assertion_type come together";
            Err(TokenError::new(TokenErrorCode::InvalidRequest, text))
        }
    }
}

fn two_methods(text: &'static str) -> TokenError {
    TokenError::new(TokenErrorCode::InvalidRequest, text)
}

fn in_header(headers: &HeaderMap) -> Result<Option<ClientCredentials>, TokenError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(TokenError::new(TokenErrorCode::InvalidRequest, "Send one Authorization header"));
    }
    let (id, secret) = basic(value.as_bytes())
        .ok_or_else(|| TokenError::wrong_client("The Authorization header has no well-formed Basic credentials"))?;
    if id.is_empty() && secret.is_empty() {
        return Ok(None);
    }
    if id.is_empty() {
        return Err(TokenError::wrong_client("The Authorization header names no client"));
    }
    // An empty secret and an omitted one are the same (RFC 6749 section 2.3.1).
    let proof = if secret.is_empty() { Proof::None } else { Proof::Secret(secret) };
    Ok(Some(ClientCredentials { id, proof, in_header: true }))
}

/// The id and the secret of `Basic base64(form(id) ":" form(secret))`.
fn basic(header: &[u8]) -> Option<(String, Zeroizing<String>)> {
    let (scheme, credentials) = header.split_at_checked(b"Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let pair = Zeroizing::new(STANDARD.decode(credentials.trim_ascii()).ok()?);
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let (id, secret) = pair.split_at_checked(colon)?;
    let id = strict::decode(id).ok()?;
    let secret = strict::decode(secret.strip_prefix(b":")?).ok()?;
    Some((id, Zeroizing::new(secret)))
}
