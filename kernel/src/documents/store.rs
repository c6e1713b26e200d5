//! All the SQL of documents.

use uuid::Uuid;

use super::invoices::Issued;
use super::sheet::{Kind, Sheet};
use crate::db::{Conn, Json, Result, Tx, sql};

/// Numbers are given in the order of committing: the year's row stays locked until then.
pub(super) async fn next_number(tx: &mut Tx, year: i32) -> Result<i64> {
    let (number,) = sql::one!(
        tx,
        (i64,),
        "insert into invoice_counters (year, last) values ($1, 1)
         on conflict (year) do update set last = invoice_counters.last + 1 returning last",
        i64::from(year)
    )?;
    Ok(number)
}

pub(super) async fn insert(tx: &mut Tx, issued: &Issued) -> Result<()> {
    let kind = if issued.kind == Kind::Invoice { "invoice" } else { "credit-note" };
    sql::execute!(
        tx,
        "insert into invoices (id, order_id, kind, reference, year, number, sheet, issued_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        issued.id,
        issued.order_id,
        kind,
        issued.reference.as_str(),
        i64::from(issued.year),
        issued.number,
        Json(&issued.sheet),
        issued.issued_at
    )?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn, order_id: Uuid, reference: &str) -> Result<Option<Sheet>> {
    let row = sql::optional!(
        conn,
        (Json<Sheet>,),
        "select sheet from invoices where order_id = $1 and reference = $2",
        order_id,
        reference
    )?;
    Ok(row.map(|(Json(sheet),)| sheet))
}

pub(super) async fn newest_invoice(conn: &mut Conn, order_id: Uuid) -> Result<Option<Sheet>> {
    let row = sql::optional!(
        conn,
        (Json<Sheet>,),
        "select sheet from invoices where order_id = $1 and kind = 'invoice' order by year desc, number desc limit 1",
        order_id
    )?;
    Ok(row.map(|(Json(sheet),)| sheet))
}

pub(super) async fn of_order(conn: &mut Conn, order_id: Uuid) -> Result<Vec<(Uuid, Sheet)>> {
    let rows = sql::all!(
        conn,
        (Uuid, Json<Sheet>),
        "select id, sheet from invoices where order_id = $1 order by year, number",
        order_id
    )?;
    Ok(rows.into_iter().map(|(id, Json(sheet))| (id, sheet)).collect())
}

/// For the one reason that a document is ever changed: its person is forgotten.
pub(super) async fn replace_sheet(tx: &mut Tx, id: Uuid, sheet: &Sheet) -> Result<()> {
    sql::execute!(tx, "update invoices set sheet = $2 where id = $1", id, Json(sheet))?;
    Ok(())
}
