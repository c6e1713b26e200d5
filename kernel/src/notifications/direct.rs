//! Letters that hold a secret: a link that sets a password, say.
//!
//! They never travel through the outbox, whose events other systems see and keep. Whoever sends one composes it first, with no
//! transaction open, and queues it in the transaction that makes the secret good. They go by mail and no other way, their
//! text is dropped once they are sent, and nobody reads it in the delivery log.

use serde_json::Value;

use super::compose::{self, Answer};
use super::queue::{self, Occasion};
use super::reach::Reach;
use crate::clock;
use crate::db::{self, Tx};
use crate::events::Event;
use crate::plugins::notification::Message;
use crate::{Shop, id};

pub use compose::Recipient;

/// What the plugins wrote, ready to be queued.
pub struct Composed {
    event: Event,
    recipient: Recipient,
    messages: Vec<(String, Vec<Message>)>,
}

/// No plugin wrote anything, and at least one failed; the text names it. Worth trying again.
#[derive(Debug, thiserror::Error)]
#[error("no letter was composed: {0}")]
pub struct NotComposed(String);

/// Asks the bound plugins for what `recipient` is told about `kind`. `data` is as docs/events.md has it, secret included.
///
/// One plugin that fails does not hold up what another wrote: a letter that comes late is of less use than one that comes alone.
pub async fn compose(shop: &Shop, kind: &str, recipient: Recipient, data: Value) -> Result<Composed, NotComposed> {
    let event =
        Event { id: id::sequential(), kind: kind.to_owned(), subject: String::new(), data, occurred_at: clock::now() };
    let (mut composed, mut failures) = (Vec::new(), Vec::new());
    for Answer { plugin, messages } in compose::compose(shop, &event, &recipient, &Reach::by_email()).await {
        match messages {
            Ok(messages) => composed.push((plugin, messages)),
            Err(error) => failures.push(format!("{plugin}: {}", error.code())),
        }
    }
    if composed.iter().all(|(_, messages)| messages.is_empty()) && !failures.is_empty() {
        return Err(NotComposed(failures.join("; ")));
    }
    Ok(Composed { event, recipient, messages: composed })
}

/// Queues the messages in the caller's transaction; `shop.transports().wake()` after its commit sends them at once.
pub async fn queue(tx: &mut Tx, composed: &Composed) -> db::Result<()> {
    let Composed { event, recipient, messages } = composed;
    let reach = Reach::by_email();
    let occasion =
        Occasion { event_id: event.id, kind: &event.kind, about: "", recipient, reach: &reach, secret: true };
    for (plugin, messages) in messages {
        queue::put(tx, &occasion, plugin, messages, clock::now()).await?;
    }
    Ok(())
}
