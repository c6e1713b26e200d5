//! `[accounts]` of shop.toml.

use serde::{Deserialize, Deserializer};

/// `[accounts]` of shop.toml. docs/accounts.md says what to weigh when changing one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountsConfig {
    /// How long an access token is accepted, in seconds: 1 to 600.
    #[serde(deserialize_with = "within::<_, 1, 600>")]
    pub access_token_seconds: u64,
    /// Days until access tokens are signed with a new key; 0: only when `kassa keys rotate` says so. 0 to 3650.
    #[serde(deserialize_with = "within::<_, 0, 3_650>")]
    pub signing_key_days: u64,
    /// How far the clocks of two machines of this shop may differ when a token is checked, in seconds: 0 to 60.
    #[serde(deserialize_with = "within::<_, 0, 60>")]
    pub clock_leeway_seconds: u64,
    /// Days until a login ends and the password is asked for again, however busy the session was: 1 to 365.
    #[serde(deserialize_with = "within::<_, 1, 365>")]
    pub session_days: u64,
    /// How long a refresh token gives the same successor again when the answer was lost, in seconds: 0 to 60.
    #[serde(deserialize_with = "within::<_, 0, 60>")]
    pub refresh_grace_seconds: u64,
    /// Passwords that are hashed at once; each takes 19 MiB and a core: 1 to 64.
    #[serde(deserialize_with = "within::<_, 1, 64>")]
    pub hashes_at_once: u64,
    /// How long a request waits for its turn to hash before it is answered with `unavailable`, in milliseconds: 0 to 10000.
    #[serde(deserialize_with = "within::<_, 0, 10_000>")]
    pub hash_wait_ms: u64,
    /// Wrong passwords for one e-mail address before it has to wait; the first wait is a second, each further one twice as
    /// long: 1 to 100.
    #[serde(deserialize_with = "within::<_, 1, 100>")]
    pub free_login_failures: u64,
    /// The longest of these waits, in seconds: 1 to 3600.
    #[serde(deserialize_with = "within::<_, 1, 3_600>")]
    pub max_login_wait_seconds: u64,
    /// How long a login waits for its second factor, in minutes: 1 to 60.
    #[serde(deserialize_with = "within::<_, 1, 60>")]
    pub challenge_minutes: u64,
    /// Codes that such a login looks at: 1 to 20.
    #[serde(deserialize_with = "within::<_, 1, 20>")]
    pub challenge_attempts: u64,
    /// Such logins of one account that wait at a time; one more ends the oldest: 1 to 100.
    #[serde(deserialize_with = "within::<_, 1, 100>")]
    pub open_challenges: u64,
    /// Whether those who work for the shop need a second factor: without one, they may do nothing under `/v1/admin`.
    pub require_second_factor_of_staff: bool,
    /// Whether an address has to be confirmed before one can log in. A registration is then answered alike whether there is an
    /// account or not, and gives no tokens.
    pub confirm_before_login: bool,
    /// Whether whoever is signed in has to have a confirmed address before they order.
    pub confirm_before_checkout: bool,
    /// How long the links work that confirm an address, in minutes: 5 to 43200.
    #[serde(deserialize_with = "within::<_, 5, 43_200>")]
    pub confirm_link_minutes: u64,
    /// How long the links work that set a password, in minutes: 5 to 43200.
    #[serde(deserialize_with = "within::<_, 5, 43_200>")]
    pub reset_link_minutes: u64,
    /// How long an address that was sent one of these letters gets no other of its kind, in seconds: 0 to 3600.
    #[serde(deserialize_with = "within::<_, 0, 3_600>")]
    pub letter_pause_seconds: u64,
    /// Addresses in an address book: 1 to 1000.
    #[serde(deserialize_with = "within::<_, 1, 1_000>")]
    pub max_addresses: u64,
    /// The storefront's page that confirms an address, behind `shop.storefront_url`.
    #[serde(deserialize_with = "path")]
    pub confirm_email_path: String,
    /// The one that sets a password.
    #[serde(deserialize_with = "path")]
    pub reset_password_path: String,
    /// The one that agrees to another address, or refuses it.
    #[serde(deserialize_with = "path")]
    pub change_email_path: String,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            access_token_seconds: 600,
            signing_key_days: 90,
            clock_leeway_seconds: 5,
            session_days: 30,
            refresh_grace_seconds: 10,
            hashes_at_once: 2,
            hash_wait_ms: 2_000,
            free_login_failures: 10,
            max_login_wait_seconds: 900,
            challenge_minutes: 10,
            challenge_attempts: 5,
            open_challenges: 5,
            require_second_factor_of_staff: false,
            confirm_before_login: false,
            confirm_before_checkout: false,
            confirm_link_minutes: 2_880,
            reset_link_minutes: 60,
            letter_pause_seconds: 60,
            max_addresses: 50,
            confirm_email_path: "/account/confirm-email".into(),
            reset_password_path: "/account/reset-password".into(),
            change_email_path: "/account/change-email".into(),
        }
    }
}

/// Refuses a setting out of its range when it is read: clamped silently, it would not do what its file says.
fn within<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(deserializer: D) -> Result<u64, D::Error> {
    let value = u64::deserialize(deserializer)?;
    if (MIN..=MAX).contains(&value) {
        Ok(value)
    } else {
        Err(serde::de::Error::custom(format!("must be {MIN} to {MAX}")))
    }
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = String::deserialize(deserializer)?;
    if value.starts_with('/') && !value.contains('#') {
        Ok(value)
    } else {
        Err(serde::de::Error::custom("must begin with / and have no #"))
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    #[test]
    fn settings_out_of_range_are_refused() {
        for (text, fine) in [
            ("access_token_seconds = 600", true),
            ("access_token_seconds = 601", false),
            ("access_token_seconds = 0", false),
            ("clock_leeway_seconds = 60", true),
            ("clock_leeway_seconds = 61", false),
            ("hashes_at_once = 0", false),
            ("session_days = -1", false),
            ("reset_link_minutes = 4", false),
            ("reset_password_path = '/new-password'", true),
            ("reset_password_path = 'new-password'", false),
            ("reset_password_path = '/#/new-password'", false),
        ] {
            assert_eq!(Config::parse(&format!("[accounts]\n{text}")).is_ok(), fine, "{text}");
        }
    }
}
