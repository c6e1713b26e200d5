//! Every number explained: levels derived from the ledger, sums from the levels, what is reserved from the reservations.

use uuid::Uuid;

use super::{Error, store};
use crate::Shop;

/// A number that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrepancy {
    pub variant_id: Uuid,
    /// None: over all locations.
    pub location_id: Option<Uuid>,
    pub what: &'static str,
    pub stands: i64,
    pub derived: i64,
}

/// Every number of the stock that does not follow from what it is made of; at most a hundred of each kind. Each statement
/// sees one moment, so a shop that sells meanwhile is checked as rightly as one that stands still.
pub async fn verify(shop: &Shop) -> Result<Vec<Discrepancy>, Error> {
    let mut conn = shop.db().read().await?;
    let mut found = Vec::new();
    let mut note = |what, rows: Vec<store::AuditRow>| {
        found.extend(rows.into_iter().map(|row| Discrepancy {
            variant_id: row.variant_id,
            location_id: row.location_id,
            what,
            stands: row.stands,
            derived: row.derived,
        }));
    };
    note("on hand, from the movements", store::audit_on_hand(&mut conn).await?);
    note("reserved, from the movements", store::audit_reserved(&mut conn).await?);
    note("reserved, from the reservations", store::audit_reservations(&mut conn).await?);
    note("on hand in all, from the levels", store::audit_item_on_hand(&mut conn).await?);
    note("reserved in all, from the levels and what waits", store::audit_item_reserved(&mut conn).await?);
    note("waiting, from the movements", store::audit_waiting_movements(&mut conn).await?);
    note("waiting, from the reservations", store::audit_waiting_reservations(&mut conn).await?);
    Ok(found)
}
