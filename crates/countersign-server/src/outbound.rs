//! Asking another server, over TLS with the certificates that the machine trusts; no redirects, no proxy.

use axum::http::header::USER_AGENT;
use axum::http::{HeaderName, Request, StatusCode};
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;

const AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));

/// A client whose connections stay open, and which sends bodies of one kind.
pub type HttpsClient<B> = Client<HttpsConnector<HttpConnector>, B>;

/// Fails if the machine trusts no certificates.
pub fn client<B>() -> Result<HttpsClient<B>, String>
where
    B: Body + Send,
    B::Data: Send,
{
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(aws_lc_rs::default_provider())
        .map_err(|error| format!("this machine trusts no certificates: {error}"))?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// Reads what others publish.
#[derive(Clone, Debug)]
pub struct Outbound(HttpsClient<Empty<Bytes>>);

impl Outbound {
    /// Fails if the machine trusts no certificates.
    pub fn new() -> Result<Self, String> {
        client().map(Self)
    }

    /// The text of an answer with status 200, of at most `most` bytes. The time is limited by the caller.
    pub async fn get(&self, url: &str, fields: &[(HeaderName, &str)], most: usize) -> Result<String, String> {
        let mut request = Request::get(url).header(USER_AGENT, AGENT);
        for (name, value) in fields {
            request = request.header(name, *value);
        }
        let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
        let (head, body) = self.0.request(request).await.map_err(|error| causes(&error))?.into_parts();
        if head.status != StatusCode::OK {
            return Err(format!("the answer is {}", head.status));
        }
        let body = Limited::new(body, most).collect().await.map_err(|error| error.to_string())?;
        String::from_utf8(body.to_bytes().into()).map_err(|_| "the answer is not text".to_owned())
    }
}

/// An error and what caused it.
fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
