//! Another address for an account. Both are asked: the new one proves that it is there and theirs, the old one that the owner wants
//! it. It takes effect with the second yes; the old one may also say no.

use super::letters::{self, Letter};
use super::links::{self, Purpose, Used};
use super::proved::prove_again;
use super::recovery::updated;
use super::sessions::token_hash;
use super::{Customer, Email, Error, Identity, email_taken, store};
use crate::Shop;
use crate::clock;
use crate::db::Tx;

const BOTH: [Purpose; 2] = [Purpose::ChangeEmailOld, Purpose::ChangeEmailNew];

/// Asks both addresses. Whether the new one has an account is not told, not even to whoever is signed in: its owner gets another
/// letter then. A change that was asked for before is dropped.
pub async fn ask_for_email_change(
    shop: &Shop,
    identity: &Identity,
    password: &str,
    email: &Email,
) -> Result<(), Error> {
    let proved = prove_again(shop, identity, password).await?;
    let customer = &proved.customer;
    if email.as_str() == customer.email {
        return Err(Error::SameEmail);
    }
    let mut tx = shop.db().write().await?;
    proved.hold(&mut tx).await?;
    forget(&mut tx, customer).await?;
    for letter in [Letter::ChangeEmailOld, Letter::ChangeEmailNew] {
        letters::to_customer(&mut tx, letter, customer, Some(email.as_str())).await?;
    }
    tx.commit().await?;
    shop.letters().wake();
    Ok(())
}

/// One of the two addresses says yes; true where it was the second.
pub async fn agree_to_email_change(shop: &Shop, token: &str) -> Result<bool, Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    // Of two who say yes at once, the second waits here for the account, and then sees the first.
    let Used { customer_id, email, purpose } = links::spend(&mut tx, token, &BOTH).await?.ok_or(Error::InvalidLink)?;
    let other = if purpose == Purpose::ChangeEmailOld { Purpose::ChangeEmailNew } else { Purpose::ChangeEmailOld };
    let agreed = store::links::was_spent(&mut tx, customer_id, other.name(), &email, now).await?;
    if agreed {
        let customer = store::find_customer(&mut tx, customer_id).await?.ok_or(Error::InvalidLink)?;
        take_effect(&mut tx, &customer, &email).await?;
    }
    tx.commit().await?;
    shop.letters().wake();
    shop.relay().wake();
    Ok(agreed)
}

async fn take_effect(tx: &mut Tx, customer: &Customer, email: &str) -> Result<(), Error> {
    store::set_email(tx, customer.id, email, &Email::key_of(email), clock::now()).await.map_err(email_taken)?;
    // Also links for a new password, which lie in the mailbox of before.
    for purpose in [Purpose::ConfirmEmail, Purpose::ResetPassword, Purpose::ChangeEmailOld, Purpose::ChangeEmailNew] {
        store::links::delete_of(tx, customer.id, purpose.name()).await?;
    }
    letters::to_customer(tx, Letter::EmailChanged, customer, Some(&customer.email)).await?;
    updated(tx, customer.id, &["email", "email_confirmed"]).await?;
    Ok(())
}

/// One of the two addresses says no, also after it said yes, as long as the other has not.
pub async fn refuse_email_change(shop: &Shop, token: &str) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    for purpose in BOTH {
        let found = store::links::find_customer_of(&mut tx, &token_hash(token), purpose.name(), clock::now()).await?;
        let Some(customer_id) = found else { continue };
        let customer = store::find_customer(&mut tx, customer_id).await?.ok_or(Error::InvalidLink)?;
        forget(&mut tx, &customer).await?;
        return Ok(tx.commit().await?);
    }
    Err(Error::InvalidLink)
}

async fn forget(tx: &mut Tx, customer: &Customer) -> Result<(), Error> {
    for purpose in BOTH {
        store::links::delete_of(tx, customer.id, purpose.name()).await?;
    }
    letters::forget_email_change(tx, customer.id).await?;
    Ok(())
}
