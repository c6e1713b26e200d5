//! The sales as carts and orders, over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::client::{Answer, Connection};
use crate::latency::Latency;
use crate::sales::{Invoice, Sales};
use crate::{Error, Result};

/// How often a shopper accepts another price before giving up.
const MOST_STALE_QUOTES: u32 = 20;

/// What a shopper does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    CreateCart,
    AddLine,
    SetEmail,
    SetAddress,
    ListDelivery,
    SetDelivery,
    Checkout,
}

impl Step {
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::CreateCart, "create cart"),
        (Self::AddLine, "add line"),
        (Self::SetEmail, "set e-mail"),
        (Self::SetAddress, "set address"),
        (Self::ListDelivery, "list delivery options"),
        (Self::SetDelivery, "choose delivery"),
        (Self::Checkout, "checkout"),
    ];

    fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// An order that was placed.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Of [`Sales::invoices`].
    pub invoice: usize,
    /// The total that the shopper saw last and agreed to.
    pub shown: i64,
    pub order: PlacedOrder,
}

/// What the answer to a checkout says.
#[derive(Debug, Clone, Deserialize)]
pub struct PlacedOrder {
    pub id: String,
    pub number: i64,
    pub status: String,
    pub total: i64,
    pub priced_by: Vec<PricedBy>,
}

#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct PricedBy {
    pub digest: String,
}

/// What became of a replay.
#[derive(Default)]
pub struct Outcome {
    pub placed: Vec<Placed>,
    /// One text for each invoice that did not become an order.
    pub failures: Vec<String>,
    /// Checkouts that were told of another price, which the shopper then accepted.
    pub stale_quotes: u64,
    pub steps: [Latency; 7],
    /// From the first request of an invoice to its order.
    pub whole: Latency,
    pub took: Duration,
}

/// How far a replay is; for progress, and for those who do something meanwhile.
#[derive(Default)]
pub struct Progress {
    done: AtomicUsize,
    changed: Notify,
}

impl Progress {
    fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Invoices that are done, as orders or as failures.
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Waits until `count` invoices are done. For one task at a time.
    pub async fn reach(&self, count: usize) {
        while self.done() < count {
            self.changed.notified().await;
        }
    }
}

/// Plays all `sales` at `connections` connections, calling `on_done` after each invoice.
pub async fn run(
    address: &str,
    sales: &Arc<Sales>,
    connections: usize,
    progress: &Arc<Progress>,
    on_done: impl Fn() + Clone + Send + 'static,
) -> Result<Outcome> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut shoppers = JoinSet::new();
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let begun = Instant::now();
    for connection in opened {
        let (sales, next, progress, on_done) = (sales.clone(), next.clone(), progress.clone(), on_done.clone());
        shoppers.spawn(async move {
            let mut shopper = Shopper::new(connection);
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(invoice) = sales.invoices.get(index) else { return shopper.outcome };
                shopper.play(index, invoice).await;
                progress.step();
                on_done();
            }
        });
    }
    let mut outcome = Outcome::default();
    while let Some(part) = shoppers.join_next().await {
        outcome.add(part?);
    }
    outcome.took = begun.elapsed();
    Ok(outcome)
}

impl Outcome {
    fn add(&mut self, part: Self) {
        self.placed.extend(part.placed);
        self.failures.extend(part.failures);
        self.stale_quotes += part.stale_quotes;
        for (sum, part) in self.steps.iter_mut().zip(&part.steps) {
            sum.add(part);
        }
        self.whole.add(&part.whole);
    }
}

#[derive(Deserialize)]
struct Cart {
    id: String,
}

#[derive(Deserialize)]
struct CartTotal {
    total: i64,
}

#[derive(Deserialize)]
struct DeliveryOption {
    id: String,
    amount: i64,
    pickup: bool,
}

#[derive(Deserialize)]
struct StaleQuote {
    r#type: String,
    cart: CartTotal,
}

/// One connection's shoppers, one after the other.
pub struct Shopper {
    connection: Connection,
    pub outcome: Outcome,
}

impl Shopper {
    pub fn new(connection: Connection) -> Self {
        Self { connection, outcome: Outcome::default() }
    }

    /// Buys what the invoice lists, and writes down what became of it.
    pub async fn play(&mut self, index: usize, invoice: &Invoice) {
        let begun = Instant::now();
        match self.buy(invoice).await {
            Ok((shown, order)) => {
                self.outcome.whole.record(begun.elapsed());
                self.outcome.placed.push(Placed { invoice: index, shown, order });
            }
            Err(error) => self.outcome.failures.push(format!("invoice {}: {error}", invoice.number)),
        }
    }

    async fn buy(&mut self, invoice: &Invoice) -> Result<(i64, PlacedOrder)> {
        let cart: Cart = self.step(Step::CreateCart, "/v1/carts", json!({})).await?;
        let at = |what: &str| format!("/v1/carts/{}/{what}", cart.id);
        for line in &invoice.lines {
            let body = json!({ "sku": line.sku, "quantity": line.quantity });
            self.send(Step::AddLine, &at("lines"), body).await?;
        }
        let email = json!({ "email": format!("invoice-{}@example.org", invoice.number) });
        self.send(Step::SetEmail, &at("email"), email).await?;
        let address =
            json!({ "name": "A Shopper", "street": "1 High Street", "city": "Town", "country": invoice.country });
        self.send(Step::SetAddress, &at("address"), address).await?;
        let options: Vec<DeliveryOption> = self.step(Step::ListDelivery, &at("delivery-options"), Value::Null).await?;
        let free_pickup = options.into_iter().find(|option| option.pickup && option.amount == 0);
        let option = free_pickup.ok_or_else(|| Error::Refused {
            request: Step::ListDelivery.name().into(),
            status: 200,
            body: "no free pickup is offered".into(),
        })?;
        let shown: CartTotal = self.step(Step::SetDelivery, &at("delivery-option"), json!({ "id": option.id })).await?;
        self.check_out(&at("checkout"), shown.total).await
    }

    /// Pays what the cart showed. Where the price has changed since, the shopper looks at the new one and pays that.
    async fn check_out(&mut self, path: &str, mut shown: i64) -> Result<(i64, PlacedOrder)> {
        let mut stale_quotes = 0;
        loop {
            let body = json!({
                "payment_method": "payment-emulator:card", "payment_token": "tok-approve", "expected_total": shown,
            });
            let answer = self.exchange(Step::Checkout, path, &body).await?;
            let stale = answer.status == 409 && stale_quotes < MOST_STALE_QUOTES;
            match serde_json::from_slice::<StaleQuote>(&answer.body) {
                Ok(problem) if stale && problem.r#type == "/problems/stale-quote" => shown = problem.cart.total,
                _ => {
                    self.outcome.stale_quotes += u64::from(stale_quotes);
                    return Ok((shown, answer.json(Step::Checkout.name())?));
                }
            }
            stale_quotes += 1;
        }
    }

    /// A step whose answer matters.
    async fn step<T: DeserializeOwned>(&mut self, step: Step, path: &str, body: Value) -> Result<T> {
        self.send(step, path, body).await?.json(step.name())
    }

    /// A step of whose answer only the status matters: it is not parsed.
    async fn send(&mut self, step: Step, path: &str, body: Value) -> Result<Answer> {
        let answer = self.exchange(step, path, &body).await?;
        if answer.is_success() { Ok(answer) } else { answer.json::<Value>(step.name()).map(|_| answer) }
    }

    async fn exchange(&mut self, step: Step, path: &str, body: &Value) -> Result<Answer> {
        let begun = Instant::now();
        let answer = match step {
            Step::ListDelivery => self.connection.send(Method::GET, path, "", Bytes::new()).await,
            Step::CreateCart | Step::AddLine | Step::Checkout => {
                self.connection.send_json(Method::POST, path, body).await
            }
            Step::SetEmail | Step::SetAddress | Step::SetDelivery => {
                self.connection.send_json(Method::PUT, path, body).await
            }
        };
        self.outcome.steps[step as usize].record(begun.elapsed());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stand_at_their_place() {
        for (index, (step, _)) in Step::ALL.into_iter().enumerate() {
            assert_eq!(step as usize, index);
        }
    }
}
