//! A page of products.

use super::words::{self, Plan};
use super::{Key, Query, Sort, store};
use crate::db::{Conn, Result};

pub use super::store::Hit;

/// A page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    pub hits: Vec<Hit>,
    /// No product has all the words: these have some of them, those with most first.
    pub partial: bool,
}

/// What the statements of a search have in common.
pub(super) struct Search<'a> {
    pub query: &'a Query,
    /// None where no words were given.
    pub plan: Option<&'a Plan>,
    /// A product needs not have all the words.
    pub partial: bool,
}

/// At most `limit` products after `after`.
///
/// Where nothing has all the words, the best that have some; the pages after it stay with that, as their key says.
pub async fn find(conn: &mut Conn, query: &Query, sort: Sort, after: Option<&Key>, limit: u32) -> Result<Hits> {
    let Some(q) = &query.q else {
        let search = Search { query, plan: None, partial: false };
        let sort = if sort == Sort::Relevance { Sort::Newest } else { sort };
        return Ok(Hits { hits: store::page(conn, &search, sort, after, limit).await?, partial: false });
    };
    let plan = words::plan(conn, q).await?;
    if plan.words == 0 {
        // Signs only. They name nothing, and everything would be the wrong answer.
        return Ok(Hits { hits: Vec::new(), partial: false });
    }
    let partial = after.is_some_and(|key| key.partial);
    let mut search = Search { query, plan: Some(&plan), partial };
    let mut hits = store::page(conn, &search, sort, after, limit).await?;
    if hits.is_empty() && after.is_none() && plan.words > 1 {
        search.partial = true;
        hits = store::page(conn, &search, sort, after, limit).await?;
    }
    Ok(Hits { partial: search.partial && !hits.is_empty(), hits })
}

impl Hits {
    /// The key of a product of this page, for the next one.
    pub fn key(&self, sort: Sort, hit: &Hit) -> Key {
        let number = match sort {
            Sort::Relevance => hit.score,
            Sort::PriceAsc => hit.lowest_price,
            Sort::PriceDesc => hit.highest_price,
            Sort::Rating => hit.rating,
            Sort::Position => hit.position,
            Sort::Newest | Sort::Title => 0,
        };
        let title = if sort == Sort::Title { hit.title.clone() } else { String::new() };
        let (created_at, product_id) = (hit.created_at, hit.product_id);
        Key { sort, partial: self.partial, number, title, created_at, product_id }
    }
}
