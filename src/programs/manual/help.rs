//! The help: a screen for each command, and one for all.

use std::fmt::Write;

use super::Command;
use super::table::{COMMANDS, ENVIRONMENT, EXIT_STATUS, SUMMARY};

/// The help of the program.
pub(crate) fn overview() -> String {
    let mut text = format!("{SUMMARY}.\n\nUsage: netloop COMMAND [OPTIONS]\n\nCommands:\n");
    for command in COMMANDS {
        _ = writeln!(text, "    {:<13}{}", command.name, command.summary);
    }
    text + "
    netloop COMMAND --help    the options of a command
    netloop --help            this text
    netloop --version         the version

" + EXIT_STATUS
        + ENVIRONMENT
}

/// The help of a command.
pub(crate) fn of(command: &Command) -> String {
    let operand = command.operand.usage();
    let mut text = format!("Usage: netloop {}{operand} [OPTIONS]\n", command.name);
    let usages = command.choices().map(|choice| choice.usage().len());
    let width = usages.max().unwrap_or(0) + 2;
    for group in command.groups {
        _ = writeln!(text, "\n{}:", group.title);
        for choice in group.options {
            _ = writeln!(text, "    {:<width$}{}", choice.usage(), choice.help);
        }
    }
    if !command.notes.is_empty() {
        _ = write!(text, "\n{}", command.notes);
    }
    text
}
