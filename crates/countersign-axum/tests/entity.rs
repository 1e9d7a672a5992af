//! Tokens for things other than users, over the router: this very car, and `drive`.
#![cfg(feature = "entity")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "in a test these fail the test")]

mod common;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::FromRequestParts as _;
use axum::routing::{get, post};
use common::{Answer, NOW, bearer, guard, issue, issuer, rotated_issuer, send, token};
use countersign_axum::token::Subject;
use countersign_axum::{
    AuthError, Claims, CurrentUser, Entitled, Entity, ErrorStyle, Guard, LoadUser, Requires, Scope, Unavailable,
};
use http::{Request, StatusCode};
use serde_json::json;

struct Car;
impl Entity for Car {
    const KIND: &'static str = "car";
}

struct Post;
impl Entity for Post {
    const KIND: &'static str = "blog-post";
}

struct Drive;
impl Scope for Drive {
    const NAME: &'static str = "drive";
    const DESCRIPTION: &'static str = "Drive the car.";
}

struct Edit;
impl Scope for Edit {
    const NAME: &'static str = "edit";
    const DESCRIPTION: &'static str = "Edit the post.";
}

/// The users, told apart from cars by the kind of the subject.
struct User(String);
impl LoadUser<Guard> for User {
    async fn load_user(claims: &Claims, _: &Guard) -> Result<Option<Self>, Unavailable> {
        let subject = claims.subject().parse::<Subject>();
        let user = subject.ok().filter(|subject| subject.kind() == Subject::USER);
        Ok(user.map(|user| Self(user.id().to_owned())))
    }
}

async fn drive(token: Entitled<Car, Drive>) -> String {
    assert_eq!(token.claims().subject(), token.subject().as_str());
    token.id().to_owned()
}

fn app() -> Router<Guard> {
    Router::new()
        .route("/cars/{car}/drive", get(drive))
        .route("/cars/{car}/posts/{blog-post}", get(|_: Entitled<Post, (Edit, Drive)>| async {}))
        .route("/garage/{*car}", get(drive))
        .route("/me", get(|CurrentUser(User(name)): CurrentUser<User>| async { name }))
}

async fn ask(path: &str, token: Option<&str>) -> Answer {
    send(app().with_state(guard()), bearer(path, token)).await
}

/// The status of the answer to a token of this subject that may drive.
async fn drives(path: &str, subject: &str) -> StatusCode {
    ask(path, Some(&token(subject, "drive"))).await.status
}

#[tokio::test]
async fn the_token_for_a_car_drives_it_and_needs_no_account() {
    let answer = ask("/cars/foo/drive", Some(&token("car:foo", "drive"))).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "foo"));
}

#[tokio::test]
async fn without_a_token_the_challenge_is_bare() {
    // R-030
    let answer = ask("/cars/foo/drive", None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("www-authenticate"), r#"Bearer realm="api""#);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_bad_token_for_the_car_is_invalid() {
    // R-031
    let expired = issue(&issuer(), "car:foo", "drive", NOW - 1800);
    let foreign = issue(&rotated_issuer(), "car:foo", "drive", NOW);
    for bad in ["garbage", "", expired.as_str(), foreign.as_str()] {
        let answer = ask("/cars/foo/drive", Some(bad)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    }
}

#[tokio::test]
async fn a_good_token_for_anything_else_is_forbidden_and_nothing_is_reflected() {
    // R-032, R-036, R-040
    let others = [
        // Another car, other kinds, no kind at all.
        "car:bar",
        "post:foo",
        "blog-post:foo",
        "user:foo",
        "client:foo",
        "foo",
        "/cars/foo/drive",
        // Kinds and ids that nearly are it.
        "carx:foo",
        "ca:foo",
        "car-:foo",
        "car:car:foo",
        "user:car:foo",
        "car:foo:bar",
        "car:foox",
        "car:fo",
        "car::foo",
        "CAR:foo",
        "car:FOO",
        "car: foo",
        "car:foo/drive",
        "car:f%6Fo",
        "car:",
        "car",
        ":foo",
        "car：foo",
    ];
    for subject in others {
        let answer = ask("/cars/foo/drive", Some(&token(subject, "drive"))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{subject}");
        let challenge = concat!(
            r#"Bearer realm="api", error="insufficient_scope", "#,
            r#"error_description="The token stands for another", scope="drive""#
        );
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.json(), json!({ "title": "Forbidden", "status": 403, "detail": "Not enough permissions" }));
    }
}

#[tokio::test]
async fn a_token_for_the_car_without_the_scope_is_forbidden() {
    // R-032, R-039
    for scope in ["", "edit", "DRIVE", "drive:fast", "drives"] {
        let answer = ask("/cars/foo/drive", Some(&token("car:foo", scope))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{scope}");
        let challenge = concat!(
            r#"Bearer realm="api", error="insufficient_scope", "#,
            r#"error_description="The token lacks a scope", scope="drive""#
        );
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
}

#[tokio::test]
async fn of_several_parameters_the_one_named_as_the_kind_counts_and_of_several_scopes_all() {
    let status = async |path, subject, scope| ask(path, Some(&token(subject, scope))).await.status;
    let path = "/cars/foo/posts/bar";
    assert_eq!(status(path, "blog-post:bar", "edit drive").await, StatusCode::OK);
    assert_eq!(status(path, "blog-post:foo", "edit drive").await, StatusCode::FORBIDDEN);
    assert_eq!(status(path, "car:foo", "edit drive").await, StatusCode::FORBIDDEN);
    let answer = ask(path, Some(&token("blog-post:bar", "edit"))).await;
    assert!(answer.header("www-authenticate").ends_with("scope=\"drive edit\""));
}

#[tokio::test]
async fn ids_are_decoded_once_and_compared_byte_by_byte() {
    let same = [
        ("/cars/f%6Fo/drive", "car:foo"),
        ("/cars/a:b/drive", "car:a:b"),
        ("/cars/a%3ab/drive", "car:a:b"),
        ("/cars/car:foo/drive", "car:car:foo"),
        ("/cars/a%2Fb/drive", "car:a/b"),
        ("/cars/%C3%A9/drive", "car:é"),
        ("/cars/a%252Fb/drive", "car:a%2Fb"),
        ("/cars/a%2/drive", "car:a%2"),
        ("/cars/a+b/drive", "car:a+b"),
        ("/garage/a/b", "car:a/b"),
        ("/garage/a%2Fb", "car:a/b"),
        ("/garage/a/../b", "car:a/../b"),
    ];
    for (path, subject) in same {
        assert_eq!(drives(path, subject).await, StatusCode::OK, "{path} {subject}");
    }
    let different = [
        ("/cars/a%252Fb/drive", "car:a/b"),
        ("/cars/a%2Fb/drive", "car:a%2Fb"),
        ("/cars/a%2Fb/drive", "car:a"),
        ("/cars/foo%2Fdrive/drive", "car:foo"),
        ("/cars/e%CC%81/drive", "car:é"),
        ("/cars/foo%00/drive", "car:foo"),
        ("/cars/foo%20/drive", "car:foo"),
        ("/cars/foo;x/drive", "car:foo"),
        ("/garage/a/../b", "car:b"),
        ("/garage/a/", "car:a"),
    ];
    for (path, subject) in different {
        assert_eq!(drives(path, subject).await, StatusCode::FORBIDDEN, "{path} {subject}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_subject_is_named_in_vain() {
    // White space, no UTF-8, and more than 255 bytes with the kind.
    assert_eq!(drives("/cars/a%20b/drive", "car:a b").await, StatusCode::FORBIDDEN);
    assert_eq!(drives("/cars/foo%FF/drive", "car:foo\u{fffd}").await, StatusCode::FORBIDDEN);
    assert_eq!(ask("/cars/foo%FF/drive", None).await.status, StatusCode::UNAUTHORIZED);
    let longest = "x".repeat(251);
    assert_eq!(drives(&format!("/cars/{longest}/drive"), &format!("car:{longest}")).await, StatusCode::OK);
    assert_eq!(drives(&format!("/cars/{longest}x/drive"), &format!("car:{longest}")).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_guard_of_users_does_not_take_a_car_for_one() {
    // R-040
    assert_eq!(ask("/me", Some(&token("user:foo", ""))).await.text(), "foo");
    for subject in ["car:foo", "client:foo", "foo", "users:foo"] {
        let answer = ask("/me", Some(&token(subject, "drive"))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{subject}");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    }
}

#[tokio::test]
async fn a_guard_in_the_style_of_fastapi_answers_in_it() {
    let answer = |token| send(app().with_state(guard().style(ErrorStyle::FastApi)), bearer("/cars/foo/drive", token));
    let other = token("car:bar", "drive");
    let answer = answer(Some(other.as_str())).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::FORBIDDEN, json!({ "detail": "Not enough permissions" })));
}

/// Routers whose paths do not say, or say twice, which car is meant.
fn mistaken() -> [(Router<Guard>, &'static str); 5] {
    let inner = || Router::new().route("/{car}/drive", get(drive)).with_state(guard());
    [
        (Router::new().route("/cars/drive", get(drive)), "/cars/drive"),
        (Router::new().route("/cars/{id}/drive", get(drive)), "/cars/foo/drive"),
        (Router::new().route("/cars/{Car}/{carx}", get(drive)), "/cars/foo/foo"),
        (Router::new().nest_service("/{car}", inner()), "/foo/bar/drive"),
        (Router::new().fallback(drive), "/cars/foo/drive"),
    ]
}

#[tokio::test]
async fn a_path_that_does_not_name_one_car_lets_nobody_pass() {
    // R-038
    for (router, path) in mistaken() {
        let router = router.with_state(guard());
        for token in [None, Some(token("car:foo", "drive")), Some(token("car:bar", "drive")), Some("bad".to_owned())] {
            let answer = send(router.clone(), bearer(path, token.as_deref())).await;
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            assert!(!answer.headers.contains_key("www-authenticate"), "a token would not help");
            let detail = "Internal Server Error";
            assert_eq!(answer.json(), json!({ "title": detail, "status": 500, "detail": detail }));
        }
    }
}

#[tokio::test]
async fn outside_of_a_router_nothing_is_named() {
    // R-038
    let token = token("car:foo", "drive");
    let (mut parts, _) = bearer("/cars/foo/drive", Some(&token)).into_parts();
    let refusal = Entitled::<Car, Drive>::from_request_parts(&mut parts, &guard()).await.expect_err("no router");
    assert_eq!(*refusal.error(), AuthError::NoPathParameter { name: "car" });
}

#[test]
fn what_is_demanded_is_said_as_facts() {
    let requirement = Entitled::<Post, (Edit, Drive)>::requirement();
    assert_eq!(requirement.scopes.iter().map(|scope| scope.name).collect::<Vec<_>>(), ["edit", "drive"]);
    assert_eq!(requirement.path_parameters, ["blog-post"]);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_path_that_does_not_name_one_car_is_logged_in_a_sentence() {
    // R-038
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let router = Router::new().route("/cars/drive", post(drive)).with_state(guard());
    let token = token("car:foo", "drive");
    let request = Request::post("/cars/drive").header("authorization", format!("Bearer {token}"));
    send(router, request.body(axum::body::Body::empty()).expect("a request")).await;
    let log = String::from_utf8(log.0.lock().expect("the log").clone()).expect("text");
    let sentence = "the path of the route has to have one parameter `{car}`, by which its guard knows what is meant";
    assert!(log.contains("ERROR") && log.contains(sentence), "{log}");
    assert!(!log.contains(&token), "the token is in the log");
}

#[cfg(feature = "openapi")]
mod document {
    use axum::extract::Path;
    use countersign_axum::openapi::PasswordFlow;
    use countersign_axum::routes;
    use serde_json::Value;
    use utoipa_axum::router::OpenApiRouter;

    use super::*;

    #[utoipa::path(get, path = "/cars/{car}/drive")]
    async fn drive(_: Entitled<Car, Drive>) {}

    #[utoipa::path(get, path = "/posts/{blog-post}", params(("blog-post" = String, Path, description = "Which")))]
    async fn edit(_: Entitled<Post, Edit>, _: Path<String>) {}

    #[utoipa::path(get, path = "/cars/{id}/park")]
    async fn park(_: Entitled<Car, Drive>) {}

    fn documented(router: OpenApiRouter<Guard>) -> (Router<Guard>, Value) {
        let (router, mut document) = router.split_for_parts();
        PasswordFlow::at("token").write_to(&mut document);
        (router, serde_json::to_value(&document).expect("a document"))
    }

    #[test]
    fn the_guard_documents_its_scopes_its_answers_and_its_parameter() {
        let (_, document) = documented(OpenApiRouter::new().routes(routes!(drive)).routes(routes!(edit)));
        let operation = &document["paths"]["/cars/{car}/drive"]["get"];
        assert_eq!(operation["security"], json!([{ "OAuth2PasswordBearer": ["drive"] }]));
        let parameter = json!({ "name": "car", "in": "path", "required": true, "schema": { "type": "string" } });
        assert_eq!(operation["parameters"], json!([parameter]));
        assert_eq!(operation["responses"]["401"]["$ref"], "#/components/responses/NotAuthenticated");
        assert_eq!(operation["responses"]["403"]["$ref"], "#/components/responses/NotEnoughPermissions");
        let scheme = &document["components"]["securitySchemes"]["OAuth2PasswordBearer"];
        let scopes = json!({ "drive": "Drive the car.", "edit": "Edit the post." });
        assert_eq!(scheme["flows"]["password"]["scopes"], scopes);
        let by_hand = &document["paths"]["/posts/{blog-post}"]["get"]["parameters"];
        assert_eq!((&by_hand[0]["description"], &by_hand[1]), (&json!("Which"), &Value::Null));
    }

    #[cfg(feature = "testing")]
    #[tokio::test]
    async fn the_test_helper_finds_a_path_that_does_not_name_the_car() {
        use countersign_axum::testing::differences;

        let router = OpenApiRouter::new().routes(routes!(drive)).routes(routes!(edit));
        let (router, document) = documented(router);
        assert_eq!(differences(router.with_state(guard()), &document).await, []);

        let (router, document) = documented(OpenApiRouter::new().routes(routes!(park)));
        let found = differences(router.with_state(guard()), &document).await;
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        let sentence = "GET /cars/{id}/park is documented as guarded and answers 500 Internal Server Error";
        assert_eq!(found, [format!("{sentence} without a token"), format!("{sentence} to a bad token")]);
    }
}
