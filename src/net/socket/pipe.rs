//! `pipe`: what one socket receives, another sends, and back-pressure goes the other way.
//!
//! A pipe is a field of its source, not a listener of `data`, so that `unpipe` can take it away; so it
//! comes behind all of those.

use std::mem;

use super::super::SocketId;
use super::super::queues::SocketTick;
use super::{Pipe, Socket, SocketEntry};
use crate::net::event_loop::Loop;

impl Loop {
    #[inline]
    fn pipes_of(&mut self, from: SocketId) -> &mut [Pipe] {
        let cold = self.entry(from).and_then(|entry| entry.cold.as_mut());
        cold.map_or(&mut [], |cold| &mut cold.pipes)
    }

    pub(super) fn wait_for_drain(&mut self, from: SocketId, to: SocketId) {
        let mut waits = false;
        for pipe in self.pipes_of(from) {
            let is_this = pipe.to == to;
            pipe.waits |= is_this;
            pipe.hears_drain |= is_this;
            waits |= is_this;
        }
        if waits {
            self.socket_at(from).pause();
        }
    }

    /// A destination has drained: sources that wait for nobody else flow again.
    pub(super) fn drained_pipes_into(&mut self, to: SocketId) {
        for from in self.pipes.get(&to).cloned().unwrap_or_default() {
            let mut hears = false;
            for pipe in self.pipes_of(from) {
                if pipe.to == to {
                    pipe.waits = false;
                    hears |= pipe.hears_drain;
                }
            }
            if hears {
                self.flow_unless_one_waits(from);
            }
        }
    }

    fn flow_unless_one_waits(&mut self, from: SocketId) {
        let hears_data = self.entry(from).is_some_and(|entry| entry.hears_data());
        if hears_data && self.pipes_of(from).iter().all(|pipe| !pipe.waits) {
            self.socket_at(from).resume();
        }
    }

    /// The source has ended: its destinations end too, unless told otherwise.
    pub(super) fn end_pipes(&mut self, from: SocketId) {
        let Some(entry) = self.entry(from) else {
            return;
        };
        let Some(cold) = &mut entry.cold else { return };
        let ends: Vec<(SocketId, bool)> =
            cold.pipes.iter().map(|pipe| (pipe.to, pipe.ends)).collect();
        for (to, ends) in ends {
            if ends {
                self.socket_at(to).end();
            } else {
                self.unpipe(from, to);
            }
        }
    }

    fn pipe(&mut self, from: SocketId, to: SocketId, ends: bool) {
        let Some(entry) = self.entry(from) else {
            return;
        };
        let has_ended = entry.connection.state.is_end_emitted();
        entry.cold().pipes.push(Pipe {
            to,
            ends,
            waits: false,
            hears_drain: false,
        });
        self.pipes.entry(to).or_default().push(from);
        if has_ended {
            self.socket_tick(from, SocketTick::EndPipes);
        }
        self.with_socket(from, SocketEntry::data_was_added);
        self.unpipe_at_the_end_of(to);
        self.socket_tick(to, SocketTick::Piped(from));
        if self.socket_at(to).writable_need_drain() {
            self.wait_for_drain(from, to);
        } else {
            self.socket_at(from).resume();
        }
    }

    /// Who is told that a destination has finished or closed before the first pipe into it hears
    /// of it while the source still flows, as in Node.
    fn unpipe_at_the_end_of(&mut self, to: SocketId) {
        let Some(entry) = self.entry(to) else { return };
        if !mem::replace(&mut entry.cold().hears_its_end, true) {
            self.socket_at(to)
                .on_close(|to, _| to.event_loop.unpipe_all_into(to.id))
                .on_finish(|to| to.event_loop.unpipe_all_into(to.id));
        }
    }

    /// The listeners of a destination were taken away, and those of its pipes with them.
    pub(super) fn forget_who_hears_the_end_of(&mut self, to: SocketId) {
        if let Some(cold) = self.entry(to).and_then(|entry| entry.cold.as_mut()) {
            cold.hears_its_end = false;
        }
    }

    fn unpipe(&mut self, from: SocketId, to: SocketId) {
        let Some(entry) = self.entry(from) else {
            return;
        };
        let pipes = &mut entry.cold().pipes;
        let Some(index) = pipes.iter().position(|pipe| pipe.to == to) else {
            return;
        };
        let pipe = pipes.remove(index);
        let is_last = pipes.is_empty();
        if let Some(sources) = self.pipes.get_mut(&to) {
            if let Some(index) = sources.iter().position(|source| *source == from) {
                sources.remove(index);
            }
            if sources.is_empty() {
                self.pipes.remove(&to);
            }
        }
        if is_last {
            self.socket_at(from).pause();
        }
        self.socket_tick(to, SocketTick::Unpiped(from));
        if pipe.waits || !is_last && pipe.hears_drain {
            // Nobody else is to wait for a destination that has gone.
            self.flow_unless_one_waits(from);
        }
    }

    /// A destination has finished, failed or closed: nothing is piped into it any more.
    pub(super) fn unpipe_all_into(&mut self, to: SocketId) {
        for from in self.pipes.get(&to).cloned().unwrap_or_default() {
            self.unpipe(from, to);
        }
    }

    pub(super) fn forget_pipes_of(&mut self, from: SocketId) {
        let Some(cold) = self.entry(from).and_then(|entry| entry.cold.as_mut()) else {
            return;
        };
        for pipe in std::mem::take(&mut cold.pipes) {
            if let Some(sources) = self.pipes.get_mut(&pipe.to) {
                sources.retain(|source| *source != from);
                if sources.is_empty() {
                    self.pipes.remove(&pipe.to);
                }
            }
        }
    }
}

impl SocketEntry {
    /// Where the next chunk goes.
    pub(super) fn pipes_to_fill(&mut self) -> Vec<SocketId> {
        let pipes = self.cold.iter_mut().flat_map(|cold| &mut cold.pipes);
        let to = pipes.map(|pipe| {
            pipe.waits = false;
            pipe.to
        });
        to.collect()
    }
}

impl Socket<'_> {
    /// Sends what this socket receives to another one (or back, if that is itself), and ends that one when
    /// this one has ended: Node's `pipe(destination)`. While the destination's `write` returns `false`, this
    /// socket is paused, until `drain`. `pipe` is emitted on the destination, from a tick. Errors are not
    /// passed on, as in Node.
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop
    ///     .create_server(|socket| {
    ///         let itself = socket.id();
    ///         socket.pipe(itself); // an echo server
    ///         let server = socket.server().unwrap();
    ///         socket.event_loop().server_at(server).close();
    ///     })
    ///     .listen(("127.0.0.1", 0), |server| {
    ///         let port = server.port().unwrap();
    ///         let hello = |socket: &mut netloop::Socket<'_>| _ = socket.end_with("hello");
    ///         let mut socket = server.event_loop().connect(("127.0.0.1", port), hello).unwrap();
    ///         socket.on_data(|_, chunk| assert_eq!(chunk, b"hello"));
    ///     })?;
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn pipe(&mut self, destination: SocketId) -> &mut Self {
        self.event_loop.pipe(self.id, destination, true);
        self
    }

    /// As [`pipe`](Socket::pipe), but the destination is not ended: Node's
    /// `pipe(destination, {end: false})`.
    pub fn pipe_without_end(&mut self, destination: SocketId) -> &mut Self {
        self.event_loop.pipe(self.id, destination, false);
        self
    }

    /// Undoes a [`pipe`](Socket::pipe), or all of them with `None`: Node's `unpipe([destination])`. When
    /// none is left, this socket is paused. `unpipe` is emitted on the destination, from a tick.
    pub fn unpipe(&mut self, destination: Option<SocketId>) -> &mut Self {
        let id = self.id;
        let all: Vec<SocketId> = self
            .event_loop
            .pipes_of(id)
            .iter()
            .map(|pipe| pipe.to)
            .collect();
        for to in all {
            if destination.is_none_or(|wanted| wanted == to) {
                self.event_loop.unpipe(id, to);
            }
        }
        self
    }
}
