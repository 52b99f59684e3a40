//! What is said of the fleet while it lives.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use crate::fault::Fault;
use crate::site::Seen;

/// Of a few sites what happened to them is told one by one, of many only how many they are.
const CHANGES: usize = 20;

/// Looks at all sites from time to time.
pub(crate) struct Status {
    sites: Vec<(String, Rc<RefCell<Seen>>)>,
    delivered: u64,
    wrong: Vec<Vec<Fault>>,
}

impl Status {
    pub(crate) fn new(sites: Vec<(String, Rc<RefCell<Seen>>)>) -> Self {
        let wrong = vec![Vec::new(); sites.len()];
        Self { sites, delivered: 0, wrong }
    }

    /// One line, and what began and ended since the last one.
    pub(crate) fn look(&mut self) -> String {
        let (mut delivered, mut waiting) = (0, 0);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut changes = Vec::new();
        for ((id, seen), before) in self.sites.iter().zip(&mut self.wrong) {
            let seen = seen.borrow();
            delivered += seen.delivered;
            waiting += seen.waiting;
            let wrong: Vec<Fault> = seen.felt.0.iter().map(|(fault, _)| *fault).collect();
            for fault in &wrong {
                *counts.entry(fault.label()).or_default() += 1;
            }
            let began = wrong.iter().filter(|fault| !before.contains(fault)).map(|f| ('+', *f));
            let ended = before.iter().filter(|fault| !wrong.contains(fault)).map(|f| ('-', *f));
            changes.extend(
                began.chain(ended).map(|(sign, fault)| format!("  {sign} {id} {}", fault.label())),
            );
            *before = wrong;
        }
        let mut line = format!(
            "{} sites; {delivered} reports delivered (+{}), {waiting} waiting; wrong:",
            self.sites.len(),
            delivered.saturating_sub(self.delivered)
        );
        self.delivered = delivered;
        for (label, count) in counts {
            let _ = write!(line, " {label} {count}");
        }
        let left = changes.len().saturating_sub(CHANGES);
        changes.truncate(CHANGES);
        if left > 0 {
            changes.push(format!("  and {left} more changes"));
        }
        changes.insert(0, line);
        changes.join("\n")
    }
}
