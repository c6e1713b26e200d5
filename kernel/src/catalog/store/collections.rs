//! Collections and what is in them.

use uuid::Uuid;

use crate::catalog::Status;
use crate::catalog::collections::{Collection, CollectionKey, Derivation, Rule};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};

#[derive(FromRow)]
struct CollectionRow {
    id: Uuid,
    slug: String,
    title: String,
    description: String,
    seo_title: String,
    seo_description: String,
    status: String,
    rule: Option<Json<Rule>>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

#[derive(FromRow)]
struct DerivationRow {
    id: Uuid,
    rule: Json<Rule>,
    derive_at: Moment,
    derive_after: Option<Uuid>,
}

impl From<CollectionRow> for Collection {
    fn from(row: CollectionRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            title: row.title,
            description: row.description,
            seo_title: row.seo_title,
            seo_description: row.seo_description,
            status: Status::parse(&row.status),
            rule: row.rule.map(|Json(rule)| rule),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A key before every collection, so that the first page needs no statement of its own.
fn newest() -> CollectionKey {
    let year_10000 = Moment::from_timestamp(253_402_300_799, 0).unwrap_or(Moment::MAX_UTC);
    (year_10000, Uuid::max())
}

/// Walks collections_by_age.
pub(in crate::catalog) async fn list_collections(
    conn: &mut Conn,
    status: Status,
    after: Option<CollectionKey>,
    limit: u32,
) -> Result<Vec<Collection>> {
    let (created_before, id_before) = after.unwrap_or_else(newest);
    let rows = sql::all!(
        conn,
        CollectionRow,
        "select id, slug, title, description, seo_title, seo_description, status, rule, version, created_at, updated_at
         from collections where status = $1 and (created_at, id) < ($2, $3)
         order by created_at desc, id desc limit $4",
        status.as_str(),
        created_before,
        id_before,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(Collection::from).collect())
}

pub(in crate::catalog) async fn find_collection(conn: &mut Conn, id: Uuid) -> Result<Option<Collection>> {
    let row = sql::optional!(
        conn,
        CollectionRow,
        "select id, slug, title, description, seo_title, seo_description, status, rule, version, created_at, updated_at
         from collections where id = $1",
        id
    )?;
    Ok(row.map(Collection::from))
}

pub(in crate::catalog) async fn find_collection_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Collection>> {
    let row = sql::optional!(
        conn,
        CollectionRow,
        "select id, slug, title, description, seo_title, seo_description, status, rule, version, created_at, updated_at
         from collections where slug = $1",
        slug
    )?;
    Ok(row.map(Collection::from))
}

/// Counts the version up, which locks the row until the transaction ends.
pub(in crate::catalog) async fn lock_collection(tx: &mut Tx, id: Uuid, now: Moment) -> Result<Option<Collection>> {
    let row = sql::optional!(
        tx,
        CollectionRow,
        "update collections set version = version + 1, updated_at = $2 where id = $1
         returning id, slug, title, description, seo_title, seo_description, status, rule, version, created_at,
                   updated_at",
        id,
        now
    )?;
    Ok(row.map(Collection::from))
}

/// False where the slug is taken. One by rule is due to be derived at once.
pub(in crate::catalog) async fn insert_collection(tx: &mut Tx, new: &Collection) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into collections (id, slug, title, description, seo_title, seo_description, status, rule, version,
                                  derive_at, derive_after, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, null, $10, $10)
         on conflict (slug) do nothing",
        new.id,
        new.slug.as_str(),
        new.title.as_str(),
        new.description.as_str(),
        new.seo_title.as_str(),
        new.seo_description.as_str(),
        new.status.as_str(),
        new.rule.as_ref().map(Json),
        new.rule.as_ref().map(|_| new.created_at),
        new.created_at
    )?;
    Ok(inserted == 1)
}

/// Version and moment were set by [`lock_collection`].
pub(in crate::catalog) async fn update_collection(tx: &mut Tx, changed: &Collection) -> Result<()> {
    sql::execute!(
        tx,
        "update collections set slug = $2, title = $3, description = $4, seo_title = $5, seo_description = $6,
                                status = $7, rule = $8
         where id = $1",
        changed.id,
        changed.slug.as_str(),
        changed.title.as_str(),
        changed.description.as_str(),
        changed.seo_title.as_str(),
        changed.seo_description.as_str(),
        changed.status.as_str(),
        changed.rule.as_ref().map(Json)
    )?;
    Ok(())
}

pub(in crate::catalog) async fn delete_collection(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from collections where id = $1", id)?;
    Ok(())
}

pub(in crate::catalog) async fn collections_after(conn: &mut Conn, after: Uuid, limit: u32) -> Result<Vec<Collection>> {
    let rows = sql::all!(
        conn,
        CollectionRow,
        "select id, slug, title, description, seo_title, seo_description, status, rule, version, created_at, updated_at
         from collections where id > $1 order by id limit $2",
        after,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(Collection::from).collect())
}

/// In order.
pub(in crate::catalog) async fn member_slugs(conn: &mut Conn, id: Uuid) -> Result<Vec<String>> {
    let rows = sql::all!(
        conn,
        (String,),
        "select p.slug from collection_products m join products p on p.id = m.product_id
         where m.collection_id = $1 order by m.position, m.product_id",
        id
    )?;
    Ok(rows.into_iter().map(|(slug,)| slug).collect())
}

/// In order.
pub(in crate::catalog) async fn members(conn: &mut Conn, id: Uuid) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select product_id from collection_products where collection_id = $1 order by position, product_id",
        id
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(in crate::catalog) async fn delete_members(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from collection_products where collection_id = $1", id)?;
    Ok(())
}

/// False where there is no such product. One that is in it already stays.
pub(in crate::catalog) async fn insert_member(tx: &mut Tx, id: Uuid, product_id: Uuid, position: i64) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into collection_products (collection_id, product_id, position)
         select c.id, p.id, cast($3 as bigint) from collections c join products p on p.id = $2 where c.id = $1
         on conflict (collection_id, product_id) do nothing",
        id,
        product_id,
        position
    )?;
    Ok(inserted == 1)
}

pub(in crate::catalog) async fn delete_member(tx: &mut Tx, id: Uuid, product_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from collection_products where collection_id = $1 and product_id = $2", id, product_id)?;
    Ok(())
}

/// The collections that a product is in, by hand or by rule.
pub(in crate::catalog) async fn collections_of(conn: &mut Conn, product_id: Uuid) -> Result<Vec<Uuid>> {
    let rows =
        sql::all!(conn, (Uuid,), "select collection_id from collection_products where product_id = $1", product_id)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Of every collection by rule: those have a time of their next derivation.
pub(in crate::catalog) async fn rules(conn: &mut Conn) -> Result<Vec<(Uuid, Rule)>> {
    let rows = sql::all!(
        conn,
        (Uuid, Json<Rule>),
        "select id, rule from collections where derive_at is not null order by id"
    )?;
    Ok(rows.into_iter().map(|(id, Json(rule))| (id, rule)).collect())
}

/// From its beginning.
pub(in crate::catalog) async fn derive_again(tx: &mut Tx, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(tx, "update collections set derive_at = $2, derive_after = null where id = $1", id, now)?;
    Ok(())
}

pub(in crate::catalog) async fn derive_all_again(tx: &mut Tx, now: Moment) -> Result<()> {
    sql::execute!(tx, "update collections set derive_at = $1, derive_after = null where derive_at is not null", now)?;
    Ok(())
}

pub(in crate::catalog) async fn due_derivation(conn: &mut Conn, now: Moment) -> Result<Option<Derivation>> {
    let row = sql::optional!(
        conn,
        DerivationRow,
        "select id, rule, derive_at, derive_after from collections where derive_at <= $1 order by derive_at, id limit 1",
        now
    )?;
    Ok(row.map(|row| Derivation {
        collection_id: row.id,
        rule: row.rule.0,
        derive_at: row.derive_at,
        after: row.derive_after,
    }))
}

/// Locks the row; false where it is no longer as it was read.
pub(in crate::catalog) async fn claim_derivation(tx: &mut Tx, due: &Derivation) -> Result<bool> {
    let claimed = sql::execute!(
        tx,
        "update collections set derive_after = derive_after
         where id = $1 and derive_at = $2 and derive_after is not distinct from $3",
        due.collection_id,
        due.derive_at,
        due.after
    )?;
    Ok(claimed == 1)
}

pub(in crate::catalog) async fn go_on(tx: &mut Tx, id: Uuid, after: Uuid) -> Result<()> {
    sql::execute!(tx, "update collections set derive_after = $2 where id = $1", id, after)?;
    Ok(())
}

pub(in crate::catalog) async fn end_derivation(tx: &mut Tx, id: Uuid, again_at: Moment) -> Result<()> {
    sql::execute!(tx, "update collections set derive_at = $2, derive_after = null where id = $1", id, again_at)?;
    Ok(())
}

pub(in crate::catalog) async fn product_ids_after(conn: &mut Conn, after: Uuid, limit: u32) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select id from products where id > $1 order by id limit $2",
        after,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
