//! Bytes owed to the kernel, in order, and what is to be told when they have left.
//!
//! As Node's stream over libuv does, at most one *request* is in flight: the chunks of one
//! write, or all chunks that had piled up behind it. The rest waits its turn. A note `T` (the
//! write's callback) travels with each chunk.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

/// As many slices as one `writev(2)` takes: Linux's `IOV_MAX`, which libuv uses up, too.
const SLICES_MAX: usize = 1024;

#[derive(Debug)]
pub(crate) struct Outbox<T> {
    chunks: VecDeque<Chunk<T>>,
    /// How many chunks in front belong to the request in flight.
    flight: usize,
    /// How many bytes of the first chunk have left already.
    offset: usize,
    /// Notes of chunks of the request in flight that have left whole.
    done: Vec<T>,
    /// The request in flight has left whole, or failed, and its notes are yet to be told.
    landed: Option<io::Result<()>>,
    /// The turn in which the request in flight was made.
    launched_in: u32,
    /// The kernel may have room for the request in flight, and no edge will tell.
    pub(crate) has_room: bool,
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
            landed: None,
            launched_in: 0,
            has_room: false,
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
    pub(crate) fn launch(&mut self, turn: u32) {
        debug_assert!(!self.is_in_flight());
        self.launched_in = turn;
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

    /// Whether there is a request that has not been told yet.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.is_on_its_way() || self.has_landed()
    }

    /// Whether some of the request in flight has not left.
    pub(crate) fn is_on_its_way(&self) -> bool {
        self.flight > 0
    }

    pub(crate) fn has_landed(&self) -> bool {
        self.landed.is_some()
    }

    /// The turns are counted anew, from one on.
    pub(crate) fn was_launched_before(&mut self) {
        self.launched_in = 0;
    }

    /// Whether what the kernel told in this turn is of the request in flight: it was made before.
    pub(crate) fn is_older_than(&self, turn: u32) -> bool {
        self.launched_in != turn
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

    /// Takes note that the kernel took `count` bytes in the first try with the request in flight.
    /// Returns the request's notes if it has left whole: empty chunks leave with what is before
    /// them.
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
        Some(self.settle())
    }

    /// Takes note that the kernel took `count` bytes in a later try. libuv looks no further than
    /// the last of them: an empty chunk behind it takes a try of its own.
    pub(crate) fn go_on(&mut self, mut count: usize) {
        while self.flight > 0 {
            let left = self.chunks[0].bytes.len() - self.offset;
            if count < left {
                self.offset += count;
                return;
            }
            count -= left;
            self.pop_sent();
            if count == 0 {
                break;
            }
        }
        if self.flight == 0 {
            self.landed = Some(Ok(()));
        }
    }

    /// The request in flight has failed.
    pub(crate) fn fail(&mut self, error: io::Error) {
        self.pop_flight();
        self.landed = Some(Err(error));
    }

    /// What became of a request that has landed, with its notes.
    pub(crate) fn take_landed(&mut self) -> Option<(Vec<T>, io::Result<()>)> {
        let outcome = self.landed.take()?;
        Some((self.settle(), outcome))
    }

    /// The request in flight is over: its notes are to be told.
    fn settle(&mut self) -> Vec<T> {
        self.has_room = false;
        self.length -= std::mem::take(&mut self.flight_length);
        std::mem::take(&mut self.done)
    }

    fn pop_flight(&mut self) {
        while self.flight > 0 {
            self.pop_sent();
        }
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
        self.pop_flight();
        self.landed = None;
        self.settle()
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
        outbox.launch(1);
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
        outbox.launch(1);
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
        outbox.launch(1);
        outbox.push(b"later".to_vec(), Some(9));
        assert_eq!((outbox.waiting_len(), outbox.has_waiting()), (5, true));
        assert_eq!(outbox.advance(3), Some(vec![0]));
        assert_eq!((outbox.len(), outbox.is_in_flight()), (5, false));
        outbox.launch(1);
        assert_eq!(outbox.advance(5), Some(vec![9]));
    }

    #[test]
    fn giving_up_keeps_the_two_parts_apart() {
        let mut outbox = outbox(&["abc"]);
        outbox.launch(1);
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
        outbox.launch(1);
        assert_eq!(outbox.advance(0), Some(vec![0]));
    }

    #[test]
    fn after_the_first_try_an_empty_chunk_behind_the_rest_takes_a_try_of_its_own() {
        let mut outbox = outbox(&["", "abc", "", ""]);
        outbox.launch(1);
        assert_eq!(outbox.advance(1), None);
        for (taken, is_on_its_way) in [(2, true), (0, true), (0, false)] {
            outbox.go_on(taken);
            assert_eq!(outbox.is_on_its_way(), is_on_its_way);
        }
        assert_eq!((outbox.len(), outbox.is_in_flight()), (3, true));
        let (notes, outcome) = outbox.take_landed().unwrap();
        assert_eq!((notes, outcome.is_ok()), (vec![0, 1, 2, 3], true));
        assert_eq!((outbox.len(), outbox.is_in_flight()), (0, false));
    }

    #[test]
    fn a_request_that_has_failed_counts_until_it_is_told() {
        let mut outbox = outbox(&["abc", "de"]);
        outbox.launch(1);
        outbox.go_on(1);
        outbox.fail(io::ErrorKind::BrokenPipe.into());
        assert_eq!((outbox.len(), outbox.is_in_flight()), (5, true));
        let (notes, outcome) = outbox.take_landed().unwrap();
        assert_eq!((notes, outcome.is_err()), (vec![0, 1], true));
        assert_eq!((outbox.is_empty(), outbox.len()), (true, 0));
    }
}
