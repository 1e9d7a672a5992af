//! An API elsewhere, which takes the tokens of a running server until it takes them back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::extract::FromRequestParts as _;
use countersign_axum::remote::RemoteIssuer;
use countersign_axum::token::inspect;
use countersign_axum::{AuthError, Bearer, Guard};
use http::Request;
use serde_json::Value;

use crate::support::{PASSWORD, Place, Server};

fn log_in(server: &Server) -> String {
    let form = format!("grant_type=password&username=ada&password={PASSWORD}");
    let (status, answer) =
        server.ask("POST", "/token", &[("Content-Type", "application/x-www-form-urlencoded")], &form);
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str::<Value>(&answer).unwrap()["access_token"].as_str().unwrap().to_owned()
}

/// What an API behind this guard makes of a token.
async fn refusal(guard: &Guard, token: &str) -> Option<AuthError> {
    let request = Request::builder().header("authorization", format!("Bearer {token}")).body(()).unwrap();
    let bearer: Result<Bearer, _> = Bearer::from_request_parts(&mut request.into_parts().0, guard).await;
    bearer.err().map(|refusal| refusal.error().clone())
}

/// The same, when it has learnt that the token's session has ended.
async fn refused_soon(guard: &Guard, token: &str) -> AuthError {
    let asked = async {
        loop {
            if let Some(error) = refusal(guard, token).await {
                return error;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), asked).await.unwrap()
}

//
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_takes_back_an_api_elsewhere_refuses_soon_after() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let server = place.serve(&[]);
    let issuer = format!("http://{}", server.address);
    let api = RemoteIssuer::new(&issuer, &issuer).status_interval(Duration::from_millis(100)).guard().unwrap();
    let (ended, going_on) = (log_in(&server), log_in(&server));
    assert_eq!(refusal(&api, &ended).await, None);
    assert_eq!(refusal(&api, &going_on).await, None);

    let session = inspect(&ended).unwrap().claims["sid"].as_str().unwrap().to_owned();
    let authorization = format!("Bearer {ended}");
    let headers = [("Authorization", authorization.as_str())];
    let (status, answer) = server.ask("DELETE", &format!("/users/me/sessions/{session}"), &headers, "");
    assert_eq!(status, 204, "{answer}");
    assert_eq!(refused_soon(&api, &ended).await, AuthError::InvalidToken);
    assert_eq!(refusal(&api, &going_on).await, None);

    // What an operator does on the command line is seen as well.
    place.run(&["user", "disable", "ada"]).good();
    assert_eq!(refused_soon(&api, &going_on).await, AuthError::InvalidToken);
}
