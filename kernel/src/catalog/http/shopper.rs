//! How a product looks in lists and on its page. Answers are cached as ready bytes: a hit costs no statement and no
//! serialising.

use std::collections::BTreeMap;

use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalog::{ListedProduct, ListedVariant};
use crate::http::auth::Caller;
use crate::http::caching::Tagged;
use crate::images::http::ImageOut;
use crate::inventory::Availability;
use crate::money::Amount;
use crate::prices::PriceContext;
use crate::problem::Problem;
use crate::{Shop, images, reviews};

/// A variant of a product in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantOut {
    id: Uuid,
    #[schema(example = "TEA-EARL-GREY-100")]
    sku: String,
    /// What tells it from the others; empty where there is only one.
    #[schema(example = "100 g")]
    title: String,
    /// Minor units; null where it is not sold in this currency.
    #[schema(value_type = Option<i64>, example = 690)]
    price: Option<Amount>,
    /// What it cost before; null unless it was more.
    #[schema(value_type = Option<i64>, example = 890)]
    compare_at_price: Option<Amount>,
    weight_grams: i64,
    /// How many can be sold now.
    #[schema(example = 25)]
    available: i64,
    /// `in_stock`; `low`: few are left; `backorder`: it can be ordered and comes later; `out`.
    #[schema(example = "in_stock")]
    availability: Availability,
    /// Which of the product's images are its own, in their order.
    image_ids: Vec<Uuid>,
}

/// A product in a list. Amounts are minor units of `currency`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductOut {
    id: Uuid,
    #[schema(example = "earl-grey")]
    slug: String,
    #[schema(example = "Earl Grey")]
    title: String,
    vendor: String,
    /// Slugs from the root; null without a category.
    #[schema(example = "tea/black-tea")]
    category: Option<String>,
    /// Lowest price of a variant; null where none has one.
    #[schema(value_type = Option<i64>, example = 690)]
    price_from: Option<Amount>,
    /// Highest price of a variant.
    #[schema(value_type = Option<i64>, example = 1490)]
    price_to: Option<Amount>,
    #[schema(example = "EUR")]
    currency: &'static str,
    /// Whether any variant costs less than it did before.
    on_sale: bool,
    /// Whether any variant can be sold now.
    in_stock: bool,
    variants: Vec<VariantOut>,
    /// Average of its published reviews in hundredths of a star; null without any.
    #[schema(example = 467)]
    rating: Option<i64>,
    #[schema(example = 3)]
    review_count: i64,
    /// In the merchant's order: the first is for lists.
    images: Vec<ImageOut>,
}

/// The prices that this caller is shown.
pub(super) async fn price_context(
    shop: &Shop,
    caller: &Caller,
    currency: Option<&str>,
) -> Result<PriceContext, Problem> {
    let currency = shop.config().shop.find_currency(currency);
    let currency = currency.ok_or_else(|| Problem::invalid_field("currency", "the shop does not sell in it"))?;
    // A guest's page that stands in the cache costs no statement.
    let Some(customer_id) = caller.customer_id() else { return Ok(PriceContext::now(shop, currency, None)) };
    let mut conn = shop.db().read().await?;
    Ok(PriceContext::of_customer(shop, &mut conn, currency, Some(customer_id)).await?)
}

/// What prices depend on beside the moment: shoppers with the same get the same answers.
pub(super) fn price_key(context: &PriceContext) -> String {
    format!("{} {}", context.currency, context.group.as_deref().unwrap_or_default())
}

pub(super) fn answer(shop: &Shop, key: &str, body: &impl Serialize, headers: &HeaderMap) -> Result<Response, Problem> {
    let bytes = Bytes::from(serde_json::to_vec(body).map_err(Problem::internal)?);
    shop.cache().put(key, bytes.clone());
    Ok(Tagged::new(bytes).answer(headers))
}

pub(super) fn describe(product: ListedProduct, currency: &'static str) -> ProductOut {
    let prices = product.price_range();
    ProductOut {
        id: product.id,
        on_sale: product.on_sale(),
        in_stock: product.in_stock(),
        price_from: prices.map(|(from, _)| from),
        price_to: prices.map(|(_, to)| to),
        currency,
        slug: product.slug,
        title: product.title,
        vendor: product.vendor,
        category: product.category_path,
        variants: product.variants.into_iter().map(VariantOut::from).collect(),
        rating: None,
        review_count: 0,
        images: Vec::new(),
    }
}

impl ProductOut {
    /// Replaces alternative texts, by the id of their image.
    pub(super) fn translate_images(&mut self, alts: &BTreeMap<Uuid, String>) {
        for image in &mut self.images {
            if let Some(alt) = alts.get(&image.id) {
                image.alt.clone_from(alt);
            }
        }
    }
}

/// Adds what other domains keep of all these products, images and ratings: each is read by one statement.
pub(super) async fn complete<'a>(
    shop: &Shop,
    products: impl Iterator<Item = &'a mut ProductOut>,
) -> Result<(), Problem> {
    let products: Vec<_> = products.collect();
    let ids: Vec<_> = products.iter().map(|product| product.id).collect();
    let mut images = images::of_products(shop, &ids).await?;
    let ratings = reviews::ratings_of(shop, &ids).await?;
    for product in products {
        let images = images.remove(&product.id).unwrap_or_default();
        for variant in &mut product.variants {
            let own = images.iter().filter(|image| image.variant_ids.contains(&variant.id));
            variant.image_ids = own.map(|image| image.id).collect();
        }
        if let Some(rating) = ratings.get(&product.id) {
            (product.rating, product.review_count) = (rating.shown(), rating.reviews);
        }
        product.images = images.into_iter().map(ImageOut::from).collect();
    }
    Ok(())
}

impl From<ListedVariant> for VariantOut {
    fn from(variant: ListedVariant) -> Self {
        Self {
            id: variant.id,
            sku: variant.sku,
            title: variant.title,
            price: variant.price.as_ref().map(|price| price.amount),
            compare_at_price: variant.price.and_then(|price| price.compare_at),
            weight_grams: variant.weight_grams,
            available: variant.available,
            availability: variant.availability,
            image_ids: Vec::new(),
        }
    }
}
