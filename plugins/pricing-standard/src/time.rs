//! Points in time as a merchant writes them: `2026-12-24T18:00:00Z`, always UTC.

use serde::Deserialize;

/// Seconds since 1970, read from `YYYY-MM-DDThh:mm:ssZ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct UtcTime(u64);

impl UtcTime {
    pub fn seconds(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<UtcTime> {
        let bytes = text.as_bytes();
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
        if bytes.len() != 20 || marks.iter().any(|&(at, mark)| bytes[at] != mark) {
            return None;
        }
        let number = |from: usize, to: usize| {
            bytes[from..to]
                .iter()
                .try_fold(0u64, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u64::from(digit - b'0')))
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let in_range = year >= 1970 && (1..=12).contains(&month) && (1..=days_of_month(year, month)).contains(&day);
        (in_range && hour < 24 && minute < 60 && second < 60)
            .then(|| UtcTime((days_since_1970(year, month, day) * 24 + hour) * 3600 + minute * 60 + second))
    }
}

impl TryFrom<String> for UtcTime {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        UtcTime::parse(&text).ok_or("not a time in UTC such as 2026-12-24T18:00:00Z")
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let before = year - 1;
    // 477 leap days lie before 1970.
    let leap_days = before / 4 - before / 100 + before / 400 - 477;
    let days_of_year: u64 = (1..month).map(|month| days_of_month(year, month)).sum();
    (year - 1970) * 365 + leap_days + days_of_year + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-01T12:00:00Z", Some(kassa_sdk::testing::NOW)),
            ("2000-02-29T23:59:59Z", Some(951_868_799)),
            ("2000-03-01T00:00:00Z", Some(951_868_800)),
            ("2100-03-01T00:00:00Z", Some(4_107_542_400)),
            ("2023-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-01-01T24:00:00Z", None),
            ("2026-01-01 00:00:00Z", None),
            ("2026-01-01T00:00:00+01:00", None),
            ("20é6-01-01T00:00:00Z", None),
            ("", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(UtcTime::parse(text).map(UtcTime::seconds), seconds, "{text}");
        }
    }
}
