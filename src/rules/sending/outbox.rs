//! Bytes owed to the kernel, in order, and the callbacks of their writes.
//!
//! The chunks in front are the *request*: those of one write, or all that had piled up during the
//! request before. The chunks after them wait.

use std::collections::VecDeque;
use std::io::IoSlice;

/// How many slices one `writev(2)` takes: Linux's `IOV_MAX`, as in libuv.
const SLICES_MAX: usize = 1024;

#[derive(Debug)]
pub(super) struct Outbox<C> {
    chunks: VecDeque<Chunk<C>>,
    /// How many chunks in front belong to the request.
    in_request: usize,
    /// How many bytes of the first chunk are sent.
    offset: usize,
    /// Callbacks of the chunks of the request that are sent completely.
    done: Vec<C>,
    /// Bytes of all chunks. The request counts in full.
    length: usize,
    request_length: usize,
    /// How much of the request was unsent when `has_progressed` was asked last; all of it at first.
    unsent_then: usize,
    given_up: usize,
}

#[derive(Debug)]
struct Chunk<C> {
    bytes: Vec<u8>,
    callback: Option<C>,
}

impl<C> Default for Outbox<C> {
    fn default() -> Self {
        Outbox {
            chunks: VecDeque::new(),
            in_request: 0,
            offset: 0,
            done: Vec::new(),
            length: 0,
            request_length: 0,
            unsent_then: 0,
            given_up: 0,
        }
    }
}

impl<C> Outbox<C> {
    /// Adds a chunk after all others.
    pub(super) fn push(&mut self, bytes: Vec<u8>, callback: Option<C>) {
        self.length += bytes.len();
        self.chunks.push_back(Chunk { bytes, callback });
    }

    /// How many writes are owed.
    pub(super) fn count(&self) -> usize {
        self.chunks.len()
    }

    /// Makes one request of all waiting chunks. Returns its length in bytes.
    pub(super) fn make_request(&mut self) -> usize {
        debug_assert_eq!(self.in_request, 0, "one request at a time");
        self.in_request = self.chunks.len();
        self.request_length = self.length;
        self.unsent_then = self.length;
        self.length
    }

    /// Counts bytes of the request that were sent before it was made.
    pub(super) fn credit(&mut self, already_sent: usize) {
        self.length += already_sent;
        self.request_length += already_sent;
        self.unsent_then += already_sent;
    }

    /// Bytes that are not sent: Node's `writableLength`. A request that was sent in part still counts in
    /// full.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Bytes that wait for the request in flight, and those that were given up. Node counts the latter
    /// until all of them have been called back.
    pub(super) fn waiting_len(&self) -> usize {
        self.length - self.request_length + self.given_up
    }

    /// Whether the kernel has taken some of the request since this was asked last, or since the
    /// request was made.
    pub(super) fn has_progressed(&mut self) -> bool {
        let unsent = self.slices().map(<[u8]>::len).sum();
        std::mem::replace(&mut self.unsent_then, unsent) != unsent
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.chunks.len() > self.in_request
    }

    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut offset = self.offset;
        self.chunks.iter().take(self.in_request).map(move |chunk| {
            let start = std::mem::take(&mut offset);
            &chunk.bytes[start..]
        })
    }

    /// The unsent bytes of the request, as far as one `writev(2)` takes them, and how many they are.
    pub(super) fn offer(&self) -> (Vec<IoSlice<'_>>, usize) {
        let slices: Vec<_> = self.slices().take(SLICES_MAX).map(IoSlice::new).collect();
        let length = slices.iter().map(|slice| slice.len()).sum();
        (slices, length)
    }

    /// The kernel took `count` bytes in the first try with the request. Returns whether all of it is sent:
    /// an empty chunk is sent with what is before it.
    pub(super) fn took_first(&mut self, count: usize) -> bool {
        self.take(count, false)
    }

    /// The kernel took `count` bytes in a later try. Returns whether all of the request is sent. As in
    /// libuv, an empty chunk after the last byte takes a try of its own.
    pub(super) fn took(&mut self, count: usize) -> bool {
        self.take(count, true)
    }

    fn take(&mut self, mut count: usize, stops_at_last: bool) -> bool {
        while self.in_request > 0 {
            let left = self.chunks[0].bytes.len() - self.offset;
            if count < left {
                self.offset += count;
                return false;
            }
            count -= left;
            self.pop_sent();
            if count == 0 && stops_at_last {
                break;
            }
        }
        self.in_request == 0
    }

    fn pop_sent(&mut self) {
        self.offset = 0;
        self.in_request -= 1;
        if let Some(chunk) = self.chunks.pop_front() {
            self.done.extend(chunk.callback);
        }
    }

    /// Ends the request, whether it was sent or not. Returns its callbacks.
    pub(super) fn end_request(&mut self) -> Vec<C> {
        while self.in_request > 0 {
            self.pop_sent();
        }
        self.length -= std::mem::take(&mut self.request_length);
        std::mem::take(&mut self.done)
    }

    /// Gives up the first waiting chunk, and returns its callback, if it has one.
    pub(super) fn give_up_one(&mut self) -> Option<Option<C>> {
        let chunk = self.chunks.remove(self.in_request)?;
        self.length -= chunk.bytes.len();
        self.given_up += chunk.bytes.len();
        Some(chunk.callback)
    }

    /// Stops counting what was given up: all of it has been called back.
    pub(super) fn forget_given_up(&mut self) {
        self.given_up = 0;
    }

    /// Whether it can be replaced by an empty one.
    pub(super) fn is_idle(&self) -> bool {
        self.chunks.is_empty() && self.given_up == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(chunks: &[&str]) -> Outbox<u32> {
        let mut outbox = Outbox::default();
        for (name, chunk) in chunks.iter().enumerate() {
            outbox.push(chunk.as_bytes().to_vec(), Some(name as u32));
        }
        outbox
    }

    #[test]
    fn a_request_has_left_when_its_last_byte_has() {
        let mut outbox = outbox(&["abc", "de"]);
        outbox.make_request();
        assert!(!outbox.took_first(4));
        let (slices, length) = outbox.offer();
        assert_eq!((slices.len(), &*slices[0], length), (1, &b"e"[..], 1));
        assert_eq!(outbox.len(), 5);
        assert!(outbox.took(1));
        assert_eq!(outbox.end_request(), vec![0, 1]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn progress_is_what_has_left_since_it_was_asked_for() {
        let mut outbox = outbox(&["cde"]);
        outbox.make_request();
        assert!(!outbox.has_progressed());
        outbox.credit(2);
        assert!(outbox.has_progressed());
        assert!(!outbox.has_progressed());
        outbox.took_first(1);
        assert!(outbox.has_progressed());
    }

    #[test]
    fn what_is_pushed_later_waits_behind_the_request() {
        let mut outbox = outbox(&["abc"]);
        outbox.make_request();
        outbox.push(b"later".to_vec(), Some(9));
        assert_eq!((outbox.waiting_len(), outbox.has_waiting()), (5, true));
        assert!(outbox.took_first(3));
        assert_eq!((outbox.end_request(), outbox.len()), (vec![0], 5));
        assert_eq!(outbox.make_request(), 5);
        assert!(outbox.took_first(5));
        assert_eq!(outbox.end_request(), vec![9]);
    }

    #[test]
    fn giving_up_keeps_the_request_and_what_waits_apart() {
        let mut outbox = outbox(&["abc"]);
        outbox.make_request();
        outbox.push(b"later".to_vec(), Some(9));
        assert_eq!(outbox.give_up_one(), Some(Some(9)));
        assert_eq!((outbox.len(), outbox.waiting_len()), (3, 5));
        assert_eq!(outbox.give_up_one(), None);
        assert_eq!(outbox.end_request(), vec![0]);
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn an_empty_chunk_leaves_with_the_first_try() {
        let mut outbox = outbox(&[""]);
        outbox.make_request();
        assert!(outbox.took_first(0));
        assert_eq!(outbox.end_request(), vec![0]);
    }

    #[test]
    fn after_the_first_try_an_empty_chunk_behind_the_rest_takes_a_try_of_its_own() {
        let mut outbox = outbox(&["", "abc", "", ""]);
        outbox.make_request();
        assert!(!outbox.took_first(1));
        for (taken, has_left) in [(2, false), (0, false), (0, true)] {
            assert_eq!(outbox.took(taken), has_left);
        }
        assert_eq!(outbox.len(), 3);
        assert_eq!(outbox.end_request(), vec![0, 1, 2, 3]);
        assert_eq!(outbox.len(), 0);
    }
}
