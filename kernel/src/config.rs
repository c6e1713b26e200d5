//! shop.toml -> [`Config`].
//!
//! Every setting has a safe default, stands commented in the `shop.toml` of the repository, and can be
//! overridden by the environment: `KASSA__HTTP__LISTEN=127.0.0.1:0`. Unknown settings are refused.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::accounts::AccountsConfig;
use crate::audit::AuditConfig;
use crate::cache::CacheConfig;
use crate::carts::CartsConfig;
use crate::catalog::CatalogConfig;
use crate::db::DatabaseConfig;
use crate::documents::DocumentsConfig;
use crate::events::EventsConfig;
use crate::fulfilment::FulfilmentConfig;
use crate::http::HttpConfig;
use crate::images::ImagesConfig;
use crate::import::ImportConfig;
use crate::inventory::InventoryConfig;
use crate::money::Currency;
use crate::notifications::NotificationsConfig;
use crate::orders::OrdersConfig;
use crate::payments::PaymentsConfig;
use crate::plugins::PluginsConfig;
use crate::prices::PricesConfig;
use crate::replay::ReplayConfig;
use crate::returns::ReturnsConfig;
use crate::reviews::ReviewsConfig;
use crate::rollouts::RolloutsConfig;
use crate::search::SearchConfig;
use crate::throttle::ThrottleConfig;
use crate::webhooks::WebhooksConfig;

/// Every setting of a shop.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub shop: ShopConfig,
    pub data: DataConfig,
    pub database: DatabaseConfig,
    pub http: HttpConfig,
    pub accounts: AccountsConfig,
    pub audit: AuditConfig,
    pub throttle: ThrottleConfig,
    pub inventory: InventoryConfig,
    pub catalog: CatalogConfig,
    pub prices: PricesConfig,
    pub carts: CartsConfig,
    pub orders: OrdersConfig,
    pub fulfilment: FulfilmentConfig,
    pub returns: ReturnsConfig,
    pub payments: PaymentsConfig,
    pub documents: DocumentsConfig,
    pub reviews: ReviewsConfig,
    pub search: SearchConfig,
    pub images: ImagesConfig,
    pub import: ImportConfig,
    pub replay: ReplayConfig,
    pub rollouts: RolloutsConfig,
    pub plugins: PluginsConfig,
    pub notifications: NotificationsConfig,
    pub webhooks: WebhooksConfig,
    pub events: EventsConfig,
    pub cache: CacheConfig,
    pub log: LogConfig,
}

/// `[shop]`: who sells.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShopConfig {
    /// Name, for mails and pages.
    pub name: String,
    /// Base of the API and issuer of access tokens, without a slash at its end.
    pub url: String,
    /// Base of the pages that letters link to, without a slash at its end. Empty where there is no storefront.
    pub storefront_url: String,
    /// Sender of mails.
    pub email: String,
    /// ISO 4217: the currency of the variants' own prices. It cannot be changed once there are prices.
    pub currency: Currency,
    /// The others in which it sells, at the prices of lists in them.
    pub currencies: Vec<Currency>,
    /// Fill the catalog of a new shop with a small demo at its first start.
    pub demo_catalog: bool,
    /// BCP 47 tag of texts for shoppers who did not say what they read.
    pub locale: String,
}

impl Default for ShopConfig {
    fn default() -> Self {
        Self {
            name: "Kassa".into(),
            url: "http://127.0.0.1:8080".into(),
            storefront_url: String::new(),
            email: "shop@example.org".into(),
            currency: Currency::EUR,
            currencies: Vec::new(),
            demo_catalog: true,
            locale: "en".into(),
        }
    }
}

impl ShopConfig {
    /// The currency with this code, if the shop sells in it; its own where none is given.
    pub fn find_currency(&self, code: Option<&str>) -> Option<Currency> {
        let Some(code) = code else { return Some(self.currency) };
        std::iter::once(self.currency).chain(self.currencies.iter().copied()).find(|currency| currency.code() == code)
    }
}

/// `[data]`: where files are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Folder of everything that is not in the database: keys, plugin binaries, images, compiled code, mails.
    pub dir: PathBuf,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self { dir: "data".into() }
    }
}

/// `[log]`: what is written to stderr.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// A filter as `tracing` understands it: `info`, `info,kassa::plugins=debug`.
    pub filter: String,
    /// One JSON object per line instead of text.
    pub json: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".into(), json: false }
    }
}

/// The settings cannot be used; the text names the file or variable and what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("settings: {0}")]
pub struct ConfigError(#[from] config::ConfigError);

impl Config {
    /// Reads `path` and then the environment. A missing file means the defaults, so that a binary alone
    /// makes a shop; a file that cannot be read or understood is an error.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::from_source(config::File::from(path).format(config::FileFormat::Toml).required(false))
    }

    /// Reads `text` as shop.toml, without the environment.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let source = config::File::from_str(text, config::FileFormat::Toml);
        Ok(config::Config::builder().add_source(source).build()?.try_deserialize()?)
    }

    fn from_source(source: impl config::Source + Send + Sync + 'static) -> Result<Self, ConfigError> {
        let settings = config::Config::builder().add_source(source).add_source(environment()).build()?;
        Ok(settings.try_deserialize()?)
    }
}

/// Settings that are lists, whose variables part their items by commas. Without this list a comma would part every text.
const LISTS: [&str; 5] = [
    "catalog.locales",
    "http.trusted_proxies",
    "plugins.signatures.trusted_keys",
    "shop.currencies",
    "webhooks.retry_after_s",
];

fn environment() -> config::Environment {
    let environment = config::Environment::with_prefix("KASSA").prefix_separator("__").separator("__");
    let environment = environment.try_parsing(true).list_separator(",");
    LISTS.iter().fold(environment, |environment, key| environment.with_list_parse_key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the reference, which has every setting; but for the one list of tables.
    #[test]
    fn every_list_can_be_given_by_the_environment() {
        let (mut section, mut found) = ("", Vec::new());
        for line in include_str!("../../shop.toml").lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']');
            } else if let Some((name, _)) = line.strip_prefix("# ").and_then(|line| line.split_once(" = [")) {
                found.push(format!("{section}.{name}"));
            }
        }
        found.retain(|list| list != "carts.fallback_delivery");
        found.sort_unstable();
        assert_eq!(found, LISTS);
    }

    #[test]
    fn the_environment_names_texts_numbers_and_lists() {
        let variables = [
            ("KASSA__SHOP__CURRENCY", "GBP"),
            ("KASSA__SHOP__CURRENCIES", "EUR,USD"),
            ("KASSA__SHOP__NAME", "Tea, and more"),
            ("KASSA__CATALOG__LOCALES", "de"),
            ("KASSA__HTTP__TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1/32"),
            ("KASSA__WEBHOOKS__RETRY_AFTER_S", "5,60"),
            ("KASSA__HTTP__MAX_BODY_BYTES", "2048"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let source = environment().source(Some(variables.into_iter().collect()));
        let settings = config::Config::builder().add_source(source).build().unwrap();
        let config: Config = settings.try_deserialize().unwrap();
        assert_eq!(config.shop.currencies.iter().map(|currency| currency.code()).collect::<Vec<_>>(), ["EUR", "USD"]);
        assert_eq!((config.shop.currency.code(), config.shop.name.as_str()), ("GBP", "Tea, and more"));
        assert_eq!(config.catalog.locales, ["de"]);
        assert_eq!(config.http.trusted_proxies.len(), 2);
        assert_eq!(config.webhooks.retry_after_s, [5, 60]);
        assert_eq!(config.http.max_body_bytes, 2048);
    }
}
