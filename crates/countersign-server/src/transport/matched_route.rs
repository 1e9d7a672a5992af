//! Lets the route that matched be seen from outside the router: the path of a request may hold names, its route does not.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// Copies the [`MatchedPath`] of each request to its answer's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReportMatchedRoute;

/// A route, wrapped.
#[derive(Clone, Debug)]
pub(crate) struct Reporting<S>(S);

impl<S> Layer<S> for ReportMatchedRoute {
    type Service = Reporting<S>;

    fn layer(&self, inner: S) -> Reporting<S> {
        Reporting(inner)
    }
}

impl<S: Service<Request, Response = Response>> Service<Request> for Reporting<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = ReportingFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let route = request.extensions().get::<MatchedPath>().cloned();
        ReportingFuture { answer: self.0.call(request), route }
    }
}

pin_project! {
    pub(crate) struct ReportingFuture<F> {
        #[pin]
        answer: F,
        route: Option<MatchedPath>,
    }
}

impl<F: Future<Output = Result<Response, E>>, E> Future for ReportingFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answer = ready!(this.answer.poll(cx))?;
        if let Some(route) = this.route.take() {
            answer.extensions_mut().insert(route);
        }
        Poll::Ready(Ok(answer))
    }
}
