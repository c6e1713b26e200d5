//! The only place that reads the time.

use chrono::{DateTime, SubsecRound, Utc};

/// A moment, cut to microseconds: what both databases keep, so that a value read back equals the one written.
pub type Moment = DateTime<Utc>;

/// Now.
#[allow(clippy::disallowed_methods, reason = "this is the place")]
pub fn now() -> Moment {
    Utc::now().trunc_subsecs(6)
}

/// `moment` as the contract of the plugins wants it: seconds since 1970.
pub fn unix_seconds(moment: Moment) -> u64 {
    u64::try_from(moment.timestamp()).unwrap_or_default()
}
