//! What a person wrote: told to whoever may ask, and forgotten.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Review, ratings, store};
use crate::db::{self, Conn, Tx};

/// All reviews of the person.
pub async fn export_person(conn: &mut Conn, customer_id: Uuid) -> db::Result<Vec<Value>> {
    let written = store::of_customer(conn, customer_id, None, i64::MAX).await?;
    let export = |review: Review| {
        json!({
            "id": review.id,
            "product_id": review.product_id,
            "author": review.author,
            "rating": review.rating,
            "title": review.title,
            "body": review.body,
            "status": review.status,
            "reason": review.reason,
            "reply": review.reply.map(|reply| reply.text),
            "created_at": review.created_at,
            "updated_at": review.updated_at,
        })
    };
    Ok(written.into_iter().map(export).collect())
}

/// On which reviews the person voted, and how.
pub async fn export_votes(conn: &mut Conn, customer_id: Uuid) -> db::Result<Vec<Value>> {
    let votes = store::cast_by(conn, customer_id).await?;
    Ok(votes.into_iter().map(|(review_id, helpful)| json!({ "review_id": review_id, "helpful": helpful })).collect())
}

/// Erases what somebody wrote, and how they voted: the text of a review may well say who they are. Products that were rated are
/// counted again: call `catalog::announce` after the commit. Tells which reviews they were.
pub async fn forget_person(tx: &mut Tx, customer_id: Uuid) -> db::Result<Vec<Uuid>> {
    for review_id in store::votes_of(tx, customer_id).await? {
        store::lock(tx, review_id).await?;
        store::delete_vote(tx, review_id, customer_id).await?;
        store::count_votes(tx, review_id).await?;
    }
    let forgotten = store::forget_customer(tx, customer_id).await?;
    for (product_id, _) in &forgotten {
        ratings::count(tx, *product_id).await?;
    }
    Ok(forgotten.into_iter().map(|(_, id)| id).collect())
}
