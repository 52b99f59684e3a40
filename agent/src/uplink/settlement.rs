//! What an answer settles: only what was sent, whatever the answer says. Pure.

use std::collections::HashSet;

use wire::Answer;

use crate::spool::Key;

/// A refusal's reason is for the log; the collector's are short.
const REASON_CHARS: usize = 120;

/// What becomes of the reports of a batch.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Settlement {
    pub(super) accepted: Vec<Key>,
    pub(super) refused: Vec<Key>,
    /// Why the first of the refused was refused.
    pub(super) reason: Option<String>,
    /// Reports of which the answer says nothing; they stay in the spool.
    pub(super) left: usize,
}

/// Holds `answer` against the keys that were `sent`, in their order.
pub(super) fn settle(sent: &[Key], answer: &Answer) -> Settlement {
    let mut open: HashSet<Key> = sent.iter().copied().collect();
    let mut settlement = Settlement::default();
    for key in &answer.accepted {
        if open.remove(key) {
            settlement.accepted.push(*key);
        }
    }
    for refusal in &answer.refused {
        let named = refusal.boot.zip(refusal.seq);
        // Its number where it has one, else its place.
        if let Some(key) = named.or_else(|| sent.get(refusal.index).copied())
            && open.remove(&key)
        {
            settlement.refused.push(key);
            settlement.reason.get_or_insert_with(|| printable(&refusal.reason));
        }
    }
    settlement.left = open.len();
    settlement
}

/// A stranger's text for the log: short, ASCII, one line.
pub(super) fn printable(text: &str) -> String {
    let shown = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    text.chars().take(REASON_CHARS).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use wire::Refusal;

    use super::*;

    const BOOT: Uuid = Uuid::from_u128(7);
    const SENT: [Key; 3] = [(BOOT, 3), (BOOT, 2), (BOOT, 1)];

    fn answer(accepted: &[Key], refused: Vec<Refusal>) -> Answer {
        Answer {
            now: 0,
            accepted: accepted.to_vec(),
            refused,
            profile: None,
            update: None,
            meeting: None,
        }
    }

    fn refusal(index: usize, seq: Option<u64>, reason: &str) -> Refusal {
        Refusal { index, boot: seq.map(|_| BOOT), seq, reason: reason.into() }
    }

    #[test]
    fn each_report_is_settled_by_itself() {
        let answer = answer(&[(BOOT, 1), (BOOT, 3)], vec![refusal(1, Some(2), "labels: 999")]);
        let settlement = settle(&SENT, &answer);
        assert_eq!(settlement.accepted, [(BOOT, 1), (BOOT, 3)]);
        assert_eq!(settlement.refused, [(BOOT, 2)]);
        assert_eq!(settlement.reason.as_deref(), Some("labels: 999"));
        assert_eq!(settlement.left, 0);
    }

    #[test]
    fn what_was_never_sent_is_not_settled() {
        let stranger = Uuid::from_u128(8);
        let answer = answer(
            &[(stranger, 1), (BOOT, 99), (BOOT, 3), (BOOT, 3)],
            vec![refusal(17, None, ""), refusal(0, Some(98), "")],
        );
        let settlement = settle(&SENT, &answer);
        assert_eq!(settlement.accepted, [(BOOT, 3)]);
        assert!(settlement.refused.is_empty());
        assert_eq!(settlement.left, 2);
    }

    #[test]
    fn a_report_too_broken_to_say_its_number_is_found_by_its_place() {
        let settlement = settle(&SENT, &answer(&[], vec![refusal(2, None, "no JSON")]));
        assert_eq!(settlement.refused, [(BOOT, 1)]);
    }

    #[test]
    fn accepted_wins_over_refused() {
        let settlement = settle(&SENT, &answer(&[(BOOT, 2)], vec![refusal(1, Some(2), "")]));
        assert_eq!((settlement.accepted.len(), settlement.refused.len()), (1, 0));
    }

    #[test]
    fn a_strangers_text_is_made_harmless_for_the_log() {
        let reason = format!("a\n\u{1b}[31mb{}", "x".repeat(9999));
        let settlement = settle(&SENT, &answer(&[], vec![refusal(0, None, &reason)]));
        let told = settlement.reason.unwrap();
        assert!(told.starts_with("a??[31mb") && told.len() == REASON_CHARS, "{told}");
    }
}
