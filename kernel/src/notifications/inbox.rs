//! The inbox: what a person finds in the app.
//!
//! An item is written in the transaction of the message that it is, so it is there exactly once. [`super::live`] tells open
//! streams about it.

use uuid::Uuid;

use super::store;
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, events, id};

/// Something that a person is told in the app.
#[derive(Debug, Clone)]
pub struct Item {
    pub id: Uuid,
    /// Counts what this person was told.
    pub position: i64,
    /// Of the event: `order.shipped`.
    pub kind: String,
    /// What the event happened to: an order id, say.
    pub about: String,
    pub title: String,
    pub text: String,
    /// What the plugin gave beside: `url`, say.
    pub attributes: Vec<(String, String)>,
    pub created_at: Moment,
    pub read_at: Option<Moment>,
}

/// What an item is to say.
pub(super) struct NewItem<'a> {
    pub kind: &'a str,
    pub about: &'a str,
    pub title: &'a str,
    pub text: &'a str,
    pub attributes: &'a [(String, String)],
}

/// Which part of an inbox.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Only items before this position.
    pub before: Option<i64>,
    pub unread: bool,
    /// One more is answered, where there is one.
    pub limit: u32,
}

/// A part of an inbox.
#[derive(Debug)]
pub struct Inbox {
    pub items: Vec<Item>,
    pub unread: i64,
    /// The last position that was given: where a stream goes on from without missing anything.
    pub position: i64,
}

/// Writes an item; answers its position, for [`super::live::Hub::told`] after the commit.
pub(super) async fn put(tx: &mut Tx, customer_id: Uuid, new: NewItem<'_>, now: Moment) -> db::Result<i64> {
    let position = store::inbox::next_position(tx, customer_id, now).await?;
    let item = Item {
        id: id::sequential(),
        position,
        kind: new.kind.to_owned(),
        about: new.about.to_owned(),
        title: new.title.to_owned(),
        text: new.text.to_owned(),
        attributes: new.attributes.to_vec(),
        created_at: now,
        read_at: None,
    };
    store::inbox::insert_item(tx, customer_id, &item).await?;
    Ok(position)
}

/// The inbox of a person, the newest first.
pub async fn look(shop: &Shop, customer_id: Uuid, look: Look) -> db::Result<Inbox> {
    let mut conn = shop.db().read().await?;
    let (before, limit) = (look.before.unwrap_or(i64::MAX), i64::from(look.limit) + 1);
    // Before the items: what comes between is then told twice, by the list and by the stream, and not missed.
    let position = store::inbox::last_position(&mut conn, customer_id).await?;
    let items = match look.unread {
        true => store::inbox::unread_before(&mut conn, customer_id, before, limit).await?,
        false => store::inbox::items_before(&mut conn, customer_id, before, limit).await?,
    };
    let unread = store::inbox::count_unread(&mut conn, customer_id).await?;
    Ok(Inbox { items, unread, position })
}

/// Whether the person has such an item; it is read now.
pub async fn mark_read(shop: &Shop, customer_id: Uuid, id: Uuid) -> db::Result<bool> {
    let mut tx = shop.db().write().await?;
    let found = store::inbox::mark_read(&mut tx, customer_id, id, clock::now()).await?;
    tx.commit().await?;
    Ok(found)
}

/// Everything up to `until` is read now (without it, everything); tells how many items were not before.
pub async fn mark_all_read(shop: &Shop, customer_id: Uuid, until: Option<i64>) -> db::Result<u64> {
    let mut tx = shop.db().write().await?;
    let until = until.unwrap_or(i64::MAX);
    let marked = store::inbox::mark_all_read(&mut tx, customer_id, until, clock::now()).await?;
    tx.commit().await?;
    Ok(marked)
}

/// Whether the person had such an item.
pub async fn delete(shop: &Shop, customer_id: Uuid, id: Uuid) -> db::Result<bool> {
    let mut tx = shop.db().write().await?;
    let found = store::inbox::delete_item(&mut tx, customer_id, id).await?;
    tx.commit().await?;
    Ok(found)
}

/// Deletes items older than `notifications.inbox.keep_days`, in small transactions; tells how many.
pub(super) async fn forget_old(shop: &Shop) -> db::Result<u64> {
    const ROWS: u32 = 500;
    let before = events::days_ago(shop.config().notifications.inbox.keep_days);
    let mut total = 0;
    loop {
        let mut tx = shop.db().write().await?;
        let rows = store::inbox::forget_items(&mut tx, before, ROWS).await?;
        tx.commit().await?;
        total += rows;
        if rows == 0 || shop.stopping().is_cancelled() {
            return Ok(total);
        }
    }
}
