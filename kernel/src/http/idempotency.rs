//! `Idempotency-Key`: a client that does not know whether its POST arrived sends it again, and it happens once.
//!
//! The key is claimed before the handler runs and the answer is saved after it. Saved are answers that changed
//! something: 2xx, and 402, since a declined payment must not be tried again by a mere retry. Any other answer frees the key.
//! A claim that a crash left behind is taken over once the longest request is certainly over, and a key is free again where the answer
//! failed after the work was done. So the handler may run twice. What most of them do is guarded on its own: a cart becomes an order
//! once, a slug is taken. What adds to a sum (money by hand, corrections, refunds, captures, credit, stock) takes a [`Once`], which its
//! transaction keeps.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::TimeDelta;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use uuid::Uuid;

use super::auth;
use super::extract::read_body;
use super::store;
use crate::once::{self, Once};
use crate::problem::{Kind, Problem};
use crate::{Shop, clock};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Paths whose answers hold tokens or keys, or whose requests hold passwords: of those not even a keyed hash is kept.
const SECRETS: [&str; 6] = [
    "/v1/auth/",
    "/v1/me/email",
    "/v1/me/password",
    "/v1/me/second-factor",
    "/v1/admin/api-keys",
    "/v1/admin/webhooks",
];

/// Here only the answer to the POST itself holds the code of a gift card.
const GIFT_CARDS: &str = "/v1/admin/gift-cards";

/// Here the answer is all that is known of somebody, or that they are forgotten.
pub const GUESTS_BY_EMAIL: &str = "/v1/admin/customers/by-email/";

/// Whether a key is ignored at this path.
pub fn is_ignored_at(path: &str) -> bool {
    path == GIFT_CARDS || path.starts_with(GUESTS_BY_EMAIL) || SECRETS.iter().any(|secret| path.starts_with(secret))
}

/// Longest path that takes a key: it is part of the key's own row, and no database puts any length into an index. What it names is
/// nowhere near as long.
const MAX_PATH: usize = 1_000;

/// What a key was used for: who, and which resource.
pub(super) struct Claim<'a> {
    pub scope: &'a str,
    pub key: &'a str,
    pub request_hash: &'a [u8],
    /// Who asks, where they are known.
    pub caller_id: Option<Uuid>,
    /// What is asked about, where the path names it.
    pub subject_id: Option<Uuid>,
    /// Tells this run from one that took the key over, after this one had run for so long that it was given up.
    pub claimed_at: clock::Moment,
}

/// An answer that was saved.
pub(super) struct Saved {
    pub status: u16,
    pub content_type: String,
    pub location: Option<String>,
    pub body: Vec<u8>,
}

impl Saved {
    /// What the request made.
    pub fn made_id(&self) -> Option<Uuid> {
        ids_in(self.location.as_deref()?).last()
    }
}

/// The ids among the segments of a path.
fn ids_in(path: &str) -> impl Iterator<Item = Uuid> {
    path.split('/').filter_map(|segment| segment.parse().ok())
}

/// What became of a claim.
pub(super) enum Claimed {
    /// The key is ours: run the handler.
    New,
    /// It was used for this same request before.
    Answered(Saved),
    /// It was used for another request.
    OtherRequest,
    /// The same request is still being worked on.
    InFlight,
}

/// The layer around the routes of `/v1`. Requests without the header, and methods other than POST, pass untouched.
///
/// So does what is answered with a secret: it would be saved as it is, in a table that anyone who reads a backup can read. Each of
/// these requests can be repeated safely on its own (docs/accounts.md).
pub async fn layer(State(shop): State<Shop>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || is_ignored_at(request.uri().path()) || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match claim_and_run(&shop, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn claim_and_run(shop: &Shop, request: Request, next: Next) -> Result<Response, Problem> {
    let key = read_key(request.headers())?;
    if request.uri().path().len() > MAX_PATH {
        return Err(Problem::not_found());
    }
    let (parts, body) = request.into_parts();
    // Before the part that runs to its end: a body that never ends must end with its request.
    let body = read_body(Request::new(body)).await?;
    // A client that hangs up, or a time limit that strikes, must not leave the key without its answer: what the handler
    // did meanwhile could be done again by a retry.
    let work = {
        let shop = shop.clone();
        async move { run(&shop, &key, parts, body, next).await }
    };
    shop.run_to_end(work).await.map_err(Problem::internal)?
}

async fn run(shop: &Shop, key: &str, mut parts: Parts, body: Bytes, next: Next) -> Result<Response, Problem> {
    let (caller, caller_id) = auth::caller_scope(shop, &parts.headers).await?;
    let scope = format!("{caller} {}", parts.uri.path());
    // With a key that the database does not have: from a plain hash, whoever reads a backup could guess what somebody sent.
    let request_hash = shop.keys().digest("idempotency", &body);
    let now = clock::now();
    // The first: a line of a cart, say, is found by its cart.
    let subject_id = ids_in(parts.uri.path()).next();
    let claim = Claim { scope: &scope, key, request_hash: &request_hash, caller_id, subject_id, claimed_at: now };
    let abandoned_before = now - TimeDelta::milliseconds(2 * shop.config().http.request_timeout_ms as i64);
    let mut tx = shop.db().write().await?;
    let claimed = store::claim_key(&mut tx, &claim, abandoned_before).await?;
    tx.commit().await?;
    match claimed {
        Claimed::New => {}
        Claimed::Answered(saved) => return Ok(replay(saved)),
        Claimed::OtherRequest => return Err(Problem::new(Kind::IdempotencyKeyReused)),
        Claimed::InFlight => return Err(Problem::new(Kind::IdempotencyKeyInFlight)),
    }
    parts.extensions.insert(Once::of(shop.keys().digest("once", format!("{scope}\n{key}").as_bytes())));
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    settle(shop, &claim, response).await
}

impl FromRequestParts<Shop> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shop) -> Result<Self, Problem> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}

fn read_key(headers: &HeaderMap) -> Result<String, Problem> {
    let key = headers.get(KEY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // A guest's key guards what it created, so it must not be guessable.
    if (16..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(key.to_owned())
    } else {
        Err(Problem::invalid_field("Idempotency-Key", "must be 16 to 128 visible ASCII characters; a UUID will do"))
    }
}

/// Saves the answer, or frees the key.
async fn settle(shop: &Shop, claim: &Claim<'_>, response: Response) -> Result<Response, Problem> {
    let status = response.status();
    if !status.is_success() && status != StatusCode::PAYMENT_REQUIRED {
        let mut tx = shop.db().write().await?;
        store::release_key(&mut tx, claim).await?;
        tx.commit().await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(Problem::internal)?.to_bytes();
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let saved = Saved {
        status: status.as_u16(),
        content_type: text(header::CONTENT_TYPE).unwrap_or_default(),
        location: text(header::LOCATION),
        body: body.to_vec(),
    };
    let mut tx = shop.db().write().await?;
    store::save_answer(&mut tx, claim, &saved).await?;
    tx.commit().await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(saved: Saved) -> Response {
    let status = StatusCode::from_u16(saved.status).unwrap_or(StatusCode::OK);
    let mut response = (status, Bytes::from(saved.body)).into_response();
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    for (name, value) in [(header::CONTENT_TYPE, Some(saved.content_type)), (header::LOCATION, saved.location)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

/// Forgets the answers that this customer was given, or whoever asked something of this order, cart or account, or made it.
pub async fn forget_subject(tx: &mut crate::db::Tx, subject: Uuid) -> crate::db::Result<()> {
    store::forget_keys_of(tx, subject).await
}

/// Forgets keys claimed before `before`, and tells how many. In small transactions: on SQLite each holds up every writer of the shop.
pub async fn forget(shop: &Shop, before: clock::Moment) -> crate::db::Result<u64> {
    const ROWS: i64 = 500;
    let mut total = 0;
    loop {
        let mut tx = shop.db().write().await?;
        let forgotten = store::forget_keys(&mut tx, before, ROWS).await? + once::forget(&mut tx, before, ROWS).await?;
        tx.commit().await?;
        total += forgotten;
        if forgotten == 0 || shop.stopping().is_cancelled() {
            return Ok(total);
        }
    }
}
