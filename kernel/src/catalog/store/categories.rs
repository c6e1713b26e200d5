//! The tree of categories. What is below a path is the range from `path/` to `path0`: `0` is the character after `/`.

use uuid::Uuid;

use crate::catalog::categories::Category;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct CategoryRow {
    id: Uuid,
    parent_id: Option<Uuid>,
    slug: String,
    name: String,
    path: String,
    position: i64,
    seo_title: String,
    seo_description: String,
    version: i64,
}

impl From<CategoryRow> for Category {
    fn from(row: CategoryRow) -> Self {
        Self {
            id: row.id,
            parent_id: row.parent_id,
            slug: row.slug,
            name: row.name,
            path: row.path,
            position: row.position,
            seo_title: row.seo_title,
            seo_description: row.seo_description,
            version: row.version,
        }
    }
}

/// One change of the tree at a time: the row of a counter is the lock (PostgreSQL; SQLite has one writer anyway).
pub(in crate::catalog) async fn lock_tree(tx: &mut Tx) -> Result<()> {
    sql::execute!(
        tx,
        "insert into counters (name, value) values ('category_tree', 1)
         on conflict (name) do update set value = counters.value + 1"
    )?;
    Ok(())
}

/// Siblings by position and name.
pub(in crate::catalog) async fn all_categories(conn: &mut Conn) -> Result<Vec<Category>> {
    let rows = sql::all!(
        conn,
        CategoryRow,
        "select id, parent_id, slug, name, path, position, seo_title, seo_description, version from categories
         order by position, name, id"
    )?;
    Ok(rows.into_iter().map(Category::from).collect())
}

pub(in crate::catalog) async fn find_category(conn: &mut Conn, id: Uuid) -> Result<Option<Category>> {
    let row = sql::optional!(
        conn,
        CategoryRow,
        "select id, parent_id, slug, name, path, position, seo_title, seo_description, version from categories where id = $1",
        id
    )?;
    Ok(row.map(Category::from))
}

/// The category with those that it is in, from the root down; nothing where there is none.
pub(in crate::catalog) async fn ancestors(conn: &mut Conn, id: Uuid) -> Result<Vec<Category>> {
    let rows = sql::all!(
        conn,
        CategoryRow,
        "with recursive up as (
             select id, parent_id, slug, name, path, position, seo_title, seo_description, version
             from categories where id = $1
             union all
             select c.id, c.parent_id, c.slug, c.name, c.path, c.position, c.seo_title, c.seo_description, c.version
             from categories c join up on c.id = up.parent_id)
         select id, parent_id, slug, name, path, position, seo_title, seo_description, version from up
         order by length(path)",
        id
    )?;
    Ok(rows.into_iter().map(Category::from).collect())
}

/// Right below it, by position and name.
pub(in crate::catalog) async fn children(conn: &mut Conn, id: Uuid) -> Result<Vec<Category>> {
    let rows = sql::all!(
        conn,
        CategoryRow,
        "select id, parent_id, slug, name, path, position, seo_title, seo_description, version from categories
         where parent_id = $1 order by position, name, id",
        id
    )?;
    Ok(rows.into_iter().map(Category::from).collect())
}

pub(in crate::catalog) async fn find_category_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Uuid>> {
    let row = sql::optional!(conn, (Uuid,), "select id from categories where slug = $1", slug)?;
    Ok(row.map(|(id,)| id))
}

/// The category with this slug and, where `subtree`, all that is below it.
pub(in crate::catalog) async fn category_ids(conn: &mut Conn, slug: &str, subtree: bool) -> Result<Vec<Uuid>> {
    let row = sql::optional!(conn, (Uuid, String), "select id, path from categories where slug = $1", slug)?;
    match row {
        Some((_, path)) if subtree => category_ids_below(conn, &path).await,
        row => Ok(row.into_iter().map(|(id, _)| id).collect()),
    }
}

/// The category with this path, and all that is below it.
pub(in crate::catalog) async fn category_ids_below(conn: &mut Conn, path: &str) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select id from categories where path = $1
         union all
         select id from categories where path >= cast($1 as text) || '/' and path < cast($1 as text) || '0'",
        path
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// False where the slug is taken.
pub(in crate::catalog) async fn insert_category(tx: &mut Tx, category: &Category, now: Moment) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into categories (id, parent_id, slug, name, path, position, created_at, updated_at, seo_title, seo_description,
                                 version)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10)
         on conflict (slug) do nothing",
        category.id,
        category.parent_id,
        category.slug.as_str(),
        category.name.as_str(),
        category.path.as_str(),
        category.position,
        now,
        category.seo_title.as_str(),
        category.seo_description.as_str(),
        category.version
    )?;
    Ok(inserted == 1)
}

pub(in crate::catalog) async fn update_category(tx: &mut Tx, category: &Category, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update categories set parent_id = $2, slug = $3, name = $4, path = $5, position = $6, updated_at = $7,
                               seo_title = $8, seo_description = $9, version = $10
         where id = $1",
        category.id,
        category.parent_id,
        category.slug.as_str(),
        category.name.as_str(),
        category.path.as_str(),
        category.position,
        now,
        category.seo_title.as_str(),
        category.seo_description.as_str(),
        category.version
    )?;
    Ok(())
}

/// Length of the longest path below `path`; 0 where nothing is below it.
pub(in crate::catalog) async fn longest_path_below(conn: &mut Conn, path: &str) -> Result<usize> {
    let (longest,) = sql::one!(
        conn,
        (i64,),
        "select cast(coalesce(max(length(path)), 0) as bigint) from categories
         where path >= cast($1 as text) || '/' and path < cast($1 as text) || '0'",
        path
    )?;
    Ok(usize::try_from(longest).unwrap_or_default())
}

/// Rewrites the paths of all that is below `old_path`.
pub(in crate::catalog) async fn move_subtree(tx: &mut Tx, old_path: &str, new_path: &str, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update categories
         set path = cast($2 as text) || substr(path, length(cast($1 as text)) + 1), updated_at = $3
         where path >= cast($1 as text) || '/' and path < cast($1 as text) || '0'",
        old_path,
        new_path,
        now
    )?;
    Ok(())
}

pub(in crate::catalog) async fn has_children(conn: &mut Conn, id: Uuid) -> Result<bool> {
    let row = sql::optional!(conn, (Uuid,), "select id from categories where parent_id = $1 limit 1", id)?;
    Ok(row.is_some())
}

/// Puts the products of one category into another.
pub(in crate::catalog) async fn move_products(tx: &mut Tx, from: Uuid, to: Option<Uuid>, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update products set category_id = $2, version = version + 1, updated_at = $3 where category_id = $1",
        from,
        to,
        now
    )?;
    Ok(())
}

pub(in crate::catalog) async fn delete_category(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from categories where id = $1", id)?;
    Ok(())
}
