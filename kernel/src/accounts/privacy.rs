//! What accounts have of a person: told to whoever may ask, and forgotten.
//!
//! The row of the account stays, without the person, because orders point to it: an order of nobody would belong to whoever knows its id.
//! Consents stay too, as proof that somebody of this id gave and withdrew them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::email::ERASED_DOMAIN;
use super::password::DUMMY_HASH as NO_PASSWORD;
use super::proved::{Proved, prove_again};
use super::second_factor::{prove_code, second_factor_of};
use super::store::people as rows;
use super::store::{self, addresses, groups, preferences};
use super::{Consent, Email, Error, Identity, Proof};
use crate::Shop;
use crate::clock::Moment;
use crate::db::{self, Conn, Tx};

/// Somebody whose data is asked for, or is to be forgotten.
#[derive(Debug, Clone)]
pub struct Person {
    /// None of somebody who only ever bought as a guest.
    pub customer_id: Option<Uuid>,
    /// As they wrote it.
    pub email: String,
    /// The address, as it is compared, where it is proved that it is theirs: only then what guests did under it was theirs.
    pub proved_email_key: Option<String>,
    /// They were forgotten before. What has come to light since can be forgotten again.
    pub forgotten: bool,
}

/// The person with this account.
pub async fn find_person(conn: &mut Conn, customer_id: Uuid) -> db::Result<Option<Person>> {
    let Some(customer) = store::find_customer(conn, customer_id).await? else { return Ok(None) };
    let forgotten = rows::is_erased(conn, customer_id).await?;
    let proved_email_key = customer.email_confirmed_at.map(|_| Email::key_of(&customer.email));
    Ok(Some(Person { customer_id: Some(customer_id), email: customer.email, proved_email_key, forgotten }))
}

/// Whoever bought as a guest under this address; none where it is proved to be an account's, whose person has all of it. An account that
/// did not prove it must not stand between a guest and what is theirs: anybody can open one.
pub async fn find_guest(conn: &mut Conn, email: &str) -> db::Result<Option<Person>> {
    let email_key = Email::key_of(email);
    let known = store::find_credentials(conn, &email_key).await?;
    let is_proved = known.is_some_and(|known| known.customer.email_confirmed_at.is_some());
    let guest = move || Person {
        customer_id: None,
        email: email.to_owned(),
        proved_email_key: Some(email_key),
        forgotten: false,
    };
    Ok((!is_proved).then(guest))
}

/// Whether the account is nobody's any more.
pub async fn is_forgotten(conn: &mut Conn, customer_id: Uuid) -> db::Result<bool> {
    rows::is_erased(conn, customer_id).await
}

/// Lets whoever changes the account wait until the transaction ends, and nobody who only points to it, as carts and orders do. False where
/// they work for the shop, or there is no such account.
pub async fn hold_person(tx: &mut Tx, customer_id: Uuid) -> db::Result<bool> {
    rows::hold_customer(tx, customer_id).await
}

/// What stands in the account: profile, addresses, settings, consents with their history, sessions.
pub async fn export_person(conn: &mut Conn, person: &Person) -> db::Result<Value> {
    let Some(id) = person.customer_id else { return Ok(Value::Null) };
    let Some(customer) = store::find_customer(conn, id).await? else { return Ok(Value::Null) };
    let mut consents = Vec::new();
    for kind in Consent::ALL {
        for change in preferences::consent_changes(conn, id, kind.name(), Uuid::max(), u32::MAX).await? {
            let (given, source, at) = (change.given, change.source, change.at);
            consents.push(json!({ "kind": kind.name(), "given": given, "source": source, "at": at }));
        }
    }
    let addresses = addresses::list(conn, id).await?.into_iter().map(|saved| {
        json!({
            "label": saved.label,
            "address": saved.address,
            "default_delivery": saved.default_delivery,
            "default_billing": saved.default_billing,
            "created_at": saved.created_at,
        })
    });
    let addresses: Vec<Value> = addresses.collect();
    Ok(json!({
        "id": customer.id,
        "email": customer.email,
        "email_confirmed_at": customer.email_confirmed_at,
        "name": customer.name,
        "phone": customer.phone,
        "locale": customer.locale,
        "role": customer.role.name(),
        "note": rows::note(conn, id).await?,
        "group": groups::group_of(conn, id).await?,
        "second_factor": store::second_factors::find(conn, id).await?.is_some_and(|factor| factor.confirmed_at.is_some()),
        "created_at": customer.created_at,
        "notifications": preferences::find(conn, id).await?.unwrap_or_default(),
        "addresses": addresses,
        "consents": consents,
        "sessions": rows::sessions(conn, id).await?,
    }))
}

/// Takes the person out of their account, for ever, and ends it. False where they work for the shop, which nobody does without a name.
pub async fn forget_person(tx: &mut Tx, person: &Person, now: Moment) -> db::Result<bool> {
    let Some(id) = person.customer_id else { return Ok(true) };
    let nobody = format!("erased-{id}@{ERASED_DOMAIN}");
    if !rows::anonymise(tx, id, &nobody, NO_PASSWORD, now).await? {
        return Ok(false);
    }
    store::second_factors::delete(tx, id).await?;
    rows::delete_kept(tx, id).await?;
    rows::delete_letters(tx, id, &Email::key_of(&person.email)).await?;
    rows::replace_terms(tx, id, &[]).await?;
    Ok(true)
}

/// Whoever is signed in gives their password once more and, where they have a second factor, a code: for what cannot be undone.
pub async fn prove_both(
    shop: &Shop,
    identity: &Identity,
    password: &str,
    proof: Option<&Proof>,
) -> Result<Proved, Error> {
    let proved = prove_again(shop, identity, password).await?;
    if second_factor_of(shop, identity.customer_id).await?.is_some() {
        let proof = proof.ok_or(Error::InvalidCode)?;
        prove_code(shop, identity.customer_id, proof).await?.commit().await?;
    }
    Ok(proved)
}
