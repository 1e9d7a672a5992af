//! The 422 of FastAPI: what is wrong with each field of a body.

use serde_json::{Map, Value, json};

/// A body whose fields are missing or wrong: 422, `{"detail": [{"type", "loc", "msg", "input"}, …]}`.
///
/// A handler that checks more than the types of the fields says so in the same shape:
///
/// ```
/// use countersign_axum::fastapi::{FieldError, HttpException};
///
/// fn check(username: &str) -> Result<(), HttpException> {
///     if username.contains('@') {
///         return Err(FieldError::value_error("username", "a user name has no @").into());
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fields of the body are missing or wrong")]
pub struct ValidationError(Vec<FieldError>);

/// What is wrong with a field of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    kind: &'static str,
    location: Vec<Value>,
    message: String,
    input: Value,
    context: Option<Value>,
}

impl FieldError {
    /// The field is missing, or empty where that is the same.
    pub fn missing(name: &str) -> Self {
        Self::new("missing", name, "Field required")
    }

    /// The value is of the right type and cannot be taken. The message says why.
    pub fn value_error(name: &str, message: impl Into<String>) -> Self {
        Self::new("value_error", name, message)
    }

    /// An error of the type `kind` at a field of the body. It shows no input unless that is added: what was sent may be
    /// a secret.
    pub(crate) fn new(kind: &'static str, name: &str, message: impl Into<String>) -> Self {
        let location = vec!["body".into(), name.into()];
        Self { kind, location, message: message.into(), input: Value::Null, context: None }
    }

    /// An error that concerns the body as a whole, or, with an offset, a place in its text.
    pub(crate) fn at_body(kind: &'static str, offset: Option<usize>, message: impl Into<String>) -> Self {
        let location = [Value::from("body")].into_iter().chain(offset.map(Value::from)).collect();
        Self { kind, location, message: message.into(), input: Value::Null, context: None }
    }

    pub(crate) fn input(self, input: impl Into<Value>) -> Self {
        Self { input: input.into(), ..self }
    }

    pub(crate) fn context(self, name: &str, value: impl Into<Value>) -> Self {
        Self { context: Some(json!({ name: value.into() })), ..self }
    }

    fn to_json(&self) -> Value {
        let mut error = Map::new();
        error.insert("type".to_owned(), self.kind.into());
        error.insert("loc".to_owned(), self.location.clone().into());
        error.insert("msg".to_owned(), self.message.as_str().into());
        error.insert("input".to_owned(), self.input.clone());
        if let Some(context) = &self.context {
            error.insert("ctx".to_owned(), context.clone());
        }
        error.into()
    }
}

impl From<FieldError> for ValidationError {
    fn from(error: FieldError) -> Self {
        Self(vec![error])
    }
}

impl From<Vec<FieldError>> for ValidationError {
    fn from(errors: Vec<FieldError>) -> Self {
        Self(errors)
    }
}

impl ValidationError {
    /// The list that is the `detail`.
    pub(crate) fn to_json(&self) -> Value {
        self.0.iter().map(FieldError::to_json).collect()
    }
}
