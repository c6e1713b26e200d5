//! The ways by which a message reaches someone.

/// A way that the kernel has a transport for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    Email,
    Sms,
    /// To devices with the shop's app.
    Push,
    /// To the list that the app shows.
    Inbox,
}

impl Channel {
    /// Those on which messages are sent, by transports that may hang. What is for an inbox arrives as it is written.
    pub const SENT: [Self; 3] = [Self::Email, Self::Sms, Self::Push];

    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Email, "email"), (Self::Sms, "sms"), (Self::Push, "push"), (Self::Inbox, "inbox")];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(channel, _)| *channel == self).map_or("", |(_, name)| name)
    }

    /// None for a channel that a plugin names and no transport serves.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(channel, _)| *channel)
    }
}
