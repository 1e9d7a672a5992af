//! Reads a request body into memory, no further than a limit.

use axum_core::body::Body;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is larger than the limit: 413.
    #[error("the body is too large")]
    TooLarge,
    /// It did not arrive whole: 400.
    #[error("the body did not arrive whole")]
    Broken,
}

/// The whole body, at most `limit` bytes, wiped when dropped: it may hold a password.
///
/// A `Content-Length` over the limit is refused before anything is read, and a body that grows past it while it
/// streams in.
pub async fn read_body(headers: &HeaderMap, mut body: Body, limit: usize) -> Result<Zeroizing<Vec<u8>>, BodyError> {
    let announced = headers.get(CONTENT_LENGTH).map(|value| value.to_str().ok()?.parse::<usize>().ok());
    let room = match announced {
        None => limit,
        Some(length) => length.filter(|length| *length <= limit).ok_or(BodyError::TooLarge)?,
    };
    // Room for all of it at once: what a growing buffer leaves behind is not wiped. Large bodies are sent by nobody
    // who cares, and are given no memory before they come.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room.min(64 * 1024)));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if data.len() > limit - bytes.len() {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
