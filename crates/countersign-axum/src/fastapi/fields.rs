//! Checks the members of a JSON object by the schema of its type, in the words of pydantic.

use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};

use crate::fastapi::email::EmailStr;
use crate::fastapi::validation::FieldError;

/// What is wrong with the members, in the order of the schema of `T`. A schema that is no plain object says nothing.
pub(super) fn check<T: ToSchema>(members: &Map<String, Value>) -> Vec<FieldError> {
    let mut named = Vec::new();
    T::schemas(&mut named);
    let RefOr::T(Schema::Object(object)) = T::schema() else { return Vec::new() };
    let wrong = |(name, property): (&String, &RefOr<Schema>)| match members.get(name) {
        None => object.required.contains(name).then(|| FieldError::missing(name)),
        Some(value) => wrong_value(name, resolve(property, &named)?, value),
    };
    object.properties.iter().filter_map(wrong).collect()
}

/// The schema of a member that is no reference, or of the type that it refers to.
fn resolve<'s>(property: &'s RefOr<Schema>, named: &'s [(String, RefOr<Schema>)]) -> Option<&'s Object> {
    let property = match property {
        RefOr::Ref(to) => {
            let name = to.ref_location.rsplit('/').next();
            &named.iter().find(|(known, _)| Some(known.as_str()) == name)?.1
        }
        property @ RefOr::T(_) => property,
    };
    if let RefOr::T(Schema::Object(object)) = property { Some(object) } else { None }
}

fn wrong_value(name: &str, property: &Object, value: &Value) -> Option<FieldError> {
    let error = wrong_type(name, property, value).or_else(|| wrong_text(name, property, value.as_str()?))?;
    let is_secret = has_format(property, &KnownFormat::Password);
    let is_scalar = !value.is_array() && !value.is_object();
    Some(if is_scalar && !is_secret { error.input(value.clone()) } else { error })
}

fn wrong_type(name: &str, property: &Object, value: &Value) -> Option<FieldError> {
    let types: &[Type] = match &property.schema_type {
        SchemaType::Type(one) => std::slice::from_ref(one),
        SchemaType::Array(several) => several,
        SchemaType::AnyValue => return None,
    };
    let fits = |wanted: &Type| match wanted {
        Type::String => value.is_string(),
        Type::Integer => value.is_i64() || value.is_u64(),
        Type::Number => value.is_number(),
        Type::Boolean => value.is_boolean(),
        Type::Array => value.is_array(),
        Type::Object => value.is_object(),
        Type::Null => value.is_null(),
    };
    if types.iter().any(fits) {
        return None;
    }
    let (kind, what) = match types.first()? {
        Type::String => ("string_type", "string"),
        Type::Integer => ("int_type", "integer"),
        Type::Number => ("float_type", "number"),
        Type::Boolean => ("bool_type", "boolean"),
        Type::Array => ("list_type", "list"),
        Type::Object => ("dict_type", "dictionary"),
        Type::Null => ("none_required", "null"),
    };
    Some(FieldError::new(kind, name, format!("Input should be a valid {what}")))
}

fn wrong_text(name: &str, property: &Object, text: &str) -> Option<FieldError> {
    let characters = text.chars().count();
    let too_short = property.min_length.filter(|least| characters < *least).map(|least| {
        let message = format!("String should have at least {least} character{}", plural(least));
        FieldError::new("string_too_short", name, message).context("min_length", least)
    });
    let too_long = property.max_length.filter(|most| characters > *most).map(|most| {
        let message = format!("String should have at most {most} character{}", plural(most));
        FieldError::new("string_too_long", name, message).context("max_length", most)
    });
    too_short.or(too_long).or_else(|| {
        let reason = has_format(property, &KnownFormat::Email).then(|| EmailStr::parse(text).err())??.to_string();
        let message = format!("value is not a valid email address: {reason}");
        Some(FieldError::value_error(name, message).context("reason", reason))
    })
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn has_format(property: &Object, format: &KnownFormat) -> bool {
    matches!(&property.format, Some(SchemaFormat::KnownFormat(known)) if known == format)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "its schema is what counts")]
    struct Sample {
        #[schema(min_length = 2, max_length = 3)]
        name: String,
        #[schema(format = Password)]
        password: String,
        email: EmailStr,
        age: Option<u32>,
    }

    fn errors(members: Value) -> Vec<Value> {
        let Value::Object(members) = members else { panic!("an object") };
        let errors = check::<Sample>(&members);
        errors.iter().map(|error| json!(format!("{error:?}"))).collect()
    }

    #[test]
    fn what_fits_the_schema_has_no_errors() {
        assert_eq!(errors(json!({ "name": "äb", "password": "p", "email": "a@b.example" })), Vec::<Value>::new());
        let whole = json!({ "name": "abc", "password": "p", "email": "a@b.example", "age": 3, "more": [] });
        assert_eq!(errors(whole), Vec::<Value>::new());
        let nothing = json!({ "name": "abc", "password": "p", "email": "a@b.example", "age": null });
        assert_eq!(errors(nothing), Vec::<Value>::new());
    }

    #[test]
    fn every_member_that_is_wrong_is_named_and_no_secret_shown() {
        let wrong = errors(json!({ "name": "abcd", "password": 31337, "email": "x", "age": "y" }));
        let text = format!("{wrong:?}");
        assert_eq!(wrong.len(), 4, "{text}");
        assert!(text.contains("at most 3 characters") && text.contains("An email address must have an @-sign."));
        assert!(text.contains("abcd") && !text.contains("31337"), "{text}");
        assert_eq!(errors(json!({})).len(), 3);
        assert_eq!(errors(json!({ "name": "a", "password": null, "email": "a@b.example" })).len(), 2);
    }
}
