//! Whether the server learns where its callers are: behind a proxy that nobody named, all of them are one.

use crate::command::doctor::finding::Findings;
use crate::settings::Settings;

const WHAT: &str = "callers";

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    let is_https = settings.issuer_at(settings.listen).starts_with("https://");
    let has_proxy = is_https && !settings.speaks_tls();
    if !settings.trusted_proxies.is_empty() {
        findings.good(WHAT, format!("told by the proxies {}", settings.trusted_proxies));
    } else if has_proxy {
        findings.warn(
            WHAT,
            "something in front speaks TLS, and no proxy is trusted: all callers count as one, and wait for one another's wrong passwords",
            "give --trusted-proxies the addresses of the proxy, and have it write X-Forwarded-For",
        );
    } else {
        findings.good(WHAT, "known by their connections");
    }
    if !settings.throttling.is_on {
        let remedy = "turn --throttle on, unless nobody else reaches this server";
        findings.warn(WHAT, "wrong passwords are not counted: anybody may guess without end", remedy);
    }
}
