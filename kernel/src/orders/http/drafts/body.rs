//! What staff says of a draft, and the checks of it.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts;
use crate::address::Address;
use crate::carts::change::VariantRef;
use crate::catalog::MAX_SKU;
use crate::http::extract::{Checks, present};
use crate::money::{Amount, MAX_AMOUNT};
use crate::orders::drafts::{self, WantedLine, Wishes};
use crate::plugins::OptionId;
use crate::problem::Problem;

const MAX_LINES: usize = 200;
const MAX_COUPONS: usize = 10;
const NOTE_CHARACTERS: usize = 2_000;
const REASON_CHARACTERS: usize = 500;

/// A draft, or what is to change of one; what is left out stays, and null takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftIn {
    /// Whose order it will be; none: that of a guest.
    #[schema(value_type = Option<Uuid>)]
    #[serde(default, deserialize_with = "present")]
    customer_id: Option<Option<Uuid>>,
    /// One in which the shop sells: its own where none is given. Said when the draft is made, it stays.
    #[schema(min_length = 3, max_length = 3, example = "EUR")]
    pub currency: Option<String>,
    /// BCP 47 tag of labels and messages; the shop's own where none is given.
    #[schema(example = "en")]
    locale: Option<String>,
    #[schema(value_type = Option<String>, example = "ada@example.org", max_length = 254)]
    #[serde(default, deserialize_with = "present")]
    email: Option<Option<String>>,
    #[schema(value_type = Option<Address>)]
    #[serde(default, deserialize_with = "present")]
    address: Option<Option<Address>>,
    /// Whom the invoice is for; null: `address`.
    #[schema(value_type = Option<Address>)]
    #[serde(default, deserialize_with = "present")]
    billing_address: Option<Option<Address>>,
    /// `id` of one of its delivery options.
    #[schema(value_type = Option<String>, example = "delivery-rates:standard")]
    #[serde(default, deserialize_with = "present")]
    delivery_option: Option<Option<String>>,
    #[schema(max_items = 10)]
    coupons: Option<Vec<String>>,
    /// For the shop's own records; up to 2,000 characters.
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// All of them.
    #[schema(max_items = 200)]
    lines: Option<Vec<DraftLineIn>>,
}

/// So many of a variant: one of `variant_id` and `sku`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftLineIn {
    variant_id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 100)]
    sku: Option<String>,
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
    /// Of one piece, instead of the catalog's.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    unit_price: Option<Amount>,
    /// Why it costs that; needed beside `unit_price`.
    #[schema(example = "scratched", max_length = 500)]
    price_reason: Option<String>,
}

/// What a request changes, checked.
pub struct Patch {
    body: DraftIn,
    lines: Option<Vec<drafts::DraftLine>>,
}

impl Patch {
    pub fn apply(self, wishes: &mut Wishes) {
        let body = self.body;
        set(&mut wishes.customer_id, body.customer_id);
        set(&mut wishes.locale, body.locale);
        set(&mut wishes.email, body.email.map(|email| email.map(|email| email.trim().to_owned())));
        set(&mut wishes.address, body.address.map(|address| address.map(Address::trimmed)));
        set(&mut wishes.billing_address, body.billing_address.map(|address| address.map(Address::trimmed)));
        set(&mut wishes.delivery_option, body.delivery_option);
        set(&mut wishes.coupons, body.coupons.map(unique));
        set(&mut wishes.note, body.note.map(|note| note.trim().to_owned()));
        set(&mut wishes.lines, self.lines);
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn unique(codes: Vec<String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for code in codes.iter().map(|code| code.trim()) {
        if !unique.iter().any(|known| known == code) {
            unique.push(code.to_owned());
        }
    }
    unique
}

impl DraftIn {
    pub fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        if let Some(locale) = &self.locale {
            checks.require(accounts::is_locale(locale), "/locale", "must be a BCP 47 tag such as en or ru-RU");
        }
        if let Some(Some(email)) = &self.email {
            let email = email.trim();
            let valid = email.len() <= 254 && email_address::EmailAddress::is_valid(email);
            checks.require(valid, "/email", "must be an e-mail address");
        }
        if let Some(Some(address)) = &self.address {
            checks.address(&address.clone().trimmed(), "/address");
        }
        if let Some(Some(address)) = &self.billing_address {
            checks.address(&address.clone().trimmed(), "/billing_address");
        }
        if let Some(Some(option)) = &self.delivery_option {
            let known = option.parse::<OptionId>().is_ok();
            checks.require(known, "/delivery_option", "must be the id of a delivery option");
        }
        let coupons = self.coupons.as_deref().unwrap_or_default();
        checks.require(coupons.len() <= MAX_COUPONS, "/coupons", "at most 10");
        for (index, code) in coupons.iter().take(MAX_COUPONS).enumerate() {
            checks.text(code, 1, 64, &format!("/coupons/{index}"));
        }
        checks.text(self.note.as_deref().unwrap_or_default(), 0, NOTE_CHARACTERS, "/note");
        let lines = self.lines.as_deref().unwrap_or_default();
        checks.require(lines.len() <= MAX_LINES, "/lines", "at most 200");
        for (index, line) in lines.iter().take(MAX_LINES).enumerate() {
            line.check(&mut checks, &format!("/lines/{index}"));
        }
        checks.done()
    }

    pub async fn into_patch(mut self, shop: &Shop) -> Result<Patch, Problem> {
        let lines = match self.lines.take() {
            Some(lines) => {
                let wanted = lines.into_iter().map(DraftLineIn::wanted).collect();
                Some(drafts::lines_of(shop, wanted).await?)
            }
            None => None,
        };
        Ok(Patch { body: self, lines })
    }
}

impl DraftLineIn {
    fn check(&self, checks: &mut Checks, pointer: &str) {
        let range = (1..=1_000_000).contains(&self.quantity);
        checks.require(range, &format!("{pointer}/quantity"), "must be 1 to 1,000,000");
        let named = self.variant_id.is_some() != self.sku.is_some();
        checks.require(named, pointer, "name one of variant_id and sku");
        if let Some(sku) = &self.sku {
            checks.text(sku, 1, MAX_SKU, &format!("{pointer}/sku"));
        }
        let in_range = self.unit_price.is_none_or(|price| (0..=MAX_AMOUNT).contains(&price));
        checks.require(in_range, &format!("{pointer}/unit_price"), "must be 0 to 2^53 - 1");
        let (reason, at) = (self.price_reason.as_deref().unwrap_or_default(), format!("{pointer}/price_reason"));
        checks.text(reason, 0, REASON_CHARACTERS, &at);
        let told = self.unit_price.is_none() || !reason.trim().is_empty();
        checks.require(told, &at, "is needed beside unit_price");
    }

    fn wanted(self) -> WantedLine {
        let variant = match (self.variant_id, self.sku) {
            (Some(id), _) => VariantRef::Id(id),
            (None, sku) => VariantRef::Sku(sku.unwrap_or_default()),
        };
        let price_reason = self.price_reason.unwrap_or_default().trim().to_owned();
        WantedLine { variant, quantity: self.quantity, unit_price: self.unit_price, price_reason }
    }
}
