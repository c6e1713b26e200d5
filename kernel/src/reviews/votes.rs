//! Whether a review was helpful.

use uuid::Uuid;

use super::{Error, Review, Status, store};
use crate::Shop;
use crate::db::Tx;

/// Says it of somebody else's published review; the last word of each counts.
pub async fn vote(shop: &Shop, customer_id: Uuid, review_id: Uuid, helpful: bool) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    if lock_published(&mut tx, review_id).await?.customer_id == customer_id {
        return Err(Error::Own);
    }
    store::put_vote(&mut tx, review_id, customer_id, helpful).await?;
    store::count_votes(&mut tx, review_id).await?;
    Ok(tx.commit().await?)
}

/// Takes it back. Nothing to take back is fine.
pub async fn unvote(shop: &Shop, customer_id: Uuid, review_id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    lock_published(&mut tx, review_id).await?;
    store::delete_vote(&mut tx, review_id, customer_id).await?;
    store::count_votes(&mut tx, review_id).await?;
    Ok(tx.commit().await?)
}

/// Two who vote at once wait for each other, so that the second counts the first's vote.
async fn lock_published(tx: &mut Tx, review_id: Uuid) -> Result<Review, Error> {
    let review = store::lock(tx, review_id).await?;
    review.filter(|review| review.status == Status::Published).ok_or(Error::NotFound)
}
