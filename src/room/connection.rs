//! One connection: its stream, where it stands in its life, and the bytes it owes.

use std::io;

use libc::{ENOBUFS, ENOMEM};

use super::stream::Stream;
use crate::rules::outbox::Outbox;
use crate::rules::state::socket::State;

#[derive(Debug)]
pub(crate) struct Connection<T> {
    /// None before `connect` and after `destroy`.
    pub(crate) stream: Option<Stream>,
    pub(crate) state: State,
    /// None while nothing is owed: an idle connection keeps no queue.
    outbox: Option<Box<Outbox<T>>>,
    pub(crate) bytes_read: u64,
    /// Bytes given to the kernel, or in a request that is on its way there.
    pub(crate) bytes_dispatched: u64,
    /// The kernel was short of memory: no edge will tell when it has some.
    pub(crate) is_starved: bool,
    /// It stands in the pending queue.
    pub(crate) is_put_off: bool,
    /// The kernel has told that it has failed, or that both halves have ended.
    pub(crate) is_over: bool,
}

/// What became of the first try with a request.
#[derive(Debug)]
pub(crate) enum Sent<T> {
    /// The kernel took everything; these are the notes of the request.
    All(Vec<T>),
    /// The kernel took some of it, maybe for want of room, maybe because the connection has failed.
    Part,
    /// The kernel is full: an edge will come, unless the connection is starved.
    Nothing,
}

impl<T> Connection<T> {
    pub(crate) fn new(stream: Option<Stream>, state: State) -> Connection<T> {
        Connection {
            stream,
            state,
            outbox: None,
            bytes_read: 0,
            bytes_dispatched: 0,
            is_starved: false,
            is_put_off: false,
            is_over: false,
        }
    }

    pub(crate) fn outbox(&self) -> Option<&Outbox<T>> {
        self.outbox.as_deref()
    }

    pub(crate) fn outbox_mut(&mut self) -> &mut Outbox<T> {
        self.outbox.get_or_insert_with(Box::default)
    }

    /// Gives the queue back once nothing is in it.
    pub(crate) fn trim_outbox(&mut self) {
        if self.outbox.as_ref().is_some_and(|outbox| outbox.is_empty()) {
            self.outbox = None;
        }
    }

    /// Bytes that have not left: Node's `writableLength`.
    pub(crate) fn owed(&self) -> usize {
        self.outbox.as_ref().map_or(0, |outbox| outbox.len())
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.outbox
            .as_ref()
            .is_some_and(|outbox| outbox.is_in_flight())
    }

    /// Whether the kernel may have room for what is in flight, of which no edge will tell.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.as_ref().is_some_and(|outbox| outbox.has_room)
    }

    /// The turns are counted anew: what is in flight was made in none of those to come.
    pub(crate) fn was_launched_before(&mut self) {
        if let Some(outbox) = &mut self.outbox {
            outbox.was_launched_before();
        }
    }

    /// Whether a request is in flight of which some has not left.
    pub(crate) fn is_on_its_way(&self) -> bool {
        self.outbox
            .as_ref()
            .is_some_and(|outbox| outbox.is_on_its_way())
    }

    /// What became of a request that has landed, with its notes.
    pub(crate) fn take_landed(&mut self) -> Option<(Vec<T>, io::Result<()>)> {
        self.outbox.as_mut()?.take_landed()
    }

    /// Whether the kernel has taken some of what is in flight since this was asked last.
    pub(crate) fn has_progressed(&mut self) -> bool {
        self.outbox
            .as_mut()
            .is_some_and(|outbox| outbox.has_progressed())
    }

    /// Tries the kernel at once with bytes that nothing stands before. Returns how many it took,
    /// or an error for [`look_into`](Connection::look_into).
    #[inline]
    pub(crate) fn send_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes_dispatched += bytes.len() as u64;
        match &self.stream {
            Some(stream) => stream.try_to_send(bytes),
            None => Ok(0),
        }
    }

    /// Tells an error that ends the connection from a call to be made again, and from a kernel
    /// that is full.
    #[cold]
    pub(crate) fn look_into(&mut self, bytes: &[u8], error: io::Error) -> io::Result<usize> {
        let Some(stream) = &self.stream else {
            return Err(error);
        };
        match stream.send_again(bytes, error) {
            Err(error) if is_full(&error) => {
                self.is_starved = is_starved(&error);
                Ok(0)
            }
            other => other,
        }
    }

    /// Counts the request in flight as given to the kernel, as Node's `bytesWritten` does.
    pub(crate) fn dispatch(&mut self) {
        self.bytes_dispatched +=
            self.outbox.as_ref().map_or(0, |outbox| outbox.flight_len()) as u64;
    }

    /// The first try with the request in flight: libuv's `uv_try_write`.
    pub(crate) fn try_at_once(&mut self) -> io::Result<Sent<T>> {
        let Some(Offer { taken, .. }) = self.offer()? else {
            return Ok(Sent::Nothing);
        };
        let notes = self.outbox.as_mut().map(|outbox| outbox.advance(taken));
        Ok(notes.flatten().map_or(Sent::Part, Sent::All))
    }

    /// One more try with the request on its way: libuv's `uv__write`. If it leaves whole, or fails,
    /// it has landed.
    pub(crate) fn try_again(&mut self) {
        let offer = self.offer();
        let Some(outbox) = &mut self.outbox else {
            return;
        };
        outbox.has_room = false;
        match offer {
            Ok(None) => {}
            Ok(Some(Offer { offered, taken })) => {
                outbox.go_on(taken);
                outbox.has_room = taken == offered && outbox.is_on_its_way();
            }
            Err(error) => outbox.fail(error),
        }
    }

    /// Offers the kernel what is on its way, in one call. None if it is full.
    fn offer(&mut self) -> io::Result<Option<Offer>> {
        let (Some(stream), Some(outbox)) = (&self.stream, &self.outbox) else {
            return Ok(None);
        };
        let slices = outbox.io_slices();
        let offered = slices.iter().map(|slice| slice.len()).sum();
        match stream.send_slices(&slices) {
            Ok(taken) => Ok(Some(Offer { offered, taken })),
            Err(error) if is_full(&error) => {
                self.is_starved = is_starved(&error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// How many bytes the kernel was offered, and how many it took.
struct Offer {
    offered: usize,
    taken: usize,
}

/// `EAGAIN`, or a shortage of memory, which passes: libuv takes `ENOBUFS` for `EAGAIN`, too.
fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || is_starved(error)
}

fn is_starved(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(ENOMEM | ENOBUFS))
}
