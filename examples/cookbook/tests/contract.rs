//! The program, held to what was recorded of the original; and that its users outlive it.

#[path = "../../program.rs"]
mod program;

use program::Program;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cookbook");

#[test]
fn the_recorded_exchanges_are_answered() {
    program::replay("003", PROGRAM);
}

#[test]
fn whoever_registered_logs_in_after_a_restart_by_name_or_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("users.db");
    let arguments = ["--database", database.to_str().expect("UTF-8")];
    let user = r#"{"username": "ada", "email": "Ada@Example.COM", "password": "analytical engine"}"#;
    let program = Program::start(PROGRAM, &arguments);
    let registered = program.send("POST /register/user\nContent-Type: application/json", user);
    assert!(registered.starts_with("HTTP/1.1 201 ") && registered.contains("Ada@example.com"), "{registered}");
    drop(program);
    let program = Program::start(PROGRAM, &arguments);
    for name in ["ada", "Ada@EXAMPLE.com"] {
        let token = program.token("/token", &format!("username={name}&password=analytical+engine"));
        let me = program.send(&format!("GET /users/me\nAuthorization: Bearer {token}"), "");
        assert!(me.ends_with(r#"{"description":"ada authorized"}"#), "{me}");
    }
}

#[test]
fn nobody_takes_the_address_of_another_as_a_name() {
    let program = Program::start(PROGRAM, &[]);
    let user = r#"{"username": "ada@example.com", "email": "eve@example.com", "password": "analytical engine"}"#;
    let answer = program.send("POST /register/user\nContent-Type: application/json", user);
    assert!(answer.starts_with("HTTP/1.1 422 ") && answer.contains("a user name has no @"), "{answer}");
    assert!(!answer.contains("analytical"), "{answer}");
}
