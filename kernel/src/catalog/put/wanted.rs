//! What a file says of the things of a catalog. A field that is none is not mentioned.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::super::variants::describe;
use super::super::{
    AttributeValues, Chosen, Error, Flaw, MAX_VARIANTS, NewProduct, NewVariant, Product, ProductOption, Rule, Status,
    Texts, Variant, options, tags,
};
use super::{Outcome, choices};
use crate::inventory::{DEFAULT_LOCATION, WantedStock};
use crate::money::Amount;

/// Texts by language and field.
pub type WantedTexts = BTreeMap<String, Texts>;

/// A product.
#[derive(Debug, Clone, Default)]
pub struct WantedProduct {
    /// By which it is found; where there is none, by one of its SKUs.
    pub slug: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub vendor: Option<String>,
    /// What the merchant has archived stays archived.
    pub status: Option<Status>,
    pub category_id: Option<Option<Uuid>>,
    pub type_code: Option<Option<String>>,
    /// All of them.
    pub attributes: Option<AttributeValues>,
    pub options: Option<WantedOptions>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub tags: Option<Vec<String>>,
    pub texts: WantedTexts,
    /// The file knows words and no spaces between them: texts that differ in nothing else are left alone.
    pub words_only: bool,
    /// Those that it does not name are left alone.
    pub variants: Vec<WantedVariant>,
}

/// Which of its product's images are to be a variant's own, by their files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnImages {
    /// These, and no other.
    Are(Vec<String>),
    /// This one: a variant that has it, and others beside it, keeps all.
    Have(String),
}

/// A variant, found by its SKU.
#[derive(Debug, Clone, Default)]
pub struct WantedVariant {
    pub sku: String,
    pub title: Option<String>,
    pub price: Option<Amount>,
    /// What it cost before; `Some(None)` says nothing of it any more.
    pub compare_at_price: Option<Option<Amount>>,
    pub weight_grams: Option<i64>,
    pub options: Option<WantedChoice>,
    /// All of them.
    pub attributes: Option<AttributeValues>,
    pub barcode: Option<String>,
    pub length_mm: Option<i64>,
    pub width_mm: Option<i64>,
    pub height_mm: Option<i64>,
    pub stock: WantedStock,
    /// For whoever keeps the images.
    pub images: Option<OwnImages>,
}

/// What the variants of a product differ in.
#[derive(Debug, Clone)]
pub enum WantedOptions {
    Exactly(Vec<ProductOption>),
    /// By their names, of a file that knows no codes: options and values that are there keep theirs.
    Named(Vec<String>),
}

/// A variant's value of each option.
#[derive(Debug, Clone)]
pub enum WantedChoice {
    Codes(Chosen),
    /// In the order of [`WantedOptions::Named`].
    Named(Vec<String>),
}

/// A category, found by its slug.
#[derive(Debug, Clone, Default)]
pub struct WantedCategory {
    pub slug: String,
    pub name: Option<String>,
    /// Slug of its parent.
    pub parent: Option<Option<String>>,
    pub position: Option<i64>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub texts: WantedTexts,
}

/// A collection, found by its slug.
#[derive(Debug, Clone, Default)]
pub struct WantedCollection {
    pub slug: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub status: Option<Status>,
    pub rule: Option<Rule>,
    /// Slugs of its products, all of them, where they are chosen by hand.
    pub products: Option<Vec<String>>,
    pub texts: WantedTexts,
}

impl WantedProduct {
    /// `current` as it would be with all that is wanted laid over it; for each variant wanted, what becomes of it or why
    /// nothing does. `owners` are the products that have the SKUs now.
    pub(super) fn over(
        &self,
        current: &Product,
        owners: &[Option<Uuid>],
    ) -> Result<(Product, Vec<Result<Outcome, Error>>), Error> {
        let mut product = current.clone();
        self.lay_head(&mut product);
        let chosen = choices::lay(&mut product, self)?;
        let mut outcomes = Vec::with_capacity(self.variants.len());
        for ((wanted, owner), chosen) in self.variants.iter().zip(owners).zip(chosen) {
            let index = product.variants.iter().position(|variant| variant.sku == wanted.sku);
            outcomes.push(match (owner, index) {
                (Some(owner), _) if *owner != current.id => Err(Error::SkuTaken(wanted.sku.clone())),
                (_, Some(index)) => {
                    wanted.lay(&mut product.variants[index]);
                    let is_so = current.variants.get(index) == product.variants.get(index);
                    Ok(if is_so { Outcome::Unchanged } else { Outcome::Updated })
                }
                (_, None) => wanted.add(&mut product, chosen).map(|()| Outcome::Created),
            });
        }
        Ok((product, outcomes))
    }

    fn lay_head(&self, product: &mut Product) {
        let set = |field: &mut String, wanted: &Option<String>| match wanted {
            Some(wanted) if self.words_only && has_same_words(field, wanted) => {}
            Some(wanted) => field.clone_from(wanted),
            None => {}
        };
        set(&mut product.title, &self.title);
        set(&mut product.description, &self.description);
        set(&mut product.vendor, &self.vendor);
        set(&mut product.seo_title, &self.seo_title);
        set(&mut product.seo_description, &self.seo_description);
        if product.status != Status::Archived {
            product.status = self.status.unwrap_or(product.status);
        }
        product.category_id = self.category_id.unwrap_or(product.category_id);
        if let Some(type_code) = &self.type_code {
            product.type_code.clone_from(type_code);
        }
        if let Some(attributes) = &self.attributes {
            product.attributes.clone_from(attributes);
        }
        if let Some(wanted) = &self.tags {
            product.tags = tags::fold(wanted);
        }
    }

    /// As a product to be made, with those of its variants whose SKU is free.
    pub(super) fn to_new(&self, owners: &[Option<Uuid>]) -> Result<NewProduct, Error> {
        let missing = |at: &str| Error::Invalid(vec![Flaw::new(at, "something new needs it")]);
        let (made, chosen) = choices::of_new(self)?;
        let mut new = NewProduct {
            title: self.title.clone().ok_or_else(|| missing("/title"))?,
            slug: self.slug.clone(),
            description: self.description.clone().unwrap_or_default(),
            vendor: self.vendor.clone().unwrap_or_default(),
            status: self.status.unwrap_or_default(),
            category_id: self.category_id.flatten(),
            type_code: self.type_code.clone().flatten(),
            attributes: self.attributes.clone().unwrap_or_default(),
            options: made,
            seo_title: self.seo_title.clone().unwrap_or_default(),
            seo_description: self.seo_description.clone().unwrap_or_default(),
            tags: self.tags.clone().unwrap_or_default(),
            variants: Vec::with_capacity(self.variants.len()),
        };
        for (index, ((wanted, owner), chosen)) in self.variants.iter().zip(owners).zip(chosen).enumerate() {
            if owner.is_none() {
                let variant = wanted.to_new(chosen);
                new.variants.push(variant.ok_or_else(|| missing(&format!("/variants/{index}/price")))?);
            }
        }
        Ok(new)
    }
}

impl WantedVariant {
    /// All but the options, which were chosen with those of the others.
    fn lay(&self, variant: &mut Variant) {
        if let Some(title) = self.title.as_ref().filter(|_| variant.options.is_empty()) {
            variant.title.clone_from(title);
        }
        variant.price = self.price.unwrap_or(variant.price);
        variant.compare_at_price = self.compare_at_price.unwrap_or(variant.compare_at_price);
        variant.weight_grams = self.weight_grams.unwrap_or(variant.weight_grams);
        if let Some(attributes) = &self.attributes {
            variant.attributes.clone_from(attributes);
        }
        if let Some(barcode) = &self.barcode {
            variant.barcode.clone_from(barcode);
        }
        variant.length_mm = self.length_mm.unwrap_or(variant.length_mm);
        variant.width_mm = self.width_mm.unwrap_or(variant.width_mm);
        variant.height_mm = self.height_mm.unwrap_or(variant.height_mm);
    }

    /// Adds it to a product at its end.
    fn add(&self, product: &mut Product, chosen: Chosen) -> Result<(), Error> {
        if product.variants.len() >= MAX_VARIANTS {
            return Err(Error::TooManyVariants);
        }
        let flaw = |at: &str, detail: &str| Error::Invalid(vec![Flaw::new(at, detail)]);
        let new = self.to_new(chosen).ok_or_else(|| flaw("/price", "a new variant needs a price"))?;
        let position = product.variants.iter().map(|variant| variant.position + 1).max().unwrap_or(0);
        let variant = describe(product, &new, position, "")?;
        if options::is_taken(&product.variants, &variant) {
            return Err(flaw("/options", "another variant has the same values"));
        }
        product.variants.push(variant);
        Ok(())
    }

    /// None without a price.
    fn to_new(&self, chosen: Chosen) -> Option<NewVariant> {
        Some(NewVariant {
            sku: self.sku.clone(),
            title: self.title.clone().unwrap_or_default(),
            price: self.price?,
            compare_at_price: self.compare_at_price.flatten(),
            weight_grams: self.weight_grams.unwrap_or_default(),
            options: chosen,
            attributes: self.attributes.clone().unwrap_or_default(),
            barcode: self.barcode.clone().unwrap_or_default(),
            length_mm: self.length_mm.unwrap_or_default(),
            width_mm: self.width_mm.unwrap_or_default(),
            height_mm: self.height_mm.unwrap_or_default(),
            on_hand: self.opening(),
        })
    }

    /// With what a new variant begins at the default location.
    fn opening(&self) -> i64 {
        let levels = self.stock.levels.iter();
        let lies = levels.filter(|(location, _)| *location == DEFAULT_LOCATION).map(|(_, on_hand)| *on_hand).next();
        self.stock.total.or(lies).unwrap_or(0).max(0)
    }

    /// Whether its stock wants more than what it opens with.
    pub(super) fn wants_beyond_opening(&self) -> bool {
        let mut rest = self.stock.clone();
        rest.total = None;
        rest.levels.retain(|(location, on_hand)| *location != DEFAULT_LOCATION || *on_hand < 0);
        !rest.is_empty()
    }
}

/// The codes that each variant which the file names chooses, by SKU.
pub(super) type ChosenBySku<'a> = HashMap<&'a str, Chosen>;

fn has_same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}
