//! A report as one page for the printer: nothing is loaded from anywhere.

use std::fmt::Write;

use super::words::moment;
use super::{Cell, Document, Section, Standing};

const STYLE: &str = "
@page { size: A4 landscape; margin: 12mm; }
body { font: 10pt/1.35 \"Times New Roman\", \"Liberation Serif\", serif; color: #000; margin: 1em auto; max-width: 277mm; }
h1 { font-size: 15pt; margin: 0 0 .4em; }
h2 { font-size: 12pt; margin: 1.2em 0 .3em; break-after: avoid; }
dl { display: grid; grid-template-columns: max-content auto; gap: .1em 1em; margin: 0; }
dt { font-weight: bold; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { border: .5pt solid #666; padding: 2pt 4pt; text-align: left; vertical-align: top; }
th { background: #eee; }
.number { text-align: right; white-space: nowrap; }
.good { color: #0072b2; } .fair { color: #8a6000; } .bad { color: #b04500; font-weight: bold; }
.dark { color: #555; font-weight: bold; } .apart { color: #8a4a70; font-style: italic; }
footer { margin-top: 1.5em; font-size: 8pt; color: #444; }
@media print { th { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
";

/// The whole page.
pub(super) fn write(document: &Document) -> String {
    let Document { language, title, facts, sections, made_at } = document;
    let title = escaped(title);
    let lang = language.pick("vi", "en");
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<dl>\n"
    );
    for (name, value) in facts {
        put(&mut page, format_args!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value)));
    }
    page.push_str("</dl>\n");
    for section in sections {
        table(&mut page, section, document);
    }
    let made = language.pick("Nhịp Cầu lập lúc", "Made by Nhịp Cầu at");
    let at = moment(*made_at, *language);
    put(&mut page, format_args!("<footer>{made} {at} (+07:00)</footer>\n</body>\n</html>\n"));
    page
}

fn table(page: &mut String, section: &Section, document: &Document) {
    put(page, format_args!("<h2>{}</h2>\n", escaped(&section.heading)));
    if section.rows.is_empty() {
        put(page, format_args!("<p>{}</p>\n", escaped(&section.nothing)));
        return;
    }
    page.push_str("<table>\n<thead><tr>");
    for column in &section.columns {
        put(page, format_args!("<th>{}</th>", escaped(column)));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in &section.rows {
        page.push_str("<tr>");
        for cell in row {
            let class = class(cell);
            put(page, format_args!("<td{class}>{}</td>", escaped(&cell.shown(document.language))));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n");
}

fn class(cell: &Cell) -> &'static str {
    match cell {
        Cell::Text(_) => "",
        Cell::Number(_) | Cell::Share(_) => " class=\"number\"",
        Cell::Verdict(_, Standing::Good) => " class=\"good\"",
        Cell::Verdict(_, Standing::Fair) => " class=\"fair\"",
        Cell::Verdict(_, Standing::Bad) => " class=\"bad\"",
        Cell::Verdict(_, Standing::Dark) => " class=\"dark\"",
        Cell::Verdict(_, Standing::Apart) => " class=\"apart\"",
    }
}

/// A text of memory takes everything.
fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = page.write_fmt(text);
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
