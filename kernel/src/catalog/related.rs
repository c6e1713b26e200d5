//! Products that belong to another, by the merchant's hand.

use std::collections::HashSet;

use uuid::Uuid;

use super::products::{lock, update};
use super::{Error, Flaw, announce, store};
use crate::Shop;
use crate::db::Tx;

/// How a product belongs to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Of the same sort.
    Related,
    /// Goes with it: a filter for a grinder.
    Accessory,
    /// A better one in its place.
    Upsell,
}

impl Relation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Related => "related",
            Self::Accessory => "accessory",
            Self::Upsell => "upsell",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        match text {
            "accessory" => Self::Accessory,
            "upsell" => Self::Upsell,
            _ => Self::Related,
        }
    }
}

/// A product beside another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedProduct {
    pub relation: Relation,
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    /// Shoppers see active ones.
    pub active: bool,
}

/// What belongs to a product, in the merchant's order.
pub async fn get_related(shop: &Shop, id: Uuid) -> Result<(Vec<RelatedProduct>, i64), Error> {
    let mut conn = shop.db().read().await?;
    let product = store::find_product(&mut conn, id).await?.ok_or(Error::NotFound)?;
    Ok((store::related_of(&mut conn, id).await?, product.version))
}

/// Replaces what belongs to a product; answers it with the product's version.
pub async fn put_related(
    shop: &Shop,
    id: Uuid,
    related: &[(Relation, Uuid)],
    expected: Option<i64>,
) -> Result<(Vec<RelatedProduct>, i64), Error> {
    let mut tx = shop.db().write().await?;
    let related = relate(&mut tx, id, related, expected).await?;
    tx.commit().await?;
    announce(shop);
    Ok(related)
}

/// Replaces it in the caller's transaction, which must be dropped after an error.
pub(super) async fn relate(
    tx: &mut Tx,
    id: Uuid,
    related: &[(Relation, Uuid)],
    expected: Option<i64>,
) -> Result<(Vec<RelatedProduct>, i64), Error> {
    let product = lock(tx, id, expected).await?;
    store::delete_related(tx, id).await?;
    let (mut flaws, mut seen) = (Vec::new(), HashSet::new());
    for (index, (relation, related_id)) in related.iter().enumerate() {
        let at = format!("/products/{index}/id");
        if *related_id == id || !seen.insert((relation.as_str(), *related_id)) {
            flaws.push(Flaw::new(at, "is the product itself, or stands here twice"));
        } else if store::find_product(tx, *related_id).await?.is_none() {
            flaws.push(Flaw::new(at, "there is no such product"));
        } else {
            let position = i64::try_from(index).unwrap_or(i64::MAX);
            store::insert_related(tx, id, *relation, *related_id, position).await?;
        }
    }
    Flaw::none(flaws)?;
    update(tx, &product).await?;
    let related = store::related_of(tx, id).await?;
    Ok((related, product.version))
}
