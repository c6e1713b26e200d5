//! Versions as ETags: what keeps two merchants from overwriting each other.

use http::{HeaderMap, HeaderValue, header};

use crate::problem::{Kind, Problem};

/// The tag of a version, for `ETag`.
pub fn version_tag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The version that `If-Match` names; none where the header is missing or `*`, which every version matches.
pub fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
    // A tag that we never gave cannot be the current one.
    let unknown = || Problem::new(Kind::PreconditionFailed).detail("If-Match is not an ETag of this resource");
    version.map(Some).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_names_one_version_or_any() {
        for (value, expected) in [
            (None, Ok(None)),
            (Some("*"), Ok(None)),
            (Some("\"7\""), Ok(Some(7))),
            (Some("7"), Err(Kind::PreconditionFailed)),
            (Some("W/\"7\""), Err(Kind::PreconditionFailed)),
            (Some("\"x\""), Err(Kind::PreconditionFailed)),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
            }
            assert_eq!(expected_version(&headers).map_err(|problem| problem.kind), expected, "{value:?}");
        }
        assert_eq!(version_tag(7), "\"7\"");
    }
}
