//! How a client says who it is at the token endpoint (RFC 6749 section 2.3.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use crate::form::answer::{TokenError, TokenErrorCode};
use crate::form::strict::{self, StrictForm};

/// The client that a token request names, and the secret that it shows. Nothing of it has been checked.
#[derive(Clone)]
pub struct ClientCredentials {
    id: String,
    secret: Option<Zeroizing<String>>,
    in_header: bool,
}

impl ClientCredentials {
    /// Reads the client from HTTP Basic or from the form; `None` when the request names no client.
    ///
    /// Basic credentials are form-decoded after base64. Empty ones (`Basic Og==`), which Swagger UI sends with
    /// the password grant, stand for no client. Two methods at once, or two `Authorization` headers, are
    /// `invalid_request`; malformed Basic credentials and other schemes are `invalid_client` with 401.
    pub fn from_request(headers: &HeaderMap, form: &StrictForm) -> Result<Option<Self>, TokenError> {
        let in_form = in_form(form)?;
        let Some(in_header) = in_header(headers)? else { return Ok(in_form) };
        match in_form {
            // A client that repeats its id in the form still uses one method.
            Some(client) if client.secret.is_some() || client.id != in_header.id => Err(TokenError::new(
                TokenErrorCode::InvalidRequest,
                "Name the client in the Authorization header or in the form, not in both",
            )),
            _ => Ok(Some(in_header)),
        }
    }

    /// The client's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The client's secret; a public client shows none.
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_ref().map(|secret| secret.as_str())
    }

    /// The answer to a client that is not known or shows the wrong secret: `invalid_client`, with 401 and a challenge
    /// when the client came by the `Authorization` header.
    pub fn refuse(&self) -> TokenError {
        const TEXT: &str = "Client authentication failed";
        if self.in_header {
            TokenError::wrong_client(TEXT)
        } else {
            TokenError::new(TokenErrorCode::InvalidClient, TEXT)
        }
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClientCredentials").field("id", &self.id).finish_non_exhaustive()
    }
}

fn in_form(form: &StrictForm) -> Result<Option<ClientCredentials>, TokenError> {
    let id = form.optional("client_id")?;
    let secret = form.optional("client_secret")?;
    match (id, secret) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(TokenError::new(TokenErrorCode::InvalidRequest, "A client_secret needs a client_id")),
        (Some(id), secret) => {
            let secret = secret.map(|secret| Zeroizing::new(secret.to_owned()));
            Ok(Some(ClientCredentials { id: id.to_owned(), secret, in_header: false }))
        }
    }
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
    let secret = (!secret.is_empty()).then_some(secret);
    Ok(Some(ClientCredentials { id, secret, in_header: true }))
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
