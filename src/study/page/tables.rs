//! The data of a page: tables of numbers, and the texts that they name.

use std::collections::{BTreeMap, HashMap};

/// Rows of numbers, by the name of their table. A text stands once, and is a number in the rows.
#[derive(Default)]
pub(super) struct Tables {
    tables: BTreeMap<&'static str, Vec<Vec<u64>>>,
    texts: Vec<String>,
    numbers: HashMap<String, u64>,
}

impl Tables {
    #[inline(never)]
    pub(super) fn add(&mut self, table: &'static str, row: &[u64]) {
        self.tables.entry(table).or_default().push(row.to_vec());
    }

    /// Adds a row of texts.
    #[inline(never)]
    pub(super) fn add_texts(&mut self, table: &'static str, texts: &[&str]) {
        let row: Vec<u64> = texts.iter().map(|text| self.text(text)).collect();
        self.add(table, &row);
    }

    /// The number of a text.
    #[inline(never)]
    pub(super) fn text(&mut self, text: &str) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u64;
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub(super) fn json(&self) -> String {
        // Maps with names as keys, numbers and texts can all be written.
        let tables = serde_json::to_string(&self.tables).unwrap_or_default();
        let texts = serde_json::to_string(&self.texts).unwrap_or_default();
        format!("{{\"tables\":{tables},\"texts\":{texts}}}")
    }

    #[cfg(test)]
    pub(super) fn rows(&self, table: &str) -> &[Vec<u64>] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }
}
