//! Where the status of a token stands: an index into a list (Token Status List, draft-ietf-oauth-status-list-21, section 6).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The claim `status`, as it is written.
#[derive(Serialize)]
pub(crate) struct StatusClaim<'a> {
    pub(crate) status_list: &'a StatusReference,
}

/// The place of a token's status, as its claim `status` says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReference {
    /// Which of the list's statuses, from 0.
    #[serde(rename = "idx")]
    pub index: u32,
    /// The URI of the list.
    pub uri: String,
}

/// The claim `status` has a `status_list` that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAReference;

impl StatusReference {
    /// The reference among claims. A `status` that says nothing of a list is somebody's own affair.
    pub(crate) fn among(claims: &Map<String, Value>) -> Result<Option<Self>, NotAReference> {
        let Some(place) = claims.get("status").and_then(|status| status.get("status_list")) else { return Ok(None) };
        // An array would do for a derived reader, and is no reference.
        let read = place.is_object().then(|| Self::deserialize(place).ok()).flatten();
        read.filter(|reference| !reference.uri.is_empty()).map(Some).ok_or(NotAReference)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn among(status: &Value) -> Result<Option<StatusReference>, NotAReference> {
        StatusReference::among(json!({ "status": status }).as_object().expect("an object"))
    }

    #[test]
    fn a_reference_is_read_as_it_is_written() {
        let reference = StatusReference { index: 7, uri: "https://as.example/statuslists/x".to_owned() };
        assert_eq!(among(&json!(StatusClaim { status_list: &reference })), Ok(Some(reference)));
    }

    #[test]
    fn a_status_of_another_kind_is_nobodys_business_and_a_broken_one_is_refused() {
        for other in [json!("married"), json!(1), json!(null), json!([]), json!({}), json!({ "other": {} })] {
            assert_eq!(among(&other), Ok(None), "{other}");
        }
        for broken in [
            json!(null),
            json!({}),
            json!([7, "https://as.example"]),
            json!({ "idx": 7 }),
            json!({ "idx": -1, "uri": "https://as.example" }),
            json!({ "idx": 1.5, "uri": "https://as.example" }),
            json!({ "idx": "7", "uri": "https://as.example" }),
            json!({ "idx": 1_u64 << 32, "uri": "https://as.example" }),
            json!({ "idx": 7, "uri": "" }),
            json!({ "idx": 7, "uri": null }),
        ] {
            assert_eq!(among(&json!({ "status_list": broken })), Err(NotAReference), "{broken}");
        }
    }
}
