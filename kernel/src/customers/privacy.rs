//! A person's data, all of it: told to whoever may ask, and forgotten.
//!
//! Each domain that knows something of a person has functions for both; here they are called. What is told and what is forgotten are chosen
//! alike: what is the account's, and what guests did under an address that is proved to be the person's. A domain that begins to know
//! something of people joins them, and kernel/tests/privacy/columns.rs fails until it does.
//!
//! An erasure is several transactions. What guests did under an address can be any amount, and anybody can add to it: it goes in batches,
//! so that no transaction is long. Each can be done again, and is where it lost to others (PostgreSQL); they take orders and carts
//! before the account, as all others do.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::Error;
use crate::accounts::{self, Email, Identity, Person, Proof, Proved};
use crate::clock::{self, Moment};
use crate::db::{Conn, Tx};
use crate::orders::{self, Forgotten};
use crate::plugins::registry;
use crate::{
    Shop, audit, carts, catalog, coupons, documents, events, fulfilment, http, id, notifications, payments, prepaid,
    returns, reviews, webhooks,
};

/// Orders, carts, drafts and messages of guests that one transaction forgets, of each.
const AT_ONCE: i64 = 50;

/// How often a transaction is tried that loses to others.
const TRIES: u32 = 5;

/// Whose data it is.
#[derive(Debug, Clone)]
pub enum Whose {
    Account(Uuid),
    /// Of whoever bought as a guest under this address, which no account has proved.
    Guest(String),
}

/// All that the shop knows of the person.
pub async fn export(shop: &Shop, whose: &Whose) -> Result<Value, Error> {
    let mut conn = shop.db().read().await?;
    let person = find(&mut conn, whose).await?;
    let ids = orders::ids_of(&mut conn, &person).await?;
    let (reviews, votes) = match person.customer_id {
        Some(id) => (reviews::export_person(&mut conn, id).await?, reviews::export_votes(&mut conn, id).await?),
        None => Default::default(),
    };
    Ok(json!({
        "exported_at": clock::now(),
        "account": accounts::export_person(&mut conn, &person).await?,
        "orders": orders::export(&mut conn, &ids).await?,
        "drafts": orders::export_drafts(&mut conn, &person).await?,
        "shipments": fulfilment::export(&mut conn, &ids).await?,
        "returns": returns::export(&mut conn, &ids).await?,
        "payments": payments::export(&mut conn, &ids).await?,
        "documents": documents::export(&mut conn, &ids).await?,
        "coupons": coupons::export(&mut conn, &ids).await?,
        "gift_cards": prepaid::export_gift_cards(&mut conn, &ids).await?,
        "store_credit": prepaid::export_credit(&mut conn, person.customer_id).await?,
        "carts": carts::export_person(shop, &mut conn, &person).await?,
        "reviews": reviews,
        "review_votes": votes,
        "notifications": notifications::export_person(&mut conn, &person).await?,
        "admin_actions": audit::export_person(&mut conn, &person).await?,
    }))
}

async fn find(conn: &mut Conn, whose: &Whose) -> Result<Person, Error> {
    match whose {
        Whose::Account(id) => accounts::find_person(conn, *id).await?.ok_or(Error::NotFound),
        Whose::Guest(email) => accounts::find_guest(conn, email).await?.ok_or(Error::HasAccount),
    }
}

/// Forgets the person, at once and for ever: done again, it finds what has come to light since.
pub async fn erase(shop: &Shop, whose: Whose) -> Result<(), Error> {
    forget(shop, Erasure { whose, myself: None }).await
}

/// As [`erase`], for whoever is signed in and proves it. Not while goods are on their way to them.
pub async fn erase_myself(
    shop: &Shop,
    identity: &Identity,
    password: &str,
    proof: Option<&Proof>,
) -> Result<(), Error> {
    let proved = accounts::prove_both(shop, identity, password, proof).await?;
    forget(shop, Erasure { whose: Whose::Account(identity.customer_id), myself: Some(proved) }).await
}

struct Erasure {
    whose: Whose,
    /// Whoever forgets themselves.
    myself: Option<Proved>,
}

async fn forget(shop: &Shop, erasure: Erasure) -> Result<(), Error> {
    let work = {
        let shop = shop.clone();
        async move { forget_to_end(&shop, &erasure).await }
    };
    shop.run_to_end(work).await?
}

/// Begins again where a transaction lost: what those before it forgot is not found any more.
async fn forget_to_end(shop: &Shop, erasure: &Erasure) -> Result<(), Error> {
    for tried in 1.. {
        match forget_all(shop, erasure).await {
            Err(error) if error.is_conflict() && tried < TRIES => {
                tracing::warn!(%error, tried, "an erasure lost to others; trying again");
                // By chance, so that two who met do not meet again.
                let chance = u64::from(id::random_bytes::<1>()[0]);
                tokio::time::sleep(Duration::from_millis(chance * u64::from(tried) / 4)).await;
            }
            ended => {
                ended?;
                break;
            }
        }
    }
    // The ratings of products may have changed with the reviews.
    catalog::announce(shop);
    Ok(())
}

async fn forget_all(shop: &Shop, erasure: &Erasure) -> Result<(), Error> {
    while forget_guests(shop, erasure).await? {}
    match &erasure.whose {
        Whose::Account(id) => forget_account(shop, erasure, *id).await,
        Whose::Guest(_) => Ok(()),
    }
}

/// A transaction in which the person may be forgotten, and stays who they are.
async fn begin(shop: &Shop, erasure: &Erasure) -> Result<(Tx, Person), Error> {
    let mut tx = shop.db().write().await?;
    if let Some(proved) = &erasure.myself {
        proved.hold(&mut tx).await?;
    }
    let may_go = match &erasure.whose {
        Whose::Account(id) => accounts::hold_person(&mut tx, *id).await?,
        Whose::Guest(_) => true,
    };
    let person = find(&mut tx, &erasure.whose).await?;
    if !may_go {
        return Err(Error::WorksHere);
    }
    require_nothing_under_way(&mut tx, erasure).await?;
    Ok((tx, person))
}

async fn require_nothing_under_way(tx: &mut Tx, erasure: &Erasure) -> Result<(), Error> {
    let (Some(_), Whose::Account(id)) = (&erasure.myself, &erasure.whose) else { return Ok(()) };
    match orders::under_way(tx, *id).await? {
        0 => Ok(()),
        under_way => Err(Error::OrdersUnderWay(under_way)),
    }
}

/// Forgets some of what guests did under the person's address. False where there was nothing left.
async fn forget_guests(shop: &Shop, erasure: &Erasure) -> Result<bool, Error> {
    let (mut tx, person) = begin(shop, erasure).await?;
    let Some(email_key) = &person.proved_email_key else { return Ok(false) };
    let forgotten = orders::forget_guests(&mut tx, email_key, AT_ONCE, clock::now()).await?;
    let carts = carts::forget_guests(&mut tx, email_key, AT_ONCE).await?;
    let messages = notifications::forget_guests(&mut tx, email_key, AT_ONCE).await?;
    registry::forget_failed_calls(&mut tx, email_key).await?;
    let found = !(forgotten.orders.is_empty() && forgotten.drafts.is_empty() && carts.is_empty() && messages == 0);
    forget_bought(&mut tx, forgotten, carts).await?;
    tx.commit().await?;
    Ok(found)
}

async fn forget_account(shop: &Shop, erasure: &Erasure, id: Uuid) -> Result<(), Error> {
    let now = clock::now();
    let (mut tx, person) = begin(shop, erasure).await?;
    forget_bought_by(&mut tx, id, now).await?;
    // From here on, whoever would point to the account waits.
    if !accounts::forget_person(&mut tx, &person, now).await? {
        return Err(Error::WorksHere);
    }
    // What was begun meanwhile.
    require_nothing_under_way(&mut tx, erasure).await?;
    forget_bought_by(&mut tx, id, now).await?;
    // Of an address that was never proved, too: what failed about it is nobody's order.
    registry::forget_failed_calls(&mut tx, &Email::key_of(&person.email)).await?;
    prepaid::forget_person(&mut tx, id).await?;
    notifications::forget_person(&mut tx, id).await?;
    let mut subjects = reviews::forget_person(&mut tx, id).await?;
    subjects.push(id);
    forget_told(&mut tx, &subjects).await?;
    audit::forget_person(&mut tx, id).await?;
    if !person.forgotten {
        events::record(&mut tx, "user.deleted", id, json!({ "customer_id": id })).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn forget_bought_by(tx: &mut Tx, id: Uuid, now: Moment) -> Result<(), Error> {
    let forgotten = orders::forget_person(tx, id, now).await?;
    let carts = carts::forget_person(tx, id).await?;
    forget_bought(tx, forgotten, carts).await
}

/// What other domains know of these orders and carts.
async fn forget_bought(tx: &mut Tx, forgotten: Forgotten, carts: Vec<Uuid>) -> Result<(), Error> {
    let Forgotten { orders, numbers, drafts } = forgotten;
    for number in numbers {
        registry::forget_failed_calls(tx, &registry::subject_of_order(number)).await?;
    }
    documents::forget(tx, &orders).await?;
    coupons::forget_buyers(tx, &orders).await?;
    prepaid::forget(tx, &orders).await?;
    let shipments = fulfilment::forget(tx, &orders).await?;
    let returns = returns::forget(tx, &orders).await?;
    for cart_id in &carts {
        carts::forget_events(tx, *cart_id).await?;
    }
    forget_told(tx, &[orders, drafts, carts, shipments, returns].concat()).await
}

/// What was said, told, written down and answered about these: each is found by its index.
async fn forget_told(tx: &mut Tx, subjects: &[Uuid]) -> Result<(), Error> {
    for subject in subjects {
        let name = subject.to_string();
        notifications::forget_subject(tx, &name).await?;
        let events = events::forget_subject(tx, &name).await?;
        webhooks::forget_events(tx, &events).await?;
        audit::forget_subject(tx, &name).await?;
        registry::forget_failed_calls(tx, &name).await?;
        http::idempotency::forget_subject(tx, *subject).await?;
    }
    Ok(())
}
