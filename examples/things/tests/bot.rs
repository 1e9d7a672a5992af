//! A bot without an account acts with a token alone, on the thing that the token stands for.

#[path = "../../program.rs"]
mod program;

use program::Program;

struct Things(Program);

impl Things {
    fn start() -> Self {
        Self(Program::start(env!("CARGO_BIN_EXE_things"), &[]))
    }

    /// The token of a user.
    fn user(&self, name: &str, password: &str) -> String {
        self.0.token("/token", &format!("username={name}&password={password}"))
    }

    /// The answer to a request with a token and a JSON body.
    fn ask(&self, request: &str, token: &str, body: &str) -> String {
        self.0.send(&format!("{request}\nAuthorization: Bearer {token}\nContent-Type: application/json"), body)
    }

    /// A token that the bearer of `token` makes for a thing.
    fn lend(&self, thing: &str, token: &str) -> String {
        program::access_token(&self.ask(&format!("POST {thing}/tokens"), token, r#"{"seconds": 60}"#))
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn a_bot_drives_the_car_that_it_has_a_token_for_and_nothing_else() {
    let things = Things::start();
    let ada = things.user("ada", "countess");
    let bot = things.lend("/cars/foo", &ada);
    let driving = things.ask("POST /cars/foo/drive", &bot, "");
    assert!(status(&driving) == "200" && driving.ends_with(r#"{"car":"foo","state":"driving"}"#), "{driving}");
    for request in ["POST /cars/bar/drive", "PUT /posts/foo"] {
        let refused = things.ask(request, &bot, r#"{"text": "mine"}"#);
        assert!(status(&refused) == "403" && refused.contains("insufficient_scope"), "{request}: {refused}");
    }
    // The token of a thing is no user's: the bot lends nothing on.
    assert_eq!(status(&things.ask("POST /cars/foo/tokens", &bot, r#"{"seconds": 60}"#)), "401");
    // The owner has no token for the car until one is made.
    assert_eq!(status(&things.ask("POST /cars/foo/drive", &ada, "")), "403");
}

#[test]
fn a_post_of_the_same_name_as_a_car_is_edited_with_a_token_of_its_own() {
    let things = Things::start();
    let ada = things.user("ada", "countess");
    let (car, post) = (things.lend("/cars/foo", &ada), things.lend("/posts/foo", &ada));
    let text = r#"{"text": "On bots."}"#;
    assert_eq!(status(&things.ask("PUT /posts/foo", &car, text)), "403");
    assert_eq!(status(&things.ask("PUT /posts/foo", &post, text)), "200");
    assert!(things.0.send("GET /posts/foo", "").contains("On bots."));
    assert_eq!(status(&things.ask("POST /cars/foo/drive", &post, "")), "403");
}

#[test]
fn only_the_owner_lends_and_not_for_ever() {
    let things = Things::start();
    let (ada, bob) = (things.user("ada", "countess"), things.user("bob", "engine"));
    let minute = r#"{"seconds": 60}"#;
    for thing in ["/cars/foo", "/posts/foo", "/cars/nowhere"] {
        assert_eq!(status(&things.ask(&format!("POST {thing}/tokens"), &bob, minute)), "403", "{thing}");
    }
    for seconds in ["0", "86401"] {
        let answer = things.ask("POST /cars/foo/tokens", &ada, &format!(r#"{{"seconds": {seconds}}}"#));
        assert!(status(&answer) == "422" && answer.contains("a day at most"), "{answer}");
    }
    assert_eq!(status(&things.0.send("POST /cars/foo/tokens", minute)), "401");
}

#[test]
fn the_document_names_both_permissions() {
    let document = Things::start().0.send("GET /openapi.json", "");
    assert!(document.contains(r#""scopes":{"drive":"Drive the car.","edit":"Edit the blog post."}"#), "{document}");
}
