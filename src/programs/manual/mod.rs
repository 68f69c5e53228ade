//! What the program says about itself: its commands and options stand in one table, from which the
//! parser, the help, the manual page and the completions are made.

mod choices;
pub(super) mod completions;
pub(super) mod help;
pub(super) mod page;
mod server;
pub(super) mod table;
pub(super) mod units;

use super::lessons;

/// A command, as the table has it.
pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) operand: Operand,
    pub(super) groups: &'static [Group],
    /// Below the options, in the help and on the manual page.
    pub(super) notes: &'static str,
}

/// What follows a command beside options: one word at most.
#[derive(Clone, Copy)]
pub(super) enum Operand {
    None,
    /// One of these.
    Word(&'static [&'static str]),
    /// One of these, which the command lists when nothing is said.
    Name(&'static [&'static str]),
    /// A file, which must be said.
    File,
}

impl Operand {
    /// The words there are.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Operand::Word(words) | Operand::Name(words) => words,
            Operand::None | Operand::File => &[],
        }
    }

    /// How it stands in a line of usage.
    pub(super) fn usage(self) -> String {
        match self {
            Operand::None => String::new(),
            Operand::Word(words) => format!(" [{}]", words.join("|")),
            Operand::Name(_) => " [NAME]".into(),
            Operand::File => " FILE".into(),
        }
    }
}

/// Options that belong together.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) options: &'static [Choice],
}

/// An option.
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) help: &'static str,
    /// Whether it may be said more than once.
    pub(super) is_repeated: bool,
}

/// What follows the name of an option.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Value {
    None,
    Address,
    Addresses,
    Bytes,
    Duration,
    Host,
    Language,
    Mode,
    Number,
    Path,
    Port,
    Text,
    Turns,
    Who,
}

impl Value {
    /// The values there are, where it is one of a few words.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Value::Language => &lessons::CODES,
            _ => &[],
        }
    }

    /// Its name in help and manual.
    pub(super) fn name(self) -> &'static str {
        match self {
            Value::None => "",
            Value::Address => "ADDR",
            Value::Addresses => "CIDR",
            Value::Bytes => "BYTES",
            Value::Duration => "DUR",
            Value::Host => "HOST",
            Value::Language => "LANG",
            Value::Mode => "MODE",
            Value::Number => "N",
            Value::Path => "PATH",
            Value::Port => "PORT",
            Value::Text => "TEXT",
            Value::Turns => "A..B",
            Value::Who => "WHO",
        }
    }
}

impl Choice {
    /// `--port PORT`.
    pub(super) fn usage(&self) -> String {
        let short = if self.name == "help" { ", -h" } else { "" };
        let usage = format!("--{}{short} {}", self.name, self.value.name());
        usage.trim_end().to_owned()
    }
}

impl Command {
    pub(super) fn choices(&self) -> impl Iterator<Item = &'static Choice> {
        self.groups.iter().flat_map(|group| group.options)
    }
}
