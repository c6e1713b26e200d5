//! Product types with their attributes and choices: three statements, however many there are.

use uuid::Uuid;

use crate::catalog::{Attribute, AttributeKind, Choice, Level, ProductType};
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, Tx, sql};

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

/// By id.
pub(in crate::catalog) async fn product_ids_of_type(conn: &mut Conn, code: &str) -> Result<Vec<Uuid>> {
    let rows = sql::all!(conn, (Uuid,), "select id from products where type_code = $1 order by id", code)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The filterable attributes with these codes, each with its type; those of the types that come first, by code and place.
pub(in crate::catalog) async fn filterable_attributes(
    conn: &mut Conn,
    codes: &[&str],
) -> Result<Vec<(String, Attribute)>> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let mut built = Built::new(
        "select type_code, code, name, kind, level, unit, decimals, required, filterable from attributes
         where filterable = true and code in (",
    );
    built.bind_all(codes.iter().copied()).push(") order by type_code, position");
    let rows: Vec<AttributeRow> = built.all(conn).await?;
    let mut attributes: Vec<_> = rows.into_iter().map(|row| (row.type_code.clone(), Attribute::from(row))).collect();
    if attributes.is_empty() {
        return Ok(attributes);
    }
    let mut built =
        Built::new("select type_code, attribute_code, code, name from attribute_choices where type_code in (");
    let types: std::collections::BTreeSet<_> = attributes.iter().map(|(type_code, _)| type_code.as_str()).collect();
    built.bind_all(types).push(") and attribute_code in (").bind_all(codes.iter().copied());
    built.push(") order by type_code, attribute_code, position");
    for row in built.all::<ChoiceRow>(conn).await? {
        let owner = |(type_code, attribute): &&mut (String, Attribute)| {
            *type_code == row.type_code && attribute.code == row.attribute_code
        };
        if let Some((_, attribute)) = attributes.iter_mut().find(owner) {
            attribute.choices.push(Choice { code: row.code, name: row.name });
        }
    }
    Ok(attributes)
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
