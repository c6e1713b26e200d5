//! All the SQL of orders.

use uuid::Uuid;

use super::receipts::Receipt;
use super::{Adjustment, Delivery, Event, Line, Order, PricedBy, Status, Target, quantity_of};
use crate::address::Address;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};

#[derive(FromRow)]
struct OrderRow {
    id: Uuid,
    number: i64,
    cart_id: Uuid,
    customer_id: Option<Uuid>,
    status: String,
    currency: String,
    locale: String,
    email: String,
    address: Json<Address>,
    delivery: Json<Delivery>,
    goods_total: i64,
    discount_total: i64,
    fee_total: i64,
    delivery_total: i64,
    tax_total: i64,
    tax_included_total: i64,
    total: i64,
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
            delivery: row.delivery.0,
            goods_total: row.goods_total,
            discount_total: row.discount_total,
            fee_total: row.fee_total,
            delivery_total: row.delivery_total,
            tax_total: row.tax_total,
            tax_included_total: row.tax_included_total,
            total: row.total,
            version: row.version,
            placed_at: row.placed_at,
            updated_at: row.updated_at,
        }
    }
}

/// Numbers are given in the order of committing: the row stays locked until then.
pub(super) async fn next_number(tx: &mut Tx) -> Result<i64> {
    let (number,) =
        sql::one!(tx, (i64,), "update counters set value = value + 1 where name = 'order_number' returning value")?;
    Ok(number)
}

pub(super) async fn insert_order(tx: &mut Tx, order: &Order) -> Result<()> {
    sql::execute!(
        tx,
        "insert into orders (id, number, cart_id, customer_id, status, currency, locale, email, address, delivery,
                             goods_total, discount_total, fee_total, delivery_total, tax_total, tax_included_total, total,
                             version, placed_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        order.id,
        order.number,
        order.cart_id,
        order.customer_id,
        order.status.name(),
        order.currency.as_str(),
        order.locale.as_str(),
        order.email.as_str(),
        Json(&order.address),
        Json(&order.delivery),
        order.goods_total,
        order.discount_total,
        order.fee_total,
        order.delivery_total,
        order.tax_total,
        order.tax_included_total,
        order.total,
        order.version,
        order.placed_at,
        order.updated_at
    )?;
    Ok(())
}

pub(super) async fn insert_lines(tx: &mut Tx, order_id: Uuid, lines: &[Line]) -> Result<()> {
    for (position, line) in (0_i64..).zip(lines) {
        sql::execute!(
            tx,
            "insert into order_lines (order_id, position, variant_id, sku, title, quantity, unit_price, total,
                                      compare_at, price_list)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            order_id,
            position,
            line.variant_id,
            line.sku.as_str(),
            line.title.as_str(),
            i64::from(line.quantity),
            line.unit_price,
            line.total,
            line.compare_at,
            line.price_list.as_deref()
        )?;
    }
    Ok(())
}

pub(super) async fn insert_adjustments(tx: &mut Tx, order_id: Uuid, adjustments: &[Adjustment]) -> Result<()> {
    for (position, adjustment) in (0_i64..).zip(adjustments) {
        let (target, line_position) = match adjustment.target {
            Target::Line(position) => ("line", Some(position)),
            Target::Order => ("order", None),
            Target::Delivery => ("delivery", None),
        };
        sql::execute!(
            tx,
            "insert into order_adjustments (order_id, position, target, line_position, kind, code, label, amount)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            order_id,
            position,
            target,
            line_position,
            adjustment.kind.as_str(),
            adjustment.code.as_str(),
            adjustment.label.as_str(),
            adjustment.amount
        )?;
    }
    Ok(())
}

pub(super) async fn insert_receipts(tx: &mut Tx, order_id: Uuid, receipts: &[Receipt]) -> Result<()> {
    for (position, receipt) in (0_i64..).zip(receipts) {
        sql::execute!(
            tx,
            "insert into order_receipts (order_id, position, domain, plugin, version, digest, settings, input, input_sha256,
                                         output, fuel)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            order_id,
            position,
            receipt.domain.as_str(),
            receipt.plugin.as_str(),
            receipt.version.as_str(),
            receipt.digest.as_str(),
            receipt.settings.as_str(),
            receipt.input.as_str(),
            receipt.input_sha256.as_str(),
            receipt.output.as_str(),
            receipt.fuel
        )?;
    }
    Ok(())
}

pub(super) async fn insert_history(
    tx: &mut Tx,
    order_id: Uuid,
    position: i64,
    at: Moment,
    status: &str,
    cause: &str,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into order_history (order_id, position, at, status, cause) values ($1, $2, $3, $4, $5)",
        order_id,
        position,
        at,
        status,
        cause
    )?;
    Ok(())
}

/// Moves the order unless it changed since its version was read.
pub(super) async fn update_status(tx: &mut Tx, id: Uuid, version: i64, status: Status, now: Moment) -> Result<bool> {
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

pub(super) async fn find_order(conn: &mut Conn, id: Uuid) -> Result<Option<Order>> {
    let row = sql::optional!(
        conn,
        OrderRow,
        "select id, number, cart_id, customer_id, status, currency, locale, email, address, delivery, goods_total,
                discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, version, placed_at,
                updated_at
         from orders where id = $1",
        id
    )?;
    Ok(row.map(Order::from))
}

pub(super) async fn find_order_by_number(conn: &mut Conn, number: i64) -> Result<Option<Order>> {
    let row = sql::optional!(
        conn,
        OrderRow,
        "select id, number, cart_id, customer_id, status, currency, locale, email, address, delivery, goods_total,
                discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, version, placed_at,
                updated_at
         from orders where number = $1",
        number
    )?;
    Ok(row.map(Order::from))
}

/// An order that must exist: its id came from a row that refers to it.
pub(super) async fn get_order(conn: &mut Conn, id: Uuid) -> Result<Order> {
    let row = sql::one!(
        conn,
        OrderRow,
        "select id, number, cart_id, customer_id, status, currency, locale, email, address, delivery, goods_total,
                discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, version, placed_at,
                updated_at
         from orders where id = $1",
        id
    )?;
    Ok(row.into())
}

pub(super) async fn orders_of(
    conn: &mut Conn,
    customer_id: Uuid,
    before: Moment,
    before_id: Uuid,
    limit: i64,
) -> Result<Vec<Order>> {
    let rows = sql::all!(
        conn,
        OrderRow,
        "select id, number, cart_id, customer_id, status, currency, locale, email, address, delivery, goods_total,
                discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, version, placed_at,
                updated_at
         from orders where customer_id = $1 and (placed_at, id) < ($2, $3) order by placed_at desc, id desc limit $4",
        customer_id,
        before,
        before_id,
        limit
    )?;
    Ok(rows.into_iter().map(Order::from).collect())
}

pub(super) async fn all_orders(conn: &mut Conn, before: Moment, before_id: Uuid, limit: i64) -> Result<Vec<Order>> {
    let rows = sql::all!(
        conn,
        OrderRow,
        "select id, number, cart_id, customer_id, status, currency, locale, email, address, delivery, goods_total,
                discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, version, placed_at,
                updated_at
         from orders where (placed_at, id) < ($1, $2) order by placed_at desc, id desc limit $3",
        before,
        before_id,
        limit
    )?;
    Ok(rows.into_iter().map(Order::from).collect())
}

/// Every number, in order: what verifying a whole shop walks along.
pub(super) async fn numbers_after(conn: &mut Conn, number: i64, limit: i64) -> Result<Vec<i64>> {
    let rows =
        sql::all!(conn, (i64,), "select number from orders where number > $1 order by number limit $2", number, limit)?;
    Ok(rows.into_iter().map(|(number,)| number).collect())
}

pub(super) async fn count_paid(conn: &mut Conn, customer_id: Uuid) -> Result<u32> {
    let (count,) = sql::one!(
        conn,
        (i64,),
        "select count(*) from orders where customer_id = $1 and status in ('paid', 'shipped', 'delivered')",
        customer_id
    )?;
    Ok(quantity_of(count))
}

#[derive(FromRow)]
struct LineRow {
    variant_id: Uuid,
    sku: String,
    title: String,
    quantity: i64,
    unit_price: i64,
    compare_at: Option<i64>,
    price_list: Option<String>,
    total: i64,
}

pub(super) async fn lines(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Line>> {
    let rows = sql::all!(
        conn,
        LineRow,
        "select variant_id, sku, title, quantity, unit_price, compare_at, price_list, total from order_lines
         where order_id = $1 order by position",
        order_id
    )?;
    let line = |row: LineRow| Line {
        variant_id: row.variant_id,
        sku: row.sku,
        title: row.title,
        quantity: quantity_of(row.quantity),
        unit_price: row.unit_price,
        compare_at: row.compare_at,
        price_list: row.price_list,
        total: row.total,
    };
    Ok(rows.into_iter().map(line).collect())
}

#[derive(FromRow)]
struct AdjustmentRow {
    target: String,
    line_position: Option<i64>,
    kind: String,
    code: String,
    label: String,
    amount: i64,
}

pub(super) async fn adjustments(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Adjustment>> {
    let rows = sql::all!(
        conn,
        AdjustmentRow,
        "select target, line_position, kind, code, label, amount from order_adjustments
         where order_id = $1 order by position",
        order_id
    )?;
    let adjustment = |row: AdjustmentRow| Adjustment {
        target: match (row.target.as_str(), row.line_position) {
            ("line", Some(position)) => Target::Line(position),
            ("delivery", _) => Target::Delivery,
            _ => Target::Order,
        },
        kind: row.kind,
        code: row.code,
        label: row.label,
        amount: row.amount,
    };
    Ok(rows.into_iter().map(adjustment).collect())
}

pub(super) async fn history(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Event>> {
    let rows = sql::all!(
        conn,
        (Moment, String, String),
        "select at, status, cause from order_history where order_id = $1 order by position",
        order_id
    )?;
    Ok(rows.into_iter().map(|(at, status, cause)| Event { at, status, cause }).collect())
}

pub(super) async fn priced_by(conn: &mut Conn, order_id: Uuid) -> Result<Vec<PricedBy>> {
    let rows = sql::all!(
        conn,
        (String, String, String),
        "select plugin, version, digest from order_receipts where order_id = $1 and domain = 'pricing' order by position",
        order_id
    )?;
    Ok(rows.into_iter().map(|(plugin, version, digest)| PricedBy { plugin, version, digest }).collect())
}

#[derive(FromRow)]
struct ReceiptRow {
    domain: String,
    plugin: String,
    version: String,
    digest: String,
    settings: String,
    input: String,
    input_sha256: String,
    output: String,
    fuel: i64,
}

pub(super) async fn receipts(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Receipt>> {
    let rows = sql::all!(
        conn,
        ReceiptRow,
        "select domain, plugin, version, digest, settings, input, input_sha256, output, fuel from order_receipts
         where order_id = $1 order by position",
        order_id
    )?;
    let receipt = |row: ReceiptRow| Receipt {
        domain: row.domain,
        plugin: row.plugin,
        version: row.version,
        digest: row.digest,
        settings: row.settings,
        input: row.input,
        input_sha256: row.input_sha256,
        output: row.output,
        fuel: row.fuel,
    };
    Ok(rows.into_iter().map(receipt).collect())
}
