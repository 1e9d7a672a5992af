//! `FastApi`: a program made of routes.

use axum::Router;
use utoipa::openapi::{InfoBuilder, OpenApiBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::docs::{self, DocumentError};
use crate::fastapi::describe;
use crate::fastapi::paths::answer_like_fastapi;
use crate::openapi::PasswordFlow;
use crate::problem::ErrorStyle;

/// A program of documented routes that answers as FastAPI does where no handler is asked:
///
/// | request | answer |
/// |---|---|
/// | an unknown path | 404 `{"detail": "Not Found"}` |
/// | a method that the path lacks, `HEAD` and `OPTIONS` among them | 405 `{"detail": "Method Not Allowed"}`, with `Allow` |
/// | a known path but for slashes at its end | 307 to the known spelling, with the query, before any guard |
/// | `/docs`, `/redoc`, `/openapi.json` | the pages and the document, `HEAD` as well |
///
/// The redirect names no host, where FastAPI repeats the host that the request names. In the document, the documentation
/// of a handler is the description of its operation, and Authorize gets its token at the token URL.
pub struct FastApi<S = ()> {
    router: OpenApiRouter<S>,
    token_url: String,
}

impl<S: Clone + Send + Sync + 'static> FastApi<S> {
    /// A program of this title, version 0.1.0, without routes. `token_url` is where a login becomes a token; it may be
    /// relative to the document: `token`.
    pub fn new(title: &str, token_url: &str) -> Self {
        let info = InfoBuilder::new().title(title).version("0.1.0").build();
        let router = OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info).build());
        Self { router, token_url: token_url.to_owned() }
    }

    /// Adds the handlers of one path: see [`routes!`](crate::routes).
    #[must_use]
    pub fn routes(self, routes: UtoipaMethodRouter<S>) -> Self {
        Self { router: self.router.routes(routes), ..self }
    }

    /// Adds the routes of a part of the program that has a module of its own: FastAPI's `include_router`.
    #[must_use]
    pub fn merge(self, router: OpenApiRouter<S>) -> Self {
        Self { router: self.router.merge(router), ..self }
    }

    /// The whole program. Fails if the document cannot be written.
    pub fn with_state(self, state: S) -> Result<Router, DocumentError> {
        let (router, mut document) = self.router.split_for_parts();
        PasswordFlow::at(self.token_url).style(ErrorStyle::FastApi).write_to(&mut document);
        describe::complete(&mut document);
        let router = router.merge(docs::router(&document)?);
        Ok(answer_like_fastapi(router, &document).with_state(state))
    }
}
