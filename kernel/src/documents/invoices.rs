//! Invoices and credit notes: numbered without gaps by year, and kept as they were issued.
//!
//! A number is given by a counter's row in the transaction that writes the document, so that one that is rolled back is given again. The
//! order's lock comes first: two who ask for the same invoice get the same. A paid order has its invoice at the first demand; one that was
//! edited or corrected since gets a credit note over the former invoice and a new one. What all of them say together is what the ledger says
//! that the order costs.

use chrono::Datelike;
use serde_json::{Value, json};
use uuid::Uuid;

use super::sheet::{Kind, Sheet};
use super::{Error, store};
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::money::{self, Amount};
use crate::orders::refunds::{Refund, RefundStatus};
use crate::orders::{self, Order, Status};
use crate::{Shop, id, ledger};

/// A document that was issued.
pub(super) struct Issued {
    pub id: Uuid,
    pub order_id: Uuid,
    pub kind: Kind,
    /// What it is about, once an order: a revision of the order with its corrections, or a refund.
    pub reference: String,
    pub year: i32,
    pub number: i64,
    pub sheet: Sheet,
    pub issued_at: Moment,
}

/// The invoice of an order as it is now.
pub async fn invoice(shop: &Shop, order: &Order) -> Result<Sheet, Error> {
    // Mostly it is there, and nobody has to wait for anybody.
    let mut conn = shop.db().read().await?;
    let reference = reference_of(&mut conn, order).await?;
    if let Some(sheet) = store::find(&mut conn, order.id, &reference).await? {
        return Ok(sheet);
    }
    drop(conn);
    let mut tx = shop.db().write().await?;
    let order = orders::lock(&mut tx, order.id).await?;
    let sheet = match order.status {
        // What was invoiced before it was called off stays invoiced; its refund has the credit note.
        Status::Cancelled => store::newest_invoice(&mut tx, order.id).await?.ok_or(Error::NotPaid(order.status))?,
        _ => issue(shop, &mut tx, order).await?,
    };
    tx.commit().await?;
    Ok(sheet)
}

/// In a transaction that holds the order's lock: the invoice of the order as it is now, or was last. It takes the place of a former one; one
/// that was called off gets no first.
async fn issue(shop: &Shop, tx: &mut Tx, order: Order) -> Result<Sheet, Error> {
    let reference = reference_of(tx, &order).await?;
    if let Some(sheet) = store::find(tx, order.id, &reference).await? {
        return Ok(sheet);
    }
    match (order.status, store::newest_invoice(tx, order.id).await?) {
        (Status::New, Some(former)) => return Ok(former),
        (Status::New | Status::Cancelled, None) => return Err(Error::NotPaid(order.status)),
        (_, Some(former)) => {
            let reference = format!("takes-back-{}", former.number.as_deref().unwrap_or_default());
            number(tx, order.id, reference, former.taken_back(clock::now())).await?;
        }
        (_, None) => {}
    }
    let (_, corrected) = ledger::corrections(tx, order.id).await?;
    let details = orders::details(tx, order).await?;
    let sheet = Sheet::of_order(shop.config(), Kind::Invoice, &details, corrected);
    number(tx, details.order.id, reference, Sheet { date: clock::now(), ..sheet }).await
}

/// The credit note of a refund that has been carried out, over what the order costs less for it.
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
    let invoice = issue(shop, &mut tx, order.clone()).await?;
    let credited = credited(&mut tx, &refund).await?;
    if credited <= 0 {
        return Err(Error::NothingCredited);
    }
    let details = orders::details(&mut tx, order).await?;
    let corrected = invoice.number.as_deref().unwrap_or_default();
    let sheet = Sheet::of_refund(shop.config(), &details, &refund, credited, corrected);
    let sheet = number(&mut tx, order_id, reference, Sheet { date: clock::now(), ..sheet }).await?;
    tx.commit().await?;
    Ok(sheet)
}

/// How much less the order costs for a refund. What an edit or a correction took off is no part of it: the invoice of afterwards says so.
///
/// A call-off takes off everything, and its refunds are not credited one by one: each is, as far as something is left that was invoiced.
async fn credited(tx: &mut Tx, refund: &Refund) -> Result<Amount, Error> {
    let called_off = ledger::called_off_at(tx, refund.order_id).await?;
    if called_off.is_none_or(|called_off| refund.created_at < called_off) {
        return Ok(ledger::credited(tx, refund.id).await?);
    }
    let issued = store::of_order(tx, refund.order_id).await?;
    let left = money::sum(issued.iter().map(|(_, sheet)| match sheet.kind {
        Kind::CreditNote => -sheet.total,
        Kind::Invoice | Kind::Confirmation => sheet.total,
    }));
    Ok(refund.amount.min(left.unwrap_or_default()))
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

/// Another one with each edit, and with each correction of what the order costs.
async fn reference_of(conn: &mut Conn, order: &Order) -> db::Result<String> {
    let revision = format!("revision-{}", order.revision);
    Ok(match ledger::corrections(conn, order.id).await? {
        (0, _) => revision,
        (count, _) => format!("{revision}-correction-{count}"),
    })
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
