//! A percentage off the goods, in two versions with two digests, for tests that swap plugins under load.

use kassa_sdk::pricing::{Adjustment, Error, Pricing, Quote, Request, Target};
use kassa_sdk::{Money, Rate};

/// Says which version priced a cart.
const CODE: &str = if cfg!(feature = "v2") { "percent-off-v2" } else { "percent-off-v1" };

#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PercentOff {
    percent_bp: Rate,
}

impl Default for PercentOff {
    fn default() -> Self {
        PercentOff { percent_bp: Rate::percent(if cfg!(feature = "v2") { 20 } else { 10 }) }
    }
}

impl Pricing for PercentOff {
    fn price(&self, request: &Request) -> Result<Quote, Error> {
        if self.percent_bp > Rate::percent(100) {
            return Err(Error::InvalidSettings("percent_bp: more than 10000".to_owned()));
        }
        let off = request.goods_total()?.percent(self.percent_bp)?.min(request.goods_so_far()?);
        let mut quote = Quote::empty(request);
        if off > Money::ZERO {
            quote.adjustments.push(Adjustment::discount(
                Target::Order,
                CODE,
                format!("{} % off", self.percent_bp),
                off,
            ));
        }
        Ok(quote)
    }
}

kassa_sdk::export!(pricing: PercentOff);
