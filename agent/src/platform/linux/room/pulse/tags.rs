//! The values of the protocol, each behind a letter that names its kind
//! (`pulsecore/tagstruct.h`).

/// Reads values; `None` as soon as one is not what is asked for or is cut.
pub(super) struct Tags<'a>(&'a [u8]);

impl<'a> Tags<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        self.expect(b'L')?;
        self.word()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.expect(b'B')?;
        self.take(1)?.first().copied()
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.tag()? {
            b'1' => Some(true),
            b'0' => Some(false),
            _ => None,
        }
    }

    /// A text; an empty one in the place where there is none.
    pub(super) fn text(&mut self) -> Option<String> {
        match self.tag()? {
            b'N' => Some(String::new()),
            b't' => self.until_nul(),
            _ => None,
        }
    }

    /// The loudest of the channels.
    pub(super) fn volumes(&mut self) -> Option<u32> {
        self.expect(b'v')?;
        let channels = *self.take(1)?.first()?;
        (0..channels).map(|_| self.word()).try_fold(0, |loudest, volume| Some(volume?.max(loudest)))
    }

    /// Names and values; a value that is no text is left out.
    pub(super) fn properties(&mut self) -> Option<Vec<(String, String)>> {
        self.expect(b'P')?;
        let mut properties = Vec::new();
        while *self.0.first()? != b'N' {
            let name = self.text()?;
            let length = self.number()?;
            self.expect(b'x')?;
            // The length stands before the letter and behind it.
            if self.word()? != length {
                return None;
            }
            let value = self.take(usize::try_from(length).ok()?)?;
            if let Some((0, text)) = value.split_last() {
                properties.push((name, String::from_utf8_lossy(text).into_owned()));
            }
        }
        self.tag()?;
        Some(properties)
    }

    /// Whatever comes next.
    pub(super) fn skip(&mut self) -> Option<()> {
        let length = match *self.0.first()? {
            b'P' => return self.properties().map(drop),
            b't' | b'N' => return self.text().map(drop),
            b'v' => return self.volumes().map(drop),
            b'f' => {
                self.tag()?;
                self.byte()?;
                return self.properties().map(drop);
            }
            b'm' => usize::from(*self.0.get(1)?) + 1,
            b'1' | b'0' => 0,
            b'B' => 1,
            b'L' | b'V' => 4,
            // Format, channels, rate.
            b'a' => 6,
            b'R' | b'r' | b'U' | b'T' => 8,
            _ => return None,
        };
        self.tag()?;
        self.take(length).map(drop)
    }

    fn tag(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn expect(&mut self, tag: u8) -> Option<()> {
        (self.tag()? == tag).then_some(())
    }

    fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*word))
    }

    fn until_nul(&mut self) -> Option<String> {
        let length = self.0.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1)?;
        Some(text)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// Writes values.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn number(&mut self, number: u32) {
        self.0.push(b'L');
        self.0.extend(number.to_be_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.push(b'x');
        self.0.extend(u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
        self.0.extend(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.push(b't');
        self.0.extend(text.bytes());
        self.0.push(0);
    }

    pub(super) fn properties(&mut self, properties: &[(&str, &str)]) {
        self.0.push(b'P');
        for (name, value) in properties {
            let value = [value.as_bytes(), &[0]].concat();
            self.text(name);
            self.number(u32::try_from(value.len()).unwrap_or(0));
            self.bytes(&value);
        }
        self.0.push(b'N');
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}
