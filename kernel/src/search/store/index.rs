//! Writing the index.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::db::{Built, Conn, Result, Tx, sql};
use crate::money::Amount;
use crate::search::{Document, Value};

/// Rows written by one statement.
const CHUNK: usize = 200;
/// The counter that holds the version of the analysis that the index was made by.
const VERSION: &str = "search_analysis";

/// False where a newer document is there already.
pub(in crate::search) async fn put_document(
    tx: &mut Tx,
    document: &Document,
    title: &str,
    lowest_price: Amount,
    highest_price: Amount,
) -> Result<bool> {
    let written = sql::execute!(
        tx,
        "insert into search_documents (product_id, product_version, listed, category_id, created_at, title, lowest_price,
                                       highest_price, rating)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (product_id) do update set
             product_version = excluded.product_version, listed = excluded.listed, category_id = excluded.category_id,
             title = excluded.title, lowest_price = excluded.lowest_price, highest_price = excluded.highest_price,
             rating = excluded.rating
         where search_documents.product_version <= excluded.product_version",
        document.product_id,
        document.version,
        document.listed,
        document.category_id,
        document.created_at,
        title,
        lowest_price,
        highest_price,
        document.rating
    )?;
    Ok(written == 1)
}

pub(in crate::search) async fn terms_of(conn: &mut Conn, product_id: Uuid) -> Result<Vec<(String, i64)>> {
    sql::all!(conn, (String, i64), "select term, weight from search_postings where product_id = $1", product_id)
}

pub(in crate::search) async fn delete_terms(tx: &mut Tx, product_id: Uuid, terms: &[String]) -> Result<()> {
    for terms in terms.chunks(CHUNK) {
        let mut built = Built::new("delete from search_postings where product_id = ");
        built.bind(product_id).push(" and term in (").bind_all(terms).push(")");
        built.execute(tx).await?;
    }
    Ok(())
}

pub(in crate::search) async fn put_terms(tx: &mut Tx, product_id: Uuid, terms: &BTreeMap<String, i64>) -> Result<()> {
    let terms: Vec<_> = terms.iter().collect();
    for terms in terms.chunks(CHUNK) {
        let mut built = Built::new("insert into search_postings (term, product_id, weight) values ");
        for (index, (term, weight)) in terms.iter().enumerate() {
            built.push(if index == 0 { "(" } else { ", (" });
            built.bind(*term).push(", ").bind(product_id).push(", ").bind(**weight).push(")");
        }
        built.push(" on conflict (term, product_id) do update set weight = excluded.weight");
        built.execute(tx).await?;
    }
    Ok(())
}

pub(in crate::search) async fn labels_of(conn: &mut Conn, product_id: Uuid) -> Result<Vec<String>> {
    let rows = sql::all!(conn, (String,), "select term from search_labels where product_id = $1", product_id)?;
    Ok(rows.into_iter().map(|(term,)| term).collect())
}

pub(in crate::search) async fn delete_labels(tx: &mut Tx, product_id: Uuid, labels: &[String]) -> Result<()> {
    for labels in labels.chunks(CHUNK) {
        let mut built = Built::new("delete from search_labels where product_id = ");
        built.bind(product_id).push(" and term in (").bind_all(labels).push(")");
        built.execute(tx).await?;
    }
    Ok(())
}

pub(in crate::search) async fn insert_labels(tx: &mut Tx, product_id: Uuid, labels: &BTreeSet<String>) -> Result<()> {
    let labels: Vec<_> = labels.iter().collect();
    for labels in labels.chunks(CHUNK) {
        let mut built = Built::new("insert into search_labels (term, product_id) values ");
        for (index, label) in labels.iter().enumerate() {
            built.push(if index == 0 { "(" } else { ", (" });
            built.bind(*label).push(", ").bind(product_id).push(")");
        }
        built.push(" on conflict do nothing");
        built.execute(tx).await?;
    }
    Ok(())
}

pub(in crate::search) async fn values_of(conn: &mut Conn, product_id: Uuid) -> Result<Vec<Value>> {
    let rows = sql::all!(
        conn,
        (String, String, Option<i64>),
        "select name, value, number from search_values where product_id = $1",
        product_id
    )?;
    Ok(rows.into_iter().map(|(name, value, number)| Value { name, value, number }).collect())
}

pub(in crate::search) async fn insert_value(tx: &mut Tx, product_id: Uuid, value: &Value) -> Result<()> {
    sql::execute!(
        tx,
        "insert into search_values (name, value, number, product_id) values ($1, $2, $3, $4) on conflict do nothing",
        value.name.as_str(),
        value.value.as_str(),
        value.number,
        product_id
    )?;
    Ok(())
}

pub(in crate::search) async fn delete_value(tx: &mut Tx, product_id: Uuid, value: &Value) -> Result<()> {
    sql::execute!(
        tx,
        "delete from search_values where name = $1 and value = $2 and product_id = $3",
        value.name.as_str(),
        value.value.as_str(),
        product_id
    )?;
    Ok(())
}

/// Which of `words` typos are looked for in already.
pub(in crate::search) async fn known_words(conn: &mut Conn, words: &[&str]) -> Result<Vec<String>> {
    let mut known = Vec::new();
    for words in words.chunks(CHUNK) {
        let mut built = Built::new("select word from search_deletions where word = deletion and deletion in (");
        built.bind_all(words.iter().copied()).push(")");
        known.extend(built.all::<(String,)>(conn).await?.into_iter().map(|(word,)| word));
    }
    Ok(known)
}

/// In the order given.
pub(in crate::search) async fn insert_deletions(tx: &mut Tx, deletions: &[(String, &str)]) -> Result<()> {
    for deletions in deletions.chunks(CHUNK) {
        let mut built = Built::new("insert into search_deletions (deletion, word) values ");
        for (index, (deletion, word)) in deletions.iter().enumerate() {
            built.push(if index == 0 { "(" } else { ", (" });
            built.bind(deletion).push(", ").bind(*word).push(")");
        }
        built.push(" on conflict do nothing");
        built.execute(tx).await?;
    }
    Ok(())
}

/// Rows of the queue, each with its own id.
pub(in crate::search) async fn enqueue(tx: &mut Tx, rows: &[(Uuid, Uuid)]) -> Result<()> {
    for rows in rows.chunks(CHUNK) {
        let mut built = Built::new("insert into search_queue (id, product_id) values ");
        for (index, (id, product_id)) in rows.iter().enumerate() {
            built.push(if index == 0 { "(" } else { ", (" });
            built.bind(*id).push(", ").bind(*product_id).push(")");
        }
        built.execute(tx).await?;
    }
    Ok(())
}

pub(in crate::search) async fn move_document(tx: &mut Tx, product_id: Uuid, to: Option<Uuid>) -> Result<()> {
    sql::execute!(tx, "update search_documents set category_id = $2 where product_id = $1", product_id, to)?;
    Ok(())
}

/// By id.
pub(in crate::search) async fn products_in(conn: &mut Conn, category_id: Uuid) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select product_id from search_documents where category_id = $1 order by product_id",
        category_id
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// In the order in which they came. A second kernel waits for the first and finds them gone.
pub(in crate::search) async fn take_queued(tx: &mut Tx, limit: u32) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        tx,
        (Uuid,),
        "delete from search_queue where id in (select id from search_queue order by id limit $1) returning product_id",
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// 0 where no index was ever made. Locks the counter.
pub(in crate::search) async fn lock_analysis_version(tx: &mut Tx) -> Result<i64> {
    let (version,) = sql::one!(
        tx,
        (i64,),
        "insert into counters (name, value) values ($1, 0)
         on conflict (name) do update set value = counters.value returning value",
        VERSION
    )?;
    Ok(version)
}

pub(in crate::search) async fn set_analysis_version(tx: &mut Tx, version: i64) -> Result<()> {
    sql::execute!(
        tx,
        "insert into counters (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value",
        VERSION,
        version
    )?;
    Ok(())
}
