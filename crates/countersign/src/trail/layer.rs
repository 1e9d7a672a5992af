//! The layer that makes records of events.

use std::fmt;
use std::net::SocketAddr;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, Filtered, filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::audit::AuditRecord;
use crate::trail::Trail;

/// The field that makes an event an act: it names it.
const EVENT: &str = "event";
/// Where acts come from: our own crates.
const OURS: &str = "countersign";
/// A value may be a caller's text: no more of it is kept, in characters.
const LONGEST_VALUE: usize = 200;

/// Takes up acts.
pub(super) struct Keeping {
    trail: Trail,
}

/// Who asked, as far as a request's span knows.
#[derive(Default)]
struct Asked {
    request_id: Option<String>,
    peer: Option<String>,
    client: Option<String>,
    via: Option<String>,
}

impl Asked {
    /// The address that asks. A port tells nothing of who it was.
    fn source(&self) -> Option<String> {
        let peer = self.peer.as_deref()?;
        Some(peer.parse().map_or_else(|_| peer.to_owned(), |peer: SocketAddr| peer.ip().to_string()))
    }
}

impl Keeping {
    /// Only acts and the spans of requests come to it, whatever the log is told to leave out.
    pub(super) fn new<S>(trail: Trail) -> Filtered<Self, FilterFn, S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let filter: FilterFn = filter_fn(is_wanted);
        Self { trail }.with_filter(filter.with_max_level_hint(LevelFilter::INFO))
    }
}

fn is_wanted(metadata: &Metadata<'_>) -> bool {
    let is_ours = metadata.target().starts_with(OURS) && *metadata.level() <= LevelFilter::INFO;
    let mark = if metadata.is_span() { "request_id" } else { EVENT };
    is_ours && metadata.fields().field(mark).is_some()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeping {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut request = Asked::default();
            attributes.record(&mut request);
            span.extensions_mut().insert(request);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(request) = span.extensions_mut().get_mut::<Asked>()
        {
            values.record(request);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.trail.take(|id| {
            let mut act = Act(AuditRecord::new(id, ""));
            event.record(&mut act);
            let mut record = act.0;
            for span in context.event_scope(event).into_iter().flatten() {
                if let Some(request) = span.extensions().get::<Asked>() {
                    record.request_id.clone_from(&request.request_id);
                    record.source = request.source();
                    record.client = record.client.or_else(|| request.client.clone()).or_else(|| request.via.clone());
                }
            }
            record
        });
    }
}

impl Visit for Asked {
    fn record_str(&mut self, field: &Field, value: &str) {
        let place = match field.name() {
            "request_id" => &mut self.request_id,
            "peer" => &mut self.peer,
            "client" => &mut self.client,
            "via" => &mut self.via,
            _ => return,
        };
        *place = Some(value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// The record of an event, filled in field by field.
struct Act(AuditRecord);

impl Visit for Act {
    fn record_str(&mut self, field: &Field, value: &str) {
        // PostgreSQL takes no NUL: one record with it would keep all that wait from being written.
        let value = value.chars().map(|char| if char == '\0' { char::REPLACEMENT_CHARACTER } else { char });
        let value: String = value.take(LONGEST_VALUE).collect();
        let record = &mut self.0;
        match field.name() {
            EVENT => record.event = value,
            "outcome" => record.outcome = Some(value),
            "cause" => record.cause = Some(value),
            "user" => record.user = Some(value),
            "by" => record.by = Some(value),
            "client" => record.client = Some(value),
            // The sentence is for people who read the log.
            "message" => {}
            other => {
                record.detail.insert(other.to_owned(), value);
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
