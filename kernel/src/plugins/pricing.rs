//! Pricing: the typed call and the checks of the answer. The arithmetic is in [`Totals`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::AsContextMut;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre, TypedFunc};

pub use super::answer::AMOUNT_LIMIT;
use super::answer::{self, Broken};
pub use super::bindings::pricing::*;
use super::call::{Abandoned, Answer};
use super::desk::{Asked, Question};
use super::fault::Stopped;
use super::routing::Linked;
use super::state::State;
use super::telemetry::Function;
pub use super::totals::{Totals, line_total};
use super::{Bound, CallError, Called, Host};

const INTERFACE: &str = "kassa:pricing/pricing@0.1.0";
const ADJUSTMENTS_PER_LINE: usize = 20;
const ADJUSTMENTS_BESIDE_LINES: usize = 100;
const CODE_CHARACTERS: usize = 64;
const LABEL_CHARACTERS: usize = 200;
const MESSAGES: usize = 10;
const MESSAGE_CHARACTERS: usize = 500;

impl Kind {
    /// The word for it in answers over HTTP and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Discount => "discount",
            Kind::Tax => "tax",
            Kind::TaxIncluded => "tax-included",
            Kind::Fee => "fee",
        }
    }
}

impl Host {
    /// Prices a cart with one plugin of the chain. The answer passed every rule of the contract, on top of `so_far`.
    pub async fn price(&self, bound: &Arc<Bound>, request: &Arc<Request>) -> Result<Called<Quote>, CallError> {
        let asked = request.clone();
        self.call(
            bound,
            Some(Asked::new(Function::Price, &|| Question::Price(request.clone()))),
            Abandoned::Stops,
            move |mut store, plugin| {
                Box::pin(async move {
                    let Linked::Pricing(plugin) = plugin.linked() else { return Err(Stopped::WrongDomain.into()) };
                    let instance = plugin.instantiate(&mut store).await?;
                    let price = plugin.price(&mut store, &instance)?;
                    let (answer,) = price.call_async(&mut store, (&asked,)).await?;
                    Ok(answer)
                })
            },
            |quote| check(request, quote),
        )
        .await
    }
}

/// A pricing component with its imports resolved.
///
/// What bindgen makes holds the types of every function against the component's anew in each instance: more than half a
/// microsecond of a call that has ten, and pricing is called at every look at a cart. Here it is done once.
pub(super) struct Linking {
    instances: InstancePre<State>,
    price: ComponentExportIndex,
    /// The types of `price` were found to be those of [`Price`].
    is_checked: AtomicBool,
}

type Price<'a> = TypedFunc<(&'a Request,), (Answer<Quote>,)>;

impl Linking {
    /// Sees that the component has what the contract names.
    pub(super) fn new(instances: InstancePre<State>) -> wasmtime::Result<Self> {
        let component = instances.component();
        let interface = component.get_export_index(None, INTERFACE);
        let price = interface.and_then(|interface| component.get_export_index(Some(&interface), "price"));
        let price = price.ok_or_else(|| wasmtime::format_err!("there is no function `price` in {INTERFACE}"))?;
        Ok(Self { instances, price, is_checked: AtomicBool::new(false) })
    }

    pub(super) async fn instantiate(&self, store: impl AsContextMut<Data = State>) -> wasmtime::Result<Instance> {
        self.instances.instantiate_async(store).await
    }

    /// The function of an instance of this component.
    pub(super) fn price<'a>(
        &self,
        mut store: impl AsContextMut<Data = State>,
        instance: &Instance,
    ) -> wasmtime::Result<Price<'a>> {
        if !self.is_checked.load(Ordering::Acquire) {
            let price = instance.get_typed_func(&mut store, self.price)?;
            self.is_checked.store(true, Ordering::Release);
            return Ok(price);
        }
        let price = instance.get_func(&mut store, self.price);
        let price = price.ok_or_else(|| wasmtime::format_err!("the instance is of another component"))?;
        // SAFETY: `get_func` finds nothing in an instance of another component (the index knows its own), and for this
        // component `get_typed_func` has found the very types of `Price`, or `is_checked` were not set.
        Ok(unsafe { Price::new_unchecked(price) })
    }
}

/// Holds a quote against every rule of the contract.
fn check(request: &Request, quote: &Quote) -> Result<(), Broken> {
    answer::same_currency(&quote.currency, &request.currency)?;
    let mut of_line = vec![0; request.lines.len()];
    let mut beside_lines = 0;
    for adjustment in &quote.adjustments {
        answer::one_to_characters("an adjustment's code", &adjustment.code, CODE_CHARACTERS)?;
        answer::at_most_characters("an adjustment's label", &adjustment.label, LABEL_CHARACTERS)?;
        match adjustment.target {
            // An index beyond the lines is found with the totals.
            Target::Line(index) => of_line.get_mut(index as usize).map_or((), |count| *count += 1),
            Target::Order | Target::Delivery => beside_lines += 1,
        }
    }
    answer::at_most("adjustments beside lines", beside_lines, ADJUSTMENTS_BESIDE_LINES)?;
    for count in of_line {
        answer::at_most("adjustments of one line", count, ADJUSTMENTS_PER_LINE)?;
    }
    if request.so_far.is_empty() {
        Totals::of(request, &quote.adjustments)?;
    } else {
        Totals::of(request, &[request.so_far.as_slice(), &quote.adjustments].concat())?;
    }
    check_coupons(request, &quote.coupons)?;
    answer::at_most("messages", quote.messages.len(), MESSAGES)?;
    quote.messages.iter().try_for_each(|text| answer::at_most_characters("a message", text, MESSAGE_CHARACTERS))
}

fn check_coupons(request: &Request, outcomes: &[CouponOutcome]) -> Result<(), Broken> {
    let mut decided = BTreeSet::new();
    for outcome in outcomes {
        if !request.coupons.contains(&outcome.code) {
            return Err(format!("coupon {} is not in the request", answer::shown(&outcome.code)));
        }
        if !decided.insert(&outcome.code) {
            return Err(format!("coupon {} has two outcomes", answer::shown(&outcome.code)));
        }
        answer::at_most_characters("a coupon's text", &outcome.text, MESSAGE_CHARACTERS)?;
    }
    Ok(())
}
