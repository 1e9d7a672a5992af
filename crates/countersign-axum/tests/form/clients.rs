//! How a client shows itself with a token request.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use countersign_axum::form::PasswordForm;
use http::StatusCode;
use serde_json::json;

use crate::common::send;
use crate::{GOOD, answer, assert_refused, form, post_form, with_header};

#[tokio::test]
async fn a_client_names_itself_in_the_header_or_in_the_form() {
    // R-011
    use base64::Engine as _;
    let basic = |pair: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    for (header, client) in [
        (basic(":"), json!(null)),
        (basic("web:secret"), json!(["web", "secret"])),
        (basic("web:"), json!(["web", null])),
        (basic("a%3Ab:p%25q+%C3%A9%2B"), json!(["a:b", "p%q é+"])),
        (basic("web:a:b"), json!(["web", "a:b"])),
        (basic("web:x").replace("Basic", "bAsIc"), json!(["web", "x"])),
    ] {
        assert_eq!(with_header("authorization", &header, GOOD).await.json()["client"], client, "{header}");
    }
    let body = format!("{GOOD}&client_id=a%3Ab&client_secret=p%25q+%C3%A9%2B");
    assert_eq!(form(&body).await.json()["client"], json!(["a:b", "p%q é+"]));
    // Empty credentials in the header stand for none, and an id may be said twice.
    let answer = with_header("authorization", &basic(":"), &body).await;
    assert_eq!(answer.json()["client"], json!(["a:b", "p%q é+"]));
    let answer = with_header("authorization", &basic("web:x"), &format!("{GOOD}&client_id=web")).await;
    assert_eq!(answer.json()["client"], json!(["web", "x"]));
}

#[tokio::test]
async fn two_ways_to_name_a_client_are_an_invalid_request() {
    // R-004
    for body in ["&client_id=web&client_secret=x", "&client_id=other"] {
        let answer = with_header("authorization", "Basic d2ViOng=", &format!("{GOOD}{body}")).await;
        assert_refused(&answer, StatusCode::BAD_REQUEST, "invalid_request");
    }
    let request = post_form().header("authorization", "Basic YTpi").header("authorization", "Basic Yzpk");
    let answer = answer(request.body(Body::from(GOOD)).expect("a request")).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "invalid_request");
}

/// An assertion of `web`; its signature is for the server to look at.
const ASSERTION: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ3ZWIifQ.AAAA";
const JWT: &str = "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

// RFC 7523 section 2.2
#[tokio::test]
async fn a_client_shows_an_assertion_which_names_it_where_the_form_does_not() {
    for named in ["", "&client_id=web", "&client_id="] {
        let answer = form(&format!("{GOOD}&{JWT}&client_assertion={ASSERTION}{named}")).await;
        assert_eq!(answer.json()["client"], json!(["web", null, ASSERTION]), "{named}");
    }
    let other = form(&format!("{GOOD}&{JWT}&client_assertion={ASSERTION}&client_id=app")).await;
    assert_eq!(other.json()["client"], json!(["app", null, ASSERTION]), "for the server to find out");
    let body = format!("{GOOD}&{JWT}&client_assertion={ASSERTION}");
    let swagger = with_header("authorization", "Basic Og==", &body).await;
    assert_eq!(swagger.json()["client"], json!(["web", null, ASSERTION]));
}

// R-004, R-010
#[tokio::test]
async fn an_assertion_stands_alone_and_is_a_jwt() {
    let both =
        with_header("authorization", "Basic d2ViOng=", &format!("{GOOD}&{JWT}&client_assertion={ASSERTION}")).await;
    assert_refused(&both, StatusCode::BAD_REQUEST, "invalid_request");
    for (fields, code) in [
        (format!("{JWT}&client_assertion={ASSERTION}&client_id=web&client_secret=x"), "invalid_request"),
        (format!("{JWT}&client_assertion={ASSERTION}&client_secret=x"), "invalid_request"),
        (format!("{JWT}&client_assertion={ASSERTION}&client_assertion={ASSERTION}"), "invalid_request"),
        (format!("{JWT}&{JWT}&client_assertion={ASSERTION}"), "invalid_request"),
        (JWT.to_owned(), "invalid_request"),
        (format!("{JWT}&client_assertion=&client_id=web"), "invalid_request"),
        (format!("client_assertion={ASSERTION}&client_id=web"), "invalid_request"),
        (format!("client_assertion_type=saml2-bearer&client_assertion={ASSERTION}"), "invalid_client"),
        (format!("{JWT}&client_assertion=x"), "invalid_client"),
    ] {
        assert_refused(&form(&format!("{GOOD}&{fields}")).await, StatusCode::BAD_REQUEST, code);
    }
}

#[tokio::test]
async fn a_client_that_cannot_be_read_is_challenged() {
    // R-010; in turn: no colon, bad escape, not UTF-8, not base64, nothing, another scheme, no id
    for header in ["Basic eA==", "Basic JXp6Ong=", "Basic /zr+", "Basic !", "Basic", "Bearer x", "Basic Ong="] {
        let answer = with_header("authorization", header, GOOD).await;
        assert_refused(&answer, StatusCode::UNAUTHORIZED, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), r#"Basic realm="token", charset="UTF-8""#, "{header}");
    }
}

#[tokio::test]
async fn a_client_is_refused_in_the_way_it_came() {
    // R-010
    let refuse = |form: PasswordForm| async move { form.client().expect("a client").refuse() };
    let router = || Router::new().route("/token", post(refuse));
    let in_header = post_form().header("authorization", "Basic d2ViOng=").body(Body::from(GOOD));
    let answer = send(router(), in_header.expect("a request")).await;
    assert_refused(&answer, StatusCode::UNAUTHORIZED, "invalid_client");
    assert!(answer.header("www-authenticate").starts_with("Basic "));
    let in_form = post_form().body(Body::from(format!("{GOOD}&client_id=web&client_secret=x")));
    let answer = send(router(), in_form.expect("a request")).await;
    assert_refused(&answer, StatusCode::BAD_REQUEST, "invalid_client");
    assert!(!answer.headers.contains_key("www-authenticate"));
}
