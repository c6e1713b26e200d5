//! Typed settings: the plugin's own type is read from the JSON that the merchant saved.

use serde::de::DeserializeOwned;

use serde_path_to_error::{Path, Segment};

use crate::{Configurable, Error, Mistake};

/// Reads settings; what does not fit becomes [`Error::InvalidSettings`], naming the place in the JSON:
/// `coupons[0].percent_bp: invalid type: string "ten", expected u32`.
///
/// An instance lives for one call, so this runs once for each call: keep settings types lean. The plain parser goes
/// first, because tracking the path costs about as much again; only settings that it refuses are read a second time.
pub fn parse<S: DeserializeOwned>(json: &str) -> Result<S, Error> {
    // serde would read a list into a struct, field by field.
    if !json.trim_ascii_start().starts_with('{') {
        return Err(Error::InvalidSettings(NO_OBJECT.to_owned()));
    }
    serde_json::from_str(json).or_else(|_| {
        read_with_path(json).map_err(|(path, error)| {
            Error::InvalidSettings(match path.map(|path| path.to_string()) {
                // The whole, and a place that the parser did not come to.
                Some(path) if path != "." && path != "?" => format!("{path}: {error}"),
                _ => error.to_string(),
            })
        })
    })
}

const NO_OBJECT: &str = "settings must be a JSON object";

/// What is wrong with settings: the place where they cannot be read, else what their type says of them.
pub(crate) fn validate<S: Configurable>(json: &str) -> Result<(), Vec<Mistake>> {
    if !json.trim_ascii_start().starts_with('{') {
        return Err(vec![Mistake::at("", NO_OBJECT)]);
    }
    let mistakes = match read_with_path::<S>(json) {
        Ok(settings) => settings.mistakes(),
        Err((path, error)) => {
            vec![Mistake::at(path.as_ref().map(pointer_of).unwrap_or_default(), error.to_string())]
        }
    };
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

#[cold]
#[inline(never)]
fn read_with_path<S: DeserializeOwned>(json: &str) -> Result<S, (Option<Path>, serde_json::Error)> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let settings = serde_path_to_error::deserialize(&mut reader);
    let settings = settings.map_err(|error| (Some(error.path().clone()), error.into_inner()))?;
    reader.end().map(|()| settings).map_err(|error| (None, error))
}

/// RFC 6901. A place that the parser did not come to ends the pointer.
fn pointer_of(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => break,
        };
        pointer.push('/');
        pointer.push_str(&part);
    }
    pointer
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

    /// Percentages that add up to a whole, under names as odd as a merchant may choose them.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shares {
        shares: std::collections::BTreeMap<String, Vec<u8>>,
    }

    impl Configurable for Shares {
        fn mistakes(&self) -> Vec<Mistake> {
            let wrong =
                self.shares.iter().filter(|(_, parts)| parts.iter().map(|part| u32::from(*part)).sum::<u32>() != 100);
            wrong.map(|(name, _)| Mistake::at(format!("/shares/{name}"), "must add up to 100")).collect()
        }
    }

    #[test]
    fn a_mistake_has_its_place_as_a_json_pointer() {
        #[rustfmt::skip]
        let cases = [
            (r#"{"shares": {"a": [100], "b": [50, 50]}}"#, vec![]),
            (r#"{"shares": {"a": [99], "b": [50]}}"#, vec![("/shares/a", "must add up"), ("/shares/b", "must add up")]),
            (r#"{"shares": {"a": [1, "x"]}}"#, vec![("/shares/a/1", "invalid type: string")]),
            (r#"{"shares": {"a/b~c": 1}}"#, vec![("/shares/a~1b~0c", "invalid type: integer")]),
            (r#"{"share": {}}"#, vec![("/share", "unknown field `share`")]),
            ("{}", vec![("", "missing field `shares`")]),
            ("{", vec![("", "EOF while parsing")]),
            (r#"{"shares": {}} {}"#, vec![("", "trailing characters")]),
            ("[]", vec![("", "settings must be a JSON object")]),
        ];
        for (json, expected) in cases {
            let found = validate::<Shares>(json).err().unwrap_or_default();
            assert_eq!(found.len(), expected.len(), "{json}: {found:?}");
            for (mistake, (pointer, detail)) in found.iter().zip(expected) {
                assert_eq!(mistake.pointer, pointer, "{json}");
                assert!(mistake.detail.starts_with(detail), "{json}: {mistake:?}");
            }
        }
    }
}
