//! `/statuslists/{id}`: which tokens were taken back, for APIs elsewhere (Token Status List, draft-ietf-oauth-status-list-21).

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use countersign_axum::Problem;

use crate::app::Countersign;
use crate::http::error::{ApiError, PROBLEM_JSON};
use crate::http::well_known::TAG;
use crate::statuses::LIVES;

/// Which access tokens do not hold any more: a list of bits, compressed and signed.
///
/// The claim `status` of an access token names the list and the place in it.
#[utoipa::path(get, path = "/statuslists/{id}", tag = TAG,
    params(("id" = String, Path, description = "The list, as the claim `status` of a token names it")),
    responses(
        (status = 200, description = "A Status List Token", body = String, content_type = "application/statuslist+jwt"),
        (status = 304, description = "The list is the one that `If-None-Match` names"),
        (status = 404, description = "There is no such list, or all of its tokens have expired", body = Problem,
            content_type = PROBLEM_JSON),
    ))]
pub(crate) async fn read_status_list(
    State(app): State<Countersign>,
    headers: HeaderMap,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let no_such_list = || ApiError::new(StatusCode::NOT_FOUND, "There is no such status list");
    let id = id.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(no_such_list)?;
    let issuer = &app.keyring().current().issuer;
    let list = app.sessions().statuses().sign(id, issuer).await?.ok_or_else(no_such_list)?;
    let about = [
        (ETAG, list.etag.clone()),
        (CACHE_CONTROL, format!("public, max-age={}", LIVES.ttl_s)),
        // Any page may check a token (section 8.1 of the draft).
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
    ];
    if names(&headers, &list.etag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    Ok((about, [(CONTENT_TYPE, "application/statuslist+jwt")], list.token.clone()).into_response())
}

/// Whether `If-None-Match` names the tag, compared weakly (RFC 9110 section 13.1.2).
fn names(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}
