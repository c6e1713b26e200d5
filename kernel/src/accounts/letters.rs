//! Letters about accounts: written down in the transaction of what they are about, sent by a worker.
//!
//! A request only writes a row, whether the address has an account or not, so that neither its answer nor its time tells which.
//! The worker finds out, makes the link and has the letter composed. A row is taken by one worker at a time, and goes in the
//! transaction that queues its messages: a crash sends a letter late, never a link that the database does not know.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use super::links::{Link, Purpose};
use super::store::letters::{self as rows, Queued};
use super::{Customer, Email, Error, store};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::notifications::direct::{self, Recipient};
use crate::{Shop, events, id};

/// Rows that one round takes.
const BATCH: u32 = 20;
/// How long a worker has the rows that it took. A call of a plugin ends long before.
const CLAIM_MS: u64 = 60_000;
/// The first wait after a letter could not be composed; it doubles with each try, up to an hour.
const RETRY_AFTER_MS: u64 = 2_000;
/// A letter that could not be composed for as long is given up.
const GIVE_UP_AFTER_HOURS: i64 = 24;

/// What a letter says. Plugins know it as `account.` and the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letter {
    ConfirmEmail,
    ResetPassword,
    /// To the address that the account has: is the change wanted?
    ChangeEmailOld,
    /// To the address that it is to have: is it yours?
    ChangeEmailNew,
    PasswordChanged,
    /// To the address that the account had.
    EmailChanged,
    SecondFactorOn,
    SecondFactorOff,
    /// Somebody wanted an account, or this address for theirs, where there is one already.
    AlreadyRegistered,
}

impl Letter {
    const ALL: [Self; 9] = [
        Self::ConfirmEmail,
        Self::ResetPassword,
        Self::ChangeEmailOld,
        Self::ChangeEmailNew,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::SecondFactorOn,
        Self::SecondFactorOff,
        Self::AlreadyRegistered,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "confirm-email",
            Self::ResetPassword => "reset-password",
            Self::ChangeEmailOld => "change-email-old",
            Self::ChangeEmailNew => "change-email-new",
            Self::PasswordChanged => "password-changed",
            Self::EmailChanged => "email-changed",
            Self::SecondFactorOn => "second-factor-on",
            Self::SecondFactorOff => "second-factor-off",
            Self::AlreadyRegistered => "already-registered",
        }
    }

    /// What its link is good for; none where it has none.
    fn purpose(self) -> Option<Purpose> {
        match self {
            Self::ConfirmEmail => Some(Purpose::ConfirmEmail),
            Self::ResetPassword => Some(Purpose::ResetPassword),
            Self::ChangeEmailOld => Some(Purpose::ChangeEmailOld),
            Self::ChangeEmailNew => Some(Purpose::ChangeEmailNew),
            Self::PasswordChanged
            | Self::EmailChanged
            | Self::SecondFactorOn
            | Self::SecondFactorOff
            | Self::AlreadyRegistered => None,
        }
    }

    /// Whoever asks for it need not be who gets it, so an address gets it no more often than every `letter_pause_seconds`.
    fn is_asked_for_by_strangers(self) -> bool {
        matches!(self, Self::ConfirmEmail | Self::ResetPassword | Self::ChangeEmailNew | Self::AlreadyRegistered)
    }
}

/// Wakes the worker. Part of a shop.
#[derive(Default)]
pub struct Letters {
    wake: Notify,
}

impl Letters {
    /// There is something to send.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// To whoever has an account with this address, if anyone has.
pub(super) async fn to_address(tx: &mut Tx, letter: Letter, email_key: &str) -> db::Result<()> {
    rows::insert(tx, id::sequential(), letter.name(), email_key, None, None, clock::now()).await
}

/// To the customer; `other_email` is the address that the letter is about, where it is not their own.
pub(super) async fn to_customer(
    tx: &mut Tx,
    letter: Letter,
    customer: &Customer,
    other_email: Option<&str>,
) -> db::Result<()> {
    let key = Email::key_of(&customer.email);
    rows::insert(tx, id::sequential(), letter.name(), &key, Some(customer.id), other_email, clock::now()).await
}

/// Forgets the letters of an e-mail change that were not sent yet.
pub(super) async fn forget_email_change(tx: &mut Tx, customer_id: Uuid) -> db::Result<()> {
    for letter in [Letter::ChangeEmailOld, Letter::ChangeEmailNew] {
        rows::delete_of(tx, customer_id, letter.name()).await?;
    }
    Ok(())
}

/// The worker. Ends when the shop stops.
pub async fn run(shop: Shop) {
    let poll_interval = Duration::from_millis(shop.config().notifications.poll_interval_ms);
    while !shop.stopping().is_cancelled() {
        if let Err(error) = drain(&shop).await {
            tracing::error!(%error, "letters about accounts cannot be sent; trying again");
        }
        tokio::select! {
            () = shop.letters().wake.notified() => {}
            () = tokio::time::sleep(poll_interval) => {}
            () = shop.stopping().cancelled() => {}
        }
    }
}

/// Sends what is due.
async fn drain(shop: &Shop) -> Result<(), Error> {
    while !shop.stopping().is_cancelled() {
        let now = clock::now();
        // Asked first without writing: on SQLite there is one writer, and mostly nothing to do.
        if !rows::is_any_due(&mut shop.db().read().await?, now).await? {
            return Ok(());
        }
        let mut tx = shop.db().write().await?;
        let batch = rows::claim_due(&mut tx, now, now + events::delta(CLAIM_MS), BATCH).await?;
        tx.commit().await?;
        for row in batch {
            // It comes again when its claim has run out; the others of the batch need not.
            if let Err(error) = send(shop, &row).await {
                tracing::error!(%error, letter = row.letter, "a letter about an account cannot be sent; trying again");
            }
        }
    }
    Ok(())
}

async fn send(shop: &Shop, row: &Queued) -> Result<(), Error> {
    let Some((letter, customer, address)) = addressed(shop, row).await? else { return discard(shop, row).await };
    if let Some(until) = paused_until(shop, letter, &address).await? {
        // Who asks twice has the first letter. A change of address cannot go on without its own: it waits.
        return if row.customer_id.is_none() { discard(shop, row).await } else { put_off(shop, row, until).await };
    }
    let link = letter.purpose().map(|purpose| Link::new(shop, purpose));
    let recipient = Recipient {
        customer_id: Some(customer.id),
        name: customer.name.clone(),
        email: address.clone(),
        phone: String::new(),
        locale: customer.locale.clone(),
    };
    let kind = format!("account.{}", letter.name());
    let data = data(shop, link.as_ref(), &recipient, &customer, row);
    let composed = match direct::compose(shop, &kind, recipient, data).await {
        Ok(composed) => composed,
        Err(error) => return postpone(shop, row, &error).await,
    };
    let mut tx = shop.db().write().await?;
    if !rows::delete(&mut tx, row.id, row.attempts).await? {
        // Another worker has it, or what it was about has been taken back.
        return Ok(());
    }
    if let Some(link) = link {
        let bound_to = row.other_email.as_deref().unwrap_or(&customer.email);
        link.keep(&mut tx, customer.id, bound_to).await?;
    }
    if letter.is_asked_for_by_strangers() {
        let until = clock::now() + TimeDelta::seconds(shop.config().accounts.letter_pause_seconds as i64);
        rows::pause(&mut tx, letter.name(), &pause_digest(shop, &address), until).await?;
    }
    direct::queue(&mut tx, &composed).await?;
    tx.commit().await?;
    shop.transports().wake();
    Ok(())
}

/// Until when the address gets no letter of this kind, if it has just got one.
async fn paused_until(shop: &Shop, letter: Letter, address: &str) -> Result<Option<Moment>, Error> {
    if !letter.is_asked_for_by_strangers() {
        return Ok(None);
    }
    let until = rows::find_pause(&mut shop.db().read().await?, letter.name(), &pause_digest(shop, address)).await?;
    Ok(until.filter(|until| *until > clock::now()))
}

/// A pause outlives the account: to erase it and to register again must not be a way around. So it does not know whose address it is.
fn pause_digest(shop: &Shop, address: &str) -> [u8; 32] {
    shop.keys().digest("letter-pause", Email::key_of(address).as_bytes())
}

async fn discard(shop: &Shop, row: &Queued) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    rows::delete(&mut tx, row.id, row.attempts).await?;
    Ok(tx.commit().await?)
}

async fn put_off(shop: &Shop, row: &Queued, until: Moment) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    rows::retry_at(&mut tx, row.id, row.attempts, until).await?;
    Ok(tx.commit().await?)
}

/// Who gets what, and where; none where nobody has to be told anything (any more).
async fn addressed(shop: &Shop, row: &Queued) -> Result<Option<(Letter, Customer, String)>, Error> {
    let mut conn = shop.db().read().await?;
    let customer = match row.customer_id {
        Some(id) => store::find_customer(&mut conn, id).await?,
        None => store::find_credentials(&mut conn, &row.email_key).await?.map(|known| known.customer),
    };
    let letter = Letter::ALL.into_iter().find(|letter| letter.name() == row.letter);
    let (Some(customer), Some(letter)) = (customer, letter) else { return Ok(None) };
    if letter == Letter::ConfirmEmail && customer.email_confirmed_at.is_some() {
        return Ok(None);
    }
    let address = match (letter, &row.other_email) {
        (Letter::ChangeEmailNew, Some(wanted)) => {
            // Who asked must not learn that there is such an account; who has it may know that somebody asked.
            let holder = store::find_credentials(&mut conn, &Email::key_of(wanted)).await?;
            if let Some(holder) = holder.filter(|holder| holder.customer.id != customer.id) {
                let address = holder.customer.email.clone();
                return Ok(Some((Letter::AlreadyRegistered, holder.customer, address)));
            }
            wanted.clone()
        }
        (Letter::EmailChanged, Some(former)) => former.clone(),
        _ => customer.email.clone(),
    };
    Ok(Some((letter, customer, address)))
}

fn data(shop: &Shop, link: Option<&Link>, recipient: &Recipient, customer: &Customer, row: &Queued) -> Value {
    let mut data = Map::new();
    data.insert("email".into(), json!(recipient.email));
    data.insert("name".into(), json!(recipient.name));
    data.insert("locale".into(), json!(recipient.locale));
    if let Some(link) = link {
        data.insert("url".into(), json!(link.url(shop)));
        data.insert("token".into(), json!(link.token()));
        data.insert("valid_minutes".into(), json!(link.valid_minutes()));
    }
    match row.letter.as_str() {
        "change-email-old" | "change-email-new" => drop(data.insert("new_email".into(), json!(row.other_email))),
        "email-changed" => drop(data.insert("new_email".into(), json!(customer.email))),
        _ => {}
    }
    Value::Object(data)
}

async fn postpone(shop: &Shop, row: &Queued, error: &direct::NotComposed) -> Result<(), Error> {
    let now: Moment = clock::now();
    if now - row.created_at > TimeDelta::hours(GIVE_UP_AFTER_HOURS) {
        tracing::error!(letter = row.letter, attempts = row.attempts, %error, "a letter about an account is given up");
        return discard(shop, row).await;
    }
    put_off(shop, row, now + events::retry_delay(RETRY_AFTER_MS, row.attempts)).await
}
