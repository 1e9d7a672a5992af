//! What a newcomer needs next, and what an operator should hear.

use std::net::SocketAddr;

use countersign::Profile;

use crate::settings::Settings;

/// The addresses on which the server listens.
#[derive(Clone, Copy)]
pub(super) struct Addresses {
    pub(super) public: SocketAddr,
    pub(super) metrics: Option<SocketAddr>,
}

/// The lines that the server prints when it listens.
pub(super) fn banner(settings: &Settings, program: &str, addresses: Addresses, issuer: &str) -> String {
    let program = quoted(program);
    let takes_passwords = settings.profile == Profile::OAuth2;
    let page = if takes_passwords { "Log in on a page:" } else { "See the API:     " };
    let mut lines = vec![
        format!("Countersign {} listens on {}", env!("CARGO_PKG_VERSION"), addresses.public),
        String::new(),
        format!("  {page}  {issuer}/docs"),
        format!("  Make a user:       {program} user add ada {}", where_to(settings)),
    ];
    if takes_passwords {
        lines.push(format!(
            "  Get a token:       curl {issuer}/token -d grant_type=password -d username=ada --data-urlencode 'password=…'"
        ));
        lines.push(format!("  Use it:            curl {issuer}/users/me -H \"Authorization: Bearer $TOKEN\""));
    }
    lines.extend(addresses.metrics.map(|address| format!("  Look at metrics:   http://{address}/metrics")));
    lines.push("  Stop:              Ctrl-C".to_owned());
    lines.push(String::new());
    lines.join("\n") + "\n"
}

/// Where a command has to write for this server to see it. A URL with a password is not for a screen: the command needs the variable or
/// the file that the server has it from.
fn where_to(settings: &Settings) -> String {
    let mut flags = vec![("data", settings.data.display().to_string())];
    if let Some(database) = settings.database.as_ref().filter(|database| !database.has_password()) {
        flags.push(("database", database.to_string()));
    }
    if let Some((file, _)) = &settings.database_password {
        flags.push(("database-password-file", file.display().to_string()));
    }
    let flags: Vec<_> = flags.into_iter().map(|(name, value)| format!("--{name} {}", quoted(&value))).collect();
    flags.join(" ")
}

/// What is probably not meant, one line each.
pub(super) fn warnings(settings: &Settings, address: SocketAddr, issuer: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    if settings.issuer.is_none() && !address.ip().is_loopback() {
        warnings.push(format!("the issuer is {issuer}: give --issuer the URL by which callers reach this server"));
    }
    if settings.is_plain_and_remote(address) {
        warnings.push(
            "passwords and tokens travel unencrypted: give --tls-certificate and --tls-key, or put a TLS proxy in front and give \
             --issuer its https URL"
                .to_owned(),
        );
    }
    warnings
}

/// The text as a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(listen: &str, issuer: Option<&str>) -> Vec<String> {
        let settings = Settings { issuer: issuer.map(str::to_owned), ..Settings::default() };
        let address = listen.parse().unwrap();
        warnings(&settings, address, &settings.issuer_at(address))
    }

    #[test]
    fn only_what_leaves_the_machine_in_the_clear_is_warned_of() {
        assert!(heard("127.0.0.1:8000", None).is_empty());
        assert!(heard("[::1]:8000", None).is_empty());
        assert!(heard("127.0.0.1:8000", Some("https://id.example.com")).is_empty());
        assert!(heard("0.0.0.0:8000", Some("https://id.example.com")).is_empty());
        assert!(heard("127.0.0.1:8000", Some("http://localhost:8000")).is_empty());
        assert_eq!(heard("127.0.0.1:8000", Some("http://id.example.com")).len(), 1);
        assert_eq!(heard("0.0.0.0:8000", None).len(), 2);
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("/srv/data"), "/srv/data");
        assert_eq!(quoted("/srv/my data"), "'/srv/my data'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(reboot)"), "'$(reboot)'");
    }
}
