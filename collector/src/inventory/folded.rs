//! Vietnamese without its marks, for comparing what people type.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// `text` in lower case without diacritics, single-spaced: `Hoằng  Hóa` and `hoang hoa` fold
/// alike, as do the two ways to place a tone (`Hóa`, `Hoá`).
#[must_use]
pub fn folded(text: &str) -> String {
    let plain: String = text
        .nfd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        // đ is a letter of its own, not a d with a mark.
        .map(|letter| if letter == 'đ' { 'd' } else { letter })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_case_and_spaces_do_not_matter() {
        for text in ["Hoằng  Hóa", "HOẰNG HOÁ", " hoang hoa ", "Hoa\u{300}\u{306}ng Ho\u{301}a"]
        {
            assert_eq!(folded(text), "hoang hoa", "{text}");
        }
        assert_eq!(folded("Đường truyền"), "duong truyen");
        assert_eq!(folded("Ước Ơn Ẵ"), "uoc on a");
    }
}
