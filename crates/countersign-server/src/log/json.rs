//! Events as JSON, one object a line: the time, the level, where it comes from, what the request's span knows, and the
//! event's own fields. Written by hand because every request writes one.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::log::lines::Lines;
use crate::log::time;

/// More than most lines.
const LINE_BYTES: usize = 512;
/// More than most spans.
const SPAN_BYTES: usize = 128;

/// Turns events into lines.
#[derive(Debug)]
pub(super) struct Json {
    lines: Lines,
}

/// The fields of a span as JSON members, each with a comma before it.
struct Members(String);

impl Json {
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Json {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut members = Members(String::with_capacity(SPAN_BYTES));
            attributes.record(&mut members);
            span.extensions_mut().insert(members);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(members) = span.extensions_mut().get_mut::<Members>()
        {
            values.record(members);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Members(String::with_capacity(LINE_BYTES));
        line.0.push_str(r#"{"time":""#);
        time::push_now(&mut line.0);
        line.0.push_str(r#"","level":""#);
        line.0.push_str(metadata.level().as_str());
        line.0.push('"');
        line.text("target", metadata.target());
        event.record(&mut line);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(members) = span.extensions().get::<Members>() {
                line.0.push_str(&members.0);
            }
        }
        line.0.push_str("}\n");
        self.lines.push(line.0.as_bytes());
    }
}

impl Members {
    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push('"');
        push_escaped(&mut self.0, value);
        self.0.push('"');
    }

    /// Whatever can print itself.
    fn printed(&mut self, name: &str, value: fmt::Arguments<'_>) {
        self.name(name);
        self.0.push('"');
        let _ = Escaping(&mut self.0).write_fmt(value);
        self.0.push('"');
    }

    /// A number, `true` or `false`.
    fn plain(&mut self, name: &str, value: fmt::Arguments<'_>) {
        self.name(name);
        let _ = self.0.write_fmt(value);
    }

    /// Names are Rust's: nothing in them needs an escape but the mark of a raw identifier.
    fn name(&mut self, name: &str) {
        self.0.push_str(",\"");
        self.0.push_str(name.strip_prefix("r#").unwrap_or(name));
        self.0.push_str("\":");
    }
}

impl Visit for Members {
    fn record_str(&mut self, field: &Field, value: &str) {
        // What begins so is for traces.
        if !field.name().starts_with("otel.") {
            self.text(field.name(), value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.printed(field.name(), format_args!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.printed(field.name(), format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field.name(), format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field.name(), format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field.name(), format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity.
        if value.is_finite() {
            self.plain(field.name(), format_args!("{value}"));
        } else {
            self.plain(field.name(), format_args!("null"));
        }
    }
}

/// Escapes what is written through it.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// The inside of a JSON string. Control characters are escaped whatever their kind: some terminals obey those above ASCII
/// too (R-177).
fn push_escaped(line: &mut String, text: &str) {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\') {
        line.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::log::lines::tests::Outlet;

    fn logged(work: impl FnOnce()) -> Vec<Value> {
        let (outlet, written) = sync_channel(1000);
        let lines = Lines::start(Outlet(outlet)).unwrap();
        let subscriber = tracing_subscriber::registry().with(Json::new(lines.clone()));
        tracing::subscriber::with_default(subscriber, work);
        lines.finish();
        let all = String::from_utf8(written.try_iter().collect::<Vec<_>>().concat()).unwrap();
        all.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_event_carries_its_fields_and_those_of_its_spans() {
        let events = logged(|| {
            let span = tracing::info_span!("request", request_id = "r-1", late = tracing::field::Empty);
            span.record("late", 7);
            span.in_scope(
                || tracing::warn!(target: "t", a = 1, b = true, c = 1.5, d = -1, r#type = "x", "hello {}", "you"),
            );
        });
        let [event] = &events[..] else { panic!("{events:?}") };
        assert!(event["time"].as_str().unwrap().ends_with('Z'));
        let mut rest = event.clone();
        rest.as_object_mut().unwrap().remove("time");
        let wanted = json!({
            "level": "WARN", "target": "t", "message": "hello you", "a": 1, "b": true, "c": 1.5, "d": -1, "type": "x",
            "request_id": "r-1", "late": 7,
        });
        assert_eq!(rest, wanted);
    }

    // R-177
    #[test]
    fn no_value_leaves_its_string() {
        let evil = "\r\n\t\x1b[31m\0\x7f\u{9b}\u{2028}\"}\\ü{\"level\":\"x\"}";
        let events = logged(|| {
            tracing::info!(as_str = evil, as_debug = ?evil, as_display = %evil, infinite = f64::INFINITY, "{evil}");
        });
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["as_str"], evil);
        assert_eq!(events[0]["as_display"], evil);
        assert_eq!(events[0]["message"], evil);
        assert_eq!(events[0]["infinite"], Value::Null);
        let mut line = String::new();
        push_escaped(&mut line, evil);
        assert!(!line.chars().any(char::is_control), "{line}");
    }
}
