//! One order, then and now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::carts;
use crate::money::{self, Amount, OutOfRange};
use crate::orders::receipts::{Recorded, RecordedCall};
use crate::plugins::{Bound, ChainError, Domain, Host, OptionId, Report, delivery, pricing};

/// What became of an order.
pub(super) struct Case {
    pub number: i64,
    pub currency: String,
    pub country: String,
    pub coupons: Vec<String>,
    pub before: Priced,
    pub after: Result<Priced, Failed>,
    /// Of each call.
    pub recorded: Vec<Spent>,
    pub candidate: Vec<Spent>,
}

impl Case {
    /// It says nothing about the candidate: the host had no place for a call.
    pub fn found_no_place(&self) -> bool {
        self.after.as_ref().is_err_and(|failed| failed.code == "busy")
    }
}

/// What it came to.
#[derive(Default)]
pub(super) struct Priced {
    pub total: Amount,
    /// Parts of the total by the categories of the goods; the delivery's under [`DELIVERY`]. None where the delivery alone is replayed.
    pub categories: BTreeMap<String, Amount>,
}

/// The part of a total that is no category's. No slug has such letters.
pub(super) const DELIVERY: &str = "(delivery)";

/// The candidate has no price for it.
pub(super) struct Failed {
    pub plugin: Option<String>,
    /// A fault's, or `delivery-gone`.
    pub code: String,
    pub text: String,
}

/// What a call cost.
pub(super) struct Spent {
    pub fuel: u64,
    pub elapsed_us: u64,
}

/// Replays an order; none where its receipts cannot be read.
pub(super) async fn replay(host: &Host, domain: Domain, candidate: &[Arc<Bound>], order: &Recorded) -> Option<Case> {
    let request: pricing::Request = serde_json::from_str(&of(order, Domain::Pricing).next()?.input).ok()?;
    let case = Case {
        number: order.number,
        currency: request.currency.clone(),
        country: request.destination.as_ref().map(|to| to.country.clone()).unwrap_or_default(),
        coupons: request.coupons.clone(),
        before: Priced::default(),
        after: Ok(Priced::default()),
        recorded: of(order, domain).filter(|call| call.plugin != carts::FALLBACK).map(Spent::recorded).collect(),
        candidate: Vec::new(),
    };
    match domain {
        Domain::Pricing => price(host, candidate, order, request, case).await,
        _ => deliver(host, candidate, order, &request, case).await,
    }
}

fn of(order: &Recorded, domain: Domain) -> impl Iterator<Item = &RecordedCall> {
    order.calls.iter().filter(move |call| call.domain == domain)
}

async fn price(
    host: &Host,
    candidate: &[Arc<Bound>],
    order: &Recorded,
    request: pricing::Request,
    mut case: Case,
) -> Option<Case> {
    let mut added = Vec::new();
    for call in of(order, Domain::Pricing) {
        added.extend(serde_json::from_str::<pricing::Quote>(&call.output).ok()?.adjustments);
    }
    let before = pricing::Totals::of(&request, &added).ok()?;
    case.before = Priced { total: before.total, categories: parts(&request, &added).ok()? };
    match host.price_chain(candidate, request.clone()).await {
        Ok(chained) => {
            case.candidate = chained.links.iter().map(|link| Spent::of(&link.report)).collect();
            let categories = parts(&request, &chained.adjustments).ok()?;
            case.after = Ok(Priced { total: chained.totals.total, categories });
        }
        Err(ChainError { index, error }) => {
            let plugin = index.and_then(|index| candidate.get(index)).map(|bound| bound.name().to_owned());
            case.candidate = vec![Spent::of(&error.report)];
            case.after = Err(Failed { plugin, code: error.code().to_owned(), text: error.to_string() });
        }
    }
    Some(case)
}

/// The total by what it is for. What is of the whole order is shared out by the value of the lines, so that the parts come to the total
/// again.
fn parts(request: &pricing::Request, added: &[pricing::Adjustment]) -> Result<BTreeMap<String, Amount>, OutOfRange> {
    let mut lines = Vec::with_capacity(request.lines.len());
    for line in &request.lines {
        lines.push(money::times(line.unit_price, line.quantity)?);
    }
    let goods = lines.clone();
    let mut delivery = request.delivery.as_ref().map(|chosen| chosen.amount);
    let mut order = 0;
    for adjustment in added.iter().filter(|adjustment| adjustment.kind != pricing::Kind::TaxIncluded) {
        let part = match adjustment.target {
            pricing::Target::Line(index) => lines.get_mut(index as usize),
            pricing::Target::Order => Some(&mut order),
            pricing::Target::Delivery => delivery.as_mut(),
        };
        if let Some(part) = part {
            *part = money::sum([*part, adjustment.amount])?;
        }
    }
    let mut parts = BTreeMap::new();
    let shares = money::shares(order, &goods);
    for ((line, amount), share) in request.lines.iter().zip(lines).zip(shares) {
        let part = parts.entry(line.category.clone()).or_insert(0);
        *part = money::sum([*part, amount, share])?;
    }
    if let Some(delivery) = delivery {
        parts.insert(DELIVERY.to_owned(), delivery);
    }
    Ok(parts)
}

async fn deliver(
    host: &Host,
    candidate: &[Arc<Bound>],
    order: &Recorded,
    request: &pricing::Request,
    mut case: Case,
) -> Option<Case> {
    let shipment: delivery::Shipment = serde_json::from_str(&of(order, Domain::Delivery).next()?.input).ok()?;
    let chosen = request.delivery.as_ref()?;
    let id: OptionId = chosen.option.parse().ok()?;
    // Static rates stood in for a plugin that failed: no candidate could have been chosen from.
    if id.plugin == carts::FALLBACK {
        return None;
    }
    case.before = Priced { total: chosen.amount, categories: BTreeMap::new() };
    let shipment = Arc::new(shipment);
    let mut after = Err(Failed { plugin: None, code: "delivery-gone".into(), text: chosen.option.clone() });
    for bound in candidate {
        let called = host.delivery_quote(bound, &shipment).await;
        let report = called.as_ref().map_or_else(|error| &error.report, |called| &called.report);
        case.candidate.push(Spent::of(report));
        let is_asked_for = bound.name() == id.plugin;
        match called {
            Ok(called) if is_asked_for => {
                let found = called.value.options.iter().find(|option| option.code == id.code);
                if let Some(option) = found {
                    after = Ok(Priced { total: option.amount, categories: BTreeMap::new() });
                }
            }
            Err(error) if is_asked_for => {
                let (code, text) = (error.code().to_owned(), error.to_string());
                after = Err(Failed { plugin: Some(id.plugin.clone()), code, text });
            }
            // Of another plugin than the shopper chose from.
            Ok(_) | Err(_) => {}
        }
    }
    case.after = after;
    Some(case)
}

impl Spent {
    fn of(report: &Report) -> Self {
        Self { fuel: report.fuel, elapsed_us: report.elapsed_us }
    }

    fn recorded(call: &RecordedCall) -> Self {
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        Self { fuel: number(call.fuel), elapsed_us: number(call.elapsed_us) }
    }
}
