//! All the SQL of carts.

use uuid::Uuid;

use super::Cart;
use super::change::LineWrite;
use crate::address::Address;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::plugins::OptionId;

#[derive(FromRow)]
struct CartRow {
    id: Uuid,
    customer_id: Option<Uuid>,
    locale: String,
    email: Option<String>,
    address: Option<Json<Address>>,
    coupons: Json<Vec<String>>,
    gift_cards: Json<Vec<Uuid>>,
    store_credit: bool,
    delivery_plugin: Option<String>,
    delivery_option: Option<String>,
    order_id: Option<Uuid>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
    expires_at: Moment,
}

impl From<CartRow> for Cart {
    fn from(row: CartRow) -> Self {
        let delivery = row.delivery_plugin.zip(row.delivery_option);
        Self {
            id: row.id,
            customer_id: row.customer_id,
            locale: row.locale,
            email: row.email,
            address: row.address.map(|Json(address)| address),
            coupons: row.coupons.0,
            gift_cards: row.gift_cards.0,
            store_credit: row.store_credit,
            delivery: delivery.map(|(plugin, code)| OptionId { plugin, code }),
            order_id: row.order_id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            expires_at: row.expires_at,
        }
    }
}

pub(super) async fn insert_cart(tx: &mut Tx, cart: &Cart) -> Result<()> {
    sql::execute!(
        tx,
        "insert into carts (id, customer_id, status, locale, coupons, gift_cards, store_credit, version, created_at,
                            updated_at, expires_at)
         values ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $8, $9)",
        cart.id,
        cart.customer_id,
        cart.locale.as_str(),
        Json(&cart.coupons),
        Json(&cart.gift_cards),
        cart.store_credit,
        cart.version,
        cart.created_at,
        cart.expires_at
    )?;
    Ok(())
}

pub(super) async fn find_cart(conn: &mut Conn, id: Uuid) -> Result<Option<Cart>> {
    let row = sql::optional!(
        conn,
        CartRow,
        "select id, customer_id, locale, email, address, coupons, gift_cards, store_credit, delivery_plugin, delivery_option,
                order_id, version, created_at, updated_at, expires_at
         from carts where id = $1",
        id
    )?;
    Ok(row.map(Cart::from))
}

/// Writes the cart unless it changed since its version was read.
pub(super) async fn update_cart(tx: &mut Tx, cart: &Cart) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update carts set email = $3, address = $4, coupons = $5, delivery_plugin = $6, delivery_option = $7,
                updated_at = $8, expires_at = $9, gift_cards = $10, store_credit = $11, version = version + 1
         where id = $1 and version = $2 and status = 'open'",
        cart.id,
        cart.version,
        cart.email.as_deref(),
        cart.address.as_ref().map(Json),
        Json(&cart.coupons),
        cart.delivery.as_ref().map(|option| option.plugin.as_str()),
        cart.delivery.as_ref().map(|option| option.code.as_str()),
        cart.updated_at,
        cart.expires_at,
        Json(&cart.gift_cards),
        cart.store_credit
    )?;
    Ok(changed == 1)
}

pub(super) async fn write_line(tx: &mut Tx, cart_id: Uuid, write: &LineWrite) -> Result<()> {
    match write {
        LineWrite::None => 0,
        LineWrite::Insert(line) => sql::execute!(
            tx,
            "insert into cart_lines (id, cart_id, variant_id, quantity, position) values ($1, $2, $3, $4, $5)",
            line.line_id,
            cart_id,
            line.variant.id,
            i64::from(line.quantity),
            line.position
        )?,
        LineWrite::Update { line_id, quantity } => sql::execute!(
            tx,
            "update cart_lines set quantity = $3 where id = $1 and cart_id = $2",
            *line_id,
            cart_id,
            i64::from(*quantity)
        )?,
        LineWrite::Delete { line_id } => {
            sql::execute!(tx, "delete from cart_lines where id = $1 and cart_id = $2", *line_id, cart_id)?
        }
    };
    Ok(())
}

pub(super) async fn close_cart(tx: &mut Tx, id: Uuid, version: i64, order_id: Uuid, now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update carts set status = 'ordered', order_id = $3, updated_at = $4, version = version + 1
         where id = $1 and version = $2 and status = 'open'",
        id,
        version,
        order_id,
        now
    )?;
    Ok(changed == 1)
}

pub(super) async fn reopen_cart(tx: &mut Tx, id: Uuid, order_id: Uuid, now: Moment, expires_at: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update carts set status = 'open', order_id = null, updated_at = $3, expires_at = $4, version = version + 1
         where id = $1 and order_id = $2",
        id,
        order_id,
        now,
        expires_at
    )?;
    Ok(())
}

pub(super) async fn carts_of(conn: &mut Conn, customer_id: Uuid) -> Result<Vec<Cart>> {
    let rows = sql::all!(
        conn,
        CartRow,
        "select id, customer_id, locale, email, address, coupons, delivery_plugin, delivery_option, order_id, version,
                created_at, updated_at, expires_at
         from carts where customer_id = $1 order by created_at, id",
        customer_id
    )?;
    Ok(rows.into_iter().map(Cart::from).collect())
}

pub(super) async fn delete_of(tx: &mut Tx, customer_id: Uuid) -> Result<Vec<Uuid>> {
    let rows = sql::all!(tx, (Uuid,), "delete from carts where customer_id = $1 returning id", customer_id)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// As the address was typed at the registration, or in lower case; a guest who typed it otherwise is forgotten with the cart.
pub(super) async fn delete_of_guests(tx: &mut Tx, email: &str, email_key: &str) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        tx,
        (Uuid,),
        "delete from carts where customer_id is null and email in ($1, $2) returning id",
        email,
        email_key
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn delete_expired(tx: &mut Tx, now: Moment) -> Result<u64> {
    sql::execute!(tx, "delete from carts where status = 'open' and expires_at <= $1", now)
}
