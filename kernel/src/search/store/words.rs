//! Which words there are.

use crate::db::{Built, Conn, Result};

/// A term that may be in the index, or a prefix of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::search) enum Term {
    Exact(String),
    Prefix(String),
}

/// What sorts after every word that begins with `prefix`, and before every other that comes after it.
pub(in crate::search) fn end_of(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// Those of `terms` that are in the index, as their places in the list. One statement, of as many look-ups by key.
pub(in crate::search) async fn known_terms(conn: &mut Conn, terms: &[Term]) -> Result<Vec<usize>> {
    let mut built = Built::default();
    for (place, term) in (0_i64..).zip(terms) {
        built.push(if place == 0 { "select " } else { " union all select " });
        built.bind(place).push(" where exists (select 1 from search_postings where ");
        match term {
            Term::Exact(term) => built.push("term = ").bind(term),
            Term::Prefix(term) => built.push("term >= ").bind(term).push(" and term < ").bind(end_of(term)),
        };
        built.push(")");
    }
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let rows = built.all::<(i64,)>(conn).await?;
    Ok(rows.into_iter().filter_map(|(place,)| usize::try_from(place).ok()).collect())
}

/// Words that have one of `deletions` in common, by the alphabet.
pub(in crate::search) async fn words_near(conn: &mut Conn, deletions: &[String], limit: u32) -> Result<Vec<String>> {
    let mut built = Built::new("select distinct word from search_deletions where deletion in (");
    built.bind_all(deletions).push(") order by word limit ").bind(i64::from(limit));
    Ok(built.all::<(String,)>(conn).await?.into_iter().map(|(word,)| word).collect())
}
