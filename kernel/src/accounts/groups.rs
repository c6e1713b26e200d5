//! Customer groups: whom price lists and pricing rules tell apart. A customer is in one group or in none.

use uuid::Uuid;

use super::Error;
use super::recovery::updated;
use super::store::groups as rows;
use crate::Shop;
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};

/// A group of customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// 1 to 50 of `a-z`, `0-9` and `-`. It stays: settings of plugins name the group by it.
    pub code: String,
    pub name: String,
    pub created_at: Moment,
}

/// Whether `text` has the form of a code: of a group, or of a price list.
pub fn is_code(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=50).contains(&text.len()) && text.bytes().all(fits)
}

/// At most `limit` groups after the code `after`, by code.
pub async fn list_groups(shop: &Shop, after: &str, limit: u32) -> Result<Vec<Group>, Error> {
    Ok(rows::list(&mut shop.db().read().await?, after, limit).await?)
}

/// The group with this code.
pub async fn get_group(shop: &Shop, code: &str) -> Result<Group, Error> {
    rows::find(&mut shop.db().read().await?, code).await?.ok_or(Error::GroupNotFound)
}

/// Makes a group.
pub async fn create_group(shop: &Shop, code: String, name: String) -> Result<Group, Error> {
    let group = Group { code, name, created_at: clock::now() };
    let mut tx = shop.db().write().await?;
    rows::insert(&mut tx, &group).await.map_err(|error| match error.is_unique_violation() {
        true => Error::GroupTaken,
        false => error.into(),
    })?;
    tx.commit().await?;
    Ok(group)
}

/// Makes a group, in a transaction of the caller, where there is none with this code; tells whether it did.
pub async fn make_group(tx: &mut Tx, code: &str, name: &str) -> db::Result<bool> {
    rows::insert_new(tx, code, name, clock::now()).await
}

/// Gives a group another name.
pub async fn rename_group(shop: &Shop, code: &str, name: &str) -> Result<Group, Error> {
    let mut tx = shop.db().write().await?;
    let group = rows::rename(&mut tx, code, name, clock::now()).await?.ok_or(Error::GroupNotFound)?;
    tx.commit().await?;
    Ok(group)
}

/// Deletes a group: its customers are in none then. Price lists that are for it keep it.
pub async fn delete_group(shop: &Shop, code: &str) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let deleted = rows::delete(&mut tx, code).await.map_err(|error| match error.is_foreign_key_violation() {
        true => Error::GroupInUse,
        false => error.into(),
    })?;
    if !deleted {
        return Err(Error::GroupNotFound);
    }
    tx.commit().await?;
    // The prices that its customers were shown are no longer theirs.
    shop.cache().clear();
    Ok(())
}

/// Puts a customer into a group, or into none.
pub async fn set_group(shop: &Shop, customer_id: Uuid, code: Option<&str>) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let known = rows::set_group(&mut tx, customer_id, code, clock::now()).await;
    let known = known.map_err(|error| match error.is_foreign_key_violation() {
        true => Error::GroupUnknown,
        false => error.into(),
    })?;
    if !known {
        return Err(Error::CustomerNotFound);
    }
    updated(&mut tx, customer_id, &["group"]).await?;
    tx.commit().await?;
    shop.relay().wake();
    Ok(())
}

/// The code of the group that a customer is in.
pub async fn group_of(conn: &mut Conn, customer_id: Uuid) -> db::Result<Option<String>> {
    rows::group_of(conn, customer_id).await
}
