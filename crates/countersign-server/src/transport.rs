//! HTTP on a socket, in TLS or not, with every limit in one place: sizes, counts, times, an orderly stop. Knows nothing of what is served.

mod limits;
mod deadline;
mod refusal;
mod gate;
mod link;
mod stream;
mod wire;
mod body;
mod request_id;
mod response_headers;
mod matched_route;
mod forwarded;
mod proxies;
mod request_counts;
mod site;
mod connection;
mod certificate;
mod door;
mod listen;

pub use certificate::{Certificate, CertificateError};
pub use door::Door;
pub use limits::Limits;
pub use listen::{Stopped, serve};
pub use proxies::TrustedProxies;
pub use request_counts::{RequestCounts, RouteCounts};
pub use site::Presentation;
