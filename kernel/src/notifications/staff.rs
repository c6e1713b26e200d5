//! What those who work for the shop find in their inbox: what happened in the areas that they may look after.
//!
//! These texts are the kernel's own, short and in English: a web admin shows its own by `kind`. Shoppers' texts come from the
//! plugin.

use futures_util::future::BoxFuture;
use serde_json::Value;

use uuid::Uuid;

use super::compose::Recipient;
use super::inbox::{self, NewItem};
use super::queue::{self, Occasion, Told};
use super::reach::Reach;
use crate::accounts::{self, Permission};
use crate::clock::Moment;
use crate::db::{self, Tx};
use crate::events::{self, Consumer, Event, HandleError};
use crate::plugins::notification::Message;
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
    ("return.requested", Permission::Orders, |data| format!("Order {}: goods are to come back", text(data, "number"))),
    ("stock.low", Permission::Catalog, |data| format!("Low stock: {}", text(data, "sku"))),
    ("stock.out", Permission::Catalog, |data| format!("Out of stock: {}", text(data, "sku"))),
    // These two are about an order, which is a guest's: whoever knows its id may see it.
    ("stock.short", Permission::Orders, |data| format!("Paid, but the goods are gone: {}", goods(data))),
    ("stock.backordered", Permission::Orders, |data| format!("An order waits for goods: {}", goods(data))),
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

/// In the place of a field that an event lacks: a title that ends with nothing would look whole.
const MISSING: &str = "?";

fn text<'a>(data: &'a Value, name: &str) -> &'a str {
    data.get(name).and_then(Value::as_str).unwrap_or(MISSING)
}

/// The first of the lines, and how many others there are.
fn goods(data: &Value) -> String {
    let lines = data.get("lines").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let first = lines.first().map_or(MISSING, |line| text(line, "sku"));
    match lines.len() {
        0 | 1 => first.to_owned(),
        count => format!("{first} and {} more", count - 1),
    }
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
        if let Some(text) = urgent(event) {
            mail(&mut tx, event, person, title, &text, now).await?;
        }
    }
    tx.commit().await?;
    queue::announce(shop, told);
    Ok(())
}

/// The text of a letter, where waiting for somebody to look into their inbox would be too long: the kernel took plugins back by itself.
fn urgent(event: &Event) -> Option<String> {
    let reason = event.data.get("reason").and_then(Value::as_str)?;
    let rollout = text(&event.data, "rollout_id");
    (event.kind == "plugin.rolled-back").then(|| {
        format!(
            "The kernel took a candidate for {} back by itself: {reason}.\n\nThe plugins that were in force before are in force again. \
             What was seen is kept with the rollout {rollout}.\n",
            text(&event.data, "domain")
        )
    })
}

/// Not composed by the plugin: shoppers' texts are its business, and it may be what was taken back.
async fn mail(tx: &mut Tx, event: &Event, person: Uuid, title: &str, text: &str, now: Moment) -> db::Result<()> {
    let Some(customer) = accounts::customer_in(tx, person).await? else { return Ok(()) };
    let recipient = Recipient {
        customer_id: Some(person),
        name: customer.name,
        email: customer.email,
        phone: String::new(),
        locale: "en".into(),
    };
    let reach = Reach::by_email();
    let occasion = Occasion {
        event_id: event.id,
        kind: &event.kind,
        about: &event.subject,
        recipient: &recipient,
        reach: &reach,
        secret: false,
    };
    let message = Message {
        channel: "email".into(),
        subject: title.to_owned(),
        text: text.to_owned(),
        html: None,
        attributes: Vec::new(),
    };
    queue::put(tx, &occasion, "kassa", &[message], now).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    const DOCUMENTATION: &str = include_str!("../../../docs/events.md");

    /// What docs/events.md says about a kind: the JSON of its section, or the fields of its row in the table of the others.
    fn documented(kind: &str) -> Value {
        let name = format!("`{kind}`");
        let section = DOCUMENTATION.split("\n## ").find(|section| section.lines().next().unwrap().contains(&name));
        if let Some(section) = section {
            let json = section.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
            let own = json.map(|json| serde_json::from_str::<Value>(json).unwrap());
            let mut data = own.unwrap_or_else(|| panic!("{kind} has no example"));
            if section.contains("As the others of an order") {
                merge(&mut data, documented("order.placed"));
            }
            return data;
        }
        let row = DOCUMENTATION
            .lines()
            .find(|line| line.starts_with("| `") && line.split('|').nth(1).unwrap().contains(&name));
        let fields = row.unwrap_or_else(|| panic!("{kind} is not documented")).split('|').nth(2).unwrap();
        // Every second piece stands between backticks; what stands in brackets are values.
        fields.split('`').skip(1).step_by(2).map(|field| (field.to_owned(), json!("it"))).collect::<Map<_, _>>().into()
    }

    fn merge(data: &mut Value, others: Value) {
        let (Some(data), Value::Object(others)) = (data.as_object_mut(), others) else { panic!("no objects") };
        for (name, value) in others {
            data.entry(name).or_insert(value);
        }
    }

    #[test]
    fn titles_are_made_of_what_their_events_have() {
        for (kind, _, title) in TOLD {
            let title = title(&documented(kind));
            assert!(!title.contains(MISSING) && !title.trim_end().ends_with(':'), "{kind}: {title}");
        }
    }

    #[test]
    fn a_field_that_is_missing_shows() {
        for (kind, _, title) in TOLD {
            // That of a review says one of two things, and has no field in it.
            assert!(*kind == "review.created" || title(&json!({})).contains(MISSING), "{kind}");
        }
    }

    #[test]
    fn many_goods_are_told_by_the_first() {
        let lines = |count: usize| json!({ "lines": vec![json!({ "sku": "mug" }); count] });
        assert_eq!([1, 3].map(|count| goods(&lines(count))), ["mug", "mug and 2 more"]);
    }
}
