//! A person's data, all of it: told to whoever may ask, and forgotten.
//!
//! Each domain that knows something of a person has two functions, `export_person` and `forget_person`; here they are called. A domain
//! that begins to know something of people joins them, and kernel/tests/privacy.rs fails until it does.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Error;
use crate::accounts::{self, Identity, Proof, Proved};
use crate::orders::{self, Forgotten};
use crate::{
    Shop, audit, carts, catalog, clock, coupons, documents, events, fulfilment, http, notifications, prepaid, returns,
    reviews, webhooks,
};

/// All that the shop knows of the person.
pub async fn export(shop: &Shop, id: Uuid) -> Result<Value, Error> {
    let mut conn = shop.db().read().await?;
    let person = accounts::find_person(&mut conn, id).await?.ok_or(Error::NotFound)?;
    let account = accounts::export_person(&mut conn, &person).await?;
    let orders = orders::export_person(&mut conn, &person).await?;
    let ids = orders::ids_of(&mut conn, &person).await?;
    let shipments = fulfilment::export(&mut conn, &ids).await?;
    let returns = returns::export(&mut conn, &ids).await?;
    let carts = carts::export_person(shop, &mut conn, &person).await?;
    let reviews = reviews::export_person(&mut conn, id).await?;
    let notifications = notifications::export_person(&mut conn, &person).await?;
    let admin_actions = audit::export_person(&mut conn, &person).await?;
    Ok(json!({
        "exported_at": clock::now(),
        "account": account,
        "orders": orders,
        "shipments": shipments,
        "returns": returns,
        "carts": carts,
        "reviews": reviews,
        "notifications": notifications,
        "admin_actions": admin_actions,
    }))
}

/// Forgets the person, at once and for ever: done again, it finds what has come to light since.
pub async fn erase(shop: &Shop, id: Uuid) -> Result<(), Error> {
    forget(shop, id, None).await
}

/// As [`erase`], for whoever is signed in and proves it. Not while goods are on their way to them.
pub async fn erase_myself(
    shop: &Shop,
    identity: &Identity,
    password: &str,
    proof: Option<&Proof>,
) -> Result<(), Error> {
    let proved = accounts::prove_both(shop, identity, password, proof).await?;
    forget(shop, identity.customer_id, Some(&proved)).await
}

/// `myself` is whoever forgets themselves.
async fn forget(shop: &Shop, id: Uuid, myself: Option<&Proved>) -> Result<(), Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    if let Some(proved) = myself {
        proved.hold(&mut tx).await?;
    }
    let person = accounts::find_person(&mut tx, id).await?.ok_or(Error::NotFound)?;
    // Before all else: it locks the account, so that nothing of it can be changed meanwhile.
    if !accounts::forget_person(&mut tx, &person, now).await? {
        return Err(Error::WorksHere);
    }
    let under_way = if myself.is_some() { orders::under_way(&mut tx, id).await? } else { 0 };
    if under_way > 0 {
        return Err(Error::OrdersUnderWay(under_way));
    }
    let carts = carts::forget_person(&mut tx, &person).await?;
    let Forgotten { orders, drafts } = orders::forget_person(&mut tx, &person, now).await?;
    documents::forget(&mut tx, &orders).await?;
    coupons::forget_buyers(&mut tx, &orders).await?;
    prepaid::forget_words(&mut tx, id, &orders).await?;
    let shipments = fulfilment::forget(&mut tx, &orders).await?;
    let returns = returns::forget(&mut tx, &orders).await?;
    let reviews = reviews::forget_person(&mut tx, id).await?;
    let subjects = [orders, drafts, carts, shipments, returns, reviews, vec![id]].concat();
    notifications::forget_person(&mut tx, &person, &subjects).await?;
    for subject in &subjects {
        let events = events::forget_subject(&mut tx, &subject.to_string()).await?;
        webhooks::forget_events(&mut tx, &events).await?;
        audit::forget_subject(&mut tx, &subject.to_string()).await?;
        http::idempotency::forget_subject(&mut tx, *subject).await?;
    }
    audit::forget_person(&mut tx, id).await?;
    if !person.forgotten {
        events::record(&mut tx, "user.deleted", id, json!({ "customer_id": id })).await?;
    }
    tx.commit().await?;
    // The ratings of products may have changed with the reviews.
    catalog::announce(shop);
    Ok(())
}
