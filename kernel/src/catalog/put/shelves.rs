//! What products stand in: types, categories, collections, and what belongs to a product.

use uuid::Uuid;

use super::super::translations::{self, Entity};
use super::super::{
    CategoryPatch, CollectionPatch, Error, Flaw, NewCategory, NewCollection, ProductType, ProductTypePatch, Relation,
    categories, collections, related, store, types,
};
use super::{Outcome, WantedCategory, WantedCollection, WantedTexts};
use crate::db::Tx;

/// Makes or changes a type: the one with this code.
pub async fn put_product_type(
    tx: &mut Tx,
    wanted: &ProductType,
    texts: &WantedTexts,
    locales: &[String],
) -> Result<Outcome, Error> {
    let outcome = match store::find_type(tx, &wanted.code).await? {
        None => {
            types::insert(tx, wanted).await?;
            Outcome::Created
        }
        Some(current) if (&current.name, &current.attributes) == (&wanted.name, &wanted.attributes) => {
            Outcome::Unchanged
        }
        Some(_) => {
            let (name, attributes) = (wanted.name.clone(), wanted.attributes.clone());
            let patch = ProductTypePatch { name: Some(name), attributes: Some(attributes) };
            types::change(tx, &wanted.code, patch, None).await?;
            Outcome::Updated
        }
    };
    tell(tx, Entity::ProductType, &wanted.code, texts, locales, outcome).await
}

/// Makes or changes a category: the one with this slug.
pub async fn put_wanted_category(tx: &mut Tx, wanted: &WantedCategory, locales: &[String]) -> Result<Outcome, Error> {
    let parent_id = match &wanted.parent {
        Some(Some(parent)) => {
            let unknown = || Error::Invalid(vec![Flaw::new("/parent", "there is no such category")]);
            Some(Some(store::find_category_by_slug(tx, parent).await?.ok_or_else(unknown)?))
        }
        Some(None) => Some(None),
        None => None,
    };
    let (id, outcome) = match store::find_category_by_slug(tx, &wanted.slug).await? {
        Some(id) => (id, change_category(tx, id, wanted, parent_id).await?),
        None => {
            let missing = || Error::Invalid(vec![Flaw::new("/name", "something new needs it")]);
            let new = NewCategory {
                name: wanted.name.clone().ok_or_else(missing)?,
                slug: Some(wanted.slug.clone()),
                parent_id: parent_id.flatten(),
                position: wanted.position.unwrap_or_default(),
                seo_title: wanted.seo_title.clone().unwrap_or_default(),
                seo_description: wanted.seo_description.clone().unwrap_or_default(),
            };
            store::lock_tree(tx).await?;
            (categories::insert(tx, &new).await?.id, Outcome::Created)
        }
    };
    tell(tx, Entity::Category, &id.to_string(), &wanted.texts, locales, outcome).await
}

async fn change_category(
    tx: &mut Tx,
    id: Uuid,
    wanted: &WantedCategory,
    parent_id: Option<Option<Uuid>>,
) -> Result<Outcome, Error> {
    let current = store::find_category(tx, id).await?.ok_or(Error::NotFound)?;
    let patch = CategoryPatch {
        name: differing(&wanted.name, &current.name),
        slug: None,
        parent_id: differing(&parent_id, &current.parent_id),
        position: differing(&wanted.position, &current.position),
        seo_title: differing(&wanted.seo_title, &current.seo_title),
        seo_description: differing(&wanted.seo_description, &current.seo_description),
    };
    let is_so = patch.name.is_none() && patch.parent_id.is_none() && patch.position.is_none();
    if is_so && patch.seo_title.is_none() && patch.seo_description.is_none() {
        return Ok(Outcome::Unchanged);
    }
    categories::change(tx, id, patch, None).await?;
    Ok(Outcome::Updated)
}

/// Makes or changes a collection: the one with this slug.
pub async fn put_collection(tx: &mut Tx, wanted: &WantedCollection, locales: &[String]) -> Result<Outcome, Error> {
    let (id, by_hand, mut outcome) = match store::find_collection_by_slug(tx, &wanted.slug).await? {
        Some(current) => {
            let patch = CollectionPatch {
                title: differing(&wanted.title, &current.title),
                slug: None,
                description: differing(&wanted.description, &current.description),
                seo_title: differing(&wanted.seo_title, &current.seo_title),
                seo_description: differing(&wanted.seo_description, &current.seo_description),
                status: differing(&wanted.status, &current.status),
                rule: wanted.rule.clone().filter(|rule| current.rule.as_ref() != Some(rule)),
            };
            let texts = [&patch.title, &patch.description, &patch.seo_title, &patch.seo_description];
            let is_so = texts.into_iter().all(Option::is_none) && patch.status.is_none() && patch.rule.is_none();
            if !is_so {
                collections::change(tx, current.id, patch, None).await?;
            }
            let outcome = if is_so { Outcome::Unchanged } else { Outcome::Updated };
            (current.id, current.rule.is_none(), outcome)
        }
        None => {
            let missing = || Error::Invalid(vec![Flaw::new("/title", "something new needs it")]);
            let new = NewCollection {
                title: wanted.title.clone().ok_or_else(missing)?,
                slug: Some(wanted.slug.clone()),
                description: wanted.description.clone().unwrap_or_default(),
                seo_title: wanted.seo_title.clone().unwrap_or_default(),
                seo_description: wanted.seo_description.clone().unwrap_or_default(),
                status: wanted.status.unwrap_or_default(),
                rule: wanted.rule.clone(),
            };
            (collections::insert(tx, &new).await?.id, wanted.rule.is_none(), Outcome::Created)
        }
    };
    if let Some(slugs) = &wanted.products {
        if !by_hand {
            return Err(Error::CollectionByRule);
        }
        let products = ids_of(tx, slugs, "/products").await?;
        if store::members(tx, id).await? != products {
            collections::choose(tx, id, &products, None).await?;
            outcome = if outcome == Outcome::Created { outcome } else { Outcome::Updated };
        }
    }
    tell(tx, Entity::Collection, &id.to_string(), &wanted.texts, locales, outcome).await
}

/// Gives a product what belongs to it, all by their slugs.
pub async fn put_related_slugs(tx: &mut Tx, slug: &str, wanted: &[(Relation, String)]) -> Result<Outcome, Error> {
    let id = ids_of(tx, &[slug.to_owned()], "/product").await?[0];
    let slugs: Vec<_> = wanted.iter().map(|(_, slug)| slug.clone()).collect();
    let ids = ids_of(tx, &slugs, "/products").await?;
    let wanted: Vec<_> = wanted.iter().map(|(relation, _)| *relation).zip(ids).collect();
    let current = store::related_of(tx, id).await?;
    if current.iter().map(|related| (related.relation, related.id)).eq(wanted.iter().copied()) {
        return Ok(Outcome::Unchanged);
    }
    related::relate(tx, id, &wanted, None).await?;
    Ok(Outcome::Updated)
}

/// The id of the category with this slug, which must be there.
pub async fn require_category(tx: &mut Tx, slug: &str) -> Result<Uuid, Error> {
    let unknown = || Error::Invalid(vec![Flaw::new("/category", format!("there is no category `{slug}`"))]);
    store::find_category_by_slug(tx, slug).await?.ok_or_else(unknown)
}

/// That there is a product with this slug.
pub async fn require_product(tx: &mut Tx, slug: &str) -> Result<(), Error> {
    ids_of(tx, &[slug.to_owned()], "/products").await.map(drop)
}

async fn ids_of(tx: &mut Tx, slugs: &[String], at: &str) -> Result<Vec<Uuid>, Error> {
    let mut ids = Vec::with_capacity(slugs.len());
    for slug in slugs {
        let unknown = || Error::Invalid(vec![Flaw::new(at, format!("there is no product `{slug}`"))]);
        ids.push(store::find_product_by_slug(tx, slug).await?.ok_or_else(unknown)?);
    }
    Ok(ids)
}

/// What is wanted, unless it is so.
fn differing<T: Clone + PartialEq>(wanted: &Option<T>, current: &T) -> Option<T> {
    wanted.clone().filter(|wanted| wanted != current)
}

/// Brings the texts in other languages to what is wanted, and tells of it.
async fn tell(
    tx: &mut Tx,
    entity: Entity,
    key: &str,
    texts: &WantedTexts,
    locales: &[String],
    outcome: Outcome,
) -> Result<Outcome, Error> {
    if !translations::bring_to(tx, entity, key, texts, locales).await? {
        return Ok(outcome);
    }
    translations::tell(tx, entity, key).await?;
    Ok(if outcome == Outcome::Created { outcome } else { Outcome::Updated })
}
