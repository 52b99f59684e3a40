//! The cookie that holds a session's secret (RFC 6265bis). Pure.

use super::life;

/// Over TLS. Browsers take a cookie of such a name only from this very host and only over TLS, so
/// that no neighbour under the same domain can plant one.
const GUARDED: &str = "__Host-nhipcau";

/// In the open, which is on loopback only.
const PLAIN: &str = "nhipcau";

/// The session's secret in a `Cookie` header.
pub(super) fn secret(header: &str) -> Option<&str> {
    let value = |wanted: &str| {
        let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
    };
    value(GUARDED).or_else(|| value(PLAIN)).filter(|value| !value.is_empty())
}

/// Gives the browser a secret to keep. No script reads it, and no request that another site
/// begins carries it.
pub(super) fn set(secret: &str, secure: bool) -> String {
    with(secret, life::LONGEST / 1000, secure)
}

/// Has the browser forget it.
pub(super) fn clear(secure: bool) -> String {
    with("", 0, secure)
}

fn with(value: &str, seconds: i64, secure: bool) -> String {
    let (name, secure) = if secure { (GUARDED, "; Secure") } else { (PLAIN, "") };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_found_among_the_cookies_of_others() {
        for (header, found) in [
            ("nhipcau=a", Some("a")),
            ("grafana_session=x; nhipcau=a", Some("a")),
            ("nhipcau=planted; __Host-nhipcau=a", Some("a")),
            ("nhipcau=", None),
            ("xnhipcau=a", None),
            ("nhipcau", None),
            ("", None),
        ] {
            assert_eq!(secret(header), found, "{header}");
        }
    }

    #[test]
    fn a_cookie_is_kept_from_scripts_other_sites_and_open_lines() {
        let cookie = set("s3cret", true);
        assert!(cookie.starts_with("__Host-nhipcau=s3cret; Path=/; "), "{cookie}");
        for part in ["; HttpOnly", "; SameSite=Strict", "; Secure", "; Max-Age=2592000"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        assert!(!set("s3cret", false).contains("Secure"));
        assert!(clear(true).starts_with("__Host-nhipcau=; ") && clear(true).contains("Max-Age=0"));
    }
}
