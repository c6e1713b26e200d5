//! Product types with their attributes and choices: three statements, however many there are.

use crate::catalog::{Attribute, AttributeKind, Choice, Level, ProductType};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct AttributeRow {
    type_code: String,
    code: String,
    name: String,
    kind: String,
    level: String,
    unit: String,
    decimals: i64,
    required: bool,
    filterable: bool,
}

#[derive(FromRow)]
struct ChoiceRow {
    type_code: String,
    attribute_code: String,
    code: String,
    name: String,
}

impl From<AttributeRow> for Attribute {
    fn from(row: AttributeRow) -> Self {
        Self {
            code: row.code,
            name: row.name,
            kind: AttributeKind::parse(&row.kind),
            level: Level::parse(&row.level),
            unit: row.unit,
            decimals: row.decimals,
            required: row.required,
            filterable: row.filterable,
            choices: Vec::new(),
        }
    }
}

/// One change of the types at a time: two new types with an attribute of one code and two meanings would otherwise not
/// see each other.
pub(in crate::catalog) async fn lock_types(tx: &mut Tx) -> Result<()> {
    sql::execute!(
        tx,
        "insert into counters (name, value) values ('product_types', 1)
         on conflict (name) do update set value = counters.value + 1"
    )?;
    Ok(())
}

pub(in crate::catalog) async fn list_types(conn: &mut Conn, after: &str, limit: u32) -> Result<Vec<ProductType>> {
    let heads = sql::all!(
        conn,
        (String, String, i64),
        "select code, name, version from product_types where code > $1 order by code limit $2",
        after,
        i64::from(limit)
    )?;
    let (Some((first, ..)), Some((last, ..))) = (heads.first(), heads.last()) else { return Ok(Vec::new()) };
    let mut types = read_attributes(conn, first, last).await?;
    let kind = |(code, name, version)| {
        let attributes = types.remove(&code).unwrap_or_default();
        ProductType { code, name, version, attributes }
    };
    Ok(heads.into_iter().map(kind).collect())
}

pub(in crate::catalog) async fn find_type(conn: &mut Conn, code: &str) -> Result<Option<ProductType>> {
    let head = sql::optional!(
        conn,
        (String, String, i64),
        "select code, name, version from product_types where code = $1",
        code
    )?;
    let Some((code, name, version)) = head else { return Ok(None) };
    let attributes = read_attributes(conn, &code, &code).await?.remove(&code).unwrap_or_default();
    Ok(Some(ProductType { code, name, version, attributes }))
}

/// The attributes of the types from `first` to `last`.
async fn read_attributes(
    conn: &mut Conn,
    first: &str,
    last: &str,
) -> Result<std::collections::HashMap<String, Vec<Attribute>>> {
    let attributes = sql::all!(
        conn,
        AttributeRow,
        "select type_code, code, name, kind, level, unit, decimals, required, filterable from attributes
         where type_code >= $1 and type_code <= $2 order by type_code, position",
        first,
        last
    )?;
    let choices = sql::all!(
        conn,
        ChoiceRow,
        "select type_code, attribute_code, code, name from attribute_choices
         where type_code >= $1 and type_code <= $2 order by type_code, attribute_code, position",
        first,
        last
    )?;
    let mut types: std::collections::HashMap<String, Vec<Attribute>> = std::collections::HashMap::new();
    for row in attributes {
        types.entry(row.type_code.clone()).or_default().push(row.into());
    }
    for row in choices {
        let attributes = types.get_mut(&row.type_code).into_iter().flatten();
        if let Some(attribute) = attributes.into_iter().find(|attribute| attribute.code == row.attribute_code) {
            attribute.choices.push(Choice { code: row.code, name: row.name });
        }
    }
    Ok(types)
}

/// An attribute of this code in another type, without its choices.
pub(in crate::catalog) async fn find_namesake(tx: &mut Tx, code: &str, not_in: &str) -> Result<Option<Attribute>> {
    let row = sql::optional!(
        tx,
        AttributeRow,
        "select type_code, code, name, kind, level, unit, decimals, required, filterable from attributes
         where code = $1 and type_code <> $2 limit 1",
        code,
        not_in
    )?;
    Ok(row.map(Attribute::from))
}

/// False where the code is taken.
pub(in crate::catalog) async fn insert_type(tx: &mut Tx, new: &ProductType, now: Moment) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into product_types (code, name, version, created_at, updated_at) values ($1, $2, 1, $3, $3)
         on conflict (code) do nothing",
        new.code.as_str(),
        new.name.as_str(),
        now
    )?;
    Ok(inserted == 1)
}

pub(in crate::catalog) async fn update_type(tx: &mut Tx, changed: &ProductType, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update product_types set name = $2, version = $3, updated_at = $4 where code = $1",
        changed.code.as_str(),
        changed.name.as_str(),
        changed.version,
        now
    )?;
    Ok(())
}

pub(in crate::catalog) async fn delete_type(tx: &mut Tx, code: &str) -> Result<()> {
    sql::execute!(tx, "delete from product_types where code = $1", code)?;
    Ok(())
}

pub(in crate::catalog) async fn put_attribute(
    tx: &mut Tx,
    type_code: &str,
    attribute: &Attribute,
    position: i64,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into attributes (type_code, code, name, kind, level, unit, decimals, required, filterable, position)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (type_code, code) do update
         set name = excluded.name, required = excluded.required, filterable = excluded.filterable,
             position = excluded.position",
        type_code,
        attribute.code.as_str(),
        attribute.name.as_str(),
        attribute.kind.as_str(),
        attribute.level.as_str(),
        attribute.unit.as_str(),
        attribute.decimals,
        attribute.required,
        attribute.filterable,
        position
    )?;
    Ok(())
}

/// With its values and choices. The values go first: PostgreSQL would meet their keys to the choices on its way.
pub(in crate::catalog) async fn delete_attribute(tx: &mut Tx, type_code: &str, code: &str) -> Result<()> {
    sql::execute!(tx, "delete from product_attributes where type_code = $1 and code = $2", type_code, code)?;
    sql::execute!(tx, "delete from attributes where type_code = $1 and code = $2", type_code, code)?;
    Ok(())
}

pub(in crate::catalog) async fn put_choice(
    tx: &mut Tx,
    type_code: &str,
    attribute_code: &str,
    choice: &Choice,
    position: i64,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into attribute_choices (type_code, attribute_code, code, name, position) values ($1, $2, $3, $4, $5)
         on conflict (type_code, attribute_code, code) do update
         set name = excluded.name, position = excluded.position",
        type_code,
        attribute_code,
        choice.code.as_str(),
        choice.name.as_str(),
        position
    )?;
    Ok(())
}

/// A violation where a product has it.
pub(in crate::catalog) async fn delete_choice(
    tx: &mut Tx,
    type_code: &str,
    attribute_code: &str,
    code: &str,
) -> Result<()> {
    sql::execute!(
        tx,
        "delete from attribute_choices where type_code = $1 and attribute_code = $2 and code = $3",
        type_code,
        attribute_code,
        code
    )?;
    Ok(())
}
