//! Files: who may read them, whose they are, and how much room there is.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::statvfs;
use rustix::process::geteuid;

use crate::command::doctor::finding::Findings;
use crate::data_directory::sealing_key_in;
use crate::database::Address;
use crate::location::DATABASE;
use crate::settings::{Configuration, Origin, Settings};
use crate::transport::Certificate;

/// Less room than this is soon used up.
const LITTLE_MIB: u64 = 1024;
/// With less than this, writes fail any moment.
const NOTHING_MIB: u64 = 64;

pub(super) fn check(configuration: &Configuration, findings: &mut Findings) {
    let settings = &configuration.settings;
    if settings.data.is_dir() {
        check_file("data directory", &settings.data, 0o700, findings);
        room(&settings.data, findings);
    } else {
        let found = format!("there is no {}", settings.data.display());
        findings.wrong("data directory", found, "name the server's by --data, or start the server, which makes it");
    }
    if settings.database.is_none() {
        for suffix in ["", "-wal", "-shm"] {
            check_file("database file", &settings.data.join(format!("{DATABASE}{suffix}")), 0o600, findings);
        }
    }
    check_file("sealing key", &sealing_key_in(&settings.data), 0o600, findings);
    // That others cannot read these was looked at when they were read.
    let secrets = [
        ("password file", settings.database_password.as_ref().map(|(file, _)| file)),
        ("pepper file", settings.peppers.as_ref().map(|(file, _)| file)),
    ];
    for (what, file) in secrets {
        if let Some(file) = file {
            check_file(what, file, 0o600, findings);
        }
    }
    if let (Some(certificate), Some(key)) = (&settings.tls_certificate, &settings.tls_key) {
        check_certificate(certificate, key, findings);
        check_tls_key(key, findings);
    }
    if let Some(file) = file_with_password(configuration, settings) {
        check_file("settings file", file, 0o600, findings);
    }
}

/// Whether a server can start with it. Whether callers believe it is seen where the issuer is asked.
fn check_certificate(certificate: &Path, key: &Path, findings: &mut Findings) {
    let what = "tls-certificate";
    match Certificate::load(certificate, key) {
        Ok(_) => findings.good(what, format!("{} and its key belong together", certificate.display())),
        Err(error) => findings.wrong(what, error.to_string(), "the server does not start so: correct the files"),
    }
}

/// It may belong to another user, who lets in whom the server runs as; nobody else should be.
fn check_tls_key(key: &Path, findings: &mut Findings) {
    let Ok(mode) = fs::metadata(key).map(|metadata| metadata.mode() & 0o777) else { return };
    let found = format!("{} has mode {mode:03o}", key.display());
    if mode & 0o077 != 0 {
        findings.warn("tls-key", format!("{found}, which lets other users in"), format!("chmod 600 {}", key.display()));
    } else {
        findings.good("tls-key", found);
    }
}

/// The file of settings, if the password of the database stands in it.
fn file_with_password<'c>(configuration: &'c Configuration, settings: &Settings) -> Option<&'c Path> {
    let has_password = settings.database.as_ref().is_some_and(Address::has_password);
    let (_, _, origin) = configuration.rows().find(|(setting, ..)| setting.name == "database")?;
    match origin {
        Origin::File(file) if has_password => Some(file),
        _ => None,
    }
}

/// Looks at a file, if it is there: its mode may be no looser than this, and it has to be ours.
fn check_file(what: &'static str, path: &Path, mode: u32, findings: &mut Findings) {
    let Ok(metadata) = fs::metadata(path) else { return };
    let (found, shown) = (metadata.mode() & 0o777, path.display());
    if found & !mode != 0 {
        let remedy = format!("chmod {mode:o} {shown}");
        findings.wrong(what, format!("{shown} has mode {found:03o}, which lets other users in"), remedy);
        return;
    }
    let (owner, us) = (metadata.uid(), geteuid().as_raw());
    if owner != us {
        let remedy =
            format!("run this, and every command, as the user that the server runs as; or: chown {us} {shown}");
        findings.warn(what, format!("{shown} belongs to user {owner}, and this runs as user {us}"), remedy);
        return;
    }
    findings.good(what, format!("{shown} has mode {found:03o}"));
}

fn room(directory: &Path, findings: &mut Findings) {
    let Ok(system) = statvfs(directory) else { return };
    let free_mib = system.f_bavail.saturating_mul(system.f_frsize) >> 20;
    let found = format!("{free_mib} MiB are free under {}", directory.display());
    let remedy = "make room: what cannot be written is refused";
    if free_mib < NOTHING_MIB {
        findings.wrong("disk", found, remedy);
    } else if free_mib < LITTLE_MIB {
        findings.warn("disk", found, remedy);
    } else {
        findings.good("disk", found);
    }
}
