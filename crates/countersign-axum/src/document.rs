//! The facts of a [`Requirement`] in the terms of OpenAPI, for whichever crate writes the document.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::problem::{ErrorStyle, Problem};
use crate::refusal;
use crate::requirement::{Requirement, SECURITY_SCHEME};

/// Carries the descriptions of an operation's scopes until [`PasswordFlow`] collects them.
pub(crate) const SCOPES_EXTENSION: &str = "x-countersign-scopes";

/// Carries the parameters of the path that guards read, until they are written: aide's `Path` writes its own.
#[cfg(feature = "aide")]
pub(crate) const PARAMETERS_EXTENSION: &str = "x-countersign-path-parameters";

/// The `security` of an operation: alternatives, of which one must be met; in each, schemes that all must be.
pub(crate) type Alternatives = Vec<BTreeMap<String, Vec<String>>>;

/// Adds what a guard demands.
///
/// Every alternative comes to demand it, in one requirement with the union of the scopes: two entries would mean that
/// either is enough. An optional guard makes itself one of the alternatives, beside the empty one.
pub(crate) fn demand(security: &mut Alternatives, requirement: &Requirement) {
    let known = security.iter().any(|schemes| schemes.contains_key(SECURITY_SCHEME));
    if requirement.optional {
        if !known {
            if security.is_empty() {
                security.push(BTreeMap::new());
            }
            security.push(BTreeMap::from([(SECURITY_SCHEME.to_owned(), names(requirement))]));
        }
        return;
    }
    security.retain(|schemes| !schemes.is_empty());
    if security.is_empty() {
        security.push(BTreeMap::new());
    }
    for schemes in security {
        let scopes = schemes.entry(SECURITY_SCHEME.to_owned()).or_default();
        for name in names(requirement) {
            if !scopes.contains(&name) {
                scopes.push(name);
            }
        }
    }
}

fn names(requirement: &Requirement) -> Vec<String> {
    requirement.scopes.iter().map(|scope| scope.name.to_owned()).collect()
}

/// The descriptions of the scopes, by name.
pub(crate) fn descriptions(requirement: &Requirement) -> Map<String, Value> {
    requirement.scopes.iter().map(|scope| (scope.name.to_owned(), scope.description.into())).collect()
}

/// A parameter of the path that a guard reads, as a Parameter Object.
pub(crate) fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

/// An answer of a guard, kept once among the document's components and referred to by the operations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct GuardAnswer {
    pub(crate) status: StatusCode,
    pub(crate) component: &'static str,
    description: &'static str,
    /// The `detail` of the body.
    detail: &'static str,
    challenge: bool,
}

const NOT_AUTHENTICATED: GuardAnswer = GuardAnswer {
    status: StatusCode::UNAUTHORIZED,
    component: "NotAuthenticated",
    description: "The request carries no access token, or a bad one.",
    detail: refusal::NOT_AUTHENTICATED,
    challenge: true,
};
const NOT_ENOUGH_PERMISSIONS: GuardAnswer = GuardAnswer {
    status: StatusCode::FORBIDDEN,
    component: "NotEnoughPermissions",
    description: "The access token does not permit this. The challenge names the scopes that are needed.",
    detail: refusal::NOT_ENOUGH_PERMISSIONS,
    challenge: true,
};
const UNAVAILABLE: GuardAnswer = GuardAnswer {
    status: StatusCode::SERVICE_UNAVAILABLE,
    component: "Unavailable",
    description: "The request could not be checked. Try again later.",
    detail: refusal::UNAVAILABLE,
    challenge: false,
};

/// Every answer that a guard can give.
pub(crate) const GUARD_ANSWERS: [GuardAnswer; 3] = [NOT_AUTHENTICATED, NOT_ENOUGH_PERMISSIONS, UNAVAILABLE];

/// The answers that these demands can lead to.
pub(crate) fn answers(requirement: &Requirement) -> impl Iterator<Item = GuardAnswer> {
    let scoped = !requirement.scopes.is_empty();
    let looks_up = requirement.looks_up;
    [(NOT_AUTHENTICATED, true), (NOT_ENOUGH_PERMISSIONS, scoped), (UNAVAILABLE, looks_up)]
        .into_iter()
        .filter_map(|(answer, possible)| possible.then_some(answer))
}

impl GuardAnswer {
    pub(crate) fn reference(self) -> String {
        format!("#/components/responses/{}", self.component)
    }

    /// The Response Object.
    pub(crate) fn to_json(self, style: ErrorStyle) -> Value {
        let problem = Problem::new(self.status, self.detail);
        let text = json!({ "type": "string" });
        let (media_type, properties, example) = match style {
            ErrorStyle::Problem => (
                "application/problem+json",
                json!({ "title": text, "status": { "type": "integer" }, "detail": text }),
                problem.to_json(),
            ),
            ErrorStyle::FastApi => ("application/json", json!({ "detail": text }), json!({ "detail": problem.detail })),
        };
        let required: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
        let schema = json!({ "type": "object", "required": required, "properties": properties });
        let mut response = Map::new();
        response.insert("description".to_owned(), self.description.into());
        if self.challenge {
            let header = json!({ "description": "The challenge of RFC 6750.", "schema": { "type": "string" } });
            response.insert("headers".to_owned(), json!({ "WWW-Authenticate": header }));
        }
        response.insert("content".to_owned(), json!({ media_type: { "schema": schema, "example": example } }));
        response.into()
    }
}

/// The way to a token that the document shows: the password grant at a token endpoint.
///
/// It adds to the document what the guards of the routes refer to: the security scheme `OAuth2PasswordBearer`, whose
/// scopes are those that the routes declare, and the answers of the guards. Swagger UI makes its Authorize dialog of it.
#[derive(Clone, Debug)]
pub struct PasswordFlow {
    pub(crate) token_url: String,
    flow: &'static str,
    pub(crate) style: ErrorStyle,
}

impl PasswordFlow {
    /// `token_url` may be relative: `token` is beside the document, also behind a path prefix.
    pub fn at(token_url: impl Into<String>) -> Self {
        Self { token_url: token_url.into(), flow: "password", style: ErrorStyle::default() }
    }

    /// Shows the grant `client_credentials` in the place of the password grant, for a token endpoint that takes no passwords.
    #[must_use]
    pub fn of_clients(mut self) -> Self {
        self.flow = "clientCredentials";
        self
    }

    /// Documents the bodies of errors in the style that the [`Guard`](crate::Guard) has.
    #[must_use]
    pub fn style(mut self, style: ErrorStyle) -> Self {
        self.style = style;
        self
    }

    /// The Security Scheme Object.
    pub(crate) fn to_json(&self, scopes: &Map<String, Value>) -> Value {
        let flow = json!({ "tokenUrl": self.token_url, "scopes": scopes });
        json!({ "type": "oauth2", "flows": { self.flow: flow } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::ScopeInfo;

    fn scoped(names: &[&'static str]) -> Requirement {
        Requirement::token().with_scopes(names.iter().map(|name| ScopeInfo { name, description: "" }))
    }

    fn security(requirements: &[Requirement], mut written: Alternatives) -> Value {
        for requirement in requirements {
            demand(&mut written, requirement);
        }
        json!(written)
    }

    #[test]
    fn several_guards_make_one_requirement_with_the_union_of_their_scopes() {
        let guards = [Requirement::token(), scoped(&["b", "a"]), scoped(&["a", "c"])];
        assert_eq!(security(&guards, vec![]), json!([{ "OAuth2PasswordBearer": ["b", "a", "c"] }]));
    }

    #[test]
    fn an_optional_guard_is_an_alternative_to_nothing_unless_another_demands_the_token() {
        let optional = Requirement::token().or_nothing();
        assert_eq!(security(std::slice::from_ref(&optional), vec![]), json!([{}, { "OAuth2PasswordBearer": [] }]));
        let both = [optional.clone(), scoped(&["a"])];
        assert_eq!(security(&both, vec![]), json!([{ "OAuth2PasswordBearer": ["a"] }]));
        let both = [scoped(&["a"]), optional];
        assert_eq!(security(&both, vec![]), json!([{ "OAuth2PasswordBearer": ["a"] }]));
    }

    #[test]
    fn a_guard_comes_on_top_of_what_was_written_by_hand() {
        let key = || BTreeMap::from([("api_key".to_owned(), vec![])]);
        let both = json!([{ "api_key": [], "OAuth2PasswordBearer": [] }]);
        assert_eq!(security(&[Requirement::token()], vec![key()]), both);
        let either = json!([{ "api_key": [] }, { "OAuth2PasswordBearer": [] }]);
        assert_eq!(security(&[Requirement::token().or_nothing()], vec![key()]), either);
    }
}
