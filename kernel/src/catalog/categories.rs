//! The tree of categories.
//!
//! A slug is unique in the whole shop, so a category is found by it alone, and a path (`coffee/filter`) never
//! collides while a subtree moves: each path ends with its own slug. Every change of the tree takes one lock first
//! ([`store::lock_tree`]): two moves at a time could otherwise make each category an ancestor of the other.

use std::collections::HashMap;

use uuid::Uuid;

use super::slugs::{self, SlugOf};
use super::translations::{self, Entity, Reading};
use super::{Error, Found, announce, collections, indexing, store, text};
use crate::db::Tx;
use crate::{Shop, clock, id};

/// Longest path, in characters. It bounds the depth: an index of PostgreSQL takes no text beyond some 2,700 bytes.
pub const MAX_PATH: usize = 2_000;

/// A category.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Category {
    pub id: Uuid,
    pub parent_id: Option<Uuid>,
    pub slug: String,
    pub name: String,
    /// Slugs from the root: `coffee/filter`.
    pub path: String,
    /// Siblings are shown by position, then by name.
    pub position: i64,
    /// For search engines; the name stands in where it is empty.
    pub seo_title: String,
    pub seo_description: String,
    /// Counts its own changes, from 1.
    pub version: i64,
}

impl Category {
    /// How deep it stands: 0 for a root.
    pub fn level(&self) -> usize {
        self.path.matches('/').count()
    }
}

/// A category as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryDetail {
    pub category: Category,
    /// From the root down.
    pub ancestors: Vec<Category>,
    pub children: Vec<Category>,
}

/// A category with what is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryNode {
    pub category: Category,
    pub children: Vec<CategoryNode>,
}

/// A category to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCategory {
    pub name: String,
    /// Made from the name where it is none.
    pub slug: Option<String>,
    pub parent_id: Option<Uuid>,
    pub position: i64,
    pub seo_title: String,
    pub seo_description: String,
}

/// What is to change of a category.
#[derive(Debug, Clone, Default)]
pub struct CategoryPatch {
    pub name: Option<String>,
    pub slug: Option<String>,
    /// `Some(None)` makes it a root.
    pub parent_id: Option<Option<Uuid>>,
    pub position: Option<i64>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
}

/// The whole tree, in the language of the reader.
pub async fn list_categories(shop: &Shop, reading: &Reading) -> Result<Vec<CategoryNode>, Error> {
    let mut conn = shop.db().read().await?;
    let mut categories = store::all_categories(&mut conn).await?;
    let texts = translations::read_all(&mut conn, Entity::Category, reading).await?;
    for category in &mut categories {
        translate(category, &texts);
    }
    Ok(into_tree(categories))
}

/// The category with this id or slug, with those above and right below it.
pub async fn find_category_detail(
    shop: &Shop,
    id_or_slug: &str,
    reading: &Reading,
) -> Result<Option<Found<CategoryDetail>>, Error> {
    let mut conn = shop.db().read().await?;
    let id = match Uuid::try_parse(id_or_slug) {
        Ok(id) => Some(id),
        Err(_) if !text::is_slug(id_or_slug) => return Ok(None),
        Err(_) => store::find_category_by_slug(&mut conn, id_or_slug).await?,
    };
    let Some(id) = id else {
        let moved = slugs::find_moved(&mut conn, SlugOf::Category, id_or_slug).await?;
        let Some(id) = moved else { return Ok(None) };
        return Ok(store::find_category(&mut conn, id).await?.map(|category| Found::Moved(category.slug)));
    };
    let mut ancestors = store::ancestors(&mut conn, id).await?;
    let Some(category) = ancestors.pop() else { return Ok(None) };
    let children = store::children(&mut conn, id).await?;
    let mut detail = CategoryDetail { category, ancestors, children };
    let texts = translations::read_all(&mut conn, Entity::Category, reading).await?;
    let shown = detail.ancestors.iter_mut().chain(&mut detail.children).chain([&mut detail.category]);
    shown.for_each(|category| translate(category, &texts));
    Ok(Some(Found::Here(Box::new(detail))))
}

fn translate(category: &mut Category, texts: &HashMap<String, translations::Texts>) {
    if let Some(texts) = texts.get(&category.id.to_string()) {
        translations::put(&mut category.name, texts, "name");
        translations::put(&mut category.seo_title, texts, "seo_title");
        translations::put(&mut category.seo_description, texts, "seo_description");
    }
}

/// A category, for the merchant.
pub async fn get_category(shop: &Shop, id: Uuid) -> Result<Category, Error> {
    let mut conn = shop.db().read().await?;
    store::find_category(&mut conn, id).await?.ok_or(Error::NotFound)
}

/// Makes a category.
pub async fn create_category(shop: &Shop, new: &NewCategory) -> Result<Category, Error> {
    let mut tx = shop.db().write().await?;
    store::lock_tree(&mut tx).await?;
    let category = insert(&mut tx, new).await?;
    tx.commit().await?;
    announce(shop);
    Ok(category)
}

/// The id of the category with this slug, made at the root where there is none, in the caller's transaction.
pub async fn put_category(tx: &mut Tx, slug: &str, name: &str) -> Result<Uuid, Error> {
    if let Some(id) = store::find_category_by_slug(tx, slug).await? {
        return Ok(id);
    }
    store::lock_tree(tx).await?;
    let new = NewCategory { name: name.to_owned(), slug: Some(slug.to_owned()), ..NewCategory::default() };
    match insert(tx, &new).await {
        // Someone else made it between the look and the lock.
        Err(Error::SlugTaken(_)) => store::find_category_by_slug(tx, slug).await?.ok_or(Error::NotFound),
        made => made.map(|category| category.id),
    }
}

/// Renames or moves a category; all that is below moves with it. Where `expected` is some, only if that is its version.
pub async fn patch_category(
    shop: &Shop,
    id: Uuid,
    patch: CategoryPatch,
    expected: Option<i64>,
) -> Result<Category, Error> {
    let mut tx = shop.db().write().await?;
    let category = change(&mut tx, id, patch, expected).await?;
    tx.commit().await?;
    announce(shop);
    Ok(category)
}

/// Changes a category in the caller's transaction, which must be dropped after an error.
pub(super) async fn change(
    tx: &mut Tx,
    id: Uuid,
    patch: CategoryPatch,
    expected: Option<i64>,
) -> Result<Category, Error> {
    let mut category = lock(tx, id, expected).await?;
    let (old_path, old_slug) = (std::mem::take(&mut category.path), category.slug.clone());
    category.version += 1;
    category.seo_title = patch.seo_title.unwrap_or(category.seo_title);
    category.seo_description = patch.seo_description.unwrap_or(category.seo_description);
    category.name = patch.name.unwrap_or(category.name);
    category.slug = patch.slug.unwrap_or(category.slug);
    category.position = patch.position.unwrap_or(category.position);
    category.parent_id = patch.parent_id.unwrap_or(category.parent_id);
    category.path = match find_parent(tx, category.parent_id).await? {
        Some(parent) if parent.path == old_path || is_below(&parent.path, &old_path) => {
            return Err(Error::CategoryCycle);
        }
        parent => path_below(parent.as_ref(), &category.slug)?,
    };
    let longest = store::longest_path_below(tx, &old_path).await?.saturating_sub(old_path.len());
    if longest + category.path.len() > MAX_PATH {
        return Err(Error::CategoryTooDeep);
    }
    let now = clock::now();
    match store::update_category(tx, &category, now).await {
        Err(error) if error.is_unique_violation() => return Err(Error::SlugTaken(category.slug)),
        done => done?,
    }
    slugs::rename(tx, SlugOf::Category, id, &old_slug, &category.slug).await?;
    if category.path != old_path {
        store::move_subtree(tx, &old_path, &category.path, now).await?;
        collections::derive_all_soon(tx).await?;
    }
    // Its name, and those of what it is in now, are words of all that is in it.
    indexing::enqueue_subtree(tx, &category.path).await?;
    Ok(category)
}

/// Deletes a category without sub-categories. Its products go up to its parent, or out of any where it is a root.
pub async fn delete_category(shop: &Shop, id: Uuid, expected: Option<i64>) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let category = lock(&mut tx, id, expected).await?;
    if store::has_children(&mut tx, id).await? {
        return Err(Error::CategoryNotEmpty);
    }
    indexing::move_products(&mut tx, id, category.parent_id).await?;
    store::delete_category(&mut tx, id).await?;
    slugs::forget(&mut tx, id).await?;
    translations::forget(&mut tx, Entity::Category, &id.to_string()).await?;
    collections::derive_all_soon(&mut tx).await?;
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// Takes the lock of the tree, and looks at the version.
async fn lock(tx: &mut Tx, id: Uuid, expected: Option<i64>) -> Result<Category, Error> {
    store::lock_tree(tx).await?;
    let category = store::find_category(tx, id).await?.ok_or(Error::NotFound)?;
    if expected.is_some_and(|expected| expected != category.version) {
        return Err(Error::VersionMismatch { current: category.version });
    }
    Ok(category)
}

/// The caller holds the lock of the tree.
pub(super) async fn insert(tx: &mut Tx, new: &NewCategory) -> Result<Category, Error> {
    let parent = find_parent(tx, new.parent_id).await?;
    let base = text::slugify(&new.name, "category");
    // As for products: a chosen slug is taken or refused, one that is made gets a number.
    let slugs = match &new.slug {
        Some(slug) => vec![slug.clone()],
        None => std::iter::once(base.clone()).chain((2..=50).map(|number| format!("{base}-{number}"))).collect(),
    };
    for slug in slugs {
        let path = path_below(parent.as_ref(), &slug)?;
        let category = Category {
            id: id::sequential(),
            parent_id: new.parent_id,
            slug,
            name: new.name.clone(),
            path,
            position: new.position,
            seo_title: new.seo_title.clone(),
            seo_description: new.seo_description.clone(),
            version: 1,
        };
        if store::insert_category(tx, &category, clock::now()).await? {
            slugs::take(tx, SlugOf::Category, &category.slug).await?;
            return Ok(category);
        }
    }
    Err(Error::SlugTaken(new.slug.clone().unwrap_or(base)))
}

async fn find_parent(tx: &mut Tx, parent_id: Option<Uuid>) -> Result<Option<Category>, Error> {
    let Some(parent_id) = parent_id else { return Ok(None) };
    store::find_category(tx, parent_id).await?.map(Some).ok_or(Error::CategoryUnknown)
}

fn path_below(parent: Option<&Category>, slug: &str) -> Result<String, Error> {
    let path = parent.map_or_else(|| slug.to_owned(), |parent| format!("{}/{slug}", parent.path));
    if path.len() > MAX_PATH { Err(Error::CategoryTooDeep) } else { Ok(path) }
}

fn is_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'))
}

/// Siblings keep the order in which they come.
fn into_tree(categories: Vec<Category>) -> Vec<CategoryNode> {
    let mut children: HashMap<Option<Uuid>, Vec<Category>> = HashMap::new();
    for category in categories {
        children.entry(category.parent_id).or_default().push(category);
    }
    take_children(&mut children, None)
}

/// As deep as the tree, which [`MAX_PATH`] bounds.
fn take_children(children: &mut HashMap<Option<Uuid>, Vec<Category>>, parent: Option<Uuid>) -> Vec<CategoryNode> {
    let siblings = children.remove(&parent).unwrap_or_default();
    siblings
        .into_iter()
        .map(|category| CategoryNode { children: take_children(children, Some(category.id)), category })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_means_by_whole_slugs() {
        for (path, ancestor, expected) in [
            ("coffee/filter", "coffee", true),
            ("coffee/filter/v60", "coffee", true),
            ("coffee", "coffee", false),
            ("coffee-cups", "coffee", false),
            ("tea/coffee", "coffee", false),
        ] {
            assert_eq!(is_below(path, ancestor), expected, "{path} below {ancestor}");
        }
    }

    #[test]
    fn a_tree_keeps_the_order_of_siblings() {
        let category = |id: u128, parent: Option<u128>| Category {
            id: Uuid::from_u128(id),
            parent_id: parent.map(Uuid::from_u128),
            slug: id.to_string(),
            ..Category::default()
        };
        let tree = into_tree(vec![category(3, Some(1)), category(2, None), category(1, None), category(4, Some(3))]);
        let slugs: Vec<_> = tree.iter().map(|node| node.category.slug.as_str()).collect();
        assert_eq!(slugs, ["2", "1"]);
        assert_eq!(tree[1].children[0].children[0].category.slug, "4");
    }
}
