//! Content lines of RFC 5545 § 3.1, each with its place in the file.

/// Parameters of one line; an attendee has ten.
const PARAMETERS: usize = 64;

/// `NAME;PARAM=value:value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The first line in the file, from 1.
    pub(super) number: usize,
    /// In upper case.
    pub(super) name: String,
    /// Names in upper case, values without their quotes.
    pub(super) parameters: Vec<(String, String)>,
    /// As it stands there, escapes and all.
    pub(super) value: String,
}

impl Line {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value as text (§ 3.3.11): `\n`, `\,`, `\;` and `\\` are what they stand for.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut letters = self.value.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(escaped) => text.push(escaped),
                    None => {}
                },
                letter => text.push(letter),
            }
        }
        text
    }
}

/// The lines of `text`, folded ones joined; those that are none are left out, as every calendar
/// program does.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    for (index, part) in text.lines().enumerate() {
        match (part.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(rest), Some((_, line))) => line.push_str(rest),
            _ => whole.push((index + 1, part.to_owned())),
        }
    }
    whole.into_iter().filter_map(|(number, line)| parse(number, &line)).collect()
}

fn parse(number: usize, line: &str) -> Option<Line> {
    let (head, value) = split_outside_quotes(line, ':')?;
    let mut rest = head;
    let mut parts = Vec::new();
    while let Some((part, after)) = split_outside_quotes(rest, ';') {
        parts.push(part);
        rest = after;
        if parts.len() > PARAMETERS {
            return None;
        }
    }
    parts.push(rest);
    let mut parts = parts.into_iter();
    let name = parts.next()?.trim().to_ascii_uppercase();
    let parameters = parts
        .filter_map(|part| part.split_once('='))
        .map(|(key, value)| (key.to_ascii_uppercase(), value.trim_matches('"').to_owned()))
        .collect();
    Some(Line { number, name, parameters, value: value.to_owned() })
}

fn split_outside_quotes(text: &str, at: char) -> Option<(&str, &str)> {
    let mut quoted = false;
    let place = text.find(|letter| {
        quoted ^= letter == '"';
        letter == at && !quoted
    })?;
    Some((&text[..place], &text[place + at.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_are_one_and_quotes_hide_separators() {
        let text = "BEGIN:VCALENDAR\r\nATTENDEE;CN=\"Lộc; xã: Hoằng\";ROLE=REQ:mail\r\n to:a@b\r\nSUMMARY:Giao ban\\, tu\r\n ần\\n2\r\nnonsense\r\n";
        let lines = lines(text);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1].parameter("CN"), Some("Lộc; xã: Hoằng"));
        assert_eq!(lines[1].value, "mailto:a@b");
        assert_eq!((lines[2].number, lines[2].text()), (4, "Giao ban, tuần\n2".to_owned()));
    }
}
