//! The settings, as the merchant writes them; `settings.schema.json` describes them for a form.
//!
//! They are read for every call, so there are no flattened or untagged types here: those make serde copy everything.

use std::collections::BTreeSet;

use kassa_sdk::pricing::{Error, Line, Request};
use kassa_sdk::{Money, Rate};
use serde::Deserialize;

use crate::time::UtcTime;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StandardPricing {
    /// ISO 4217: of all amounts that name no other. The shop's own where none is given.
    pub currency: Option<String>,
    pub coupons: Vec<Discount>,
    pub discounts: Vec<Discount>,
    pub tiers: Vec<Tier>,
    pub tax: Option<Tax>,
}

/// Takes a percentage or an amount off what it applies to: of its own accord (`discounts`), or when the shopper types
/// its code (`coupons`).
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Discount {
    /// Name in reports; for a coupon, what the shopper types, in any case.
    pub code: String,
    /// What the shopper reads.
    pub label: String,
    /// Of its amounts. One that names a currency is for carts in it alone.
    pub currency: Option<String>,
    /// Codes of customer groups; everyone where there are none.
    pub groups: Vec<String>,
    pub percent_bp: Option<Rate>,
    /// Off the goods that it applies to, once, and never more than they cost.
    pub amount: Option<Money>,
    /// Goods in the cart, before any discount, that it needs.
    pub minimum: Money,
    pub valid_from: Option<UtcTime>,
    /// The first second in which it is no longer valid.
    pub valid_until: Option<UtcTime>,
    pub applies_to: Scope,
    pub exclusive: bool,
    /// Lower goes first; each takes its percentage of what those before it left.
    pub priority: i32,
}

/// The more, the cheaper.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    pub code: String,
    pub label: String,
    pub by: Measure,
    /// As that of a discount.
    #[serde(default)]
    pub currency: Option<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    /// The step with the highest `from` that is reached counts.
    pub steps: Vec<Step>,
    #[serde(default)]
    pub applies_to: Scope,
    #[serde(default)]
    pub exclusive: bool,
    #[serde(default)]
    pub priority: i32,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Pieces of one line; each line has its own step.
    LineQuantity,
    /// Value of the goods that it applies to, before any discount.
    OrderValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Pieces, or minor units.
    pub from: i64,
    pub percent_bp: Rate,
}

/// Which lines; all where both lists are empty, otherwise those that either list names.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// Category paths, with everything below them: `home` holds `home/kitchen`.
    pub categories: Vec<String>,
    pub skus: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// Prices contain the tax; otherwise it is added.
    pub included: bool,
    /// What the shopper reads before the rate: `VAT`.
    #[serde(default = "Tax::default_label")]
    pub label: String,
    /// The country whose rates hold until the shopper gave an address.
    pub home: String,
    pub countries: Vec<CountryTax>,
    /// The rate in all other countries; 0, the default, makes exports tax-free.
    #[serde(default)]
    pub elsewhere_bp: Rate,
    #[serde(default = "Tax::delivery_by_default")]
    pub on_delivery: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountryTax {
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    pub rate_bp: Rate,
    /// Other rates for some categories; the longest path that fits counts.
    #[serde(default)]
    pub categories: Vec<CategoryTax>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryTax {
    pub category: String,
    pub rate_bp: Rate,
}

impl Tax {
    fn default_label() -> String {
        "VAT".to_owned()
    }

    fn delivery_by_default() -> bool {
        true
    }
}

impl StandardPricing {
    /// Whether a rule may be used on this cart. An amount in one currency says nothing about a cart in another, so a rule with
    /// amounts is for carts in its currency; one without, for all, unless it names one.
    pub fn is_in_currency(&self, rule: &Option<String>, has_amounts: bool, request: &Request) -> bool {
        match (rule, &self.currency) {
            (Some(currency), _) => *currency == request.currency,
            (None, _) if !has_amounts => true,
            (None, Some(currency)) => *currency == request.currency,
            // The kernel names the shop's own currency where the cart is in another.
            (None, None) => !request.attributes.iter().any(|(name, _)| name == "shop-currency"),
        }
    }
}

/// Whether the customer of this cart is in one of the groups, or all are meant.
pub fn is_for_group(groups: &[String], request: &Request) -> bool {
    let attributes = request.customer.iter().flat_map(|customer| &customer.attributes);
    let mut own = attributes.filter(|(name, _)| name == "group");
    groups.is_empty() || own.any(|(_, group)| groups.contains(group))
}

impl Discount {
    pub fn has_amounts(&self) -> bool {
        self.amount.is_some() || self.minimum > Money::ZERO
    }

    pub fn is_valid_at(&self, now: u64) -> bool {
        self.valid_from.is_none_or(|from| now >= from.seconds())
            && self.valid_until.is_none_or(|until| now < until.seconds())
    }
}

impl Tier {
    /// The rate at this quantity or value.
    pub fn rate_at(&self, measure: i64) -> Rate {
        self.steps
            .iter()
            .filter(|step| step.from <= measure)
            .max_by_key(|step| step.from)
            .map_or(Rate::ZERO, |s| s.percent_bp)
    }
}

impl Scope {
    pub fn is_everything(&self) -> bool {
        self.categories.is_empty() && self.skus.is_empty()
    }

    pub fn holds(&self, line: &Line) -> bool {
        self.is_everything()
            || self.skus.contains(&line.sku)
            || self.categories.iter().any(|category| is_within(&line.category, category))
    }
}

/// A coupon's code as it is compared: shoppers type it in any case.
pub fn folded(code: &str) -> String {
    code.to_lowercase()
}

/// Whether a category path is `category` or below it.
pub fn is_within(path: &str, category: &str) -> bool {
    path.strip_prefix(category).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl StandardPricing {
    /// What the types cannot hold. Asked before activation only: what passes once is not looked at in every call.
    pub fn check(&self) -> Result<(), Error> {
        for (list, discounts) in [("coupons", &self.coupons), ("discounts", &self.discounts)] {
            for (index, discount) in discounts.iter().enumerate() {
                discount.check().map_err(|what| Error::InvalidSettings(format!("{list}[{index}].{what}")))?;
                // One coupon may have an entry for each currency.
                let is_same = |earlier: &Discount| {
                    folded(&earlier.code) == folded(&discount.code) && earlier.currency == discount.currency
                };
                if discounts[..index].iter().any(is_same) {
                    return Err(Error::InvalidSettings(format!(
                        "{list}[{index}].code: {} is there twice",
                        discount.code
                    )));
                }
            }
        }
        check_currency(&self.currency).map_err(Error::InvalidSettings)?;
        for (index, tier) in self.tiers.iter().enumerate() {
            tier.check().map_err(|what| Error::InvalidSettings(format!("tiers[{index}].{what}")))?;
        }
        self.tax.as_ref().map_or(Ok(()), Tax::check).map_err(|what| Error::InvalidSettings(format!("tax.{what}")))
    }
}

impl Discount {
    fn check(&self) -> Result<(), String> {
        check_texts(&self.code, &self.label)?;
        check_currency(&self.currency)?;
        self.applies_to.check()?;
        match (self.percent_bp, self.amount) {
            (Some(percent), None) => check_percent("percent_bp", percent)?,
            (None, Some(amount)) if amount > Money::ZERO => {}
            (None, Some(_)) => return Err("amount: must be more than 0".to_owned()),
            _ => return Err("percent_bp: needs either this or amount".to_owned()),
        }
        match (self.valid_from, self.valid_until) {
            (Some(from), Some(until)) if from >= until => Err("valid_until: is not after valid_from".to_owned()),
            _ => Ok(()),
        }
    }
}

impl Tier {
    fn check(&self) -> Result<(), String> {
        check_texts(&self.code, &self.label)?;
        check_currency(&self.currency)?;
        self.applies_to.check()?;
        if self.steps.is_empty() {
            return Err("steps: needs at least one".to_owned());
        }
        self.steps.iter().enumerate().try_for_each(|(index, step)| {
            check_percent(&format!("steps[{index}].percent_bp"), step.percent_bp)?;
            if step.from < 1 { Err(format!("steps[{index}].from: must be 1 or more")) } else { Ok(()) }
        })
    }
}

impl Scope {
    fn check(&self) -> Result<(), String> {
        let mut categories = self.categories.iter();
        categories.try_for_each(|path| check_category(path)).map_err(|what| format!("applies_to.categories: {what}"))
    }
}

impl Tax {
    fn check(&self) -> Result<(), String> {
        for (index, country) in self.countries.iter().enumerate() {
            let code = &country.country;
            if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                return Err(format!("countries[{index}].country: {code:?} is not a country such as DE"));
            }
            if self.countries[..index].iter().any(|earlier| earlier.country == *code) {
                return Err(format!("countries[{index}].country: {code} is there twice"));
            }
            // A tax for each rate beside the discounts and that of the delivery; an answer has room for 100.
            let rates: BTreeSet<Rate> = country.categories.iter().map(|rate| rate.rate_bp).collect();
            if rates.len() > 15 {
                return Err(format!("countries[{index}].categories: at most 15 different rates"));
            }
            let mut categories = country.categories.iter().map(|rate| &rate.category);
            categories
                .try_for_each(|path| check_category(path))
                .map_err(|what| format!("countries[{index}].categories: {what}"))?;
        }
        if !self.countries.iter().any(|country| country.country == self.home) {
            return Err(format!("home: {:?} is not in countries", self.home));
        }
        check_text("label", &self.label, 100)
    }
}

fn check_currency(currency: &Option<String>) -> Result<(), String> {
    let is_code = |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    match currency.as_ref().filter(|code| !is_code(code)) {
        Some(wrong) => Err(format!("currency: {wrong:?} is not a currency such as EUR")),
        None => Ok(()),
    }
}

/// The contract allows codes of 64 characters, of which `coupon-` takes some.
fn check_texts(code: &str, label: &str) -> Result<(), String> {
    check_text("code", &folded(code), 50)?;
    check_text("label", label, 200)
}

/// The kernel refuses answers with control characters, so a tab that came along with the label must not pass here.
fn check_text(name: &str, text: &str, most: usize) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err(format!("{name}: has control characters (a tab or a line break, say)"));
    }
    let fits = (1..=most).contains(&text.chars().count());
    if fits { Ok(()) } else { Err(format!("{name}: must have 1 to {most} characters")) }
}

/// As the kernel has them: `home/kitchen`. Another one would fit no line, and nobody would be told.
fn check_category(path: &str) -> Result<(), String> {
    let is_slug = |slug: &str| {
        !slug.is_empty() && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let fits = path.split('/').all(is_slug);
    if fits { Ok(()) } else { Err(format!("{path:?} is not a category path such as home/kitchen")) }
}

fn check_percent(place: &str, percent: Rate) -> Result<(), String> {
    let fits = percent > Rate::ZERO && percent <= Rate::percent(100);
    if fits { Ok(()) } else { Err(format!("{place}: must be 1 to 10000")) }
}
