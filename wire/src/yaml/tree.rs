//! A YAML text as a tree whose every node knows its place, and the faults that need no type:
//! syntax, keys written twice, what a configuration has no use for.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::words;

/// How deep lists and keys may nest. Real files have six levels; reading recurses, and a stack
/// is finite.
const DEPTH: usize = 64;

/// Nodes with every alias written out. 20,000 sites of a dozen keys are 600,000; nine aliases
/// of nine aliases, nine deep, would be 400 million.
const NODES: usize = 4_000_000;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl From<Marker> for Mark {
    fn from(marker: Marker) -> Self {
        Self { line: marker.line(), column: marker.col() + 1 }
    }
}

/// A value.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) content: Content,
    /// Levels below and with this one.
    height: usize,
    /// Nodes below and with this one, every alias written out.
    weight: usize,
}

#[derive(Debug)]
pub(super) enum Content {
    /// `plain` is a text without quotes, which may also mean a number or nothing.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Child>),
    Mapping {
        children: Vec<Child>,
        /// Required keys found missing, so that reading can go on and find the next.
        lacking: RefCell<Vec<&'static str>>,
    },
}

/// A value in its list or under its key.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) key: Option<String>,
    /// Where the key stands, or the value in a list.
    pub(super) mark: Mark,
    pub(super) node: Rc<Node>,
    /// Its fault is recorded; reading goes on without it.
    pub(super) aside: Cell<bool>,
}

impl Child {
    /// Where a fault of the value is shown: at the value, or at its key where the value is
    /// keys or a list, which may begin lines below.
    pub(super) fn place(&self) -> Mark {
        match self.node.content {
            Content::Scalar { .. } => self.node.mark,
            Content::List(_) | Content::Mapping { .. } => self.mark,
        }
    }
}

impl Node {
    pub(super) fn new(mark: Mark, content: Content) -> Self {
        let mut node = Self { mark, content, height: 1, weight: 1 };
        let (height, weight) = node.children().iter().fold((0, 0_usize), |(height, weight), c| {
            (c.node.height.max(height), c.node.weight.saturating_add(weight))
        });
        node.height += height;
        node.weight = node.weight.saturating_add(weight);
        node
    }

    /// What an empty text says: no keys.
    fn empty() -> Self {
        let content = Content::Mapping { children: Vec::new(), lacking: RefCell::default() };
        Self::new(Mark { line: 1, column: 1 }, content)
    }

    pub(super) fn children(&self) -> &[Child] {
        match &self.content {
            Content::Scalar { .. } => &[],
            Content::List(children) | Content::Mapping { children, .. } => children,
        }
    }

    /// Whether part of it was set aside, so that a fault of the whole may only be a consequence.
    pub(super) fn wounded(&self) -> bool {
        self.children().iter().any(|child| child.aside.get())
    }
}

/// A fault of the text itself.
pub(super) struct TextFault {
    pub(super) mark: Mark,
    pub(super) key: String,
    pub(super) message: String,
}

/// Reads `text` into a tree; no tree where the text is broken.
pub(super) fn plant(text: &str) -> (Option<Rc<Node>>, Vec<TextFault>) {
    let mut gardener = Gardener::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let message = format!("this is not valid YAML: {}", error.info());
                gardener.fault((*error.marker()).into(), message);
                return (None, gardener.faults);
            }
        };
        if let Err(message) = gardener.event(event, span) {
            gardener.fault(span.start.into(), message);
            return (None, gardener.faults);
        }
    }
    (Some(gardener.root.unwrap_or_else(|| Rc::new(Node::empty()))), gardener.faults)
}

/// A list or mapping that is not closed yet.
struct Open {
    mark: Mark,
    anchor: usize,
    children: Vec<Child>,
    keys: Option<Keys>,
}

/// The keys of an open mapping, and the one whose value comes next.
#[derive(Default)]
struct Keys {
    lines: HashMap<String, usize>,
    pending: Option<Key>,
}

struct Key {
    text: String,
    mark: Mark,
    /// Whether it stood there before.
    again: bool,
}

#[derive(Default)]
struct Gardener {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
    faults: Vec<TextFault>,
}

impl Gardener {
    /// Takes one event; an error ends the reading.
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), String> {
        let mark = span.start.into();
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err("a second document begins here; a file holds one".to_owned())
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Scalar(text, style, anchor, tag) => {
                self.tag(mark, tag.is_some());
                let plain = style == ScalarStyle::Plain;
                if self.take_key(&text, mark) {
                    return Ok(());
                }
                let content = Content::Scalar { text: text.into_owned(), plain };
                self.close(Node::new(mark, content), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(mark, tag.is_some());
                self.begin(mark, anchor, None)
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(mark, tag.is_some());
                self.begin(mark, anchor, Some(Keys::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let content = match open.keys {
                    None => Content::List(open.children),
                    Some(_) => {
                        Content::Mapping { children: open.children, lacking: RefCell::default() }
                    }
                };
                self.close(Node::new(open.mark, content), open.anchor)
            }
            Event::Alias(anchor) => {
                self.refuse_key("an alias")?;
                let node = self.anchors.get(&anchor).cloned();
                self.put(node.ok_or("this alias repeats no value that ends before it")?, mark)
            }
        }
    }

    /// Takes a scalar as a key, where one is due.
    fn take_key(&mut self, text: &str, mark: Mark) -> bool {
        let Some(keys) = self.open.last_mut().and_then(|open| open.keys.as_mut()) else {
            return false;
        };
        if keys.pending.is_some() {
            return false;
        }
        let first = keys.lines.get(text).copied();
        keys.lines.entry(text.to_owned()).or_insert(mark.line);
        keys.pending = Some(Key { text: text.to_owned(), mark, again: first.is_some() });
        if let Some(first) = first {
            let message = format!(
                "the key `{text}` stands here a second time (first in line {first}); keep one of them"
            );
            self.fault(mark, message);
        }
        true
    }

    fn begin(&mut self, mark: Mark, anchor: usize, keys: Option<Keys>) -> Result<(), String> {
        self.refuse_key("a list or a group of keys")?;
        if self.open.len() >= DEPTH {
            return Err(format!("this is nested deeper than {DEPTH} levels"));
        }
        self.open.push(Open { mark, anchor, children: Vec::new(), keys });
        Ok(())
    }

    fn refuse_key(&self, what: &str) -> Result<(), String> {
        match self.open.last().and_then(|open| open.keys.as_ref()) {
            Some(keys) if keys.pending.is_none() => {
                Err(format!("a key must be a plain word; this is {what}"))
            }
            _ => Ok(()),
        }
    }

    fn close(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        let mark = node.mark;
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.put(node, mark)
    }

    fn put(&mut self, node: Rc<Node>, mark: Mark) -> Result<(), String> {
        if node.height + self.open.len() > DEPTH {
            return Err(format!("with its aliases this is nested deeper than {DEPTH} levels"));
        }
        if node.weight > NODES {
            return Err(format!("with its aliases this has more than {NODES} values"));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let aside = Cell::new(false);
        match open.keys.as_mut().and_then(|keys| keys.pending.take()) {
            // Of two equal keys the first stays; the second has its fault already.
            Some(Key { again: true, .. }) => {}
            Some(Key { text, mark, .. }) => {
                open.children.push(Child { key: Some(text), mark, node, aside });
            }
            None => open.children.push(Child { key: None, mark, node, aside }),
        }
        Ok(())
    }

    fn tag(&mut self, mark: Mark, tagged: bool) {
        if tagged {
            self.fault(mark, "tags (`!…`) have no meaning here; write the value alone".to_owned());
        }
    }

    fn fault(&mut self, mark: Mark, message: String) {
        let key = words::excerpt(&self.path());
        self.faults.push(TextFault { mark, key, message });
    }

    /// The path of what is being read.
    fn path(&self) -> String {
        let mut path = String::new();
        for open in &self.open {
            match &open.keys {
                Some(keys) => {
                    if let Some(key) = &keys.pending {
                        push_key(&mut path, &key.text);
                    }
                }
                None => push_index(&mut path, open.children.len()),
            }
        }
        path
    }
}

/// Appends `.key`.
pub(super) fn push_key(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

/// Appends `[index]`.
pub(super) fn push_index(path: &mut String, index: usize) {
    path.push('[');
    path.push_str(&index.to_string());
    path.push(']');
}
