//! An operation of a document: what it says of its security, and a request that it would take.

use std::fmt::{self, Write as _};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde_json::{Map, Value};

use crate::testing::difference::DifferenceKind;

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Open,
    /// Anybody, and who shows a token shows a good one.
    Optional,
    /// Who shows a good token.
    Guarded,
    /// Said by schemes that are not about bearer tokens.
    Other,
}

pub(crate) struct Operation<'d> {
    document: &'d Value,
    path: &'d str,
    pub(crate) method: Method,
    /// The Path Item Object, whose parameters hold for all of its operations.
    item: &'d Value,
    /// The Operation Object.
    declared: &'d Value,
}

/// Every operation of the document.
pub(crate) fn all(document: &Value) -> Vec<Operation<'_>> {
    const METHODS: [Method; 8] = [
        Method::GET,
        Method::PUT,
        Method::POST,
        Method::DELETE,
        Method::OPTIONS,
        Method::HEAD,
        Method::PATCH,
        Method::TRACE,
    ];
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| {
            let declared = item.get(method.as_str().to_ascii_lowercase())?;
            Some(Operation { document, path, method, item, declared })
        })
    });
    operations.collect()
}

impl fmt::Display for Operation<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}

impl<'d> Operation<'d> {
    /// The alternatives of the operation, or else of the document.
    fn security(&self) -> Vec<&'d Map<String, Value>> {
        let security = self.declared.get("security").or_else(|| self.document.get("security"));
        security.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect()
    }

    pub(crate) fn access(&self) -> Access {
        let alternatives = self.security();
        let about_tokens = |schemes: &&Map<String, Value>| schemes.keys().any(|name| self.is_about_tokens(name));
        let about_tokens = alternatives.iter().filter(|schemes| about_tokens(schemes)).count();
        let open = alternatives.iter().any(|schemes| schemes.is_empty());
        match (alternatives.len(), about_tokens, open) {
            (0, _, _) | (_, 0, true) => Access::Open,
            (_, _, true) => Access::Optional,
            (all, some, false) if all == some => Access::Guarded,
            _ => Access::Other,
        }
    }

    fn scheme(&self, name: &str) -> Option<&'d Value> {
        self.document.get("components")?.get("securitySchemes")?.get(name)
    }

    /// Whether a scheme is met by a bearer token; one that is not defined is taken to be.
    fn is_about_tokens(&self, name: &str) -> bool {
        let Some(scheme) = self.scheme(name) else { return true };
        let member = |name: &str| scheme.get(name).and_then(Value::as_str).unwrap_or_default();
        match member("type") {
            "oauth2" | "openIdConnect" => true,
            "http" => member("scheme").eq_ignore_ascii_case("bearer"),
            _ => false,
        }
    }

    /// The schemes and scopes that the operation demands and the document does not define.
    pub(crate) fn undefined(&self) -> Vec<DifferenceKind> {
        let mut undefined = Vec::new();
        for (name, scopes) in self.security().into_iter().flatten() {
            let Some(scheme) = self.scheme(name) else {
                undefined.push(DifferenceKind::UnknownScheme(name.clone()));
                continue;
            };
            let Some(flows) = scheme.get("flows").and_then(Value::as_object) else { continue };
            let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
            let defined =
                |scope: &str| flows.values().any(|flow| flow.get("scopes").and_then(|all| all.get(scope)).is_some());
            undefined
                .extend(scopes.filter(|scope| !defined(scope)).map(|it| DifferenceKind::UnknownScope(it.to_owned())));
        }
        undefined
    }

    /// The parameters in `place`, as their names, whether they are required, and samples.
    fn parameters(&self, place: &str) -> Vec<(&'d str, bool, String)> {
        let lists = [self.item.get("parameters"), self.declared.get("parameters")];
        let parameters = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
        let parameters = parameters.map(|parameter| self.resolve(parameter));
        let parameters = parameters.filter(|parameter| parameter.get("in").is_some_and(|it| it == place));
        let parameters = parameters.filter_map(|parameter| {
            let required = parameter.get("required").is_some_and(|required| required == true);
            Some((parameter.get("name")?.as_str()?, required, self.sample(parameter)))
        });
        parameters.collect()
    }

    /// An address that the operation takes, as far as the document tells.
    pub(crate) fn uri(&self) -> Uri {
        let mut uri = self.path.to_owned();
        for (name, _, sample) in self.parameters("path") {
            uri = uri.replace(&format!("{{{name}}}"), &escape(&sample));
        }
        while let Some((before, rest)) = uri.split_once('{') {
            // A parameter that the document forgot.
            let (_, after) = rest.split_once('}').unwrap_or_default();
            uri = format!("{before}1{after}");
        }
        let query = self.parameters("query").into_iter().filter(|(_, required, _)| *required);
        for (index, (name, _, sample)) in query.enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(uri, "{}{}={}", if index == 0 { '?' } else { '&' }, escape(name), escape(&sample));
        }
        uri.parse().unwrap_or_default()
    }

    /// The headers that the operation requires.
    pub(crate) fn headers(&self) -> HeaderMap {
        let required = self.parameters("header").into_iter().filter(|(_, required, _)| *required);
        required
            .filter_map(|(name, _, sample)| {
                Some((name.parse::<HeaderName>().ok()?, HeaderValue::try_from(sample).ok()?))
            })
            .collect()
    }

    fn sample(&self, parameter: &'d Value) -> String {
        let schema = self.resolve(parameter.get("schema").unwrap_or(&Value::Null));
        let given = [parameter.get("example"), schema.get("const"), schema.get("default"), schema.get("example")];
        let chosen = schema.get("enum").and_then(|values| values.get(0));
        let given = given.into_iter().chain([chosen]).flatten().find(|value| !value.is_null());
        match given {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => sample_of(schema).to_owned(),
        }
    }

    /// What a reference within the document refers to.
    fn resolve(&self, value: &'d Value) -> &'d Value {
        let target = value.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        target.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(value)
    }
}

fn sample_of(schema: &Value) -> &'static str {
    let is = |name: &str| match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|it| it == name),
        Some(it) => it == name,
        None => false,
    };
    match schema.get("format").and_then(Value::as_str) {
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("date") => "2000-01-01",
        Some("date-time") => "2000-01-01T00:00:00Z",
        Some("email") => "a@example.com",
        Some("uri") => "https://example.com/",
        _ if is("boolean") => "true",
        _ => "1",
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 section 2.3.
fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}
