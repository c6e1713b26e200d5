//! From what plugins said to messages that wait to be sent.

use serde_json::Value;
use uuid::Uuid;

use super::channel::Channel;
use super::compose::{Answer, Recipient};
use super::inbox::{self, NewItem};
use super::reach::Reach;
use super::store;
use super::store::queue::NewMessage;
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::events::{self, Event, HandleError};
use crate::plugins::notification::Message;
use crate::{Shop, accounts, id, orders};

/// What the messages are about, and for whom.
pub(super) struct Occasion<'a> {
    pub event_id: Uuid,
    pub kind: &'a str,
    pub about: &'a str,
    pub recipient: &'a Recipient,
    pub reach: &'a Reach,
    /// The texts hold a link that opens an account.
    pub secret: bool,
}

/// Items that were written into an inbox: to be told to the hub after the commit.
pub(super) type Told = Vec<(Uuid, i64)>;

/// Queues what the plugins said, each plugin's answer once. Those that failed make the event come again.
pub(super) async fn queue(
    shop: &Shop,
    event: &Event,
    recipient: &Recipient,
    reach: &Reach,
    answers: Vec<Answer>,
) -> Result<(), HandleError> {
    let mut failures = Vec::new();
    let mut usable = Vec::new();
    for Answer { plugin, messages } in answers {
        match messages {
            Ok(messages) => usable.push((plugin, messages)),
            Err(error) => failures.push(format!("{plugin}: {}", error.code())),
        }
    }
    if !usable.is_empty() {
        let now = clock::now();
        let occasion =
            Occasion { event_id: event.id, kind: &event.kind, about: &event.subject, recipient, reach, secret: false };
        let mut told = Told::new();
        let mut tx = shop.db().write().await?;
        if is_forgotten(&mut tx, event, recipient).await? {
            return Ok(());
        }
        for (plugin, messages) in usable {
            // A note for each plugin: one that fails for hours must not hold up what another says.
            if events::consume_once(&mut tx, &format!("notifications/{plugin}"), event.id, now).await? {
                told.extend(put(&mut tx, &occasion, &plugin, &messages, now).await?);
            }
        }
        tx.commit().await?;
        announce(shop, told);
    }
    if failures.is_empty() { Ok(()) } else { Err(HandleError(failures.join("; "))) }
}

/// Whether the event outlived the person whom it names: they, or the person of the order that it is about, were forgotten meanwhile. What is
/// said now would stay.
async fn is_forgotten(tx: &mut Tx, event: &Event, recipient: &Recipient) -> db::Result<bool> {
    if let Some(customer_id) = recipient.customer_id {
        return accounts::is_forgotten(tx, customer_id).await;
    }
    let named = event.data.pointer("/order_id").and_then(Value::as_str).unwrap_or(&event.subject);
    match named.parse() {
        Ok(order_id) => orders::is_forgotten(tx, order_id).await,
        Err(_) => Ok(false),
    }
}

/// Wakes who waits for what [`put`] wrote. After the commit.
pub(super) fn announce(shop: &Shop, told: Told) {
    shop.transports().wake();
    told.into_iter().for_each(|(person, position)| shop.inboxes().told(person, position));
}

/// Keeps the messages of one plugin: queued, or with the reason why they are not.
pub(super) async fn put(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    plugin: &str,
    messages: &[Message],
    now: Moment,
) -> db::Result<Told> {
    let mut told = Told::new();
    for message in messages {
        for (recipient, status, reason) in addresses(occasion, &message.channel) {
            insert(tx, occasion, plugin, message, (recipient, status, reason), now).await?;
            if status == "sent"
                && let Some(person) = occasion.recipient.customer_id
            {
                let item = NewItem {
                    kind: occasion.kind,
                    about: occasion.about,
                    title: &message.subject,
                    text: &message.text,
                    attributes: &message.attributes,
                };
                told.push((person, inbox::put(tx, person, item, now).await?));
            }
        }
    }
    Ok(told)
}

/// Where a message goes, one for each device, and as what it is kept.
fn addresses<'a>(occasion: &'a Occasion<'_>, channel: &str) -> Vec<(&'a str, &'static str, Option<&'static str>)> {
    let Occasion { recipient, reach, secret, .. } = occasion;
    let Some(channel) = Channel::parse(channel) else {
        return vec![("", "dead", Some("no transport for this channel"))];
    };
    // Only mail proves whose address it is: a link that opens an account goes nowhere else.
    if !reach.channels.contains(&channel) || (*secret && channel != Channel::Email) {
        return vec![(
            "",
            "suppressed",
            Some("there is no address for this channel, or the recipient does not want it"),
        )];
    }
    match channel {
        Channel::Email => vec![(recipient.email.as_str(), "queued", None)],
        Channel::Sms => vec![(recipient.phone.as_str(), "queued", None)],
        Channel::Push => reach.devices.iter().map(|device| (device.as_str(), "queued", None)).collect(),
        // Written with the message: it has arrived.
        Channel::Inbox => vec![("", "sent", None)],
    }
}

async fn insert(
    tx: &mut Tx,
    occasion: &Occasion<'_>,
    plugin: &str,
    message: &Message,
    (recipient, status, reason): (&str, &'static str, Option<&str>),
    now: Moment,
) -> db::Result<()> {
    // What is not sent is not kept either, where it holds a secret.
    let hidden = occasion.secret && status != "queued";
    let none = Vec::new();
    let new = NewMessage {
        id: id::sequential(),
        event_id: occasion.event_id,
        kind: occasion.kind,
        about: occasion.about,
        plugin,
        channel: &message.channel,
        customer_id: occasion.recipient.customer_id,
        recipient_name: &occasion.recipient.name,
        recipient,
        subject: if hidden { "" } else { &message.subject },
        body_text: if hidden { "" } else { &message.text },
        body_html: message.html.as_deref().filter(|_| !hidden),
        attributes: if hidden { &none } else { &message.attributes },
        secret: occasion.secret,
        status,
        reason,
        created_at: now,
    };
    store::queue::insert_message(tx, &new).await
}
