//! The files that the build script packed: compressed, and named by their content.

/// A file in the binary.
#[derive(Clone, Copy)]
pub(crate) struct Asset {
    /// Its name in the URL, with a digest of its content, so that it never changes under one name.
    pub(crate) name: &'static str,
    /// Its media type.
    pub(crate) content_type: &'static str,
    /// The digest.
    pub(crate) hash: &'static str,
    /// Its content, compressed.
    pub(crate) gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// All of them.
pub(crate) const ALL: [Asset; 8] = [
    SWAGGER_UI_JS,
    SWAGGER_UI_CSS,
    SWAGGER_INIT_JS,
    SWAGGER_PAGE_CSS,
    OAUTH2_REDIRECT_JS,
    REDOC_JS,
    REDOC_INIT_JS,
    REDOC_PAGE_CSS,
];
