//! What receiving does from a tick: `resume`, `readable`, `end`, and the chunks that have waited.

use super::SocketEntry;
use super::events::{PAUSE, READABLE, RESUME};
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::queues::SocketTick;
use crate::net::trace::Idle;
use crate::rules::receiving::{Receiving, Tick};
use crate::rules::state::socket::Input;

impl Served<'_> {
    pub(super) fn run_receiving_tick(&mut self, tick: Tick) {
        match tick {
            Tick::Pause => {
                self.emit_plain(PAUSE);
            }
            Tick::Resume => self.resume_is_due(),
            Tick::Unshifted => {
                self.with(|socket, _| socket.receiving.emission_is_due());
                self.emit_waiting();
            }
            Tick::Readable => self.emit_readable(),
            Tick::CountReaders => _ = self.with(SocketEntry::count_readers),
            Tick::ReadNothing => {
                self.with(|socket, errands| _ = socket.read(Some(0), errands));
            }
            Tick::Ask => {
                self.with(|socket, errands| {
                    let then = socket.with_kept(Receiving::ask_is_due);
                    socket.follow_reading(then, errands);
                });
            }
        }
    }

    /// The tick of `end`. If bytes were put back meanwhile, `end` is not emitted yet. A `destroy` without
    /// an error since then does not stop it.
    pub(super) fn end_is_due(&mut self) {
        let Some(entry) = self.entry_ref() else {
            return;
        };
        if !entry.keeps_nothing() {
            self.feed(Input::Unshifted);
        } else if !entry.state.is_destroyed() || entry.errored().is_none() {
            self.feed(Input::EndDue);
        }
    }

    /// The tick of `resume`: what waits is emitted, and reading goes on.
    fn resume_is_due(&mut self) {
        self.with(|socket, errands| {
            let then = socket.with_kept(Receiving::resume_is_due);
            socket.follow_reading(then, errands);
        });
        self.emit_plain(RESUME);
        self.emit_waiting();
        self.with(|socket, errands| {
            if socket.flows() {
                let then = socket.with_kept(Receiving::read_unless_asked);
                socket.follow_reading(then, errands);
            }
        });
    }

    /// Emits the waiting chunks, one by one, as long as the data flows: Node's `flow`. If a listener
    /// panics, a tick goes on with the next chunk. After a `destroy` the rest is dropped.
    pub(super) fn emit_waiting(&mut self) {
        let id = self.id;
        self.event_loop.call_and_then(
            (),
            |(), event_loop| {
                let mut socket = event_loop.served(id);
                while let Some(chunk) = socket.with(SocketEntry::read_to_emit).flatten() {
                    socket.emit_chunk(&chunk);
                }
            },
            |event_loop, ()| {
                event_loop.with_socket(id, |socket, errands| {
                    if socket.flows() && !socket.keeps_nothing() {
                        errands.tick(SocketTick::Receiving(Tick::Unshifted));
                    }
                });
            },
        );
        self.with(SocketEntry::drop_what_flows);
    }

    /// The tick of `readable`. After it, waiting chunks are emitted if the data flows.
    pub(super) fn emit_readable(&mut self) {
        let is_emitted = self.with(|socket, _| {
            socket.with_kept(|receiving, kept, facts| receiving.emits_readable(kept, facts))
        });
        if is_emitted == Some(true) {
            self.emit_plain(READABLE);
            if let Some(entry) = self.entry() {
                entry.receiving.note_readable();
            }
        }
        if let Some(entry) = self.entry() {
            entry.with_kept(|receiving, kept, facts| receiving.after_readable(kept, facts));
        }
        self.emit_waiting();
    }
}

impl SocketEntry {
    /// The callback of the program's own buffer has returned `false`.
    pub(super) fn stop_reading(&mut self, errands: &mut Errands<'_>) {
        let then = self.receiving.stopped();
        self.follow_reading(then, errands);
    }

    /// Why the socket would have nothing to do, for the trace.
    pub(in crate::net) fn why_idle(&self, is_to_read: bool) -> Idle {
        match (is_to_read, self.receiving.reads_kernel()) {
            _ if self.state.is_destroyed() => Idle::Gone,
            (false, _) => Idle::NothingToWrite,
            (true, false) if self.state.has_peer_ended() => Idle::EndWasRead,
            (true, false) => Idle::NotReading,
            (true, true) => Idle::ServedAlready,
        }
    }

    fn flows(&self) -> bool {
        self.receiving.is_flowing() && !self.state.is_destroyed()
    }

    /// After a `destroy` drops what was to flow. No `end` follows it.
    fn drop_what_flows(&mut self, errands: &mut Errands<'_>) {
        if self.receiving.is_flowing() && self.state.is_destroyed() && !self.keeps_nothing() {
            self.with_kept(|_, kept, _| kept.clear());
            self.feed(Input::Unshifted, errands);
        }
    }

    /// The next chunk that waits, if the data flows.
    fn read_to_emit(&mut self, errands: &mut Errands<'_>) -> Option<Vec<u8>> {
        match self.flows() {
            true => self.read(None, errands),
            false => None,
        }
    }

    fn count_readers(&mut self, errands: &mut Errands<'_>) {
        let (is_pulled, is_heard) = (self.has_readers(), self.hears_data());
        let then = self.with_kept(|receiving, kept, facts| {
            receiving.count_readers(is_pulled, is_heard, kept, facts)
        });
        self.follow_reading(then, errands);
    }
}
