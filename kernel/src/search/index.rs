//! Writing the index.
//!
//! Locks are taken in one order by everybody, so that on PostgreSQL nobody waits for one who waits for them: documents
//! by product, then words by the alphabet. Everything else belongs to one product and is guarded by its document.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::labels::labels;
use super::{BELOW_PRICES, BEYOND_PRICES, Document, Value, analysis, store, typos};
use crate::db::{Result, Tx};
use crate::id;

/// Longest title that is sorted by, in characters.
const MAX_SORTED_TITLE: usize = 100;

/// Indexes products in the caller's transaction, which may write to this domain only through this one call: see above.
/// A document of an older version than the one that is there changes nothing.
pub async fn put(tx: &mut Tx, documents: &[Document]) -> Result<()> {
    let mut sorted: Vec<_> = documents.iter().collect();
    sorted.sort_unstable_by_key(|document| document.product_id);
    let mut changes = Vec::with_capacity(sorted.len());
    for document in sorted {
        let (lowest, highest) = document.prices.unwrap_or((BEYOND_PRICES, BELOW_PRICES));
        let title: String = analysis::fold(&document.title).chars().take(MAX_SORTED_TITLE).collect();
        if store::put_document(tx, document, &title, lowest, highest).await? {
            changes.push(Change::of(tx, document).await?);
        }
    }
    learn(tx, &changes).await?;
    for change in &changes {
        change.write(tx).await?;
    }
    Ok(())
}

/// What is new in a product, and what is gone.
struct Change<'a> {
    product_id: Uuid,
    terms: BTreeMap<String, i64>,
    gone_terms: Vec<String>,
    values: BTreeSet<&'a Value>,
    gone_values: Vec<Value>,
    labels: BTreeSet<String>,
    gone_labels: Vec<String>,
}

impl<'a> Change<'a> {
    async fn of(tx: &mut Tx, document: &'a Document) -> Result<Self> {
        let product_id = document.product_id;
        let mut terms = if document.listed { analysis::terms(&document.texts) } else { BTreeMap::new() };
        let mut gone_terms = Vec::new();
        for (term, weight) in store::terms_of(tx, product_id).await? {
            match terms.get(&term) {
                Some(new) if *new == weight => drop(terms.remove(&term)),
                Some(_) => {}
                None => gone_terms.push(term),
            }
        }
        let mut values: BTreeSet<_> = if document.listed { document.values.iter().collect() } else { BTreeSet::new() };
        let mut gone_values = store::values_of(tx, product_id).await?;
        gone_values.retain(|value| !values.remove(value));
        let mut labels = labels(&document.texts);
        let mut gone_labels = store::labels_of(tx, product_id).await?;
        gone_labels.retain(|label| !labels.remove(label));
        Ok(Self { product_id, terms, gone_terms, values, gone_values, labels, gone_labels })
    }

    async fn write(&self, tx: &mut Tx) -> Result<()> {
        store::delete_terms(tx, self.product_id, &self.gone_terms).await?;
        store::put_terms(tx, self.product_id, &self.terms).await?;
        store::delete_labels(tx, self.product_id, &self.gone_labels).await?;
        store::insert_labels(tx, self.product_id, &self.labels).await?;
        for value in &self.gone_values {
            store::delete_value(tx, self.product_id, value).await?;
        }
        for value in &self.values {
            store::insert_value(tx, self.product_id, value).await?;
        }
        Ok(())
    }
}

/// Adds the words that were never seen before to those that a typo may have meant.
async fn learn(tx: &mut Tx, changes: &[Change<'_>]) -> Result<()> {
    let terms = changes.iter().flat_map(|change| change.terms.keys());
    let words: BTreeSet<&str> =
        terms.map(String::as_str).filter(|term| analysis::is_word(term) && typos::may_be_meant(term)).collect();
    let words: Vec<_> = words.into_iter().collect();
    let known: BTreeSet<_> = store::known_words(tx, &words).await?.into_iter().collect();
    let new = words.into_iter().filter(|word| !known.contains(*word));
    let mut deletions: Vec<_> =
        new.flat_map(|word| typos::deletions(word).into_iter().map(move |deletion| (deletion, word))).collect();
    deletions.sort_unstable();
    store::insert_deletions(tx, &deletions).await
}

/// Has products indexed by the worker, in a moment.
pub async fn enqueue(tx: &mut Tx, product_ids: &[Uuid]) -> Result<()> {
    let rows: Vec<_> = product_ids.iter().map(|product_id| (id::sequential(), *product_id)).collect();
    store::enqueue(tx, &rows).await
}

/// Has the products of these categories indexed by the worker.
pub async fn enqueue_categories(tx: &mut Tx, category_ids: &[Uuid]) -> Result<()> {
    for category_id in category_ids {
        let product_ids = store::products_in(tx, *category_id).await?;
        enqueue(tx, &product_ids).await?;
    }
    Ok(())
}

/// Puts all that is listed in one category into another, and has it indexed.
pub async fn move_products(tx: &mut Tx, from: Uuid, to: Option<Uuid>) -> Result<()> {
    let product_ids = store::products_in(tx, from).await?;
    for product_id in &product_ids {
        store::move_document(tx, *product_id, to).await?;
    }
    enqueue(tx, &product_ids).await
}

/// Has every product of the shop, which are `product_ids`, indexed by the worker with this version of the analysis.
pub async fn enqueue_all(tx: &mut Tx, product_ids: &[Uuid]) -> Result<()> {
    store::set_analysis_version(tx, analysis::VERSION).await?;
    enqueue(tx, product_ids).await
}

/// Whether the index was made by another version of the analysis. In `tx`, so that of two kernels one finds out.
pub async fn needs_reindex(tx: &mut Tx) -> Result<bool> {
    Ok(store::lock_analysis_version(tx).await? != analysis::VERSION)
}

/// Takes at most `limit` products off the queue. They must be indexed in the same transaction.
pub async fn take_queued(tx: &mut Tx, limit: u32) -> Result<Vec<Uuid>> {
    let mut product_ids = store::take_queued(tx, limit).await?;
    product_ids.sort_unstable();
    product_ids.dedup();
    Ok(product_ids)
}
