//! Who is calling: extractors over [`crate::accounts::authenticate`].

use std::fmt;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use uuid::Uuid;

use crate::Shop;
use crate::accounts::{self, Identity, Permission, Permissions};
use crate::problem::{Kind, Problem};

/// Anyone. A valid token makes it a customer; a token that is wrong is refused rather than ignored.
pub struct Caller(pub Option<Identity>);

/// A signed-in customer (those who work for the shop are customers too).
pub struct SignedIn(pub Identity);

/// Someone who works for the shop and has the permission `P`, one of [`may`]: `_: Staff<may::Catalog>`.
///
/// The operation's line in `kernel/tests/access.txt` names the same permission; a test calls each operation with it and without it.
pub struct Staff<P: Needs> {
    pub actor: Actor,
    /// All that they may do, for what an answer shows of others' affairs.
    pub permissions: Permissions,
    permission: PhantomData<P>,
}

/// Who makes a change of the shop. Displayed, it is what records keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Person(Uuid),
}

/// What a handler needs of its caller.
pub trait Needs: Send {
    const PERMISSION: Permission;
}

/// The permissions as types.
pub mod may {
    macro_rules! permissions {
        ($($name:ident),+) => { $(
            pub struct $name;
            impl super::Needs for $name {
                const PERMISSION: crate::accounts::Permission = crate::accounts::Permission::$name;
            }
        )+ };
    }
    permissions!(Catalog, Orders, Refunds, Plugins, Customers, Reports, Settings);
}

impl Caller {
    pub fn customer_id(&self) -> Option<Uuid> {
        self.0.as_ref().map(|identity| identity.customer_id)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "{id}"),
        }
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

impl<P: Needs> FromRequestParts<Shop> for Staff<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        let SignedIn(identity) = SignedIn::from_request_parts(parts, shop).await?;
        if !identity.permissions.has(P::PERMISSION) {
            return Err(Problem::new(Kind::Forbidden).with("permission", P::PERMISSION));
        }
        let (actor, permissions) = (Actor::Person(identity.customer_id), identity.permissions);
        Ok(Self { actor, permissions, permission: PhantomData })
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

/// Whether the token of a request that was let in still counts: for answers that go on for minutes.
pub async fn still_counts(shop: &Shop, headers: &HeaderMap) -> bool {
    matches!(identify(shop, headers).await, Ok(Some(_)))
}

/// Whose idempotency keys these are.
pub(super) async fn caller_scope(shop: &Shop, headers: &HeaderMap) -> Result<String, Problem> {
    let identity = identify(shop, headers).await?;
    Ok(identity.map_or_else(|| "guest".to_owned(), |identity| identity.customer_id.to_string()))
}
