//! Numbers that differ from what they are made of: no rows, in a shop that is well.

use uuid::Uuid;

use crate::db::{Conn, FromRow, Result, sql};

#[derive(FromRow)]
pub(in crate::inventory) struct AuditRow {
    pub variant_id: Uuid,
    pub location_id: Option<Uuid>,
    pub stands: i64,
    pub derived: i64,
}

pub(in crate::inventory) async fn audit_on_hand(conn: &mut Conn) -> Result<Vec<AuditRow>> {
    sql::all!(
        conn,
        AuditRow,
        "select l.variant_id, l.location_id, l.on_hand as stands, coalesce(m.total, 0) as derived
         from stock_levels l
         left join (select variant_id, location_id, cast(sum(on_hand_delta) as bigint) as total
                    from stock_movements group by variant_id, location_id) m
           on m.variant_id = l.variant_id and m.location_id = l.location_id
         where l.on_hand <> coalesce(m.total, 0) limit 100"
    )
}

pub(in crate::inventory) async fn audit_reserved(conn: &mut Conn) -> Result<Vec<AuditRow>> {
    sql::all!(
        conn,
        AuditRow,
        "select l.variant_id, l.location_id, l.reserved as stands, coalesce(m.total, 0) as derived
         from stock_levels l
         left join (select variant_id, location_id, cast(sum(reserved_delta) as bigint) as total
                    from stock_movements group by variant_id, location_id) m
           on m.variant_id = l.variant_id and m.location_id = l.location_id
         where l.reserved <> coalesce(m.total, 0) limit 100"
    )
}

pub(in crate::inventory) async fn audit_reservations(conn: &mut Conn) -> Result<Vec<AuditRow>> {
    sql::all!(
        conn,
        AuditRow,
        "select l.variant_id, l.location_id, l.reserved as stands, coalesce(r.total, 0) as derived
         from stock_levels l
         left join (select variant_id, location_id, cast(sum(quantity) as bigint) as total
                    from stock_reservations where state in ('held', 'kept') group by variant_id, location_id) r
           on r.variant_id = l.variant_id and r.location_id = l.location_id
         where l.reserved <> coalesce(r.total, 0) limit 100"
    )
}

pub(in crate::inventory) async fn audit_item_on_hand(conn: &mut Conn) -> Result<Vec<AuditRow>> {
    sql::all!(
        conn,
        AuditRow,
        "select i.variant_id, cast(null as uuid) as location_id, i.on_hand as stands, coalesce(l.total, 0) as derived
         from stock_items i
         left join (select variant_id, cast(sum(on_hand) as bigint) as total from stock_levels group by variant_id) l
           on l.variant_id = i.variant_id
         where i.on_hand <> coalesce(l.total, 0) limit 100"
    )
}

pub(in crate::inventory) async fn audit_item_reserved(conn: &mut Conn) -> Result<Vec<AuditRow>> {
    sql::all!(
        conn,
        AuditRow,
        "select i.variant_id, cast(null as uuid) as location_id, i.reserved as stands, coalesce(l.total, 0) + i.waiting as derived
         from stock_items i
         left join (select variant_id, cast(sum(reserved) as bigint) as total from stock_levels group by variant_id) l
           on l.variant_id = i.variant_id
         where i.reserved <> coalesce(l.total, 0) + i.waiting limit 100"
    )
}

pub(in crate::inventory) async fn audit_waiting_movements(conn: &mut Conn) -> Result<Vec<AuditRow>> {
    sql::all!(
        conn,
        AuditRow,
        "select i.variant_id, cast(null as uuid) as location_id, i.waiting as stands, coalesce(m.total, 0) as derived
         from stock_items i
         left join (select variant_id, cast(sum(reserved_delta) as bigint) as total
                    from stock_movements where location_id is null group by variant_id) m
           on m.variant_id = i.variant_id
         where i.waiting <> coalesce(m.total, 0) limit 100"
    )
}

pub(in crate::inventory) async fn audit_waiting_reservations(conn: &mut Conn) -> Result<Vec<AuditRow>> {
    sql::all!(
        conn,
        AuditRow,
        "select i.variant_id, cast(null as uuid) as location_id, i.waiting as stands, coalesce(r.total, 0) as derived
         from stock_items i
         left join (select variant_id, cast(sum(quantity) as bigint) as total from stock_reservations
                    where location_id is null and state in ('held', 'kept') group by variant_id) r
           on r.variant_id = i.variant_id
         where i.waiting <> coalesce(r.total, 0) limit 100"
    )
}
