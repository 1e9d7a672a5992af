//! Settings of what an operator looks at: the log, the audit log, metrics and traces.

use crate::settings::Settings;
use crate::settings::table::Setting;
use crate::settings::value::{collector_from, duration_to, life_from, metrics_from, number_from};

pub(super) const METRICS: Setting = Setting {
    name: "metrics",
    value: "ADDRESS",
    help: "Where to serve metrics for Prometheus, at /metrics; port 0 takes a free one. Without it: nowhere",
    is_path: false,
    read: |settings, text| metrics_from(text).map(|address| settings.metrics = address),
    show: |settings| settings.metrics.map_or(String::new(), |address| address.to_string()),
};

pub(super) const TRACES: Setting = Setting {
    name: "traces",
    value: "URL",
    help: "Where to send traces, by OpenTelemetry's protocol over HTTP, such as http://127.0.0.1:4318/v1/traces. Without it: nowhere",
    is_path: false,
    read: |settings, text| collector_from(text).map(|collector| settings.traces = collector),
    show: |settings| settings.traces.as_ref().map_or(String::new(), |collector| collector.url().to_owned()),
};

pub(super) const TRACES_ONE_OF: Setting = Setting {
    name: "traces-one-of",
    value: "COUNT",
    help: "Send one of so many traces, chosen by the id of the trace",
    is_path: false,
    read: |settings, text| number_from(text, 1, 1_000_000).map(|count| settings.traces_one_of = count),
    show: |settings| settings.traces_one_of.to_string(),
};

pub(super) const AUDIT_LIFETIME: Setting = Setting {
    name: "audit-lifetime",
    value: "TIME",
    help: "How long the audit log keeps what was done; at most 3650d",
    is_path: false,
    read: |settings, text| life_from(text).map(|life| settings.audit_lifetime = life),
    show: |settings| duration_to(settings.audit_lifetime),
};

pub(super) const LOG: Setting = Setting {
    name: "log",
    value: "LEVEL",
    help: "How much is logged: off, error, warn, info, debug or trace",
    is_path: false,
    read: |settings, text| {
        let level = ["off", "error", "warn", "info", "debug", "trace"].contains(&text).then(|| text.parse());
        settings.log = level.and_then(Result::ok).ok_or("write off, error, warn, info, debug or trace")?;
        Ok(())
    },
    show: |settings: &Settings| match settings.log.into_level() {
        None => "off".to_owned(),
        Some(level) => level.as_str().to_ascii_lowercase(),
    },
};
