//! What a customer has bought.

use uuid::Uuid;

use crate::db::{Conn, Result, sql};

pub(in crate::orders) async fn has_paid_for(conn: &mut Conn, customer_id: Uuid, product_id: Uuid) -> Result<bool> {
    let order = sql::optional!(
        conn,
        (Uuid,),
        "select o.id
         from orders o
         join order_lines l on l.order_id = o.id
         join variants v on v.id = l.variant_id
         where o.customer_id = $1 and o.status not in ('new', 'cancelled') and v.product_id = $2
         limit 1",
        customer_id,
        product_id
    )?;
    Ok(order.is_some())
}
