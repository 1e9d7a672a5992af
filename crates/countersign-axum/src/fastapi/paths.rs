//! What FastAPI answers before any handler runs: 405 with `Allow`, and 307 to the other spelling of a path.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, LOCATION};
use http::{HeaderValue, Method, StatusCode, Uri};
use utoipa::openapi::OpenApi;

use crate::docs;
use crate::fastapi::exception::HttpException;
use crate::openapi::methods;

/// Answers as FastAPI does where the router has no handler: 404 and 405 with `detail`, and 307 to the other spelling of a
/// path in the document. [`FastApi`](crate::fastapi::FastApi) does it for its own routes.
pub fn answer_like_fastapi<S>(router: Router<S>, document: &OpenApi) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let paths = Paths::new(document);
    router
        .fallback(refuse_path)
        .method_not_allowed_fallback(refuse_method)
        .layer(middleware::from_fn_with_state(paths, keep_to))
}

/// The paths of a program, with the methods of each.
#[derive(Clone)]
struct Paths(Arc<matchit::Router<BTreeSet<&'static str>>>);

impl Paths {
    /// The paths in the document, and the pages. Of two paths that would be matched alike the first stays.
    fn new(document: &OpenApi) -> Self {
        let mut paths = matchit::Router::new();
        for (path, item) in &document.paths.paths {
            let _ = paths.insert(path, methods(item).collect());
        }
        for page in docs::PAGES {
            let _ = paths.insert(page, BTreeSet::from(["GET", "HEAD"]));
        }
        Self(Arc::new(paths))
    }

    /// What is answered in place of the router, if anything.
    fn answer(&self, method: &Method, uri: &Uri) -> Option<Response> {
        if let Ok(found) = self.0.at(uri.path()) {
            return (!found.value.contains(method.as_str())).then(|| method_not_allowed(found.value));
        }
        let other = other_spelling(uri.path())?;
        self.0.at(&other).is_ok().then(|| redirect(&other, uri.query()))
    }
}

/// The layer that answers by these paths, or lets the request pass.
async fn keep_to(State(paths): State<Paths>, request: Request, next: Next) -> Response {
    match paths.answer(request.method(), request.uri()) {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}

/// A method that a path lacks, where the router itself knows it.
async fn refuse_method() -> HttpException {
    HttpException::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

/// A path that nobody knows.
async fn refuse_path() -> HttpException {
    HttpException::new(StatusCode::NOT_FOUND, "Not Found")
}

fn method_not_allowed(methods: &BTreeSet<&'static str>) -> Response {
    let allow: Vec<&str> = methods.iter().copied().collect();
    let refused = HttpException::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    match HeaderValue::try_from(allow.join(", ")) {
        Ok(allow) => refused.header(ALLOW, allow).into_response(),
        Err(_) => refused.into_response(),
    }
}

/// The path without the slashes at its end, or with one.
fn other_spelling(path: &str) -> Option<String> {
    let trimmed = path.trim_end_matches('/');
    match trimmed {
        "" => None,
        _ if trimmed.len() < path.len() => Some(trimmed.to_owned()),
        _ => Some(format!("{path}/")),
    }
}

/// 307 keeps method and body. The location names no host: the request's `Host` is not to be trusted.
fn redirect(path: &str, query: Option<&str>) -> Response {
    let location = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    // A path that starts with two slashes would name a host.
    let location = HeaderValue::try_from(location).ok().filter(|_| !path.starts_with("//"));
    match location {
        Some(location) => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, location)]).into_response(),
        None => HttpException::new(StatusCode::NOT_FOUND, "Not Found").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_spelling_differs_by_slashes_at_the_end() {
        for (path, other) in [
            ("/token", Some("/token/")),
            ("/token/", Some("/token")),
            ("/token//", Some("/token")),
            ("/", None),
            ("//", None),
            ("", None),
        ] {
            assert_eq!(other_spelling(path).as_deref(), other, "{path:?}");
        }
    }
}
