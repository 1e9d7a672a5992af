//! The program, held to what was recorded of the original; and the scopes that it shows besides.

#[path = "../../program.rs"]
mod program;

use program::Program;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fastapi-docs");
const LOGIN: &str = "username=johndoe&password=secret";

#[test]
fn the_recorded_exchanges_are_answered() {
    program::replay("001", PROGRAM);
}

#[test]
fn each_scope_opens_its_route_and_too_little_scope_is_403() {
    // R-032
    let program = Program::start(PROGRAM, &[]);
    let token = |scope: &str| program.token("/token", &format!("{LOGIN}&scope={scope}"));
    let ask = |request: &str, token: &str| program.send(&format!("{request}\nAuthorization: Bearer {token}"), "");
    let (reader, writer, nobody) = (token("items:read"), token("items:write admin"), token(""));
    for (request, good, scope) in [("GET /items/", &reader, "items:read"), ("POST /items/", &writer, "items:write")] {
        assert!(ask(request, good).starts_with("HTTP/1.1 200 "), "{request}");
        for bad in [&reader, &writer, &nobody].into_iter().filter(|token| *token != good) {
            let answer = ask(request, bad);
            assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
            assert!(answer.contains("error=\"insufficient_scope\""), "{answer}");
            assert!(answer.contains(&format!("scope=\"{scope}\"")), "{answer}");
        }
        assert!(program.send(request, "").starts_with("HTTP/1.1 401 "), "{request}");
    }
    assert!(ask("GET /users/me/", &nobody).contains("\"username\":\"johndoe\""));
}

#[test]
fn the_document_names_the_scopes_without_being_told() {
    let program = Program::start(PROGRAM, &[]);
    let document = program.send("GET /openapi.json", "");
    let flow = r#""password":{"tokenUrl":"token","scopes":{"items:read":"Read items.","items:write":"Change items."}}"#;
    assert!(document.contains(flow), "{document}");
    for scope in ["items:read", "items:write"] {
        assert!(document.contains(&format!(r#""security":[{{"OAuth2PasswordBearer":["{scope}"]}}]"#)), "{scope}");
    }
}
