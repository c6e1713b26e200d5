//! The prices of lists, as the merchant changes them.

use std::collections::HashSet;

use uuid::Uuid;

use super::ListRow;
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, Tx, sql};
use crate::prices::{Entry, KnownEntry, NewEntry, VariantEntry};

/// Rows of one statement: both databases take so many values.
const CHUNK: usize = 500;

#[derive(FromRow)]
struct EntryRow {
    variant_id: Uuid,
    sku: String,
    amount: i64,
    compare_at: Option<i64>,
}

pub(in crate::prices) async fn entries(conn: &mut Conn, list_id: Uuid, after: Uuid, limit: u32) -> Result<Vec<Entry>> {
    let rows = sql::all!(
        conn,
        EntryRow,
        "select e.variant_id, v.sku, e.amount, e.compare_at
         from list_prices e join variants v on v.id = e.variant_id
         where e.list_id = $1 and e.variant_id > $2
         order by e.variant_id limit $3",
        list_id,
        after,
        i64::from(limit)
    )?;
    let entry = |row: EntryRow| Entry {
        variant_id: row.variant_id,
        sku: row.sku,
        amount: row.amount,
        compare_at: row.compare_at,
    };
    Ok(rows.into_iter().map(entry).collect())
}

#[derive(FromRow)]
struct VariantEntryRow {
    #[sqlx(flatten)]
    list: ListRow,
    amount: i64,
    compare_at: Option<i64>,
}

/// By the code of the list.
pub(in crate::prices) async fn entries_of_variant(conn: &mut Conn, variant_id: Uuid) -> Result<Vec<VariantEntry>> {
    let rows = sql::all!(
        conn,
        VariantEntryRow,
        "select l.id, l.code, l.name, l.currency, l.group_code, l.status, l.priority, l.starts_at, l.ends_at, l.version,
                l.created_at, l.updated_at, e.amount, e.compare_at
         from list_prices e join price_lists l on l.id = e.list_id
         where e.variant_id = $1 order by l.code",
        variant_id
    )?;
    let entry =
        |row: VariantEntryRow| VariantEntry { list: row.list.into(), amount: row.amount, compare_at: row.compare_at };
    Ok(rows.into_iter().map(entry).collect())
}

/// Which of them exist. Asked before they are written: after a violation PostgreSQL's transaction would be over.
pub(in crate::prices) async fn known_variants(tx: &mut Tx, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let mut known = HashSet::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let mut built = Built::new("select id from variants where id in (");
        built.bind_all(ids.iter().copied()).push(")");
        known.extend(built.all::<(Uuid,)>(tx).await?.into_iter().map(|(id,)| id));
    }
    Ok(known)
}

/// Variants with these SKUs, and what the list has of each.
pub(in crate::prices) async fn entries_of_skus(
    conn: &mut Conn,
    list_id: Uuid,
    skus: &[&str],
) -> Result<Vec<KnownEntry>> {
    let mut known = Vec::with_capacity(skus.len());
    for skus in skus.chunks(CHUNK) {
        let mut built = Built::new(
            "select v.id, v.sku, e.amount, e.compare_at from variants v
             left join list_prices e on e.variant_id = v.id and e.list_id = ",
        );
        built.bind(list_id).push(" where v.sku in (").bind_all(skus.iter().copied()).push(")");
        let rows: Vec<(Uuid, String, Option<i64>, Option<i64>)> = built.all(conn).await?;
        known.extend(rows.into_iter().map(|(variant_id, sku, amount, compare_at)| KnownEntry {
            variant_id,
            sku,
            price: amount.map(|amount| (amount, compare_at)),
        }));
    }
    Ok(known)
}

/// Over those that there are.
pub(in crate::prices) async fn put_entries(
    tx: &mut Tx,
    list_id: Uuid,
    entries: &[NewEntry],
    now: Moment,
) -> Result<()> {
    for entries in entries.chunks(CHUNK) {
        let mut built =
            Built::new("insert into list_prices (list_id, variant_id, amount, compare_at, updated_at) values ");
        for (index, entry) in entries.iter().enumerate() {
            built.push(if index == 0 { "(" } else { ", (" });
            built.bind(list_id).push(", ").bind(entry.variant_id).push(", ").bind(entry.amount).push(", ");
            match entry.compare_at {
                Some(compare_at) => built.bind(compare_at),
                None => built.push("null"),
            };
            built.push(", ").bind(now).push(")");
        }
        built.push(
            " on conflict (list_id, variant_id) do update set amount = excluded.amount, compare_at = excluded.compare_at,
                                                              updated_at = excluded.updated_at",
        );
        built.execute(tx).await?;
    }
    Ok(())
}

/// False where the list has no price of the variant.
pub(in crate::prices) async fn delete_entry(tx: &mut Tx, list_id: Uuid, variant_id: Uuid) -> Result<bool> {
    let deleted =
        sql::execute!(tx, "delete from list_prices where list_id = $1 and variant_id = $2", list_id, variant_id)?;
    Ok(deleted == 1)
}
