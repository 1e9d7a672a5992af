//! What FastAPI's forms and error bodies look like, for the document.

use std::borrow::Cow;

use http::StatusCode;
use serde::de::DeserializeOwned;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::fastapi::json_body::JsonBody;
use crate::fastapi::password_form::OAuth2PasswordRequestForm;
use crate::openapi::{DescribeParameter, OperationPart};

/// The login form of FastAPI.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for the form")]
struct Form {
    #[schema(pattern = "^password$")]
    grant_type: Option<String>,
    username: String,
    #[schema(format = Password)]
    password: String,
    /// Scopes, parted by spaces.
    #[schema(default = "")]
    scope: Option<String>,
    client_id: Option<String>,
    #[schema(format = Password)]
    client_secret: Option<String>,
}

/// What is wrong with the fields of a body.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for the answer")]
#[schema(as = HTTPValidationError)]
struct HttpValidationError {
    detail: Vec<FieldErrorBody>,
}

/// What is wrong with one field.
#[derive(ToSchema)]
#[schema(as = ValidationError)]
#[expect(dead_code, reason = "stands for the answer")]
struct FieldErrorBody {
    /// Where, from the outside in: names of members and places in lists.
    loc: Vec<serde_json::Value>,
    msg: String,
    r#type: String,
}

impl PartialSchema for OAuth2PasswordRequestForm {
    fn schema() -> RefOr<Schema> {
        Form::schema()
    }
}

impl ToSchema for OAuth2PasswordRequestForm {
    fn name() -> Cow<'static, str> {
        "OAuth2PasswordRequestForm".into()
    }
}

impl DescribeParameter for OAuth2PasswordRequestForm {
    fn describe(part: &mut OperationPart<'_>) {
        part.request_body::<Self>("application/x-www-form-urlencoded");
        unprocessable(part);
    }
}

impl<T: DeserializeOwned + ToSchema> DescribeParameter for JsonBody<T> {
    fn describe(part: &mut OperationPart<'_>) {
        part.request_body::<T>("application/json");
        unprocessable(part);
    }
}

fn unprocessable(part: &mut OperationPart<'_>) {
    part.answer::<HttpValidationError>(StatusCode::UNPROCESSABLE_ENTITY, "Validation Error", "application/json");
}
