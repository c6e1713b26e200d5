//! What a token is worth now (RFC 7662), for other services that are shown one.
//!
//! They can verify the signature of an access token themselves, with the published keys; that its session has not ended, and what its
//! bearer may do, only the shop knows.

use uuid::Uuid;

use super::{
    API_KEY_MARK, ApiKey, ApiKeyError, Error, Identity, Permissions, authenticate, authenticate_key, get_api_key,
    lacks_second_factor, tokens,
};
use crate::Shop;

/// What is told of a token that is good.
#[derive(Debug)]
pub enum About {
    /// The access token of a person; times are seconds since 1970.
    Person {
        identity: Identity,
        issuer: String,
        audience: String,
        issued_at: i64,
        not_before: i64,
        expires_at: i64,
    },
    Key(Box<ApiKey>),
}

/// None where the token is not good for anything, now: forged, expired, of a session that has ended, or of another kind than those that go
/// into `Authorization`. A refresh token is for the shop alone, and whoever shows one to another service has lost it.
pub async fn introspect(shop: &Shop, token: &str) -> Result<Option<About>, Error> {
    let about = if token.starts_with(API_KEY_MARK) { key(shop, token).await } else { person(shop, token).await };
    match about {
        Ok(about) => Ok(Some(about)),
        Err(Error::InvalidToken) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn person(shop: &Shop, token: &str) -> Result<About, Error> {
    let claims = tokens::claims_of(shop.keys(), shop.config(), token)?;
    let mut identity = authenticate(shop, token).await?;
    if lacks_second_factor(shop, &identity) {
        identity.permissions = Permissions::none();
    }
    Ok(About::Person {
        identity,
        issuer: claims.iss,
        audience: claims.aud,
        issued_at: claims.iat,
        not_before: claims.nbf,
        expires_at: claims.exp,
    })
}

async fn key(shop: &Shop, token: &str) -> Result<About, Error> {
    let id: Uuid = authenticate_key(shop, token).await?.id;
    match get_api_key(shop, id).await {
        Ok(key) => Ok(About::Key(Box::new(key))),
        Err(ApiKeyError::Database(error)) => Err(error.into()),
        Err(_) => Err(Error::InvalidToken),
    }
}
