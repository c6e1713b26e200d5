//! Every amount of an order, derived again from its receipts and the binaries that they name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream;

use super::{Receipt, sha256_hex};
use crate::carts::{self, FallbackRate};
use crate::orders::checkout::order_adjustment;
use crate::orders::{self, Adjustment, Error, Line, Order, store};
use crate::plugins::{
    Bound, CallError, ChainError, Chained, Domain, Fault, OptionId, RegistryError, delivery, patiently, pricing,
};
use crate::{Shop, db};

/// How often an order is read again that was changed while it was read. Nobody changes one ten times within milliseconds; this is where a fault
/// of the kernel ends that would read for ever.
const READS: u32 = 10;

/// Why an order is not what its receipts derive.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the order has no receipt of its price")]
    NoReceipt,
    #[error("the recorded input was altered: its hash is another")]
    InputAltered,
    #[error("a receipt cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the plugin cannot be loaded: {0}")]
    Plugin(#[from] RegistryError),
    #[error("the plugin fails on the recorded input: {0}")]
    Call(#[from] CallError),
    #[error("{plugin} {version} answers otherwise than it did")]
    OtherAnswer { plugin: String, version: String },
    #[error("the receipts contradict each other: {0}")]
    Contradiction(&'static str),
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    #[error("the order is changed faster than it can be read")]
    Changing,
    #[error("verifying stopped: the kernel panicked")]
    Panicked,
    #[error(transparent)]
    Order(#[from] Box<Error>),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Something of an order that is not what its receipts derive.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{of}: the receipts derive {derived}, the order has {recorded}")]
pub struct Mismatch {
    pub of: &'static str,
    pub derived: String,
    pub recorded: String,
}

/// Verifies orders. Components that were loaded for one stay for the next.
pub struct Verifier {
    shop: Shop,
    bound: Mutex<HashMap<(String, String), Arc<Bound>>>,
}

/// An order and what it recorded.
struct Stored {
    order: Order,
    receipts: Vec<Receipt>,
    lines: Vec<Line>,
    adjustments: Vec<Adjustment>,
}

/// Derives an order again, and compares. Where it was changed since it was read, it is derived as it is now.
pub async fn verify(shop: &Shop, order: &Order) -> Result<(), VerifyError> {
    Verifier::new(shop).verify(order).await
}

/// Derives every order of the shop again, as many at once as there are cores; `told` hears of each as it is done.
pub async fn verify_all(shop: &Shop, mut told: impl FnMut(i64, Result<(), VerifyError>)) -> Result<(), Error> {
    const PAGE: u32 = 500;
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let verifier = Arc::new(Verifier::new(shop));
    let mut after = 0;
    loop {
        let numbers = orders::numbers_after(shop, after, PAGE).await?;
        let Some(last) = numbers.last() else { return Ok(()) };
        after = *last;
        let verified = stream::iter(numbers).map(|number| {
            let verifier = verifier.clone();
            // A task of its own: plugins compute where they are called.
            let work = tokio::spawn(async move { verifier.verify_number(number).await });
            async move { (number, work.await.unwrap_or(Err(VerifyError::Panicked))) }
        });
        let mut verified = verified.buffer_unordered(at_once);
        while let Some((number, outcome)) = verified.next().await {
            told(number, outcome);
        }
    }
}

impl Verifier {
    pub fn new(shop: &Shop) -> Self {
        Self { shop: shop.clone(), bound: Mutex::default() }
    }

    async fn verify_number(&self, number: i64) -> Result<(), VerifyError> {
        let order = orders::get_by_number(&self.shop, number).await.map_err(Box::new)?;
        self.verify(&order).await
    }

    /// Derives the order again, and compares all that it recorded.
    pub async fn verify(&self, order: &Order) -> Result<(), VerifyError> {
        let stored = self.read(order.clone()).await?;
        patiently(self.shop.config().replay.tries, found_no_place, || self.derive(&stored)).await
    }

    /// All of an order at one moment. Each part is read by a statement of its own, and whoever edits the order between two of them gives it another
    /// version with the parts: then it is read again.
    async fn read(&self, mut order: Order) -> Result<Stored, VerifyError> {
        let mut conn = self.shop.db().read().await?;
        for _ in 0..READS {
            let receipts = store::receipts(&mut conn, order.id).await?;
            let lines = store::lines(&mut conn, order.id).await?;
            let adjustments = store::adjustments(&mut conn, order.id).await?;
            let now = store::get_order(&mut conn, order.id).await?;
            if now.version == order.version {
                return Ok(Stored { order, receipts, lines, adjustments });
            }
            order = now;
        }
        Err(VerifyError::Changing)
    }

    async fn derive(&self, stored: &Stored) -> Result<(), VerifyError> {
        let Stored { order, receipts, lines, adjustments } = stored;
        if receipts.iter().any(|receipt| sha256_hex(&receipt.input) != receipt.input_sha256) {
            return Err(VerifyError::InputAltered);
        }
        let of = |domain| receipts.iter().filter(move |receipt| receipt.domain == domain);
        let chain: Vec<_> = of(Domain::Pricing).collect();
        let request = read_request(&chain)?;
        let mut bound = Vec::with_capacity(chain.len());
        for receipt in &chain {
            bound.push(self.bound(receipt).await?);
        }
        let priced = self.price(&bound, request.clone()).await?;
        for ((receipt, link), plugin) in chain.iter().zip(&priced.links).zip(&bound) {
            let contract = pricing::Contract::of(plugin);
            same_answer(receipt, &link.quote.recorded(contract))?;
            same(&receipt.input, &link.request.recorded(contract), "a plugin was asked with what others added")?;
        }
        compare_amounts(order, &request, &priced)?;
        compare_lines(lines, &request, &priced)?;
        compare_adjustments(adjustments, &priced)?;
        let of_goods = self.price(&bound, pricing::Request { delivery: None, ..request.clone() }).await?;
        self.verify_delivery(order, of(Domain::Delivery), &request, &of_goods).await
    }

    async fn verify_delivery(
        &self,
        order: &Order,
        receipts: impl Iterator<Item = &Receipt>,
        request: &pricing::Request,
        of_goods: &Chained,
    ) -> Result<(), VerifyError> {
        let mut chosen = None;
        for receipt in receipts {
            let shipment: delivery::Shipment = serde_json::from_str(&receipt.input)?;
            require(same_goods(&shipment, request), "the shipment has other goods than the price")?;
            let value = of_goods.totals.goods + of_goods.totals.discounts;
            require(shipment.goods_total == value, "the shipment has goods of another value than the price")?;
            let quote = self.quote_delivery(receipt, shipment).await?;
            same_answer(receipt, &serde_json::to_string(&quote)?)?;
            if receipt.plugin == order.delivery.plugin {
                chosen = quote.options.into_iter().find(|option| option.code == order.delivery.code);
            }
        }
        let Some(option) = chosen else { return Err(VerifyError::Contradiction("nobody offered the delivery")) };
        let priced = request.delivery.as_ref().ok_or(VerifyError::Contradiction("no delivery was priced"))?;
        let id = OptionId { plugin: order.delivery.plugin.clone(), code: order.delivery.code.clone() };
        require(priced.option == id.to_string(), "another delivery was priced")?;
        compare("the delivery's price", option.amount, priced.amount)?;
        compare("the delivery's price", option.amount, order.delivery.amount)?;
        compare("the delivery's label", option.label, order.delivery.label.clone())?;
        compare("whether it is a pickup", option.pickup, order.delivery.pickup)
    }

    async fn quote_delivery(
        &self,
        receipt: &Receipt,
        shipment: delivery::Shipment,
    ) -> Result<delivery::DeliveryQuote, VerifyError> {
        if receipt.plugin == carts::FALLBACK {
            require(receipt.digest.is_empty(), "static rates have no component")?;
            let rates: Vec<FallbackRate> = serde_json::from_str(&receipt.settings)?;
            return Ok(carts::fallback(&rates, &shipment));
        }
        let bound = self.bound(receipt).await?;
        Ok(self.shop.plugins().host().delivery_quote(&bound, &Arc::new(shipment)).await?.value)
    }

    async fn price(&self, chain: &[Arc<Bound>], request: pricing::Request) -> Result<Chained, VerifyError> {
        let priced = self.shop.plugins().host().price_chain(chain, request).await;
        priced.map_err(|ChainError { error, .. }| VerifyError::Call(error))
    }

    /// The plugin of a receipt, under its settings.
    async fn bound(&self, receipt: &Receipt) -> Result<Arc<Bound>, VerifyError> {
        let key = (receipt.digest.clone(), receipt.settings.clone());
        let known = self.bound.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let bound = match known {
            Some(bound) => bound,
            None => self.shop.plugins().load_for_receipt(&receipt.digest, &receipt.settings).await?,
        };
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).insert(key, bound.clone());
        require(
            (bound.name(), bound.version()) == (receipt.plugin.as_str(), receipt.version.as_str()),
            "a component has another name or version than its receipt",
        )?;
        Ok(bound)
    }
}

/// It says nothing about the order: the host had no place for a call.
fn found_no_place(derived: &Result<(), VerifyError>) -> bool {
    matches!(derived, Err(VerifyError::Call(CallError { fault: Fault::Busy, .. })))
}

/// What the first of the chain was asked, before anybody added anything.
fn read_request(chain: &[&Receipt]) -> Result<pricing::Request, VerifyError> {
    let first = chain.first().ok_or(VerifyError::NoReceipt)?;
    let (request, _) = pricing::Request::read(&first.input)?;
    require(request.so_far.is_empty(), "something was added before the first plugin was asked")?;
    Ok(request)
}

fn same_answer(receipt: &Receipt, answer: &str) -> Result<(), VerifyError> {
    if answer == receipt.output {
        return Ok(());
    }
    Err(VerifyError::OtherAnswer { plugin: receipt.plugin.clone(), version: receipt.version.clone() })
}

fn same(recorded: &str, derived: &str, rule: &'static str) -> Result<(), VerifyError> {
    require(recorded == derived, rule)
}

fn require(holds: bool, rule: &'static str) -> Result<(), VerifyError> {
    if holds { Ok(()) } else { Err(VerifyError::Contradiction(rule)) }
}

fn compare<T: PartialEq + ToString>(of: &'static str, derived: T, recorded: T) -> Result<(), VerifyError> {
    if derived == recorded {
        return Ok(());
    }
    Err(Mismatch { of, derived: derived.to_string(), recorded: recorded.to_string() }.into())
}

fn compare_amounts(order: &Order, request: &pricing::Request, priced: &Chained) -> Result<(), VerifyError> {
    let totals = &priced.totals;
    compare("the currency", request.currency.clone(), order.currency.clone())?;
    for (of, derived, recorded) in [
        ("goods_total", totals.goods, order.goods_total),
        ("discount_total", totals.discounts, order.discount_total),
        ("fee_total", totals.fees, order.fee_total),
        ("delivery_total", totals.delivery, order.delivery_total),
        ("tax_total", totals.taxes_added, order.tax_total),
        ("tax_included_total", totals.taxes_included, order.tax_included_total),
        ("total", totals.total, order.total),
    ] {
        compare(of, derived, recorded)?;
    }
    Ok(())
}

/// What a line cost. What it was shown with, title, crossed-out price (`compare_at`) and price list, no plugin is told: no receipt has it, and the
/// catalog that it came from has changed since, so that it cannot be derived.
fn compare_lines(lines: &[Line], request: &pricing::Request, priced: &Chained) -> Result<(), VerifyError> {
    compare("how many lines there are", request.lines.len(), lines.len())?;
    for (index, (asked, line)) in request.lines.iter().zip(lines).enumerate() {
        compare("the SKU of a line", asked.sku.clone(), line.sku.clone())?;
        compare("the quantity of a line", asked.quantity, line.quantity)?;
        compare("the unit price of a line", asked.unit_price, line.unit_price)?;
        let total = pricing::line_total(index, asked.unit_price, asked.quantity, &priced.adjustments);
        let total = total.map_err(|_| VerifyError::Contradiction("a line comes to more than an amount can say"))?;
        compare("the total of a line", total, line.total)?;
    }
    Ok(())
}

fn compare_adjustments(adjustments: &[Adjustment], priced: &Chained) -> Result<(), VerifyError> {
    compare("how many adjustments there are", priced.adjustments.len(), adjustments.len())?;
    for (derived, recorded) in priced.adjustments.iter().map(order_adjustment).zip(adjustments) {
        let text = |of: &Adjustment| {
            let Adjustment { target, kind, code, label, amount, rate_ppm, base } = of;
            format!("{target:?} {kind} {code} {label:?} {amount} {rate_ppm:?} {base:?}")
        };
        compare("an adjustment", text(&derived), text(recorded))?;
    }
    Ok(())
}

/// The shipment is of the goods that were priced.
fn same_goods(shipment: &delivery::Shipment, request: &pricing::Request) -> bool {
    let destination = request.destination.as_ref() == Some(&shipment.destination);
    let items = shipment.items.iter().map(|item| (&item.sku, item.quantity, item.weight_grams));
    let lines = request.lines.iter().map(|line| (&line.sku, line.quantity, line.weight_grams));
    destination && shipment.currency == request.currency && shipment.now == request.now && items.eq(lines)
}
