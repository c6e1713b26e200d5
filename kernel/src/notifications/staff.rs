//! What those who work for the shop find in their inbox: what happened in the areas that they may look after.
//!
//! These texts are the kernel's own, short and in English: a web admin shows its own by `kind`. Shoppers' texts come from the
//! plugin.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::inbox::{self, NewItem};
use super::queue::{self, Told};
use crate::accounts::{self, Permission};
use crate::events::{self, Consumer, Event, HandleError};
use crate::{Shop, clock};

/// The title of an item, from the data of its event.
type Title = fn(&Value) -> String;

/// Which events staff are told, and what permission makes it their business.
const TOLD: &[(&str, Permission, Title)] = &[
    ("order.placed", Permission::Orders, |data| format!("New order {}", text(data, "number"))),
    ("order.cancelled", Permission::Orders, |data| format!("Order {} is cancelled", text(data, "number"))),
    ("payment.unknown", Permission::Refunds, |data| {
        format!("A payment hangs in the air: order {}", text(data, "number"))
    }),
    ("stock.low", Permission::Catalog, |data| format!("Low stock: {}", text(data, "sku"))),
    ("review.created", Permission::Catalog, |data| match text(data, "status") {
        "published" => "There is a new review".to_owned(),
        _ => "A review waits for moderation".to_owned(),
    }),
    ("plugin.activated", Permission::Plugins, |data| format!("Plugins for {} were changed", text(data, "domain"))),
    ("plugin.rolled-back", Permission::Plugins, |data| {
        format!("Plugins for {} were rolled back", text(data, "domain"))
    }),
    ("message.dead", Permission::Settings, |data| {
        format!("A message could not be sent by {}: {}", text(data, "channel"), text(data, "code"))
    }),
    ("webhook.disabled", Permission::Settings, |data| format!("A webhook was switched off: {}", text(data, "host"))),
];

fn text<'a>(data: &'a Value, name: &str) -> &'a str {
    data.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The consumer that fills the inboxes of staff.
pub struct StaffInbox;

impl Consumer for StaffInbox {
    fn name(&self) -> &'static str {
        "staff-inbox"
    }

    fn handle<'a>(&'a self, shop: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>> {
        Box::pin(async move {
            match TOLD.iter().find(|(kind, ..)| *kind == event.kind) {
                Some((_, permission, title)) => tell(shop, event, *permission, &title(&event.data)).await,
                None => Ok(()),
            }
        })
    }
}

async fn tell(shop: &Shop, event: &Event, permission: Permission, title: &str) -> Result<(), HandleError> {
    let now = clock::now();
    let mut told = Told::new();
    let mut tx = shop.db().write().await?;
    if !events::consume_once(&mut tx, "staff-inbox", event.id, now).await? {
        return Ok(());
    }
    for person in accounts::staff_who_may(&mut tx, permission).await? {
        let item = NewItem { kind: &event.kind, about: &event.subject, title, text: "", attributes: &[] };
        told.push((person, inbox::put(&mut tx, person, item, now).await?));
    }
    tx.commit().await?;
    queue::announce(shop, told);
    Ok(())
}
