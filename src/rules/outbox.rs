//! Bytes owed to the kernel, in order, and what is to be told when they have left.
//!
//! As Node's stream over libuv does, at most one *request* is in flight: the chunks of one
//! write, or all chunks that had piled up behind it. The rest waits its turn. A note `T` (the
//! write's callback) travels with each chunk.

use std::collections::VecDeque;
use std::io::IoSlice;

/// As many slices as one `writev(2)` takes here; Linux allows 1024 (`IOV_MAX`).
const SLICES_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Outbox<T> {
    chunks: VecDeque<Chunk<T>>,
    /// How many chunks in front belong to the request in flight.
    flight: usize,
    /// How many bytes of the first chunk have left already.
    offset: usize,
    /// Notes of chunks of the request in flight that have left whole.
    done: Vec<T>,
    length: usize,
    flight_length: usize,
    /// How much of the request in flight was unsent when somebody looked last; all of it at first.
    unsent_then: usize,
    given_up: usize,
}

#[derive(Debug)]
struct Chunk<T> {
    bytes: Vec<u8>,
    note: Option<T>,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Outbox {
            chunks: VecDeque::new(),
            flight: 0,
            offset: 0,
            done: Vec::new(),
            length: 0,
            flight_length: 0,
            unsent_then: 0,
            given_up: 0,
        }
    }
}

impl<T> Outbox<T> {
    /// Puts a chunk behind all others.
    pub(crate) fn push(&mut self, bytes: Vec<u8>, note: Option<T>) {
        self.length += bytes.len();
        self.chunks.push_back(Chunk { bytes, note });
    }

    /// How many writes are owed.
    pub(crate) fn count(&self) -> usize {
        self.chunks.len()
    }

    /// Makes one request of all that waits. Only when nothing is in flight.
    pub(crate) fn launch(&mut self) {
        debug_assert!(!self.is_in_flight());
        self.flight = self.chunks.len();
        self.flight_length = self.length;
        self.unsent_then = self.length;
    }

    /// Counts bytes of the request in flight that had left before it was queued.
    pub(crate) fn credit(&mut self, already_sent: usize) {
        self.length += already_sent;
        self.flight_length += already_sent;
        self.unsent_then += already_sent;
    }

    /// How much the request in flight is in all.
    pub(crate) fn flight_len(&self) -> usize {
        self.flight_length
    }

    /// Bytes that have not left: Node's `writableLength`, where a request that has left in part
    /// still counts whole.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Bytes that wait behind the request in flight, and those that were given up: as long as the
    /// notes of the rest are being told, Node counts them, too.
    pub(crate) fn waiting_len(&self) -> usize {
        self.length - self.flight_length + self.given_up
    }

    /// Whether the kernel has taken some of the request in flight since this was asked last, or
    /// since it was made.
    pub(crate) fn has_progressed(&mut self) -> bool {
        let unsent = self.slices().map(<[u8]>::len).sum();
        let unsent_then = std::mem::replace(&mut self.unsent_then, unsent);
        self.is_in_flight() && unsent_then != unsent
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.flight > 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(crate) fn has_waiting(&self) -> bool {
        self.chunks.len() > self.flight
    }

    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut offset = self.offset;
        self.chunks.iter().take(self.flight).map(move |chunk| {
            let start = std::mem::take(&mut offset);
            &chunk.bytes[start..]
        })
    }

    /// The unsent bytes of the request in flight, as far as one `writev(2)` takes them.
    pub(crate) fn io_slices(&self) -> Vec<IoSlice<'_>> {
        self.slices().take(SLICES_MAX).map(IoSlice::new).collect()
    }

    /// Takes note that the kernel took `count` bytes of the request in flight. Returns the
    /// request's notes once it has left whole.
    pub(crate) fn advance(&mut self, mut count: usize) -> Option<Vec<T>> {
        while self.flight > 0 {
            let left = self.chunks[0].bytes.len() - self.offset;
            if count < left {
                self.offset += count;
                return None;
            }
            count -= left;
            self.pop_sent();
        }
        self.length -= std::mem::take(&mut self.flight_length);
        Some(std::mem::take(&mut self.done))
    }

    fn pop_sent(&mut self) {
        self.offset = 0;
        self.flight -= 1;
        if let Some(chunk) = self.chunks.pop_front() {
            self.done.extend(chunk.note);
        }
    }

    /// Gives up the request in flight and returns its notes.
    pub(crate) fn abandon_flight(&mut self) -> Vec<T> {
        while self.flight > 0 {
            self.pop_sent();
        }
        self.length -= std::mem::take(&mut self.flight_length);
        std::mem::take(&mut self.done)
    }

    /// Gives up the first of what waits behind the request in flight, and returns its note, if it
    /// has one.
    pub(crate) fn abandon_one(&mut self) -> Option<Option<T>> {
        let chunk = self.chunks.remove(self.flight)?;
        self.length -= chunk.bytes.len();
        self.given_up += chunk.bytes.len();
        Some(chunk.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(chunks: &[&str]) -> Outbox<u32> {
        let mut outbox = Outbox::default();
        for (note, chunk) in chunks.iter().enumerate() {
            outbox.push(chunk.as_bytes().to_vec(), Some(note as u32));
        }
        outbox
    }

    #[test]
    fn a_request_tells_its_notes_only_when_its_last_byte_has_left() {
        let mut outbox = outbox(&["abc", "de"]);
        outbox.launch();
        assert_eq!(outbox.advance(4), None);
        assert_eq!(outbox.io_slices().len(), 1);
        assert_eq!(&*outbox.io_slices()[0], b"e");
        assert_eq!(outbox.len(), 5);
        assert_eq!(outbox.advance(1), Some(vec![0, 1]));
        assert!(outbox.is_empty());
    }

    #[test]
    fn progress_is_what_has_left_since_somebody_looked() {
        let mut outbox = outbox(&["cde"]);
        outbox.launch();
        assert!(!outbox.has_progressed());
        outbox.credit(2);
        assert!(outbox.has_progressed());
        assert!(!outbox.has_progressed());
        outbox.advance(1);
        assert!(outbox.has_progressed());
        outbox.advance(2);
        assert!(!outbox.has_progressed());
    }

    #[test]
    fn what_is_pushed_later_waits_behind_the_request_in_flight() {
        let mut outbox = outbox(&["abc"]);
        outbox.launch();
        outbox.push(b"later".to_vec(), Some(9));
        assert_eq!((outbox.waiting_len(), outbox.has_waiting()), (5, true));
        assert_eq!(outbox.advance(3), Some(vec![0]));
        assert_eq!((outbox.len(), outbox.is_in_flight()), (5, false));
        outbox.launch();
        assert_eq!(outbox.advance(5), Some(vec![9]));
    }

    #[test]
    fn giving_up_keeps_the_two_parts_apart() {
        let mut outbox = outbox(&["abc"]);
        outbox.launch();
        outbox.push(b"later".to_vec(), Some(9));
        assert_eq!(outbox.abandon_one(), Some(Some(9)));
        assert_eq!((outbox.len(), outbox.waiting_len()), (3, 5));
        assert_eq!(outbox.abandon_one(), None);
        assert_eq!(outbox.abandon_flight(), vec![0]);
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn an_empty_chunk_leaves_with_the_next_advance() {
        let mut outbox = outbox(&[""]);
        outbox.launch();
        assert_eq!(outbox.advance(0), Some(vec![0]));
    }
}
