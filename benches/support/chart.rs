//! The page of a run: every figure in one self-contained HTML file, the ratios as bars in SVG.

use std::fmt::Write as _;

use super::record::Record;
use super::workload;

/// The measure that is drawn as bars; all others stand in tables.
pub(crate) const RATIO: &str = "cost ratio";

const BAR_HEIGHT: f64 = 16.0;
const ROW_HEIGHT: f64 = 22.0;
const NAME_WIDTH: f64 = 90.0;
const SCALE_WIDTH: f64 = 520.0;

/// A bar that is longer is cut here, its figure still beside it.
const LARGEST_RATIO: f64 = 3.0;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem;color:#222;background:#fff}h2{margin-top:2rem;font-size:1.1rem}\
table{border-collapse:collapse}td,th{padding:.15rem .7rem;text-align:right;\
border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}\
td:nth-child(-n+3),th:nth-child(-n+3){text-align:left}text{font-size:12px;fill:#222}\
.bar{fill:#9aa7b5}.ours{fill:#d9822b}.quartiles{stroke:#222}.one{stroke:#222;stroke-dasharray:3 3}";

/// The whole page.
pub(crate) fn page(records: &[Record]) -> String {
    let machine = records.last().map_or("", |record| &record.machine);
    let mut page = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    let _ = write!(
        page,
        "<title>netloop, measured</title><style>{STYLE}</style>"
    );
    let _ = write!(
        page,
        "<h1>netloop, measured</h1><p>{}</p>",
        escaped(machine)
    );
    page += "<p>Bars: server processor time a message, divided by the floor's of the same run; \
        the median of paired slices, the line from quartile to quartile. Shorter is better.</p>";
    let (ratios, others): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| record.measure == RATIO);
    for group in ratios.chunk_by(|one, next| one.case == next.case) {
        page += &bars(group);
    }
    for group in others.chunk_by(|one, next| one.bench == next.bench) {
        page += &table(group);
    }
    page + "</html>\n"
}

/// One workload: a bar for each server.
fn bars(group: &[&Record]) -> String {
    let place = |ratio: f64| NAME_WIDTH + ratio.min(LARGEST_RATIO) / LARGEST_RATIO * SCALE_WIDTH;
    let height = group.len() as f64 * ROW_HEIGHT;
    let mut drawing = format!(
        "<h2>{}</h2><svg width=\"{}\" height=\"{height}\" role=\"img\">",
        escaped(title(&group[0].case)),
        NAME_WIDTH + SCALE_WIDTH + 140.0,
    );
    for (row, record) in group.iter().enumerate() {
        let top = row as f64 * ROW_HEIGHT + 3.0;
        let (middle, text) = (top + BAR_HEIGHT / 2.0, top + BAR_HEIGHT - 4.0);
        let class = if ["netloop", "public API"].contains(&&*record.subject) {
            "ours"
        } else {
            "bar"
        };
        let spread = record.spread;
        let _ = write!(
            drawing,
            "<text x=\"0\" y=\"{text}\">{}</text>\
             <rect class=\"{class}\" x=\"{NAME_WIDTH}\" y=\"{top}\" width=\"{:.1}\" \
             height=\"{BAR_HEIGHT}\"/>\
             <line class=\"quartiles\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\
             <text x=\"{:.1}\" y=\"{text}\">{:.2} [{:.2} to {:.2}]</text>",
            escaped(&record.subject),
            place(spread.median) - NAME_WIDTH,
            place(spread.low),
            place(spread.high),
            place(spread.high) + 6.0,
            spread.median,
            spread.low,
            spread.high,
        );
    }
    let one = place(1.0);
    let _ = write!(
        drawing,
        "<line class=\"one\" x1=\"{one:.1}\" x2=\"{one:.1}\" y1=\"0\" y2=\"{height}\"/></svg>"
    );
    drawing
}

/// A workload in words.
fn title(case: &str) -> &str {
    let known = workload::ALL.iter().find(|workload| workload.name == case);
    known.map_or(case, |workload| workload.title)
}

/// All other figures of one bench.
fn table(group: &[&Record]) -> String {
    let mut table = format!(
        "<h2>{}</h2><table><tr><th>case<th>server<th>measure<th>median<th>quartiles<th>unit",
        escaped(&group[0].bench)
    );
    for record in group {
        let spread = record.spread;
        let _ = write!(
            table,
            "<tr><td>{}<td>{}<td>{}<td>{:.2}<td>{:.2} to {:.2}<td>{}",
            escaped(&record.case),
            escaped(&record.subject),
            escaped(&record.measure),
            spread.median,
            spread.low,
            spread.high,
            escaped(&record.unit),
        );
    }
    table + "</table>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
