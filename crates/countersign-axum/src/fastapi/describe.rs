//! Completes a document in FastAPI's way: what it says of every operation without being told.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, RefOr};

use crate::openapi::operations;

/// Makes the handler's documentation the description, as FastAPI does with docstrings, and names the operation after the
/// handler; gives every answer the description that OpenAPI demands.
pub(super) fn complete(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        if operation.description.is_none() {
            operation.description = operation.summary.take();
            operation.summary = operation.operation_id.as_deref().map(title);
        }
        describe_answers(operation);
    }
}

fn describe_answers(operation: &mut Operation) {
    for (status, answer) in &mut operation.responses.responses {
        let RefOr::T(answer) = answer else { continue };
        if answer.description.is_empty() {
            answer.description = match status.as_str() {
                status if status.starts_with('2') => "Successful Response".to_owned(),
                status => reason(status).to_owned(),
            };
        }
    }
}

fn reason(status: &str) -> &'static str {
    let status = status.parse().ok().and_then(|status| http::StatusCode::from_u16(status).ok());
    status.and_then(|status| status.canonical_reason()).unwrap_or("Error")
}

/// `read_users_me` as a title: `Read Users Me`.
fn title(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_names_its_operation() {
        assert_eq!(title("read_users_me"), "Read Users Me");
        assert_eq!(title("_login"), "Login");
        assert_eq!(title(""), "");
    }
}
