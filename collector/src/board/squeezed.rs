//! Events squeezed once for all their readers: the picture of ten thousand sites is two megabytes,
//! which a technician's phone should not wait for. Pure.
//!
//! Deflate (RFC 1951) is made of blocks, and a block that refers to nothing before it may follow any
//! other. So each event is squeezed by itself and ends on a byte; a reader's stream is a gzip header
//! (RFC 1952), the events this reader gets, and an end. No reader costs a window of its own.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// No name, no time, any system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// An empty last block.
const LAST: [u8; 2] = [3, 0];

/// An event, as it is and squeezed.
#[derive(Debug, Clone)]
pub(super) struct Event(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    plain: Bytes,
    packed: Bytes,
    crc: Crc,
}

impl Event {
    pub(super) fn new(plain: Vec<u8>) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        // Writing to memory does not fail; a flush ends on a byte and refers to nothing later.
        let _ = encoder.write_all(&plain).and_then(|()| encoder.flush());
        let packed = Bytes::copy_from_slice(encoder.get_ref());
        let mut crc = Crc::new();
        crc.update(&plain);
        Self(Arc::new(Parts { plain: plain.into(), packed, crc }))
    }

    pub(super) fn plain(&self) -> Bytes {
        self.0.plain.clone()
    }
}

/// What one reader gets.
#[derive(Debug)]
pub(super) enum Coding {
    Plain,
    /// With what was squeezed so far.
    Gzip(Crc),
}

impl Coding {
    pub(super) fn new(gzip: bool) -> Self {
        if gzip { Self::Gzip(Crc::new()) } else { Self::Plain }
    }

    /// What stands before the first event.
    pub(super) fn begin(&self) -> Option<Bytes> {
        matches!(self, Self::Gzip(_)).then(|| Bytes::from_static(&HEADER))
    }

    /// An event as this reader gets it.
    pub(super) fn write(&mut self, event: &Event) -> Bytes {
        match self {
            Self::Plain => event.plain(),
            Self::Gzip(crc) => {
                crc.combine(&event.0.crc);
                event.0.packed.clone()
            }
        }
    }

    /// What stands after the last.
    pub(super) fn end(&self) -> Option<Bytes> {
        let Self::Gzip(crc) = self else { return None };
        Some([&LAST[..], &crc.sum().to_le_bytes(), &crc.amount().to_le_bytes()].concat().into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn event(text: &str) -> Event {
        Event::new(text.as_bytes().to_vec())
    }

    #[test]
    fn each_reader_gets_a_whole_gzip_stream_of_its_own_events() {
        let sites = "xã Hoằng Lộc ".repeat(1000);
        let events = [event(&sites), event(""), event("beat"), event(&sites)];
        for picked in [&events[..], &events[2..], &[]] {
            let mut coding = Coding::new(true);
            let mut stream = coding.begin().unwrap().to_vec();
            let mut plain = String::new();
            for event in picked {
                stream.extend(coding.write(event));
                plain.push_str(std::str::from_utf8(&event.plain()).unwrap());
            }
            stream.extend(coding.end().unwrap());
            let mut read = String::new();
            flate2::read::GzDecoder::new(&stream[..]).read_to_string(&mut read).unwrap();
            assert!(read == plain, "{} of {} bytes", read.len(), plain.len());
            assert!(stream.len() < 100 + plain.len() / 10, "{} bytes", stream.len());
        }
    }

    #[test]
    fn an_event_can_be_read_before_the_next_one_comes() {
        let mut coding = Coding::new(true);
        let stream = [coding.begin().unwrap(), coding.write(&event("event: beat\n\n"))].concat();
        let mut read = [0; 13];
        flate2::read::GzDecoder::new(&stream[..]).read_exact(&mut read).unwrap();
        assert_eq!(&read, b"event: beat\n\n");
    }

    #[test]
    fn who_cannot_unpack_gets_it_plain() {
        let mut coding = Coding::new(false);
        assert_eq!((coding.begin(), coding.end()), (None, None));
        assert_eq!(coding.write(&event("a")), "a");
    }
}
