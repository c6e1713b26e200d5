//! Writes what a file says, whoever asks for it: many items to a transaction, each of which is one or nothing.
//!
//! A dry run does the very same and drops each transaction. The types and categories that a batch rests on are put again at the beginning
//! of its transaction ([`super::lasting`]); of products, only that they would be there is kept.
//!
//! Within a transaction the stock comes last, by variant: checkouts lock it in that order, too.

use std::collections::HashSet;

use futures_util::future::BoxFuture;

use super::item::{Described, InCategory, Item, Thing};
use super::lasting::Lasting;
use super::reading::{Reading, Rules, Told};
use super::trade;
use super::{Error, Format, OnProgress, Outcome, Progress, Remark, Report, Sales, Source};
use crate::catalog::{self, Condition, StockWish, WantedCollection, WantedProduct};
use crate::db::Tx;
use crate::inventory::{Cause, CauseKind};
use crate::{Shop, images};

/// Why stock changes.
const CAUSE: Cause<'static> = Cause { kind: CauseKind::Import, reference_id: None, reason: "", actor: "" };

/// Who keeps what was done.
pub(super) trait Keeper: Send {
    /// Keeps what became of a batch, in its transaction, where it is one that will be committed.
    fn keep<'a>(&'a mut self, tx: Option<&'a mut Tx>, batch: &'a Done) -> BoxFuture<'a, Result<(), Error>>;

    /// Whether a dry run's batches are to be kept too, each in a transaction of its own.
    fn keeps_dry_runs(&self) -> bool;

    /// Before each batch: may wait, or end the import.
    fn go_on(&mut self) -> BoxFuture<'_, Result<(), Error>>;
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub items: u64,
    pub progress: Progress,
    pub applied: Vec<Applied>,
}

/// What became of an item.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub line: u64,
    pub rows: u64,
    pub what: String,
    pub product: Option<catalog::Outcome>,
    /// None for one that was refused.
    pub variants: Vec<Option<catalog::Outcome>>,
    pub other: Option<catalog::Outcome>,
    pub rejected: Vec<Remark>,
    pub notes: Vec<Remark>,
}

impl Applied {
    /// Whether anything was made or changed.
    pub fn outcome(&self) -> Option<Outcome> {
        use catalog::Outcome::{Created, Unchanged};
        let whole = self.product.or(self.other)?;
        let changed = whole != Unchanged || self.variants.iter().flatten().any(|outcome| *outcome != Unchanged);
        changed.then_some(if whole == Created { Outcome::Created } else { Outcome::Updated })
    }
}

/// Keeps everything in memory, for somebody who waits.
pub(super) struct AtHand<'a> {
    pub report: Report,
    pub on_progress: OnProgress<'a>,
}

impl Keeper for AtHand<'_> {
    fn keep<'a>(&'a mut self, _: Option<&'a mut Tx>, batch: &'a Done) -> BoxFuture<'a, Result<(), Error>> {
        for applied in &batch.applied {
            let report = &mut self.report;
            report.rows += applied.rows;
            applied.product.into_iter().for_each(|outcome| report.products.count(outcome));
            applied.other.into_iter().for_each(|outcome| report.others.count(outcome));
            applied.variants.iter().flatten().for_each(|outcome| report.variants.count(*outcome));
            report.rejected.extend(applied.rejected.iter().cloned());
            report.notes.extend(applied.notes.iter().cloned());
        }
        (self.on_progress)(batch.progress);
        Box::pin(async { Ok(()) })
    }

    fn keeps_dry_runs(&self) -> bool {
        false
    }

    fn go_on(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

/// Imports a file, from the item after the first `skip`, which were written before.
pub(super) async fn import(
    shop: &Shop,
    source: impl Source,
    format: Format,
    dry_run: bool,
    skip: u64,
    keeper: &mut impl Keeper,
) -> Result<Sales, Error> {
    let mut reading = Reading::begin(source, format, Rules::of(shop).await?);
    let mut writer = Writer {
        shop,
        dry_run,
        lasting: Lasting::default(),
        made: HashSet::new(),
        made_skus: HashSet::new(),
        progress: Progress::default(),
    };
    let (mut batch, mut weight, mut sales, mut seen) = (Vec::new(), 0, None, 0);
    while let Some(told) = reading.next().await? {
        match told {
            Told::Total(rows) => writer.progress.rows_total = rows,
            Told::Sales(amount) => sales = Some(amount),
            Told::Item(item) if seen < skip => {
                seen += 1;
                writer.progress.rows_done += item.rows;
            }
            Told::Item(item) => {
                weight += item.weight();
                batch.push(item);
                if weight >= shop.config().import.batch.max(1) {
                    writer.write(std::mem::take(&mut batch), keeper).await?;
                    weight = 0;
                }
            }
        }
    }
    // Also where nothing is left: the total is known only now.
    writer.write(batch, keeper).await?;
    Ok(sales)
}

struct Writer<'a> {
    shop: &'a Shop,
    dry_run: bool,
    /// Of a dry run: what batches rest on.
    lasting: Lasting,
    /// Of a dry run: slugs of products that would be there by now.
    made: HashSet<String>,
    /// The same of SKUs.
    made_skus: HashSet<String>,
    progress: Progress,
}

impl Writer<'_> {
    /// All of them in one transaction or, where that fails, each in its own.
    async fn write(&mut self, batch: Vec<Item>, keeper: &mut impl Keeper) -> Result<(), Error> {
        keeper.go_on().await?;
        match self.write_together(&batch, keeper).await {
            Err(Error::Catalog(catalog::Error::Database(error))) => return Err(error.into()),
            // One item is at fault, and its transaction is gone: find out which.
            Err(Error::Catalog(_)) => {
                for item in &batch {
                    self.write_alone(item, keeper).await?;
                }
            }
            done => done?,
        }
        if !self.dry_run {
            catalog::announce(self.shop);
        }
        Ok(())
    }

    async fn write_together(&mut self, batch: &[Item], keeper: &mut impl Keeper) -> Result<(), Error> {
        let mut tx = self.shop.db().write().await?;
        let applied = self.apply(&mut tx, batch).await?;
        let outcomes: Vec<_> = applied.iter().map(|applied| applied.other).collect();
        self.finish(tx, applied, keeper).await?;
        if self.dry_run {
            for (item, outcome) in batch.iter().zip(outcomes) {
                if let (Some(thing), Some(outcome)) = (&item.thing, outcome) {
                    self.lasting.add(thing, outcome);
                }
            }
        }
        Ok(())
    }

    async fn write_alone(&mut self, item: &Item, keeper: &mut impl Keeper) -> Result<(), Error> {
        match self.write_together(std::slice::from_ref(item), keeper).await {
            Err(Error::Catalog(catalog::Error::Database(error))) => Err(error.into()),
            Err(Error::Catalog(error)) => {
                let tx = self.shop.db().write().await?;
                self.finish(tx, vec![refused(item, &error)], keeper).await
            }
            done => done,
        }
    }

    /// Ends the transaction of a batch: commits it with what is kept of it, or drops it.
    async fn finish(&mut self, mut tx: Tx, applied: Vec<Applied>, keeper: &mut impl Keeper) -> Result<(), Error> {
        let mut progress = self.progress;
        progress.rows_done += applied.iter().map(|applied| applied.rows).sum::<u64>();
        let done = Done { items: applied.len() as u64, progress, applied };
        if !self.dry_run {
            keeper.keep(Some(&mut tx), &done).await?;
            tx.commit().await?;
        } else {
            drop(tx);
            if keeper.keeps_dry_runs() {
                let mut tx = self.shop.db().write().await?;
                keeper.keep(Some(&mut tx), &done).await?;
                tx.commit().await?;
            } else {
                keeper.keep(None, &done).await?;
            }
        }
        self.progress = progress;
        Ok(())
    }

    /// Puts all of it into the transaction. An error other than of the database is about one of the items.
    async fn apply(&mut self, tx: &mut Tx, batch: &[Item]) -> Result<Vec<Applied>, catalog::Error> {
        for thing in self.lasting.under(batch) {
            // Only what was taken the first time.
            self.put(tx, thing, &mut Applied::default()).await?;
        }
        let (mut all, mut wishes) = (Vec::with_capacity(batch.len()), Vec::new());
        for item in batch {
            let mut applied = Applied {
                line: item.line,
                rows: item.rows,
                what: item.thing.as_ref().map(Thing::name).unwrap_or_default(),
                rejected: item.rejected.clone(),
                notes: item.notes.clone(),
                ..Applied::default()
            };
            if let Some(thing) = &item.thing {
                let stock = self.put(tx, thing, &mut applied).await?;
                wishes.extend(stock.into_iter().map(|wish| (all.len(), wish)));
            }
            all.push(applied);
        }
        put_stock(tx, batch, &mut all, wishes).await?;
        if self.dry_run {
            let made = batch.iter().zip(&all).filter(|(_, applied)| applied.product == Some(catalog::Outcome::Created));
            self.made.extend(made.filter_map(|(item, _)| slug_of(item)));
            self.made_skus.extend(batch.iter().zip(&all).flat_map(|(item, applied)| made_skus(item, applied)));
        }
        Ok(all)
    }

    /// Puts one thing; answers what is left to be done for the stock.
    async fn put(&self, tx: &mut Tx, thing: &Thing, applied: &mut Applied) -> Result<Vec<StockWish>, catalog::Error> {
        let locales = &self.shop.config().catalog.locales;
        match thing {
            Thing::Group(group) => applied.other = Some(trade::put_group(tx, &group.code, &group.name).await?),
            Thing::Location(id, location) => {
                applied.other = Some(trade::put_location(self.shop, tx, *id, location).await?);
            }
            Thing::PriceList(list) => applied.other = Some(trade::put_list(self.shop, tx, list).await?),
            Thing::Prices(line) => {
                let outcome = trade::put_prices(tx, &line.list, &line.prices, &self.made_skus, applied).await?;
                applied.other = Some(outcome);
            }
            Thing::ProductType(kind, texts) => {
                applied.other = Some(catalog::put_product_type(tx, kind, texts, locales).await?);
            }
            Thing::Category(category) => {
                applied.other = Some(catalog::put_wanted_category(tx, category, locales).await?);
            }
            Thing::Product(described) => return put_product(tx, described, locales, applied).await,
            Thing::Related(slug, products) => {
                let slugs = products.iter().map(|(_, slug)| slug).chain([slug]);
                applied.other = Some(match self.would_be_made(tx, slugs).await? {
                    true => catalog::Outcome::Updated,
                    false => catalog::put_related_slugs(tx, slug, products).await?,
                });
            }
            Thing::Collection(collection, categories) => {
                let mut collection = (**collection).clone();
                name_categories(tx, &mut collection, categories).await?;
                let slugs = collection.products.iter().flatten();
                let changed = self.would_be_made(tx, slugs).await?;
                if changed {
                    collection.products = None;
                }
                let outcome = catalog::put_collection(tx, &collection, locales).await?;
                let updated = changed && outcome == catalog::Outcome::Unchanged;
                applied.other = Some(if updated { catalog::Outcome::Updated } else { outcome });
            }
        }
        Ok(Vec::new())
    }

    /// Whether a dry run cannot put something because products are not there that would be by now, and nothing else is
    /// missing.
    async fn would_be_made<'s>(
        &self,
        tx: &mut Tx,
        slugs: impl Iterator<Item = &'s String> + Send,
    ) -> Result<bool, catalog::Error> {
        let (mut any, mut others) = (false, Vec::new());
        for slug in slugs {
            if self.made.contains(slug) {
                any = true;
            } else {
                others.push(slug);
            }
        }
        if any {
            for slug in others {
                catalog::require_product(tx, slug).await?;
            }
        }
        Ok(any)
    }
}

fn slug_of(item: &Item) -> Option<String> {
    match &item.thing {
        Some(Thing::Product(described)) => described.wanted.slug.clone(),
        _ => None,
    }
}

/// SKUs of variants that an item made.
fn made_skus(item: &Item, applied: &Applied) -> Vec<String> {
    let Some(Thing::Product(described)) = &item.thing else { return Vec::new() };
    let made = described.wanted.variants.iter().zip(&applied.variants);
    let made = made.filter(|(_, outcome)| **outcome == Some(catalog::Outcome::Created));
    made.map(|(variant, _)| variant.sku.clone()).collect()
}

/// All rows of an item that fails as a whole.
fn refused(item: &Item, error: &catalog::Error) -> Applied {
    let text = reason(error);
    let lines = match &item.thing {
        Some(Thing::Product(described)) if !described.lines.is_empty() => {
            let mut lines: Vec<_> = described.lines.iter().flatten().copied().collect();
            lines.dedup();
            lines
        }
        _ => vec![item.line],
    };
    let rejected = lines.into_iter().map(|line| Remark { line, text: text.clone() });
    Applied {
        line: item.line,
        rows: item.rows,
        what: item.thing.as_ref().map(Thing::name).unwrap_or_default(),
        rejected: item.rejected.iter().cloned().chain(rejected).collect(),
        ..Applied::default()
    }
}

fn reason(error: &catalog::Error) -> String {
    match error {
        catalog::Error::Invalid(flaws) => {
            let flaws: Vec<_> = flaws.iter().map(|flaw| format!("{}: {}", flaw.pointer, flaw.detail)).collect();
            flaws.join("; ")
        }
        error => error.to_string(),
    }
}

async fn put_product(
    tx: &mut Tx,
    described: &Described,
    locales: &[String],
    applied: &mut Applied,
) -> Result<Vec<StockWish>, catalog::Error> {
    let mut wanted = described.wanted.clone();
    wanted.category_id = match &described.category {
        InCategory::Unmentioned => None,
        InCategory::Nowhere => Some(None),
        InCategory::Slug(slug) => Some(Some(catalog::require_category(tx, slug).await?)),
        InCategory::Named { slug, name } => Some(Some(catalog::put_category(tx, slug, name).await?)),
    };
    let put = catalog::put_product(tx, &wanted, locales).await?;
    let with_image = put_images(tx, &wanted, &put).await?;
    applied.product = Some(put.product);
    for ((outcome, lines), wanted) in put.variants.into_iter().zip(&described.lines).zip(&wanted.variants) {
        match outcome {
            Ok(catalog::Outcome::Unchanged) if with_image.contains(&wanted.sku) => {
                applied.variants.push(Some(catalog::Outcome::Updated));
            }
            Ok(outcome) => applied.variants.push(Some(outcome)),
            Err(error) => {
                applied.variants.push(None);
                refuse(applied, lines, &error);
            }
        }
    }
    Ok(put.stock)
}

/// The images of variants; the SKUs of those that had others.
async fn put_images(
    tx: &mut Tx,
    wanted: &WantedProduct,
    put: &catalog::Put,
) -> Result<HashSet<String>, catalog::Error> {
    let wishes: Vec<_> =
        wanted.variants.iter().filter_map(|variant| Some((&variant.sku, variant.images.as_ref()?))).collect();
    let Some(id) = put.id.filter(|_| !wishes.is_empty()) else { return Ok(HashSet::new()) };
    let ids = catalog::ids_by_sku(tx, id).await?;
    let files: Vec<_> = wishes.iter().filter_map(|(sku, own)| Some((*ids.get(*sku)?, *own))).collect();
    if images::own_images_changes(tx, id, &files).await?.is_empty() {
        return Ok(HashSet::new());
    }
    let unchanged = |outcome: &Result<catalog::Outcome, _>| matches!(outcome, Ok(catalog::Outcome::Unchanged) | Err(_));
    let told = put.product != catalog::Outcome::Unchanged || !put.variants.iter().all(unchanged);
    // It locks the product: whoever chooses images of it waits, and what they chose is read below.
    if !told {
        catalog::touch_product(tx, id).await?;
    }
    let changes = images::own_images_changes(tx, id, &files).await?;
    images::change_own_images(tx, &changes).await?;
    Ok(ids.into_iter().filter(|(_, id)| changes.contains_key(id)).map(|(sku, _)| sku).collect())
}

fn refuse(applied: &mut Applied, lines: &[u64], error: &catalog::Error) {
    let text = reason(error);
    applied.rejected.extend(lines.iter().map(|line| Remark { line: *line, text: text.clone() }));
}

/// The stock of all variants of a batch, in the order of locking.
async fn put_stock(
    tx: &mut Tx,
    batch: &[Item],
    all: &mut [Applied],
    wishes: Vec<(usize, StockWish)>,
) -> Result<(), catalog::Error> {
    let places: std::collections::HashMap<_, _> = wishes.iter().map(|(item, wish)| (wish.variant_id, *item)).collect();
    let wishes = wishes.into_iter().map(|(_, wish)| wish).collect();
    for (wish, outcome) in catalog::put_stock(tx, wishes, &CAUSE).await? {
        let item = places.get(&wish.variant_id).copied().unwrap_or_default();
        match outcome {
            Ok(true) if all[item].variants[wish.index] == Some(catalog::Outcome::Unchanged) => {
                all[item].variants[wish.index] = Some(catalog::Outcome::Updated);
            }
            Ok(_) => {}
            Err(error) => {
                all[item].variants[wish.index] = None;
                if let Some(Thing::Product(described)) = &batch[item].thing {
                    refuse(&mut all[item], &described.lines[wish.index], &error);
                }
            }
        }
    }
    Ok(())
}

/// Conditions of a rule name categories by their slugs.
async fn name_categories(
    tx: &mut Tx,
    collection: &mut WantedCollection,
    categories: &[(usize, String)],
) -> Result<(), catalog::Error> {
    let Some(rule) = &mut collection.rule else { return Ok(()) };
    for (index, slug) in categories {
        let id = catalog::require_category(tx, slug).await?;
        if let Some(condition) = rule.conditions.get_mut(*index) {
            *condition = Condition::Category { value: id };
        }
    }
    Ok(())
}
