//! Devices that take push messages: registered by the app, forgotten when the service says that the app is gone.

use uuid::Uuid;

use super::store;
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, accounts, id};

/// A device with the shop's app.
#[derive(Debug, Clone)]
pub struct Device {
    pub id: Uuid,
    /// What the push service knows it by.
    pub token: String,
    /// `android`, `ios` or `web`.
    pub platform: String,
    pub created_at: Moment,
}

/// The devices of a person, the oldest first.
pub async fn list(shop: &Shop, customer_id: Uuid) -> db::Result<Vec<Device>> {
    store::push_tokens::devices_of(&mut shop.db().read().await?, customer_id).await
}

/// Registers a device; again, it changes nothing. Beyond the limit of the settings the oldest makes room.
pub async fn register(
    shop: &Shop,
    customer_id: Uuid,
    token: String,
    platform: String,
) -> Result<Device, accounts::Error> {
    let device = Device { id: id::sequential(), token, platform, created_at: clock::now() };
    let most = shop.config().notifications.inbox.devices_per_person;
    let mut tx = shop.db().write().await?;
    accounts::lock_living(&mut tx, customer_id).await?;
    let device = store::push_tokens::put_device(&mut tx, customer_id, &device).await?;
    store::push_tokens::drop_oldest_beyond(&mut tx, customer_id, most).await?;
    tx.commit().await?;
    Ok(device)
}

/// Whether there was such a device of this person.
pub async fn remove(shop: &Shop, customer_id: Uuid, id: Uuid) -> db::Result<bool> {
    let mut tx = shop.db().write().await?;
    let rows = store::push_tokens::delete_device(&mut tx, customer_id, id).await?;
    tx.commit().await?;
    Ok(rows == 1)
}

/// Forgets all of a person's.
pub async fn forget_all(tx: &mut Tx, customer_id: Uuid) -> db::Result<()> {
    store::push_tokens::delete_devices_of(tx, customer_id).await
}
