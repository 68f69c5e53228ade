//! One figure of a run as a line of JSON, and back again for comparisons and the report.

use std::fmt::Write as _;

use super::statistics::Spread;

/// One figure: what of which server in which case.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Record {
    /// The bench: echo, flood, footprint or loops.
    pub(crate) bench: String,
    /// The workload or operation.
    pub(crate) case: String,
    /// The server, or ourselves.
    pub(crate) subject: String,
    /// What was measured.
    pub(crate) measure: String,
    /// In what.
    pub(crate) unit: String,
    /// Where.
    pub(crate) machine: String,
    /// How much.
    pub(crate) spread: Spread,
}

impl Record {
    /// Whether two records, perhaps of different runs, are about the same figure.
    pub(crate) fn is_same_figure(&self, other: &Record) -> bool {
        (&self.bench, &self.case, &self.subject, &self.measure)
            == (&other.bench, &other.case, &other.subject, &other.measure)
    }

    /// As one line of JSON.
    pub(crate) fn to_json(&self) -> String {
        let mut line = String::from("{\"schema\":1");
        let words = [
            ("bench", &*self.bench),
            ("case", &*self.case),
            ("subject", &*self.subject),
            ("measure", &*self.measure),
            ("unit", &*self.unit),
            ("machine", &*self.machine),
        ];
        for (key, word) in words {
            let _ = write!(line, ",\"{key}\":\"{}\"", escaped(word));
        }
        let Spread {
            low,
            median,
            high,
            samples,
        } = self.spread;
        let _ = write!(
            line,
            ",\"low\":{low},\"median\":{median},\"high\":{high},\"samples\":{samples}}}"
        );
        line
    }

    /// From a line that [`Record::to_json`] wrote; `None` for any other.
    pub(crate) fn from_json(line: &str) -> Option<Record> {
        let word = |key: &str| {
            let rest = line.split_once(&format!("\"{key}\":\""))?.1;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let number = |key: &str| {
            let rest = line.split_once(&format!("\"{key}\":"))?.1;
            rest.split([',', '}']).next()?.parse::<f64>().ok()
        };
        Some(Record {
            bench: word("bench")?,
            case: word("case")?,
            subject: word("subject")?,
            measure: word("measure")?,
            unit: word("unit")?,
            machine: word("machine")?,
            spread: Spread {
                low: number("low")?,
                median: number("median")?,
                high: number("high")?,
                samples: number("samples")? as usize,
            },
        })
    }
}

/// Quotes, backslashes and control characters are left out: no name of ours has any.
fn escaped(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control() && !['"', '\\'].contains(letter))
        .collect()
}
