//! Messages of SIP (RFC 3261), as far as one OPTIONS and its answer go.

use std::fmt::Write;
use std::net::SocketAddr;

use super::super::path::{Reader, Transport};

/// What makes one request different from every other.
#[derive(Debug, Clone)]
pub(super) struct Request<'a> {
    pub(super) transport: Transport,
    /// This end.
    pub(super) local: SocketAddr,
    /// The host that is asked, as it is written in an address; with its port.
    pub(super) target: &'a str,
    /// Who asks: the user's name in `From`.
    pub(super) user: &'a str,
    /// Random, and the same over the requests of one run.
    pub(super) call: &'a str,
    /// Counts the requests of one run (RFC 3261 § 22.2).
    pub(super) sequence: u32,
    /// The whole line that proves who asks; empty at first.
    pub(super) authorization: &'a str,
}

impl Request<'_> {
    /// RFC 3261 § 8.1.1.7: begins with the magic cookie, unique for every request.
    fn branch(&self) -> String {
        format!("z9hG4bK-{}-{}", self.call, self.sequence)
    }

    /// The whole message.
    pub(super) fn text(&self) -> String {
        let Self { local, target, user, call, sequence, authorization, .. } = self;
        let (over, branch) = (self.transport.name(), self.branch());
        let uri = uri(target, self.transport);
        // An address of IPv6 stands in brackets here as everywhere, which `SocketAddr` does.
        let mut text = format!(
            "OPTIONS {uri} SIP/2.0\r\n\
             Via: SIP/2.0/{over} {local};branch={branch};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:{user}@{target}>;tag={call}\r\n\
             To: <sip:{target}>\r\n\
             Call-ID: {call}@{local}\r\n\
             CSeq: {sequence} OPTIONS\r\n\
             Contact: <sip:{user}@{local}>\r\n\
             Accept: application/sdp\r\n\
             User-Agent: nhipcau-agent/{}\r\n",
            env!("CARGO_PKG_VERSION")
        );
        let _ = write!(text, "{authorization}Content-Length: 0\r\n\r\n");
        text
    }
}

/// What is asked: the server itself, over the transport that is measured.
pub(super) fn uri(target: &str, transport: Transport) -> String {
    match transport {
        Transport::Udp => format!("sip:{target}"),
        Transport::Tcp => format!("sip:{target};transport=tcp"),
        // And not `sips:`, which older servers do not know.
        Transport::Tls => format!("sip:{target};transport=tls"),
    }
}

/// A final answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// 200 to 699.
    pub(super) code: u16,
    /// The words behind the code.
    pub(super) words: String,
    /// The server's program.
    pub(super) server: Option<String>,
    /// What it wants as a proof of who asks: the values of `WWW-Authenticate` and
    /// `Proxy-Authenticate`.
    pub(super) challenges: Vec<String>,
    /// When it may be asked again, in its own words.
    pub(super) retry_after: Option<String>,
}

/// Waits for the answer to one request.
pub(super) struct Awaited {
    branch: String,
    call_id: String,
    sequence: u32,
}

impl Awaited {
    pub(super) fn to(request: &Request<'_>) -> Self {
        let (branch, call_id) = (request.branch(), format!("{}@{}", request.call, request.local));
        Self { branch, call_id, sequence: request.sequence }
    }
}

impl Reader for Awaited {
    type Answer = Answer;

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let start = b"SIP/2.0 ";
        let begins_well = bytes.iter().zip(start).all(|(a, b)| a.eq_ignore_ascii_case(b));
        if !begins_well {
            return Err("an answer that is no SIP".to_owned());
        }
        let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default());
        let body = match header(&text, "Content-Length", "l") {
            None => 0,
            Some(length) => {
                length.parse::<u16>().map_err(|_| "a Content-Length that is none".to_owned())?
            }
        };
        let length = head + 4 + usize::from(body);
        Ok((bytes.len() >= length).then_some(length))
    }

    /// By branch, call and sequence, never by text: a late answer to another request looks alike.
    fn read(&self, message: &[u8]) -> Option<Answer> {
        let text = String::from_utf8_lossy(message);
        let (version, status) = text.lines().next()?.split_once(' ')?;
        let (code, words) = status.split_once(' ').unwrap_or((status, ""));
        let code: u16 = code.parse().ok().filter(|code| (200..700).contains(code))?;
        let via = header(&text, "Via", "v")?;
        let branch = via.split([';', ',']).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("branch").then_some(value.trim())
        });
        let sequence = header(&text, "CSeq", "CSeq")?;
        let (number, method) = sequence.split_once(char::is_whitespace)?;
        let ours = version.eq_ignore_ascii_case("SIP/2.0")
            && branch == Some(&self.branch)
            && header(&text, "Call-ID", "i").is_some_and(|id| id == self.call_id)
            && number.parse() == Ok(self.sequence)
            && method.trim() == "OPTIONS";
        ours.then(|| Answer {
            code,
            words: shown(words),
            server: header(&text, "Server", "Server")
                .or_else(|| header(&text, "User-Agent", "User-Agent"))
                .map(|server| shown(&server)),
            challenges: ["WWW-Authenticate", "Proxy-Authenticate"]
                .into_iter()
                .flat_map(|name| headers(&text, name, name))
                .collect(),
            retry_after: header(&text, "Retry-After", "Retry-After").map(|after| shown(&after)),
        })
    }
}

/// The value of the first header of that name, or of its short form (RFC 3261 § 7.3.3).
fn header(text: &str, name: &str, short: &str) -> Option<String> {
    headers(text, name, short).into_iter().next()
}

fn headers(text: &str, name: &str, short: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut ours = false;
    for line in text.lines().skip(1).take_while(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            // A line that goes on (RFC 3261 § 7.3.1).
            if let (true, Some(value)) = (ours, found.last_mut()) {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((field, value)) = line.split_once(':') {
            let field = field.trim();
            ours = field.eq_ignore_ascii_case(name) || field.eq_ignore_ascii_case(short);
            if ours {
                found.push(value.trim().to_owned());
            }
        }
    }
    found
}

/// A stranger's words, fit for a line.
fn shown(words: &str) -> String {
    /// What people read of a name of a program or a phrase.
    const CHARS: usize = 80;
    words.trim().chars().filter(|c| !c.is_control()).take(CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request() -> Request<'static> {
        Request {
            transport: Transport::Udp,
            local: "10.0.0.5:40000".parse().unwrap(),
            target: "10.0.0.10:5060",
            user: "nhipcau",
            call: "c0ffee",
            sequence: 1,
            authorization: "",
        }
    }

    /// As Kamailio 5.6 answers, with more headers.
    fn answer(status: &str, more: &str) -> String {
        format!(
            "SIP/2.0 {status}\r\n\
             Via: SIP/2.0/UDP 10.0.0.5:40000;branch=z9hG4bK-c0ffee-1;rport=40000;received=10.0.0.5\r\n\
             From: <sip:nhipcau@10.0.0.10:5060>;tag=c0ffee\r\n\
             To: <sip:10.0.0.10:5060>;tag=b9dc\r\n\
             Call-ID: c0ffee@10.0.0.5:40000\r\n\
             CSeq: 1 OPTIONS\r\n\
             {more}Content-Length: 0\r\n\r\n"
        )
    }

    fn read(text: &str) -> Option<Answer> {
        Awaited::to(&request()).read(text.as_bytes())
    }

    #[test]
    fn a_request_has_what_every_server_asks_for() {
        let text = request().text();
        assert!(
            text.starts_with("OPTIONS sip:10.0.0.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP "),
            "{text}"
        );
        assert!(text.ends_with("\r\nContent-Length: 0\r\n\r\n"), "{text}");
        for part in ["branch=z9hG4bK-c0ffee-1;rport\r\n", "CSeq: 1 OPTIONS\r\n", "Max-Forwards: 70"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.is_ascii() && !text.contains("\n\n"));
    }

    #[test]
    fn a_final_answer_tells_its_code_and_its_program() {
        let found = read(&answer("200 Keepalive", "Server: kamailio (5.6.3)\r\n")).unwrap();
        assert_eq!((found.code, found.words.as_str()), (200, "Keepalive"));
        assert_eq!(found.server.as_deref(), Some("kamailio (5.6.3)"));
        let found = read(&answer("503 Busy", "Retry-After: 30\r\n")).unwrap();
        assert_eq!((found.code, found.retry_after.as_deref()), (503, Some("30")));
    }

    #[test]
    fn short_names_and_lines_that_go_on_are_headers_too() {
        let text = answer(
            "401 Unauthorized",
            "WWW-Authenticate: Digest realm=\"a\",\r\n\tnonce=\"b\"\r\n",
        )
        .replace("Via:", "v:")
        .replace("Call-ID:", "i :");
        let found = read(&text).unwrap();
        assert_eq!(found.challenges, ["Digest realm=\"a\", nonce=\"b\""]);
    }

    #[test]
    fn what_is_not_the_final_answer_to_this_request_is_none() {
        let good = answer("200 OK", "");
        for (text, why) in [
            (answer("100 Trying", ""), "provisional"),
            (answer("999 Odd", ""), "no code of SIP"),
            (answer("OK", ""), "no code at all"),
            (good.replace("z9hG4bK-c0ffee-1", "z9hG4bK-c0ffee-2"), "another branch"),
            (good.replace("Call-ID: c0ffee", "Call-ID: decaf"), "another call"),
            (good.replace("CSeq: 1", "CSeq: 2"), "another sequence"),
            (good.replace("1 OPTIONS", "1 INVITE"), "another method"),
            (good.replace("SIP/2.0 200", "HTTP/1.1 200"), "another protocol"),
            (good.replace("Via:", "Vai:"), "no Via"),
            (String::new(), "nothing"),
        ] {
            assert_eq!(read(&text), None, "{why}");
        }
    }

    #[test]
    fn messages_of_a_stream_are_told_apart_by_their_length() {
        let awaited = Awaited::to(&request());
        let good = answer("200 OK", "");
        let longer = good.replace("Content-Length: 0", "l: 5") + "v=0\r\n";
        for (text, expected) in [
            (good.clone() + "SIP/2.0 ", Ok(Some(good.len()))),
            (longer.clone(), Ok(Some(longer.len()))),
            (longer[..longer.len() - 1].to_owned(), Ok(None)),
            (good[..40].to_owned(), Ok(None)),
            ("SI".to_owned(), Ok(None)),
            ("HTTP/1.1 400".to_owned(), Err("an answer that is no SIP".to_owned())),
            (
                good.replace("Content-Length: 0", "Content-Length: -1"),
                Err("a Content-Length that is none".to_owned()),
            ),
            (
                good.replace("Content-Length: 0", "Content-Length: 99999999"),
                Err("a Content-Length that is none".to_owned()),
            ),
        ] {
            assert_eq!(awaited.length(text.as_bytes()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..400) {
            let awaited = Awaited::to(&request());
            let _ = (awaited.length(&bytes), awaited.read(&bytes));
            let mut mangled = answer("200 OK", "Server: x\r\n").into_bytes();
            let at = at.min(mangled.len());
            mangled.splice(at..at, bytes);
            let _ = (awaited.length(&mangled), awaited.read(&mangled));
        }
    }

    #[test]
    fn nothing_like_an_answer_is_too_strange() {
        let realm = "WWW-Authenticate: Digest realm=\"tinh\",\r\n nonce=\"b\", qop=\"auth\"\r\n";
        let shapes = [
            answer("200 Keepalive", "Server: kamailio (5.6.3)\r\n"),
            answer("401 Unauthorized", realm),
            answer("503 Busy", "Retry-After: 30\r\n").replace("Content-Length: 0", "l: 4")
                + "v=0\n",
        ];
        let awaited = Awaited::to(&request());
        crate::mutations::survives(&shapes, |bytes| {
            let length = awaited.length(bytes);
            assert!(!matches!(length, Ok(Some(length)) if length > bytes.len()));
            (length, awaited.read(bytes))
        });
    }
}
