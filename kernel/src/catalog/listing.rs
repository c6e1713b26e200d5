//! What shoppers read: the list and one product.

use uuid::Uuid;

use super::prices::{Price, PriceContext};
use super::{Error, store, text};
use crate::Shop;
use crate::clock::Moment;
use crate::money::Amount;

/// Which products of the list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of a title, vendor or SKU, in any case.
    pub q: Option<String>,
    /// Slug of a category; what is in it or anywhere below it. One that does not exist has no products.
    pub category: Option<String>,
}

/// Where in the list: the newest product is first, and the id tells products of one moment apart.
pub type PageKey = (Moment, Uuid);

/// An active product as shoppers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProduct {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    /// Empty in lists, which do not show it.
    pub description: String,
    pub vendor: String,
    /// Slugs from the root.
    pub category_path: Option<String>,
    pub created_at: Moment,
    pub updated_at: Moment,
    /// By position.
    pub variants: Vec<ListedVariant>,
}

/// A variant as shoppers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVariant {
    pub id: Uuid,
    pub sku: String,
    pub title: String,
    /// None where it is not sold in the currency that was asked for.
    pub price: Option<Price>,
    pub weight_grams: i64,
    /// What can be sold now.
    pub available: i64,
}

impl ListedProduct {
    /// The lowest and the highest price; none where no variant has one.
    pub fn price_range(&self) -> Option<(Amount, Amount)> {
        let prices = || self.variants.iter().filter_map(|variant| Some(variant.price.as_ref()?.amount));
        Some((prices().min()?, prices().max()?))
    }

    /// Whether any variant costs less than it did before.
    pub fn on_sale(&self) -> bool {
        self.variants.iter().any(|variant| variant.price.as_ref().is_some_and(|price| price.compare_at.is_some()))
    }

    /// Whether any variant can be sold.
    pub fn in_stock(&self) -> bool {
        self.variants.iter().any(|variant| variant.available > 0)
    }
}

/// At most `limit` active products, at the prices of `context`, after `after`, newest first.
pub async fn list_products(
    shop: &Shop,
    context: &PriceContext,
    filter: &Filter,
    after: Option<PageKey>,
    limit: u32,
) -> Result<Vec<ListedProduct>, Error> {
    let mut conn = shop.db().read().await?;
    let after = after.unwrap_or_else(newest);
    let pattern = text::like_pattern(filter.q.as_deref());
    let Some(slug) = &filter.category else {
        return Ok(store::list_all(&mut conn, context, after, &pattern, limit).await?);
    };
    // One more look-up lets most lists of a category, and those of one that does not exist, do without the walk over
    // all products.
    Ok(match store::find_place(&mut conn, slug).await? {
        None => Vec::new(),
        Some((id, _, false)) => store::list_in_category(&mut conn, context, after, &pattern, id, limit).await?,
        Some((_, path, true)) => store::list_in_subtree(&mut conn, context, after, &pattern, &path, limit).await?,
    })
}

/// The active product with this id or slug.
pub async fn find_listed(
    shop: &Shop,
    context: &PriceContext,
    id_or_slug: &str,
) -> Result<Option<ListedProduct>, Error> {
    let id = Uuid::try_parse(id_or_slug).ok();
    // What is neither names nothing, and is not worth a statement.
    if id.is_none() && !text::is_slug(id_or_slug) {
        return Ok(None);
    }
    let mut conn = shop.db().read().await?;
    Ok(store::find_listed(&mut conn, context, id.unwrap_or_default(), id_or_slug).await?)
}

/// A key before every product, so that the first page needs no statement of its own.
fn newest() -> PageKey {
    let year_10000 = Moment::from_timestamp(253_402_300_799, 0).unwrap_or(Moment::MAX_UTC);
    (year_10000, Uuid::max())
}
