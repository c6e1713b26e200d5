//! Proving an address, and coming back without a password.

use serde_json::json;
use uuid::Uuid;

use super::letters::{self, Letter};
use super::links::{self, Purpose};
use super::proved::{Proved, prove, prove_again};
use super::sessions::token_hash;
use super::{Customer, Email, Error, Identity, Password, Role, preferences, store};
use crate::clock;
use crate::db::{self, Tx};
use crate::notifications::push_tokens;
use crate::{Shop, events};

/// Notes that whoever has an account with this address wants the confirmation letter once more.
pub async fn ask_for_confirmation(shop: &Shop, email: &str) -> Result<(), Error> {
    ask(shop, Letter::ConfirmEmail, email).await
}

/// Notes that whoever has an account with this address wants a new password.
pub async fn ask_for_reset(shop: &Shop, email: &str) -> Result<(), Error> {
    ask(shop, Letter::ResetPassword, email).await
}

/// The same one row for every address: what has to stay unknown is found out by the worker.
async fn ask(shop: &Shop, letter: Letter, email: &str) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    letters::to_address(&mut tx, letter, &Email::key_of(email)).await?;
    tx.commit().await?;
    shop.letters().wake();
    Ok(())
}

/// The address of an account is proved by the token that was sent to it, together with the account: by who is signed in to it, or gives its
/// password.
///
/// The token alone is not enough. Anybody can register with anybody's address; who reads the mail there and follows the link would vouch
/// for a password that a stranger chose, and the stranger would find in the account whatever the owner bought as a guest. The owner of an
/// address who does not know the password sets another ([`reset_password`]).
pub async fn confirm_email(
    shop: &Shop,
    token: &str,
    signed_in: Option<&Identity>,
    password: Option<&str>,
) -> Result<(), Error> {
    let customer = find_holder(shop, token, Purpose::ConfirmEmail).await?.ok_or(Error::InvalidLink)?;
    let session = signed_in.filter(|identity| identity.customer_id == customer.id).map(|identity| identity.session_id);
    let proved = match (session, password) {
        (Some(_), _) => None,
        (None, Some(password)) => Some(prove(shop, &customer.email, password).await?),
        (None, None) => return Err(Error::AccountUnproved),
    };
    let mut tx = shop.db().write().await?;
    if let Some(proved) = &proved {
        proved.hold(&mut tx).await?;
    }
    let used = links::spend(&mut tx, token, &[Purpose::ConfirmEmail]).await?.ok_or(Error::InvalidLink)?;
    if proved.is_some_and(|proved| proved.customer.id != used.customer_id) {
        return Err(Error::InvalidCredentials);
    }
    if confirm(&mut tx, used.customer_id, &used.email).await? {
        // Whoever else was let in had not proved anything.
        store::revoke_other_sessions(&mut tx, used.customer_id, session.unwrap_or(Uuid::nil()), clock::now()).await?;
        updated(&mut tx, used.customer_id, &["email_confirmed"]).await?;
    }
    tx.commit().await?;
    shop.relay().wake();
    Ok(())
}

/// False where it was confirmed before, or is no longer the account's.
async fn confirm(tx: &mut Tx, customer_id: Uuid, email: &str) -> db::Result<bool> {
    store::confirm_email(tx, customer_id, &Email::key_of(email), clock::now()).await
}

/// Sets a new password for whom the token was sent to. Every session ends, every other link dies, and the address is proved by it.
pub async fn reset_password(shop: &Shop, token: &str, password: &str) -> Result<(), Error> {
    let customer = find_holder(shop, token, Purpose::ResetPassword).await?.ok_or(Error::InvalidLink)?;
    let password = Password::new(password, &Email::parse(&customer.email)?)?;
    let hash = shop.hashing().hash(&password).await?;
    let mut tx = shop.db().write().await?;
    // Read above, used here: of two who send the same token at once, one sets the password.
    let used = links::spend(&mut tx, token, &[Purpose::ResetPassword]).await?.ok_or(Error::InvalidLink)?;
    // Nor does a letter help that was on its way to an address which the account has left since.
    let customer = store::find_customer(&mut tx, customer.id).await?.ok_or(Error::InvalidLink)?;
    if used.email != customer.email {
        return Err(Error::InvalidLink);
    }
    let mut fields = vec!["password"];
    if confirm(&mut tx, customer.id, &used.email).await? {
        fields.push("email_confirmed");
        if customer.role == Role::Customer {
            forget_unproved(&mut tx, &customer).await?;
            fields.extend(["phone", "notifications", "consents"]);
        }
    }
    set_password(&mut tx, &customer, &hash).await?;
    store::revoke_sessions_of(&mut tx, customer.id, clock::now()).await?;
    updated(&mut tx, customer.id, &fields).await?;
    tx.commit().await?;
    shop.hashing().attempts.succeeded(&Email::key_of(&customer.email));
    shop.letters().wake();
    shop.relay().wake();
    Ok(())
}

/// Takes away what was kept with the account before anybody had proved the address: it may be a stranger's, who would go on being told of
/// the owner's orders, or keep the owner out with a second factor. Those who work for the shop were let in by an owner, and keep theirs: a
/// letter must not be enough to do away with their second factor.
async fn forget_unproved(tx: &mut Tx, customer: &Customer) -> Result<(), Error> {
    store::second_factors::delete(tx, customer.id).await?;
    push_tokens::forget_all(tx, customer.id).await?;
    preferences::withdraw_unproved(tx, customer.id).await?;
    Ok(store::people::clear_kept(tx, customer, clock::now()).await?)
}

async fn find_holder(shop: &Shop, token: &str, purpose: Purpose) -> Result<Option<Customer>, Error> {
    let (hash, purpose) = (token_hash(token), purpose.name());
    let mut conn = shop.db().read().await?;
    let Some(id) = store::links::find_customer_of(&mut conn, &hash, purpose, clock::now()).await? else {
        return Ok(None);
    };
    Ok(store::find_customer(&mut conn, id).await?)
}

/// Changes the password of whoever is signed in and knows the current one. Their other sessions end.
pub async fn change_password(shop: &Shop, identity: &Identity, current: &str, password: &str) -> Result<(), Error> {
    let proved = prove_again(shop, identity, current).await?;
    replace_password(shop, identity, &proved, password).await
}

/// Puts the password in the place of the one that was proved.
pub(super) async fn replace_password(
    shop: &Shop,
    identity: &Identity,
    proved: &Proved,
    password: &str,
) -> Result<(), Error> {
    let customer = &proved.customer;
    let password = Password::new(password, &Email::parse(&customer.email)?)?;
    let hash = shop.hashing().hash(&password).await?;
    let mut tx = shop.db().write().await?;
    proved.hold(&mut tx).await?;
    set_password(&mut tx, customer, &hash).await?;
    store::revoke_other_sessions(&mut tx, customer.id, identity.session_id, clock::now()).await?;
    updated(&mut tx, customer.id, &["password"]).await?;
    tx.commit().await?;
    shop.letters().wake();
    shop.relay().wake();
    Ok(())
}

/// Links of before, and logins that wait for a code, die with the password that they were made under; the customer is told.
async fn set_password(tx: &mut Tx, customer: &Customer, hash: &str) -> Result<(), Error> {
    store::set_password(tx, customer.id, hash, clock::now()).await?;
    for purpose in [Purpose::ResetPassword, Purpose::ChangeEmailOld, Purpose::ChangeEmailNew] {
        store::links::delete_of(tx, customer.id, purpose.name()).await?;
    }
    letters::forget_email_change(tx, customer.id).await?;
    store::second_factors::delete_challenges_of(tx, customer.id).await?;
    letters::to_customer(tx, Letter::PasswordChanged, customer, None).await?;
    Ok(())
}

/// Records which fields changed, and no values: events go to other systems and stay there.
pub(super) async fn updated(tx: &mut Tx, customer_id: Uuid, fields: &[&str]) -> db::Result<()> {
    events::record(tx, "user.updated", customer_id, json!({ "customer_id": customer_id, "fields": fields })).await
}

/// Refuses those who have to prove their address before they buy, where the shop asks for it.
pub async fn require_confirmed(shop: &Shop, customer_id: Uuid) -> Result<(), Error> {
    if !shop.config().accounts.confirm_before_checkout {
        return Ok(());
    }
    let customer = super::find_customer(shop, customer_id).await?;
    let fine =
        customer.is_some_and(|customer| customer.email_confirmed_at.is_some() || customer.role != Role::Customer);
    if fine { Ok(()) } else { Err(Error::EmailUnconfirmed) }
}
