//! A product changes by what other domains keep about it: its images.

use uuid::Uuid;

use super::{Error, products, store};
use crate::db::Tx;

/// Locks a product for the rest of the transaction, at its next version, and tells of it. Call [`super::announce`] after the commit.
pub async fn touch_product(tx: &mut Tx, id: Uuid) -> Result<(), Error> {
    let product = products::lock(tx, id, None).await?;
    products::write(tx, &product).await
}

/// The same, for the product that a variant is of.
pub async fn touch_product_of_variant(tx: &mut Tx, variant_id: Uuid) -> Result<Uuid, Error> {
    let product_id = store::find_product_of_variant(tx, variant_id).await?.ok_or(Error::NotFound)?;
    touch_product(tx, product_id).await?;
    Ok(product_id)
}
