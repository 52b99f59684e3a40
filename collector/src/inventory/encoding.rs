//! The encodings in which editors and Excel on Vietnamese Windows leave a text file.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1258};
use unicode_normalization::UnicodeNormalization;

/// The text of `bytes`, told by its byte order mark or by its look.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, String> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(
            "this is an Excel workbook under another name; save the sheet as CSV UTF-8".to_owned()
        );
    }
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return String::from_utf8(rest.to_owned())
            .map_err(|error| format!("not UTF-8, as its first bytes say: {}", error.utf8_error()));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        return utf16(UTF_16LE, rest);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        return utf16(UTF_16BE, rest);
    }
    match bytes.get(..2) {
        Some([_, 0]) => utf16(UTF_16LE, bytes),
        Some([0, _]) => utf16(UTF_16BE, bytes),
        _ => match str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => windows_1258(bytes),
        },
    }
}

fn utf16(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, String> {
    match encoding.decode_without_bom_handling(bytes) {
        (text, false) => Ok(text.into_owned()),
        (_, true) => Err(format!("not {}, as its first bytes say", encoding.name())),
    }
}

/// "CSV (Comma delimited)" of Vietnamese Windows. It writes tones as combining marks, so that
/// only normalisation makes the letters of everyone else.
fn windows_1258(bytes: &[u8]) -> Result<String, String> {
    let (text, _) = WINDOWS_1258.decode_without_bom_handling(bytes);
    // Every byte is some character of it; control characters betray another encoding.
    if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n')) {
        return Err("neither UTF-8, UTF-16 nor windows-1258; save it as CSV UTF-8".to_owned());
    }
    Ok(text.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "mã;tên\r\nth-0316;UBND xã Hoằng Lộc, thửa ruộng, Đường Ỷ";

    fn utf16_bytes(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn every_way_excel_saves_gives_the_same_text() {
        // Encoded by hand: ă ê ô ư have bytes of their own, and so has every tone.
        let ansi: &[u8] = b"ma\xDE;t\xEAn\r\nth-0316;UBND xa\xDE Ho\xE3\xCCng L\xF4\xF2c, th\xFD\xD2a ru\xF4\xF2ng, \xD0\xFD\xF5\xCCng Y\xD2";
        let cases: [(&str, Vec<u8>); 6] = [
            ("UTF-8", TEXT.as_bytes().to_vec()),
            ("UTF-8 with a mark", [b"\xEF\xBB\xBF", TEXT.as_bytes()].concat()),
            ("UTF-16 LE", utf16_bytes(&format!("\u{feff}{TEXT}"), u16::to_le_bytes)),
            ("UTF-16 BE", utf16_bytes(&format!("\u{feff}{TEXT}"), u16::to_be_bytes)),
            ("UTF-16 LE, bare", utf16_bytes(TEXT, u16::to_le_bytes)),
            ("windows-1258", ansi.to_vec()),
        ];
        for (name, bytes) in cases {
            assert_eq!(decode(&bytes).as_deref(), Ok(TEXT), "{name}");
        }
    }

    #[test]
    fn what_is_no_text_says_what_to_do() {
        assert!(decode(b"PK\x03\x04\x14\0").unwrap_err().contains("save the sheet as CSV"));
        assert!(decode(b"\xEF\xBB\xBF\xFF").unwrap_err().contains("not UTF-8"));
        assert!(decode(b"\xFF\xFEa").unwrap_err().contains("not UTF-16LE"));
        assert!(decode(b"a\xD2 \x81").unwrap_err().contains("windows-1258"));
        assert_eq!(decode(b"").as_deref(), Ok(""));
    }
}
