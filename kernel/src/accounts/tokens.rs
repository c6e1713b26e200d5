//! Access tokens: JWTs as RFC 9068 has them, signed with Ed25519 and nothing else.
//!
//! What a token says about who may do what is only its session; role and validity are read from the database at each
//! request, so that a logout or a lost role takes effect at once.

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::signing_keys::SigningKey;
use super::{Error, Keys};
use crate::Config;
use crate::clock::{self, Moment};

const TYPE: &str = "at+jwt";
/// Whom a token is for: the API of the shop that issued it.
const AUDIENCE: &str = "kassa:api";

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub iss: String,
    pub aud: String,
    /// The customer.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
}

/// Whom a token names. That the session still lives is not said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    pub customer_id: Uuid,
    pub session_id: Uuid,
}

/// A token for `bearer` that is accepted from now on, for the time that the settings say.
pub(super) fn sign(keys: &Keys, config: &Config, bearer: &Bearer, now: Moment) -> Result<String, Error> {
    let issued_at = now.timestamp();
    let claims = Claims {
        iss: config.shop.url.clone(),
        aud: AUDIENCE.to_owned(),
        sub: bearer.customer_id,
        sid: bearer.session_id,
        iat: issued_at,
        nbf: issued_at,
        exp: issued_at.saturating_add_unsigned(config.accounts.access_token_seconds),
    };
    let key = keys.signing.at(now);
    jsonwebtoken::encode(&header(&key), &claims, &key.encoding).map_err(|error| Error::Cryptography(error.to_string()))
}

fn header(key: &SigningKey) -> Header {
    Header { typ: Some(TYPE.to_owned()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) }
}

/// Whom `token` names, if this install issued it for this API and its time has come and not passed.
pub(super) fn verify(keys: &Keys, config: &Config, token: &str) -> Result<Bearer, Error> {
    let claims = claims_of(keys, config, token)?;
    Ok(Bearer { customer_id: claims.sub, session_id: claims.sid })
}

/// What `token` says, if [`verify`] takes it.
pub(super) fn claims_of(keys: &Keys, config: &Config, token: &str) -> Result<Claims, Error> {
    let refused = |reason: &dyn std::fmt::Display| {
        tracing::debug!(%reason, "an access token was refused");
        Error::InvalidToken
    };
    let header = jsonwebtoken::decode_header(token).map_err(|error| refused(&error))?;
    // A token chooses among our own keys and their one algorithm, and nothing else. `crit` announces what we do not know.
    let ours = header.typ.as_deref() == Some(TYPE) && header.crit.is_none();
    let kid = header.kid.as_deref().filter(|_| ours);
    let key = kid.and_then(|kid| keys.signing.find(kid, &config.accounts, clock::now()));
    let key = key.ok_or_else(|| refused(&"its head is not one that this shop writes"))?;
    let decoded = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation(config));
    Ok(decoded.map_err(|error| refused(&error))?.claims)
}

fn validation(config: &Config) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.leeway = config.accounts.clock_leeway_seconds;
    validation.validate_nbf = true;
    validation.required_spec_claims = HashSet::from(["exp", "nbf", "iss", "aud", "sub"].map(str::to_owned));
    validation.set_issuer(&[&config.shop.url]);
    validation.set_audience(&[AUDIENCE]);
    validation
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::EncodingKey;
    use serde_json::{Value, json};

    use super::*;
    use crate::id;

    struct Issuer {
        keys: Keys,
        config: Config,
        bearer: Bearer,
    }

    fn issuer() -> Issuer {
        let dir = tempfile::tempdir().expect("a folder");
        Issuer {
            keys: Keys::load_or_create(dir.path()).expect("keys"),
            config: Config::default(),
            bearer: Bearer { customer_id: id::sequential(), session_id: id::sequential() },
        }
    }

    impl Issuer {
        fn key(&self) -> std::sync::Arc<SigningKey> {
            self.keys.signing.at(clock::now())
        }

        /// The claims of a good token with `changes`; null removes one.
        fn claims(&self, changes: Value) -> Value {
            let now = clock::now().timestamp();
            let mut claims = json!({
                "iss": self.config.shop.url, "aud": AUDIENCE, "sub": self.bearer.customer_id,
                "sid": self.bearer.session_id, "iat": now, "nbf": now, "exp": now + 600,
            });
            let members = claims.as_object_mut().expect("an object");
            for (name, value) in changes.as_object().expect("an object") {
                match value {
                    Value::Null => drop(members.remove(name)),
                    value => drop(members.insert(name.clone(), value.clone())),
                }
            }
            claims
        }

        fn token(&self, header: Header, changes: Value) -> String {
            jsonwebtoken::encode(&header, &self.claims(changes), &self.key().encoding).expect("signs")
        }

        fn verify(&self, token: &str) -> Result<Bearer, Error> {
            verify(&self.keys, &self.config, token)
        }

        fn assert_refused(&self, token: &str, why: &str) {
            let verified = self.verify(token);
            assert!(matches!(verified, Err(Error::InvalidToken)), "{why}: {verified:?}");
        }
    }

    #[test]
    fn a_token_names_whom_it_was_signed_for() {
        let issuer = issuer();
        let token = sign(&issuer.keys, &issuer.config, &issuer.bearer, clock::now()).expect("signs");
        assert_eq!(issuer.verify(&token).expect("good"), issuer.bearer);
        // The ground of the tables below: what they change is what makes the difference.
        let token = issuer.token(header(&issuer.key()), json!({}));
        assert_eq!(issuer.verify(&token).expect("good"), issuer.bearer);
    }

    #[test]
    fn claims_that_are_not_for_us_now_are_refused() {
        let issuer = issuer();
        let now = clock::now().timestamp();
        for changes in [
            json!({ "exp": now - 6 }),
            json!({ "exp": null }),
            json!({ "exp": "tomorrow" }),
            json!({ "nbf": now + 60 }),
            json!({ "nbf": null }),
            json!({ "iss": "https://other.example" }),
            json!({ "iss": ["https://other.example", issuer.config.shop.url] }),
            json!({ "iss": null }),
            json!({ "aud": "other:api" }),
            json!({ "aud": [AUDIENCE, "other:api"] }),
            json!({ "aud": null }),
            json!({ "sub": "someone" }),
            json!({ "sub": null }),
            json!({ "sid": null }),
            json!({ "iat": null }),
        ] {
            issuer.assert_refused(&issuer.token(header(&issuer.key()), changes.clone()), &changes.to_string());
        }
        let late = json!({ "exp": now - 3 });
        assert!(issuer.verify(&issuer.token(header(&issuer.key()), late)).is_ok(), "within the leeway");
    }

    #[test]
    fn other_heads_are_refused() {
        let issuer = issuer();
        let ours = || header(&issuer.key());
        for header in [
            Header { typ: Some("JWT".into()), ..ours() },
            Header { typ: None, ..ours() },
            Header { kid: Some("another".into()), ..ours() },
            Header { kid: None, ..ours() },
            Header { crit: Some(vec!["exp".into()]), ..ours() },
        ] {
            issuer.assert_refused(&issuer.token(header.clone(), json!({})), &format!("{header:?}"));
        }
    }

    #[test]
    fn other_algorithms_are_refused() {
        let issuer = issuer();
        let claims = URL_SAFE_NO_PAD.encode(issuer.claims(json!({})).to_string());
        for alg in ["none", "None", "HS256", "EdDSA", "Ed25519", ""] {
            let head = json!({ "alg": alg, "typ": TYPE, "kid": issuer.key().kid }).to_string();
            issuer.assert_refused(&format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(head)), &format!("{alg} unsigned"));
        }
        // The confusion that pinning is against: a public key taken for the secret of an HMAC.
        let public = issuer.key().decoding.try_get_as_bytes().expect("raw bytes").to_vec();
        let head = Header { alg: Algorithm::HS256, ..header(&issuer.key()) };
        let forged = jsonwebtoken::encode(&head, &issuer.claims(json!({})), &EncodingKey::from_secret(&public));
        issuer.assert_refused(&forged.expect("signs"), "HS256 with the public key");
    }

    #[test]
    fn forged_tokens_are_refused() {
        let (issuer, other) = (issuer(), self::issuer());
        let head = header(&issuer.key());
        let stolen_name = jsonwebtoken::encode(&head, &issuer.claims(json!({})), &other.key().encoding);
        issuer.assert_refused(&stolen_name.expect("signs"), "another key under our kid");
        let good = issuer.token(header(&issuer.key()), json!({}));
        let parts: Vec<&str> = good.split('.').collect();
        let other_claims = URL_SAFE_NO_PAD.encode(issuer.claims(json!({ "sub": id::sequential() })).to_string());
        let other_signature = URL_SAFE_NO_PAD.encode([7; 64]);
        for token in [
            format!("{}.{other_claims}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{good}.{}", parts[2]),
            format!("{good} "),
            format!("{}.{}.{other_signature}", parts[0], parts[1]),
            String::new(),
            "..".to_owned(),
            "x".repeat(100_000),
        ] {
            issuer.assert_refused(&token, "forged");
        }
    }
}
