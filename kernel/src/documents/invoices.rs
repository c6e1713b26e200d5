//! Invoices and credit notes: numbered without gaps by year, and kept as they were issued.
//!
//! A number is given by a counter's row in the transaction that writes the document, so that one that is rolled back is given again. The
//! order's lock comes first: two who ask for the same invoice get the same. A paid order has its invoice at the first demand; one that was
//! edited since gets a credit note over the former invoice and a new one.

use chrono::Datelike;
use serde_json::{Value, json};
use uuid::Uuid;

use super::sheet::{Kind, Sheet};
use super::{Error, store};
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::orders::refunds::RefundStatus;
use crate::orders::{self, Details, Order, Status};
use crate::{Shop, id};

/// A document that was issued.
pub(super) struct Issued {
    pub id: Uuid,
    pub order_id: Uuid,
    pub kind: Kind,
    /// What it is about, once an order: a revision of the order, or a refund.
    pub reference: String,
    pub year: i32,
    pub number: i64,
    pub sheet: Sheet,
    pub issued_at: Moment,
}

/// The invoice of an order as it is now.
pub async fn invoice(shop: &Shop, order: &Order) -> Result<Sheet, Error> {
    // Mostly it is there, and nobody has to wait for anybody.
    let known = store::find(&mut shop.db().read().await?, order.id, &of_revision(order)).await?;
    if let Some(sheet) = known {
        return Ok(sheet);
    }
    let mut tx = shop.db().write().await?;
    let order = orders::lock(&mut tx, order.id).await?;
    let sheet = issue(shop, &mut tx, order).await?;
    tx.commit().await?;
    Ok(sheet)
}

/// In a transaction that holds the order's lock.
async fn issue(shop: &Shop, tx: &mut Tx, order: Order) -> Result<Sheet, Error> {
    let reference = of_revision(&order);
    if let Some(sheet) = store::find(tx, order.id, &reference).await? {
        return Ok(sheet);
    }
    let former = store::newest_invoice(tx, order.id).await?;
    if matches!(order.status, Status::New | Status::Cancelled) {
        // What was invoiced before it was called off stays invoiced; its refund has the credit note.
        return former.ok_or(Error::NotPaid(order.status));
    }
    if let Some(former) = former {
        let reference = format!("takes-back-{}", former.number.as_deref().unwrap_or_default());
        number(tx, order.id, reference, former.taken_back(clock::now())).await?;
    }
    let Details { order, lines, adjustments, .. } = orders::details(tx, order).await?;
    let sheet = Sheet::of_order(shop.config(), Kind::Invoice, &order, &lines, &adjustments);
    number(tx, order.id, reference, Sheet { date: clock::now(), ..sheet }).await
}

/// The credit note of a refund that has been carried out.
pub async fn credit_note(shop: &Shop, order_id: Uuid, refund_id: Uuid) -> Result<Sheet, Error> {
    let reference = format!("refund-{refund_id}");
    if let Some(sheet) = store::find(&mut shop.db().read().await?, order_id, &reference).await? {
        return Ok(sheet);
    }
    let mut refunds = orders::refunds::list(shop, order_id).await?;
    refunds.retain(|refund| refund.id == refund_id);
    let refund = refunds.pop().ok_or(Error::NoRefund)?;
    if refund.status != RefundStatus::Refunded {
        return Err(Error::NotRefunded(refund.status));
    }
    let mut tx = shop.db().write().await?;
    let order = orders::lock(&mut tx, order_id).await?;
    if let Some(sheet) = store::find(&mut tx, order_id, &reference).await? {
        return Ok(sheet);
    }
    let invoice = match store::newest_invoice(&mut tx, order_id).await? {
        Some(invoice) => invoice,
        None => issue(shop, &mut tx, order.clone()).await?,
    };
    let Details { order, lines, .. } = orders::details(&mut tx, order).await?;
    let corrected = invoice.number.as_deref().unwrap_or_default();
    let sheet = Sheet::of_refund(shop.config(), &order, &lines, &refund, corrected);
    let sheet = number(&mut tx, order_id, reference, Sheet { date: clock::now(), ..sheet }).await?;
    tx.commit().await?;
    Ok(sheet)
}

/// The documents of these orders, as they were issued.
pub async fn export(conn: &mut Conn, order_ids: &[Uuid]) -> db::Result<Vec<Value>> {
    let mut exported = Vec::new();
    for order_id in order_ids {
        let issued = store::of_order(conn, *order_id).await?;
        exported.extend(issued.into_iter().map(|(_, sheet)| json!({ "order_id": order_id, "sheet": sheet })));
    }
    Ok(exported)
}

/// Takes the person out of the documents of these orders, in a transaction that has taken them out of the orders. What the books need stays:
/// number, date, goods, amounts, and of the address where tax was due.
pub async fn forget(tx: &mut Tx, order_ids: &[Uuid]) -> db::Result<()> {
    for order_id in order_ids {
        for (id, sheet) in store::of_order(tx, *order_id).await? {
            store::replace_sheet(tx, id, &sheet.without_person()).await?;
        }
    }
    Ok(())
}

fn of_revision(order: &Order) -> String {
    format!("revision-{}", order.revision)
}

/// Gives the next number of the year, and keeps the document. The counter's row is the last lock that is taken.
async fn number(tx: &mut Tx, order_id: Uuid, reference: String, mut sheet: Sheet) -> Result<Sheet, Error> {
    let year = sheet.date.year();
    let number = store::next_number(tx, year).await?;
    sheet.number = Some(format!("{year}-{number:06}"));
    let kind = sheet.kind;
    let issued_at = sheet.date;
    let issued = Issued { id: id::sequential(), order_id, kind, reference, year, number, sheet, issued_at };
    store::insert(tx, &issued).await?;
    Ok(issued.sheet)
}
