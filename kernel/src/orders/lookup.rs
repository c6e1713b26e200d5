//! A guest who has lost the page finds the order again: by its number and a code that is mailed to the address on it.
//!
//! The answer to a request says nothing, and waits for nothing: whether there is such an order is found out afterwards. The code
//! stands in the letter only (`notifications::direct`); the database has its hash. Orders of customers are found by signing in.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use serde_json::json;

use super::{Details, Error, store};
use crate::accounts::Email;
use crate::clock;
use crate::db;
use crate::notifications::direct::{self, Recipient};
use crate::{Shop, id};

/// Without letters that look like digits, or like each other. 32 of them: five bits each.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH: usize = 10;

/// Has a code mailed, if a guest placed an order with this number and address. Nobody waits for it: a letter that is lost with a crash
/// is asked for again.
pub fn request(shop: &Shop, number: i64, email: &str) {
    let (shop, email_key) = (shop.clone(), Email::key_of(email));
    shop.clone().run_unattended(async move {
        if let Err(error) = send(&shop, number, &email_key).await {
            tracing::error!(%error, "the code of a look-up cannot be sent");
        }
    });
}

async fn send(shop: &Shop, number: i64, email_key: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let now = clock::now();
    let paused = now - TimeDelta::seconds(shop.config().accounts.letter_pause_seconds as i64);
    let found = store::lookup::find_guests(&mut shop.db().read().await?, number, email_key).await?;
    let Some(order_id) = found else { return Ok(()) };
    let order = super::get_any(shop, order_id).await?.order;
    let code = new_code();
    let minutes = shop.config().orders.lookup_minutes;
    let recipient = Recipient {
        customer_id: order.customer_id,
        name: order.address.name.clone(),
        email: order.email.clone(),
        phone: String::new(),
        locale: order.locale.clone(),
    };
    let data = json!({
        "email": order.email,
        "name": order.address.name,
        "locale": order.locale,
        "number": order.number.to_string(),
        "code": shown(&code),
        "valid_minutes": minutes,
    });
    let composed = direct::compose(shop, "order.look-up", recipient, data).await?;
    let mut tx = shop.db().write().await?;
    let expires_at = now + TimeDelta::minutes(i64::from(minutes));
    // Whoever asks again and again does not fill the mailbox: the code that was sent is still good.
    if !store::lookup::put_code(&mut tx, order_id, &hash(&code), now, expires_at, paused).await? {
        return Ok(());
    }
    direct::queue(&mut tx, &composed).await?;
    tx.commit().await?;
    shop.transports().wake();
    Ok(())
}

/// The order that the code was mailed for. A code is good once, and for a few attempts.
pub async fn confirm(shop: &Shop, number: i64, email: &str, code: &str) -> Result<Details, Error> {
    let given = hash(&normalized(code));
    let mut tx = shop.db().write().await?;
    let attempts = i64::from(shop.config().orders.lookup_attempts);
    let tried = store::lookup::try_code(&mut tx, number, &Email::key_of(email), attempts, clock::now()).await?;
    let right = tried.filter(|(_, kept)| verify_slices_are_equal(kept, &given).is_ok());
    let used = match &right {
        Some((order_id, _)) => store::lookup::delete_code(&mut tx, *order_id).await?,
        None => false,
    };
    // The attempt counts, right or wrong.
    tx.commit().await?;
    match right.filter(|_| used) {
        Some((order_id, _)) => super::get(shop, order_id, None).await,
        None => Err(Error::WrongCode),
    }
}

/// Forgets codes whose time is over, and tells how many.
pub(super) async fn forget_expired(shop: &Shop) -> Result<u64, db::Error> {
    let mut tx = shop.db().write().await?;
    let forgotten = store::lookup::delete_expired(&mut tx, clock::now()).await?;
    tx.commit().await?;
    Ok(forgotten)
}

fn new_code() -> String {
    id::random_bytes::<LENGTH>().iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

/// In two groups, to be read and typed.
fn shown(code: &str) -> String {
    let (first, second) = code.split_at(LENGTH / 2);
    format!("{first}-{second}")
}

/// As people type it: in any case, with or without the hyphen.
fn normalized(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Fifty random bits that live for minutes and a few attempts need no slow hash.
fn hash(code: &str) -> Vec<u8> {
    digest(&SHA256, code.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_typed() {
        let code = new_code();
        assert_eq!(code.len(), LENGTH);
        assert!(code.bytes().all(|letter| LETTERS.contains(&letter)));
        for typed in [shown(&code), shown(&code).to_lowercase(), format!(" {code} ")] {
            assert_eq!(normalized(&typed), code, "{typed}");
        }
        assert_ne!(new_code(), new_code());
    }
}
