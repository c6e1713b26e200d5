//! How someone may be reached about something: what there is an address for, and what they want.

use std::collections::BTreeSet;

use super::channel::Channel;
use super::compose::Recipient;
use super::store;
use crate::{Shop, db};

/// The channels that are open to a message, and the devices of the person.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reach {
    pub channels: BTreeSet<Channel>,
    /// Tokens, for [`Channel::Push`].
    pub devices: Vec<String>,
}

/// What a person wants to be told by.
#[derive(Debug, Clone, Copy)]
struct Wishes {
    email: bool,
    sms: bool,
    push: bool,
    inbox: bool,
}

impl Wishes {
    /// Of someone who said nothing about events of `kind`. A guest gave a phone number with the address so as to be called about
    /// the delivery; who has an account is asked first. What is not owed is advertising, and that needs a consent.
    fn unsaid(guest: bool, kind: &str) -> Self {
        let owed = is_owed(kind);
        Self { email: owed, sms: owed && guest, push: owed, inbox: owed }
    }
}

impl Reach {
    /// How `recipient` may be reached about an event of `kind`.
    pub async fn of(shop: &Shop, recipient: &Recipient, kind: &str) -> db::Result<Self> {
        let devices = match recipient.customer_id {
            Some(id) => store::push_tokens::devices_of(&mut shop.db().read().await?, id).await?,
            None => Vec::new(),
        };
        let wishes = Wishes::unsaid(recipient.customer_id.is_none(), kind);
        let devices = devices.into_iter().map(|device| device.token).collect();
        Ok(Self { channels: channels(recipient, &wishes, &devices, kind), devices })
    }

    /// Mail and nothing else.
    pub fn by_email() -> Self {
        Self { channels: BTreeSet::from([Channel::Email]), devices: Vec::new() }
    }

    /// As plugins are told: `email inbox`.
    pub fn names(&self) -> String {
        self.channels.iter().map(|channel| channel.name()).collect::<Vec<_>>().join(" ")
    }
}

fn channels(recipient: &Recipient, wishes: &Wishes, devices: &Vec<String>, kind: &str) -> BTreeSet<Channel> {
    let open = [
        (Channel::Email, !recipient.email.is_empty() && (wishes.email || is_owed(kind))),
        (Channel::Sms, !recipient.phone.is_empty() && wishes.sms),
        (Channel::Push, !devices.is_empty() && wishes.push),
        (Channel::Inbox, recipient.customer_id.is_some() && wishes.inbox),
    ];
    open.into_iter().filter(|(_, open)| *open).map(|(channel, _)| channel).collect()
}

/// Whether a mail of this kind is part of the bargain: whoever buys is told in writing what became of the order, and an
/// account cannot be had without its mails. Nobody can switch these off.
fn is_owed(kind: &str) -> bool {
    const OWED: [&str; 7] = ["order.", "shipment.", "return.", "payment.", "account.", "user.", "gift-card."];
    OWED.iter().any(|prefix| kind.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_open_where_there_is_an_address_and_a_wish() {
        let guest = Recipient {
            customer_id: None,
            name: String::new(),
            email: "a@example.org".into(),
            phone: "+493012345".into(),
            locale: "en".into(),
        };
        let customer = Recipient { customer_id: Some(crate::id::sequential()), ..guest.clone() };
        let (none, all) = (
            Wishes { email: false, sms: false, push: false, inbox: false },
            Wishes { email: true, sms: true, push: true, inbox: true },
        );
        let device = vec!["token".to_owned()];
        let unsaid = |recipient: &Recipient, kind| Wishes::unsaid(recipient.customer_id.is_none(), kind);
        for (recipient, wishes, devices, kind, expected) in [
            (&guest, unsaid(&guest, "order.paid"), &vec![], "order.paid", "email sms"),
            (&customer, unsaid(&customer, "order.paid"), &vec![], "order.paid", "email inbox"),
            (&customer, unsaid(&customer, "cart.abandoned"), &device, "cart.abandoned", ""),
            (&customer, all, &device, "cart.abandoned", "email sms push inbox"),
            (&customer, none, &device, "cart.abandoned", ""),
            (&customer, none, &device, "order.paid", "email"),
        ] {
            let reach = Reach { channels: channels(recipient, &wishes, devices, kind), devices: Vec::new() };
            assert_eq!(reach.names(), expected, "{kind}");
        }
    }
}
