//! Inboxes.

use uuid::Uuid;

use super::queue::Attributes;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::notifications::inbox::Item;

#[derive(FromRow)]
struct ItemRow {
    id: Uuid,
    position: i64,
    kind: String,
    about: String,
    title: String,
    body: String,
    attributes: Json<Attributes>,
    created_at: Moment,
    read_at: Option<Moment>,
}

impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        Self {
            id: row.id,
            position: row.position,
            kind: row.kind,
            about: row.about,
            title: row.title,
            text: row.body,
            attributes: row.attributes.0,
            created_at: row.created_at,
            read_at: row.read_at,
        }
    }
}

/// The next position of this person. The row stays locked until the transaction ends, so positions become visible in their order.
pub(in crate::notifications) async fn next_position(tx: &mut Tx, customer_id: Uuid, now: Moment) -> Result<i64> {
    let (position,) = sql::one!(
        tx,
        (i64,),
        "insert into inbox_positions (customer_id, last, changed_at) values ($1, 1, $2)
         on conflict (customer_id) do update set last = inbox_positions.last + 1, changed_at = excluded.changed_at
         returning last",
        customer_id,
        now
    )?;
    Ok(position)
}

pub(in crate::notifications) async fn insert_item(tx: &mut Tx, customer_id: Uuid, item: &Item) -> Result<()> {
    sql::execute!(
        tx,
        "insert into inbox_items (id, customer_id, position, kind, about, title, body, attributes, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        item.id,
        customer_id,
        item.position,
        item.kind.as_str(),
        item.about.as_str(),
        item.title.as_str(),
        item.text.as_str(),
        Json(&item.attributes),
        item.created_at
    )?;
    Ok(())
}

/// Items before `before`, the newest first.
pub(in crate::notifications) async fn items_before(
    conn: &mut Conn,
    customer_id: Uuid,
    before: i64,
    limit: i64,
) -> Result<Vec<Item>> {
    let rows = sql::all!(
        conn,
        ItemRow,
        "select id, position, kind, about, title, body, attributes, created_at, read_at from inbox_items
         where customer_id = $1 and position < $2 order by position desc limit $3",
        customer_id,
        before,
        limit
    )?;
    Ok(rows.into_iter().map(Item::from).collect())
}

/// As [`items_before`], of those that are not read.
pub(in crate::notifications) async fn unread_before(
    conn: &mut Conn,
    customer_id: Uuid,
    before: i64,
    limit: i64,
) -> Result<Vec<Item>> {
    let rows = sql::all!(
        conn,
        ItemRow,
        "select id, position, kind, about, title, body, attributes, created_at, read_at from inbox_items
         where customer_id = $1 and position < $2 and read_at is null order by position desc limit $3",
        customer_id,
        before,
        limit
    )?;
    Ok(rows.into_iter().map(Item::from).collect())
}

/// Items after `after`, the oldest first.
pub(in crate::notifications) async fn items_after(
    conn: &mut Conn,
    customer_id: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<Item>> {
    let rows = sql::all!(
        conn,
        ItemRow,
        "select id, position, kind, about, title, body, attributes, created_at, read_at from inbox_items
         where customer_id = $1 and position > $2 order by position limit $3",
        customer_id,
        after,
        limit
    )?;
    Ok(rows.into_iter().map(Item::from).collect())
}

pub(in crate::notifications) async fn count_unread(conn: &mut Conn, customer_id: Uuid) -> Result<i64> {
    let (count,) = sql::one!(
        conn,
        (i64,),
        "select count(*) from inbox_items where customer_id = $1 and read_at is null",
        customer_id
    )?;
    Ok(count)
}

/// The last position of this person; 0 for whom nothing was ever told.
pub(in crate::notifications) async fn last_position(conn: &mut Conn, customer_id: Uuid) -> Result<i64> {
    let row = sql::optional!(conn, (i64,), "select last from inbox_positions where customer_id = $1", customer_id)?;
    Ok(row.map_or(0, |(last,)| last))
}

/// Whose inbox changed since `since`, and the last position.
pub(in crate::notifications) async fn changed_since(conn: &mut Conn, since: Moment) -> Result<Vec<(Uuid, i64)>> {
    sql::all!(conn, (Uuid, i64), "select customer_id, last from inbox_positions where changed_at >= $1", since)
}

/// Whether there is such an item; read before, it keeps the time of the first reading.
pub(in crate::notifications) async fn mark_read(tx: &mut Tx, customer_id: Uuid, id: Uuid, now: Moment) -> Result<bool> {
    let rows = sql::execute!(
        tx,
        "update inbox_items set read_at = coalesce(read_at, $3) where customer_id = $1 and id = $2",
        customer_id,
        id,
        now
    )?;
    Ok(rows == 1)
}

/// Marks what is not read up to position `until`, and tells how many that were.
pub(in crate::notifications) async fn mark_all_read(
    tx: &mut Tx,
    customer_id: Uuid,
    until: i64,
    now: Moment,
) -> Result<u64> {
    sql::execute!(
        tx,
        "update inbox_items set read_at = $3 where customer_id = $1 and position <= $2 and read_at is null",
        customer_id,
        until,
        now
    )
}

pub(in crate::notifications) async fn delete_item(tx: &mut Tx, customer_id: Uuid, id: Uuid) -> Result<bool> {
    let rows = sql::execute!(tx, "delete from inbox_items where customer_id = $1 and id = $2", customer_id, id)?;
    Ok(rows == 1)
}

/// Deletes at most `limit` items that were made before `before`, and tells how many.
pub(in crate::notifications) async fn forget_items(tx: &mut Tx, before: Moment, limit: u32) -> Result<u64> {
    sql::execute!(
        tx,
        "delete from inbox_items where id in (select id from inbox_items where created_at < $1 limit $2)",
        before,
        i64::from(limit)
    )
}
