//! The router: every route of the server on this page.

mod error;
mod caller;
mod json;
mod text;
mod view;
mod health;
mod well_known;
mod token;
mod revoke;
mod introspect;
mod me;
mod sessions;
mod users;
mod clients;
mod actor;
mod entities;
mod entity_tokens;
mod status_lists;
mod audit;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use countersign_axum::docs::{self, DocumentError};
use countersign_axum::fastapi::answer_like_fastapi;
use countersign_axum::openapi::PasswordFlow;
use countersign_axum::{ErrorStyle, routes};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, ServerBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::app::Countersign;
pub use crate::http::audit::AuditRecordView;
pub use crate::http::clients::ClientView;
pub use crate::http::entities::EntityView;
pub use crate::http::entity_tokens::EntityTokenView;
use crate::http::error::ApiError;
pub use crate::http::sessions::SessionView;
pub use crate::http::view::UserView;
use crate::settings::Profile;

/// The router of a Countersign, with the document and the pages `/docs` and `/redoc`.
///
/// Serve it with axum's `into_make_service_with_connect_info::<SocketAddr>()`, so that a storm of logins from one address
/// leaves room for those from others, and guesses from one count for that; without it, all callers are one, and guesses count at the
/// account alone.
///
/// Fails if the document cannot be written, which is a fault of this library and not of its caller.
pub fn router(app: Countersign) -> Result<Router, DocumentError> {
    let style = app.settings().error_style;
    let document = document(style, app.settings().profile);
    let (router, _) = routes(style).split_for_parts();
    let router = router
        .merge(docs::router(&document)?)
        .route("/.well-known/oauth-authorization-server/{*path}", get(well_known::read_metadata_at_path))
        .route("/", get(|| async { Redirect::temporary("docs") }));
    let router = match style {
        ErrorStyle::FastApi => answer_like_fastapi(router, &document),
        ErrorStyle::Problem => {
            router.fallback(|| async { ApiError::new(StatusCode::NOT_FOUND, "Not Found") }).method_not_allowed_fallback(
                || async { ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed") },
            )
        }
    };
    Ok(router.with_state(app))
}

/// The OpenAPI document of the routes, version 3.1.
///
/// Its URLs are relative, so that it holds behind any path prefix. Where there is no password grant, it shows the grant of clients.
pub fn document(style: ErrorStyle, profile: Profile) -> OpenApi {
    let (_, mut document) = routes(style).split_for_parts();
    let flow = PasswordFlow::at("token").style(style);
    let flow = if profile == Profile::OAuth21 { flow.of_clients() } else { flow };
    flow.write_to(&mut document);
    document
}

/// The routes of the API with their document, to be joined with routes of your own; without the pages, the redirects and the
/// fallbacks of [`router`].
pub fn routes(style: ErrorStyle) -> OpenApiRouter<Countersign> {
    let token = match style {
        ErrorStyle::Problem => routes!(token::issue_token),
        ErrorStyle::FastApi => routes!(token::issue_token_as_fastapi),
    };
    OpenApiRouter::with_openapi(frontispiece())
        .routes(token)
        .routes(routes!(revoke::revoke_token))
        .routes(routes!(introspect::introspect_token))
        .routes(routes!(users::register_user, users::list_users))
        .routes(routes!(me::read_own_account, me::change_own_account, me::delete_own_account))
        .routes(routes!(me::change_own_password))
        .routes(routes!(sessions::list_own_sessions, sessions::end_own_sessions))
        .routes(routes!(sessions::end_own_session))
        .routes(routes!(users::read_user, users::change_user, users::delete_user))
        .routes(routes!(clients::register_client, clients::list_clients))
        .routes(routes!(clients::read_client, clients::change_client, clients::delete_client))
        .routes(routes!(clients::add_client_secret))
        .routes(routes!(clients::remove_client_secret))
        .routes(routes!(entities::list_own_entities))
        .routes(routes!(entities::declare_entity, entities::read_entity, entities::delete_entity))
        .routes(routes!(
            entity_tokens::mint_entity_token,
            entity_tokens::list_entity_tokens,
            entity_tokens::revoke_entity_tokens
        ))
        .routes(routes!(entity_tokens::revoke_entity_token))
        .routes(routes!(audit::list_audit_records))
        .routes(routes!(well_known::read_metadata))
        .routes(routes!(well_known::read_key_set))
        .routes(routes!(status_lists::read_status_list))
        .routes(routes!(health::read_liveness))
        .routes(routes!(health::read_readiness))
}

fn frontispiece() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Countersign")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Log in, get a token, use it. On `/docs`, press *Authorize* to log in here."));
    let tags = [
        (token::TAG, "Where a login becomes a token."),
        (me::TAG, "What the bearer of a token may read and change: the own account."),
        (users::TAG, "Registration, and the administration of all accounts."),
        (clients::TAG, "The programs that ask for tokens."),
        (entities::TAG, "Things that tokens are made for: a car, a blog post, whatever an API has."),
        (audit::TAG, "What was done, by whom, when and from where."),
        (well_known::TAG, "What other programs need to check tokens."),
        (health::TAG, "For operators and their load balancers."),
    ];
    let tags = tags.map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build());
    let here = ServerBuilder::new().url(".").description(Some("this server"));
    OpenApiBuilder::new().info(info.build()).servers(Some([here.build()])).tags(Some(tags)).build()
}
