//! All the SQL of coupons.

use uuid::Uuid;

use super::{Coupon, Redemption, Terms};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct CouponRow {
    id: Uuid,
    code: String,
    description: String,
    active: bool,
    starts_at: Option<Moment>,
    ends_at: Option<Moment>,
    limit_total: Option<i64>,
    limit_per_customer: Option<i64>,
    redeemed: i64,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<CouponRow> for Coupon {
    fn from(row: CouponRow) -> Self {
        Self {
            id: row.id,
            code: row.code,
            terms: Terms {
                description: row.description,
                active: row.active,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
                limit_total: row.limit_total,
                limit_per_customer: row.limit_per_customer,
            },
            redeemed: row.redeemed,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// False where there is one with this code.
pub(super) async fn insert(tx: &mut Tx, coupon: &Coupon, key: &str) -> Result<bool> {
    let terms = &coupon.terms;
    let inserted = sql::execute!(
        tx,
        "insert into coupons (id, code, code_key, description, active, starts_at, ends_at, limit_total, limit_per_customer,
                              redeemed, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $11) on conflict (code_key) do nothing",
        coupon.id,
        coupon.code.as_str(),
        key,
        terms.description.as_str(),
        terms.active,
        terms.starts_at,
        terms.ends_at,
        terms.limit_total,
        terms.limit_per_customer,
        coupon.version,
        coupon.created_at
    )?;
    Ok(inserted == 1)
}

pub(super) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<Coupon>> {
    let row = sql::optional!(
        conn,
        CouponRow,
        "select id, code, description, active, starts_at, ends_at, limit_total, limit_per_customer, redeemed, version,
                created_at, updated_at
         from coupons where id = $1",
        id
    )?;
    Ok(row.map(Coupon::from))
}

pub(super) async fn find_by_key(conn: &mut Conn, key: &str) -> Result<Option<Coupon>> {
    let row = sql::optional!(
        conn,
        CouponRow,
        "select id, code, description, active, starts_at, ends_at, limit_total, limit_per_customer, redeemed, version,
                created_at, updated_at
         from coupons where code_key = $1",
        key
    )?;
    Ok(row.map(Coupon::from))
}

pub(super) async fn list(conn: &mut Conn, before: Uuid, limit: i64) -> Result<Vec<Coupon>> {
    let rows = sql::all!(
        conn,
        CouponRow,
        "select id, code, description, active, starts_at, ends_at, limit_total, limit_per_customer, redeemed, version,
                created_at, updated_at
         from coupons where id < $1 order by id desc limit $2",
        before,
        limit
    )?;
    Ok(rows.into_iter().map(Coupon::from).collect())
}

/// Counts the version up, which locks the row until the transaction ends (PostgreSQL; SQLite has one writer).
pub(super) async fn lock(tx: &mut Tx, id: Uuid, now: Moment) -> Result<Option<Coupon>> {
    let row = sql::optional!(
        tx,
        CouponRow,
        "update coupons set version = version + 1, updated_at = $2 where id = $1
         returning id, code, description, active, starts_at, ends_at, limit_total, limit_per_customer, redeemed, version,
                   created_at, updated_at",
        id,
        now
    )?;
    Ok(row.map(Coupon::from))
}

/// The version was set by [`lock`].
pub(super) async fn update(tx: &mut Tx, coupon: &Coupon) -> Result<()> {
    let terms = &coupon.terms;
    sql::execute!(
        tx,
        "update coupons set description = $2, active = $3, starts_at = $4, ends_at = $5, limit_total = $6,
                limit_per_customer = $7
         where id = $1",
        coupon.id,
        terms.description.as_str(),
        terms.active,
        terms.starts_at,
        terms.ends_at,
        terms.limit_total,
        terms.limit_per_customer
    )?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from coupons where id = $1", id)?;
    Ok(())
}

/// Counts one redemption more, if the coupon is good now and not used up; then, its limit for one buyer. None where it is not.
pub(super) async fn count_up(tx: &mut Tx, id: Uuid, now: Moment) -> Result<Option<Option<i64>>> {
    let row = sql::optional!(
        tx,
        (Option<i64>,),
        "update coupons set redeemed = redeemed + 1
         where id = $1 and active and (starts_at is null or starts_at <= $2) and (ends_at is null or ends_at > $2)
           and (limit_total is null or redeemed < limit_total)
         returning limit_per_customer",
        id,
        now
    )?;
    Ok(row.map(|(limit,)| limit))
}

pub(super) async fn count_down(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "update coupons set redeemed = redeemed - 1 where id = $1", id)?;
    Ok(())
}

/// Codes of coupons, when each was redeemed for this order, and when it was given back.
pub(super) async fn redeemed_for(conn: &mut Conn, order_id: Uuid) -> Result<Vec<(String, Moment, Option<Moment>)>> {
    sql::all!(
        conn,
        (String, Moment, Option<Moment>),
        "select c.code, r.redeemed_at, r.returned_at from coupon_redemptions r join coupons c on c.id = r.coupon_id
         where r.order_id = $1 order by r.id",
        order_id
    )
}

/// Whoever redeemed a coupon for this order is nobody from now on.
pub(super) async fn forget_buyer(tx: &mut Tx, order_id: Uuid) -> Result<()> {
    sql::execute!(tx, "update coupon_redemptions set buyer = '' where order_id = $1", order_id)?;
    Ok(())
}

pub(super) async fn count_of_buyer(conn: &mut Conn, id: Uuid, buyer: &str) -> Result<i64> {
    let (count,) = sql::one!(
        conn,
        (i64,),
        "select count(*) from coupon_redemptions where coupon_id = $1 and buyer = $2 and returned_at is null",
        id,
        buyer
    )?;
    Ok(count)
}

pub(super) async fn insert_redemption(
    tx: &mut Tx,
    id: Uuid,
    coupon_id: Uuid,
    order_id: Uuid,
    buyer: &str,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into coupon_redemptions (id, coupon_id, order_id, buyer, redeemed_at) values ($1, $2, $3, $4, $5)",
        id,
        coupon_id,
        order_id,
        buyer,
        now
    )?;
    Ok(())
}

/// The coupons that an order holds, in the order in which they are locked.
pub(super) async fn redeemed_by(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select coupon_id from coupon_redemptions where order_id = $1 and returned_at is null order by coupon_id",
        order_id
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn return_redemption(tx: &mut Tx, coupon_id: Uuid, order_id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update coupon_redemptions set returned_at = $3
         where coupon_id = $1 and order_id = $2 and returned_at is null",
        coupon_id,
        order_id,
        now
    )?;
    Ok(())
}

#[derive(FromRow)]
struct RedemptionRow {
    id: Uuid,
    number: i64,
    redeemed_at: Moment,
    returned_at: Option<Moment>,
}

pub(super) async fn redemptions(conn: &mut Conn, coupon_id: Uuid, before: Uuid, limit: i64) -> Result<Vec<Redemption>> {
    let rows = sql::all!(
        conn,
        RedemptionRow,
        "select r.id, o.number, r.redeemed_at, r.returned_at
         from coupon_redemptions r join orders o on o.id = r.order_id
         where r.coupon_id = $1 and r.id < $2 order by r.id desc limit $3",
        coupon_id,
        before,
        limit
    )?;
    let redemption = |row: RedemptionRow| Redemption {
        id: row.id,
        order_number: row.number,
        redeemed_at: row.redeemed_at,
        returned_at: row.returned_at,
    };
    Ok(rows.into_iter().map(redemption).collect())
}
