//! What was received and waits for the program, and how much may wait.

use std::borrow::Cow;

use crate::rules::inbox::Inbox;
use crate::values::decoder::{Decoder, Encoding};

/// Node's default high-water mark of both directions.
pub(crate) const HIGH_WATER_MARK: usize = 64 * 1024;

/// How far `read` can raise the high-water mark, as in Node.
const MARK_MAX: usize = 1 << 30;

/// The bytes that wait, how they become text, and how many may wait. For a socket that keeps nothing, and
/// has no options of this kind, it equals the default.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(super) inbox: Inbox,
    decoder: Option<Decoder>,
    /// The high-water mark: when this much waits, the kernel is read no further.
    mark: usize,
    /// Bytes go into a buffer of the program's own, and none waits here.
    has_own_buffer: bool,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept {
            inbox: Inbox::default(),
            decoder: None,
            mark: HIGH_WATER_MARK,
            has_own_buffer: false,
        }
    }
}

impl Kept {
    /// The high-water mark of what may wait: Node's `readableHighWaterMark`.
    pub(crate) fn mark(&self) -> usize {
        self.mark
    }

    pub(crate) fn set_mark(&mut self, mark: usize) {
        self.mark = mark;
    }

    pub(crate) fn use_own_buffer(&mut self) {
        self.has_own_buffer = true;
    }

    #[inline]
    pub(crate) fn has_own_buffer(&self) -> bool {
        self.has_own_buffer
    }

    /// Raises the mark so that this much can wait: Node's `computeNewHighWaterMark`.
    pub(super) fn raise_mark(&mut self, size: usize) {
        if size > self.mark {
            self.mark = size.min(MARK_MAX).next_power_of_two();
        }
    }

    /// How much waits: Node's `readableLength`.
    pub(crate) fn len(&self) -> usize {
        self.inbox.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.inbox.is_empty()
    }

    /// Whether chunks pass unchanged: none waits, is decoded, or goes into the program's own buffer.
    #[inline]
    pub(crate) fn lets_chunks_pass(&self) -> bool {
        self.inbox.is_empty() && self.decoder.is_none() && !self.has_own_buffer
    }

    /// Whether it equals the default.
    pub(crate) fn is_as_default(&self) -> bool {
        self.lets_chunks_pass() && self.mark == HIGH_WATER_MARK
    }

    /// Whether the high-water mark is reached.
    pub(super) fn is_full(&self) -> bool {
        !self.is_empty() && self.len() >= self.mark
    }

    pub(crate) fn clear(&mut self) {
        self.inbox.clear();
    }

    /// Decodes a chunk, if an encoding is set. An incomplete character at its end is held back.
    pub(crate) fn decode<'c>(&mut self, chunk: &'c [u8]) -> Cow<'c, [u8]> {
        match &mut self.decoder {
            Some(decoder) => decoder.write(chunk),
            None => Cow::Borrowed(chunk),
        }
    }

    /// Sets the encoding of what comes, and decodes what waits: Node's `setEncoding`.
    pub(crate) fn set_encoding(&mut self, encoding: Encoding, has_ended: bool) {
        let mut decoder = Decoder::new(encoding);
        let mut text = self.inbox.become_text(|bytes| decoder.write(bytes));
        if has_ended {
            text.append(&mut decoder.end());
        }
        if !text.is_empty() {
            self.inbox.push(text);
        }
        self.decoder = Some(decoder);
    }

    /// The peer has ended: the character that the decoder holds back will not be completed.
    pub(super) fn end_text(&mut self) {
        let rest = self.decoder.as_mut().map_or_else(Vec::new, Decoder::end);
        if !rest.is_empty() {
            self.inbox.push(rest);
        }
    }

    /// Takes what a read of this size gets, and returns whether it is all that was asked for: Node's
    /// `howMuchToRead`.
    pub(super) fn take(
        &mut self,
        size: Option<usize>,
        has_ended: bool,
        is_flowing: bool,
    ) -> (Option<Vec<u8>>, bool) {
        let bytes = self.inbox.bytes();
        let wanted = match size {
            None if self.decoder.is_none() || is_flowing => Some(self.inbox.first_len()),
            None => Some(bytes),
            Some(size) if self.decoder.is_some() => self.inbox.bytes_of(size),
            Some(size) => (size <= bytes).then_some(size),
        };
        let count = wanted.unwrap_or(if has_ended { bytes } else { 0 });
        let taken = (count > 0).then(|| self.inbox.take(count));
        (taken, size.is_some() && wanted.is_some())
    }
}
