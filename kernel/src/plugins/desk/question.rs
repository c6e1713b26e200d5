//! What a call was asked: one value for every function of the contract, written as JSON and asked again.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Content;
use crate::plugins::telemetry::Function;
use crate::plugins::{Bound, CallError, Called, Domain, Host, Report, delivery, notification, payment, pricing};

/// What the host is to know of a call beside the call: which function it is, and, should it fail, what it was asked.
#[derive(Clone, Copy)]
pub(in crate::plugins) struct Asked<'a> {
    pub function: Function,
    /// Made only where the call fails.
    pub question: &'a (dyn Fn() -> Question + Sync),
}

impl<'a> Asked<'a> {
    pub(in crate::plugins) fn new(function: Function, question: &'a (dyn Fn() -> Question + Sync)) -> Self {
        Self { function, question }
    }
}

/// The arguments of a call.
#[derive(Clone, Debug)]
pub enum Question {
    /// In the words of that version of the contract.
    Price(Arc<pricing::Request>, pricing::Contract),
    Methods(Arc<payment::Context>),
    Authorize(Arc<payment::AuthorizeRequest>),
    Capture {
        request: Arc<payment::FollowUp>,
        payment_amount: i64,
    },
    CancelPayment {
        request: Arc<payment::FollowUp>,
        payment_amount: i64,
    },
    Refund(Arc<payment::FollowUp>),
    Query {
        payment_key: String,
        asked: i64,
        now: u64,
    },
    Webhook(Arc<payment::WebhookRequest>),
    Quote(Arc<delivery::Shipment>),
    Book(Arc<delivery::BookRequest>),
    Track {
        reference: String,
        now: u64,
    },
    CancelDelivery {
        reference: String,
        now: u64,
    },
    Compose(Arc<notification::Compose>),
}

/// A step of a payment, with the amount that its answer is held against.
#[derive(Deserialize)]
struct Step {
    request: payment::FollowUp,
    payment_amount: i64,
}

#[derive(Deserialize)]
struct Query {
    payment_key: String,
    asked: i64,
    now: u64,
}

#[derive(Deserialize)]
struct Parcel {
    reference: String,
    now: u64,
}

/// A message whose body is text, mostly.
#[derive(Deserialize)]
struct Message {
    headers: Vec<(String, String)>,
    body: Content,
    now: u64,
}

impl Question {
    /// As JSON: records as the contract has them; the body of a message as text where it is some.
    pub fn input(&self) -> Value {
        let step = |request: &payment::FollowUp, amount: i64| json!({ "request": request, "payment_amount": amount });
        match self {
            Self::Price(request, contract) => serde_json::from_str(&request.recorded(*contract)).unwrap_or_default(),
            Self::Methods(context) => json!(**context),
            Self::Authorize(request) => json!(**request),
            Self::Capture { request, payment_amount } | Self::CancelPayment { request, payment_amount } => {
                step(request, *payment_amount)
            }
            Self::Refund(request) => json!(**request),
            Self::Query { payment_key, asked, now } => {
                json!({ "payment_key": payment_key, "asked": asked, "now": now })
            }
            Self::Webhook(request) => {
                let body = Content(request.body.clone().into());
                json!({ "headers": request.headers, "body": body, "now": request.now })
            }
            Self::Quote(shipment) => json!(**shipment),
            Self::Book(request) => json!(**request),
            Self::Track { reference, now } | Self::CancelDelivery { reference, now } => {
                json!({ "reference": reference, "now": now })
            }
            Self::Compose(request) => json!(**request),
        }
    }

    /// From what [`Question::input`] wrote of a function of `domain`; the error says what is wrong.
    pub fn read(domain: Domain, function: &str, input: Value) -> Result<Self, String> {
        fn of<T: for<'de> Deserialize<'de>>(input: Value) -> Result<T, String> {
            serde_json::from_value(input).map_err(|error| format!("its input cannot be read: {error}"))
        }
        Ok(match (domain, function) {
            (Domain::Pricing, "price") => {
                let read = pricing::Request::read(&input.to_string());
                let (request, contract) = read.map_err(|error| format!("its input cannot be read: {error}"))?;
                Self::Price(Arc::new(request), contract)
            }
            (Domain::Payment, "methods") => Self::Methods(Arc::new(of(input)?)),
            (Domain::Payment, "authorize") => Self::Authorize(Arc::new(of(input)?)),
            (Domain::Payment, "capture") => {
                let Step { request, payment_amount } = of(input)?;
                Self::Capture { request: Arc::new(request), payment_amount }
            }
            (Domain::Payment, "cancel") => {
                let Step { request, payment_amount } = of(input)?;
                Self::CancelPayment { request: Arc::new(request), payment_amount }
            }
            (Domain::Payment, "refund") => Self::Refund(Arc::new(of(input)?)),
            (Domain::Payment, "query") => {
                let Query { payment_key, asked, now } = of(input)?;
                Self::Query { payment_key, asked, now }
            }
            (Domain::Payment, "webhook") => {
                let Message { headers, body, now } = of(input)?;
                Self::Webhook(Arc::new(payment::WebhookRequest { headers, body: body.0.to_vec(), now }))
            }
            (Domain::Delivery, "quote") => Self::Quote(Arc::new(of(input)?)),
            (Domain::Delivery, "book") => Self::Book(Arc::new(of(input)?)),
            (Domain::Delivery, "track") => {
                let Parcel { reference, now } = of(input)?;
                Self::Track { reference, now }
            }
            (Domain::Delivery, "cancel") => {
                let Parcel { reference, now } = of(input)?;
                Self::CancelDelivery { reference, now }
            }
            (Domain::Notification, "compose") => Self::Compose(Arc::new(of(input)?)),
            _ => return Err(format!("a {domain} plugin has no function {function}")),
        })
    }

    /// Asks it; of a good answer what it cost is all that is told.
    pub(super) async fn ask(&self, host: &Host, bound: &Arc<Bound>) -> Result<Report, CallError> {
        match self {
            Self::Price(request, _) => host.price(bound, request).await.map(cost),
            Self::Methods(context) => host.payment_methods(bound, context).await.map(cost),
            Self::Authorize(request) => host.authorize(bound, request).await.map(cost),
            Self::Capture { request, payment_amount } => host.capture(bound, request, *payment_amount).await.map(cost),
            Self::CancelPayment { request, payment_amount } => {
                host.cancel_payment(bound, request, *payment_amount).await.map(cost)
            }
            Self::Refund(request) => host.refund(bound, request).await.map(cost),
            Self::Query { payment_key, asked, now } => {
                host.query_payment(bound, payment_key, *asked, *now).await.map(cost)
            }
            Self::Webhook(request) => host.payment_webhook(bound, request).await.map(cost),
            Self::Quote(shipment) => host.delivery_quote(bound, shipment).await.map(cost),
            Self::Book(request) => host.book_delivery(bound, request).await.map(cost),
            Self::Track { reference, now } => host.track_delivery(bound, reference, *now).await.map(cost),
            Self::CancelDelivery { reference, now } => host.cancel_delivery(bound, reference, *now).await.map(cost),
            Self::Compose(request) => host.compose(bound, request).await.map(cost),
        }
    }
}

fn cost<Answer>(called: Called<Answer>) -> Report {
    called.report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_read_as_it_was_written() {
        let follow_up = || {
            Arc::new(payment::FollowUp {
                idempotency_key: "step".into(),
                payment_key: "key".into(),
                reference: "r".into(),
                currency: "EUR".into(),
                amount: 5_00,
                now: 7,
            })
        };
        let context =
            payment::Context { currency: "EUR".into(), amount: 5_00, country: None, locale: "en".into(), now: 7 };
        let body = |bytes: &[u8]| {
            let headers = vec![("x-a".to_owned(), "b".to_owned())];
            Question::Webhook(Arc::new(payment::WebhookRequest { headers, body: bytes.to_vec(), now: 7 }))
        };
        let parcel = || ("parcel".to_owned(), 7);
        // Taxes were among the rest, in any order, before they had lines of their own.
        let added = |kind, amount| {
            let (target, code, label) = (pricing::Target::Order, "c".to_owned(), "L".to_owned());
            pricing::Adjustment { target, kind, code, label, amount, rate_ppm: None, base: None }
        };
        let price = |contract, so_far| {
            let request = pricing::Request {
                currency: "EUR".into(),
                exponent: 2,
                now: 7,
                locale: "en".into(),
                customer: None,
                destination: None,
                delivery: None,
                coupons: Vec::new(),
                lines: Vec::new(),
                so_far,
                attributes: Vec::new(),
            };
            Question::Price(Arc::new(request), contract)
        };
        let (tax, fee) = (added(pricing::Kind::Tax, 19), added(pricing::Kind::Fee, 1_00));
        for (domain, function, question) in [
            (Domain::Pricing, "price", price(pricing::Contract::Since0_1, vec![tax.clone(), fee.clone()])),
            (Domain::Pricing, "price", price(pricing::Contract::Since0_2, vec![fee, tax])),
            (Domain::Payment, "methods", Question::Methods(Arc::new(context))),
            (Domain::Payment, "capture", Question::Capture { request: follow_up(), payment_amount: 9_00 }),
            (Domain::Payment, "cancel", Question::CancelPayment { request: follow_up(), payment_amount: 9_00 }),
            (Domain::Payment, "refund", Question::Refund(follow_up())),
            (Domain::Payment, "query", Question::Query { payment_key: "key".into(), asked: 5_00, now: 7 }),
            (Domain::Payment, "webhook", body(b"{\"a\":1}")),
            (Domain::Payment, "webhook", body(&[0xff, 0x00])),
            (Domain::Delivery, "track", Question::Track { reference: parcel().0, now: parcel().1 }),
            (Domain::Delivery, "cancel", Question::CancelDelivery { reference: parcel().0, now: parcel().1 }),
        ] {
            let read = Question::read(domain, function, question.input()).expect(function);
            assert_eq!((format!("{read:?}"), read.input()), (format!("{question:?}"), question.input()));
        }
        assert!(Question::read(Domain::Pricing, "book", json!({})).is_err());
        assert!(Question::read(Domain::Pricing, "price", json!({})).is_err());
    }
}
