//! The only place that reads the time.

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use serde::{Deserialize, Deserializer};

/// A moment, cut to microseconds: what both databases keep, so that a value read back equals the one written.
pub type Moment = DateTime<Utc>;

/// Now.
#[allow(clippy::disallowed_methods, reason = "this is the place")]
pub fn now() -> Moment {
    Utc::now().trunc_subsecs(6)
}

/// A moment that somebody sent, in a request or a cursor: in the years 1970 to 9999, cut to microseconds. Years before the common era
/// are beyond PostgreSQL, and from the year 10000 on SQLite's texts do not sort any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Moment")]
pub struct Given(Moment);

impl TryFrom<Moment> for Given {
    type Error = &'static str;

    fn try_from(moment: Moment) -> Result<Self, Self::Error> {
        // By way of a number, in which a leap second is none.
        let moment = DateTime::from_timestamp_micros(moment.timestamp_micros()).unwrap_or(moment);
        if (1970..10_000).contains(&moment.year()) {
            Ok(Self(moment))
        } else {
            Err("must be in the years 1970 to 9999")
        }
    }
}

impl From<Given> for Moment {
    fn from(given: Given) -> Self {
        given.0
    }
}

/// As [`Given`], for a field that is a moment otherwise.
pub fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
    Given::deserialize(deserializer).map(Moment::from)
}

/// `moment` as the contract of the plugins wants it: seconds since 1970.
pub fn unix_seconds(moment: Moment) -> u64 {
    u64::try_from(moment.timestamp()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_somebody_sent_is_one_that_both_databases_keep() {
        for (text, expected) in [
            ("2026-11-29T12:00:00.123456789Z", Some("2026-11-29T12:00:00.123456Z")),
            ("2026-11-29T12:00:00+02:00", Some("2026-11-29T10:00:00Z")),
            ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
            ("9999-12-31T23:59:59.999999Z", Some("9999-12-31T23:59:59.999999Z")),
            ("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00Z")),
            ("1969-12-31T23:59:59Z", None),
            ("-9999-01-01T00:00:00Z", None),
            ("+10000-01-01T00:00:00Z", None),
            ("9999-12-31T23:59:59-01:00", None),
        ] {
            let given: Option<Given> = serde_json::from_value(text.into()).ok();
            let expected = expected.map(|text| text.parse::<Moment>().expect(text));
            assert_eq!(given.map(Moment::from), expected, "{text}");
        }
    }
}
