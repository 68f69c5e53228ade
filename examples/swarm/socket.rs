//! A socket of a program: its listeners, and the steps on it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use netloop::state::socket::{Readable, State};
use netloop::{Encoding, Error, Lookup, Loop, Socket, SocketId};

use super::end::{End, Event};
use super::play::Play;
use super::program::{Action, Actor, Reading};

/// After this many callbacks, pipes are removed.
const CALLBACKS_MAX: usize = 2000;

/// The state that the callbacks of a socket share. A socket that connects again becomes another end.
#[derive(Clone)]
pub(super) struct Me {
    pub(super) play: Play,
    pub(super) end: Rc<Cell<usize>>,
    /// Dropped with the last of the callbacks.
    pub(super) guard: Rc<()>,
}

impl Me {
    pub(super) fn new(play: &Play) -> Me {
        Me {
            play: play.clone(),
            end: Rc::new(Cell::new(0)),
            guard: Rc::new(()),
        }
    }

    /// Notes a chunk in the socket's own buffer, whose callback may stop reading.
    pub(super) fn own_buffer(&self, socket: &mut Socket<'_>, chunk: &[u8], is_stopped: bool) {
        self.play.received(self.end.get(), chunk);
        self.on_event(socket, Event::Data);
        self.end(|end| end.is_stopped = is_stopped);
    }

    fn end<R>(&self, change: impl FnOnce(&mut End) -> R) -> R {
        self.play.end(self.end.get(), change)
    }

    /// Notes an event, and runs the program's steps for it.
    fn on_event(&self, socket: &mut Socket<'_>, event: Event) {
        self.play.note(self.end.get(), event, socket);
        let actor = self.end(|end| {
            // As in Node, a throw in any other event stops the read that would follow it, and in `data`, too, if
            // the mark is 0: nothing but that read asks for more.
            let reads_anyway = match event {
                Event::Data => end.manner.mark != Some(0),
                _ => matches!(event, Event::Drain | Event::Timeout),
            };
            end.reads_on_after_event = !reads_anyway || end.received == 0;
            end.actor
        });
        self.play.act(socket.event_loop(), actor);
        self.end(|end| end.reads_on_after_event = false);
    }

    /// Listens to all events.
    pub(super) fn listen(&self, socket: &mut Socket<'_>) {
        macro_rules! listen {
            ($($on:ident => $event:ident),*) => { $({
                let me = self.clone();
                socket.$on(move |socket| me.on_event(socket, Event::$event));
            })* };
        }
        listen!(on_connect => Connect, on_ready => Ready, on_end => End, on_drain => Drain,
            on_prefinish => Prefinish, on_finish => Finish, on_pause => Pause, on_resume => Resume,
            on_timeout => Timeout);
        let (lookup, attempt, close) = (self.clone(), self.clone(), self.clone());
        socket.on_lookup(move |socket, found| {
            lookup.check_lookup(found);
            lookup.on_event(socket, Event::Lookup);
        });
        socket.on_connection_attempt(move |socket, _| attempt.on_event(socket, Event::Attempt));
        socket.on_close(move |socket, _| close.on_event(socket, Event::Close));
        let (pipe, unpipe, error) = (self.clone(), self.clone(), self.clone());
        socket.on_pipe(move |socket, _| pipe.on_event(socket, Event::Pipe));
        socket.on_unpipe(move |socket, _| unpipe.on_event(socket, Event::Unpipe));
        let manner = self.end(|end| end.manner);
        if !manner.lacks_error_listener {
            socket.on_error(move |socket, failure| {
                error.play.check_error(socket, failure);
                (error.play).with(|state| state.last_error = Some(failure.clone()));
                error.on_event(socket, Event::Error);
            });
        }
        if manner.is_tuned {
            self.listen_once(socket);
        }
        let me = self.clone();
        match manner.reading {
            Reading::Nothing | Reading::OwnBuffer(_) => {}
            Reading::Flowing => _ = socket.on_data(move |socket, chunk| me.data(socket, chunk)),
            Reading::ByHand => _ = socket.on_readable(move |socket| me.readable(socket)),
        }
    }

    /// Checks that the addresses of a name are told in order.
    fn check_lookup(&self, lookup: &Lookup) {
        let Actor::Client(number) = self.end(|end| end.actor) else {
            return;
        };
        let next = self.play.with(|state| {
            let found = state.found.get_mut(&number)?;
            (!found.is_empty()).then(|| found.remove(0))
        });
        if next.is_some() && lookup.address.is_some() && lookup.address != next {
            self.play
                .fault("the addresses of a name come in another order");
        }
    }

    /// Adds listeners that run once and do nothing. The other listeners must still be called.
    fn listen_once(&self, socket: &mut Socket<'_>) {
        let guard = || {
            let guard = self.guard.clone();
            move || drop(guard)
        };
        let (connect, ready, lookup, attempt) = (guard(), guard(), guard(), guard());
        socket
            .once_connect(move |_| connect())
            .once_ready(move |_| ready())
            .once_lookup(move |_, _| lookup())
            .once_connection_attempt(move |_, _| attempt());
        let (failed, late, prefinish, finish) = (guard(), guard(), guard(), guard());
        socket
            .once_connection_attempt_failed(move |_, _, _| failed())
            .once_connection_attempt_timeout(move |_, _| late())
            .once_prefinish(move |_| prefinish())
            .once_finish(move |_| finish());
        let (pipe, unpipe, close) = (guard(), guard(), guard());
        socket
            .once_pipe(move |_, _| pipe())
            .once_unpipe(move |_, _| unpipe())
            .once_close(move |_, _| close());
    }

    fn data(&self, socket: &mut Socket<'_>, chunk: &[u8]) {
        self.play.received(self.end.get(), chunk);
        if self.play.with(|state| state.callbacks) > CALLBACKS_MAX {
            // A cycle of pipes never rests.
            socket.unpipe(None);
        }
        self.on_event(socket, Event::Data);
    }

    fn readable(&self, socket: &mut Socket<'_>) {
        while let Some(bytes) = socket.read(None) {
            self.play.received(self.end.get(), &bytes);
        }
        self.on_event(socket, Event::Readable);
    }
}

/// Whether a read of this size must return bytes: enough wait, or the last ones do.
fn owes_bytes(socket: &Socket<'_>, size: Option<usize>) -> bool {
    let length = socket.readable_length();
    let is_last = matches!(socket.standing().receiving, Readable::Eof | Readable::Due);
    let asks = size.is_none_or(|size| size > 0 && (is_last || size <= length));
    length > 0 && asks && !socket.is_destroyed()
}

impl Play {
    /// Notes an event, and checks the socket's properties.
    pub(super) fn note(&self, number: usize, event: Event, socket: &Socket<'_>) {
        self.with(|state| {
            state.course.note((state.ends[number].actor, event));
            state.course.note_socket(socket);
        });
        let wrong = self.end(number, |end| {
            let wrong = end
                .note(event, socket)
                .and_then(|()| end.check_counters(socket));
            wrong
                .err()
                .map(|words| format!("{words}: {event:?} of {:?}", end.actor))
        });
        if let Some(words) = wrong {
            self.fault(words);
        }
    }

    /// Checks that an error names its socket.
    fn check_error(&self, socket: &Socket<'_>, error: &Error) {
        if error.socket() != Some(socket.id()) {
            self.fault("an error names another subject");
        }
    }

    /// Notes received bytes. After a pipe into the peer they may not be the peer's own.
    fn received(&self, number: usize, bytes: &[u8]) {
        self.with(|state| {
            let peer = state.ends[number].actor.peer();
            let peer = state.by_actor.get(&peer).map(|peer| &state.ends[*peer]);
            let sends_other_bytes = peer.is_some_and(|peer| peer.sends_other_bytes);
            let end = &mut state.ends[number];
            end.may_miss_bytes |= sends_other_bytes;
            if let Err(words) = end.receive(bytes) {
                let words = format!("{words}: {:?}", end.actor);
                state.fault.get_or_insert(words);
            }
        });
    }

    pub(super) fn act_on_socket(&self, event_loop: &mut Loop, number: usize, action: &Action) {
        let id = self.end(number, |end| end.id);
        let mut socket = event_loop.socket_at(id);
        let destroys = matches!(
            action,
            Action::Destroy | Action::DestroyWith | Action::DestroySoon | Action::Reset
        );
        // A Unix socket cannot be reset, and what is destroyed soon sends first.
        let is_soft = match action {
            Action::Reset => self.with(|state| state.program.has_paths()),
            action => *action == Action::DestroySoon,
        };
        self.end(number, |end| {
            end.may_be_destroyed |= destroys;
            end.was_destroyed |= destroys && !is_soft;
        });
        match action {
            Action::Write(size) => {
                let bytes = self.bytes(number, &socket, *size);
                self.write_checked(&mut socket, number, *size, |socket| socket.write(bytes));
            }
            Action::WriteThen(size) => self.write_then(&mut socket, number, *size),
            Action::End => _ = socket.end(),
            Action::EndThen => {
                let back = self.back(number, Event::Ended);
                socket.end_then(back);
            }
            Action::EndWith(size) => {
                let bytes = self.bytes(number, &socket, *size);
                socket.end_with_then(bytes, self.back(number, Event::Ended));
                let needs_drain = socket.writable_need_drain();
                self.end(number, |end| end.needs_drain |= needs_drain);
            }
            Action::Destroy => _ = socket.destroy(),
            Action::DestroyWith => {
                // It may be that of another socket, which is passed on.
                let error = self.with(|state| state.last_error.clone());
                socket.destroy_with(error.unwrap_or_else(|| Error::new("on purpose")));
            }
            Action::DestroySoon => _ = socket.destroy_soon(),
            Action::Reset => _ = socket.reset_and_destroy(),
            // As in Node, a corked socket never finishes after its end.
            Action::Cork if socket.is_writable_ended() => {}
            Action::Cork => {
                let before = socket.writable_corked();
                if socket.cork().writable_corked() != before + 1 && !socket.is_destroyed() {
                    self.fault("a cork does not count");
                }
            }
            Action::Uncork => _ = socket.uncork(),
            Action::IdleTimeout(millis) => {
                socket.set_timeout(Duration::from_millis(*millis));
            }
            Action::HalfOpen(on) => {
                self.end(number, |end| end.was_half_open = true);
                socket.set_allow_half_open(*on);
            }
            Action::Options => {
                let delay = Duration::from_secs(7200);
                socket
                    .set_no_delay(true)
                    .set_keep_alive(true, delay)
                    .set_keep_alive_with(true, delay, Duration::from_secs(75), 3)
                    .set_type_of_service(8);
            }
            Action::Ref => _ = socket.ref_(),
            Action::Unref => {
                self.end(number, |end| end.was_unreferenced = true);
                socket.unref();
            }
            Action::Flood(count, size) => self.flood(&mut socket, number, *count, *size),
            Action::Reconnect(connection, server) => {
                self.reconnect(&mut socket, number, *connection, *server);
            }
            _ => self.read_from(&mut socket, number, action),
        }
    }

    /// The steps of the receiving half.
    fn read_from(&self, socket: &mut Socket<'_>, number: usize, action: &Action) {
        let has_own_buffer = self.end(number, |end| end.manner.has_own_buffer());
        match action {
            Action::Pause => _ = socket.pause(),
            Action::Resume => {
                self.end(number, |end| end.is_stopped = false);
                socket.resume();
            }
            _ if has_own_buffer => self.act_on_extras(socket, number, action),
            Action::Read(size) => {
                let owes = owes_bytes(socket, *size);
                let bytes = socket.read(*size).unwrap_or_default();
                if owes && bytes.is_empty() {
                    self.fault("bytes wait, but a read returns none");
                }
                self.received(number, &bytes);
            }
            Action::Unshift(size) => {
                // Nothing can be put back after `end` or a failure, nor, while the data flows, before bytes that wait.
                let flows = socket.readable_flowing() == Some(true);
                let is_behind = flows && socket.readable_length() > 0;
                let back = self.end(number, |end| {
                    let size = (*size).min(end.received);
                    let may = !end.has_ended && !end.may_miss_bytes && !socket.is_destroyed();
                    let may = may && (socket.is_writable() || socket.is_writable_ended());
                    (may && !is_behind).then(|| end.unread(size))
                });
                if let Some(back) = back {
                    socket.unshift(back);
                }
            }
            Action::Encoding => _ = socket.set_encoding(Encoding::Utf8),
            Action::Pipe(other, ends) => self.pipe(socket, number, *other, *ends),
            Action::Unpipe => {
                let piped = self.end(number, |end| end.piped_into.pop());
                socket.unpipe(piped);
            }
            Action::OnceData => {
                let back = self.back_once(number, Event::Later);
                self.end(number, |end| {
                    end.may_miss_bytes |= end.manner.reading != Reading::Flowing
                });
                socket.once_data(move |socket, _| back(socket));
            }
            Action::OnceReadable => {
                let back = self.back_once(number, Event::Later);
                // As in Node, data may flow and be dropped after the listener is removed.
                self.end(number, |end| {
                    end.has_other_readers = true;
                    end.may_miss_bytes |= end.manner.reading == Reading::ByHand;
                });
                socket.once_readable(back);
            }
            _ => self.act_on_extras(socket, number, action),
        }
    }

    fn pipe(&self, socket: &mut Socket<'_>, number: usize, other: Actor, ends: bool) {
        let target: Option<SocketId> = self.with(|state| {
            let to = state.end_of(other).filter(|to| *to != number)?;
            // Otherwise the bytes would go round for ever.
            if state.leads_to(other, state.ends[number].actor) {
                return None;
            }
            let source = &mut state.ends[number];
            source.has_other_readers = true;
            let (host, reading) = (source.host, source.manner.reading);
            let end = state.ends.get_mut(to)?;
            end.sends_other_bytes |= end.host == host;
            (end.host == host && reading == Reading::Flowing).then_some(end.id)
        });
        self.end(number, |end| end.piped_into.extend(target));
        match target {
            Some(id) if ends => _ = socket.pipe(id),
            Some(id) => _ = socket.pipe_without_end(id),
            None => {}
        }
    }

    /// The bytes of a write. They are counted only if the socket can be written to.
    fn bytes(&self, number: usize, socket: &Socket<'_>, size: usize) -> Vec<u8> {
        let counts = socket.is_writable();
        self.end(number, |end| {
            let bytes = end.next_bytes(size);
            end.written += if counts { size } else { 0 };
            bytes
        })
    }

    fn write_then(&self, socket: &mut Socket<'_>, number: usize, size: usize) {
        let bytes = self.bytes(number, socket, size);
        let order = self.end(number, |end| end.callbacks_given + 1);
        let (written, back) = (self.clone(), self.back(number, Event::Written));
        let then = move |socket: &mut Socket<'_>, outcome: Result<(), &Error>| {
            if outcome.is_ok() {
                let is_late = written.end(number, |end| {
                    // After a throw, the callback of a tick waits, and one of the pending phase does not.
                    let is_late = end.last_written > order && !end.host_has_thrown;
                    end.last_written = order;
                    is_late
                });
                if is_late {
                    written.fault("the callbacks of writes run out of order");
                }
            }
            back(socket, outcome);
        };
        self.write_checked(socket, number, size, |socket| {
            socket.write_then(bytes, then)
        });
    }

    /// Writes repeatedly, each time in the callback of the last write.
    fn flood(&self, socket: &mut Socket<'_>, number: usize, count: usize, size: usize) {
        let bytes = self.bytes(number, socket, size);
        let (play, back) = (self.clone(), self.back(number, Event::Written));
        let then = move |socket: &mut Socket<'_>, outcome: Result<(), &Error>| {
            if outcome.is_ok() && count > 1 {
                play.flood(socket, number, count - 1, size);
            }
            back(socket, outcome);
        };
        self.write_checked(socket, number, size, |socket| {
            socket.write_then(bytes, then)
        });
    }

    /// A callback that must run.
    fn back(
        &self,
        number: usize,
        event: Event,
    ) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) + 'static {
        self.end(number, |end| end.callbacks_given += 1);
        let once = self.back_once(number, event);
        let called = self.clone();
        move |socket, outcome| {
            if let Err(error) = outcome {
                called.check_error(socket, error);
            }
            called.end(number, |end| {
                end.callbacks_run += 1;
                // If its callback throws, the socket outlives a write that has failed, as in Node.
                end.sends_other_bytes |= outcome.is_err();
                end.is_in_failed_write = outcome.is_err();
            });
            once(socket);
            called.end(number, |end| end.is_in_failed_write = false);
        }
    }

    pub(super) fn back_once(
        &self,
        number: usize,
        event: Event,
    ) -> impl FnOnce(&mut Socket<'_>) + 'static {
        let play = self.clone();
        let guard = self.end(number, |end| end.guard.upgrade());
        move |socket| {
            let _guard = guard;
            let actor = play.end(number, |end| {
                // It may run among the listeners of `connect`.
                end.reads_on_after_event = end.received == 0;
                end.actor
            });
            play.note(number, event, socket);
            play.act(socket.event_loop(), actor);
            play.end(number, |end| end.reads_on_after_event = false);
        }
    }

    /// Connects a socket again, which makes it another end if it has closed.
    fn reconnect(&self, socket: &mut Socket<'_>, number: usize, connection: usize, server: usize) {
        let actor = Actor::Client(connection);
        // After a throw, errors of the last connection may still come. After the callback of a write that
        // has failed, the others fail, as in Node.
        let may = self.end(number, |end| {
            !end.host_has_thrown && !end.is_in_failed_write
        });
        let is_first = socket.state() == State::Idle && !self.end(number, |end| end.has_closed);
        // A connection to a path is known by its place in a queue.
        let is_named = !self.place(server).is_path() || self.end(number, |end| end.has_closed);
        if !may || is_first || !is_named || self.host(actor).is_some() {
            return;
        }
        let host = self.end(number, |end| end.host);
        let options = self.target(host, connection, server);
        if socket.connect_to(options).is_err() {
            return;
        }
        self.note_queued(socket, connection, server);
        let another = self.end(number, |end| {
            let me = end.me.upgrade().filter(|_| end.has_closed)?;
            Some((me, end.again(actor)))
        });
        if let Some((me, end)) = another {
            self.add(&me, end);
        }
    }
}
