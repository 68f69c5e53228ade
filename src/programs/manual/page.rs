//! The manual page, in the language of man(7).

use std::fmt::Write;

use super::table::{COMMANDS, ENVIRONMENT, EXIT_STATUS, SUMMARY};
use super::{Command, Group};

const EXAMPLES: &str = "\
    netloop server --echo --quiet --welcome=
    netloop server --listen tcp:[::]:8000 --listen unix:/run/netloop/socket
    netloop client --interval 200ms --count 3
    netloop client --record run.jsonl; netloop show run.jsonl
    netloop unit service > /etc/systemd/system/netloop.service
";

/// The page `netloop(1)`.
pub(crate) fn text() -> String {
    let mut page = format!(
        ".TH NETLOOP 1 \"\" \"netloop {}\" \"User Commands\"\n",
        env!("CARGO_PKG_VERSION")
    );
    section(&mut page, "NAME");
    _ = writeln!(page, "netloop \\- {}", escaped(SUMMARY));
    section(&mut page, "SYNOPSIS");
    for command in COMMANDS {
        synopsis(&mut page, command);
    }
    for command in COMMANDS {
        described(&mut page, command);
    }
    section(&mut page, "EXIT STATUS");
    prose(&mut page, EXIT_STATUS.trim_start_matches("Exit status: "));
    section(&mut page, "ENVIRONMENT");
    prose(&mut page, ENVIRONMENT);
    prose(
        &mut page,
        "From systemd the server takes NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS and \
         LISTEN_FDNAMES: see sd_notify(3) and sd_listen_fds(3).",
    );
    section(&mut page, "EXAMPLES");
    prose(&mut page, EXAMPLES);
    section(&mut page, "SEE ALSO");
    prose(
        &mut page,
        "nc(1), socat(1), systemd.service(5), systemd.socket(5), tcp(7), unix(7)",
    );
    page
}

fn section(page: &mut String, title: &str) {
    _ = writeln!(page, ".SH {title}");
}

fn synopsis(page: &mut String, command: &Command) {
    _ = writeln!(page, ".B netloop {}", command.name);
    let operand = command.operand.usage().replace('|', " | ");
    if !operand.is_empty() {
        _ = writeln!(page, "{}", operand.trim_start());
    }
    page.push_str("[OPTIONS]\n.br\n");
}

fn described(page: &mut String, command: &Command) {
    section(
        page,
        &format!("\"NETLOOP {}\"", command.name.to_uppercase()),
    );
    let summary = command.summary;
    prose(page, &format!("netloop {} {summary}.", command.name));
    for group in command.groups {
        options(page, group);
    }
    prose(page, command.notes);
}

fn options(page: &mut String, group: &Group) {
    _ = writeln!(page, ".SS \"{}\"", group.title);
    for choice in group.options {
        _ = writeln!(page, ".TP\n.B \\-\\-{}", escaped(choice.name));
        if !choice.value.name().is_empty() {
            // On the line of the tag.
            _ = page.pop();
            _ = writeln!(page, " \\fI{}\\fR", choice.value.name());
        }
        _ = writeln!(page, "{}", line(choice.help));
    }
}

/// Paragraphs, and examples, which are indented.
fn prose(page: &mut String, text: &str) {
    for paragraph in text.split("\n\n").filter(|text| !text.trim().is_empty()) {
        page.push_str(".PP\n");
        let is_example = paragraph.starts_with("    ");
        if is_example {
            page.push_str(".nf\n.RS\n");
        }
        for text in paragraph.lines() {
            _ = writeln!(page, "{}", line(text.trim_start()));
        }
        if is_example {
            page.push_str(".RE\n.fi\n");
        }
    }
}

/// A line of text that is no request, whatever it begins with.
fn line(text: &str) -> String {
    let text = escaped(text);
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    text.replace('\'', "\\(aq").replace('~', "\\(ti")
}
