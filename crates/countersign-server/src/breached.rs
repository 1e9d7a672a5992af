//! The service of breached passwords, over HTTPS: `GET <url>/range/<five digits>`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::uri::Scheme;
use axum::http::{HeaderName, Uri};
use countersign::password_rules::BreachedRange;
use tokio::sync::Semaphore;

use crate::outbound::Outbound;

/// How long a new password waits for an answer.
const DEADLINE: Duration = Duration::from_secs(3);
/// Passwords that are looked up at once. The next wait for their turn, within the same time: a crowd that registers must not become one
/// that asks somebody else.
const MOST_AT_ONCE: usize = 8;
/// The most bytes of an answer; a range has some forty kilobytes.
const MOST_BYTES: usize = 1 << 20;
/// The length of the answer would tell which range it was.
const PADDING: [(HeaderName, &str); 1] = [(HeaderName::from_static("add-padding"), "true")];
const WANTED: &str = "write the https URL of a service, without a query, such as https://api.pwnedpasswords.com; http only \
                      on this machine";

/// A service by its URL. It is asked over connections that stay open.
#[derive(Clone, Debug)]
pub struct RangeService {
    url: String,
    client: Outbound,
    turns: Arc<Semaphore>,
}

impl RangeService {
    /// The service at this URL. Only one on this machine may be asked without TLS: who listens learns a little of each new
    /// password.
    pub fn new(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| WANTED.to_owned())?;
        let is_here = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let is_safe = uri.scheme() == Some(&Scheme::HTTPS) || (uri.scheme() == Some(&Scheme::HTTP) && is_here);
        // A password in it would be shown by `countersign config`.
        if !is_safe || uri.query().is_some() || url.contains(['#', '@']) {
            return Err(WANTED.to_owned());
        }
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            client: Outbound::new()?,
            turns: Arc::new(Semaphore::new(MOST_AT_ONCE)),
        })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn ask(&self, prefix: &str) -> Result<String, String> {
        self.client.get(&format!("{}/range/{prefix}", self.url), &PADDING, MOST_BYTES).await
    }
}

#[async_trait]
impl BreachedRange for RangeService {
    async fn range(&self, prefix: &str) -> Result<String, String> {
        let late = format!("the service has not answered within {} s", DEADLINE.as_secs());
        let asked = async {
            let _turn = self.turns.acquire().await.map_err(|error| error.to_string())?;
            self.ask(prefix).await
        };
        tokio::time::timeout(DEADLINE, asked).await.unwrap_or(Err(late))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Barrier;

    use super::*;

    /// Answers when as many ask at once as may.
    async fn answer(mut stream: TcpStream, asking: Arc<(AtomicUsize, AtomicUsize, Barrier)>) {
        let (now, most, all) = &*asking;
        let mut request = [0; 1024];
        let mut read = 0;
        while !request[..read].ends_with(b"\r\n\r\n") {
            read += stream.read(&mut request[read..]).await.unwrap();
        }
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        all.wait().await;
        now.fetch_sub(1, Ordering::SeqCst);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_crowd_is_looked_up_a_few_at_a_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = RangeService::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let asking = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0), Barrier::new(MOST_AT_ONCE)));
        let counted = Arc::clone(&asking);
        let answering = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, Arc::clone(&counted)));
            }
        });
        let crowd = (0..4 * MOST_AT_ONCE).map(|_| {
            let service = service.clone();
            async move { service.range("ABF7A").await }
        });
        let answers = crowd.collect::<tokio::task::JoinSet<_>>().join_all().await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(asking.1.load(Ordering::SeqCst), MOST_AT_ONCE);
        answering.abort();
    }

    #[test]
    fn a_service_is_asked_over_tls_or_on_this_machine() {
        for url in ["https://api.pwnedpasswords.com", "https://intern.example/hibp/", "http://127.0.0.1:8080"] {
            assert_eq!(RangeService::new(url).unwrap().url(), url.trim_end_matches('/'));
        }
        for url in [
            "",
            "example.com",
            "http://example.com",
            "ftp://example.com",
            "https://example.com?x",
            "https://e#f",
            "https://u:p@e",
        ] {
            assert!(RangeService::new(url).is_err(), "{url}");
        }
    }
}
