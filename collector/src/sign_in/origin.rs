//! Whether the collector's own page sent a request, by what browsers say of it. Pure.

/// Browsers say where a request comes from and let no page change it: `Sec-Fetch-Site` (to TLS and
/// to loopback, all browsers since 2023), else `Origin` (with every request that is no reading).
/// Who says neither is no browser, and has a token instead of a cookie.
pub(super) fn is_own(site: Option<&str>, origin: Option<&str>, host: Option<&str>) -> bool {
    if let Some(site) = site {
        return site == "same-origin";
    }
    let authority = origin.and_then(|origin| {
        origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))
    });
    matches!((authority, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
}

/// Whether the browser came over TLS, by its own word; a proxy may have ended it.
pub(super) fn is_secure(origin: Option<&str>) -> bool {
    origin.is_some_and(|origin| origin.starts_with("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_page_acts_in_a_users_name() {
        let host = Some("hop.tinh.gov.vn:9815");
        let own = Some("https://hop.tinh.gov.vn:9815");
        for (site, origin, host, expected) in [
            (Some("same-origin"), None, host, true),
            (Some("same-origin"), Some("https://evil.example"), host, true),
            (Some("same-site"), own, host, false),
            (Some("cross-site"), own, host, false),
            (Some("none"), own, host, false),
            (None, own, host, true),
            (None, Some("http://HOP.tinh.gov.vn:9815"), host, true),
            (None, Some("https://hop.tinh.gov.vn"), host, false),
            (None, Some("https://hop.tinh.gov.vn:9815.evil.example"), host, false),
            (None, Some("null"), host, false),
            (None, Some("file://"), Some(""), false),
            (None, own, None, false),
            (None, None, None, false),
            (None, None, host, false),
        ] {
            assert_eq!(is_own(site, origin, host), expected, "{site:?} {origin:?} {host:?}");
        }
        assert!(is_secure(own) && !is_secure(Some("http://a")) && !is_secure(None));
    }
}
