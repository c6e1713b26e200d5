//! The form of the texts that requests take, written into the document once: [`Checks::text`](crate::http::extract::Checks::text)
//! refuses control characters everywhere, and slugs, languages and addresses have one form wherever they stand. The same for
//! amounts, which have one range.

use std::collections::BTreeSet;

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

use crate::catalog::MAX_ATTRIBUTE_TEXT;
use crate::money::MAX_AMOUNT;

/// A line feed is no control character to us; texts are trimmed before they are counted.
const TEXT: &str = r"^[^\u0000-\u0009\u000B-\u001F\u007F-\u009F]*$";
pub const TEXT_NOT_EMPTY: &str = r"^[^\u0000-\u0009\u000B-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u0009\u000B-\u001F\u007F-\u009F]*$";
const LINE: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";
pub const LINE_NOT_EMPTY: &str =
    r"^[^\u0000-\u001F\u007F-\u009F]*[^\s\u0000-\u001F\u007F-\u009F][^\u0000-\u001F\u007F-\u009F]*$";

/// What the generator calls `money::Amount`.
const AMOUNT: &str = "i64";

/// A text among the kinds of a value, of which no annotation can say how long it may be.
const ATTRIBUTE_VALUE: &str = "AttributeValue";

/// What is compared and never shown is taken as it is.
const AS_IT_IS: [&str; 5] = ["password", "current_password", "token", "token_type_hint", "refresh_token"];
/// Fields that hold one line wherever they stand, as [`Checks::line`](crate::http::extract::Checks::line) has it.
const LINES: [&str; 15] = [
    "sku",
    "barcode",
    "name",
    "title",
    "seo_title",
    "vendor",
    "tags",
    "unit",
    "alt",
    "code",
    "phone",
    "city",
    "region",
    "postcode",
    // Of a condition: a vendor or a tag.
    "value",
];

/// Completes the schemas of all that `operations` take as a body.
pub fn complete(document: &mut OpenApi) {
    let mut named = BTreeSet::new();
    for item in document.paths.paths.values() {
        for operation in [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten() {
            bodies(operation, &mut named);
        }
    }
    let Some(components) = &mut document.components else { return };
    if let Some(RefOr::T(Schema::Object(amount))) = components.schemas.get_mut(AMOUNT) {
        amount.minimum = Some((-MAX_AMOUNT).into());
        amount.maximum = Some(MAX_AMOUNT.into());
        amount.description = Some("An amount of money in minor units of the currency beside it".to_owned());
    }
    let mut waiting: Vec<_> = named.iter().cloned().collect();
    while let Some(name) = waiting.pop() {
        let Some(RefOr::T(schema)) = components.schemas.get_mut(&name) else { continue };
        let mut below = BTreeSet::new();
        visit(&name, schema, &mut below);
        waiting.extend(below.into_iter().filter(|name| named.insert(name.clone())));
    }
}

/// Completes the text of a query.
pub fn complete_parameter(parameter: &mut Parameter) {
    if parameter.parameter_in == ParameterIn::Query
        && let Some(RefOr::T(Schema::Object(text))) = &mut parameter.schema
    {
        state_form(&parameter.name, text);
    }
}

fn bodies(operation: &Operation, named: &mut BTreeSet<String>) {
    let Some(RefOr::T(body)) = &operation.request_body else { return };
    for content in body.content.values() {
        if let RefOr::T(content) = content
            && let Some(RefOr::Ref(reference)) = &content.schema
        {
            named.extend(name_of(&reference.ref_location));
        }
    }
}

fn name_of(location: &str) -> Option<String> {
    location.rsplit_once('/').map(|(_, name)| name.to_owned())
}

/// Completes the texts of a schema; `below` gets the schemas that it refers to.
fn visit(field: &str, schema: &mut Schema, below: &mut BTreeSet<String>) {
    let mut inner = |schema: &mut RefOr<Schema>, field: &str| match schema {
        RefOr::Ref(reference) => below.extend(name_of(&reference.ref_location)),
        RefOr::T(schema) => visit(field, schema, below),
    };
    match schema {
        Schema::Object(object) => {
            for (name, property) in &mut object.properties {
                inner(property, name);
            }
            if let Some(more) = &mut object.additional_properties
                && let AdditionalProperties::RefOr(more) = more.as_mut()
            {
                inner(more, field);
            }
            state_form(field, object);
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(item) = &mut array.items {
                // A text in a list says something: what is empty is left out of it.
                if let RefOr::T(Schema::Object(text)) = item.as_mut()
                    && is_text(text)
                {
                    text.min_length.get_or_insert(1);
                }
                inner(item, field);
            }
        }
        Schema::OneOf(one) => {
            for item in &mut one.items {
                inner(item, field);
                refuse_unknown_members(item);
            }
        }
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| inner(item, field)),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(|item| inner(item, field)),
        _ => {}
    }
}

/// Every request refuses members that it does not know; the generator does not say so of the variants of an enumeration.
fn refuse_unknown_members(variant: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = variant
        && !object.properties.is_empty()
    {
        object.additional_properties.get_or_insert(Box::new(AdditionalProperties::FreeForm(false)));
    }
}

fn is_text(object: &Object) -> bool {
    match &object.schema_type {
        SchemaType::Type(kind) => *kind == Type::String,
        SchemaType::Array(kinds) => kinds.contains(&Type::String),
        SchemaType::AnyValue => false,
    }
}

fn state_form(field: &str, text: &mut Object) {
    if !is_text(text) || text.format.is_some() || text.pattern.is_some() || text.enum_values.is_some() {
        return;
    }
    if field == ATTRIBUTE_VALUE {
        (text.min_length, text.max_length) = (Some(1), Some(MAX_ATTRIBUTE_TEXT));
    }
    let not_empty = text.min_length.is_some_and(|least| least > 0);
    let pattern = match field {
        ATTRIBUTE_VALUE => LINE_NOT_EMPTY,
        field if AS_IT_IS.contains(&field) => return,
        "email" => {
            text.format = Some(SchemaFormat::Custom("email".to_owned()));
            return;
        }
        "cursor" => r"^[A-Za-z0-9_-]+$",
        "slug" => r"^[a-z0-9]+(-[a-z0-9]+)*$",
        "locale" => {
            text.max_length.get_or_insert(35);
            r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
        }
        line if LINES.contains(&line) && not_empty => LINE_NOT_EMPTY,
        line if LINES.contains(&line) => LINE,
        _ if not_empty => TEXT_NOT_EMPTY,
        _ => TEXT,
    };
    text.pattern = Some(pattern.to_owned());
}
