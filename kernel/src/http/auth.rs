//! Who is calling: extractors over [`crate::accounts::authenticate`].

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use uuid::Uuid;

use crate::Shop;
use crate::accounts::{self, Identity, Role};
use crate::problem::{Kind, Problem};

/// Anyone. A valid token makes it a customer; a token that is wrong is refused rather than ignored.
pub struct Caller(pub Option<Identity>);

/// A signed-in customer (a merchant is one too).
pub struct SignedIn(pub Identity);

/// A signed-in merchant.
pub struct Merchant(pub Identity);

impl Caller {
    pub fn customer_id(&self) -> Option<Uuid> {
        self.0.as_ref().map(|identity| identity.customer_id)
    }
}

impl FromRequestParts<Shop> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        identify(shop, &parts.headers).await.map(Self)
    }
}

impl FromRequestParts<Shop> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        let identity = identify(shop, &parts.headers).await?;
        identity.map(Self).ok_or_else(|| Problem::new(Kind::Unauthenticated))
    }
}

impl FromRequestParts<Shop> for Merchant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        let SignedIn(identity) = SignedIn::from_request_parts(parts, shop).await?;
        if identity.role == Role::Merchant { Ok(Self(identity)) } else { Err(Problem::new(Kind::Forbidden)) }
    }
}

async fn identify(shop: &Shop, headers: &HeaderMap) -> Result<Option<Identity>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()));
    let token = token.ok_or_else(|| Problem::new(Kind::InvalidToken).detail("use Authorization: Bearer"))?;
    Ok(Some(accounts::authenticate(shop, token).await?))
}

/// Whose idempotency keys these are.
pub(super) async fn caller_scope(shop: &Shop, headers: &HeaderMap) -> Result<String, Problem> {
    let identity = identify(shop, headers).await?;
    Ok(identity.map_or_else(|| "guest".to_owned(), |identity| identity.customer_id.to_string()))
}
