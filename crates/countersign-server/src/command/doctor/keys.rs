//! The signing keys: whether they can be opened, and how old they are.

use countersign::store::{KeyState, SigningKeyRecord};

use crate::command::doctor::finding::Findings;
use crate::command::output::time;
use crate::data_directory::{DataDirectory, read_sealing_key, sealing_key_in};
use crate::settings::Settings;

/// How long after its time a key may sign: the next one is published first, and a server has to run for it.
const GRACE_S: u64 = 3 * 24 * 3600;
const DAY_S: i64 = 24 * 3600;

pub(super) fn check(
    settings: &Settings,
    directory: &DataDirectory,
    records: &[SigningKeyRecord],
    now: i64,
    findings: &mut Findings,
) {
    let what = "signing keys";
    if records.is_empty() {
        findings.warn(what, "there are none", "start the server, which makes one");
        return;
    }
    if !can_be_opened(directory, records, findings) {
        return;
    }
    let Some(active) = records.iter().find(|key| key.state == KeyState::Active) else {
        findings.wrong(what, "none of them signs", "start the server, and look at its log");
        return;
    };
    let days = (now - active.since) / DAY_S;
    let found = format!("{} ({}) signs since {}", active.kid, active.algorithm, time(active.since));
    let longest = i64::try_from(settings.signing_key_lifetime.as_secs().saturating_add(GRACE_S)).unwrap_or(i64::MAX);
    if now - active.since > longest {
        let found = format!("{found}, {days} days, longer than signing-key-lifetime");
        findings.wrong(what, found, "a server that runs rotates the keys: see that one does, and look at its log");
    } else {
        findings.good(what, format!("{found}, {days} days; {} are published", records.len()));
    }
}

fn can_be_opened(directory: &DataDirectory, records: &[SigningKeyRecord], findings: &mut Findings) -> bool {
    let what = "sealing key";
    let file = sealing_key_in(directory.path());
    if !file.exists() {
        let found = format!("{} is missing, and the signing keys cannot be opened without it", file.display());
        findings.wrong(what, found, "copy it from another node, or from where it was kept with the backups");
        return false;
    }
    let sealing = match read_sealing_key(&file) {
        Ok(sealing) => sealing,
        Err(error) => {
            // That others can read it was told already.
            if !findings.is_wrong(what) {
                findings.wrong(what, format!("{error:#}"), "restore it from where it was kept with the backups");
            }
            return false;
        }
    };
    let closed = records.iter().filter(|key| sealing.open(&key.sealed, &key.kid).is_err()).count();
    if closed > 0 {
        let found = format!("{} does not open {closed} of {} signing keys", file.display(), records.len());
        findings.wrong(what, found, "put the sealing.key of this database in its place");
        return false;
    }
    findings.good(what, format!("{} opens every signing key", file.display()));
    true
}
