//! For operators and their load balancers: is the process alive, and can it serve.

use axum::Json;
use axum::extract::State;
use countersign_axum::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Countersign;
use crate::http::error::{ApiError, PROBLEM_JSON};

/// How the document groups these routes.
pub(crate) const TAG: &str = "operation";

/// The state of the server.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`; a server that is not well answers 503.
    #[schema(example = "ok")]
    status: &'static str,
}

/// The process runs.
#[utoipa::path(get, path = "/health/live", tag = TAG, responses((status = 200, description = "Well", body = Health)))]
pub(crate) async fn read_liveness() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The process can serve: its store answers, and the signing keys are those in the store.
#[utoipa::path(get, path = "/health/ready", tag = TAG, responses(
    (status = 200, description = "Well", body = Health),
    (status = 503, description = "The store does not answer, or the signing keys could not be looked at for some seconds", body = Problem, content_type = PROBLEM_JSON),
))]
pub(crate) async fn read_readiness(State(app): State<Countersign>) -> Result<Json<Health>, ApiError> {
    app.stores().health.ping().await?;
    if app.has_stale_keys() {
        return Err(ApiError::unavailable(&"the signing keys could not be looked at for some seconds"));
    }
    Ok(Json(Health { status: "ok" }))
}
