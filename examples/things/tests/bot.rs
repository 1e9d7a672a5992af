//! A bot without an account acts with a token alone, on the thing that the token stands for.

#[path = "../../program.rs"]
mod program;

use program::Program;

struct Things(Program);

impl Things {
    fn start() -> Self {
        Self(Program::start(env!("CARGO_BIN_EXE_things"), &[]))
    }

    /// The token of a user who ticks these boxes.
    fn user(&self, name: &str, password: &str, scope: &str) -> String {
        self.0.token("/token", &format!("username={name}&password={password}&scope={scope}"))
    }

    fn ada(&self) -> String {
        self.user("ada", "countess", "drive+unlock+edit")
    }

    /// The answer to a request with a token and a JSON body.
    fn ask(&self, request: &str, token: &str, body: &str) -> String {
        self.0.send(&format!("{request}\nAuthorization: Bearer {token}\nContent-Type: application/json"), body)
    }

    /// A token that the bearer of `token` makes for a thing.
    fn lend(&self, thing: &str, token: &str, scope: &str) -> String {
        program::access_token(&self.ask(&format!("POST {thing}/tokens"), token, &loan(scope, 60)))
    }
}

fn loan(scope: &str, seconds: u32) -> String {
    format!(r#"{{"scope": "{scope}", "seconds": {seconds}}}"#)
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn a_bot_drives_the_car_that_it_has_a_token_for_and_nothing_else() {
    let things = Things::start();
    let ada = things.ada();
    let bot = things.lend("/cars/foo", &ada, "drive");
    let driving = things.ask("POST /cars/foo/drive", &bot, "");
    assert!(status(&driving) == "200" && driving.ends_with(r#"{"car":"foo","state":"driving"}"#), "{driving}");
    for request in ["POST /cars/bar/drive", "POST /cars/foo/unlock", "PUT /posts/foo"] {
        let refused = things.ask(request, &bot, r#"{"text": "mine"}"#);
        assert!(status(&refused) == "403" && refused.contains("insufficient_scope"), "{request}: {refused}");
    }
    // The token of a thing is no user's: the bot lends nothing on.
    assert_eq!(status(&things.ask("POST /cars/foo/tokens", &bot, &loan("drive", 60))), "401");
    // The owner has no token for the car until one is made.
    assert_eq!(status(&things.ask("POST /cars/foo/drive", &ada, "")), "403");
}

#[test]
fn a_post_of_the_same_name_as_a_car_is_edited_with_a_token_of_its_own() {
    let things = Things::start();
    let ada = things.ada();
    let (car, post) = (things.lend("/cars/foo", &ada, "drive unlock"), things.lend("/posts/foo", &ada, "edit"));
    let text = r#"{"text": "On bots."}"#;
    assert_eq!(status(&things.ask("PUT /posts/foo", &car, text)), "403");
    assert_eq!(status(&things.ask("PUT /posts/foo", &post, text)), "200");
    assert!(things.0.send("GET /posts/foo", "").contains("On bots."));
    assert_eq!(status(&things.ask("POST /cars/foo/drive", &post, "")), "403");
}

#[test]
fn only_the_owner_lends_and_not_for_ever() {
    let things = Things::start();
    let (ada, bob) = (things.ada(), things.user("bob", "engine", "unlock"));
    for (thing, scope) in [("/cars/foo", "unlock"), ("/posts/foo", "edit"), ("/cars/nowhere", "unlock")] {
        let answer = things.ask(&format!("POST {thing}/tokens"), &bob, &loan(scope, 60));
        assert!(status(&answer) == "403" && answer.contains("It is not yours"), "{thing}: {answer}");
    }
    for seconds in [0, 86401] {
        let answer = things.ask("POST /cars/foo/tokens", &ada, &loan("drive", seconds));
        assert!(status(&answer) == "422" && answer.contains("a day at most"), "{answer}");
    }
    assert_eq!(status(&things.0.send("POST /cars/foo/tokens", &loan("drive", 60))), "401");
}

#[test]
fn nobody_lends_more_than_the_own_token_permits() {
    let things = Things::start();
    // Ada may drive, and has not ticked the box; Bob has, and may not; nobody edits a car.
    let ada = things.user("ada", "countess", "unlock+edit");
    let bob = things.user("bob", "engine", "drive+unlock");
    for (car, token, scope) in
        [("foo", &ada, "drive"), ("foo", &ada, "unlock drive"), ("foo", &ada, "edit"), ("bar", &bob, "drive")]
    {
        let answer = things.ask(&format!("POST /cars/{car}/tokens"), token, &loan(scope, 60));
        assert!(status(&answer) == "403" && answer.contains("These permissions"), "{car} {scope}: {answer}");
    }
    for scope in ["", " ", "unlock  unlock"] {
        assert_eq!(status(&things.ask("POST /cars/foo/tokens", &ada, &loan(scope, 60))), "422", "{scope:?}");
    }
    let bot = things.lend("/cars/bar", &bob, "unlock");
    assert_eq!(status(&things.ask("POST /cars/bar/unlock", &bot, "")), "200");
    let refused = things.ask("POST /cars/bar/drive", &bot, "");
    assert!(status(&refused) == "403" && refused.contains("scope=\"drive\""), "{refused}");
}

#[test]
fn the_document_names_the_permissions() {
    let document = Things::start().0.send("GET /openapi.json", "");
    for scope in [r#""drive":"Drive the car.""#, r#""edit":"Edit the blog post.""#, r#""unlock":"Unlock the car"#] {
        assert!(document.contains(scope), "{scope} in {document}");
    }
}
