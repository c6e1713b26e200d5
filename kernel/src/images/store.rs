//! All the SQL of images.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Digests, Encoding, Image};
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct ImageRow {
    id: Uuid,
    product_id: Uuid,
    alt: String,
    position: i64,
    format: String,
    width: i64,
    height: i64,
    list_digest: String,
    detail_digest: String,
    full_digest: String,
    created_at: Moment,
    updated_at: Moment,
    variant_id: Option<Uuid>,
}

impl From<ImageRow> for Image {
    fn from(row: ImageRow) -> Self {
        Self {
            id: row.id,
            product_id: row.product_id,
            alt: row.alt,
            position: row.position,
            encoding: Encoding::parse(&row.format),
            width: row.width,
            height: row.height,
            digests: Digests { list: row.list_digest, detail: row.detail_digest, full: row.full_digest },
            variant_ids: Vec::new(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// By product and position. The row of an image repeats for each variant that it is of.
pub(super) async fn of_products(conn: &mut Conn, product_ids: &[Uuid]) -> Result<Vec<Image>> {
    let mut built = Built::new(
        "select i.id, i.product_id, i.alt, i.position, i.format, i.width, i.height, i.list_digest, i.detail_digest,
                i.full_digest, i.created_at, i.updated_at, own.variant_id
         from product_images i
         left join variant_images own on own.image_id = i.id
         where i.product_id in (",
    );
    built.bind_all(product_ids.iter().copied()).push(") order by i.product_id, i.position, i.id, own.variant_id");
    let rows: Vec<ImageRow> = built.all(conn).await?;
    let mut images: Vec<Image> = Vec::new();
    for row in rows {
        let variant_id = row.variant_id;
        if images.last().is_none_or(|image| image.id != row.id) {
            images.push(row.into());
        }
        if let Some(image) = images.last_mut() {
            image.variant_ids.extend(variant_id);
        }
    }
    Ok(images)
}

/// By position.
pub(super) async fn ids(conn: &mut Conn, product_id: Uuid) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select id from product_images where product_id = $1 order by position, id",
        product_id
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// At no position yet: [`set_order`] gives it one.
pub(super) async fn insert(tx: &mut Tx, image: &Image) -> Result<()> {
    sql::execute!(
        tx,
        "insert into product_images (id, product_id, alt, position, format, width, height, list_digest, detail_digest,
                                     full_digest, created_at, updated_at)
         values ($1, $2, $3, -1, $4, $5, $6, $7, $8, $9, $10, $11)",
        image.id,
        image.product_id,
        image.alt.as_str(),
        image.encoding.as_str(),
        image.width,
        image.height,
        image.digests.list.as_str(),
        image.digests.detail.as_str(),
        image.digests.full.as_str(),
        image.created_at,
        image.updated_at
    )?;
    Ok(())
}

/// Positions from 0 on, all of them: there are some dozen at most.
pub(super) async fn set_order(tx: &mut Tx, ids: &[Uuid]) -> Result<()> {
    for (position, id) in (0_i64..).zip(ids) {
        sql::execute!(tx, "update product_images set position = $2 where id = $1 and position <> $2", *id, position)?;
    }
    Ok(())
}

pub(super) async fn set_alt(tx: &mut Tx, id: Uuid, alt: &str, now: Moment) -> Result<()> {
    sql::execute!(tx, "update product_images set alt = $2, updated_at = $3 where id = $1", id, alt, now)?;
    Ok(())
}

/// What it showed; none where the product has no such image.
pub(super) async fn delete(tx: &mut Tx, product_id: Uuid, id: Uuid) -> Result<Option<Digests>> {
    let row = sql::optional!(
        tx,
        (String, String, String),
        "delete from product_images where id = $1 and product_id = $2
         returning list_digest, detail_digest, full_digest",
        id,
        product_id
    )?;
    Ok(row.map(|(list, detail, full)| Digests { list, detail, full }))
}

/// Each of them once.
pub(super) async fn set_variant(tx: &mut Tx, variant_id: Uuid, image_ids: &BTreeSet<Uuid>) -> Result<()> {
    sql::execute!(tx, "delete from variant_images where variant_id = $1", variant_id)?;
    for image_id in image_ids {
        sql::execute!(tx, "insert into variant_images (variant_id, image_id) values ($1, $2)", variant_id, *image_id)?;
    }
    Ok(())
}

/// False while it is being removed.
pub(super) async fn announce_file(tx: &mut Tx, digest: &str, now: Moment) -> Result<bool> {
    let announced = sql::execute!(
        tx,
        "insert into image_files (digest, uses, unused_since) values ($1, 0, $2)
         on conflict (digest) do update
         set unused_since = case when image_files.uses = 0 then excluded.unused_since else image_files.unused_since end
         where image_files.removing_since is null",
        digest,
        now
    )?;
    Ok(announced == 1)
}

/// False where it is gone.
pub(super) async fn use_file(tx: &mut Tx, digest: &str) -> Result<bool> {
    let used = sql::execute!(
        tx,
        "update image_files set uses = uses + 1, unused_since = null where digest = $1 and removing_since is null",
        digest
    )?;
    Ok(used == 1)
}

pub(super) async fn release_file(tx: &mut Tx, digest: &str, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update image_files
         set uses = uses - 1, unused_since = case when uses = 1 then $2 else unused_since end
         where digest = $1",
        digest,
        now
    )?;
    Ok(())
}

/// The longest unused first; not those that somebody removes right now.
pub(super) async fn unused_files(conn: &mut Conn, before: Moment, given_up: Moment, limit: i64) -> Result<Vec<String>> {
    let rows = sql::all!(
        conn,
        (String,),
        "select digest from image_files
         where unused_since < $1 and (removing_since is null or removing_since < $2)
         order by unused_since limit $3",
        before,
        given_up,
        limit
    )?;
    Ok(rows.into_iter().map(|(digest,)| digest).collect())
}

/// False where it is used again, or another removes it.
pub(super) async fn claim_removal(
    tx: &mut Tx,
    digest: &str,
    before: Moment,
    given_up: Moment,
    now: Moment,
) -> Result<bool> {
    let claimed = sql::execute!(
        tx,
        "update image_files set removing_since = $4
         where digest = $1 and uses = 0 and unused_since < $2 and (removing_since is null or removing_since < $3)",
        digest,
        before,
        given_up,
        now
    )?;
    Ok(claimed == 1)
}

pub(super) async fn forget_file(tx: &mut Tx, digest: &str) -> Result<()> {
    sql::execute!(tx, "delete from image_files where digest = $1", digest)?;
    Ok(())
}
