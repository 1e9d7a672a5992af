//! Front ends of other origins: whose pages may read answers in a browser (CORS, as the Fetch standard has it).
//!
//! No cookie goes with their requests (there is no `Access-Control-Allow-Credentials`): a page shows a token, which no browser adds by itself.

use std::fmt;
use std::str::FromStr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
/// What pages send besides what every page may.
const SENT: HeaderValue =
    HeaderValue::from_static("authorization, content-type, if-none-match, x-request-id, traceparent");
/// What they read besides what every page may.
const READ: HeaderValue = HeaderValue::from_static("www-authenticate, retry-after, location, etag, x-request-id");
/// How long a browser remembers what it may send, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
const VARIES: HeaderValue = HeaderValue::from_static("origin");

/// Origins whose pages may read answers; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<HeaderValue>);

impl AllowedOrigins {
    /// Answers pages of these origins so that their browsers let them read it.
    pub fn admit(self, router: Router) -> Router {
        if self.0.is_empty() { router } else { router.layer(from_fn_with_state(self, admit)) }
    }
}

async fn admit(State(origins): State<AllowedOrigins>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).filter(|origin| origins.0.contains(origin)).cloned();
    let asks_before =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &origin {
        Some(_) if asks_before => {
            let may = [
                (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                (ACCESS_CONTROL_ALLOW_HEADERS, SENT),
                (ACCESS_CONTROL_MAX_AGE, REMEMBERED),
            ];
            (StatusCode::NO_CONTENT, may).into_response()
        }
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    // Also where it is another's: a cache must not give that answer to those of the list.
    headers.append(VARY, VARIES);
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if !asks_before {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, READ);
        }
    }
    response
}

impl FromStr for AllowedOrigins {
    type Err = String;

    /// Origins as browsers write them, parted by spaces or commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        words.map(origin_from).collect::<Result<_, _>>().map(Self)
    }
}

fn origin_from(text: &str) -> Result<HeaderValue, String> {
    let about = || {
        format!(
            "{text} is no origin as browsers write it: write https://app.example.com, in small letters, without a path, and with a port only if it is not the usual one"
        )
    };
    let uri: Uri = text.parse().map_err(|_| about())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(about()) };
    let usual = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return Err(about()),
    };
    // Without names of users, and without a port that is no number or has zeros before it.
    let port = authority.port_u16().filter(|port| *port != usual).map(|port| format!(":{port}")).unwrap_or_default();
    let exact = format!("{scheme}://{}{port}", authority.host()).to_ascii_lowercase();
    if text != exact || text.contains('*') {
        return Err(about());
    }
    HeaderValue::from_str(text).map_err(|_| about())
}

impl fmt::Display for AllowedOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origins: Vec<_> = self.0.iter().filter_map(|origin| origin.to_str().ok()).collect();
        f.write_str(&origins.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_exact() {
        let text = "https://app.example.com http://localhost:5173 http://[::1]:3000";
        assert_eq!(text.parse::<AllowedOrigins>().unwrap().to_string(), text);
        assert_eq!("".parse(), Ok(AllowedOrigins::default()));
        for wrong in [
            "*",
            "null",
            "app.example.com",
            "https://*.example.com",
            "https://app.example.com/",
            "https://app.example.com/login",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://localhost:80",
            "https://app.example.com:",
            "https://app.example.com:08443",
            "https://app.example.com:84430",
            "https://user@app.example.com",
            "ftp://app.example.com",
            "https://",
        ] {
            assert!(wrong.parse::<AllowedOrigins>().unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
