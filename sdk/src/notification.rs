//! Whom to tell what: a plugin composes messages, the kernel delivers them with retries.

use serde::de::DeserializeOwned;

pub use crate::Error;
pub use crate::bindings::notification::exports::kassa::notification::notification::{Event, Message, Recipient, Shop};

/// A composer of messages. The type that implements it is the plugin's settings.
///
/// ```
/// use kassa_sdk::notification::{Error, Event, Message, Notification, Recipient, Shop};
/// use kassa_sdk::testing;
///
/// #[derive(serde::Deserialize)]
/// struct ThankYou {}
///
/// impl Notification for ThankYou {
///     fn compose(&self, event: &Event, to: &Recipient, _: &str, shop: &Shop) -> Result<Vec<Message>, Error> {
///         Ok(match event.kind.as_str() {
///             "order.paid" => vec![Message::email(format!("Thank you from {}", shop.name), format!("Dear {},", to.name))],
///             _ => vec![],
///         })
///     }
/// }
/// kassa_sdk::export!(notification: ThankYou);
///
/// let (event, to, shop) = (testing::event("order.paid", "{}"), testing::recipient(), testing::shop());
/// assert_eq!(ThankYou {}.compose(&event, &to, "en", &shop).unwrap()[0].subject, "Thank you from Test Shop");
/// ```
pub trait Notification: DeserializeOwned {
    /// The messages that one recipient gets about one event: at most 5; none for kinds that you do not know.
    /// `locale` is a BCP 47 tag: `en`, `ru-RU`. An event of kind `probe` with data `{}` is asked before activation.
    fn compose(&self, event: &Event, recipient: &Recipient, locale: &str, shop: &Shop) -> Result<Vec<Message>, Error>;
}

impl Message {
    /// A plain e-mail. Line breaks and other control characters of the subject become spaces, so that no value in it
    /// can add a header; the kernel refuses a subject that has them.
    pub fn email(subject: impl AsRef<str>, text: impl Into<String>) -> Message {
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let subject = subject.as_ref().chars().map(|c| if breaks(c) { ' ' } else { c }).take(200).collect();
        Message { channel: "email".to_owned(), subject, text: text.into(), html: None, attributes: Vec::new() }
    }

    /// The same with an HTML part. Escape every value that goes into it.
    pub fn with_html(self, html: impl Into<String>) -> Message {
        Message { html: Some(html.into()), ..self }
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_notification {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::bindings::notification::exports::kassa::notification::notification as contract;
            struct Component;
            impl contract::Guest for Component {
                fn compose(
                    event: contract::Event,
                    recipient: contract::Recipient,
                    locale: String,
                    shop: contract::Shop,
                ) -> Result<Vec<contract::Message>, $crate::Error> {
                    let plugin: $plugin = $crate::entry::plugin()?;
                    $crate::notification::Notification::compose(&plugin, &event, &recipient, &locale, &shop)
                }
            }
    $crate::bindings::notification::export!(Component with_types_in $crate::bindings::notification);
        };
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn exported<P: $crate::notification::Notification>() {}
            exported::<$plugin>();
        };
    };
}
