//! Output for people: printing never panics, and bytes of peers are escaped.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::writer::Writer;

/// How many bytes of a buffer Node's `console.log` shows.
const SHOWN: usize = 50;

/// What stands before each line, so that it can be told from those of the trace, and the lines since it was
/// set. None if nothing is to stand there.
static MARK: Mutex<Option<(String, Vec<String>)>> = Mutex::new(None);
static IS_READ: AtomicBool = AtomicBool::new(true);
static IS_LOST: AtomicBool = AtomicBool::new(false);
static IS_LIVE: AtomicBool = AtomicBool::new(false);

static OUTPUT: Writer = Writer::new(
    print,
    || is_ready(io::stdout().as_fd()),
    |dropped| tell_of_dropped("standard output", dropped),
);
static ERRORS: Writer = Writer::new(
    |lines| _ = io::stderr().lock().write_all(lines),
    || is_ready(io::stderr().as_fd()),
    |dropped| tell_of_dropped("standard error", dropped),
);

fn tell_of_dropped(stream: &str, dropped: u64) {
    log::warn!(target: "netloop::output", "{stream}: its reader does not keep up, lines dropped: {dropped}");
}

/// Whether a line can be written now without a wait. Of a file poll(2) always says so, but a disk may
/// take its time.
fn is_ready(stream: BorrowedFd<'_>) -> bool {
    let is_file = |fd: OwnedFd| File::from(fd).metadata().is_ok_and(|it| it.is_file());
    let mut polled = [PollFd::new(&stream, PollFlags::OUT)];
    let now = Timespec::default();
    poll(&mut polled, Some(&now)).is_ok_and(|ready| ready > 0)
        && !stream.try_clone_to_owned().is_ok_and(is_file)
}

fn mark() -> MutexGuard<'static, Option<(String, Vec<String>)>> {
    MARK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts this before each line from now on. Returns the lines since the last time.
pub(crate) fn mark_lines(new: String) -> Vec<String> {
    let before = mark().replace((new, Vec::new()));
    before.map(|(_, lines)| lines).unwrap_or_default()
}

/// From now on [`line`] does not wait for the reader: connections and signals would wait with it.
pub(crate) fn is_live() {
    IS_LIVE.store(true, Relaxed);
}

/// Prints a line, escaped. A closed pipe or a full disk is no reason to end a server.
pub(crate) fn line(text: &str) {
    let text = harmless(text);
    let line = match &mut *mark() {
        None => format!("{text}\n"),
        Some((mark, lines)) => {
            let line = format!("{mark}{text}\n");
            lines.push(text);
            line
        }
    };
    match IS_LIVE.load(Relaxed) {
        true => OUTPUT.push(&line),
        false => print(line.as_bytes()),
    }
}

/// Prints text of our own as it is.
pub(crate) fn text(text: &str) {
    print(format!("{}\n", text.trim_end()).as_bytes());
}

/// Prints whole lines of our own as they are.
pub(crate) fn lines(text: &str) {
    print(text.as_bytes());
}

fn print(lines: &[u8]) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(lines).and_then(|()| out.flush()) {
        let mut level = log::Level::Debug;
        if error.kind() == io::ErrorKind::BrokenPipe {
            IS_READ.store(false, Relaxed);
        } else if !IS_LOST.swap(true, Relaxed) {
            level = log::Level::Warn;
        }
        log::log!(target: "netloop::output", level, "standard output: {error}");
    }
}

/// Waits for the readers for a bounded time, at the end of the program.
pub(crate) fn finish() {
    let dropped = OUTPUT.finish();
    if dropped > 0 {
        tell_of_dropped("standard output", dropped);
    }
    ERRORS.finish();
}

/// Whether output was lost other than by a closed pipe, as on a full disk.
pub(crate) fn is_lost() -> bool {
    IS_LOST.load(Relaxed)
}

/// Whether the output may still be read: false once the reader of a pipe has gone.
pub(crate) fn is_read() -> bool {
    IS_READ.load(Relaxed)
}

/// Prints a line on standard error, made harmless. It never waits.
pub(crate) fn complaint(text: &str) {
    errors(&format!("{}\n", harmless(text)));
}

/// Prints lines of our own on standard error as they are.
pub(crate) fn errors(lines: &str) {
    ERRORS.push(lines);
}

/// A buffer as Node's `console.log` shows it: `<Buffer 68 69>`.
pub(crate) fn buffer(bytes: &[u8]) -> String {
    let mut shown = String::from("<Buffer");
    for byte in bytes.iter().take(SHOWN) {
        let _ = write!(shown, " {byte:02x}");
    }
    match bytes.len().saturating_sub(SHOWN) {
        0 => {}
        1 => shown.push_str(" ... 1 more byte"),
        more => {
            let _ = write!(shown, " ... {more} more bytes");
        }
    }
    shown.push('>');
    shown
}

/// The text with everything escaped that could control a terminal or forge a line: control
/// characters, and the invisible ones that break a line or change the direction of writing.
pub(crate) fn harmless(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}')
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_look_as_in_node() {
        assert_eq!(buffer(b""), "<Buffer>");
        assert_eq!(buffer(b"hi"), "<Buffer 68 69>");
        assert!(buffer(&[0; 50]).ends_with(" 00 00>"));
        assert!(buffer(&[0; 51]).ends_with(" 00 00 ... 1 more byte>"));
        assert!(buffer(&[0; 150]).ends_with(" 00 00 ... 100 more bytes>"));
    }

    #[test]
    fn text_cannot_steer_a_terminal() {
        assert_eq!(harmless("grüße 🙂"), "grüße 🙂");
        assert_eq!(
            harmless("\x1b]0;pwn\x07\r\nX\u{9b}m"),
            "\\u{1b}]0;pwn\\u{7}\\r\\nX\\u{9b}m"
        );
        assert_eq!(harmless("a\u{202e}b\u{61c}"), "a\\u{202e}b\\u{61c}");
    }
}
