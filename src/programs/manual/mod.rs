//! What the program says about itself: its commands and options stand in one table, from which the
//! parser, the help, the manual page and the completions are made.

pub(super) mod completions;
pub(super) mod help;
pub(super) mod page;
pub(super) mod table;
pub(super) mod units;

/// A command, as the table has it.
pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    /// Words that follow it: one at most. The first ones are its whole choice.
    pub(super) words: &'static [&'static str],
    pub(super) groups: &'static [Group],
    /// Below the options, in the help and on the manual page.
    pub(super) notes: &'static str,
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
    Mode,
    Number,
    Path,
    Port,
    Text,
}

impl Value {
    /// Its name in help and manual.
    pub(super) fn name(self) -> &'static str {
        match self {
            Value::None => "",
            Value::Address => "ADDR",
            Value::Addresses => "CIDR",
            Value::Bytes => "BYTES",
            Value::Duration => "DUR",
            Value::Host => "HOST",
            Value::Mode => "MODE",
            Value::Number => "N",
            Value::Path => "PATH",
            Value::Port => "PORT",
            Value::Text => "TEXT",
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
