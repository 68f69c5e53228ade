//! The texts of a page.

use std::collections::HashMap;

/// Texts that stand once, and are named by their number.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Texts {
    pub(super) fn add(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), self.texts.len() - 1);
        self.texts.len() - 1
    }
}
