//! `pipe`: one socket sends what another receives, and back-pressure goes the other way.
//!
//! A pipe is a field of its source, not a listener of `data`, so that `unpipe` can remove it. It is served
//! after all listeners.

use std::mem;

use super::{Pipe, Socket, SocketEntry};
use crate::net::SocketId;
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::queues::{SocketTick, Tick};

impl SocketEntry {
    /// The destinations that the next chunk goes to.
    pub(super) fn pipes_to_fill(&mut self) -> Vec<SocketId> {
        let pipes = self.cold.iter_mut().flat_map(|cold| &mut cold.pipes);
        let to = pipes.map(|pipe| {
            pipe.waits = false;
            pipe.to
        });
        to.collect()
    }

    fn pipes(&mut self) -> &mut [Pipe] {
        let cold = self.cold.as_mut();
        cold.map_or(&mut [], |cold| &mut cold.pipes)
    }

    /// Adds a pipe to this destination.
    fn add_pipe(&mut self, to: SocketId, ends: bool, errands: &mut Errands<'_>) {
        let has_ended = self.state.is_end_emitted();
        let cold = self.cold();
        cold.waits_for_several |= cold.pipes.len() == 1;
        cold.pipes.push(Pipe {
            to,
            ends,
            waits: false,
            hears_drain: false,
        });
        errands.pipes.entry(to).or_default().push(errands.id);
        if has_ended {
            errands.tick(SocketTick::EndPipe(to, ends));
        }
        self.data_was_added(errands);
    }

    fn pipes_to(&mut self, to: SocketId) -> impl Iterator<Item = &mut Pipe> {
        self.pipes().iter_mut().filter(move |pipe| pipe.to == to)
    }

    /// Pauses the source until this destination has drained.
    pub(super) fn wait_for_drain(&mut self, to: SocketId, errands: &mut Errands<'_>) {
        let mut waits = false;
        for pipe in self.pipes_to(to) {
            (pipe.waits, pipe.hears_drain, waits) = (true, true, true);
        }
        if waits {
            let cold = self.cold();
            cold.waits_for_several &= cold.pipes.len() > 1;
            self.pause(errands);
        }
    }

    /// A destination has drained: the data flows again, unless it waits for another one.
    fn destination_has_drained(&mut self, to: SocketId, errands: &mut Errands<'_>) {
        if self.pipes_to(to).any(|pipe| pipe.hears_drain) {
            self.flow_without_waiting_for(to, errands);
        }
    }

    fn flow_without_waiting_for(&mut self, to: SocketId, errands: &mut Errands<'_>) {
        self.pipes_to(to).for_each(|pipe| pipe.waits = false);
        if self.hears_data() && self.pipes().iter().all(|pipe| !pipe.waits) {
            self.resume(errands);
        }
    }

    /// Removes the first of the pipes to a destination.
    fn unpipe(&mut self, to: SocketId, errands: &mut Errands<'_>) {
        let pipes = self.pipes();
        if let Some(index) = pipes.iter().position(|pipe| pipe.to == to) {
            if pipes.len() == 1 {
                self.pause(errands);
            }
            self.remove_pipe(index, errands);
        }
    }

    /// Removes all pipes. Those that are not removed yet count as listeners of `data`, as in Node.
    fn unpipe_all(&mut self, errands: &mut Errands<'_>) {
        if !self.pipes().is_empty() {
            self.pause(errands);
        }
        while !self.pipes().is_empty() {
            self.remove_pipe(0, errands);
        }
    }

    /// Removes a pipe. The data flows if it has waited for this destination last. Where several
    /// destinations shared the wait, it is enough that this one took part in it, as in Node.
    fn remove_pipe(&mut self, index: usize, errands: &mut Errands<'_>) {
        let cold = self.cold();
        let Pipe {
            to,
            waits,
            hears_drain,
            ..
        } = cold.pipes.remove(index);
        let hears_drain = waits || hears_drain && cold.waits_for_several;
        errands.forget_pipe(to);
        let unpiped = SocketTick::Unpiped(errands.id);
        errands.agenda.tick(Tick::Socket(to, unpiped));
        if hears_drain {
            self.flow_without_waiting_for(to, errands);
        }
    }

    pub(super) fn forget_pipes(&mut self, errands: &mut Errands<'_>) {
        let cold = self.cold.as_mut();
        let pipes = cold.map(|cold| mem::take(&mut cold.pipes));
        for pipe in pipes.unwrap_or_default() {
            errands.forget_pipe(pipe.to);
        }
    }
}

impl Errands<'_> {
    /// Removes one pipe from this socket to a destination from the table of sources.
    fn forget_pipe(&mut self, to: SocketId) {
        let Some(sources) = self.pipes.get_mut(&to) else {
            return;
        };
        if let Some(index) = sources.iter().position(|source| *source == self.id) {
            sources.remove(index);
        }
        if sources.is_empty() {
            self.pipes.remove(&to);
        }
    }
}

impl Served<'_> {
    /// Calls `tell` on each source that is piped into this destination.
    fn tell_sources(&mut self, tell: fn(&mut SocketEntry, SocketId, &mut Errands<'_>)) {
        let to = self.id;
        let sources = self.event_loop.pipes.get(&to).cloned();
        for from in sources.unwrap_or_default() {
            self.event_loop
                .with_socket(from, |socket, errands| tell(socket, to, errands));
        }
    }

    /// A destination has drained: sources that wait for no other one flow again.
    pub(super) fn drained_pipes_into(&mut self) {
        self.tell_sources(SocketEntry::destination_has_drained);
    }

    /// Removes all pipes into a destination that has finished, failed or closed.
    pub(super) fn unpipe_all_into(&mut self) {
        self.tell_sources(SocketEntry::unpipe);
    }

    /// The source has ended: its destinations end too, unless told otherwise.
    pub(super) fn end_pipes(&mut self) {
        let pipes = self.entry().map(SocketEntry::pipes);
        let pipes = pipes.unwrap_or_default().iter();
        let ends: Vec<(SocketId, bool)> = pipes.map(|pipe| (pipe.to, pipe.ends)).collect();
        for (to, ends) in ends {
            self.end_pipe(to, ends);
        }
    }

    pub(super) fn end_pipe(&mut self, to: SocketId, ends: bool) {
        if ends {
            self.event_loop.socket_at(to).end();
        } else {
            self.with(|socket, errands| socket.unpipe(to, errands));
        }
    }
}

impl Socket<'_> {
    /// Sends what this socket receives to another one (or back, if that is itself), and ends that one when
    /// this one has ended: Node's `pipe(destination)`. While the destination's `write` returns `false`,
    /// this socket is paused, until `drain`. `pipe` is emitted on the destination, from a tick. Errors are
    /// not passed on, as in Node.
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
    #[track_caller]
    pub fn pipe(&mut self, destination: SocketId) -> &mut Self {
        self.begin_pipe("pipe", destination, true)
    }

    /// As [`pipe`](Socket::pipe), but the destination is not ended: Node's
    /// `pipe(destination, {end: false})`.
    #[track_caller]
    pub fn pipe_without_end(&mut self, destination: SocketId) -> &mut Self {
        self.begin_pipe("pipe_without_end", destination, false)
    }

    /// Undoes a [`pipe`](Socket::pipe), the first one to this destination, or all of them with `None`: Node's
    /// `unpipe([destination])`. When none is left, this socket is paused. But if it has waited for the
    /// destination, and waits for no other, the data flows on to the listeners of `data`. `unpipe` is emitted
    /// on the destination, from a tick.
    #[track_caller]
    pub fn unpipe(&mut self, destination: Option<SocketId>) -> &mut Self {
        self.calls("unpipe", |socket, errands| match destination {
            Some(to) => socket.unpipe(to, errands),
            None => socket.unpipe_all(errands),
        });
        self
    }

    #[track_caller]
    fn begin_pipe(&mut self, name: &'static str, to: SocketId, ends: bool) -> &mut Self {
        self.told(name, |socket| {
            let begun = socket.with(|socket, errands| socket.add_pipe(to, ends, errands));
            if begun.is_some() {
                socket.fill_pipe(to);
            }
        });
        self
    }

    /// Starts a new pipe: the data flows, unless the destination has to drain first.
    fn fill_pipe(&mut self, to: SocketId) {
        let from = self.id;
        let mut destination = self.event_loop.socket_at(to);
        destination.unpipe_at_its_end();
        let needs_drain = destination.writable_need_drain();
        destination.with(|_, errands| errands.tick(SocketTick::Piped(from)));
        match needs_drain {
            true => self.with(|socket, errands| socket.wait_for_drain(to, errands)),
            false => self.with(SocketEntry::resume),
        };
    }

    /// With the first pipe into a destination, adds listeners for its `close` and `finish`, which remove
    /// all pipes into it, as in Node.
    fn unpipe_at_its_end(&mut self) {
        let is_new = self.with(|socket, _| !mem::replace(&mut socket.cold().hears_its_end, true));
        if is_new == Some(true) {
            self.on_close(|to, _| to.event_loop.served(to.id).unpipe_all_into())
                .on_finish(|to| to.event_loop.served(to.id).unpipe_all_into());
        }
    }

    /// The listeners of a destination were removed, and with them those that remove its pipes.
    pub(super) fn forget_pipe_ends(&mut self) {
        self.with(|socket, _| {
            if let Some(cold) = &mut socket.cold {
                cold.hears_its_end = false;
            }
        });
    }
}
