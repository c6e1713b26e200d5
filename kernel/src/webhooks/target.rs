//! Where a webhook may point: not at what only the kernel reaches. What its name resolves to is looked at when it is posted
//! (`egress`).

use reqwest::Url;

use super::settings::WebhooksConfig;
use crate::egress::is_public;

const MAX_URL_BYTES: usize = 2_000;

/// The URL, or what is wrong with it.
pub fn check_url(text: &str, config: &WebhooksConfig) -> Result<Url, &'static str> {
    const NOT_A_URL: &str = "must be a URL that begins with https://, of at most 2000 bytes";
    if text.len() > MAX_URL_BYTES || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(NOT_A_URL);
    }
    let url = Url::parse(text).map_err(|_| NOT_A_URL)?;
    match url.scheme() {
        "https" => {}
        "http" if config.allow_http => {}
        _ => return Err(NOT_A_URL),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("must have no user, password or fragment");
    }
    if !config.allow_private_networks && (is_private_literal(&url) || is_local_name(&url)) {
        return Err("must be an address of the public Internet");
    }
    Ok(url)
}

/// Whether the host is written as an address that is not public. The resolver is not asked about those.
pub(super) fn is_private_literal(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse().is_ok_and(|ip| !is_public(ip))
}

fn is_local_name(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost") || host.ends_with(".local") || host.ends_with(".internal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_point_at_the_internet() {
        let config = WebhooksConfig::default();
        for (url, fits) in [
            ("https://shop.example/hook?key=1", true),
            ("https://8.8.8.8:8443/hook", true),
            ("http://shop.example/hook", false),
            ("ftp://shop.example", false),
            ("shop.example/hook", false),
            ("https://user:pass@shop.example", false),
            ("https://shop.example/#a", false),
            ("https://127.0.0.1/", false),
            ("https://127.1/", false),
            ("https://2130706433/", false),
            ("https://0x7f.0.0.1/", false),
            ("https://[::1]/", false),
            ("https://[::ffff:10.0.0.1]/", false),
            ("https://169.254.169.254/latest/meta-data", false),
            ("https://localhost/", false),
            ("https://LOCALHOST./", false),
            ("https://metadata.google.internal/", false),
            ("https://shop.example/a b", false),
        ] {
            assert_eq!(check_url(url, &config).is_ok(), fits, "{url}");
        }
        let open = WebhooksConfig { allow_http: true, allow_private_networks: true, ..config };
        assert!(check_url("http://127.0.0.1:9000/hook", &open).is_ok());
        assert!(check_url("https://user@shop.example", &open).is_err());
    }
}
