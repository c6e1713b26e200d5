//! Proving a password, and what is done in the name of whoever has.
//!
//! To hash takes its time, and the account may have got another password meanwhile: from its owner, say, because somebody else knows
//! the former. So what a password proves is worth something only behind [`Proved::hold`], in the transaction of what it is for.

use super::store;
use super::{Customer, Email, Error, Identity};
use crate::Shop;
use crate::clock;
use crate::db::Tx;

/// Whoever gave the password of an account, and the one that it was then.
pub struct Proved {
    pub customer: Customer,
    password_hash: String,
}

impl Proved {
    /// Lets whoever changes the account wait until the transaction ends. Refused where its password is another by now.
    pub async fn hold(&self, tx: &mut Tx) -> Result<(), Error> {
        match store::lock_proved(tx, self.customer.id, &self.password_hash).await? {
            true => Ok(()),
            false => Err(Error::InvalidCredentials),
        }
    }
}

/// Whose address and password these are. Wrong ones are counted, and make wait.
pub(super) async fn prove(shop: &Shop, email: &str, password: &str) -> Result<Proved, Error> {
    let email_key = Email::key_of(email);
    let (hashing, attempts) = (shop.hashing(), &shop.hashing().attempts);
    attempts.check(&email_key, clock::now())?;
    let known = store::find_credentials(&mut shop.db().read().await?, &email_key).await?;
    let stored = known.as_ref().map(|known| known.password_hash.clone());
    let turn = hashing.turn().await?;
    // Again, now that it is our turn: of a thousand guesses sent at once, all found nothing counted yet above.
    attempts.check(&email_key, clock::now())?;
    let right = turn.verify(password, stored).await?;
    let Some(known) = known.filter(|_| right) else {
        attempts.failed(&email_key, clock::now());
        return Err(Error::InvalidCredentials);
    };
    attempts.succeeded(&email_key);
    Ok(Proved { customer: known.customer, password_hash: known.password_hash })
}

/// Whoever is signed in gives their password once more: a session that was left open must not be enough to take an account over.
/// A wrong one counts as a failed login.
pub(super) async fn prove_again(shop: &Shop, identity: &Identity, password: &str) -> Result<Proved, Error> {
    let customer = super::find_customer(shop, identity.customer_id).await?.ok_or(Error::InvalidToken)?;
    let proved = prove(shop, &customer.email, password).await?;
    // The address may have gone to another account since it was read.
    if proved.customer.id == customer.id { Ok(proved) } else { Err(Error::InvalidCredentials) }
}
