//! What a replay found, in the merchant's words.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Amount;

/// What a candidate would change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// That were replayed: `unchanged`, `changed` and `failed`.
    #[schema(example = 10_000)]
    pub orders: u64,
    #[schema(example = 9_120)]
    pub unchanged: u64,
    #[schema(example = 879)]
    pub changed: u64,
    /// The candidate had no answer: `errors` says why. Their amounts are in no sum.
    #[schema(example = 1)]
    pub failed: u64,
    /// Whose receipts cannot be read, or that have none.
    #[schema(example = 0)]
    pub skipped: u64,
    /// By currency.
    pub totals: Vec<Change>,
    /// The largest changes, at most 20, the largest first.
    pub largest: Vec<OrderChange>,
    /// By the country of the address. Of this list and the next two at most `replay.groups` of the settings, the largest difference first; the
    /// rest are `(others)`.
    pub countries: Vec<Group>,
    /// By each coupon that was on the cart; `(none)` without any.
    pub coupons: Vec<Group>,
    /// By the categories of the goods, whose parts come to the totals: what is of a whole order is shared out by the value of its lines, and
    /// the delivery is `(delivery)`. Empty where only the delivery was replayed.
    pub categories: Vec<Group>,
    pub errors: Vec<Failure>,
    pub cost: Cost,
    /// Milliseconds that it took.
    #[schema(example = 1_840)]
    pub elapsed_ms: u64,
}

/// The counts and totals of a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportSummary {
    #[schema(example = 10_000)]
    pub orders: u64,
    #[schema(example = 9_120)]
    pub unchanged: u64,
    #[schema(example = 879)]
    pub changed: u64,
    #[schema(example = 1)]
    pub failed: u64,
    #[schema(example = 0)]
    pub skipped: u64,
    /// By currency.
    pub totals: Vec<Change>,
}

impl Report {
    pub fn summary(&self) -> ReportSummary {
        ReportSummary {
            orders: self.orders,
            unchanged: self.unchanged,
            changed: self.changed,
            failed: self.failed,
            skipped: self.skipped,
            totals: self.totals.clone(),
        }
    }
}

/// Sums of a currency.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    #[schema(example = "EUR")]
    pub currency: String,
    pub orders: u64,
    pub changed: u64,
    /// What they came to, in minor units.
    #[schema(example = 48_210_00)]
    pub before: Amount,
    /// What they would have come to.
    #[schema(example = 47_100_00)]
    pub after: Amount,
    #[schema(example = -1_110_00)]
    pub difference: Amount,
    /// Orders that would have cost more.
    pub up: Side,
    /// Orders that would have cost less.
    pub down: Side,
}

/// Changes in one direction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Side {
    #[schema(example = 12)]
    pub orders: u64,
    #[schema(example = 90_00)]
    pub amount: Amount,
}

/// Sums of the orders that have something in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    #[schema(example = "DE")]
    pub key: String,
    #[schema(example = "EUR")]
    pub currency: String,
    #[schema(example = 4_100)]
    pub orders: u64,
    #[schema(example = 310)]
    pub changed: u64,
    #[schema(example = 20_100_00)]
    pub before: Amount,
    #[schema(example = 19_800_00)]
    pub after: Amount,
    #[schema(example = -300_00)]
    pub difference: Amount,
}

/// An order that would have cost another amount.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderChange {
    #[schema(example = 1_204)]
    pub number: i64,
    #[schema(example = "EUR")]
    pub currency: String,
    #[schema(example = 240_00)]
    pub before: Amount,
    #[schema(example = 216_00)]
    pub after: Amount,
    #[schema(example = -24_00)]
    pub difference: Amount,
}

/// Why the candidate had no answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// None: no single one.
    #[schema(example = "percent-off")]
    pub plugin: Option<String>,
    /// The name of a fault, as `deadline-exceeded`; or `delivery-gone`: it does not offer what the shopper chose.
    #[schema(example = "deadline-exceeded")]
    pub code: String,
    /// Of the first order that it befell.
    #[schema(example = "the plugin computed for more than 50 ms")]
    pub text: String,
    #[schema(example = 1)]
    pub orders: u64,
    /// Some of them.
    #[schema(example = json!([1_204]))]
    pub numbers: Vec<i64>,
}

/// What calls cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// Of the plugins that were asked then, as the receipts have it.
    pub recorded: CallCost,
    pub candidate: CallCost,
}

/// Of one call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallCost {
    #[schema(example = 10_000)]
    pub calls: u64,
    /// Fuel is the deterministic cost of a call: instructions, roughly.
    #[schema(example = 48_210)]
    pub fuel_mean: u64,
    #[schema(example = 210_400)]
    pub fuel_max: u64,
    /// Microseconds: the median, and what 99 of 100 calls stay under.
    #[schema(example = 21)]
    pub elapsed_us_p50: u64,
    #[schema(example = 96)]
    pub elapsed_us_p99: u64,
    #[schema(example = 1_204)]
    pub elapsed_us_max: u64,
}
