//! One product, as its page shows it.

use std::collections::BTreeMap;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::shopper::{self, ProductOut};
use super::{OptionDefinition, RelatedProductOut, moved};
use crate::Shop;
use crate::catalog::{self, AttributeKind, AttributeValue, Described, Detail, Found, Reading};
use crate::clock::Moment;
use crate::http::auth::Caller;
use crate::http::caching::Tagged;
use crate::http::extract::{Path, Query};
use crate::http::locale::{LocaleParams, mark};
use crate::problem::{Problem, ProblemSchema};

/// One product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductDetailOut {
    #[serde(flatten)]
    product: ProductOut,
    /// Plain text. It comes from the merchant or an imported file: escape it before it becomes part of a page.
    description: String,
    /// Code of its type.
    #[schema(example = "coffee")]
    product_type: Option<String>,
    /// In the order of the type.
    attributes: Vec<AttributeOut>,
    /// What its variants differ in.
    options: Vec<OptionDefinition>,
    /// By the id of the variant: what the list does not show.
    variant_details: BTreeMap<Uuid, VariantDetailOut>,
    tags: Vec<String>,
    related: Vec<RelatedProductOut>,
    /// For search engines; never empty.
    seo_title: String,
    seo_description: String,
    #[schema(value_type = DateTime<Utc>)]
    created_at: Moment,
    #[schema(value_type = DateTime<Utc>)]
    updated_at: Moment,
}

/// The rest of a variant.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantDetailOut {
    /// The code of its value of each option.
    #[schema(example = json!({ "size": "m" }))]
    options: BTreeMap<String, String>,
    attributes: Vec<AttributeOut>,
    barcode: String,
    /// Packed; 0 where it is not known.
    length_mm: i64,
    width_mm: i64,
    height_mm: i64,
}

/// An attribute with its value.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttributeOut {
    #[schema(example = "caffeine")]
    code: String,
    #[schema(example = "Caffeine")]
    name: String,
    #[schema(example = "number")]
    kind: AttributeKind,
    #[schema(example = 125)]
    value: AttributeValue,
    /// Of a choice: its name.
    label: Option<String>,
    /// Of a number.
    #[schema(example = "mg")]
    unit: String,
    /// Of a number: 125 with one decimal is 12.5.
    #[schema(example = 1)]
    decimals: i64,
}

/// How one product is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProductParams {
    /// In which prices are told: the shop's own where none is given.
    #[param(min_length = 3, max_length = 3, example = "EUR")]
    currency: Option<String>,
    /// BCP 47 tag; without it, `Accept-Language` decides. A text without a translation comes in a shorter tag's language, or
    /// the shop's own.
    #[param(min_length = 1, max_length = 35, pattern = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", example = "de-AT")]
    locale: Option<String>,
}

/// One active product, by its id or slug
///
/// With a token, the prices are those of the customer's group.
#[utoipa::path(
    get, path = "/v1/products/{product}", tag = "catalog",
    params(("product" = String, Path, description = "Id or slug", example = "earl-grey"), ProductParams),
    responses(
        (status = 200, description = "The product; it bears an ETag and `Content-Language`", body = ProductDetailOut),
        (status = 301, description = "It has another slug now: `Location` has its address"),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_product(
    State(shop): State<Shop>,
    caller: Caller,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(product): Path<String>,
    Query(params): Query<ProductParams>,
) -> Result<Response, Problem> {
    let reading = Reading::of(&shop, &LocaleParams { locale: params.locale }.wanted(&headers)?);
    let context = shopper::price_context(&shop, &caller, params.currency.as_deref()).await?;
    let key = format!("catalog:product\n{}\n{}\n{product}", reading.tag(&shop), shopper::price_key(&context));
    let mut response = match shop.cache().get(&key) {
        Some(bytes) => Tagged::new(bytes).answer(&headers),
        None => match catalog::find_detail(&shop, &context, &product, &reading).await? {
            None => return Err(Problem::not_found()),
            Some(Found::Moved(slug)) => return moved(&format!("/v1/products/{slug}"), &uri),
            Some(Found::Here(mut detail)) => {
                let alts = std::mem::take(&mut detail.image_alts);
                let mut body = ProductDetailOut::new(*detail, context.currency.code());
                shopper::complete(&shop, std::iter::once(&mut body.product)).await?;
                body.product.translate_images(&alts);
                shopper::answer(&shop, &key, &body, &headers)?
            }
        },
    };
    mark(response.headers_mut(), reading.tag(&shop));
    Ok(response)
}

impl ProductDetailOut {
    fn new(mut detail: Detail, currency: &'static str) -> Self {
        let description = std::mem::take(&mut detail.listed.description);
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let options = &detail.options;
        let variant = |(id, variant): (Uuid, catalog::VariantDetail)| {
            let out = VariantDetailOut {
                options: catalog::chosen(options, &variant.options),
                attributes: variant.attributes.into_iter().map(AttributeOut::from).collect(),
                barcode: variant.barcode,
                length_mm: variant.length_mm,
                width_mm: variant.width_mm,
                height_mm: variant.height_mm,
            };
            (id, out)
        };
        Self {
            variant_details: detail.variants.into_iter().map(variant).collect(),
            product_type: detail.product_type,
            attributes: detail.attributes.into_iter().map(AttributeOut::from).collect(),
            tags: detail.tags,
            related: detail.related.into_iter().map(RelatedProductOut::from).collect(),
            seo_title: or(detail.seo_title, &detail.listed.title),
            seo_description: or(detail.seo_description, &beginning(&description)),
            created_at: detail.listed.created_at,
            updated_at: detail.listed.updated_at,
            options: detail.options.into_iter().map(OptionDefinition::from).collect(),
            product: shopper::describe(detail.listed, currency),
            description,
        }
    }
}

/// As much as search engines show, cut between words.
fn beginning(description: &str) -> String {
    const SHOWN: usize = 160;
    let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        None => line,
        Some((end, _)) => line[..end].rsplit_once(' ').map_or(&line[..end], |(words, _)| words).to_owned(),
    }
}

impl From<Described> for AttributeOut {
    fn from(described: Described) -> Self {
        let attribute = described.attribute;
        Self {
            code: attribute.code,
            name: attribute.name,
            kind: attribute.kind,
            value: described.value,
            label: described.choice_name,
            unit: attribute.unit,
            decimals: attribute.decimals,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_cut_between_words() {
        assert_eq!(beginning("Two\nlines  of text."), "Two lines of text.");
        let long = beginning(&"слово ".repeat(50));
        assert!(long.chars().count() <= 160 && long.ends_with("слово"), "{long}");
        assert_eq!(beginning(&"x".repeat(200)).len(), 160);
    }
}
