//! `[catalog]` of shop.toml.

use serde::Deserialize;

/// What the catalog allows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogConfig {
    /// BCP 47 tags of the languages that texts are translated into, beside `shop.locale`.
    pub locales: Vec<String>,
    /// Products that one product may have beside it.
    pub max_related: u32,
    /// Lines of one request that changes prices or stock of many variants.
    pub max_bulk_lines: usize,
    /// How often membership in collections by rule is derived from scratch, in minutes.
    pub collections_minutes: u32,
}

impl Default for CatalogConfig {
    fn default() -> Self {
        Self { locales: Vec::new(), max_related: 20, max_bulk_lines: 1_000, collections_minutes: 15 }
    }
}
