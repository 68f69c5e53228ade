//! Received bytes that wait for the program: Node's readable buffer of a stream.

use std::borrow::Cow;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    /// The length of text, in units of UTF-16 as JavaScript counts.
    units: Option<usize>,
}

/// A chunk whose first bytes may have been taken. They are skipped, not removed: moving the rest at
/// each small read would cost quadratic time.
#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    taken: usize,
    /// It is decoded text, and must not be decoded again.
    is_text: bool,
}

impl Chunk {
    fn new(bytes: Vec<u8>, is_text: bool) -> Chunk {
        Chunk {
            bytes,
            taken: 0,
            is_text,
        }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }
}

impl Inbox {
    pub(crate) fn push(&mut self, chunk: Vec<u8>) {
        self.count_in(&chunk);
        let is_text = self.units.is_some();
        self.chunks.push_back(Chunk::new(chunk, is_text));
    }

    /// Puts bytes back in front, as they are.
    pub(crate) fn unshift(&mut self, chunk: Vec<u8>) {
        self.count_in(&chunk);
        self.chunks.push_front(Chunk::new(chunk, false));
    }

    /// Puts bytes behind what waits, as they are.
    pub(crate) fn put_behind(&mut self, chunk: Vec<u8>) {
        self.count_in(&chunk);
        self.chunks.push_back(Chunk::new(chunk, false));
    }

    /// Takes the first chunk as it came, or what is left of it.
    pub(crate) fn pop(&mut self) -> Option<Vec<u8>> {
        let mut chunk = self.chunks.pop_front()?;
        chunk.bytes.drain(..chunk.taken);
        self.count_out(&chunk.bytes);
        Some(chunk.bytes)
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    /// Takes everything as text, and decodes what was not decoded yet. From then on the inbox holds text.
    pub(crate) fn become_text(
        &mut self,
        mut decode: impl FnMut(&[u8]) -> Cow<'_, [u8]>,
    ) -> Vec<u8> {
        let mut text = Vec::new();
        for chunk in self.chunks.drain(..) {
            match chunk.is_text {
                true => text.extend_from_slice(chunk.rest()),
                false => text.extend_from_slice(&decode(chunk.rest())),
            }
        }
        self.bytes = 0;
        self.units = Some(0);
        text
    }

    fn count_in(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len();
        if let Some(units) = &mut self.units {
            *units += units_of(chunk);
        }
    }

    fn count_out(&mut self, taken: &[u8]) {
        self.bytes -= taken.len();
        if let Some(units) = &mut self.units {
            *units -= units_of(taken);
        }
    }

    /// Takes exactly `count` bytes; `count` is at most [`Inbox::bytes`].
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        if count == self.first_len() {
            return self.pop().unwrap_or_default();
        }
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            let missing = count - taken.len();
            let Some(front) = self.chunks.front_mut() else {
                break;
            };
            if front.rest().len() <= missing {
                taken.extend(self.pop().unwrap_or_default());
                continue;
            }
            let start = taken.len();
            taken.extend_from_slice(&front.rest()[..missing]);
            front.taken += missing;
            self.count_out(&taken[start..]);
        }
        taken
    }

    /// The length in bytes of the first `units` of text, in UTF-16 as JavaScript counts. A character
    /// of two units is not cut. `None` if there is less text.
    pub(crate) fn bytes_of(&self, units: usize) -> Option<usize> {
        let (mut left, mut bytes) = (units, 0);
        for (units, length) in self.chunks.iter().flat_map(|it| characters(it.rest())) {
            if left == 0 {
                return Some(bytes);
            }
            left = left.saturating_sub(units);
            bytes += length;
        }
        (left == 0).then_some(bytes)
    }

    /// Node's `readableLength`: bytes, or units of UTF-16 for text.
    pub(crate) fn len(&self) -> usize {
        self.units.unwrap_or(self.bytes)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The length of the chunk in front.
    pub(crate) fn first_len(&self) -> usize {
        self.chunks.front().map_or(0, |chunk| chunk.rest().len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

/// The units of UTF-16 and the bytes of each character; an invalid byte counts as a character.
fn characters(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    text.utf8_chunks().flat_map(|piece| {
        let characters = piece.valid().chars();
        let characters = characters.map(|it| (it.len_utf16(), it.len_utf8()));
        characters.chain(piece.invalid().iter().map(|_| (1, 1)))
    })
}

fn units_of(text: &[u8]) -> usize {
    characters(text).map(|(units, _)| units).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_cuts_and_joins_chunks() {
        let mut inbox = Inbox::default();
        inbox.push(b"abc".to_vec());
        inbox.push(b"def".to_vec());
        assert_eq!(inbox.take(4), b"abcd");
        inbox.unshift(b"X".to_vec());
        assert_eq!(inbox.len(), 3);
        assert_eq!(inbox.pop(), Some(b"X".to_vec()));
        assert_eq!((inbox.first_len(), inbox.bytes_of(1)), (2, Some(1)));
        assert_eq!(inbox.pop(), Some(b"ef".to_vec()));
        inbox.push(b"gh".to_vec());
        assert_eq!(inbox.take(1), b"g");
        assert_eq!(inbox.take(1), b"h");
        assert!(inbox.is_empty());
    }

    #[test]
    fn what_is_text_is_not_decoded_again() {
        fn twice(bytes: &[u8]) -> Cow<'_, [u8]> {
            Cow::Owned([bytes, bytes].concat())
        }
        let mut inbox = Inbox::default();
        inbox.push(b"ab".to_vec());
        let text = inbox.become_text(twice);
        assert_eq!((&text[..], inbox.len()), (&b"abab"[..], 0));
        inbox.push(text);
        inbox.unshift(b"z".to_vec());
        assert_eq!(inbox.become_text(twice), b"zzabab");
    }

    #[test]
    fn text_is_counted_as_javascript_counts_it_and_no_character_is_cut() {
        let mut inbox = Inbox::default();
        assert_eq!(inbox.become_text(|bytes| Cow::Borrowed(bytes)), b"");
        inbox.push("\u{e9}\u{1f600}".into());
        inbox.push("a".into());
        let bytes = [0, 1, 2, 3, 4, 5].map(|units| inbox.bytes_of(units));
        assert_eq!(bytes, [Some(0), Some(2), Some(6), Some(6), Some(7), None]);
        assert_eq!((inbox.len(), inbox.bytes()), (4, 7));
        assert_eq!(inbox.take(2), "\u{e9}".as_bytes());
        assert_eq!((inbox.len(), inbox.bytes()), (3, 5));
        inbox.pop();
        assert_eq!((inbox.len(), inbox.bytes()), (1, 1));
    }
}
