//! The functions of a file, as far as the text of formatted code tells.

use super::{File, first_word};

pub(crate) struct Function {
    pub(crate) file: String,
    /// The type whose `impl` it stands in; empty for one that stands alone.
    pub(crate) of: String,
    pub(crate) name: String,
    /// Whether users of the library can call it.
    pub(crate) is_public: bool,
    pub(crate) signature: String,
    pub(crate) body: String,
    pub(crate) lines: usize,
}

/// All functions that have a body. Formatted, each ends with a brace that stands as far in as it
/// begins, and so does each `impl`.
pub(crate) fn functions(file: &File) -> Vec<Function> {
    functions_in(&file.path, &file.text)
}

/// The same without the tests at the end of the file.
pub(crate) fn functions_without_tests(file: &File) -> Vec<Function> {
    let code = file.text.split("\n#[cfg(test)]\nmod tests ").next();
    functions_in(&file.path, code.unwrap_or_default())
}

fn functions_in(path: &str, text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut owner = "";
    for (number, line) in lines.iter().enumerate() {
        let bare = line.trim_start();
        if *line == "}" {
            owner = "";
        } else if let Some(head) = line.strip_prefix("impl") {
            owner = type_of(head);
        }
        let item = match bare.strip_prefix("pub(").and_then(|it| it.split_once(") ")) {
            Some((_, item)) => item,
            None => bare.trim_start_matches("pub "),
        };
        let Some(name) = item.trim_start_matches("const ").strip_prefix("fn ") else {
            continue;
        };
        let lines = &lines[number..];
        let head = lines
            .iter()
            .position(|it| it.ends_with(['{', '}', ';']))
            .expect("a head");
        if lines[head].ends_with(';') {
            continue;
        }
        let end = format!("{}}}", &line[..line.len() - bare.len()]);
        let last = lines
            .iter()
            .position(|it| **it == end)
            .filter(|_| lines[head].ends_with('{'));
        let last = last.unwrap_or(head);
        found.push(Function {
            file: path.to_owned(),
            of: owner.to_owned(),
            name: first_word(name).to_owned(),
            is_public: bare.starts_with("pub fn ") || bare.starts_with("pub const fn "),
            signature: lines[..=head].join("\n"),
            body: lines[head + 1..=last.max(head)].join("\n"),
            lines: last + 1,
        });
    }
    found
}

/// `<T> Trait<T> for path::Type<T> {`: the type.
fn type_of(head: &str) -> &str {
    let mut depth = 0;
    let end_of_generics = head.find(|letter| {
        depth += i32::from(letter == '<') - i32::from(letter == '>');
        depth == 0
    });
    let head = &head[end_of_generics.unwrap_or(0)..];
    let of = head.rsplit(" for ").next().unwrap_or_default();
    let path = of
        .trim_start_matches(['>', ' '])
        .split(['<', ' '])
        .next()
        .unwrap_or_default();
    path.rsplit("::").next().unwrap_or_default()
}
