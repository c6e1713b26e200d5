//! RFC 9457 problems: the closed list of everything that can go wrong for a client.
//!
//! A domain has its own error enum and knows no HTTP; beside its handlers stands the mapping to these problems.
//! What caused an internal error is logged once, where it is turned into a problem, and never sent.

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

macro_rules! problems {
    ($($(#[doc = $doc:literal])+ $name:ident = $slug:literal $status:ident;)+) => {
        /// The type of a problem. `type` in the answer is `/problems/{slug}`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[doc = $doc])+ $name),+ }

        impl Kind {
            /// Every type there is, in the order of the documentation.
            pub const ALL: &[Kind] = &[$(Kind::$name),+];

            /// The last part of `type`.
            pub fn slug(self) -> &'static str {
                match self { $(Kind::$name => $slug),+ }
            }

            /// The HTTP status that it is sent with.
            pub fn status(self) -> StatusCode {
                match self { $(Kind::$name => StatusCode::$status),+ }
            }

            /// What it means, in one sentence.
            pub fn title(self) -> &'static str {
                match self { $(Kind::$name => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

problems! {
    /// The request cannot be read: not JSON, not UTF-8, or a malformed path, query or header.
    MalformedRequest = "malformed-request" BAD_REQUEST;
    /// Fields of the request are missing, unknown or out of range; `errors` names each by JSON pointer.
    InvalidRequest = "invalid-request" UNPROCESSABLE_ENTITY;
    /// The body has another media type than the operation takes.
    UnsupportedMediaType = "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE;
    /// The body is larger than the limit.
    PayloadTooLarge = "payload-too-large" PAYLOAD_TOO_LARGE;
    /// The request did not arrive, or was not answered, in time.
    RequestTimeout = "request-timeout" REQUEST_TIMEOUT;
    /// There is nothing here for you.
    NotFound = "not-found" NOT_FOUND;
    /// The resource does not have this method.
    MethodNotAllowed = "method-not-allowed" METHOD_NOT_ALLOWED;
    /// The operation needs an access token.
    Unauthenticated = "unauthenticated" UNAUTHORIZED;
    /// The token is forged, expired or revoked.
    InvalidToken = "invalid-token" UNAUTHORIZED;
    /// E-mail address or password is wrong.
    InvalidCredentials = "invalid-credentials" UNAUTHORIZED;
    /// The refresh token was used before; its session has been ended.
    RefreshTokenReused = "refresh-token-reused" UNAUTHORIZED;
    /// The e-mail address of the account has to be confirmed first.
    EmailUnconfirmed = "email-unconfirmed" FORBIDDEN;
    /// The shop has disabled the account.
    AccountDisabled = "account-disabled" FORBIDDEN;
    /// The link of a letter is wrong, was used, or is out of date.
    InvalidLink = "invalid-link" UNPROCESSABLE_ENTITY;
    /// You may not do this.
    Forbidden = "forbidden" FORBIDDEN;
    /// Those who work for this shop need a second factor, and you have none: set one up with `POST /v1/me/second-factor`.
    SecondFactorRequired = "second-factor-required" FORBIDDEN;
    /// The account has a second factor already.
    SecondFactorExists = "second-factor-exists" CONFLICT;
    /// The code is wrong, was used, or is out of date.
    InvalidCode = "invalid-code" UNPROCESSABLE_ENTITY;
    /// The login waited too long for its second factor, was finished, or was answered too often: log in again.
    InvalidChallenge = "invalid-challenge" UNPROCESSABLE_ENTITY;
    /// Too many requests; `Retry-After` tells when to try again.
    TooManyRequests = "too-many-requests" TOO_MANY_REQUESTS;
    /// The resource has changed since the version that `If-Match` names.
    PreconditionFailed = "precondition-failed" PRECONDITION_FAILED;
    /// The `Idempotency-Key` was used before with another request.
    IdempotencyKeyReused = "idempotency-key-reused" UNPROCESSABLE_ENTITY;
    /// A request with this `Idempotency-Key` is still being worked on.
    IdempotencyKeyInFlight = "idempotency-key-in-flight" CONFLICT;
    /// There is an account with this e-mail address.
    EmailTaken = "email-taken" CONFLICT;
    /// This account works for the shop already.
    AlreadyStaff = "already-staff" CONFLICT;
    /// The account works for the shop; remove it from the staff first.
    WorksForShop = "works-for-shop" CONFLICT;
    /// The person of this account was erased: it is nobody's, and nothing of it changes any more.
    AccountErased = "account-erased" CONFLICT;
    /// Orders are placed or paid and not shipped yet; `orders` says how many. Receive or cancel them first.
    OrdersUnderWay = "orders-under-way" CONFLICT;
    /// The last owner of a shop stays one.
    LastOwner = "last-owner" CONFLICT;
    /// The shop has as many API keys as it can have.
    TooManyKeys = "too-many-keys" CONFLICT;
    /// There is a variant with this SKU.
    SkuTaken = "sku-taken" CONFLICT;
    /// There is something with this slug.
    SlugTaken = "slug-taken" CONFLICT;
    /// There is something with this code.
    CodeTaken = "code-taken" CONFLICT;
    /// The products of the collection follow from its rule, and are not chosen.
    CollectionByRule = "collection-by-rule" CONFLICT;
    /// Products have this type.
    ProductTypeInUse = "product-type-in-use" CONFLICT;
    /// Products have the attribute or the choice that was to go; `attribute` and `choice` name it.
    AttributeInUse = "attribute-in-use" CONFLICT;
    /// Price lists are for this customer group.
    CustomerGroupInUse = "customer-group-in-use" CONFLICT;
    /// The category cannot be where it would be its own ancestor.
    CategoryCycle = "category-cycle" CONFLICT;
    /// The category has sub-categories.
    CategoryNotEmpty = "category-not-empty" CONFLICT;
    /// There is a coupon with this code, in whatever case.
    CouponCodeTaken = "coupon-code-taken" CONFLICT;
    /// There is a gift card with this code.
    GiftCardCodeTaken = "gift-card-code-taken" CONFLICT;
    /// Not enough of a variant is in stock; `lines` names the SKU and what is available.
    InsufficientStock = "insufficient-stock" CONFLICT;
    /// Something has no price in this currency, and is not sold in it; `skus` names what.
    PriceMissing = "price-missing" CONFLICT;
    /// Orders hold some of it: it cannot be deleted or closed before they are shipped or cancelled, or it is moved.
    StockInUse = "stock-in-use" CONFLICT;
    /// The cart or draft has been ordered, or the cart added to another one, and cannot be changed any more; `order_id` or
    /// `merged_into` says where a cart is.
    CartClosed = "cart-closed" CONFLICT;
    /// The cart or draft cannot be ordered yet; `missing` names what it lacks.
    CartIncomplete = "cart-incomplete" CONFLICT;
    /// It does not cost what you were shown; `cart`, `order` or `draft` is how it stands now.
    StaleQuote = "stale-quote" CONFLICT;
    /// Nothing can be delivered this way to this address.
    DeliveryOptionUnavailable = "delivery-option-unavailable" CONFLICT;
    /// The payment method is not offered for this cart or order.
    PaymentMethodUnavailable = "payment-method-unavailable" CONFLICT;
    /// The payment was declined and nothing was charged; `code` says why. It can be tried again.
    PaymentDeclined = "payment-declined" PAYMENT_REQUIRED;
    /// The payment provider did not answer; nothing was charged. It can be tried again.
    PaymentUnavailable = "payment-unavailable" SERVICE_UNAVAILABLE;
    /// The cart cannot be priced now: the pricing plugin failed; `reason` says how. Nothing was charged.
    PricingUnavailable = "pricing-unavailable" SERVICE_UNAVAILABLE;
    /// The order is in a state in which this cannot be done.
    OrderState = "order-state" CONFLICT;
    /// The shipment is in a state in which this cannot be done.
    ShipmentState = "shipment-state" CONFLICT;
    /// Shoppers do not collect at this location: its `pickup` is false, or it is closed.
    PickupUnavailable = "pickup-unavailable" CONFLICT;
    /// The return is in a state in which this cannot be done.
    ReturnState = "return-state" CONFLICT;
    /// More pieces than there are; `line` and `available` say of what, and how many there are.
    PiecesExceeded = "pieces-exceeded" CONFLICT;
    /// More than there is to capture or refund; `available` says how much there is.
    AmountExceeded = "amount-exceeded" CONFLICT;
    /// The refund gave back what was owed anyway: the order does not cost less for it, and there is no credit note.
    NothingCredited = "nothing-credited" CONFLICT;
    /// The order does not owe the amount that you were shown; `payable` is what can be paid now.
    StaleAmount = "stale-amount" CONFLICT;
    /// Another step of the payment is under way; try again when it has ended.
    PaymentBusy = "payment-busy" CONFLICT;
    /// The provider refused the capture; `code` says why. The money is still reserved.
    CaptureDeclined = "capture-declined" CONFLICT;
    /// The provider's message does not bear a valid signature.
    WebhookUnauthentic = "webhook-unauthentic" UNAUTHORIZED;
    /// The message cannot be sent again: it has not ended, was never to be sent, or held a secret.
    MessageNotResendable = "message-not-resendable" CONFLICT;
    /// The shop has as many webhooks as it may have.
    TooManyWebhooks = "too-many-webhooks" CONFLICT;
    /// The webhook is switched off.
    WebhookDisabled = "webhook-disabled" CONFLICT;
    /// The upload is not a plugin that this kernel can run; `reason` says why.
    PluginRejected = "plugin-rejected" UNPROCESSABLE_ENTITY;
    /// There is another file under this name and version.
    PluginVersionTaken = "plugin-version-taken" CONFLICT;
    /// The binding cannot be put in force: a plugin refused its settings or failed its check; `reason` says how.
    BindingRejected = "binding-rejected" UNPROCESSABLE_ENTITY;
    /// The plugin is not bound: it has no settings in force that could be read or changed.
    PluginNotBound = "plugin-not-bound" CONFLICT;
    /// There is no earlier binding to go back to.
    NothingToRollBack = "nothing-to-roll-back" CONFLICT;
    /// The upload is not an image that the shop can take; `reason` says why.
    ImageRejected = "image-rejected" UNPROCESSABLE_ENTITY;
    /// The product has as many images as it can have.
    TooManyImages = "too-many-images" CONFLICT;
    /// As many imports wait or run as the shop takes at once; `detail` says how many.
    TooManyImports = "too-many-imports" CONFLICT;
    /// The import has ended.
    ImportEnded = "import-ended" CONFLICT;
    /// A candidate is tried beside what is in force in this domain: the rollout has to end first.
    RolloutRunning = "rollout-running" CONFLICT;
    /// The rollout is not in a stage that can be left for the one that was asked for, or has ended.
    RolloutStage = "rollout-stage" CONFLICT;
    /// As many replays run as the shop takes at once; `detail` says how many.
    TooManyReplays = "too-many-replays" CONFLICT;
    /// The replay has ended.
    ReplayEnded = "replay-ended" CONFLICT;
    /// You have reviewed this product; change that review.
    ReviewExists = "review-exists" CONFLICT;
    /// Nobody says of their own review that it is helpful.
    OwnReview = "own-review" CONFLICT;
    /// The kernel is starting, stopping or overloaded; try again.
    Unavailable = "unavailable" SERVICE_UNAVAILABLE;
    /// Something broke on our side. It has been logged under the request id.
    InternalError = "internal-error" INTERNAL_SERVER_ERROR;
}

impl Kind {
    /// What `WWW-Authenticate` says (RFC 6750, 3).
    fn challenge(self) -> Option<&'static str> {
        match self {
            Self::InvalidToken => Some("Bearer error=\"invalid_token\""),
            Self::Forbidden => Some("Bearer error=\"insufficient_scope\""),
            kind => (kind.status() == StatusCode::UNAUTHORIZED).then_some("Bearer"),
        }
    }
}

/// One field that is wrong.
#[derive(Debug, Clone, Serialize, ToSchema, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer into the body (RFC 6901), or the name of a query parameter.
    #[schema(example = "/quantity")]
    pub pointer: String,
    /// What is wrong with it.
    #[schema(example = "must be 1 to 1,000,000")]
    pub detail: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// An answer that says what went wrong (`application/problem+json`).
#[derive(Debug, Clone)]
pub struct Problem {
    pub kind: Kind,
    detail: Option<String>,
    errors: Vec<FieldError>,
    extensions: Map<String, Value>,
    retry_after_seconds: Option<u64>,
}

impl Problem {
    pub fn new(kind: Kind) -> Self {
        Self { kind, detail: None, errors: Vec::new(), extensions: Map::new(), retry_after_seconds: None }
    }

    /// What went wrong this time, for a human.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// A member beyond the standard ones.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        // A value that is no JSON would be a fault of ours; the problem is still worth sending.
        self.extensions.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// Which fields of the request it is about.
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// When it makes sense to try again: sent as `Retry-After`.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The request has wrong fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(Kind::InvalidRequest) }
    }

    /// The request has one wrong field.
    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(pointer, detail)])
    }

    pub fn not_found() -> Self {
        Self::new(Kind::NotFound)
    }

    /// Logs the cause, and answers with nothing of it.
    pub fn internal(cause: impl std::fmt::Display + std::fmt::Debug) -> Self {
        tracing::error!(cause = %cause, detail = ?cause, "a request failed");
        Self::new(Kind::InternalError)
    }

    /// The body as it is sent.
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), format!("/problems/{}", self.kind.slug()).into());
        body.insert("title".into(), self.kind.title().into());
        body.insert("status".into(), self.kind.status().as_u16().into());
        if let Some(detail) = &self.detail {
            body.insert("detail".into(), detail.clone().into());
        }
        if !self.errors.is_empty() {
            body.insert("errors".into(), serde_json::to_value(&self.errors).unwrap_or(Value::Null));
        }
        body.extend(self.extensions.clone());
        Value::Object(body)
    }
}

impl From<crate::db::Error> for Problem {
    fn from(cause: crate::db::Error) -> Self {
        if cause.is_pool_timeout() {
            return Problem::new(Kind::Unavailable).detail("every connection to the database is busy").retry_after(1);
        }
        if cause.is_conflict() {
            tracing::warn!(%cause, "a request lost to others that ran at the same time");
            return Problem::new(Kind::Unavailable).detail("others changed the same at the same time").retry_after(1);
        }
        Problem::internal(cause)
    }
}

impl axum::response::IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let mut response = (self.kind.status(), self.to_json().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.kind.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self.kind);
        response
    }
}

/// How a problem looks in the OpenAPI document.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, title = "Problem")]
pub struct ProblemSchema {
    /// `/problems/{slug}`: a page that explains it.
    #[schema(example = "/problems/invalid-request")]
    r#type: String,
    title: String,
    #[schema(example = 422)]
    status: u16,
    detail: Option<String>,
    /// The fields that are wrong, where it is about fields.
    errors: Option<Vec<FieldError>>,
}
