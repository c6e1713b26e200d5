//! The HTTP side of accounts.

mod addresses;
mod api_keys;
mod groups;
mod introspection;
mod my_sessions;
mod preferences;
mod profile;
mod recovery;
mod second_factor;
mod sessions;
mod staff;
mod staff_policy;

use super::{Error, is_locale};
use crate::http::extract::Checks;
use crate::problem::{Kind, Problem};

pub use addresses::*;
pub use api_keys::*;
pub use groups::*;
pub use introspection::*;
pub use my_sessions::*;
pub use preferences::*;
pub use profile::*;
pub use recovery::*;
pub use second_factor::*;
pub use sessions::*;
pub use staff::*;
pub use staff_policy::*;

const MAX_NAME_CHARS: usize = 200;
const LOCALE_DETAIL: &str = "must be a BCP 47 language tag, like en or pt-BR";

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::EmailTaken => Problem::new(Kind::EmailTaken),
            Error::InvalidCredentials => Problem::new(Kind::InvalidCredentials),
            Error::AccountUnproved => Problem::new(Kind::Unauthenticated).detail(error.to_string()),
            Error::InvalidToken => Problem::new(Kind::InvalidToken),
            Error::AddressNotFound | Error::GroupNotFound | Error::CustomerNotFound => Problem::not_found(),
            Error::GroupTaken => Problem::new(Kind::CodeTaken).detail(error.to_string()),
            Error::GroupInUse => Problem::new(Kind::CustomerGroupInUse),
            Error::GroupUnknown => Problem::invalid_field("/group", error.to_string()),
            Error::TooManyAddresses { .. } => Problem::invalid_field("", error.to_string()),
            Error::InvalidLink => Problem::new(Kind::InvalidLink),
            Error::EmailUnconfirmed => Problem::new(Kind::EmailUnconfirmed),
            Error::SameEmail => Problem::invalid_field("/email", "is the address already"),
            Error::SecondFactorExists => Problem::new(Kind::SecondFactorExists),
            Error::NoSecondFactor => Problem::not_found(),
            Error::InvalidCode => Problem::new(Kind::InvalidCode),
            Error::InvalidChallenge => Problem::new(Kind::InvalidChallenge),
            Error::Disabled => Problem::new(Kind::AccountDisabled),
            Error::RefreshTokenReused => Problem::new(Kind::RefreshTokenReused),
            Error::TooManyAttempts { retry_after_seconds } => {
                Problem::new(Kind::TooManyRequests).retry_after(retry_after_seconds)
            }
            Error::Busy => Problem::new(Kind::Unavailable).detail("too many logins at once").retry_after(1),
            Error::Email(error) => Problem::invalid_field("/email", error.to_string()),
            Error::Password(error) => Problem::invalid_field("/password", error.to_string()),
            Error::Database(error) => error.into(),
            Error::CredentialsFile { .. } | Error::Cryptography(_) | Error::Sealed(_) => Problem::internal(error),
        }
    }
}

fn check_profile(checks: &mut Checks, name: Option<&str>, locale: Option<&str>) {
    if let Some(name) = name {
        checks.line(name, 0, MAX_NAME_CHARS, "/name");
    }
    checks.require(locale.is_none_or(is_locale), "/locale", LOCALE_DETAIL);
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::http::extract::parse_json;

    /// The pointers that are wrong about `body`; none where it is taken.
    pub fn wrong<T: serde::de::DeserializeOwned, C>(body: &Value, check: fn(T) -> Result<C, Problem>) -> Vec<String> {
        match parse_json(body.to_string().as_bytes()).and_then(check) {
            Ok(_) => Vec::new(),
            Err(problem) => {
                assert_eq!(problem.kind, Kind::InvalidRequest, "{body}");
                let errors = problem.to_json()["errors"].as_array().cloned().unwrap_or_default();
                errors.iter().filter_map(|error| error["pointer"].as_str().map(str::to_owned)).collect()
            }
        }
    }
}
