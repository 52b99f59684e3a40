//! Brings the lines of all sites into the order of the exposition: by metric, then by site.
//! Pure, and copies no text.

use std::sync::Arc;

use wire::metrics::TABLE;

use super::lines::{Lines, Run};
use super::render::ups;
use super::shard::Shard;
use super::verdicts::Verdicts;
use crate::fleet::Snapshot;

/// Lines in the order of the exposition, as references into their texts.
#[derive(Debug)]
pub(super) struct Gathered {
    texts: Vec<Arc<String>>,
    /// For each row of the table, its runs.
    rows: Vec<Vec<Piece>>,
    series: usize,
}

/// Successive lines of one metric in one text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    text: u32,
    start: u32,
    end: u32,
}

impl Piece {
    pub(super) fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }
}

impl Gathered {
    /// The lines of the sites, and what was judged of them.
    pub(super) fn sites(snapshot: &Snapshot, verdicts: &Verdicts, shard: Option<Shard>) -> Self {
        let mut gathered =
            Self { texts: Vec::new(), rows: vec![Vec::new(); TABLE.len()], series: 0 };
        let now = snapshot.now;
        let held = |id: &_| shard.is_none_or(|shard| shard.holds(id));
        let sites = || snapshot.sites.iter().filter(|(id, _)| held(id));
        gathered.add(&ups(sites().map(|(id, site)| (id, site.is_up(now)))));
        for (_, site) in sites() {
            let readings = site.probes().filter_map(|(_, probe)| probe.lines(now));
            for lines in site.facts().into_iter().chain(readings) {
                gathered.add(lines);
            }
        }
        for (_, lines) in verdicts.sites().filter(|(id, _)| held(id)) {
            gathered.add(lines);
        }
        if shard.is_none_or(Shard::is_first) {
            gathered.add(verdicts.others());
        }
        gathered
    }

    /// Puts lines after those that are there.
    pub(super) fn add(&mut self, lines: &Lines) {
        // Some ten texts a site; four thousand million are out of reach.
        let Ok(text) = u32::try_from(self.texts.len()) else { return };
        self.texts.push(Arc::clone(lines.text()));
        self.series += lines.series();
        for Run { row, start, end } in lines.runs() {
            if let Some(row) = self.rows.get_mut(usize::from(*row)) {
                row.push(Piece { text, start: *start, end: *end });
            }
        }
    }

    /// The series in it.
    pub(super) fn series(&self) -> usize {
        self.series
    }

    /// The pieces of a row of the table.
    pub(super) fn pieces(&self, row: usize) -> &[Piece] {
        self.rows.get(row).map_or(&[], Vec::as_slice)
    }

    /// A piece's lines.
    pub(super) fn text(&self, piece: Piece) -> &str {
        let text = self.texts.get(piece.text as usize);
        text.and_then(|text| text.get(piece.start as usize..piece.end as usize)).unwrap_or_default()
    }
}
