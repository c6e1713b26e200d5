//! Everything of a sort, a part at a time, for who writes it into a file.

use uuid::Uuid;

use super::{Category, Collection, Error, store};
use crate::Shop;

/// At most `limit` ids of products after `after`.
pub async fn product_ids(shop: &Shop, after: Uuid, limit: u32) -> Result<Vec<Uuid>, Error> {
    Ok(store::product_ids_after(&mut shop.db().read().await?, after, limit).await?)
}

/// The same, of those that have others beside them.
pub async fn ids_with_related(shop: &Shop, after: Uuid, limit: u32) -> Result<Vec<Uuid>, Error> {
    Ok(store::ids_with_related_after(&mut shop.db().read().await?, after, limit).await?)
}

/// Every category, in no order that matters.
pub async fn all_categories(shop: &Shop) -> Result<Vec<Category>, Error> {
    Ok(store::all_categories(&mut shop.db().read().await?).await?)
}

/// At most `limit` collections after `after`, whatever their status.
pub async fn collections_after(shop: &Shop, after: Uuid, limit: u32) -> Result<Vec<Collection>, Error> {
    Ok(store::collections_after(&mut shop.db().read().await?, after, limit).await?)
}

/// The slugs of the products of a collection by hand, in order.
pub async fn chosen_slugs(shop: &Shop, id: Uuid) -> Result<Vec<String>, Error> {
    Ok(store::member_slugs(&mut shop.db().read().await?, id).await?)
}
