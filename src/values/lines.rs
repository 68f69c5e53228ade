//! Splits bytes into lines, wherever the chunks were cut.

use std::fmt;
use std::mem;
use std::ops::Range;

/// Splits a stream of bytes into lines, wherever its chunks begin and end.
///
/// A line ends with `\n` or `\r\n`, which is not part of it. Its length is limited; a longer line is an
/// error, and splitting goes on after its end. So a peer that never ends a line costs no more memory
/// than the limit.
///
/// ```
/// use netloop::LineSplitter;
///
/// let mut lines = LineSplitter::new(80);
/// lines.push(b"HELO exam");
/// assert_eq!(lines.next_line(), None);
/// lines.push(b"ple\r\nQUIT\r\n.");
/// assert_eq!(lines.next_line(), Some(Ok(&b"HELO example"[..])));
/// assert_eq!(lines.next_line(), Some(Ok(&b"QUIT"[..])));
/// assert_eq!(lines.next_line(), None);
/// assert_eq!(lines.end(), Some(Ok(&b"."[..]))); // the stream has ended without a line ending
/// ```
///
/// It is a plain value; a socket's own can be [kept with it](crate::Socket::set_data):
///
/// ```
/// use netloop::{EventLoop, LineSplitter, Socket};
///
/// fn on_data(socket: &mut Socket<'_>, chunk: &[u8]) {
///     socket.lend(|lines: &mut LineSplitter, socket| {
///         lines.push(chunk);
///         while let Some(line) = lines.next_line() {
///             match line {
///                 Ok(line) => _ = socket.write([line, b"\n"].concat()),
///                 Err(too_long) => _ = socket.destroy_with(too_long.into()),
///             }
///         }
///     });
/// }
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.create_server(|socket| {
///     socket.set_data(LineSplitter::new(1024)).on_data(on_data);
/// });
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LineSplitter {
    max: usize,
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// No line ends between `start` and here.
    searched: usize,
    /// The line was too long, which was reported; its end has not come yet.
    is_skipping: bool,
}

/// A line is longer than its [`LineSplitter`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineTooLong {
    /// How long a line may be, in bytes.
    pub max: usize,
}

impl LineSplitter {
    /// Makes a splitter for lines of at most `max` bytes, not counting their ends.
    pub fn new(max: usize) -> LineSplitter {
        LineSplitter {
            max,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            is_skipping: false,
        }
    }

    /// Adds received bytes. Take lines afterwards with [`next_line`](LineSplitter::next_line) until it
    /// returns `None`.
    pub fn push(&mut self, chunk: &[u8]) {
        self.forget_taken();
        self.buffer.extend_from_slice(chunk);
    }

    /// The next line, or an error if it is too long, once for each such line; `None` when more bytes
    /// are needed.
    pub fn next_line(&mut self) -> Option<Result<&[u8], LineTooLong>> {
        let line = self.find_line()?;
        Some(line.map(|range| &self.buffer[range]))
    }

    /// As [`next_line`](LineSplitter::next_line) for a stream that has ended: what follows the last line
    /// ending is a line, too, unless it is empty. The splitter is empty afterwards.
    pub fn end(&mut self) -> Option<Result<&[u8], LineTooLong>> {
        let line = self.find_line().or_else(|| self.find_tail())?;
        Some(line.map(|range| &self.buffer[range]))
    }

    /// Takes the bytes that follow the last line, for a protocol that goes on without lines, such as
    /// after the head of a request. The splitter is empty afterwards.
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.forget_taken();
        mem::replace(self, LineSplitter::new(self.max)).buffer
    }

    fn find_line(&mut self) -> Option<Result<Range<usize>, LineTooLong>> {
        loop {
            let unseen = &self.buffer[self.searched..];
            let Some(at) = unseen.iter().position(|byte| *byte == b'\n') else {
                return self.look_at_part().map(Err);
            };
            let end = self.searched + at;
            let start = mem::replace(&mut self.start, end + 1);
            self.searched = end + 1;
            if !mem::take(&mut self.is_skipping) {
                let has_return = self.buffer[start..end].ends_with(b"\r");
                return Some(self.bounded(start..end - usize::from(has_return)));
            }
        }
    }

    /// No line has ended: keeps the part that was received, unless that is too long already.
    fn look_at_part(&mut self) -> Option<LineTooLong> {
        self.searched = self.buffer.len();
        let part = &self.buffer[self.start..];
        // A return at the end may belong to the line ending.
        let length = part.len() - usize::from(part.ends_with(b"\r"));
        let is_too_long = length > self.max && !self.is_skipping;
        self.is_skipping |= is_too_long;
        if self.is_skipping {
            self.start = self.searched;
        }
        self.forget_taken();
        is_too_long.then_some(LineTooLong { max: self.max })
    }

    fn find_tail(&mut self) -> Option<Result<Range<usize>, LineTooLong>> {
        self.is_skipping = false;
        let end = self.buffer.len();
        let tail = mem::replace(&mut self.start, end)..end;
        (!tail.is_empty()).then(|| self.bounded(tail))
    }

    fn bounded(&self, line: Range<usize>) -> Result<Range<usize>, LineTooLong> {
        match line.len() {
            length if length > self.max => Err(LineTooLong { max: self.max }),
            _ => Ok(line),
        }
    }

    /// Drops the bytes of the lines that were returned, and most of their memory.
    fn forget_taken(&mut self) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        if self.buffer.capacity() / 4 > self.buffer.len() {
            self.buffer.shrink_to(2 * self.buffer.len());
        }
    }
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a line is longer than {} bytes", self.max)
    }
}

impl std::error::Error for LineTooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    type Line = Result<Vec<u8>, LineTooLong>;

    /// The lines of the chunks, with the end of the stream after them.
    fn split<'c>(max: usize, chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Line> {
        let mut lines = LineSplitter::new(max);
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(chunk);
            while let Some(line) = lines.next_line() {
                found.push(line.map(<[u8]>::to_vec));
            }
            assert!(lines.buffer.len() <= max + 1, "the bound, and a return");
        }
        while let Some(line) = lines.end() {
            found.push(line.map(<[u8]>::to_vec));
        }
        assert_eq!(lines.end(), None);
        found
    }

    /// The lines that are expected of the whole text.
    fn expected(max: usize, text: &[u8]) -> Vec<Line> {
        let mut pieces: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let tail = pieces.pop().filter(|tail| !tail.is_empty());
        let lines = pieces
            .into_iter()
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let bounded = |line: &[u8]| match line.len() {
            length if length > max => Err(LineTooLong { max }),
            _ => Ok(line.to_vec()),
        };
        lines.chain(tail).map(bounded).collect()
    }

    /// Cuts a text after the bytes whose bits are set.
    fn cut(text: &[u8], mut cuts: u64) -> Vec<&[u8]> {
        let ends_chunk = |_: &u8| {
            let is_cut = cuts & 1 == 1;
            cuts = cuts.rotate_right(1);
            is_cut
        };
        text.split_inclusive(ends_chunk).collect()
    }

    #[test]
    fn however_a_short_text_is_cut_its_lines_are_the_same() {
        for length in 0..=6 {
            for number in 0..3_usize.pow(length) {
                let letter = |at| b"a\r\n"[number / 3_usize.pow(at) % 3];
                let text: Vec<u8> = (0..length).map(letter).collect();
                for max in [0, 1, 2, 6] {
                    let whole = expected(max, &text);
                    for cuts in 0..1 << length {
                        let found = split(max, cut(&text, cuts));
                        assert_eq!(found, whole, "{text:?} {max} {cuts:b}");
                    }
                }
            }
        }
    }

    #[test]
    fn however_a_long_text_is_cut_its_lines_are_the_same() {
        let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut random = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for _ in 0..200 {
            let length = random() % 2000;
            let letter = |at: u64| b"\n\r\nabcdefghijklm"[(at % 16) as usize];
            let text: Vec<u8> = (0..length).map(|_| letter(random())).collect();
            let (max, cuts) = ((random() % 40) as usize, random() & random());
            let found = split(max, cut(&text, cuts));
            assert_eq!(found, expected(max, &text), "{max} {cuts:b}");
        }
    }

    #[test]
    fn a_line_without_an_end_costs_no_more_than_the_bound() {
        let mut lines = LineSplitter::new(100);
        let mut told = 0;
        for _ in 0..1000 {
            lines.push(&[b'a'; 64]);
            told += usize::from(lines.next_line().is_some());
            assert!(lines.buffer.len() <= 100);
        }
        lines.push(b"\nnext\n");
        assert_eq!((told, lines.next_line()), (1, Some(Ok(&b"next"[..]))));
    }

    #[test]
    fn a_large_chunk_leaves_no_memory_behind() {
        let mut lines = LineSplitter::new(100);
        lines.push(&b"line\n".repeat(10_000));
        while lines.next_line().is_some() {}
        assert_eq!(lines.buffer.capacity(), 0);
    }

    #[test]
    fn what_stands_behind_the_last_line_that_was_taken_is_the_rest() {
        let mut lines = LineSplitter::new(100);
        lines.push(b"head\r\n\r\nbo");
        assert_eq!(lines.next_line(), Some(Ok(&b"head"[..])));
        assert_eq!(lines.next_line(), Some(Ok(&b""[..])));
        lines.push(b"dy\n");
        assert_eq!(lines.take_rest(), b"body\n");
        assert_eq!(lines.end(), None);
    }
}
