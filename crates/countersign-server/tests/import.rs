//! `countersign import`: files as other programs write them, checked, taken over, and taken over once more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

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

#[test]
fn a_refusal_says_who_it_is_by_nothing_that_disturbs_a_terminal_and_never_by_a_hash() {
    let place = Place::new();
    let lines = [
        json!({ "username": "a\u{1b}[2Kda\u{202e}", "password_hash": BCRYPT }),
        json!({ "email": "bob@example.com", "password_hash": "canary-plaintext" }),
        json!({ "username": BCRYPT, "password_hash": "ada" }),
        json!({ "username": "eve", "created_at": "02/01/2020" }),
        json!({ "username": "zoe" }),
        json!({ "username": "zoe", "email": "zoe@example.com" }),
    ];
    place.write("users.jsonl", &lines.map(|line| line.to_string()).join("\n"));
    let (code, summary, stderr) = import(&place, "users.jsonl", &[]);
    let who: Vec<_> = summary["refusals"].as_array().unwrap().iter().map(|refusal| refusal["user"].clone()).collect();
    let expected = [json!(r"a\u{1b}[2Kda\u{202e}"), json!("bob@example.com"), json!(null), json!("eve"), json!("zoe")];
    assert_eq!((code, &summary["added"], who.as_slice()), (Some(1), &json!(1), expected.as_slice()), "{stderr}");
    let told = format!("{stderr}{summary}");
    assert!(!told.contains(['\u{1b}', '\u{202e}']) && !told.contains("$2b$") && !told.contains("canary"), "{told}");
    for line in ["2: bob@example.com: password hash: ", "4: eve: the time of registration cannot be read"] {
        assert!(stderr.contains(line), "{stderr}");
    }
}

#[test]
fn a_line_that_cannot_be_read_keeps_no_other_out_in_any_format() {
    let place = Place::new();
    let csv = b"\xEF\xBB\xBFusername,email\r\nada,ada@example.com\r\nb\xFFb,\r\n\r\n\"eve\",eve@example.com\r\nzoe\r\n";
    fs::write(place.path().join("users.csv"), csv).unwrap();
    let long = json!({ "username": "b", "more": "x".repeat(100_000) }).to_string();
    let lines: [&[u8]; 4] = [b"{\"username\":\"kim\"}", b"\xFF\0", long.as_bytes(), b"{\"username\":\"lee\"}"];
    fs::write(place.path().join("users.jsonl"), lines.join(&b'\n')).unwrap();
    let dump = r#"[{"model":"auth.user","fields":{"username":"max"}},{"model" no},{"model":"auth.user","fields":{"username":"pat"}}]"#;
    place.write("dump.json", dump);
    for (file, places) in [("users.csv", vec![3, 6]), ("users.jsonl", vec![2, 3]), ("dump.json", vec![2])] {
        let (code, summary, stderr) = import(&place, file, &[]);
        let refused = summary["refusals"].as_array().unwrap();
        let refused: Vec<u64> = refused.iter().map(|refusal| refusal["place"].as_u64().unwrap()).collect();
        assert_eq!((code, &summary["added"], refused), (Some(1), &json!(2), places), "{file}: {stderr}");
    }
    let names: Vec<_> = users(&place).iter().map(|user| user["username"].clone()).collect();
    assert_eq!(names, ["ada", "eve", "kim", "lee", "max", "pat"]);
}

#[test]
fn a_file_that_holds_nobody_is_said_to_hold_nobody() {
    let place = Place::new();
    let utf_16: Vec<u8> = "\u{FEFF}username\r\nada\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(place.path().join("excel.csv"), utf_16).unwrap();
    assert!(place.run(&["import", "users", "excel.csv"]).bad(1).contains("iconv -f UTF-16 -t UTF-8"));
    place.write("empty.csv", "\n");
    assert!(place.run(&["import", "users", "empty.csv"]).bad(1).contains("the file is empty"));
    place.write("titles.csv", "username,email\n");
    assert!(place.run(&["import", "users", "titles.csv"]).bad(1).contains("the file has no users"));
    place.write("groups.json", r#"[{"model":"auth.group","fields":{"name":"x"}}]"#);
    let groups = place.run(&["import", "users", "groups.json"]);
    assert!(groups.code == Some(1) && groups.stderr.contains("--format"), "{}", groups.stderr);
    assert!(groups.stdout.contains("0 refused, 1 passed over"), "{}", groups.stdout);
}

#[test]
fn users_who_are_known_by_an_address_keep_it_and_get_a_name_of_their_own() {
    let place = Place::new();
    let user = |username: &str, email: &str| {
        let fields = json!({ "username": username, "email": email, "password": BCRYPT, "is_active": true });
        json!({ "model": "accounts.user", "pk": 1, "fields": fields })
    };
    let dump = json!([user("ada@a.example", ""), user("Ada@b.example", "Ada@b.example"), user("bob", "bob@a.example")]);
    place.write("dump.json", &dump.to_string());
    let (_, checked, _) = import(&place, "dump.json", &["--check"]);
    let (code, taken, stderr) = import(&place, "dump.json", &[]);
    assert_eq!((code, &taken["added"], &taken["numbered"]), (Some(0), &json!(3), &json!(1)), "{stderr}");
    assert_eq!((&checked["added"], &checked["numbered"]), (&taken["added"], &taken["numbered"]));
    let kept = users(&place);
    let names: Vec<_> = kept.iter().map(|user| (user["username"].clone(), user["email"].clone())).collect();
    let expected = [("ada", "ada@a.example"), ("ada2", "Ada@b.example"), ("bob", "bob@a.example")];
    assert_eq!(names, expected.map(|(name, email)| (json!(name), json!(email))));

    let (code, again, _) = import(&place, "dump.json", &[]);
    assert_eq!((code, &again["added"], &again["known"]), (Some(0), &json!(0), &json!(3)));
    assert_eq!(users(&place), kept);

    let server = place.serve(&[]);
    for login in ["ada@a.example", "ada@b.example", "ada2"] {
        let form = format!("grant_type=password&username={login}&password={PASSWORD}");
        let form_type = [("Content-Type", "application/x-www-form-urlencoded")];
        assert_eq!(server.ask("POST", "/token", &form_type, &form).0, 200, "{login}");
    }
}

#[test]
fn service_accounts_of_keycloak_are_passed_over_and_counted() {
    let place = Place::new();
    let realm = json!({ "realm": "r", "users": [
        { "username": "ada", "enabled": true },
        { "username": "service-account-batch", "enabled": true, "serviceAccountClientId": "batch" },
        { "username": "bob", "enabled": true, "serviceAccountClientId": null, "createdTimestamp": "1577934245000" },
    ]});
    place.write("realm.json", &format!("{realm:#}"));
    let (code, summary, stderr) = import(&place, "realm.json", &[]);
    assert_eq!((code, &summary["added"], &summary["passed_over"]), (Some(1), &json!(1), &json!(1)));
    assert!(stderr.starts_with("3: bob: the time of registration cannot be read"), "{stderr}");
}

/// Lines of users `user-1` and so on; the one in the middle has neither a name nor an address.
fn many(count: usize) -> Vec<String> {
    let line = |n: usize| json!({ "username": format!("user-{n}"), "password_hash": BCRYPT }).to_string();
    (1..=count).map(|n| if n == count / 2 { "{}".to_owned() } else { line(n) }).collect()
}

/// Runs until the line in the middle is refused, is killed there, and has not seen the end of the file.
fn kill_in_the_middle(place: &Place, lines: &[String], arguments: &[&str]) {
    let mut command = place.command(&[&["import", "users", "-", "--format", "json-lines"], arguments].concat());
    command.env("TMPDIR", place.path().join("temporary")).env("SQLITE_TMPDIR", place.path().join("temporary"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let text = lines[..lines.len() * 3 / 4].join("\n");
    // The end of the file stays away until the process is gone.
    let writing = std::thread::spawn(move || (input.write_all(text.as_bytes()), input));
    let refused = stderr.lines().map(Result::unwrap).find(|line| !line.contains(" users, ")).unwrap();
    assert!(refused.starts_with(&format!("{}: the user has neither", lines.len() / 2)), "{refused}");
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    drop(writing.join());
}

// F-01: also when it is an import that is killed.
#[test]
fn an_import_that_is_killed_goes_on_where_it_was_and_takes_nobody_twice() {
    let place = Place::new();
    let lines = many(20_000);
    kill_in_the_middle(&place, &lines, &[]);
    place.write("users.jsonl", &lines.join("\n"));
    let (code, summary, stderr) = import(&place, "users.jsonl", &[]);
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!((code, count("refused"), count("added") + count("known")), (Some(1), 1, 19_999), "{stderr}");
    assert!(count("known") >= 9_000 && count("added") >= 5_000, "{summary}");
    let (_, again, _) = import(&place, "users.jsonl", &[]);
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(19_999)));
    let mut names: Vec<_> = users(&place).iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 19_999);
}

#[test]
fn a_check_leaves_nothing_behind_even_if_it_is_killed() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let temporary = place.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let files = |folder: &std::path::Path| {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    };
    fs::create_dir_all(place.data()).unwrap();
    let before = files(&place.data());
    place.write("users.jsonl", &many(2_000).join("\n"));
    assert_eq!(import(&place, "users.jsonl", &["--check"]).1["added"], 1_999);
    assert!(files(&place.data()) == before, "a check changes the data directory");
    kill_in_the_middle(&place, &many(20_000), &["--check"]);
    assert_eq!(files(&temporary), []);
    assert_eq!(users(&place).len(), 1);
}
