//! Which discounts a cart gets, and what each takes off which line.
//!
//! Coupons, discounts and volume tiers all become offers. Those that may be combined are applied one after the other
//! by priority, each to what those before it left. An exclusive offer stands alone. Of these possibilities the
//! shopper gets the one that takes most off; where two take the same, the combination, then the lower priority.

use kassa_sdk::pricing::{Adjustment, CouponOutcome, CouponState, Error, Quote, Request, Target};
use kassa_sdk::{Money, Rate};

use crate::settings::{Discount, Measure, Scope, StandardPricing, Tier, folded, is_for_group};
use crate::texts;

/// The contract allows 20 adjustments of one line and 100 beside lines; the rest is left to taxes. Of more offers the later
/// take nothing.
const OFFERS_OF_A_LINE: usize = 16;
const OFFERS_OF_THE_ORDER: usize = 80;

/// A discount that this cart may have.
struct Offer<'a> {
    code: String,
    label: &'a str,
    scope: &'a Scope,
    priority: i32,
    exclusive: bool,
    effect: Effect<'a>,
    /// Index of the coupon's outcome in the quote.
    coupon: Option<usize>,
}

enum Effect<'a> {
    Percent(Rate),
    Amount(Money),
    /// Each line by its own quantity.
    ByQuantity(&'a Tier),
}

/// What one offer takes off each line; 0 or more.
struct Applied<'a> {
    offer: &'a Offer<'a>,
    parts: Vec<Money>,
    total: Money,
}

/// Adds the discounts to the quote and takes them off `left`, which holds what every line still costs.
pub fn apply(
    settings: &StandardPricing,
    request: &Request,
    left: &mut [Money],
    quote: &mut Quote,
) -> Result<(), Error> {
    let mut offers = tier_offers(settings, request)?;
    let goods = request.goods_total()?;
    let automatic = settings.discounts.iter().filter(|rule| {
        rule.is_valid_at(request.now)
            && settings.is_in_currency(&rule.currency, rule.has_amounts(), request)
            && is_for_group(&rule.groups, request)
            && goods >= rule.minimum
    });
    offers.extend(automatic.map(|rule| rule.offer(rule.code.clone(), None)));
    coupon_offers(settings, request, goods, &mut offers, quote);
    if !offers.is_empty() {
        // A stable sort: among equals, tiers go before discounts and those before coupons.
        offers.sort_by_key(|offer| offer.priority);
        let chosen = best(&offers, request, left)?;
        for applied in &chosen {
            for (line, part) in left.iter_mut().zip(&applied.parts) {
                *line = (*line - *part)?;
            }
            applied.add_to(quote);
        }
        settle_coupons(&offers, &chosen, request, quote);
    }
    answer_repeated_coupons(request, quote);
    Ok(())
}

fn tier_offers<'a>(settings: &'a StandardPricing, request: &Request) -> Result<Vec<Offer<'a>>, Error> {
    let mut offers = Vec::new();
    for tier in &settings.tiers {
        let has_amounts = matches!(tier.by, Measure::OrderValue);
        if !settings.is_in_currency(&tier.currency, has_amounts, request) || !is_for_group(&tier.groups, request) {
            continue;
        }
        let effect = match tier.by {
            Measure::LineQuantity => Effect::ByQuantity(tier),
            Measure::OrderValue => {
                let in_scope = request.lines.iter().filter(|line| tier.applies_to.holds(line));
                let value = in_scope.map(|line| line.total()).try_fold(Money::ZERO, |sum, total| sum + total?)?;
                Effect::Percent(tier.rate_at(value.minor()))
            }
        };
        offers.push(Offer {
            code: tier.code.clone(),
            label: &tier.label,
            scope: &tier.applies_to,
            priority: tier.priority,
            exclusive: tier.exclusive,
            effect,
            coupon: None,
        });
    }
    Ok(offers)
}

/// One offer for each coupon that may be used, and an outcome for each that this shop knows or has never heard of.
fn coupon_offers<'a>(
    settings: &'a StandardPricing,
    request: &Request,
    goods: Money,
    offers: &mut Vec<Offer<'a>>,
    quote: &mut Quote,
) {
    for (index, typed) in request.coupons.iter().enumerate() {
        let typed_code = folded(typed);
        // Once per cart, however often it was typed.
        if request.coupons[..index].iter().any(|earlier| folded(earlier) == typed_code) {
            continue;
        }
        let mut named = settings.coupons.iter().filter(|coupon| folded(&coupon.code) == typed_code);
        let is_in_currency =
            |coupon: &Discount| settings.is_in_currency(&coupon.currency, coupon.has_amounts(), request);
        let known = named.clone().find(|coupon| is_in_currency(coupon)).or_else(|| named.next());
        let (state, text) = match known {
            None => (CouponState::Unknown, String::new()),
            Some(coupon) if !coupon.is_valid_at(request.now) => (CouponState::Expired, String::new()),
            Some(coupon) if !is_in_currency(coupon) => (CouponState::NotApplicable, texts::other_currency(request)),
            Some(coupon) if !is_for_group(&coupon.groups, request) => {
                (CouponState::NotApplicable, texts::other_customers(request))
            }
            Some(coupon) if goods < coupon.minimum => {
                (CouponState::NotApplicable, texts::needs_goods(request, coupon.minimum))
            }
            Some(coupon) if !request.lines.iter().any(|line| coupon.applies_to.holds(line)) => {
                (CouponState::NotApplicable, texts::other_goods(request))
            }
            Some(coupon) => {
                let code = format!("coupon-{typed_code}");
                offers.push(coupon.offer(code, Some(quote.coupons.len())));
                (CouponState::Applied, String::new())
            }
        };
        quote.coupons.push(CouponOutcome { code: typed.clone(), state, text });
    }
}

impl Discount {
    fn offer(&self, code: String, coupon: Option<usize>) -> Offer<'_> {
        let effect = match (self.percent_bp, self.amount) {
            (Some(percent), _) => Effect::Percent(percent),
            (None, amount) => Effect::Amount(amount.unwrap_or_default()),
        };
        let Discount { label, applies_to: scope, priority, exclusive, .. } = self;
        Offer { code, label, scope, priority: *priority, exclusive: *exclusive, effect, coupon }
    }
}

/// The possibility that takes most off.
fn best<'a>(offers: &'a [Offer<'a>], request: &Request, left: &[Money]) -> Result<Vec<Applied<'a>>, Error> {
    let mut best = combine(offers.iter().filter(|offer| !offer.exclusive), request, left)?;
    for alone in offers.iter().filter(|offer| offer.exclusive) {
        let candidate = combine(std::iter::once(alone), request, left)?;
        if total(&candidate)? > total(&best)? {
            best = candidate;
        }
    }
    Ok(best)
}

fn combine<'a>(
    offers: impl Iterator<Item = &'a Offer<'a>>,
    request: &Request,
    left: &[Money],
) -> Result<Vec<Applied<'a>>, Error> {
    let mut left = left.to_vec();
    let mut combined: Vec<Applied<'_>> = Vec::new();
    let (mut of_line, mut of_order) = (vec![0; left.len()], 0);
    for offer in offers {
        let mut parts = offer.parts(request, &left)?;
        if offer.is_for_the_order() {
            of_order += usize::from(parts.iter().any(|part| *part > Money::ZERO));
            if of_order > OFFERS_OF_THE_ORDER {
                continue;
            }
        } else {
            for (part, count) in parts.iter_mut().zip(&mut of_line) {
                *count += usize::from(*part > Money::ZERO);
                if *count > OFFERS_OF_A_LINE {
                    *part = Money::ZERO;
                }
            }
        }
        for (line, part) in left.iter_mut().zip(&parts) {
            *line = (*line - *part)?;
        }
        let total = Money::sum(parts.iter().copied())?;
        if total > Money::ZERO {
            combined.push(Applied { offer, parts, total });
        }
    }
    Ok(combined)
}

fn total(applied: &[Applied<'_>]) -> Result<Money, Error> {
    Ok(Money::sum(applied.iter().map(|applied| applied.total))?)
}

impl Offer<'_> {
    /// It is one adjustment of the whole order, and not one for each line.
    fn is_for_the_order(&self) -> bool {
        self.scope.is_everything() && !matches!(self.effect, Effect::ByQuantity(_))
    }

    /// What it takes off each line; never more than the line still costs.
    fn parts(&self, request: &Request, left: &[Money]) -> Result<Vec<Money>, Error> {
        let in_scope = |index: usize| self.scope.holds(&request.lines[index]);
        let weights: Vec<i64> =
            left.iter().enumerate().map(|(i, line)| if in_scope(i) { line.minor().max(0) } else { 0 }).collect();
        let eligible = weights.iter().try_fold(Money::ZERO, |sum, &weight| sum + Money::new(weight)?)?;
        let parts = match self.effect {
            // Rounded once for the whole, then shared out, so that the sum is what the shopper computes.
            Effect::Percent(rate) => eligible.percent(rate)?.min(eligible).share_out(&weights),
            Effect::Amount(amount) => amount.min(eligible).share_out(&weights),
            Effect::ByQuantity(tier) => weights
                .iter()
                .zip(&request.lines)
                .map(|(&weight, line)| {
                    let line_left = Money::new(weight)?;
                    Ok(line_left.percent(tier.rate_at(line.quantity.into()))?.min(line_left))
                })
                .collect::<Result<_, Error>>()?,
        };
        Ok(parts)
    }
}

impl Applied<'_> {
    /// One adjustment where it applies to the whole order, otherwise one for each line that it touches.
    fn add_to(&self, quote: &mut Quote) {
        let discount =
            |target, amount| Adjustment::discount(target, self.offer.code.as_str(), self.offer.label, amount);
        if self.offer.is_for_the_order() {
            quote.adjustments.push(discount(Target::Order, self.total));
            return;
        }
        for (index, part) in (0..).zip(&self.parts) {
            if *part > Money::ZERO {
                quote.adjustments.push(discount(Target::Line(index), *part));
            }
        }
    }
}

/// A coupon that lost against a better discount, or found nothing left to take off, says so.
fn settle_coupons(offers: &[Offer<'_>], chosen: &[Applied<'_>], request: &Request, quote: &mut Quote) {
    for offer in offers {
        let Some(outcome) = offer.coupon.and_then(|index| quote.coupons.get_mut(index)) else { continue };
        if !chosen.iter().any(|applied| std::ptr::eq(applied.offer, offer)) {
            let text =
                if chosen.is_empty() { texts::nothing_to_take_off(request) } else { texts::better_discount(request) };
            (outcome.state, outcome.text) = (CouponState::NotApplicable, text);
        }
    }
}

/// `welcome10` beside `WELCOME10` is one coupon, and both are told the same.
fn answer_repeated_coupons(request: &Request, quote: &mut Quote) {
    for typed in request.coupons.iter().skip(1) {
        let first = quote.coupons.iter().find(|outcome| folded(&outcome.code) == folded(typed));
        if let Some(first) = first.filter(|first| first.code != *typed).cloned()
            && !quote.coupons.iter().any(|outcome| outcome.code == *typed)
        {
            quote.coupons.push(CouponOutcome { code: typed.clone(), ..first });
        }
    }
}
