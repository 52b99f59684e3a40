//! Days and times as offices write them. Pure, and never wrong in silence: what looks like a day
//! or a time and is none, or is two of them, is told.

use jiff::civil::{Time, Weekday};

use super::tokens::{Token, tokens};

/// All that a text says of when something is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct When {
    pub(super) weekday: Option<Weekday>,
    pub(super) dates: Vec<Written>,
    pub(super) session: Option<Session>,
    pub(super) times: Vec<Hours>,
    /// Something that is no day or time although it looks like one.
    pub(super) strange: bool,
}

/// A date as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) day: i8,
    pub(super) month: i8,
    pub(super) year: Option<i16>,
}

/// A beginning, and an end where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) start: Time,
    pub(super) end: Option<Time>,
}

/// The part of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    Morning,
    Noon,
    Afternoon,
    Evening,
}

impl When {
    /// Reads a cell; words that are no day or time are passed over.
    pub(super) fn read(text: &str) -> Self {
        let tokens = tokens(text);
        let mut reader = Reader { tokens: &tokens, at: 0, strange: false };
        let mut when = Self::default();
        while reader.at < tokens.len() {
            if let Some(date) = reader.attempt(Reader::date) {
                when.dates.push(date);
            } else if let Some(hours) = reader.attempt(Reader::hours) {
                when.times.push(hours);
            } else if let Some(weekday) = reader.attempt(Reader::weekday) {
                when.weekday.get_or_insert(weekday);
            } else if let Some(session) = reader.attempt(Reader::session) {
                when.session.get_or_insert(session);
            } else {
                reader.at += 1;
            }
        }
        when.strange = reader.strange;
        when
    }

    /// Whether it says anything.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it says which day.
    pub(super) fn has_day(&self) -> bool {
        self.weekday.is_some() || !self.dates.is_empty()
    }

    /// What two cells of a row say together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.weekday = self.weekday.or(other.weekday);
        self.session = self.session.or(other.session);
        self.dates.extend(other.dates);
        self.times.extend(other.times);
        self.strange |= other.strange;
        self
    }
}

/// The time at the beginning of a text, as in `(8h30) Hội nghị` or `- 07 giờ 30’: họp`, and the
/// text after it; none where there is no text after it.
pub(super) fn leading(text: &str) -> Option<(Hours, &str)> {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, at: 0, strange: false };
    // The number of a list: `1. 8h30: …`.
    if let (Some(Token::Number(..)), Some(Token::Sign('.' | ')'))) =
        (reader.peek(0), reader.peek(1))
    {
        reader.at = 2;
    }
    let opens = |token: &Token| match token {
        Token::Sign(sign) => "([-–*+•".contains(*sign),
        Token::Word(word) => matches!(word.as_str(), "luc" | "hoi" | "vao" | "tu"),
        Token::Number(..) => false,
    };
    while reader.peek(0).is_some_and(opens) {
        reader.at += 1;
    }
    let hours = reader.attempt(Reader::hours)?;
    while matches!(reader.peek(0), Some(Token::Sign(sign)) if ")]:,.;-–".contains(*sign)) {
        reader.at += 1;
    }
    let end = tokens.get(reader.at.checked_sub(1)?).map(|(_, end)| *end)?;
    let rest = text.get(end..)?.trim();
    (!rest.is_empty()).then_some((hours, rest))
}

/// How long something lasts: `2h30`, `2 giờ`, `90 phút`.
pub(super) fn minutes(text: &str) -> Option<u32> {
    let tokens = tokens(text);
    let reader = Reader { tokens: &tokens, at: 0, strange: false };
    match (reader.peek(0)?, reader.peek(1)?, reader.peek(2)) {
        (Token::Number(hours, 1..=2), Token::Word(word), after) if is_hour(word) => match after {
            Some(Token::Number(minutes @ 0..60, 1..=2)) => Some(hours * 60 + minutes),
            _ => Some(hours * 60),
        },
        (Token::Number(minutes, 1..=3), Token::Word(word), _) if is_minute(word) => Some(*minutes),
        _ => None,
    }
}

fn is_hour(word: &str) -> bool {
    matches!(word, "h" | "g" | "gio" | "tieng")
}

fn is_minute(word: &str) -> bool {
    matches!(word, "p" | "ph" | "phut")
}

struct Reader<'a> {
    tokens: &'a [(Token, usize)],
    at: usize,
    strange: bool,
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + ahead).map(|(token, _)| token)
    }

    /// Stays where it is unless `read` finds something.
    fn attempt<T>(&mut self, read: fn(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.at;
        let found = read(self);
        if found.is_none() {
            self.at = before;
        }
        found
    }

    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
        let Some(Token::Number(value, count)) = self.peek(0) else { return None };
        digits.contains(count).then(|| self.at += 1).map(|()| *value)
    }

    fn sign(&mut self, signs: &str) -> Option<char> {
        match self.peek(0) {
            Some(Token::Sign(sign)) if signs.contains(*sign) => {
                self.at += 1;
                Some(*sign)
            }
            _ => None,
        }
    }

    fn word(&mut self, fits: impl Fn(&str) -> bool) -> Option<&'a str> {
        match self.peek(0) {
            Some(Token::Word(word)) if fits(word) => {
                self.at += 1;
                Some(word)
            }
            _ => None,
        }
    }

    fn date(&mut self) -> Option<Written> {
        let (year, month, day) = self
            .attempt(Self::year_first)
            .or_else(|| self.attempt(Self::in_words))
            .or_else(|| self.attempt(Self::day_first))?;
        let short = |value: u32| i8::try_from(value).ok();
        let (day, month) = (short(day)?, short(month)?);
        let year = match year {
            // Offices write 26 for 2026; nobody plans meetings of 1926.
            Some(year @ 0..100) => Some(2000 + i16::try_from(year).ok()?),
            Some(year) => Some(i16::try_from(year).ok()?),
            None => None,
        };
        if !(1..=31).contains(&day) || !(1..=12).contains(&month) {
            self.strange = true;
        }
        Some(Written { day, month, year })
    }

    /// `2026-11-16`
    fn year_first(&mut self) -> Option<(Option<u32>, u32, u32)> {
        let year = self.number(4..=4)?;
        self.sign("-/")?;
        let month = self.number(1..=2)?;
        self.sign("-/")?;
        Some((Some(year), month, self.number(1..=2)?))
    }

    /// `ngày 16 tháng 11 năm 2026`
    fn in_words(&mut self) -> Option<(Option<u32>, u32, u32)> {
        let day = self.number(1..=2)?;
        self.word(|word| word == "thang")?;
        let month = self.number(1..=2)?;
        let year = self.attempt(|reader| {
            reader.word(|word| word == "nam")?;
            reader.number(4..=4)
        });
        Some((year, month, day))
    }

    /// `16/11`, `16/11/2026`, `16-11-2026`, `16.11.26`. Points and dashes stand in times and
    /// between days too, so of those only three numbers make a date.
    fn day_first(&mut self) -> Option<(Option<u32>, u32, u32)> {
        let day = self.number(1..=2)?;
        let between = self.sign("/-.")?;
        let month = self.number(1..=2)?;
        // `16-18/11` are several days.
        if between == '-' && matches!(self.peek(0), Some(Token::Sign('/'))) {
            self.strange = true;
        }
        // As in `16/11-20/11`, another sign begins something else.
        let year = if matches!(self.peek(0), Some(Token::Sign(sign)) if *sign == between) {
            self.at += 1;
            self.number(4..=4).or_else(|| self.number(2..=2))
        } else {
            None
        };
        (between == '/' || year.is_some()).then_some((year, month, day))
    }

    fn hours(&mut self) -> Option<Hours> {
        let start = self.time()?;
        let end = self.attempt(|reader| {
            if reader.sign("-–—~").is_none() {
                reader.word(|word| word == "den")?;
            }
            reader.time()
        });
        Some(Hours { start, end })
    }

    fn time(&mut self) -> Option<Time> {
        let (hour, minute) =
            self.attempt(Self::by_letter).or_else(|| self.attempt(Self::by_colon))?;
        let half = self.word(|word| matches!(word, "am" | "pm"));
        let hour = match (half, hour) {
            (Some("pm"), 1..=11) => hour + 12,
            (Some("am"), 12) => 0,
            _ => hour,
        };
        let short = |value: u32| i8::try_from(value).unwrap_or(i8::MAX);
        let time = Time::new(short(hour), short(minute), 0, 0);
        self.strange |= time.is_err();
        time.ok()
    }

    /// `7h`, `07h30`, `7g30`, `8 giờ 00’`, `14 giờ 30 phút`
    fn by_letter(&mut self) -> Option<(u32, u32)> {
        let hour = self.number(1..=2)?;
        self.word(is_hour)?;
        let minute = self.attempt(|reader| {
            let minute = reader.number(1..=2)?;
            // `7h 16/11`: that is the day.
            (!matches!(reader.peek(0), Some(Token::Sign('/')))).then_some(minute)
        });
        if minute.is_some() && self.sign("'’′´`").is_none() {
            self.word(is_minute);
        }
        Some((hour, minute.unwrap_or(0)))
    }

    /// `07:30`, `7:30:00`
    fn by_colon(&mut self) -> Option<(u32, u32)> {
        let hour = self.number(1..=2)?;
        self.sign(":")?;
        let minute = self.number(2..=2)?;
        self.attempt(|reader| {
            reader.sign(":")?;
            reader.number(2..=2)
        });
        Some((hour, minute))
    }

    fn weekday(&mut self) -> Option<Weekday> {
        let head = self.word(|word| matches!(word, "thu" | "t" | "chu" | "cn"))?;
        if head == "cn" {
            return Some(Weekday::Sunday);
        }
        if head == "chu" {
            return self.word(|word| word == "nhat").map(|_| Weekday::Sunday);
        }
        let number = self.number(1..=1).or_else(|| {
            let names = ["hai", "ba", "tu", "nam", "sau", "bay"];
            let name = self.word(|word| head == "thu" && names.contains(&word))?;
            let place = names.iter().position(|known| *known == name)?;
            u32::try_from(place + 2).ok()
        })?;
        // Monday is the second day here.
        (2..=7)
            .contains(&number)
            .then(|| i8::try_from(number).ok())?
            .and_then(|number| Weekday::from_monday_one_offset(number - 1).ok())
    }

    fn session(&mut self) -> Option<Session> {
        let word = self.word(|word| matches!(word, "sang" | "trua" | "chieu" | "toi"))?;
        Some(match word {
            "sang" => Session::Morning,
            "trua" => Session::Noon,
            "chieu" => Session::Afternoon,
            _ => Session::Evening,
        })
    }
}

impl Session {
    /// The time that is meant: `2 giờ` under *Chiều* is 14:00.
    pub(super) fn lift(self, time: Time) -> Time {
        let lifted = match self {
            Self::Morning => false,
            Self::Noon => (1..=2).contains(&time.hour()),
            Self::Afternoon => (1..=6).contains(&time.hour()),
            Self::Evening => (5..=11).contains(&time.hour()),
        };
        if lifted { time.wrapping_add(jiff::SignedDuration::from_hours(12)) } else { time }
    }

    /// Whether a time lies in it.
    pub(super) fn holds(self, time: Time) -> bool {
        match self {
            Self::Morning => time.hour() < 13,
            Self::Noon => (10..16).contains(&time.hour()),
            Self::Afternoon => (12..20).contains(&time.hour()),
            Self::Evening => time.hour() >= 16,
        }
    }
}

#[cfg(test)]
mod tests;
