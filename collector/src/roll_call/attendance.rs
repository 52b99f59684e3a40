//! Who really took part, as somebody says afterwards. Pure.

use std::collections::BTreeMap;

use csv::ReaderBuilder;
use wire::SiteId;

use crate::inventory::folded;
use crate::readiness::Verdict;
use crate::roll_call::RollCall;

/// What became of a site in the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// There from the start.
    Present,
    /// There, but after the start.
    Late,
    /// Not there.
    Absent,
}

impl Presence {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Present, Self::Late, Self::Absent];

    /// In JSON and in the store.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Late => "late",
            Self::Absent => "absent",
        }
    }

    /// What a label or an office's word means.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match folded(word).as_str() {
            "present" | "co mat" | "co" | "x" | "1" => Some(Self::Present),
            "late" | "muon" | "den muon" | "vao muon" | "tre" => Some(Self::Late),
            "absent" | "vang" | "vang mat" | "khong" | "0" => Some(Self::Absent),
            _ => None,
        }
    }
}

/// How a verdict at T-0 and what happened disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disagreement {
    /// It was said to be ready, also with limits, and was absent.
    FalseReady,
    /// It was said not to be ready and was there from the start.
    FalseAlarm,
}

/// Whether `verdict` misled. Of a site that came late both were right.
#[must_use]
pub fn disagreement(verdict: Verdict, presence: Presence) -> Option<Disagreement> {
    match (verdict, presence) {
        (Verdict::Ready | Verdict::Degraded, Presence::Absent) => Some(Disagreement::FalseReady),
        (Verdict::NotReady, Presence::Present) => Some(Disagreement::FalseAlarm),
        _ => None,
    }
}

/// Presences by site.
pub type Attendance = BTreeMap<SiteId, Presence>;

/// Reads `{"th-0316": "present", …}`: sites by id or name, of those in `call`.
///
/// # Errors
/// Every fault at once, each in a line; nothing is to be taken of a list that has any.
pub fn from_json(body: &[u8], call: &RollCall) -> Result<Attendance, Vec<String>> {
    let pairs: BTreeMap<String, String> = serde_json::from_slice(body).map_err(|error| {
        vec![format!("not a JSON object of site and \"present\", \"absent\" or \"late\": {error}")]
    })?;
    let mut list = List::of(call);
    for (site, presence) in &pairs {
        list.take(&format!("{site:?}"), site, presence);
    }
    list.finish()
}

/// Reads lines of site and presence, parted by `;`, `,` or tabulators. A first line that says
/// neither is taken for a header.
///
/// # Errors
/// As [`from_json`].
pub fn from_csv(text: &str, call: &RollCall) -> Result<Attendance, Vec<String>> {
    let mut list = List::of(call);
    let mut reader = ReaderBuilder::new()
        .delimiter(separator(text))
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    for (index, row) in reader.records().enumerate() {
        let place = |line| format!("line {line}");
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                list.faults.push(error.to_string());
                continue;
            }
        };
        let line = row.position().map_or(0, csv::Position::line);
        let (site, presence) = (row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default());
        let header = index == 0
            && (is_heading(site)
                || Presence::from_word(presence).is_none() && list.find(site).is_err());
        if !header && row.iter().any(|cell| !cell.is_empty()) {
            list.take(&place(line), site, presence);
        }
    }
    list.finish()
}

/// Whether a cell heads a column of sites. The heading beside it may be `Có mặt`, a presence.
fn is_heading(cell: &str) -> bool {
    let words = ["site", "name", "diem cau", "ma", "ma diem cau", "ten", "ten diem cau"];
    words.contains(&folded(cell).as_str())
}

/// The separator that stands in the first line: Excel of Vietnamese Windows writes `;`.
fn separator(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    [b';', b'\t', b','].into_iter().find(|mark| first.as_bytes().contains(mark)).unwrap_or(b';')
}

/// A list while it is read.
struct List<'a> {
    call: &'a RollCall,
    /// Sites by folded name; more than one where they share it.
    names: BTreeMap<String, Vec<&'a SiteId>>,
    found: Attendance,
    faults: Vec<String>,
}

impl<'a> List<'a> {
    fn of(call: &'a RollCall) -> Self {
        let mut names: BTreeMap<String, Vec<&SiteId>> = BTreeMap::new();
        for (site, entry) in &call.sites {
            names.entry(folded(&entry.name)).or_default().push(site);
        }
        Self { call, names, found: Attendance::new(), faults: Vec::new() }
    }

    fn find(&self, name: &str) -> Result<&'a SiteId, String> {
        if let Some((site, _)) = self.call.sites.get_key_value(name) {
            return Ok(site);
        }
        match self.names.get(&folded(name)).map(Vec::as_slice) {
            Some([site]) => Ok(site),
            Some(several) => {
                let ids: Vec<_> = several.iter().map(|site| site.as_str()).collect();
                Err(format!(
                    "{name:?} is the name of several sites: {}; give the id",
                    ids.join(", ")
                ))
            }
            None => Err(format!("{name:?} is no site of this meeting")),
        }
    }

    fn take(&mut self, place: &str, site: &str, word: &str) {
        let presence = Presence::from_word(word);
        if presence.is_none() {
            self.faults.push(format!("{place}: {word:?} is not present, absent or late"));
        }
        match (self.find(site), presence) {
            (Err(fault), _) => self.faults.push(format!("{place}: {fault}")),
            (Ok(site), Some(presence)) => {
                if self.found.insert(site.clone(), presence).is_some_and(|other| other != presence)
                {
                    self.faults.push(format!("{place}: {site} is in the list twice"));
                }
            }
            (Ok(_), None) => {}
        }
    }

    fn finish(self) -> Result<Attendance, Vec<String>> {
        if self.faults.is_empty() { Ok(self.found) } else { Err(self.faults) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roll_call::{Entry, Key, Moment};

    fn call() -> RollCall {
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            area: None,
            level: String::new(),
            verdict: Verdict::Ready,
            reasons: Vec::new(),
            evidence_at: None,
            heard_at: None,
        };
        let sites =
            [("a", "Xã Hoằng Lộc"), ("b", "Xã Đông, Tây"), ("c", "Xã Yên"), ("d", "Xã Yến")];
        let key = Key { meeting: "m@1".to_owned(), start: 0, moment: Moment::Start };
        RollCall {
            key,
            title: String::new(),
            end: 1,
            recorded_at: 0,
            unmatched: Vec::new(),
            sites: sites.map(|(id, name)| (id.parse().unwrap(), entry(name))).into(),
        }
    }

    fn list(pairs: &[(&str, Presence)]) -> Attendance {
        pairs.iter().map(|(site, presence)| (site.parse().unwrap(), *presence)).collect()
    }

    #[test]
    fn lists_are_read_as_offices_write_them() {
        use Presence::{Absent, Late, Present};
        let expected = list(&[("a", Present), ("b", Absent), ("c", Late)]);
        let cases = [
            "a;present\nb;absent\nc;late\n",
            "site,attendance\r\na,x\r\n\"Xã Đông, Tây\",0\r\nc,Trễ\r\n",
            "Điểm cầu;Có mặt;Ghi chú\nXÃ HOẰNG LỘC;Có mặt;\nxa dong, tay;vắng mặt;mất điện\nc;Đến muộn\n;;\n\n",
            "a\tcó\nb\tvang\nc\tmuon",
        ];
        for text in cases {
            assert_eq!(from_csv(text, &call()), Ok(expected.clone()), "{text}");
        }
        let json = r#"{"a":"present","xa dong, tay":"absent","c":"late"}"#;
        assert_eq!(from_json(json.as_bytes(), &call()), Ok(expected));
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let text = "a;present\nz;present\nb;maybe\nxa yen;x\na;absent\n";
        let faults = from_csv(text, &call()).unwrap_err();
        let expected = [
            "line 2: \"z\" is no site of this meeting",
            "line 3: \"maybe\" is not present, absent or late",
            "line 4: \"xa yen\" is the name of several sites: c, d; give the id",
            "line 5: a is in the list twice",
        ];
        assert_eq!(faults, expected);
        assert!(from_json(b"[]", &call()).unwrap_err()[0].contains("not a JSON object"));
    }

    #[test]
    fn ready_but_absent_and_not_ready_but_present_disagree() {
        let found: Vec<_> = Verdict::ALL
            .into_iter()
            .flat_map(|verdict| Presence::ALL.map(|presence| (verdict, presence)))
            .filter_map(|(verdict, presence)| {
                Some((verdict, presence, disagreement(verdict, presence)?))
            })
            .collect();
        let expected = [
            (Verdict::NotReady, Presence::Present, Disagreement::FalseAlarm),
            (Verdict::Degraded, Presence::Absent, Disagreement::FalseReady),
            (Verdict::Ready, Presence::Absent, Disagreement::FalseReady),
        ];
        assert_eq!(found, expected);
    }
}
