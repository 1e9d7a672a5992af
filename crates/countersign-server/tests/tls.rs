//! A server that speaks TLS itself, as a process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;
#[path = "support/tls.rs"]
mod tls_client;

use std::fs;

use crate::support::{Place, soon};
use crate::tls_client::{ask, connect, make};

const FLAGS: [&str; 4] = ["--tls-certificate", "certificate.pem", "--tls-key", "key.pem"];

#[test]
fn a_server_speaks_tls_and_says_so() {
    let place = Place::new();
    let (certificate, _) = make(place.path(), "certificate.pem", "key.pem");
    let server = place.serve(&FLAGS);
    assert!(server.banner.contains(&format!("https://{}/docs", server.address)), "{}", server.banner);
    let mut stream = connect(server.address, &certificate, &[]).unwrap();
    assert_eq!((ask(&mut stream, "/health/ready"), ask(&mut stream, "/docs")), (200, 200));
    // Nothing is told in the clear.
    assert_eq!(server.ask("GET", "/health/ready", &[], "").0, 0);
    let done = server.stop();
    assert!(done.code == Some(0) && !done.stderr.contains("unencrypted"), "{}", done.stderr);
}

#[test]
fn a_certificate_that_is_renewed_is_taken_up_by_itself_and_on_a_signal() {
    let place = Place::new();
    let (certificate, key) = make(place.path(), "certificate.pem", "key.pem");
    place.set_mode("key.pem", 0o640);
    let server = place.serve(&FLAGS);
    let mut first = connect(server.address, &certificate, &[]).unwrap();
    let hang_up = || server.signal(rustix::process::Signal::HUP);
    for signal in [None, Some(&hang_up)] {
        // Side by side, and into their place.
        let (new, new_key) = make(place.path(), "new.pem", "new-key.pem");
        fs::rename(new_key, &key).unwrap();
        fs::rename(new, &certificate).unwrap();
        if let Some(hang_up) = signal {
            hang_up();
        }
        soon("the new certificate is shown", || connect(server.address, &certificate, &[]).is_ok());
        assert_eq!(ask(&mut first, "/health/live"), 200, "who was there stays");
    }
    let log = server.stop().stderr;
    assert!(log.contains("mode 640") && log.contains("the certificate was read anew"), "{log}");
}

#[test]
fn a_certificate_that_callers_refuse_is_wrong_to_the_doctor() {
    let place = Place::new();
    make(place.path(), "certificate.pem", "key.pem");
    make(place.path(), "other.pem", "other-key.pem");
    let server = place.serve(&FLAGS);
    let listen = server.address.to_string();
    let issuer = |trusted: &str| {
        let trusted = place.path().join(trusted);
        let arguments = [&["doctor", "--json", "--listen", &listen], &FLAGS[..]].concat();
        let done = place.run_with(&arguments, &[("SSL_CERT_FILE", trusted.to_str().unwrap())], "");
        let findings: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        findings.as_array().unwrap().iter().find(|finding| finding["check"] == "issuer").unwrap().clone()
    };
    assert_eq!(issuer("certificate.pem")["level"], "good");
    let refused = issuer("other.pem");
    assert_eq!(refused["level"], "wrong", "{refused}");
    assert!(refused["remedy"].as_str().unwrap().contains("refuses that certificate"), "{refused}");
}

//
#[test]
fn a_certificate_that_is_no_good_is_told_of_before_anything_is_made() {
    let place = Place::new();
    make(place.path(), "certificate.pem", "key.pem");
    make(place.path(), "other.pem", "other-key.pem");
    for (certificate, key, said) in [
        ("certificate.pem", "nowhere.pem", "cannot be read"),
        ("key.pem", "key.pem", "there is no certificate in"),
        ("certificate.pem", "certificate.pem", "there is no private key in"),
        ("certificate.pem", "other-key.pem", "the key is not that of the first certificate"),
    ] {
        let refused = place.run(&["serve", "--tls-certificate", certificate, "--tls-key", key]).bad(2);
        assert!(refused.contains(said), "{refused}");
    }
    let refused = place.run(&["serve", "--tls-certificate", "certificate.pem"]).bad(2);
    assert!(refused.contains("give both"), "{refused}");
    let refused = place.run(&[&["serve", "--issuer", "http://a.example"], &FLAGS[..]].concat()).bad(2);
    assert!(refused.contains("give the https URL"), "{refused}");
    assert!(!place.data().exists());
}
