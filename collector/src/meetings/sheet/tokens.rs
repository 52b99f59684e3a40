//! A cell as numbers, words and signs, so that `07h30`, `7 giờ 30’` and `Thứ Hai (16/11)` are read
//! by one grammar.

use unicode_normalization::char::is_combining_mark;

use crate::inventory::folded;

/// Tokens of one cell that are looked at; the longest list of participants is not one of times.
const TOKENS: usize = 4_096;

/// One piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Digits: their value, and how many there are.
    Number(u32, usize),
    /// Letters, folded.
    Word(String),
    /// Anything else but space.
    Sign(char),
}

/// The tokens of `text`, each with the place after it.
pub(super) fn tokens(text: &str) -> Vec<(Token, usize)> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if tokens.len() == TOKENS {
            break;
        }
        let kind: fn(char) -> bool = if first.is_ascii_digit() {
            |letter| letter.is_ascii_digit()
        } else if first.is_alphabetic() {
            |letter| letter.is_alphabetic() || is_combining_mark(letter)
        } else {
            |_| false
        };
        let end = rest.find(|letter| !kind(letter)).filter(|end| *end > 0);
        let end = if kind(first) { end.unwrap_or(rest.len()) } else { first.len_utf8() };
        let (piece, after) = rest.split_at(end);
        rest = after;
        let token = match first {
            // More digits than a date has are a telephone number, or nothing.
            _ if first.is_ascii_digit() => Token::Number(piece.parse().unwrap_or(u32::MAX), end),
            _ if first.is_alphabetic() => Token::Word(folded(piece)),
            _ if first.is_whitespace() => continue,
            sign => Token::Sign(sign),
        };
        tokens.push((token, text.len() - rest.len()));
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_and_signs_part_without_a_space() {
        let word = |word: &str| Token::Word(word.to_owned());
        let found: Vec<Token> =
            tokens("Thứ Hai 7gio\u{300}30’").into_iter().map(|(token, _)| token).collect();
        let expected =
            [word("thu"), word("hai"), Token::Number(7, 1), word("gio"), Token::Number(30, 2)];
        assert_eq!(found[..5], expected);
        assert_eq!(found[5], Token::Sign('’'));
        assert_eq!(tokens("99999999999999"), [(Token::Number(u32::MAX, 14), 14)]);
    }
}
