//! Who is calling: extractors over [`crate::accounts::authenticate`].

use std::fmt;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use uuid::Uuid;

use crate::Shop;
use crate::accounts::{self, API_KEY_MARK, Identity, KeyIdentity, Permission, Permissions};
use crate::problem::{Kind, Problem};

/// Whom the token of a request names.
pub(crate) enum Bearer {
    Person(Identity),
    Key(KeyIdentity),
}

/// Anyone. A valid token makes it a customer; a token that is wrong is refused rather than ignored. An API key is nobody in person: it may
/// do what a guest may.
pub struct Caller(pub Option<Identity>);

/// A signed-in customer (those who work for the shop are customers too).
pub struct SignedIn(pub Identity);

/// Someone who works for the shop and has the permission `P`, one of [`may`], or an API key with that scope: `_: Staff<may::Catalog>`.
///
/// The operation's line in `kernel/tests/access.txt` names the same permission; a test calls each operation with it and without it.
pub struct Staff<P: Needs> {
    pub actor: Actor,
    /// All that they may do, for what an answer shows of others' affairs.
    pub permissions: Permissions,
    permission: PhantomData<P>,
}

/// Like [`Staff`], for an operation that changes nothing although it is a POST: a scope to read is enough.
pub struct Reader<P: Needs> {
    permission: PhantomData<P>,
}

/// Like [`Staff`], but a person: for what no API key may do, whatever its scopes.
pub struct InPerson<P: Needs> {
    pub identity: Identity,
    permission: PhantomData<P>,
}

/// Who makes a change of the shop. Displayed, it is what records keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Person(Uuid),
    ApiKey(Uuid),
}

impl Actor {
    pub fn id(self) -> Uuid {
        match self {
            Self::Person(id) | Self::ApiKey(id) => id,
        }
    }
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
            Self::ApiKey(id) => write!(f, "key:{id}"),
        }
    }
}

impl Bearer {
    pub(crate) fn actor(&self) -> Actor {
        match self {
            Self::Person(identity) => Actor::Person(identity.customer_id),
            Self::Key(key) => Actor::ApiKey(key.id),
        }
    }

    /// Whether a request that only reads, or any, may go where `permission` is needed.
    fn may(&self, permission: Permission, only_reads: bool) -> bool {
        match self {
            Self::Person(identity) => identity.permissions.has(permission),
            Self::Key(key) => key.scopes.allow(permission, only_reads),
        }
    }

    /// All that a request that only reads, or any, may do.
    fn permissions(&self, only_reads: bool) -> Permissions {
        match self {
            Self::Person(identity) => identity.permissions,
            Self::Key(key) => key.scopes.permissions(only_reads),
        }
    }
}

impl FromRequestParts<Shop> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        match identify(shop, &parts.headers).await? {
            Some(Bearer::Person(identity)) => Ok(Self(Some(identity))),
            Some(Bearer::Key(_)) | None => Ok(Self(None)),
        }
    }
}

impl FromRequestParts<Shop> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        match identify(shop, &parts.headers).await? {
            Some(Bearer::Person(identity)) => Ok(Self(identity)),
            Some(Bearer::Key(_)) => Err(not_in_person()),
            None => Err(Problem::new(Kind::Unauthenticated)),
        }
    }
}

impl<P: Needs> FromRequestParts<Shop> for Staff<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        let only_reads = parts.method == Method::GET || parts.method == Method::HEAD;
        let bearer = permitted(parts, shop, P::PERMISSION, only_reads).await?;
        Ok(Self { actor: bearer.actor(), permissions: bearer.permissions(only_reads), permission: PhantomData })
    }
}

impl<P: Needs> FromRequestParts<Shop> for Reader<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        permitted(parts, shop, P::PERMISSION, true).await?;
        Ok(Self { permission: PhantomData })
    }
}

impl<P: Needs> FromRequestParts<Shop> for InPerson<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Problem> {
        let SignedIn(identity) = SignedIn::from_request_parts(parts, shop).await?;
        require_second_factor(shop, &identity)?;
        if identity.permissions.has(P::PERMISSION) {
            Ok(Self { identity, permission: PhantomData })
        } else {
            Err(lacks(P::PERMISSION))
        }
    }
}

async fn permitted(parts: &Parts, shop: &Shop, permission: Permission, only_reads: bool) -> Result<Bearer, Problem> {
    let bearer = identify(shop, &parts.headers).await?.ok_or_else(|| Problem::new(Kind::Unauthenticated))?;
    if let Bearer::Person(identity) = &bearer {
        require_second_factor(shop, identity)?;
    }
    if bearer.may(permission, only_reads) { Ok(bearer) } else { Err(lacks(permission)) }
}

/// Refuses those who work for the shop and have no second factor, where the shop wants one. What everybody may do they may, so that they
/// can set one up.
fn require_second_factor(shop: &Shop, identity: &Identity) -> Result<(), Problem> {
    if accounts::lacks_second_factor(shop, identity) { Err(Problem::new(Kind::SecondFactorRequired)) } else { Ok(()) }
}

fn lacks(permission: Permission) -> Problem {
    Problem::new(Kind::Forbidden).with("permission", permission)
}

fn not_in_person() -> Problem {
    Problem::new(Kind::Forbidden).detail("an API key cannot do this; sign in")
}

/// Whom the token names; none where there is none.
pub(crate) async fn identify(shop: &Shop, headers: &HeaderMap) -> Result<Option<Bearer>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()));
    let token = token.ok_or_else(|| Problem::new(Kind::InvalidToken).detail("use Authorization: Bearer"))?;
    if token.starts_with(API_KEY_MARK) {
        return Ok(Some(Bearer::Key(accounts::authenticate_key(shop, token).await?)));
    }
    Ok(Some(Bearer::Person(accounts::authenticate(shop, token).await?)))
}

/// Whether the token of a request that was let in still counts: for answers that go on for minutes.
pub async fn still_counts(shop: &Shop, headers: &HeaderMap) -> bool {
    matches!(identify(shop, headers).await, Ok(Some(_)))
}

/// Whose idempotency keys these are.
pub(super) async fn caller_scope(shop: &Shop, headers: &HeaderMap) -> Result<(String, Option<Uuid>), Problem> {
    let actor = identify(shop, headers).await?.map(|bearer| bearer.actor());
    Ok((actor.map_or_else(|| "guest".to_owned(), |actor| actor.to_string()), actor.map(Actor::id)))
}
