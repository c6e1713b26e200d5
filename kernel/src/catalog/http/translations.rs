//! Texts in other languages, for the merchant.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};

use crate::Shop;
use crate::catalog::{self, Entity, MAX_DESCRIPTION, MAX_TRANSLATION, Texts};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path};
use crate::http::openapi::LINE_NOT_EMPTY;
use crate::problem::{Problem, ProblemSchema};

const FIELDS: &str = "Of a product: `title`, `description`, `seo_title`, `seo_description`, `options.<code>`, `options.<code>.<value>`, \
    `images.<id>` (the alternative text), `variants.<sku>.title` (of a variant without options), `attributes.<code>` and \
    `attributes.<code>.<sku>` (values that are texts, its own and those of a variant). \
    Of a type: `name`, `attributes.<code>`, `attributes.<code>.<choice>`, `units.<code>`. \
    Of a category: `name`, `seo_title`, `seo_description`. Of a collection: `title`, `description` and the same two. \
    All are one line but for `description`.";

/// Texts that one thing may have: as many as a product with all its options, images and variants.
const MAX_TEXTS: usize = 1_000;

/// Texts in one language, by field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "texts": { "title": "Handmühle", "seo_title": "Handmühle aus Buche" } }))]
pub struct TranslationIn {
    #[schema(schema_with = texts_schema)]
    texts: Texts,
}

/// The form of the texts, which no annotation can say.
fn texts_schema() -> Object {
    let text = |chars| ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(chars));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(FIELDS))
        .property("description", text(MAX_DESCRIPTION))
        .additional_properties(Some(Schema::Object(text(MAX_TRANSLATION).pattern(Some(LINE_NOT_EMPTY)).build())))
        .max_properties(Some(MAX_TEXTS))
        .build()
}

/// All translations of one thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct TranslationsOut {
    /// Texts by language and field.
    #[schema(example = json!({ "de": { "title": "Handmühle" } }))]
    translations: BTreeMap<String, Texts>,
}

/// What has been translated of a product, type, category or collection
#[utoipa::path(
    get, path = "/v1/admin/translations/{entity}/{id}", tag = "catalog", security(("bearer" = [])),
    params(("entity" = Entity, Path), ("id" = String, Path, description = "Id; of a product type, its code")),
    responses(
        (status = 200, description = "By language and field", body = TranslationsOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn list_translations(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((entity, id)): Path<(Entity, String)>,
) -> Result<Answer<TranslationsOut>, Problem> {
    let translations = catalog::list_translations(&shop, entity, &key(entity, id)?).await?;
    Ok(Answer(TranslationsOut { translations }))
}

/// Replace the texts of one language
#[utoipa::path(
    put, path = "/v1/admin/translations/{entity}/{id}/{locale}", tag = "catalog", request_body = TranslationIn,
    params(
        ("entity" = Entity, Path), ("id" = String, Path, description = "Id; of a product type, its code"),
        ("locale" = String, Path, description = "One of `catalog.locales`", example = "de")
    ),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "They stand"),
        (status = 404, description = "`not-found`, also for a language that the shop does not have", body = ProblemSchema)
    )
)]
pub async fn put_translation(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((entity, id, locale)): Path<(Entity, String, String)>,
    Json(body): Json<TranslationIn>,
) -> Result<StatusCode, Problem> {
    let mut checks = Checks::default();
    checks.require(body.texts.len() <= MAX_TEXTS, "/texts", &format!("must be at most {MAX_TEXTS}"));
    for (field, text) in &body.texts {
        let at = format!("/texts/{field}");
        match field.as_str() {
            "description" => checks.text(text, 1, MAX_DESCRIPTION, &at),
            _ => checks.line(text, 1, MAX_TRANSLATION, &at),
        }
    }
    checks.done()?;
    let texts = body.texts.into_iter().map(|(field, text)| (field, text.trim().to_owned())).collect();
    catalog::put_translation(&shop, entity, &key(entity, id)?, &locale, &texts).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take away the texts of one language
#[utoipa::path(
    delete, path = "/v1/admin/translations/{entity}/{id}/{locale}", tag = "catalog", security(("bearer" = [])),
    params(
        ("entity" = Entity, Path), ("id" = String, Path, description = "Id; of a product type, its code"),
        ("locale" = String, Path, example = "de")
    ),
    responses(
        (status = 204, description = "They are gone"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn delete_translation(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((entity, id, locale)): Path<(Entity, String, String)>,
) -> Result<StatusCode, Problem> {
    catalog::put_translation(&shop, entity, &key(entity, id)?, &locale, &Texts::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An id in its usual form, in which texts are kept; what is neither id nor code names nothing.
fn key(entity: Entity, id: String) -> Result<String, Problem> {
    match entity {
        Entity::ProductType if catalog::is_code(&id) => Ok(id),
        Entity::ProductType => Err(Problem::not_found()),
        _ => uuid::Uuid::try_parse(&id).map(|id| id.to_string()).map_err(|_| Problem::not_found()),
    }
}
