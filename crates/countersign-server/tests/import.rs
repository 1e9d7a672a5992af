//! `countersign import`: files as other programs write them, checked, taken over, and taken over once more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};

use crate::support::Place;

const BCRYPT: &str = "$2b$04$EGdrhbKUv8Oc9vGiXX0HQOxSg445d458Muh7DAHskb6QbtCvdxcie";
const PASSWORD: &str = "correctbatteryhorsestapler";
const DJANGO: &str = "pbkdf2_sha256$1$salt$X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=";

fn import(place: &Place, file: &str, more: &[&str]) -> (Option<i32>, Value, String) {
    let arguments = [&["import", "users", file, "--json"], more].concat();
    let done = place.run(&arguments);
    let summary = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}{}", done.stdout, done.stderr));
    (done.code, summary, done.stderr)
}

fn users(place: &Place) -> Vec<Value> {
    place.run(&["user", "list", "--json"]).json().as_array().unwrap().clone()
}

#[test]
fn json_lines_are_checked_taken_over_and_known_the_second_time() {
    let place = Place::new();
    let lines = [
        json!({ "username": "ada", "email": "ada@example.com", "scope": "users:read", "password_hash": BCRYPT }),
        json!({ "email": "bob@example.com", "disabled": true, "password_hash": DJANGO, "created_at": "2020-01-02T00:00:00Z" }),
        json!({ "username": "eve", "password_hash": "canary-plaintext" }),
        json!({ "username": "Ada", "email": "other@example.com", "password_hash": BCRYPT }),
        json!({ "username": "m", "password_hash": BCRYPT.replace("$04$", "$31$") }),
        json!(["canary", "list"]),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    place.write("users.jsonl", &text);

    let (code, checked, stderr) = import(&place, "users.jsonl", &["--check"]);
    assert_eq!(code, Some(1));
    assert_eq!((&checked["check"], &checked["added"], &checked["refused"]), (&json!(true), &json!(2), &json!(4)));
    let places: Vec<_> =
        checked["refusals"].as_array().unwrap().iter().map(|refusal| refusal["place"].clone()).collect();
    let mut sorted: Vec<u64> = places.iter().map(|place| place.as_u64().unwrap()).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, [3, 4, 5, 6]);
    assert!(stderr.contains("not a password hash of a known format") && stderr.contains("costs too much"), "{stderr}");
    assert!(!stderr.contains("canary") && !checked.to_string().contains("canary"), "{stderr}{checked}");
    assert!(!place.data().exists(), "a check leaves nothing behind");

    let (_, taken, _) = import(&place, "users.jsonl", &[]);
    assert_eq!((&taken["added"], &taken["known"]), (&json!(2), &json!(0)));
    assert_eq!(taken["added_by_hash"], json!({ "bcrypt": 1, "pbkdf2-sha256": 1 }));
    let kept = users(&place);
    assert_eq!(kept.iter().map(|user| user["username"].clone()).collect::<Vec<_>>(), ["ada", "bob"]);
    assert_eq!((&kept[0]["scopes"], &kept[1]["disabled"]), (&json!(["users:read"]), &json!(true)));
    assert_eq!(kept[1]["created_at"], "2020-01-02T00:00:00Z");

    let (_, again, _) = import(&place, "users.jsonl", &[]);
    assert_eq!((&again["added"], &again["known"], &again["refused"]), (&json!(0), &json!(2), &json!(4)));
    assert_eq!(users(&place), kept);
}

#[test]
fn whoever_was_taken_over_logs_in_with_the_old_password() {
    let place = Place::new();
    let line = json!({ "username": "ada", "password_hash": BCRYPT });
    place.write("users.jsonl", &line.to_string());
    let server = place.serve(&[]);
    // Also while the server runs.
    assert_eq!(import(&place, "users.jsonl", &[]).0, Some(0));
    let form = format!("grant_type=password&username=ada&password={PASSWORD}");
    let form_type = [("Content-Type", "application/x-www-form-urlencoded")];
    let (status, answer) = server.ask("POST", "/token", &form_type, &form);
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn a_table_of_django_or_fastapi_users_is_a_file_with_titles() {
    let place = Place::new();
    let django = format!(
        "id,password,last_login,is_superuser,username,first_name,last_name,email,is_staff,is_active,date_joined\n\
         1,{DJANGO},,t,ada,Ada,Lovelace,ada@example.com,t,t,2020-01-02 03:04:05+00\n\
         2,!unusable,,f,bob,,,,f,f,2020-01-02 03:04:05.123456+00\n"
    );
    place.write("auth_user.csv", &django);
    assert_eq!(import(&place, "auth_user.csv", &[]).0, Some(0));
    let fastapi = format!("id,email,hashed_password,is_active\n7,eve@example.com,{BCRYPT},true\n");
    place.write("user.csv", &fastapi);
    assert_eq!(import(&place, "user.csv", &[]).0, Some(0));
    let kept = users(&place);
    assert_eq!(kept.iter().map(|user| user["username"].clone()).collect::<Vec<_>>(), ["ada", "bob", "eve"]);
    assert_eq!(
        (&kept[0]["full_name"], &kept[0]["created_at"]),
        (&json!("Ada Lovelace"), &json!("2020-01-02T03:04:05Z"))
    );
    assert_eq!((&kept[1]["disabled"], &kept[2]["email"]), (&json!(true), &json!("eve@example.com")));
}

#[test]
fn dumps_of_django_and_realms_of_keycloak_are_read_user_by_user() {
    let place = Place::new();
    let dump = json!([
        { "model": "auth.permission", "pk": 1, "fields": { "name": "x" } },
        { "model": "auth.user", "pk": 1, "fields": { "username": "ada", "password": DJANGO, "is_active": true, "email": "" } },
    ]);
    place.write("dump.json", &dump.to_string());
    assert_eq!(import(&place, "dump.json", &[]).0, Some(0));
    let secret = json!({ "value": "X2Vq9IpUUw17klJY0EbnXQ10dS3EtY4MKvIjowu3TDw=", "salt": "c2FsdA==" });
    let data = json!({ "hashIterations": 1, "algorithm": "pbkdf2-sha256" });
    let realm = json!({ "realm": "r", "roles": { "users": [1] }, "users": [{
        "username": "bob", "email": "bob@example.com", "firstName": "Bob", "enabled": true, "createdTimestamp": 86_400_000,
        "credentials": [{ "type": "otp" }, { "type": "password", "secretData": secret.to_string(), "credentialData": data.to_string() }],
    }], "clients": [] });
    place.write("realm.json", &format!("{realm:#}"));
    let (code, summary, stderr) = import(&place, "realm.json", &[]);
    assert_eq!((code, &summary["added_by_hash"]), (Some(0), &json!({ "pbkdf2-sha256": 1 })), "{stderr}");
    let kept = users(&place);
    assert_eq!((&kept[0]["username"], &kept[1]["username"]), (&json!("ada"), &json!("bob")));
    assert_eq!(kept[1]["created_at"], "1970-01-02T00:00:00Z");
}

#[test]
fn a_file_that_breaks_off_is_taken_over_as_far_as_it_goes_and_said_to_be_broken() {
    let place = Place::new();
    let user = |name: &str| json!({ "model": "auth.user", "fields": { "username": name, "password": DJANGO } });
    place.write("dump.json", &format!("[{}, {}, {{\"model\":", user("ada"), user("bob")));
    let done = place.run(&["import", "users", "dump.json"]);
    assert!(done.code == Some(1) && done.stderr.contains("cannot be read after line or entry 2"), "{}", done.stderr);
    assert_eq!(users(&place).len(), 2);
    assert!(place.run(&["import", "users", "nowhere.csv"]).bad(1).contains("cannot read nowhere.csv"));
    place.write("notes.txt", "nothing of users\n");
    assert!(place.run(&["import", "users", "notes.txt"]).stderr.contains("no title `username` or `email`"));
}
