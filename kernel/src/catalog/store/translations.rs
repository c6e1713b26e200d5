//! Texts in other languages. A shop has few of these languages: which of them is read is decided above.

use crate::catalog::translations::Entity;
use crate::db::{Conn, Result, Tx, sql};

/// Products whose titles are read at once.
pub(in crate::catalog) const TITLE_CHUNK: usize = 16;

/// Language, field, text.
pub(in crate::catalog) async fn texts_of(
    conn: &mut Conn,
    entity: Entity,
    key: &str,
) -> Result<Vec<(String, String, String)>> {
    sql::all!(
        conn,
        (String, String, String),
        "select locale, field, value from translations where entity = $1 and entity_id = $2 order by locale, field",
        entity.as_str(),
        key
    )
}

/// Id, language, field, text.
pub(in crate::catalog) async fn texts_of_all(
    conn: &mut Conn,
    entity: Entity,
) -> Result<Vec<(String, String, String, String)>> {
    sql::all!(
        conn,
        (String, String, String, String),
        "select entity_id, locale, field, value from translations where entity = $1",
        entity.as_str()
    )
}

pub(in crate::catalog) async fn delete_text(
    tx: &mut Tx,
    entity: Entity,
    key: &str,
    locale: &str,
    field: &str,
) -> Result<()> {
    sql::execute!(
        tx,
        "delete from translations where entity = $1 and entity_id = $2 and locale = $3 and field = $4",
        entity.as_str(),
        key,
        locale,
        field
    )?;
    Ok(())
}

pub(in crate::catalog) async fn delete_field(tx: &mut Tx, entity: Entity, key: &str, field: &str) -> Result<()> {
    sql::execute!(
        tx,
        "delete from translations where entity = $1 and entity_id = $2 and field = $3",
        entity.as_str(),
        key,
        field
    )?;
    Ok(())
}

/// Id, language and title of at most [`TITLE_CHUNK`] products; fewer are filled up with the first, as for SKUs.
pub(in crate::catalog) async fn titles_of(conn: &mut Conn, keys: &[String]) -> Result<Vec<(String, String, String)>> {
    let Some(first) = keys.first() else { return Ok(Vec::new()) };
    let key = |index: usize| keys.get(index).unwrap_or(first).as_str();
    sql::all!(
        conn,
        (String, String, String),
        "select entity_id, locale, value from translations
         where entity = 'product' and field = 'title'
           and entity_id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        key(0),
        key(1),
        key(2),
        key(3),
        key(4),
        key(5),
        key(6),
        key(7),
        key(8),
        key(9),
        key(10),
        key(11),
        key(12),
        key(13),
        key(14),
        key(15)
    )
}

pub(in crate::catalog) async fn insert_text(
    tx: &mut Tx,
    entity: Entity,
    key: &str,
    locale: &str,
    field: &str,
    text: &str,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into translations (entity, entity_id, locale, field, value) values ($1, $2, $3, $4, $5)
         on conflict (entity, entity_id, locale, field) do update set value = excluded.value",
        entity.as_str(),
        key,
        locale,
        field,
        text
    )?;
    Ok(())
}

pub(in crate::catalog) async fn delete_texts(tx: &mut Tx, entity: Entity, key: &str, locale: &str) -> Result<()> {
    sql::execute!(
        tx,
        "delete from translations where entity = $1 and entity_id = $2 and locale = $3",
        entity.as_str(),
        key,
        locale
    )?;
    Ok(())
}

pub(in crate::catalog) async fn delete_all_texts(tx: &mut Tx, entity: Entity, key: &str) -> Result<()> {
    sql::execute!(tx, "delete from translations where entity = $1 and entity_id = $2", entity.as_str(), key)?;
    Ok(())
}
