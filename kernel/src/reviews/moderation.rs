//! What the merchant does with reviews.

use uuid::Uuid;

use super::{Error, Reply, Review, Status, settle, store};
use crate::{Shop, catalog, clock};

/// Which reviews, for those who moderate them.
#[derive(Debug, Clone, Copy, Default)]
pub struct StaffFilter {
    pub status: Option<Status>,
    pub product_id: Option<Uuid>,
}

/// What becomes of a review.
#[derive(Debug, Clone)]
pub enum Decision {
    Publish,
    /// With a reason, which its author sees.
    Reject(String),
}

/// The newest first: one more than `limit`, where there is.
pub async fn list_for_staff(
    shop: &Shop,
    filter: StaffFilter,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Review>, Error> {
    Ok(store::for_staff(&mut shop.db().read().await?, filter, after, i64::from(limit) + 1).await?)
}

/// A review, whatever became of it.
pub async fn get(shop: &Shop, id: Uuid) -> Result<Review, Error> {
    store::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)
}

/// Publishes or rejects a review, whatever became of it before; where `expected` is some, only if its author has not changed it since.
pub async fn decide(shop: &Shop, id: Uuid, decision: Decision, expected: Option<i64>) -> Result<Review, Error> {
    let mut tx = shop.db().write().await?;
    let mut review = store::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    if expected.is_some_and(|expected| expected != review.version) {
        return Err(Error::VersionMismatch { current: review.version });
    }
    let before = review.status;
    match decision {
        Decision::Publish => store::forgive(&mut tx, &review).await?,
        Decision::Reject(_) => store::refuse(&mut tx, &review).await?,
    }
    (review.status, review.reason) = match decision {
        Decision::Publish => (Status::Published, None),
        Decision::Reject(reason) => (Status::Rejected, Some(reason)),
    };
    store::update(&mut tx, &review).await?;
    settle(shop, tx, review.product_id, Some(before), Some(review.status)).await?;
    Ok(review)
}

/// Answers a review, or takes the answer back.
pub async fn reply(shop: &Shop, id: Uuid, text: Option<String>) -> Result<Review, Error> {
    let mut tx = shop.db().write().await?;
    let mut review = store::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    review.reply = text.map(|text| Reply { text, at: clock::now() });
    store::set_reply(&mut tx, id, review.reply.as_ref()).await?;
    tx.commit().await?;
    catalog::announce(shop);
    Ok(review)
}

/// Removes a review. Its author may write another, which waits for the merchant.
pub async fn remove(shop: &Shop, id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let review = store::lock(&mut tx, id).await?.ok_or(Error::NotFound)?;
    store::refuse(&mut tx, &review).await?;
    store::delete(&mut tx, id).await?;
    settle(shop, tx, review.product_id, Some(review.status), None).await
}
