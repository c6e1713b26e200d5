//! Which orders there are.

use uuid::Uuid;

use super::{Error, Order, Status, store};
use crate::Shop;
use crate::clock::{self, Moment};

/// Which orders: what is `None` does not matter.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    pub customer_id: Option<Uuid>,
    pub status: Option<Status>,
    pub number: Option<i64>,
    /// What the e-mail address begins with, folded as [`crate::accounts::Email::key_of`] does.
    pub email: Option<String>,
    pub placed_since: Option<Moment>,
    /// Without this moment itself.
    pub placed_until: Option<Moment>,
}

/// Orders, the newest first, behind the one that is named. One more than `limit`, to know whether there are more.
pub async fn list(
    shop: &Shop,
    filter: &Filter,
    before: Option<(Moment, Uuid)>,
    limit: u32,
) -> Result<Vec<Order>, Error> {
    let mut conn = shop.db().read().await?;
    // No order is younger.
    let before = before.unwrap_or((clock::now() + chrono::TimeDelta::days(3_650), Uuid::max()));
    Ok(store::list(&mut conn, filter, before, i64::from(limit) + 1).await?)
}
