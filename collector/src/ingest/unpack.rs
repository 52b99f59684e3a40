//! Unpacking bodies: counted while it happens, with contexts and buffers that are used again.

use std::io::{self, Read};
use std::sync::{LazyLock, Mutex, PoisonError};

use flate2::bufread::MultiGzDecoder;
use wire::limits::UNPACKED_BYTES;
use wire::packing::DICTIONARY;
use zstd::zstd_safe::{self, DCtx, DDict, DParameter, ResetDirective};

use super::Encoding;

/// Unpackers kept for the next body; unpacking is processor work, so more than a machine has
/// cores are never of use at once.
const KEPT: usize = 8;

/// A buffer above this held a backlog; keeping it would keep the day's peak for ever.
const KEPT_BUFFER_BYTES: usize = 256 * 1024;

/// A zstd context holds the window its last frame asked for; see [`KEPT_BUFFER_BYTES`].
const KEPT_CONTEXT_BYTES: usize = 4 * 1024 * 1024;

/// The largest zstd window accepted, 2^23 = [`UNPACKED_BYTES`]: a frame may ask for 128 MiB
/// before it has delivered a byte.
const WINDOW_LOG_MAX: u32 = 23;

/// Digested once; every context refers to it. Frames that name no dictionary are not touched.
static DIGESTED: LazyLock<DDict<'static>> = LazyLock::new(|| DDict::create(DICTIONARY));

/// Why a body could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    /// It would be larger than [`UNPACKED_BYTES`].
    #[error("the body unpacks to more than {UNPACKED_BYTES} bytes")]
    TooLarge,
    /// It is not what its encoding says.
    #[error("the body cannot be unpacked: {0}")]
    Broken(io::Error),
}

/// Unpackers at rest.
#[derive(Default)]
pub(super) struct Unpackers(Mutex<Vec<Unpacker>>);

struct Unpacker {
    context: DCtx<'static>,
    buffer: Vec<u8>,
}

impl Unpackers {
    /// Hands the unpacked body to `read`.
    pub(super) fn unpack<T>(
        &self,
        encoding: Encoding,
        body: &[u8],
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, UnpackError> {
        if encoding == Encoding::Identity {
            return if body.len() > UNPACKED_BYTES {
                Err(UnpackError::TooLarge)
            } else {
                Ok(read(body))
            };
        }
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut unpacker = match kept {
            Some(unpacker) => unpacker,
            None => Unpacker::new().map_err(UnpackError::Broken)?,
        };
        // After a fault the context stands in the middle of a frame: it is not kept.
        unpacker.fill(encoding, body)?;
        let outcome = read(&unpacker.buffer);
        self.keep(unpacker);
        Ok(outcome)
    }

    fn keep(&self, unpacker: Unpacker) {
        if unpacker.buffer.capacity() <= KEPT_BUFFER_BYTES
            && unpacker.context.sizeof() <= KEPT_CONTEXT_BYTES
        {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < KEPT {
                kept.push(unpacker);
            }
        }
    }
}

impl Unpacker {
    fn new() -> io::Result<Self> {
        let mut context = DCtx::create();
        context
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
            .and_then(|_| context.ref_ddict(&DIGESTED))
            .map_err(|code| io::Error::other(zstd_safe::get_error_name(code)))?;
        Ok(Self { context, buffer: Vec::new() })
    }

    fn fill(&mut self, encoding: Encoding, body: &[u8]) -> Result<(), UnpackError> {
        if encoding == Encoding::Zstd && self.fill_at_once(body) {
            return Ok(());
        }
        self.buffer.clear();
        // One byte more than allowed tells "just full" from "too large".
        let most = UNPACKED_BYTES as u64 + 1;
        let filled = match encoding {
            Encoding::Zstd => {
                let unpacked = zstd::Decoder::with_context(body, &mut self.context);
                unpacked.take(most).read_to_end(&mut self.buffer)
            }
            Encoding::Gzip => MultiGzDecoder::new(body).take(most).read_to_end(&mut self.buffer),
            Encoding::Identity => body.take(most).read_to_end(&mut self.buffer),
        };
        match filled {
            Ok(bytes) if bytes > UNPACKED_BYTES => Err(UnpackError::TooLarge),
            Ok(_) => Ok(()),
            Err(error) => Err(UnpackError::Broken(error)),
        }
    }

    /// Unpacks a frame that says how large it will be, as agents' do, straight to its place. False
    /// where it does not say, or is not what it says; it is then unpacked piece by piece.
    fn fill_at_once(&mut self, body: &[u8]) -> bool {
        let Ok(Some(bytes)) = zstd_safe::get_frame_content_size(body) else { return false };
        let Ok(bytes) = usize::try_from(bytes) else { return false };
        if bytes > UNPACKED_BYTES {
            return false;
        }
        self.buffer.clear();
        self.buffer.reserve(bytes);
        let unpacked = self.context.decompress(&mut self.buffer, body);
        if unpacked.is_err() {
            // It stands in the middle of a frame.
            let _ = self.context.reset(ResetDirective::SessionOnly);
        }
        unpacked.is_ok()
    }
}

impl std::fmt::Debug for Unpackers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unpackers")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    fn length(encoding: Encoding, body: &[u8]) -> Result<usize, String> {
        Unpackers::default().unpack(encoding, body, <[u8]>::len).map_err(|error| error.to_string())
    }

    #[test]
    fn zstd_is_read_with_the_dictionary_and_without_it_by_the_same_unpacker() {
        let text = br#"{"version":1,"reports":[{"readings":[]}]}"#;
        let mut packer = zstd::bulk::Compressor::with_dictionary(3, DICTIONARY).unwrap();
        let with = packer.compress(text).unwrap();
        let without = zstd::encode_all(text.as_slice(), 3).unwrap();
        assert!(with.len() < without.len());
        let unpackers = Unpackers::default();
        for body in [&with, &without, &with] {
            let unpacked = unpackers.unpack(Encoding::Zstd, body, <[u8]>::to_vec).unwrap();
            assert_eq!(unpacked, text);
        }
    }

    #[test]
    fn a_frame_that_lies_about_its_size_or_is_followed_by_another_is_judged_by_what_it_holds() {
        let one = zstd::bulk::compress(b"{}", 3).unwrap();
        assert_eq!(zstd_safe::get_frame_content_size(&one).ok(), Some(Some(2)));
        assert_eq!(length(Encoding::Zstd, &[one.as_slice(), &one].concat()), Ok(4));
        // RFC 8878, section 3.1.1.1.4: one byte of content size after magic and descriptor.
        for lie in [0, 1, 3, 255] {
            let mut lying = one.clone();
            lying[5] = lie;
            assert!(length(Encoding::Zstd, &lying).is_err(), "{lie}");
        }
    }

    #[test]
    fn a_body_just_within_the_limit_is_unpacked_and_one_byte_more_is_not() {
        for (size, fits) in [(0, true), (UNPACKED_BYTES, true), (UNPACKED_BYTES + 1, false)] {
            let text = vec![b' '; size];
            for (encoding, body) in [
                (Encoding::Identity, text.clone()),
                (Encoding::Gzip, gzip(&text)),
                (Encoding::Zstd, zstd::encode_all(text.as_slice(), 1).unwrap()),
            ] {
                let unpacked = length(encoding, &body);
                assert_eq!(unpacked.is_ok(), fits, "{encoding:?} {size}: {unpacked:?}");
            }
        }
    }

    #[test]
    fn what_is_broken_is_said_to_be() {
        let whole = zstd::encode_all(&b"{}"[..], 1).unwrap();
        let torn = &whole[..whole.len() - 1];
        let trailing = [whole.as_slice(), b"rubbish"].concat();
        for (encoding, body) in [
            (Encoding::Zstd, torn),
            (Encoding::Zstd, trailing.as_slice()),
            (Encoding::Zstd, b"{}".as_slice()),
            (Encoding::Gzip, b"{}".as_slice()),
            (Encoding::Gzip, &gzip(b"{}")[..15]),
            (Encoding::Gzip, &[gzip(b"{}"), b"rubbish".to_vec()].concat()),
        ] {
            let error = length(encoding, body).unwrap_err();
            assert!(error.starts_with("the body cannot be unpacked"), "{error}");
        }
    }

    #[test]
    fn a_window_larger_than_any_body_is_refused() {
        let mut packer = zstd::Encoder::new(Vec::new(), 1).unwrap();
        packer.window_log(27).unwrap();
        packer.write_all(&[7; 100]).unwrap();
        packer.flush().unwrap();
        packer.write_all(&[7; 100]).unwrap();
        assert!(length(Encoding::Zstd, &packer.finish().unwrap()).is_err());
    }

    #[test]
    fn an_unpacker_is_used_again_and_a_fault_leaves_none_behind() {
        let unpackers = Unpackers::default();
        let good = zstd::encode_all(&b"{}"[..], 1).unwrap();
        for body in [good.as_slice(), b"broken", &good, &good] {
            let _ = unpackers.unpack(Encoding::Zstd, body, <[u8]>::len);
        }
        assert_eq!(unpackers.0.lock().unwrap().len(), 1);
        let length = unpackers.unpack(Encoding::Zstd, &good, <[u8]>::len);
        assert_eq!(length.unwrap(), 2);
    }

    #[test]
    fn nothing_like_a_packed_body_is_too_strange() {
        let text = br#"{"version":1,"reports":[{"readings":[{"probe":"mcu","kind":"icmp"}]}]}"#;
        let mut packer = zstd::bulk::Compressor::with_dictionary(3, DICTIONARY).unwrap();
        let many = zstd::encode_all(text.repeat(1000).as_slice(), 3).unwrap();
        let shapes = [packer.compress(text).unwrap(), many, gzip(text), gzip(&text.repeat(1000))];
        let unpackers = Unpackers::default();
        crate::mutations::survives(&shapes, |bytes| {
            [Encoding::Zstd, Encoding::Gzip].map(|encoding| {
                let unpacked = unpackers.unpack(encoding, bytes, <[u8]>::len);
                assert!(!matches!(unpacked, Ok(length) if length > UNPACKED_BYTES));
                unpacked.map_err(|error| error.to_string())
            })
        });
    }
}
