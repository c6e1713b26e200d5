//! Devices that take push messages.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::notifications::push_tokens::Device;

#[derive(FromRow)]
struct DeviceRow {
    id: Uuid,
    token: String,
    platform: String,
    created_at: Moment,
}

impl From<DeviceRow> for Device {
    fn from(row: DeviceRow) -> Self {
        let DeviceRow { id, token, platform, created_at } = row;
        Self { id, token, platform, created_at }
    }
}

pub(in crate::notifications) async fn devices_of(conn: &mut Conn, customer_id: Uuid) -> Result<Vec<Device>> {
    let rows = sql::all!(
        conn,
        DeviceRow,
        "select id, token, platform, created_at from push_tokens where customer_id = $1 order by id",
        customer_id
    )?;
    Ok(rows.into_iter().map(Device::from).collect())
}

/// A token belongs to whoever registered it last: the device has changed hands, or its owner another account.
pub(in crate::notifications) async fn put_device(tx: &mut Tx, customer_id: Uuid, device: &Device) -> Result<Device> {
    let row = sql::one!(
        tx,
        DeviceRow,
        "insert into push_tokens (id, customer_id, token, platform, created_at) values ($1, $2, $3, $4, $5)
         on conflict (token) do update set customer_id = excluded.customer_id, platform = excluded.platform,
             id = case when push_tokens.customer_id = excluded.customer_id then push_tokens.id else excluded.id end
         returning id, token, platform, created_at",
        device.id,
        customer_id,
        device.token.as_str(),
        device.platform.as_str(),
        device.created_at
    )?;
    Ok(row.into())
}

/// Drops the oldest beyond `most`.
pub(in crate::notifications) async fn drop_oldest_beyond(tx: &mut Tx, customer_id: Uuid, most: u32) -> Result<u64> {
    sql::execute!(
        tx,
        "delete from push_tokens where customer_id = $1 and id not in (
             select id from push_tokens where customer_id = $1 order by id desc limit $2
         )",
        customer_id,
        i64::from(most)
    )
}

pub(in crate::notifications) async fn delete_device(tx: &mut Tx, customer_id: Uuid, id: Uuid) -> Result<u64> {
    sql::execute!(tx, "delete from push_tokens where customer_id = $1 and id = $2", customer_id, id)
}

pub(in crate::notifications) async fn delete_devices_of(tx: &mut Tx, customer_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from push_tokens where customer_id = $1", customer_id)?;
    Ok(())
}

pub(in crate::notifications) async fn forget_token(tx: &mut Tx, token: &str) -> Result<u64> {
    sql::execute!(tx, "delete from push_tokens where token = $1", token)
}
