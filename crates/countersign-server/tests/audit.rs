//! What was done is in the audit log: by whom, from where, by which client, in which request.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{PASSWORD, Place, Server, soon};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn token(server: &Server, request_id: &str, form: &str) -> (u16, Value) {
    let (status, body) = server.ask("POST", "/token", &[FORM, ("X-Request-Id", request_id)], form);
    (status, serde_json::from_str(&body).unwrap())
}

fn records(place: &Place, filter: &[&str]) -> Vec<Value> {
    let listed = place.run(&[&["audit", "list", "--json"], filter].concat()).json();
    listed.as_array().unwrap().clone()
}

fn id_of(place: &Place, name: &str) -> String {
    place.run(&["user", "show", name, "--json"]).json()["id"].as_str().unwrap().to_owned()
}

// R-178
#[test]
fn logins_refusals_and_refreshes_are_kept_with_who_where_and_which_request() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let ada = id_of(&place, "ada");
    let server = place.serve(&[]);
    assert_eq!(token(&server, "wrong", "grant_type=password&username=ada&password=canary-password").0, 400);
    assert_eq!(token(&server, "nobody", "grant_type=password&username=canary-name&password=canary-password").0, 400);
    assert_eq!(token(&server, "client", "grant_type=client_credentials&client_id=web&client_secret=canary").0, 400);
    let login = format!("grant_type=password&username=ada&password={PASSWORD}&scope=offline_access");
    let (status, first) = token(&server, "login", &login);
    assert_eq!(status, 200);
    let refresh = |id: &str, answer: &Value| {
        let refresh_token = answer["refresh_token"].as_str().unwrap();
        token(&server, id, &format!("grant_type=refresh_token&refresh_token={refresh_token}"))
    };
    let (_, second) = refresh("refresh", &first);
    assert_eq!(refresh("again", &second).0, 200);
    assert_eq!(refresh("reuse", &first).0, 400);
    // Stopping writes what has come together.
    let log = server.stop().stderr;
    assert!(log.contains("stopped"), "{log}");

    let of = |request_id: &str| {
        let found = records(&place, &["--limit", "100"]);
        let found: Vec<_> = found.into_iter().filter(|record| record["request_id"] == request_id).collect();
        assert_eq!(found.len(), 1, "{request_id}: {found:?}");
        found[0].clone()
    };
    for (request_id, event, outcome, cause, user) in [
        ("wrong", "login", "refused", Some("wrong password"), Some(&ada)),
        ("nobody", "login", "refused", Some("no such user, or no password"), None),
        ("client", "client", "refused", Some("no such client"), None),
        ("login", "login", "good", None, Some(&ada)),
        ("refresh", "refresh", "good", None, Some(&ada)),
        ("reuse", "refresh", "refused", Some("used before"), Some(&ada)),
    ] {
        let record = of(request_id);
        let said = (&record["event"], &record["outcome"], record["cause"].as_str(), record["user"].as_str());
        assert_eq!(said.0, event, "{record}");
        assert_eq!((said.1.as_str(), said.3), (Some(outcome), user.map(String::as_str)), "{record}");
        if request_id != "client" {
            assert_eq!((said.2, &record["client"]), (cause, &"first-party".into()), "{record}");
        }
        assert_eq!((&record["source"], &record["times"]), (&"127.0.0.1".into(), &1.into()), "{record}");
        assert!(record["time"].as_str().unwrap().ends_with('Z'), "{record}");
    }
    assert_eq!(of("client")["detail"]["claimed"], "\"web\"");
    // R-176
    let all = place.run(&["audit", "export"]).good();
    let secrets = [&first["access_token"], &first["refresh_token"], &second["refresh_token"]];
    for secret in secrets.map(|secret| secret.as_str().unwrap()).into_iter().chain(["canary-", PASSWORD]) {
        assert!(!all.contains(secret), "{all}");
    }
}

// R-178
#[test]
fn what_an_administrator_does_is_kept_with_who_did_it() {
    let place = Place::new();
    place.add_user(&["root", "--scope", "users:write", "--scope", "audit:read"]).good();
    place.add_user(&["bob"]).good();
    let (root, bob) = (id_of(&place, "root"), id_of(&place, "bob"));
    let server = place.serve(&[]);
    let (_, access) = server.log_in("root");
    let bearer = ("Authorization", format!("Bearer {access}"));
    let fields = [(bearer.0, bearer.1.as_str()), ("Content-Type", "application/json")];
    assert_eq!(server.ask("PATCH", &format!("/users/{bob}"), &fields, r#"{"disabled":true}"#).0, 200);
    assert_eq!(server.ask("DELETE", &format!("/users/{bob}"), &fields, "").0, 204);
    // The server has them within a second.
    let mut of_bob = Value::Null;
    soon("there are records of all three", || {
        let (status, body) = server.ask("GET", &format!("/audit?user={bob}"), &fields, "");
        assert_eq!(status, 200, "{body}");
        of_bob = serde_json::from_str(&body).unwrap();
        of_bob["records"].as_array().unwrap().len() >= 3
    });
    let events: Vec<_> =
        of_bob["records"].as_array().unwrap().iter().map(|record| (&record["event"], &record["by"])).collect();
    let (root, command_line) = (Value::from(root), Value::from("command line"));
    assert_eq!(
        events,
        [(&"delete user".into(), &root), (&"change user".into(), &root), (&Value::from("register"), &command_line)]
    );
    assert_eq!(of_bob["next"], Value::Null);
    let bobs = place.run(&["audit", "list", "--user", &bob]).good();
    assert!(bobs.lines().count() == 4 && bobs.contains("delete user"), "{bobs}");
    assert_eq!(server.ask("GET", "/audit?user=x&colour=red", &fields, "").0, 422);
    assert_eq!(server.ask("GET", "/audit?since=yesterday", &fields, "").0, 422);
    assert_eq!(server.ask("GET", "/audit?since=9000-12-31T00:00:00Z", &fields, "").0, 200);
    assert_eq!(server.ask("GET", "/audit", &fields[1..], "").0, 401);
}

#[test]
fn commands_leave_a_record_and_lists_say_if_there_is_more() {
    let place = Place::new();
    for name in ["ada", "bob", "eve"] {
        place.add_user(&[name]).good();
    }
    place.run(&["user", "grant", "ada", "users:read"]).good();
    place.run(&["client", "add", "web", "--public"]).good();
    place.run(&["user", "delete", "eve"]).good();
    let latest = place.run(&["audit", "list", "--limit", "2"]);
    assert!(latest.stderr.contains("more than these 2"), "{}", latest.stderr);
    let table = latest.good();
    assert!(table.contains("delete user") && table.contains("register client"), "{table}");
    let granted = &records(&place, &["--event", "change user"])[0];
    assert_eq!((&granted["by"], &granted["detail"]["scopes"]), (&"command line".into(), &"users:read".into()));
    assert_eq!(records(&place, &["--client", "web"]).len(), 1);
    assert_eq!(records(&place, &["--since", "9000-01-01T00:00:00Z"]).len(), 0);

    let exported = place.run(&["audit", "export"]).good();
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<_> = events.iter().map(|record| record["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["register", "register", "register", "change user", "register client", "delete user"]);
    assert!(place.run(&["audit", "list", "--since", "soon"]).bad(2).contains("write a time"));
    assert!(place.run(&["audit", "list", "--user", "nobody"]).bad(1).contains("no user"));
}

#[test]
fn records_are_there_though_nothing_else_is_logged_and_the_process_is_killed() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let server = place.serve(&["--log", "off", "--metrics", "127.0.0.1:0"]);
    assert_eq!(server.log_in("ada").0, 200);
    // Both that of the login and that of the first signing key.
    soon("both are kept", || server.metrics().contains("countersign_audit_records_total{outcome=\"kept\"} 2"));
    server.signal(Signal::KILL);
    let end = server.end();
    assert_eq!(end.stderr, "");
    assert_eq!(records(&place, &["--event", "login"]).len(), 1);
}
