//! What a browser asks of the page, and what an answer looks like. Pure.

use wire::Language;

/// A browser sends some fifteen.
const HEADERS: usize = 64;

/// Nothing from elsewhere, nothing inside another page, nothing kept.
const GUARDS: &str = "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'\r\n\
    x-content-type-options: nosniff\r\n\
    referrer-policy: no-referrer\r\n\
    cross-origin-resource-policy: same-origin\r\n\
    cross-origin-opener-policy: same-origin\r\n\
    cache-control: no-store\r\n\
    connection: close\r\n";

/// A file of the page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageFile {
    pub(super) kind: &'static str,
    pub(super) text: &'static str,
}

const HTML: PageFile = PageFile { kind: "text/html", text: include_str!("../../page/page.html") };
const CSS: PageFile = PageFile { kind: "text/css", text: include_str!("../../page/page.css") };
const SCRIPT: PageFile =
    PageFile { kind: "text/javascript", text: include_str!("../../page/page.js") };

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    File(PageFile),
    /// In this language, or in that of the agent.
    Findings(Option<Language>),
}

/// Why it is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// No request, or one that is too long.
    Malformed,
    Unknown,
    Method,
    /// It names another host: a page from elsewhere whose name was made to lead here (DNS
    /// rebinding) could read what is told.
    Misdirected,
}

/// Reads the head of a request that came to this port.
pub(super) fn asked(head: &[u8], port: u16) -> Result<Asked, Refused> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return Err(Refused::Malformed),
    }
    let hosts = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
    let hosts: Vec<&[u8]> = hosts.map(|header| header.value).collect();
    let [host] = hosts[..] else { return Err(Refused::Malformed) };
    let own = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
    if !own.iter().any(|own| host.eq_ignore_ascii_case(own.as_bytes())) {
        return Err(Refused::Misdirected);
    }
    if request.method != Some("GET") {
        return Err(Refused::Method);
    }
    let target = request.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match path {
        "/" => Ok(Asked::File(HTML)),
        "/page.css" => Ok(Asked::File(CSS)),
        "/page.js" => Ok(Asked::File(SCRIPT)),
        "/findings" => {
            let language = query.strip_prefix("lang=").and_then(|lang| lang.parse().ok());
            Ok(Asked::Findings(language))
        }
        _ => Err(Refused::Unknown),
    }
}

/// A whole answer.
pub(super) fn answer(status: &str, kind: &str, text: &str) -> String {
    let length = text.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {length}\r\n{GUARDS}\r\n{text}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(line: &str, hosts: &[&str]) -> Result<Asked, Refused> {
        let hosts = hosts.iter().map(|host| format!("Host: {host}\r\n"));
        let hosts = hosts.collect::<Vec<_>>().concat();
        asked(format!("{line} HTTP/1.1\r\nAccept: */*\r\n{hosts}\r\n").as_bytes(), 9816)
    }

    #[test]
    fn only_a_browser_on_this_pc_is_answered() {
        for (line, hosts, expected) in [
            ("GET /", &["127.0.0.1:9816"][..], Ok(Asked::File(HTML))),
            ("GET /?lang=en", &["LOCALHOST:9816"], Ok(Asked::File(HTML))),
            ("GET /findings", &["[::1]:9816"], Ok(Asked::Findings(None))),
            ("GET /findings?lang=en", &["127.0.0.1:9816"], Ok(Asked::Findings(Some(Language::En)))),
            ("GET /findings?lang=xx", &["127.0.0.1:9816"], Ok(Asked::Findings(None))),
            ("GET /etc/passwd", &["127.0.0.1:9816"], Err(Refused::Unknown)),
            ("POST /", &["127.0.0.1:9816"], Err(Refused::Method)),
            ("GET /findings", &["evil.example:9816"], Err(Refused::Misdirected)),
            ("GET /findings", &["127.0.0.1.evil.example:9816"], Err(Refused::Misdirected)),
            ("GET /findings", &["127.0.0.1"], Err(Refused::Misdirected)),
            ("GET /findings", &[""], Err(Refused::Misdirected)),
            ("GET /findings", &["127.0.0.1:9816", "evil.example"], Err(Refused::Malformed)),
            ("GET /findings", &[], Err(Refused::Malformed)),
            ("GET", &["127.0.0.1:9816"], Err(Refused::Malformed)),
        ] {
            assert_eq!(ask(line, hosts), expected, "{line} {hosts:?}");
        }
        let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(9_000));
        assert_eq!(asked(long.as_bytes(), 9816), Err(Refused::Malformed), "no end of the head");
    }

    #[test]
    fn no_request_is_too_strange() {
        let good = b"GET /findings?lang=vi HTTP/1.1\r\nHost: 127.0.0.1:9816\r\nAccept: */*\r\n\r\n";
        crate::mutations::survives(&[good.as_slice()], |bytes| asked(bytes, 9816));
    }
}
