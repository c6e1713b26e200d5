//! Cursor paging: `?cursor=&limit=`.
//!
//! A cursor is the key of the last row that was shown, so a page costs one index look-up however deep it is, and rows that come or
//! go meanwhile neither repeat nor skip others. Clients treat it as opaque.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::plugins::has_nul;
use crate::problem::Problem;

/// Which part of a list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// `next_cursor` of the page before; none for the first page.
    pub cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u32>,
}

/// A part of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

impl PageParams {
    /// The limit, 20 where none was given.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(20) {
            limit @ 1..=100 => Ok(limit),
            _ => Err(Problem::invalid_field("limit", "must be 1 to 100")),
        }
    }

    /// The key that the cursor holds, or none on the first page. A made-up one may hold anything: PostgreSQL takes no NUL, not even to look
    /// for it. Moments of a key are [`crate::clock::Given`].
    pub fn key<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let wrong = || Problem::invalid_field("cursor", "is not a cursor that this list gave");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
        let key: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        if has_nul(&key) {
            return Err(wrong());
        }
        serde_json::from_value(key).map(Some).map_err(|_| wrong())
    }
}

/// The cursor of a key, for lists whose page is more than a [`Page`].
pub fn cursor(key: &impl Serialize) -> String {
    // Keys are made of texts, numbers and ids, which always have a JSON form.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

impl<T> Page<T> {
    /// A page of at most `limit` items from rows of which one more was read, to know whether there is a next page.
    pub fn new<R, K: Serialize>(mut rows: Vec<R>, limit: u32, key: impl Fn(&R) -> K, item: impl FnMut(R) -> T) -> Self {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_cursor = if more { rows.last().map(|row| cursor(&key(row))) } else { None };
        Self { items: rows.into_iter().map(item).collect(), next_cursor }
    }
}
