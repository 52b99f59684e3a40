//! Reading the files people write: every fault at once, each with its place.
//!
//! ```text
//!  text ─▶ tree (places, equal keys, syntax) ─▶ reader ─▶ T
//!                     ▲                           │ failure
//!                     └── set the faulty part aside, read again
//! ```
//! A type that reads configurations refuses unknown keys (`deny_unknown_fields`) and uses no
//! `flatten` and no enum with content, which lose the place of their faults.

mod failure;
mod reader;
mod stand_in;
mod tree;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::de::DeserializeOwned;

use failure::{Failure, What};
use reader::Reader;
use tree::{Child, Content, Mark, Node, push_index, push_key};
pub use words::nearest;

/// Faults found in one reading. Nobody mends more in one go, and each costs another pass over
/// the file.
const FAULTS: usize = 100;

/// One fault of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file as it was named.
    pub file: PathBuf,
    /// Line, from 1; 0 where the file has none (it could not be read).
    pub line: usize,
    /// Column in characters, from 1; 0 where the line has none.
    pub column: usize,
    /// The key's path, `probes.mcu.every`; empty for the whole file.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        for place in [self.line, self.column].into_iter().filter(|place| *place > 0) {
            write!(f, "{place}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}", self.message)
    }
}

/// All faults of a file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Reads `text`, the content of `file`, as a `T`. An empty text is a `T` without any keys.
pub fn read<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, Faults> {
    let (value, findings) = open(file, text);
    findings.finish(value)
}

/// Reads `text` as a `T` whose own rules are still to be checked: what they find goes into the
/// findings, and [`Findings::finish`] says whether all is well.
///
/// The value is there as far as it could be read, without its faulty parts; `None` where too
/// little was left.
#[must_use]
pub fn open<T: DeserializeOwned>(file: &Path, text: &str) -> (Option<T>, Findings) {
    let (root, faults) = tree::plant(text.trim_start_matches('\u{feff}'));
    let mut findings = Findings { file: file.to_owned(), root, faults: Vec::new(), more: 0 };
    for fault in faults {
        findings.push(fault.mark, fault.key, fault.message);
    }
    let value = findings.root.clone().and_then(|root| findings.harvest(&root));
    (value, findings)
}

/// What is wrong with a file so far.
#[derive(Debug)]
pub struct Findings {
    file: PathBuf,
    root: Option<Rc<Node>>,
    faults: Vec<Fault>,
    /// Faults beyond [`FAULTS`].
    more: usize,
}

impl Findings {
    /// Adds a fault of the key at `path` (`probes.mcu.every`, `sites[3].area`), or of the
    /// nearest key above it that is there.
    ///
    /// Left out where a neighbouring key has a fault of its own: a rule that was applied without
    /// that key proves nothing.
    pub fn add(&mut self, path: &str, message: impl Into<String>) {
        let Some(root) = &self.root else { return };
        let way = Way::along(root, path);
        if !way.gone() && !way.neighbours_gone() {
            let mark = way.mark;
            self.push(mark, path.to_owned(), message.into());
        }
    }

    /// As [`Findings::add`], for a rule that looks at no other key: only a fault of the key itself
    /// takes its place.
    pub fn add_alone(&mut self, path: &str, message: impl Into<String>) {
        let Some(root) = &self.root else { return };
        let way = Way::along(root, path);
        if !way.gone() {
            let mark = way.mark;
            self.push(mark, path.to_owned(), message.into());
        }
    }

    /// The line of the key at `path`, or of the nearest one above it.
    #[must_use]
    pub fn line(&self, path: &str) -> Option<usize> {
        let root = self.root.as_ref()?;
        Some(Way::along(root, path).mark.line)
    }

    /// The value, if nothing at all is wrong; the faults in the order of the file otherwise.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Faults> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => {
                self.faults.sort_by_key(|fault| (fault.line, fault.column));
                if let Some(last) = self.faults.last_mut().filter(|_| self.more > 0) {
                    last.message = format!("{} (and {} more faults)", last.message, self.more);
                }
                Err(Faults(self.faults))
            }
        }
    }

    fn push(&mut self, mark: Mark, key: String, message: String) {
        if self.faults.len() >= FAULTS {
            self.more += 1;
            return;
        }
        let Mark { line, column } = mark;
        self.faults.push(Fault { file: self.file.clone(), line, column, key, message });
    }

    /// Reads until nothing faulty is left, or too little.
    fn harvest<T: DeserializeOwned>(&mut self, root: &Node) -> Option<T> {
        // Mappings read with stand-ins for missing keys.
        let mut incomplete: Vec<Vec<usize>> = Vec::new();
        while self.faults.len() < FAULTS {
            match T::deserialize(Reader(root)) {
                Ok(value) if incomplete.is_empty() => return Some(value),
                Ok(_) => {
                    for steps in incomplete.drain(..) {
                        if !set_aside(root, &steps) {
                            return None;
                        }
                    }
                }
                Err(failure) => {
                    if !self.learn(root, failure, &mut incomplete) {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Records a failure and takes it out of the way; false where that is the whole file.
    fn learn(&mut self, root: &Node, failure: Failure, incomplete: &mut Vec<Vec<usize>>) -> bool {
        let Failure { what, key, mut steps } = failure;
        steps.reverse();
        let Some(spot) = Spot::find(root, &steps, key) else { return false };
        match what {
            What::Missing(name) => {
                if !lost(spot.node, name) {
                    self.push(spot.mark, spot.path, format!("the key `{name}` is missing here"));
                    if let Content::Mapping { lacking, .. } = &spot.node.content {
                        lacking.borrow_mut().push(name);
                        incomplete.push(steps);
                        return true;
                    }
                }
            }
            What::Message(message) => {
                if key || !spot.node.wounded() {
                    self.push(spot.mark, spot.path, message);
                }
            }
            What::NoStandIn => {}
        }
        set_aside(root, &steps)
    }
}

/// Whether the key of that name was there, possibly misspelt, and has its fault already.
fn lost(node: &Node, name: &'static str) -> bool {
    let gone = node.children().iter().filter(|child| child.aside.get());
    gone.filter_map(|child| child.key.as_deref())
        .any(|key| key == name || nearest(key, &[name]).is_some())
}

/// Sets the node at `steps` aside in its parent; false for the root, which has none.
fn set_aside(root: &Node, steps: &[usize]) -> bool {
    let mut node = root;
    let mut last = None;
    for step in steps {
        let Some(child) = node.children().get(*step) else { return false };
        node = &child.node;
        last = Some(child);
    }
    // Stand-ins are for one mapping; without it they have nothing to stand in for.
    if let Content::Mapping { lacking, .. } = &node.content {
        lacking.borrow_mut().clear();
    }
    last.is_some_and(|child| !child.aside.replace(true))
}

/// A node, where people find it, and what they call it.
struct Spot<'t> {
    node: &'t Node,
    mark: Mark,
    path: String,
}

impl<'t> Spot<'t> {
    fn find(root: &'t Node, steps: &[usize], key: bool) -> Option<Self> {
        let mut spot = Self { node: root, mark: root.mark, path: String::new() };
        for step in steps {
            let child = spot.node.children().get(*step)?;
            match &child.key {
                Some(key) => push_key(&mut spot.path, key),
                None => push_index(&mut spot.path, *step),
            }
            spot.node = &child.node;
            spot.mark = if key { child.mark } else { child.place() };
        }
        Some(spot)
    }
}

/// Where the key at `path` is, as far as the way to it goes.
struct Way<'t> {
    above: &'t Node,
    node: &'t Node,
    mark: Mark,
    aside: bool,
}

impl<'t> Way<'t> {
    fn along(root: &'t Node, path: &str) -> Self {
        let mut way = Self { above: root, node: root, mark: root.mark, aside: false };
        let mut rest = path;
        while !rest.is_empty() {
            way.above = way.node;
            let Some((child, after)) = step(way.node, rest) else { break };
            way.node = &child.node;
            way.mark = child.place();
            way.aside |= child.aside.get();
            rest = after;
        }
        way
    }

    /// Whether the key has a fault already, or one that may have been meant as it.
    fn gone(&self) -> bool {
        self.aside || self.node.wounded()
    }

    fn neighbours_gone(&self) -> bool {
        matches!(self.above.content, Content::Mapping { .. }) && self.above.wounded()
    }
}

/// The child that `path` begins with, and the rest of the path.
fn step<'t, 'p>(node: &'t Node, path: &'p str) -> Option<(&'t Child, &'p str)> {
    let (child, after) = if let Some(index) = path.strip_prefix('[') {
        let (index, after) = index.split_once(']')?;
        (node.children().get(index.parse::<usize>().ok()?)?, after)
    } else {
        node.children().iter().find_map(|child| {
            let after = path.strip_prefix(child.key.as_deref()?)?;
            (after.is_empty() || after.starts_with(['.', '['])).then_some((child, after))
        })?
    };
    Some((child, after.strip_prefix('.').unwrap_or(after)))
}
