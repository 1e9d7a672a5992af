//! What it costs a resource server to follow the status lists of its issuer, in CPU time of a request.
//!
//! `cargo bench -p countersign-axum --features remote --bench status -- [--json] [--rounds N]`. Two guards take turns with the same
//! tokens: one that asks no list, and one that follows the list on which all of them stand, fetched over a socket before. First
//! with so many tokens that none is remembered, so that each is verified; then with one that is remembered. What is shown is the
//! median of the turns. Exits with 1 if the check costs more than 5 % of a verification.

#![allow(clippy::unwrap_used, reason = "a bench that cannot measure may stop")]

use std::time::Duration;
use std::{env, hint, process};

use axum::Router;
use axum::extract::FromRequestParts as _;
use axum::response::IntoResponse as _;
use axum::routing::get;
use countersign_axum::remote::RemoteIssuer;
use countersign_axum::token::{Issuer, NewToken, SigningKey, StatusList, StatusListLives, StatusReference};
use countersign_axum::{Algorithm, Bearer, Clock, Guard, KeySet, Verifier};
use cpu_time::ThreadTime;
use http::Request;
use http::request::Parts;
use serde_json::json;
use tokio::net::TcpListener;

const AUDIENCE: &str = "https://api.example";
const SIZE: u32 = 1 << 16;
/// More than a guard remembers.
const TOKENS: u32 = 5000;
const MOST: f64 = 0.05;

struct Costs {
    plain: f64,
    following: f64,
}

impl Costs {
    /// What the check adds, in µs.
    fn check(&self) -> f64 {
        self.following - self.plain
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--rounds");
    let rounds = at.and_then(|at| arguments.get(at + 1)).map_or(15, |rounds| rounds.parse().unwrap());

    let (issuer, keys) = publish().await;
    let now = Clock::system().now();
    let token = |index: u32| request(&issuer, index, now);
    let mut many: Vec<Parts> = (0..TOKENS).map(token).collect();
    let plain = Guard::new(Verifier::new(issuer.1.as_str(), AUDIENCE, keys));
    let following = RemoteIssuer::new(issuer.1.as_str(), AUDIENCE).guard().unwrap();
    // Both have seen what there is to be fetched.
    let mut one = vec![token(0)];
    ask(&plain, &mut one).await;
    ask(&following, &mut one).await;

    let verified = by_turns(rounds, [&plain, &following], &mut many, 1).await;
    let remembered = by_turns(rounds, [&plain, &following], &mut one, 2000).await;
    let share = verified.check() / verified.plain;
    if arguments.iter().any(|argument| argument == "--json") {
        let costs = |costs: &Costs| json!({ "plain": costs.plain, "following": costs.following });
        println!(
            "{}",
            json!({ "cpu_us": { "verified": costs(&verified), "remembered": costs(&remembered) }, "share": share })
        );
    } else {
        println!("CPU time of a request, µs    without lists  following one    the check");
        for (name, costs) in [("each token verified", &verified), ("a token remembered", &remembered)] {
            println!("{name:<27} {:>14.2} {:>14.2} {:>12.2}", costs.plain, costs.following, costs.check());
        }
        println!("The check is {:.1} % of a verification (at most {:.0} %).", share * 100.0, MOST * 100.0);
    }
    if share > MOST {
        process::exit(1);
    }
}

/// The issuer and its URL, where its metadata, keys and the one list are served.
async fn publish() -> ((Issuer, String), KeySet) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = KeySet::new(vec![key.verification_key()]).unwrap();
    let issuer = Issuer::new(&url, key);
    let lives = StatusListLives { ttl_s: 5, lifetime_s: 86_400 };
    let list = StatusList::of_invalid(SIZE, (TOKENS..SIZE).step_by(3));
    let list = issuer.sign_status_list(&list, &format!("{url}/list"), lives, Clock::system().now()).unwrap();
    let metadata = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string();
    let jwks = keys.to_jwks().to_string();
    let text = |text: String| get(|| async move { text.into_response() });
    let router = Router::new()
        .route("/.well-known/oauth-authorization-server", text(metadata))
        .route("/keys", text(jwks))
        .route("/list", text(list));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    ((issuer, url), keys)
}

fn request((issuer, url): &(Issuer, String), index: u32, now: i64) -> Parts {
    let status = StatusReference { index, uri: format!("{url}/list") };
    let new = NewToken::for_subject("user:ada").client_id("web").audience(AUDIENCE).status(status);
    let token = issuer.issue(&new, now).unwrap().token;
    Request::builder().header("authorization", format!("Bearer {token}")).body(()).unwrap().into_parts().0
}

async fn ask(guard: &Guard, requests: &mut [Parts]) {
    for parts in requests {
        let bearer: Bearer = Bearer::from_request_parts(parts, guard).await.unwrap();
        hint::black_box(bearer);
    }
}

/// The median CPU time of one request, of each guard.
async fn by_turns(rounds: usize, guards: [&Guard; 2], requests: &mut [Parts], repeat: usize) -> Costs {
    let mut turns = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (guard, turns) in guards.iter().zip(&mut turns) {
            let begun = ThreadTime::now();
            for _ in 0..repeat {
                ask(guard, requests).await;
            }
            let count = u32::try_from(requests.len() * repeat).unwrap();
            turns.push(begun.elapsed() / count);
        }
    }
    let [plain, following] = turns.map(|mut turns: Vec<Duration>| {
        turns.sort();
        turns.get(turns.len() / 2).unwrap().as_secs_f64() * 1e6
    });
    Costs { plain, following }
}
