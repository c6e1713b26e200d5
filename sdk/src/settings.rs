//! Typed settings: the plugin's own type is read from the JSON that the merchant saved.

use serde::de::DeserializeOwned;

use crate::Error;

/// Reads settings; what does not fit becomes [`Error::InvalidSettings`], naming the place in the JSON:
/// `coupons[0].percent_bp: invalid type: string "ten", expected u32`.
///
/// An instance lives for one call, so this runs once for each call: keep settings types lean. The plain parser goes
/// first, because tracking the path costs about as much again; only settings that it refuses are read a second time.
pub fn parse<S: DeserializeOwned>(json: &str) -> Result<S, Error> {
    // serde would read a list into a struct, field by field.
    if !json.trim_ascii_start().starts_with('{') {
        return Err(Error::InvalidSettings("settings must be a JSON object".to_owned()));
    }
    serde_json::from_str(json).or_else(|_| parse_with_path(json))
}

#[cold]
#[inline(never)]
fn parse_with_path<S: DeserializeOwned>(json: &str) -> Result<S, Error> {
    let mut reader = serde_json::Deserializer::from_str(json);
    match serde_path_to_error::deserialize(&mut reader) {
        Ok(settings) => reader.end().map(|()| settings).map_err(|error| Error::InvalidSettings(error.to_string())),
        Err(error) => Err(Error::InvalidSettings(match error.path().to_string() {
            // The whole, and a place that the parser did not come to.
            path if path == "." || path == "?" => error.inner().to_string(),
            path => format!("{path}: {}", error.inner()),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Money, Rate};

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its parsing is tested")]
    struct Settings {
        #[serde(default)]
        coupons: Vec<Coupon>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only its parsing is tested")]
    struct Coupon {
        percent_bp: Rate,
        minimum: Money,
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_path() {
        #[rustfmt::skip]
        let cases = [
            (r#"{"coupons": [{"percent_bp": "ten", "minimum": 0}]}"#, "coupons[0].percent_bp: invalid type: string \"ten\""),
            (r#"{"coupons": [{"percent_bp": 1, "minimum": 9007199254740992}]}"#, "coupons[0].minimum: the amount is beyond"),
            (r#"{"coupons": [{"percent_bp": 1}]}"#, "coupons[0]: missing field `minimum`"),
            (r#"{"cupons": []}"#, "cupons: unknown field `cupons`"),
            ("{", "EOF while parsing"),
            ("[]", "settings must be a JSON object"),
            ("{} {}", "trailing characters"),
        ];
        for (json, expected) in cases {
            match parse::<Settings>(json) {
                Err(Error::InvalidSettings(text)) => assert!(text.starts_with(expected), "{json}: {text}"),
                other => panic!("{json}: {other:?}"),
            }
        }
        assert!(parse::<Settings>("{}").is_ok());
    }
}
