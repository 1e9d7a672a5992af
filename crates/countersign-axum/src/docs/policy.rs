//! What the pages may load and reach (Content Security Policy level 3).

use serde_json::Value;

/// Nothing, but what is said besides.
const COMMON: &str = "default-src 'none'; script-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Swagger UI writes style attributes; its requests go to this host, and to those that the document names.
pub(crate) fn for_swagger_ui(document: &Value) -> String {
    let mut policy = format!("{COMMON}; style-src 'self' 'unsafe-inline'; connect-src 'self'");
    for origin in origins(document) {
        policy.push(' ');
        policy.push_str(&origin);
    }
    policy
}

/// ReDoc writes style elements, and searches in a worker that it makes out of a blob.
pub(crate) fn for_redoc() -> String {
    format!("{COMMON}; style-src 'self' 'unsafe-inline'; connect-src 'self'; worker-src blob:")
}

/// A page that only runs one script.
pub(crate) fn for_oauth2_redirect() -> String {
    COMMON.to_owned()
}

/// The origins of the servers and token endpoints that the document names by absolute URLs, each once.
fn origins(document: &Value) -> Vec<String> {
    let servers = document.get("servers").and_then(Value::as_array).into_iter().flatten();
    let servers = servers.filter_map(|server| server.get("url"));
    let schemes = document.pointer("/components/securitySchemes").and_then(Value::as_object).into_iter().flatten();
    let flows = schemes.filter_map(|(_, scheme)| scheme.get("flows")?.as_object()).flatten();
    let tokens = flows.flat_map(|(_, flow)| [flow.get("tokenUrl"), flow.get("refreshUrl")]).flatten();
    let mut origins: Vec<String> = servers.chain(tokens).filter_map(|url| origin(url.as_str()?)).collect();
    origins.sort();
    origins.dedup();
    origins
}

/// `scheme://host[:port]` of an absolute HTTP URL; `None` for anything that might say more to the policy than that.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    (is_http && !authority.is_empty() && authority.bytes().all(is_host)).then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scripts_may_reach_the_hosts_that_the_document_names() {
        let document = json!({
            "servers": [{ "url": "/" }, { "url": "https://api.example.com/v1" }, { "url": "https://{tenant}.example.com" }],
            "components": { "securitySchemes": { "OAuth2PasswordBearer": { "flows": { "password": {
                "tokenUrl": "http://localhost:8000/token", "scopes": {},
            } } } } },
        });
        let policy = for_swagger_ui(&document);
        assert!(policy.ends_with("; connect-src 'self' http://localhost:8000 https://api.example.com"), "{policy}");
    }

    #[test]
    fn nothing_in_a_url_can_write_another_directive() {
        for url in
            ["https://a; script-src *", "https://a b/", "https://*", "data:,x", "javascript://a", "https:///", "//a"]
        {
            assert_eq!(origin(url), None, "{url}");
        }
        assert_eq!(origin("HTTPS://[::1]:8000?x").as_deref(), Some("HTTPS://[::1]:8000"));
    }
}
