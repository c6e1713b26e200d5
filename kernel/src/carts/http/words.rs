//! What a shopper says about a cart, beyond what is in it.

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use uuid::Uuid;

use super::changed;
use super::view::CartOut;
use crate::Shop;
use crate::carts::{Attributes, Change};
use crate::http::auth::Caller;
use crate::http::extract::{Checks, Json, Path};
use crate::problem::{Problem, ProblemSchema};

/// Of an attribute, in characters.
const MAX_NAME: usize = 64;

/// What changes of a cart. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartPatch {
    /// For the shop. Empty: none. As many characters as `carts.max_note_chars`.
    #[schema(max_length = 1000, example = "please ring twice")]
    note: Option<String>,
    #[schema(schema_with = attributes_or_null_schema)]
    attributes: Option<Attributes>,
}

/// Changes the note and the attributes of a cart
///
/// Pricing plugins hear the attributes, each name behind `shopper-`; the order keeps both.
#[utoipa::path(patch, path = "/v1/carts/{id}", tag = "carts", params(("id" = Uuid, Path)), request_body = CartPatch, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn patch_cart(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<CartPatch>,
) -> Result<Answer<CartOut>, Problem> {
    let mut checks = Checks::default();
    check_note(&mut checks, &shop, body.note.as_deref());
    if let Some(attributes) = &body.attributes {
        check_attributes(&mut checks, &shop, attributes);
    }
    checks.done()?;
    let note = body.note.map(|note| note.trim().to_owned());
    changed(&shop, id, caller, Change::SetWords { note, attributes: body.attributes }).await
}

/// The form of attributes, which no annotation can say.
pub(super) fn attributes_schema() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z0-9-]{1,64}$")).build();
    let value = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(500));
    let text = "All of them: names with values, as many as `carts.max_attributes`, with values of at most \
                `carts.max_attribute_chars` characters";
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(text))
        .property_names(Some(name))
        .additional_properties(Some(value))
        .max_properties(Some(20))
        .examples([json!({"engraving": "For Ada"})])
        .build()
}

/// Null, too: they stay as they are.
fn attributes_or_null_schema() -> Object {
    let mut schema = attributes_schema();
    schema.schema_type = SchemaType::Array(vec![Type::Object, Type::Null]);
    schema
}

pub(super) fn check_note(checks: &mut Checks, shop: &Shop, note: Option<&str>) {
    if let Some(note) = note {
        checks.text(note, 0, shop.config().carts.max_note_chars.min(1_000) as usize, "/note");
    }
}

pub(super) fn check_attributes(checks: &mut Checks, shop: &Shop, attributes: &Attributes) {
    let config = &shop.config().carts;
    let (max, max_chars) = (config.max_attributes.min(20) as usize, config.max_attribute_chars.min(500) as usize);
    checks.require(attributes.len() <= max, "/attributes", &format!("at most {max}"));
    // Beyond, one word about their number is enough.
    for (name, value) in attributes.iter().take(max) {
        let pointer = format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"));
        checks.require(is_name(name), &pointer, "the name must be 1 to 64 characters of a-z 0-9 -");
        checks.text(value, 1, max_chars, &pointer);
    }
}

fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_attributes_are_plain() {
        let longest = "a".repeat(64);
        for (name, expected) in [
            ("engraving", true),
            ("gift-2", true),
            (longest.as_str(), true),
            ("", false),
            ("Engraving", false),
            ("a b", false),
            ("a_b", false),
            ("a/b", false),
            ("größe", false),
            (&format!("{longest}a"), false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }
}
