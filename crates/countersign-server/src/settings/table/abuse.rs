//! Settings of the protection against abuse.

use countersign::throttle::MANY_FAILURES;

use crate::settings::table::{ON_OR_OFF, Setting};
use crate::settings::value::{choice_from, choice_to, number_from};

const MANY_ATTEMPTS: u32 = 1_000_000;

pub(super) const REGISTRATIONS_PER_HOUR: Setting = Setting {
    name: "registrations-per-hour",
    value: "COUNT",
    help: "Registrations from one address (of IPv6, a network of 64 bits) in an hour; a network has ten times as many",
    is_path: false,
    read: |settings, text| {
        number_from(text, 1, MANY_ATTEMPTS).map(|count| settings.throttling.registrations_per_hour = count)
    },
    show: |settings| settings.throttling.registrations_per_hour.to_string(),
};

pub(super) const LOGIN_ATTEMPTS: Setting = Setting {
    name: "login-attempts",
    value: "COUNT",
    help: "Wrong passwords in a row for an account until each is followed by a pause, from 1s to 1h; an address has ten times as many in an hour, a network a hundred times. At most 50",
    is_path: false,
    read: |settings, text| number_from(text, 1, MANY_FAILURES).map(|count| settings.throttling.login_attempts = count),
    show: |settings| settings.throttling.login_attempts.to_string(),
};

pub(super) const THROTTLE: Setting = Setting {
    name: "throttle",
    value: "on|off",
    help: "Whether wrong passwords, wrong secrets of clients, registrations and tokens for things are counted, and too many refused with 429",
    is_path: false,
    read: |settings, text| choice_from(text, ON_OR_OFF).map(|is_on| settings.throttling.is_on = is_on),
    show: |settings| choice_to(&settings.throttling.is_on, ON_OR_OFF),
};

pub(super) const TRUSTED_PROXIES: Setting = Setting {
    name: "trusted-proxies",
    value: "NETWORKS",
    help: "Addresses and networks of proxies in front of this server, such as `127.0.0.1 10.0.0.0/8`: where a request comes from is taken from their X-Forwarded-For or Forwarded. Without it: from nobody's",
    is_path: false,
    read: |settings, text| text.parse().map(|proxies| settings.trusted_proxies = proxies),
    show: |settings| settings.trusted_proxies.to_string(),
};
