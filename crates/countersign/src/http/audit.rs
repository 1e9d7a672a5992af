//! `/audit`: what was done, by whom, when and from where.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use countersign_axum::{CurrentUser, Problem, Scoped};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::Countersign;
use crate::audit::{AuditQuery, AuditRecord};
use crate::http::actor::Actor;
use crate::http::error::{ApiError, PROBLEM_JSON};
use crate::scopes::AuditRead;

/// How the document groups these routes.
pub(crate) const TAG: &str = "audit";

/// Which records to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditParameters {
    /// Only acts with this name, such as `login`.
    event: Option<String>,
    /// Only acts about the account with this id.
    user: Option<String>,
    /// Only acts by the account with this id, or by `command line`.
    by: Option<String>,
    /// Only acts of this client.
    client: Option<String>,
    /// Only acts from this address.
    source: Option<String>,
    /// Only acts at this time or later (RFC 3339).
    #[param(format = DateTime)]
    since: Option<String>,
    /// Only acts before this time (RFC 3339).
    #[param(format = DateTime)]
    until: Option<String>,
    /// The `next` of the page before.
    #[param(format = "uuid")]
    before: Option<String>,
    /// At most so many, 1 to 1000; 50 unless given.
    limit: Option<usize>,
}

/// What one act has left in the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub struct AuditRecordView {
    #[schema(format = "uuid")]
    id: String,
    /// When it was done.
    #[schema(format = DateTime)]
    time: String,
    /// What was done, such as `login`.
    event: String,
    /// `good` or `refused`; `null` for what can only be good.
    outcome: Option<String>,
    /// Why it was refused.
    cause: Option<String>,
    /// The id of the account that it is about.
    user: Option<String>,
    /// Who did it to others: the id of an account, a client, or `command line`.
    by: Option<String>,
    /// The client that asked, or that it is about.
    client: Option<String>,
    /// The address from which it came.
    source: Option<String>,
    /// The name of the request (`X-Request-Id`).
    request_id: Option<String>,
    /// How often it happened within a moment: refusals that are alike are counted.
    times: u32,
    /// What else there is to say.
    detail: BTreeMap<String, String>,
}

/// A page of records, the latest first.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub(crate) struct AuditPageView {
    records: Vec<AuditRecordView>,
    /// Give it as `before` to get the page that follows; `null` on the last.
    next: Option<String>,
}

impl From<AuditRecord> for AuditRecordView {
    fn from(record: AuditRecord) -> Self {
        Self {
            id: record.id.to_string(),
            time: jiff::Timestamp::from_millisecond(record.id.millis()).unwrap_or_default().to_string(),
            event: record.event,
            outcome: record.outcome,
            cause: record.cause,
            user: record.user,
            by: record.by,
            client: record.client,
            source: record.source,
            request_id: record.request_id,
            times: record.times,
            detail: record.detail,
        }
    }
}

/// Read what was done, the latest first.
///
/// A record is there within a second of what it tells.
#[utoipa::path(get, path = "/audit", tag = TAG, params(AuditParameters), responses(
    (status = 200, description = "A page of records", body = AuditPageView),
    (status = 422, description = "A parameter is not what it should be", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn list_audit_records(
    _: CurrentUser<Actor>,
    _: Scoped<AuditRead>,
    State(app): State<Countersign>,
    query: Result<Query<AuditParameters>, QueryRejection>,
) -> Result<Json<AuditPageView>, ApiError> {
    let wrong = "the parameters are event, user, by, client, source, since, until, before and limit, each once";
    let Query(parameters) = query.map_err(|_| ApiError::invalid(wrong))?;
    let page = app.stores().audit.list_records(&parameters.parse()?).await?;
    Ok(Json(AuditPageView {
        records: page.records.into_iter().map(AuditRecordView::from).collect(),
        next: page.next.map(|id| id.to_string()),
    }))
}

impl AuditParameters {
    fn parse(self) -> Result<AuditQuery, ApiError> {
        let Self { event, user, by, client, source, .. } = self;
        let mut query = AuditQuery { event, user, by, client, source, ..AuditQuery::default() };
        query.limit = self.limit.unwrap_or(query.limit);
        if let Some(since) = &self.since {
            query = query.since(seconds("since", since)?);
        }
        if let Some(until) = &self.until {
            query = query.until(seconds("until", until)?);
        }
        if let Some(before) = &self.before {
            query = query.go_on(before.parse().map_err(ApiError::invalid)?);
        }
        Ok(query)
    }
}

fn seconds(name: &str, text: &str) -> Result<i64, ApiError> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    let time = time.map_err(|_| ApiError::invalid(format!("{name} is a time such as 2026-01-31T12:00:00Z")))?;
    Ok(time.as_second())
}
