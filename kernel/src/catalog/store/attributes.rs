//! The values of attributes.

use uuid::Uuid;

use crate::catalog::types::ValuesByOwner;
use crate::catalog::{Attribute, AttributeKind, AttributeValue};
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct ValueRow {
    owner_id: Uuid,
    code: String,
    kind: String,
    text_value: Option<String>,
    number_value: Option<i64>,
    choice: Option<String>,
}

impl ValueRow {
    fn value(self) -> AttributeValue {
        let number = self.number_value.unwrap_or_default();
        match AttributeKind::parse(&self.kind) {
            AttributeKind::Number => AttributeValue::Number(number),
            AttributeKind::Boolean => AttributeValue::Boolean(number != 0),
            AttributeKind::Choice => AttributeValue::Text(self.choice.unwrap_or_default()),
            AttributeKind::Text | AttributeKind::Date => AttributeValue::Text(self.text_value.unwrap_or_default()),
        }
    }
}

/// Of a product and of its variants.
pub(in crate::catalog) async fn values_of(conn: &mut Conn, product_id: Uuid) -> Result<ValuesByOwner> {
    let rows = sql::all!(
        conn,
        ValueRow,
        "select owner_id, code, kind, text_value, number_value, choice from product_attributes where product_id = $1",
        product_id
    )?;
    let mut values = ValuesByOwner::new();
    for row in rows {
        values.entry(row.owner_id).or_default().insert(row.code.clone(), row.value());
    }
    Ok(values)
}

/// Of one owner: the product itself, or a variant.
pub(in crate::catalog) async fn delete_values(tx: &mut Tx, owner_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from product_attributes where owner_id = $1", owner_id)?;
    Ok(())
}

/// `variant_id` is none for an attribute of the whole product.
pub(in crate::catalog) async fn insert_value(
    tx: &mut Tx,
    product_id: Uuid,
    variant_id: Option<Uuid>,
    type_code: &str,
    attribute: &Attribute,
    value: &AttributeValue,
) -> Result<()> {
    let (mut text, mut number, mut choice) = (None, None, None);
    match value {
        AttributeValue::Text(code) if attribute.kind == AttributeKind::Choice => choice = Some(code.as_str()),
        AttributeValue::Text(value) => text = Some(value.as_str()),
        AttributeValue::Number(value) => number = Some(*value),
        AttributeValue::Boolean(value) => number = Some(i64::from(*value)),
    }
    sql::execute!(
        tx,
        "insert into product_attributes (owner_id, product_id, variant_id, type_code, code, kind, text_value,
                                         number_value, choice)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        variant_id.unwrap_or(product_id),
        product_id,
        variant_id,
        type_code,
        attribute.code.as_str(),
        attribute.kind.as_str(),
        text,
        number,
        choice
    )?;
    Ok(())
}
