//! Reviews: what customers say of products, once for each, and what the shop answers.
//!
//! - A review is pending, published or rejected. `reviews.moderation` says whether a new one waits for the merchant; what its author
//!   changes goes the same way again ([`Moderation::of_new`], [`Moderation::of_changed`]).
//! - It is verified where its author had paid for the product when they wrote it.
//! - Whom the merchant refused a review of a product does not get around it by writing it anew: the next one waits, whatever the setting.
//! - What the published ones come to ([`ratings`]) is counted again in the transaction of each change; the search has it a moment later.
//! - Others say whether a review was helpful: [`votes`].

mod authors;
pub mod http;
mod moderation;
mod privacy;
mod ratings;
mod store;
mod votes;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{self, Tx};
use crate::prices::PriceContext;
use crate::{Shop, accounts, catalog, clock, events, id, orders};

pub use moderation::{Decision, StaffFilter, decide, get, list_for_staff, remove, reply};
pub use privacy::{export_person, export_votes, forget_person};
pub use ratings::{Rating, rating_of, ratings_of};
pub use votes::{unvote, vote};

/// Longest title, in characters.
pub const MAX_TITLE: usize = 150;
/// Longest text of a review, and of a reply, in characters.
pub const MAX_BODY: usize = 5_000;
/// Longest reason of a rejection, in characters.
pub const MAX_REASON: usize = 500;

/// `[reviews]` of shop.toml.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewsConfig {
    /// Whether the merchant sees a review before or after others do.
    pub moderation: Moderation,
}

/// When reviews are moderated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Moderation {
    #[default]
    Before,
    After,
}

impl Moderation {
    /// `refused`: the merchant did not want what its author wrote of the product before.
    fn of_new(self, refused: bool) -> Status {
        match self {
            Self::After if !refused => Status::Published,
            Self::Before | Self::After => Status::Pending,
        }
    }

    /// What was rejected, or waits for the merchant since then, is not published by its author's changing a letter.
    fn of_changed(self, status: Status) -> Status {
        self.of_new(status != Status::Published)
    }
}

/// Who sees a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReviewStatus)]
pub enum Status {
    /// Its author and the merchant, who has to decide.
    Pending,
    /// Everybody.
    Published,
    /// Its author and the merchant.
    Rejected,
}

impl Status {
    /// As it stands in the database.
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Published => "published",
            Self::Rejected => "rejected",
        }
    }

    /// The database holds one of the three.
    fn parse(text: &str) -> Self {
        match text {
            "published" => Self::Published,
            "rejected" => Self::Rejected,
            _ => Self::Pending,
        }
    }
}

/// What a customer says of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub id: Uuid,
    pub product_id: Uuid,
    pub customer_id: Uuid,
    /// As shown; empty where the account has no name.
    pub author: String,
    /// 1 to 5.
    pub rating: i64,
    pub title: String,
    pub body: String,
    /// They had paid for the product.
    pub verified: bool,
    pub status: Status,
    /// Why it was rejected.
    pub reason: Option<String>,
    pub reply: Option<Reply>,
    /// How many found it so, and not.
    pub helpful: i64,
    pub unhelpful: i64,
    /// Counts the changes of its author, from 1.
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// What the shop answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub text: String,
    pub at: Moment,
}

/// What somebody writes.
#[derive(Debug, Clone)]
pub struct NewReview {
    pub rating: i64,
    pub title: String,
    pub body: String,
}

/// What is to change.
#[derive(Debug, Clone, Default)]
pub struct ReviewPatch {
    pub rating: Option<i64>,
    pub title: Option<String>,
    pub body: Option<String>,
}

/// The order of a product's reviews.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReviewSort)]
pub enum Sort {
    #[default]
    Newest,
    /// The best rating first.
    Rating,
    /// What most found helpful first.
    Helpful,
}

/// Which reviews of a product.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub sort: Sort,
    /// With exactly so many stars.
    pub rating: Option<i64>,
    /// Only of those who had paid for the product.
    pub verified: bool,
}

/// Where in such a list.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Key {
    pub sort: Sort,
    number: i64,
    id: Uuid,
}

impl Key {
    /// Of a review that was shown last.
    pub fn of(review: &Review, sort: Sort) -> Self {
        let number = match sort {
            Sort::Newest => 0,
            Sort::Rating => review.rating,
            Sort::Helpful => review.helpful,
        };
        Self { sort, number, id: review.id }
    }
}

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such product or review")]
    NotFound,
    #[error("you have reviewed this product: change that review")]
    Exists,
    #[error("nobody says of their own review that it is helpful")]
    Own,
    #[error("its author has changed it: it is version {current} now")]
    VersionMismatch { current: i64 },
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    #[error(transparent)]
    Accounts(#[from] accounts::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Writes a review of an active product.
pub async fn create(shop: &Shop, customer_id: Uuid, product: &str, new: NewReview) -> Result<Review, Error> {
    let product_id = find_product(shop, product).await?;
    let author = author_of(shop, customer_id).await?;
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    accounts::lock_living(&mut tx, customer_id).await?;
    let mut review = Review {
        id: id::sequential(),
        product_id,
        customer_id,
        author,
        rating: new.rating,
        title: new.title,
        body: new.body,
        verified: orders::has_paid_for(&mut tx, customer_id, product_id).await?,
        status: shop.config().reviews.moderation.of_new(false),
        reason: None,
        reply: None,
        helpful: 0,
        unhelpful: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    if !store::insert(&mut tx, &review).await? {
        return Err(Error::Exists);
    }
    // Asked behind the insert, which waits for whoever takes a former review away.
    if store::was_refused(&mut tx, product_id, customer_id).await? {
        review.status = shop.config().reviews.moderation.of_new(true);
        store::update(&mut tx, &review).await?;
    }
    let data = json!({
        "id": review.id,
        "product_id": review.product_id,
        "rating": review.rating,
        "verified": review.verified,
        "status": review.status,
    });
    events::record(&mut tx, "review.created", review.id, data).await?;
    settle(shop, tx, product_id, None, Some(review.status)).await?;
    Ok(review)
}

/// Changes one's own review. It goes through moderation again.
pub async fn patch(shop: &Shop, customer_id: Uuid, id: Uuid, patch: ReviewPatch) -> Result<Review, Error> {
    let author = author_of(shop, customer_id).await?;
    let mut tx = shop.db().write().await?;
    accounts::lock_living(&mut tx, customer_id).await?;
    let mut review = lock_own(&mut tx, customer_id, id).await?;
    let before = review.status;
    review.author = author;
    review.rating = patch.rating.unwrap_or(review.rating);
    review.title = patch.title.unwrap_or(review.title);
    review.body = patch.body.unwrap_or(review.body);
    review.verified = review.verified || orders::has_paid_for(&mut tx, customer_id, review.product_id).await?;
    review.status = shop.config().reviews.moderation.of_changed(before);
    review.reason = None;
    review.version += 1;
    review.updated_at = clock::now();
    store::update(&mut tx, &review).await?;
    settle(shop, tx, review.product_id, Some(before), Some(review.status)).await?;
    Ok(review)
}

/// Takes one's own review back.
pub async fn delete(shop: &Shop, customer_id: Uuid, id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let review = lock_own(&mut tx, customer_id, id).await?;
    store::delete(&mut tx, id).await?;
    settle(shop, tx, review.product_id, Some(review.status), None).await
}

/// One's own review, whatever became of it.
pub async fn get_own(shop: &Shop, customer_id: Uuid, id: Uuid) -> Result<Review, Error> {
    let review = store::find(&mut shop.db().read().await?, id).await?;
    review.filter(|review| review.customer_id == customer_id).ok_or(Error::NotFound)
}

/// One's own reviews, the newest first: one more than `limit`, where there is.
pub async fn list_own(shop: &Shop, customer_id: Uuid, after: Option<Uuid>, limit: u32) -> Result<Vec<Review>, Error> {
    Ok(store::of_customer(&mut shop.db().read().await?, customer_id, after, i64::from(limit) + 1).await?)
}

/// The published reviews of an active product, one more than `limit` where there is, and what all of them come to.
pub async fn list(
    shop: &Shop,
    product: &str,
    filter: Filter,
    after: Option<Key>,
    limit: u32,
) -> Result<(Vec<Review>, Rating), Error> {
    let product_id = find_product(shop, product).await?;
    let mut conn = shop.db().read().await?;
    let reviews = store::published(&mut conn, product_id, filter, after, i64::from(limit) + 1).await?;
    Ok((reviews, ratings::rating_of(&mut conn, product_id).await?))
}

/// Commits, and counts what shoppers see where that has changed.
async fn settle(
    shop: &Shop,
    mut tx: Tx,
    product_id: Uuid,
    before: Option<Status>,
    after: Option<Status>,
) -> Result<(), Error> {
    let shown = [before, after].contains(&Some(Status::Published));
    if shown {
        ratings::count(&mut tx, product_id).await?;
    }
    tx.commit().await?;
    // Also wakes the relay, for the event.
    catalog::announce(shop);
    Ok(())
}

async fn lock_own(tx: &mut Tx, customer_id: Uuid, id: Uuid) -> Result<Review, Error> {
    let review = store::lock(tx, id).await?;
    review.filter(|review| review.customer_id == customer_id).ok_or(Error::NotFound)
}

async fn find_product(shop: &Shop, product: &str) -> Result<Uuid, Error> {
    Ok(catalog::find_listed(shop, &PriceContext::of_guest(shop), product).await?.ok_or(Error::NotFound)?.id)
}

async fn author_of(shop: &Shop, customer_id: Uuid) -> Result<String, Error> {
    let customer = accounts::find_customer(shop, customer_id).await?.ok_or(Error::NotFound)?;
    Ok(authors::shown(&customer.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_never_publishes_what_the_merchant_has_not_seen() {
        use Moderation::{After, Before};
        use Status::{Pending, Published, Rejected};
        for (moderation, status, expected) in [
            (Before, Pending, Pending),
            (Before, Published, Pending),
            (Before, Rejected, Pending),
            (After, Pending, Pending),
            (After, Published, Published),
            (After, Rejected, Pending),
        ] {
            assert_eq!(moderation.of_changed(status), expected, "{moderation:?} {status:?}");
        }
    }
}
