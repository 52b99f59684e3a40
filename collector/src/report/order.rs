//! The order in which Vietnamese expect names: by the letters of their alphabet, then by tones
//! (huyền, hỏi, ngã, sắc, nặng), with numbers as numbers: `Phường 2` before `Phường 10`.

use unicode_normalization::UnicodeNormalization;

/// What a name is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    letters: Vec<Sign>,
    tones: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Other(char),
    Number(u64),
    /// A letter of the alphabet, and which of its forms: a ă â, d đ, e ê, o ô ơ, u ư.
    Letter(char, u8),
}

/// The place of a name.
pub(crate) fn place(name: &str) -> Place {
    let mut place = Place { letters: Vec::new(), tones: Vec::new() };
    for mark in name.nfd().flat_map(char::to_lowercase) {
        match (mark, place.letters.last_mut()) {
            ('\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}', _) => {
                if let Some(tone) = place.tones.last_mut() {
                    *tone = tone_of(mark);
                }
            }
            ('\u{306}', Some(Sign::Letter(_, form))) => *form = 1,
            ('\u{302}', Some(Sign::Letter(letter, form))) => {
                *form = if *letter == 'a' { 2 } else { 1 };
            }
            ('\u{31b}', Some(Sign::Letter(letter, form))) => {
                *form = if *letter == 'o' { 2 } else { 1 };
            }
            (digit, Some(Sign::Number(number))) if digit.is_ascii_digit() => {
                let value = u64::from(digit.to_digit(10).unwrap_or_default());
                *number = number.saturating_mul(10).saturating_add(value);
            }
            _ => {
                place.letters.push(sign(mark));
                place.tones.push(0);
            }
        }
    }
    place
}

fn sign(mark: char) -> Sign {
    match mark {
        'đ' => Sign::Letter('d', 1),
        _ if mark.is_alphabetic() => Sign::Letter(mark, 0),
        _ => mark.to_digit(10).map_or(Sign::Other(mark), |digit| Sign::Number(u64::from(digit))),
    }
}

fn tone_of(mark: char) -> u8 {
    match mark {
        '\u{300}' => 1,
        '\u{309}' => 2,
        '\u{303}' => 3,
        '\u{301}' => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_where_vietnamese_look_for_them() {
        let expected = [
            "Phường 2",
            "Phường 10",
            "Xã An",
            "Xã Ăn",
            "Xã Ân",
            "Xã Dân",
            "Xã Đa",
            "Xã Đà",
            "Xã Đả",
            "Xã Đã",
            "Xã Đá",
            "Xã Đạ",
            "Xã Hoa",
            "Xã Hoà",
            "Xã Hoằng Lộc",
            "Xã Hoằng Quỳ",
            "Xã Yên",
        ];
        let mut names = expected;
        names.reverse();
        names.sort_by_key(|name| place(name));
        assert_eq!(names, expected);
    }
}
