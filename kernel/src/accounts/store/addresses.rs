//! The address book.

use uuid::Uuid;

use crate::accounts::addresses::SavedAddress;
use crate::address::Address;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};

#[derive(FromRow)]
struct AddressRow {
    id: Uuid,
    label: String,
    address: Json<Address>,
    default_delivery_id: Option<Uuid>,
    default_billing_id: Option<Uuid>,
    created_at: Moment,
    updated_at: Moment,
}

impl From<AddressRow> for SavedAddress {
    fn from(row: AddressRow) -> Self {
        Self {
            id: row.id,
            label: row.label,
            address: row.address.0,
            default_delivery: row.default_delivery_id == Some(row.id),
            default_billing: row.default_billing_id == Some(row.id),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(in crate::accounts) async fn list(conn: &mut Conn, customer_id: Uuid) -> Result<Vec<SavedAddress>> {
    let rows = sql::all!(
        conn,
        AddressRow,
        "select a.id, a.label, a.address, c.default_delivery_id, c.default_billing_id, a.created_at, a.updated_at
         from customer_addresses a join customers c on c.id = a.customer_id
         where a.customer_id = $1 order by a.created_at, a.id",
        customer_id
    )?;
    Ok(rows.into_iter().map(SavedAddress::from).collect())
}

pub(in crate::accounts) async fn find(conn: &mut Conn, customer_id: Uuid, id: Uuid) -> Result<Option<SavedAddress>> {
    let row = sql::optional!(
        conn,
        AddressRow,
        "select a.id, a.label, a.address, c.default_delivery_id, c.default_billing_id, a.created_at, a.updated_at
         from customer_addresses a join customers c on c.id = a.customer_id
         where a.customer_id = $1 and a.id = $2",
        customer_id,
        id
    )?;
    Ok(row.map(SavedAddress::from))
}

pub(in crate::accounts) async fn count(conn: &mut Conn, customer_id: Uuid) -> Result<i64> {
    let (count,) =
        sql::one!(conn, (i64,), "select count(*) from customer_addresses where customer_id = $1", customer_id)?;
    Ok(count)
}

pub(in crate::accounts) async fn insert(
    tx: &mut Tx,
    customer_id: Uuid,
    id: Uuid,
    label: &str,
    address: &Address,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into customer_addresses (id, customer_id, label, address, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $5)",
        id,
        customer_id,
        label,
        Json(address),
        now
    )?;
    Ok(())
}

/// False where the customer has no such address.
pub(in crate::accounts) async fn update(
    tx: &mut Tx,
    customer_id: Uuid,
    id: Uuid,
    label: &str,
    address: &Address,
    now: Moment,
) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update customer_addresses set label = $3, address = $4, updated_at = $5 where id = $1 and customer_id = $2",
        id,
        customer_id,
        label,
        Json(address),
        now
    )?;
    Ok(changed == 1)
}

/// False where the customer has no such address.
pub(in crate::accounts) async fn delete(tx: &mut Tx, customer_id: Uuid, id: Uuid) -> Result<bool> {
    let deleted =
        sql::execute!(tx, "delete from customer_addresses where id = $1 and customer_id = $2", id, customer_id)?;
    Ok(deleted == 1)
}

/// Makes the address the default that it is to be, or that there is none of yet.
pub(in crate::accounts) async fn set_defaults(
    tx: &mut Tx,
    customer_id: Uuid,
    id: Uuid,
    delivery: bool,
    billing: bool,
) -> Result<()> {
    sql::execute!(
        tx,
        "update customers set
             default_delivery_id = case when $3 then $2 else coalesce(default_delivery_id, $2) end,
             default_billing_id = case when $4 then $2 else coalesce(default_billing_id, $2) end
         where id = $1",
        customer_id,
        id,
        delivery,
        billing
    )?;
    Ok(())
}

/// Where the address was a default, the oldest one is now; none where there is none.
pub(in crate::accounts) async fn replace_default(tx: &mut Tx, customer_id: Uuid, id: Uuid) -> Result<()> {
    sql::execute!(
        tx,
        "update customers set
             default_delivery_id = case when default_delivery_id = $2 then oldest.id else default_delivery_id end,
             default_billing_id = case when default_billing_id = $2 then oldest.id else default_billing_id end
         from (select (select id from customer_addresses where customer_id = $1 order by created_at, id limit 1) as id) oldest
         where customers.id = $1",
        customer_id,
        id
    )?;
    Ok(())
}
