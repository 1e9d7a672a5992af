//! Into a file, while a server is at work, and out of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::{PASSWORD, Place};
use crate::{log_in, refresh, rows_of, with_users};

const ISSUER: [&str; 2] = ["--issuer", "http://127.0.0.1:1"];

fn copy_key(from: &Place, to: &Place) {
    fs::create_dir(to.data()).unwrap();
    to.set_mode("countersign-data", 0o700);
    fs::copy(from.data().join("sealing.key"), to.data().join("sealing.key")).unwrap();
}

fn restore(place: &Place, backup: &Path, more: &[&str]) -> crate::support::Done {
    place.run(&[&["restore", backup.to_str().unwrap()], more].concat())
}

// F-18
#[test]
fn everything_that_was_acknowledged_before_the_backup_began_is_in_it() {
    let (place, stop, acknowledged) = (Place::new(), AtomicBool::new(false), AtomicUsize::new(0));
    with_users(&place, 3000);
    let server = place.serve(&ISSUER);
    let file = place.path().join("all.backup");
    let before = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let number = acknowledged.load(Ordering::Relaxed);
                let body = format!("{{\"username\":\"late-{number}\",\"password\":\"{PASSWORD}\"}}");
                let (status, body) = server.ask("POST", "/users", &[("Content-Type", "application/json")], &body);
                assert_eq!(status, 201, "{body}");
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
        });
        while acknowledged.load(Ordering::SeqCst) < 3 {
            std::thread::yield_now();
        }
        let before = acknowledged.load(Ordering::SeqCst);
        let summary = place.run(&["backup", file.to_str().unwrap(), "--json"]).json();
        stop.store(true, Ordering::Relaxed);
        assert!(rows_of(&summary, "users") >= 3000 + before as u64, "{summary}");
        before
    });
    server.stop().good();
    let other = Place::new();
    copy_key(&place, &other);
    restore(&other, &file, &[]).good();
    let server = other.serve(&ISSUER);
    for number in 0..before {
        assert_eq!(server.log_in(&format!("late-{number}")).0, 200, "late-{number}");
    }
}

// In a folder for everybody, somebody else may have put something in the way.
#[test]
fn a_backup_is_written_into_nothing_that_was_not_made_for_it() {
    let place = Place::new();
    place.add_user(&["ada"]).good();
    let other = place.write("other", "of somebody");
    let (file, draft) = (place.path().join("all.backup"), place.path().join("all.backup.partial"));
    let refused = || place.run(&["backup", file.to_str().unwrap()]).bad(1);
    std::os::unix::fs::symlink(&other, &draft).unwrap();
    assert!(refused().contains("cannot make"));
    std::os::unix::fs::symlink(place.path().join("nowhere"), place.path().join("dangling.partial")).unwrap();
    place.run(&["backup", place.path().join("dangling").to_str().unwrap()]).bad(1);
    assert!(!place.path().join("nowhere").exists());
    fs::remove_file(&draft).unwrap();
    fs::hard_link(&other, &draft).unwrap();
    assert!(refused().contains("not ours"));
    assert_eq!(fs::read_to_string(&other).unwrap(), "of somebody");
    // What an earlier one has left, that was cut off, is in nobody's way.
    fs::remove_file(&draft).unwrap();
    fs::write(&draft, "{").unwrap();
    place.run(&["backup", file.to_str().unwrap()]).good();
    assert!(place.mode("all.backup") == 0o600 && !draft.exists());
}

// F-18
#[test]
fn what_was_used_after_the_backup_is_told_of_and_ended_when_that_is_asked_for() {
    let place = Place::new();
    with_users(&place, 2);
    let server = place.serve(&ISSUER);
    let (access, used_later) = log_in(&server, "user-0");
    let file = place.path().join("all.backup");
    let told = place.run(&["backup", file.to_str().unwrap()]).good();
    assert!(told.contains("Keep a copy of") && told.contains("sealing.key"), "{told}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    refresh(&server, &used_later).unwrap();
    assert!(restore(&place, &file, &["--replace"]).bad(1).contains("the database is in use"));
    server.stop().good();

    assert!(restore(&place, &file, &[]).bad(1).contains("not empty"));
    let told = restore(&place, &file, &["--replace"]).good();
    assert!(told.contains("are good again") && told.contains("--end-all-sessions"), "{told}");
    let server = place.serve(&ISSUER);
    assert!(refresh(&server, &used_later).is_some(), "as it is told");
    server.stop().good();

    let told = restore(&place, &file, &["--replace", "--end-all-sessions"]).good();
    assert!(told.contains("1 sessions were ended"), "{told}");
    let server = place.serve(&ISSUER);
    assert!(refresh(&server, &used_later).is_none());
    assert_eq!(server.whoami(&access).0, 401);
    assert_eq!(server.log_in("user-0").0, 200);
}

#[test]
fn without_its_sealing_key_a_backup_is_restored_for_everybody_to_log_in_anew() {
    let place = Place::new();
    with_users(&place, 2);
    let server = place.serve(&ISSUER);
    let (access, refresh_token) = log_in(&server, "user-0");
    let keys = server.ask("GET", "/.well-known/jwks.json", &[], "").1;
    server.stop().good();
    let file = place.path().join("all.backup");
    place.run(&["backup", file.to_str().unwrap()]).good();

    let other = Place::new();
    let told = restore(&other, &file, &[]).good();
    assert!(told.contains("If it is lost") && told.contains("--new-sealing-key"), "{told}");
    assert!(other.run(&["serve", "--listen", "127.0.0.1:0"]).bad(1).contains("sealing.key is missing"));
    let told = restore(&other, &file, &["--replace", "--new-sealing-key"]).good();
    assert!(told.contains("1 sessions were ended") && told.contains("new sealing key"), "{told}");
    let server = other.serve(&ISSUER);
    assert_eq!(server.whoami(&access).0, 401);
    assert!(refresh(&server, &refresh_token).is_none());
    assert_eq!(server.log_in("user-0").0, 200);
    assert_ne!(server.ask("GET", "/.well-known/jwks.json", &[], "").1, keys);
    server.stop().good();
    // Of a throwaway PostgreSQL it says more.
    let told = other.run(&["doctor", "--offline"]).stdout;
    for check in ["sealing key", "signing keys"] {
        assert!(told.lines().any(|line| line.starts_with("good ") && line.contains(check)), "{told}");
    }
    // One that is there is not passed over.
    let refused = restore(&other, &file, &["--replace", "--new-sealing-key"]).bad(1);
    assert!(refused.contains("sealing.key is there"), "{refused}");
}

// F-21
#[test]
fn a_backup_that_is_damaged_is_refused_before_anything_is_touched() {
    let place = Place::new();
    with_users(&place, 2);
    place.serve(&ISSUER).stop().good();
    let file = place.path().join("all.backup");
    place.run(&["backup", file.to_str().unwrap()]).good();
    assert!(place.run(&["backup", file.to_str().unwrap()]).bad(1).contains("--overwrite"));
    let whole = fs::read(&file).unwrap();
    place.run(&["backup", file.to_str().unwrap(), "--overwrite"]).good();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let other = Place::on_sqlite();
    for (bytes, why) in [(damaged.as_slice(), "is damaged"), (&whole[..middle], "breaks off"), (b"x", "no backup")] {
        let bad = place.path().join("bad.backup");
        fs::write(&bad, bytes).unwrap();
        for more in [&["--check"][..], &[], &["--replace"]] {
            let refused = restore(&other, &bad, more).bad(1);
            assert!(refused.contains(why), "{refused}");
        }
        assert!(!other.data().exists());
    }
    assert!(restore(&other, &file, &["--check"]).good().contains("The backup is whole"));
    assert!(!other.data().exists());
    // Of another server.
    other.serve(&ISSUER).stop().good();
    assert!(restore(&other, &file, &["--replace"]).bad(1).contains("is not the sealing key of this backup"));
    let left: Vec<_> = place.files().into_iter().filter(|name| name.contains("partial")).collect();
    assert!(left.is_empty(), "{left:?}");
}
