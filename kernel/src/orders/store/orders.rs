//! Orders themselves, and how far they have come.

use uuid::Uuid;

use crate::accounts::Email;
use crate::address::Address;
use crate::carts::Attributes;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::orders::{Delivery, Order, Status, quantity_of};

#[derive(FromRow)]
pub(super) struct OrderRow {
    id: Uuid,
    number: i64,
    cart_id: Uuid,
    customer_id: Option<Uuid>,
    status: String,
    currency: String,
    locale: String,
    email: String,
    address: Json<Address>,
    billing_address: Option<Json<Address>>,
    delivery: Json<Delivery>,
    note: String,
    attributes: Json<Attributes>,
    goods_total: i64,
    discount_total: i64,
    fee_total: i64,
    delivery_total: i64,
    tax_total: i64,
    tax_included_total: i64,
    total: i64,
    revision: i64,
    version: i64,
    placed_at: Moment,
    updated_at: Moment,
}

impl From<OrderRow> for Order {
    fn from(row: OrderRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            cart_id: row.cart_id,
            customer_id: row.customer_id,
            // The column's own check allows nothing else; a cancelled order is the reading that does least.
            status: Status::parse(&row.status).unwrap_or(Status::Cancelled),
            currency: row.currency,
            locale: row.locale,
            email: row.email,
            address: row.address.0,
            billing_address: row.billing_address.map(|Json(address)| address),
            delivery: row.delivery.0,
            note: row.note,
            attributes: row.attributes.0,
            goods_total: row.goods_total,
            discount_total: row.discount_total,
            fee_total: row.fee_total,
            delivery_total: row.delivery_total,
            tax_total: row.tax_total,
            tax_included_total: row.tax_included_total,
            total: row.total,
            revision: row.revision,
            version: row.version,
            placed_at: row.placed_at,
            updated_at: row.updated_at,
        }
    }
}

/// Numbers are given in the order of committing: the row stays locked until then.
pub(in crate::orders) async fn next_number(tx: &mut Tx) -> Result<i64> {
    let (number,) =
        sql::one!(tx, (i64,), "update counters set value = value + 1 where name = 'order_number' returning value")?;
    Ok(number)
}

pub(in crate::orders) async fn insert_order(tx: &mut Tx, order: &Order) -> Result<()> {
    sql::execute!(
        tx,
        "insert into orders (id, number, cart_id, customer_id, status, currency, locale, email, email_key, address, delivery,
                             note, attributes, goods_total, discount_total, fee_total, delivery_total, tax_total,
                             tax_included_total, total, revision, version, placed_at, updated_at, billing_address)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23, $24, $25)",
        order.id,
        order.number,
        order.cart_id,
        order.customer_id,
        order.status.name(),
        order.currency.as_str(),
        order.locale.as_str(),
        order.email.as_str(),
        Email::key_of(&order.email),
        Json(&order.address),
        Json(&order.delivery),
        order.note.as_str(),
        Json(&order.attributes),
        order.goods_total,
        order.discount_total,
        order.fee_total,
        order.delivery_total,
        order.tax_total,
        order.tax_included_total,
        order.total,
        order.revision,
        order.version,
        order.placed_at,
        order.updated_at,
        order.billing_address.as_ref().map(Json)
    )?;
    Ok(())
}

/// Moves the order unless it changed since its version was read.
pub(in crate::orders) async fn update_status(
    tx: &mut Tx,
    id: Uuid,
    version: i64,
    status: Status,
    now: Moment,
) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update orders set status = $3, updated_at = $4, version = version + 1 where id = $1 and version = $2",
        id,
        version,
        status.name(),
        now
    )?;
    Ok(changed == 1)
}

pub(in crate::orders) async fn find_order(conn: &mut Conn, id: Uuid) -> Result<Option<Order>> {
    let row = sql::optional!(
        conn,
        OrderRow,
        "select id, number, cart_id, customer_id, status, currency, locale, email, address, billing_address, delivery, note,
                attributes, goods_total, discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, revision, version,
                placed_at, updated_at
         from orders where id = $1",
        id
    )?;
    Ok(row.map(Order::from))
}

pub(in crate::orders) async fn find_order_by_number(conn: &mut Conn, number: i64) -> Result<Option<Order>> {
    let row = sql::optional!(
        conn,
        OrderRow,
        "select id, number, cart_id, customer_id, status, currency, locale, email, address, billing_address, delivery, note,
                attributes, goods_total, discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, revision, version,
                placed_at, updated_at
         from orders where number = $1",
        number
    )?;
    Ok(row.map(Order::from))
}

/// An order that must exist: its id came from a row that refers to it.
pub(in crate::orders) async fn get_order(conn: &mut Conn, id: Uuid) -> Result<Order> {
    let row = sql::one!(
        conn,
        OrderRow,
        "select id, number, cart_id, customer_id, status, currency, locale, email, address, billing_address, delivery, note,
                attributes, goods_total, discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, revision, version,
                placed_at, updated_at
         from orders where id = $1",
        id
    )?;
    Ok(row.into())
}

/// The order, locked until the end of the transaction: writing a row that stays as it is works on both databases alike.
pub(in crate::orders) async fn lock_order(tx: &mut Tx, id: Uuid) -> Result<Order> {
    let row = sql::one!(
        tx,
        OrderRow,
        "update orders set updated_at = updated_at where id = $1
         returning id, number, cart_id, customer_id, status, currency, locale, email, address, billing_address, delivery, note,
                   attributes, goods_total, discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, revision, version,
                   placed_at, updated_at",
        id
    )?;
    Ok(row.into())
}

/// How many there are.
pub(in crate::orders) async fn count(conn: &mut Conn) -> Result<u64> {
    let (count,) = sql::one!(conn, (i64,), "select count(*) from orders")?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Every number, in order: what verifying a whole shop walks along.
pub(in crate::orders) async fn numbers_after(conn: &mut Conn, number: i64, limit: i64) -> Result<Vec<i64>> {
    let rows =
        sql::all!(conn, (i64,), "select number from orders where number > $1 order by number limit $2", number, limit)?;
    Ok(rows.into_iter().map(|(number,)| number).collect())
}

/// Those that were placed before `order_id`; all, where it is none.
pub(in crate::orders) async fn count_paid(conn: &mut Conn, customer_id: Uuid, order_id: Option<Uuid>) -> Result<u32> {
    let (count,) = sql::one!(
        conn,
        (i64,),
        "select count(*) from orders
         where customer_id = $1 and status in ('paid', 'shipped', 'delivered')
           and not exists (select 1 from orders o where o.id = $2 and o.placed_at <= orders.placed_at)",
        customer_id,
        order_id
    )?;
    Ok(quantity_of(count))
}
