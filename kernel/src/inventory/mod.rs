//! Inventory: how much there is of each variant.
//!
//! On hand is what lies in the warehouse; reserved is the part of it that unpaid orders hold. What can be sold is the
//! difference. Every change is one guarded statement, so that neither number passes its bounds under any concurrency,
//! and the database's own checks stand behind that.

mod store;

use uuid::Uuid;

use crate::db::{self, Conn, Tx};

/// How much there is of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockLevel {
    pub on_hand: i64,
    pub reserved: i64,
}

impl StockLevel {
    /// What can be sold now.
    pub fn available(self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// Why stock cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Less can be sold than is wanted.
    #[error("{available} of {sku} can be sold, {wanted} are wanted")]
    Insufficient { sku: String, wanted: i64, available: i64 },
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// A quantity of a variant.
#[derive(Debug, Clone)]
pub struct Quantity {
    pub variant_id: Uuid,
    pub sku: String,
    pub quantity: u32,
}

/// Reserves all of `wanted` or nothing. The caller's transaction must be dropped after an error.
pub async fn reserve(tx: &mut Tx, wanted: &[Quantity]) -> Result<(), Error> {
    for item in in_lock_order(wanted) {
        let quantity = i64::from(item.quantity);
        if !store::reserve(tx, item.variant_id, quantity).await? {
            let available = store::find_level(tx, item.variant_id).await?.map_or(0, StockLevel::available);
            return Err(Error::Insufficient { sku: item.sku.clone(), wanted: quantity, available });
        }
    }
    Ok(())
}

/// Gives a reservation back.
pub async fn release(tx: &mut Tx, reserved: &[Quantity]) -> Result<(), Error> {
    for item in in_lock_order(reserved) {
        store::release(tx, item.variant_id, i64::from(item.quantity)).await?;
    }
    Ok(())
}

/// Turns a reservation into a sale: the goods are no longer on hand.
pub async fn sell(tx: &mut Tx, reserved: &[Quantity]) -> Result<(), Error> {
    for item in in_lock_order(reserved) {
        store::sell(tx, item.variant_id, i64::from(item.quantity)).await?;
    }
    Ok(())
}

/// Takes sold goods back into stock.
pub async fn restock(tx: &mut Tx, sold: &[Quantity]) -> Result<(), Error> {
    for item in in_lock_order(sold) {
        store::restock(tx, item.variant_id, i64::from(item.quantity)).await?;
    }
    Ok(())
}

/// Begins to keep stock of a new variant.
pub async fn create_level(tx: &mut Tx, variant_id: Uuid, on_hand: i64) -> Result<(), Error> {
    Ok(store::insert_level(tx, variant_id, on_hand).await?)
}

/// Sets what is on hand, as counted. False where less would be left than is reserved.
pub async fn set_on_hand(tx: &mut Tx, variant_id: Uuid, on_hand: i64) -> Result<bool, Error> {
    Ok(store::set_on_hand(tx, variant_id, on_hand).await?)
}

/// The level of a variant.
pub async fn find_level(conn: &mut Conn, variant_id: Uuid) -> Result<Option<StockLevel>, Error> {
    Ok(store::find_level(conn, variant_id).await?)
}

/// Two orders with the same variants lock their rows in the same order, so that neither waits for the other (PostgreSQL).
fn in_lock_order(items: &[Quantity]) -> Vec<&Quantity> {
    let mut items: Vec<_> = items.iter().collect();
    items.sort_unstable_by_key(|item| item.variant_id);
    items
}
