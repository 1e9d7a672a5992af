//! Token requests as FastAPI takes them: the rules, and the recorded exchanges as far as they concern the form.
#![cfg(feature = "fastapi")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

mod common;

use std::io::Write as _;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use common::{Answer, send};
use countersign_axum::fastapi::OAuth2PasswordRequestForm;
use http::{Request, StatusCode};
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=XX";
const MIB: usize = 1024 * 1024;

/// Shows what it was sent.
async fn token(form: OAuth2PasswordRequestForm) -> axum::Json<Value> {
    axum::Json(json!({
        "username": form.username(),
        "password": form.password(),
        "scope": form.scope().to_string(),
        "client": [form.client_id(), form.client_secret()],
    }))
}

async fn answer(request: Request<Body>) -> Answer {
    send(Router::new().route("/token", post(token)), request).await
}

async fn typed(content_type: &str, body: impl Into<Body>) -> Answer {
    answer(Request::post("/token").header("content-type", content_type).body(body.into()).expect("a request")).await
}

async fn form(body: &str) -> Answer {
    typed(FORM, body.to_owned()).await
}

fn part(name: &str, value: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn missing(name: &str) -> Value {
    json!({ "type": "missing", "loc": ["body", name], "msg": "Field required", "input": null })
}

fn assert_unprocessable(answer: &Answer, errors: &[Value]) {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), json!({ "detail": errors }));
}

#[tokio::test]
async fn all_fields_are_read() {
    let body = "grant_type=password&username=J&password=p&scope=me++items&client_id=c&client_secret=s&foo=1";
    let expected = json!({ "username": "J", "password": "p", "scope": "items me", "client": ["c", "s"] });
    assert_eq!(form(body).await.json(), expected);
    assert_eq!(typed("Application/X-WWW-form-urlencoded; charset=x", body).await.json(), expected);
    let parts =
        [("username", "J"), ("password", "p"), ("scope", "me items"), ("client_id", "c"), ("client_secret", "s")];
    let parts: String = parts.iter().map(|(name, value)| part(name, value)).collect();
    assert_eq!(typed(MULTIPART, format!("{parts}--XX--\r\n")).await.json(), expected);
}

#[tokio::test]
async fn fields_that_are_missing_or_wrong_are_listed_in_fastapis_order() {
    assert_unprocessable(&form("").await, &[missing("username"), missing("password")]);
    assert_unprocessable(&form("username=&password=p").await, &[missing("username")]);
    assert_unprocessable(&form("username&password=p").await, &[missing("username")]);
    assert_unprocessable(&form("username=J&password=p&password=").await, &[missing("password")]);
    assert_unprocessable(&form("username=J;password=p").await, &[missing("password")]);
    let grant = json!({
        "type": "string_pattern_mismatch",
        "loc": ["body", "grant_type"],
        "msg": "String should match pattern '^password$'",
        "input": "password\n",
        "ctx": { "pattern": "^password$" },
    });
    assert_unprocessable(&form("password=p&grant_type=password%0A").await, &[grant, missing("username")]);
    let file = "--XX\r\nContent-Disposition: form-data; name=\"password\"; filename=\"p.txt\"\r\n\r\np\r\n--XX--\r\n";
    let wrong = json!({ "type": "string_type", "loc": ["body", "password"], "msg": "Input should be a valid string", "input": null });
    assert_unprocessable(&typed(MULTIPART, format!("{}{file}", part("username", "J"))).await, &[wrong]);
}

#[tokio::test]
async fn of_another_content_type_the_body_is_not_looked_at() {
    for content_type in ["application/json", "text/plain", "application/x-www-form-urlencodedx", ""] {
        let answer = typed(content_type, "username=J&password=p").await;
        assert_unprocessable(&answer, &[missing("username"), missing("password")]);
    }
    let untyped = Request::post("/token?username=J&password=p").body(Body::from("username=J&password=p"));
    let answer = answer(untyped.expect("a request")).await;
    assert_unprocessable(&answer, &[missing("username"), missing("password")]);
}

#[tokio::test]
async fn what_can_be_read_somehow_is_read() {
    for (written, read) in [
        ("a+b%20c", "a b c"),
        ("%zz%4%", "%zz%4%"),
        ("%41%FF%FE", "A\u{fffd}\u{fffd}"),
        ("%C5%BC", "ż"),
        ("%c3%bc", "ü"),
        ("a=b", "a=b"),
        ("%00", "\0"),
    ] {
        let body = form(&format!("username=bad&username={written}&password=p")).await.json();
        assert_eq!(body["username"], read, "{written}");
    }
    // Bytes that were not escaped are Latin-1, and part what was escaped around them.
    let answer = typed(FORM, &b"username=\xc3\xbc%C3\xbc%BC&password=p"[..]).await;
    assert_eq!(answer.json()["username"], "Ã¼\u{fffd}¼\u{fffd}");
    // In multipart, bytes are UTF-8 or else Latin-1.
    let parts = part("username", "ü") + &part("password", "p") + "--XX--\r\n";
    assert_eq!(typed(MULTIPART, parts.clone()).await.json()["username"], "ü");
    let latin: Vec<u8> = parts.chars().map(|char| u8::try_from(u32::from(char)).expect("Latin-1")).collect();
    assert_eq!(typed(MULTIPART, latin).await.json()["username"], "ü");
}

#[tokio::test]
async fn the_limits_are_those_of_starlette() {
    let detail = async |body: &str, status: StatusCode| {
        let answer = form(body).await;
        assert_eq!(answer.status, status);
        answer.json()["detail"].as_str().map(str::to_owned)
    };
    let longest = format!("username=J&password={}", "x".repeat(MIB));
    assert_eq!(detail(&longest, StatusCode::OK).await, None);
    let text = "Field exceeded maximum size of 1024KB.";
    assert_eq!(detail(&format!("{longest}x"), StatusCode::BAD_REQUEST).await.as_deref(), Some(text));
    let thousand = format!("username=J&password=p{}", "&a=1".repeat(998));
    assert_eq!(detail(&thousand, StatusCode::OK).await, None);
    let text = "Too many fields. Maximum number of fields is 1000.";
    assert_eq!(detail(&format!("{thousand}&a"), StatusCode::BAD_REQUEST).await.as_deref(), Some(text));
    let most = format!("{longest}&a={0}&b={0}&c={0}", "x".repeat(MIB));
    let text = "Form exceeded maximum size of 4096KB.";
    assert_eq!(detail(&most, StatusCode::PAYLOAD_TOO_LARGE).await.as_deref(), Some(text));
    let parts = part("username", "J") + &part("password", &"x".repeat(MIB + 1)) + "--XX--\r\n";
    assert_eq!(typed(MULTIPART, parts).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn broken_multipart_is_refused_or_read_as_far_as_it_goes() {
    let detail = async |content_type: &str, body: String| {
        let answer = typed(content_type, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
        answer.json()["detail"].as_str().expect("a text").to_owned()
    };
    let parts = part("username", "J") + &part("password", "p") + "--XX--\r\n";
    assert_eq!(detail("multipart/form-data", parts.clone()).await, "Missing boundary in multipart.");
    assert_eq!(detail(MULTIPART, "username=J&password=p".to_owned()).await, "Invalid multipart data.");
    assert_eq!(detail(MULTIPART, String::new()).await, "Invalid multipart data.");
    let cut = parts.find("name=\"password").expect("the second part");
    let (cut, _) = parts.split_at(cut);
    assert_unprocessable(&typed(MULTIPART, cut.to_owned()).await, &[missing("password")]);
}

#[tokio::test]
async fn nothing_prints_a_secret() {
    //
    let show = |form: OAuth2PasswordRequestForm| async move { format!("{form:?}") };
    let request = Request::post("/token").header("content-type", FORM);
    let request = request.body(Body::from("username=J&password=canary&client_secret=canary")).expect("a request");
    let answer = send(Router::new().route("/token", post(show)), request).await;
    assert!(answer.text().contains('J'));
    assert!(!answer.text().contains("canary"));
}

/// Every recorded request to a token route: where the original says 400, 413 or 422 so do we, in the same words; where
/// it went on to look at the password, the form was read, and the token names who was typed.
#[tokio::test]
async fn the_recorded_exchanges_are_answered_the_same() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract/exchanges.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(std::env::var_os("CI").is_none(), "the recorded exchanges are not at {}", path.display());
        // Past the capture of the test runner: a test that did not run must be seen.
        let _ = writeln!(std::io::stderr(), "NOT RUN: the recorded exchanges are not at {}", path.display());
        return;
    };
    let exchanges: Vec<Value> = serde_json::from_str(&text).expect("a list of exchanges");
    let mut answered = 0;
    let mut differences = Vec::new();
    for exchange in &exchanges {
        let recorded = &exchange["request"];
        if recorded["method"] != "POST" || !["/token", "/login"].iter().any(|route| recorded["path"] == *route) {
            continue;
        }
        let answer = answer(replayed(recorded)).await;
        answered += 1;
        if let Err(difference) = compare(exchange, &answer) {
            differences.push(format!("{} {}: {difference}", exchange["system"], exchange["name"]));
        }
    }
    assert!(answered > 100, "only {answered} exchanges concern the form");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn replayed(recorded: &Value) -> Request<Body> {
    let mut request = Request::post("/token");
    for header in recorded["headers"].as_array().expect("headers") {
        let [name, value] = [&header[0], &header[1]].map(|text| text.as_str().expect("text"));
        request = request.header(name, value);
    }
    request.body(Body::from(expand(recorded["body"].as_str().unwrap_or_default()))).expect("a request")
}

/// `{{repeat:S:N}}` and `{{hex:..}}`
fn expand(text: &str) -> Vec<u8> {
    let Some((before, rest)) = text.split_once("{{") else { return text.as_bytes().to_vec() };
    let (placeholder, after) = rest.split_once("}}").expect("a closed placeholder");
    let (kind, argument) = placeholder.split_once(':').expect("an argument");
    let middle = match kind {
        "repeat" => {
            let (what, times) = argument.rsplit_once(':').expect("a count");
            what.repeat(times.parse().expect("a number")).into_bytes()
        }
        "hex" => argument
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
            .collect(),
        _ => panic!("an unknown placeholder: {placeholder}"),
    };
    [before.as_bytes(), &middle, &expand(after)].concat()
}

fn compare(exchange: &Value, answer: &Answer) -> Result<(), String> {
    let wanted = if exchange["verdict"] == "bug" { &exchange["right"] } else { &exchange["response"] };
    let status = wanted["status"].as_u64().expect("a status");
    if ![400, 413, 415, 422].contains(&status) {
        return compare_read(wanted, answer);
    }
    if u64::from(answer.status.as_u16()) != status {
        return Err(format!("{} in place of {status}", answer.status));
    }
    let input_may_differ = wanted["body"]["detail"][0]["input"] == "{{any}}";
    let (mut ours, mut theirs) = (answer.json(), wanted["body"].clone());
    if input_may_differ {
        ours["detail"][0]["input"] = Value::Null;
        theirs["detail"][0]["input"] = Value::Null;
    }
    if ours == theirs { Ok(()) } else { Err(format!("{ours} in place of {theirs}")) }
}

/// The original went on to the password: the form was read.
fn compare_read(wanted: &Value, answer: &Answer) -> Result<(), String> {
    if answer.status != StatusCode::OK {
        return Err(format!("{} {}", answer.status, answer.text()));
    }
    let typed = answer.json()["username"].as_str().expect("a name").to_owned();
    match wanted["body"]["access_token"]["$jwt"]["claims"]["sub"].as_str() {
        // By e-mail one logs in as somebody of another name.
        Some(subject) if subject != typed && !typed.contains('@') => Err(format!("{typed} in place of {subject}")),
        _ => Ok(()),
    }
}
