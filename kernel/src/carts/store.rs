//! All the SQL of carts.

use uuid::Uuid;

use super::change::LineWrite;
use super::line::{Attributes, GoneLine, Line, Promise};
use super::{Cart, Notice};
use crate::accounts::Email;
use crate::address::Address;
use crate::catalog;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::money::Currency;
use crate::plugins::OptionId;
use crate::prices::PriceContext;

#[derive(FromRow)]
struct CartRow {
    id: Uuid,
    customer_id: Option<Uuid>,
    #[sqlx(try_from = "String")]
    currency: Currency,
    locale: String,
    email: Option<String>,
    address: Option<Json<Address>>,
    billing_address: Option<Json<Address>>,
    coupons: Json<Vec<String>>,
    coupons_told: Json<Vec<String>>,
    note: String,
    attributes: Json<Attributes>,
    gift_cards: Json<Vec<Uuid>>,
    store_credit: bool,
    delivery_plugin: Option<String>,
    delivery_option: Option<String>,
    delivery_told: Option<i64>,
    notices: Json<Vec<Notice>>,
    order_id: Option<Uuid>,
    merged_into: Option<Uuid>,
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
            currency: row.currency,
            locale: row.locale,
            email: row.email,
            address: row.address.map(|Json(address)| address),
            billing_address: row.billing_address.map(|Json(address)| address),
            coupons: row.coupons.0,
            coupons_told: row.coupons_told.0,
            note: row.note,
            attributes: row.attributes.0,
            gift_cards: row.gift_cards.0,
            store_credit: row.store_credit,
            delivery: delivery.map(|(plugin, code)| OptionId { plugin, code }),
            delivery_told: row.delivery_told,
            notices: row.notices.0,
            order_id: row.order_id,
            merged_into: row.merged_into,
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
        "insert into carts (id, customer_id, status, locale, coupons, coupons_told, note, attributes, notices, gift_cards,
                            store_credit, version, created_at, updated_at, expires_at, currency)
         values ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14)",
        cart.id,
        cart.customer_id,
        cart.locale.as_str(),
        Json(&cart.coupons),
        Json(&cart.coupons_told),
        cart.note.as_str(),
        Json(&cart.attributes),
        Json(&cart.notices),
        Json(&cart.gift_cards),
        cart.store_credit,
        cart.version,
        cart.created_at,
        cart.expires_at,
        cart.currency.code()
    )?;
    Ok(())
}

pub(super) async fn find_cart(conn: &mut Conn, id: Uuid) -> Result<Option<Cart>> {
    let row = sql::optional!(
        conn,
        CartRow,
        "select id, customer_id, currency, locale, email, address, billing_address, coupons, coupons_told, note, attributes,
                gift_cards, store_credit, delivery_plugin, delivery_option, delivery_told, notices, order_id, merged_into, version, created_at,
                updated_at, expires_at
         from carts where id = $1",
        id
    )?;
    Ok(row.map(Cart::from))
}

/// Writes the cart unless it changed since its version was read.
pub(super) async fn update_cart(tx: &mut Tx, cart: &Cart) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update carts set email = $3, address = $4, coupons = $5, coupons_told = $6, note = $7, attributes = $8,
                delivery_plugin = $9, delivery_option = $10, delivery_told = $11, notices = $12, updated_at = $13,
                expires_at = $14, customer_id = $15, gift_cards = $16, store_credit = $17, billing_address = $18,
                email_key = $19, abandoned_at = null, version = version + 1
         where id = $1 and version = $2 and status = 'open'",
        cart.id,
        cart.version,
        cart.email.as_deref(),
        cart.address.as_ref().map(Json),
        Json(&cart.coupons),
        Json(&cart.coupons_told),
        cart.note.as_str(),
        Json(&cart.attributes),
        cart.delivery.as_ref().map(|option| option.plugin.as_str()),
        cart.delivery.as_ref().map(|option| option.code.as_str()),
        cart.delivery_told,
        Json(&cart.notices),
        cart.updated_at,
        cart.expires_at,
        cart.customer_id,
        Json(&cart.gift_cards),
        cart.store_credit,
        cart.billing_address.as_ref().map(Json),
        cart.email.as_deref().map(Email::key_of)
    )?;
    Ok(changed == 1)
}

/// The open cart of a customer that was changed last.
pub(super) async fn find_open_of(conn: &mut Conn, customer_id: Uuid, now: Moment) -> Result<Option<Uuid>> {
    let row = sql::optional!(
        conn,
        (Uuid,),
        "select id from carts where customer_id = $1 and status = 'open' and expires_at > $2
         order by updated_at desc, id desc limit 1",
        customer_id,
        now
    )?;
    Ok(row.map(|(id,)| id))
}

/// The same of those in one currency.
pub(super) async fn find_open_in(
    conn: &mut Conn,
    customer_id: Uuid,
    currency: Currency,
    now: Moment,
) -> Result<Option<Uuid>> {
    let row = sql::optional!(
        conn,
        (Uuid,),
        "select id from carts where customer_id = $1 and status = 'open' and expires_at > $2 and currency = $3
         order by updated_at desc, id desc limit 1",
        customer_id,
        now,
        currency.code()
    )?;
    Ok(row.map(|(id,)| id))
}

/// Closes a guest's cart that was added to another one, unless it changed since its version was read. Only the pointer is left.
pub(super) async fn merge_cart(tx: &mut Tx, guest: &Cart, into: Uuid, now: Moment) -> Result<bool> {
    let closed = sql::execute!(
        tx,
        "update carts set status = 'merged', merged_into = $3, email = null, email_key = null, address = null, billing_address = null,
                coupons = $4, coupons_told = $4, note = '', attributes = $5, delivery_plugin = null, delivery_option = null,
                delivery_told = null,
                notices = $6, gift_cards = $8, store_credit = $9, updated_at = $7, version = version + 1
         where id = $1 and version = $2 and status = 'open' and customer_id is null",
        guest.id,
        guest.version,
        into,
        Json(&Vec::<String>::new()),
        Json(&Attributes::new()),
        Json(&Vec::<Notice>::new()),
        now,
        Json(&Vec::<Uuid>::new()),
        false
    )?;
    if closed == 1 {
        sql::execute!(tx, "delete from cart_lines where cart_id = $1", guest.id)?;
    }
    Ok(closed == 1)
}

/// Open carts that were left before `before` and not looked at since, the longest left first.
pub(super) async fn left(conn: &mut Conn, before: Moment, limit: i64) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select id from carts where status = 'open' and abandoned_at is null and updated_at <= $1
         order by updated_at, id limit $2",
        before,
        limit
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Marks a cart that was left, once, unless it changed since its version was read.
pub(super) async fn mark_abandoned(tx: &mut Tx, id: Uuid, version: i64, now: Moment) -> Result<bool> {
    let marked = sql::execute!(
        tx,
        "update carts set abandoned_at = $3 where id = $1 and version = $2 and status = 'open' and abandoned_at is null",
        id,
        version,
        now
    )?;
    Ok(marked == 1)
}

/// Holds the cart until the end of the transaction; false where it changed since its version was read.
pub(super) async fn lock_cart(tx: &mut Tx, id: Uuid, version: i64) -> Result<bool> {
    let held = sql::execute!(
        tx,
        "update carts set version = version where id = $1 and version = $2 and status = 'open'",
        id,
        version
    )?;
    Ok(held == 1)
}

#[derive(FromRow)]
struct LineRow {
    id: Uuid,
    variant_id: Option<Uuid>,
    sku: String,
    title: String,
    quantity: i64,
    note: String,
    attributes: Json<Attributes>,
    held_price: i64,
    held_until: Option<Moment>,
    told_price: i64,
}

/// The lines of a cart at the prices of `context`, by position, and those whose variant is gone.
pub(super) async fn lines(
    conn: &mut Conn,
    cart_id: Uuid,
    context: &PriceContext,
) -> Result<(Vec<Line>, Vec<GoneLine>)> {
    let rows = sql::all!(
        conn,
        LineRow,
        "select id, variant_id, sku, title, quantity, note, attributes, held_price, held_until, told_price
         from cart_lines where cart_id = $1 order by position, id",
        cart_id
    )?;
    let mut variants = catalog::cart_variants(conn, context, cart_id).await?;
    let (mut lines, mut gone) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        // One that was added or removed between the two statements: whoever changes the cart finds another version.
        let known = variants.iter().position(|variant| variant.line_id == row.id);
        match known.map(|index| variants.swap_remove(index)) {
            Some(variant) => lines.push(line(row, variant, context.at)),
            None if row.variant_id.is_none() => gone.push(GoneLine {
                line_id: row.id,
                sku: row.sku,
                title: row.title,
                quantity: u32::try_from(row.quantity).unwrap_or(u32::MAX),
            }),
            None => {}
        }
    }
    Ok((lines, gone))
}

fn line(row: LineRow, found: catalog::CartVariant, now: Moment) -> Line {
    let promise = Promise { price: row.held_price, until: row.held_until, told: row.told_price };
    let mut line = Line {
        line_id: found.line_id,
        position: found.position,
        quantity: found.quantity,
        unit_price: promise.price,
        variant: found.variant,
        promise,
        note: row.note,
        attributes: row.attributes.0,
    };
    line.take_promise(promise, now);
    line
}

pub(super) async fn write_lines(tx: &mut Tx, cart_id: Uuid, writes: &[LineWrite<'_>]) -> Result<()> {
    for write in writes {
        match write {
            LineWrite::Insert(line) => insert_line(tx, cart_id, line).await?,
            LineWrite::Update(line) => sql::execute!(
                tx,
                "update cart_lines set quantity = $3, note = $4, held_price = $5, held_until = $6, told_price = $7
                 where id = $1 and cart_id = $2",
                line.line_id,
                cart_id,
                i64::from(line.quantity),
                line.note.as_str(),
                line.promise.price,
                line.promise.until,
                line.promise.told
            )?,
            LineWrite::Delete(id) => {
                sql::execute!(tx, "delete from cart_lines where id = $1 and cart_id = $2", *id, cart_id)?
            }
        };
    }
    Ok(())
}

async fn insert_line(tx: &mut Tx, cart_id: Uuid, line: &Line) -> Result<u64> {
    sql::execute!(
        tx,
        "insert into cart_lines (id, cart_id, variant_id, sku, title, quantity, position, note, attributes, held_price,
                                 held_until, told_price)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        line.line_id,
        cart_id,
        line.variant.id,
        line.variant.sku.as_str(),
        line.variant.title.as_str(),
        i64::from(line.quantity),
        line.position,
        line.note.as_str(),
        Json(&line.attributes),
        line.promise.price,
        line.promise.until,
        line.promise.told
    )
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

/// Of the customer, and of guests who gave this address.
pub(super) async fn carts_of(conn: &mut Conn, customer_id: Option<Uuid>, email_key: Option<&str>) -> Result<Vec<Cart>> {
    let rows = sql::all!(
        conn,
        CartRow,
        "select id, customer_id, currency, locale, email, address, billing_address, coupons, coupons_told, note, attributes,
                gift_cards, store_credit, delivery_plugin, delivery_option, delivery_told, notices, order_id, merged_into, version, created_at,
                updated_at, expires_at
         from carts where customer_id = $1 or (customer_id is null and email_key = $2) order by created_at, id",
        customer_id,
        email_key
    )?;
    Ok(rows.into_iter().map(Cart::from).collect())
}

pub(super) async fn delete_of(tx: &mut Tx, customer_id: Uuid) -> Result<Vec<Uuid>> {
    let rows = sql::all!(tx, (Uuid,), "delete from carts where customer_id = $1 returning id", customer_id)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn delete_of_guests(tx: &mut Tx, email_key: &str, limit: i64) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        tx,
        (Uuid,),
        "delete from carts where id in (select id from carts where customer_id is null and email_key = $1 limit $2)
         returning id",
        email_key,
        limit
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn delete_expired(tx: &mut Tx, now: Moment, limit: i64) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        tx,
        (Uuid,),
        "delete from carts where id in
         (select id from carts where status <> 'ordered' and expires_at <= $1 order by expires_at limit $2)
         returning id",
        now,
        limit
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
