//! The attributes of a product and its variants, held against the type and written.

use uuid::Uuid;

use super::types::{self, Level, ProductType};
use super::{AttributeValues, Error, Flaw, Product, Status, Variant, store, text};
use crate::db::{Conn, Tx};

/// The type that a product is to have.
pub(super) async fn require_type(conn: &mut Conn, code: Option<&str>) -> Result<Option<ProductType>, Error> {
    let Some(code) = code else { return Ok(None) };
    // What cannot be a code never reaches a statement.
    let found = if text::is_code(code) { store::find_type(conn, code).await? } else { None };
    match found {
        None => Err(no_such_type()),
        found => Ok(found),
    }
}

pub(super) fn no_such_type() -> Error {
    Error::Invalid(vec![Flaw::new("/product_type", "there is no such product type")])
}

/// Takes away what the type does not have.
pub(super) fn keep_known(product: &mut Product, kind: Option<&ProductType>) {
    let known = |code: &str, level| {
        kind.and_then(|kind| kind.attribute(code)).is_some_and(|attribute| attribute.level == level)
    };
    product.attributes.retain(|code, _| known(code, Level::Product));
    for variant in &mut product.variants {
        variant.attributes.retain(|code, _| known(code, Level::Variant));
    }
}

/// The whole product; an active one must have what is required.
pub(super) fn check_product(product: &Product, kind: Option<&ProductType>) -> Result<(), Error> {
    let active = product.status == Status::Active;
    let mut flaws = types::check(kind, Level::Product, &product.attributes, active, "/attributes");
    for (index, variant) in product.variants.iter().enumerate() {
        let at = format!("/variants/{index}/attributes");
        flaws.extend(types::check(kind, Level::Variant, &variant.attributes, active, &at));
    }
    Flaw::none(flaws)
}

/// One variant of a product with this status.
pub(super) fn check_variant(variant: &Variant, kind: Option<&ProductType>, status: Status) -> Result<(), Error> {
    let active = status == Status::Active;
    Flaw::none(types::check(kind, Level::Variant, &variant.attributes, active, "/attributes"))
}

/// Writes the values of the owners that differ from `before`, which is the product as it is in the database.
pub(super) async fn write_changed(
    tx: &mut Tx,
    before: &Product,
    after: &Product,
    kind: Option<&ProductType>,
) -> Result<(), Error> {
    let same_type = before.type_code == after.type_code;
    if !same_type || before.attributes != after.attributes {
        write(tx, after.id, None, &after.attributes, kind).await?;
    }
    for variant in &after.variants {
        let had = before.variants.iter().find(|before| before.id == variant.id);
        if !same_type || had.is_none_or(|had| had.attributes != variant.attributes) {
            write(tx, after.id, Some(variant.id), &variant.attributes, kind).await?;
        }
    }
    Ok(())
}

/// Writes the values of one owner.
pub(super) async fn write(
    tx: &mut Tx,
    product_id: Uuid,
    variant_id: Option<Uuid>,
    values: &AttributeValues,
    kind: Option<&ProductType>,
) -> Result<(), Error> {
    store::delete_values(tx, variant_id.unwrap_or(product_id)).await?;
    let Some(kind) = kind else { return Ok(()) };
    for (code, value) in values {
        let Some(attribute) = kind.attribute(code) else { continue };
        match store::insert_value(tx, product_id, variant_id, &kind.code, attribute, value).await {
            Err(error) if error.is_foreign_key_violation() => {
                let detail = "the product type was changed at the same moment: try again";
                return Err(Error::Invalid(vec![Flaw::new("/attributes", detail)]));
            }
            done => done?,
        }
    }
    Ok(())
}

/// Gives a product and its variants the values that the database has.
pub(super) async fn read(conn: &mut Conn, product: &mut Product) -> Result<(), Error> {
    if product.type_code.is_none() {
        return Ok(());
    }
    let mut values = store::values_of(conn, product.id).await?;
    product.attributes = values.remove(&product.id).unwrap_or_default();
    for variant in &mut product.variants {
        variant.attributes = values.remove(&variant.id).unwrap_or_default();
    }
    Ok(())
}
