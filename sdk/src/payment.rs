//! How an order is paid.

use serde::de::DeserializeOwned;

pub use crate::Error;
pub use crate::bindings::payment::exports::kassa::payment::payment::{
    Action, AuthorizeRequest, Context, Decline, Event, FollowUp, Method, Outcome, RefundOutcome, RefundStatus, Status,
    WebhookError, WebhookRequest,
};
use crate::{Money, OutOfRange};

/// A payment provider. The type that implements it is the plugin's settings.
///
/// Every function that moves money has an idempotency key: called again with the same key, it answers what it answered
/// before and moves nothing. An `Err` means that no money has moved; where you cannot be sure, answer
/// [`Status::Pending`], and the kernel asks [`query`](Payment::query).
///
/// ```
/// use kassa_sdk::payment::{AuthorizeRequest, Context, Error, FollowUp, Method, Outcome, Payment, Status};
/// use kassa_sdk::testing;
///
/// /// Paid in cash to the courier.
/// #[derive(serde::Deserialize)]
/// struct CashOnDelivery {}
///
/// impl Payment for CashOnDelivery {
///     fn methods(&self, _: &Context) -> Result<Vec<Method>, Error> {
///         Ok(vec![Method::new("cash", "Cash on delivery")])
///     }
///     fn authorize(&self, request: &AuthorizeRequest) -> Result<Outcome, Error> {
///         Ok(Outcome::new(Status::Authorized, &request.order_number, request.money()?))
///     }
///     fn capture(&self, request: &FollowUp) -> Result<Outcome, Error> {
///         Ok(Outcome::new(Status::Captured, &request.reference, request.money()?))
///     }
///     fn query(&self, _key: &str, _now: u64) -> Result<Option<Outcome>, Error> {
///         Ok(None)
///     }
/// }
/// kassa_sdk::export!(payment: CashOnDelivery);
///
/// let outcome = CashOnDelivery {}.authorize(&testing::payment("key-1", "", 12_00)).unwrap();
/// assert_eq!(outcome.status, Status::Authorized);
/// ```
pub trait Payment: DeserializeOwned {
    /// The ways to pay that are offered here; none where there is nothing to offer. No side effects: it is also asked
    /// before activation, to check the settings, and while a version is rolled out beside the one that the shopper is
    /// answered by; `kv` can only be read then.
    fn methods(&self, context: &Context) -> Result<Vec<Method>, Error>;

    /// Begins a payment under `request.idempotency_key`.
    fn authorize(&self, request: &AuthorizeRequest) -> Result<Outcome, Error>;

    /// Takes money that is authorized, all of it or a part. Needed where [`authorize`](Payment::authorize) answers
    /// `Authorized`: the kernel captures at once, or when the merchant wants it. Decline a part that cannot be taken alone.
    fn capture(&self, _request: &FollowUp) -> Result<Outcome, Error> {
        Err(Error::Unsupported("capture".to_owned()))
    }

    /// Ends a payment: gives back what is authorized and not captured, or what the shopper was still to do. Where something was
    /// captured, be it meanwhile, it answers `Captured`. Needed where [`authorize`](Payment::authorize) answers `Authorized`,
    /// `Pending` or `RequiresAction`: without it an order whose shopper does not come back keeps its goods until the
    /// provider itself ends the payment.
    fn cancel(&self, _request: &FollowUp) -> Result<Outcome, Error> {
        Err(Error::Unsupported("cancel".to_owned()))
    }

    /// Gives captured money back, in full or in part. Without it the shop only notes that money is due, and the merchant
    /// sends it by hand.
    fn refund(&self, _request: &FollowUp) -> Result<RefundOutcome, Error> {
        Err(Error::Unsupported("refund".to_owned()))
    }

    /// Where the payment with this key stands; `None` when the provider never heard of it. No side effects.
    fn query(&self, payment_key: &str, now: u64) -> Result<Option<Outcome>, Error>;

    /// Checks and reads a provider's message. Check the signature first, in constant time.
    fn webhook(&self, _request: &WebhookRequest) -> Result<Vec<Event>, WebhookError> {
        Err(WebhookError::Unauthentic)
    }
}

impl Method {
    /// A method without attributes. `code`: 1 to 64 characters of `a-z 0-9 -`; `label`: at most 100 characters.
    pub fn new(code: impl Into<String>, label: impl Into<String>) -> Method {
        Method { code: code.into(), label: label.into(), attributes: Vec::new() }
    }
}

impl Outcome {
    /// An outcome without attributes. `amount` is what is authorized, or captured so far; of the latter nothing more
    /// can be captured, unless [`capturable`](Outcome::capturable) says so.
    pub fn new(status: Status, reference: impl Into<String>, amount: Money) -> Outcome {
        let amount = amount.minor();
        let capturable = if status == Status::Authorized { amount } else { 0 };
        Outcome { status, reference: reference.into(), amount, capturable, attributes: Vec::new() }
    }

    /// The outcome, with so much that can still be captured.
    pub fn capturable(mut self, rest: Money) -> Outcome {
        self.capturable = rest.minor();
        self
    }
}

impl AuthorizeRequest {
    /// The amount, checked.
    pub fn money(&self) -> Result<Money, OutOfRange> {
        Money::new(self.amount)
    }
}

impl FollowUp {
    /// The amount, checked.
    pub fn money(&self) -> Result<Money, OutOfRange> {
        Money::new(self.amount)
    }
}

impl WebhookRequest {
    /// The first header of that name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

impl From<Error> for WebhookError {
    fn from(error: Error) -> Self {
        WebhookError::Failed(error)
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_payment {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::Error;
            use $crate::bindings::payment::exports::kassa::payment::payment as contract;
            use $crate::payment::Payment;
            struct Component;
            fn plugin() -> Result<$plugin, Error> {
                $crate::entry::plugin()
            }
            impl contract::Guest for Component {
                fn methods(context: contract::Context) -> Result<Vec<contract::Method>, Error> {
                    plugin()?.methods(&context)
                }
                fn authorize(request: contract::AuthorizeRequest) -> Result<contract::Outcome, Error> {
                    plugin()?.authorize(&request)
                }
                fn capture(request: contract::FollowUp) -> Result<contract::Outcome, Error> {
                    plugin()?.capture(&request)
                }
                fn cancel(request: contract::FollowUp) -> Result<contract::Outcome, Error> {
                    plugin()?.cancel(&request)
                }
                fn refund(request: contract::FollowUp) -> Result<contract::RefundOutcome, Error> {
                    plugin()?.refund(&request)
                }
                fn query(payment_key: String, now: u64) -> Result<Option<contract::Outcome>, Error> {
                    plugin()?.query(&payment_key, now)
                }
                fn webhook(request: contract::WebhookRequest) -> Result<Vec<contract::Event>, contract::WebhookError> {
                    plugin()?.webhook(&request)
                }
            }
    $crate::bindings::payment::export!(Component with_types_in $crate::bindings::payment);
        };
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn exported<P: $crate::payment::Payment>() {}
            exported::<$plugin>();
        };
    };
}
