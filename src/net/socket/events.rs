//! Listeners: `on_*` and `once_*` add them, `off` takes them away.

use super::super::error::Error;
use super::super::listeners::AnySlot;
use super::super::queues::SocketTick;
use super::super::trace::Subject;
use super::super::{ListenerId, SocketId};
use super::connect::{Attempt, Lookup};
use super::{Socket, SocketEntry};

macro_rules! events {
    ($($(#[$doc:meta])* $on:ident $once:ident $event:literal = $slot:expr => ($($name:ident: $kind:ty),*);)*) => {
        impl Socket<'_> {
            $(
                $(#[$doc])*
                pub fn $on(
                    &mut self,
                    listener: impl FnMut(&mut Socket<'_>, $($kind),*) + 'static,
                ) -> &mut Self {
                    let listener: Box<dyn FnMut(&mut Socket<'_>, $($kind),*)> = Box::new(listener);
                    self.listen_to($event, $slot, listener, false)
                }

                #[doc = concat!(
                    "As [`", stringify!($on), "`](Socket::", stringify!($on),
                    "), for one call only: Node's `once`. The listener is gone before it is called."
                )]
                pub fn $once(
                    &mut self,
                    listener: impl FnOnce(&mut Socket<'_>, $($kind),*) + 'static,
                ) -> &mut Self {
                    let mut listener = Some(listener);
                    let once: Box<dyn FnMut(&mut Socket<'_>, $($kind),*)> =
                        Box::new(move |socket, $($name),*| {
                            if let Some(listener) = listener.take() {
                                listener(socket, $($name),*);
                            }
                        });
                    self.listen_to($event, $slot, once, true)
                }
            )*
        }
    };
}

events! {
    /// Adds a listener for Node's `'end'`: the peer has sent its FIN, and all that came before it
    /// was delivered; where bytes wait that nobody takes, it does not come. Emitted from a tick, in
    /// a later turn than the last `data`. Unless the socket is
    /// [half open](Socket::set_allow_half_open), our [`end`](Socket::end) follows a tick later.
    on_end once_end "end" = |entry| &mut entry.listeners.end => ();
    /// Adds a listener for Node's `'error'`: what ended the socket. Emitted from a tick, at most
    /// once in a life; `close` follows. Codes of the kernel are those of connect(2), read(2),
    /// write(2) and shutdown(2), such as `ECONNREFUSED`, `ECONNRESET` or `EPIPE`; Node's own stand
    /// at [`Error`].
    ///
    /// An `error` that nobody listens to ends [`run`](crate::EventLoop::run) with it.
    on_error once_error "error" = |entry| &mut entry.listeners.error => (error: &Error);
    /// Adds a listener for Node's `'close'`: the descriptor is closed, and whether an error was the
    /// reason. Emitted from the closing phase, that of the socket destroyed last first; of a socket
    /// that was never connected from a tick, and then with `None`, Node's `undefined`. In it, and
    /// in the ticks it queues, [`connect`](Socket::connect) begins a new life; to connect later, make
    /// a new socket.
    ///
    /// Usually it is the last event; callbacks of writes may follow it. Where a callback panics, or an
    /// `error` ends [`run`](crate::EventLoop::run), the ticks that are left wait for the next callback,
    /// as in Node, and `close` may be that: then `error` comes after it.
    on_close once_close "close" = |entry| &mut entry.listeners.close => (had_error: Option<bool>);
    /// Adds a listener for Node's `'drain'`: a write had returned `false`, and nothing is owed now.
    /// Emitted before the callback of the write whose last byte left, where that is called: from the
    /// poll phase, the pending phase or a tick. Not after `end`.
    on_drain once_drain "drain" = |entry| &mut entry.listeners.drain => ();
    /// Adds a listener for Node's `'connect'`: the connection stands. Emitted from the poll phase.
    /// The callback of [`connect`](Socket::connect) is one of these.
    on_connect once_connect "connect" = |entry| &mut entry.cold().connect => ();
    /// Adds a listener for Node's `'ready'`, which follows `connect` at once, with no tick between
    /// them.
    on_ready once_ready "ready" = |entry| &mut entry.cold().ready => ();
    /// Adds a listener for Node's `'prefinish'`: our FIN has left. Emitted from the pending phase,
    /// or from the poll phase in which the last owed byte left; of a socket that was never
    /// connected, and sends none, from the tick of `finish`.
    on_prefinish once_prefinish "prefinish" = |entry| &mut entry.cold().prefinish => ();
    /// Adds a listener for Node's `'finish'`: our half has ended, and the kernel has all that was
    /// written. Emitted from the tick that follows `prefinish`, behind the callbacks of `end`.
    on_finish once_finish "finish" = |entry| &mut entry.cold().finish => ();
    /// Adds a listener for Node's `'timeout'`: nothing was sent or received for as long as
    /// [`set_timeout`](Socket::set_timeout) said. Nothing is closed. Emitted from the timers
    /// phase, once until there is activity again.
    on_timeout once_timeout "timeout" = |entry| &mut entry.cold().timeout => ();
    /// Adds a listener for Node's `'pause'`: [`pause`](Socket::pause) was called, and the data was
    /// not paused before. Emitted from a tick (Node: inside the call).
    on_pause once_pause "pause" = |entry| &mut entry.cold().pause => ();
    /// Adds a listener for Node's `'resume'`: the data begins to flow. Emitted from a tick, before
    /// the `data` that waited.
    on_resume once_resume "resume" = |entry| &mut entry.cold().resume => ();
    /// Adds a listener for Node's `'lookup'`: a name was looked up, with one call for each address,
    /// or one for the error. Emitted from the poll phase, where the answers of the helper thread
    /// come in, or from the tick of [`answer_lookup`](crate::Loop::answer_lookup). Not for IP
    /// addresses and paths.
    on_lookup once_lookup "lookup" = |entry| &mut entry.cold().lookup => (lookup: &Lookup);
    /// Adds a listener for Node's `'connectionAttempt'`: connect(2) is about to be called; for a
    /// path, where Node emits it inside the call, it was called. Emitted from a tick, from where
    /// the name was answered, or from where an earlier address has failed.
    on_connection_attempt once_connection_attempt "connectionAttempt" =
        |entry| &mut entry.cold().connection_attempt => (attempt: &Attempt);
    /// Adds a listener for Node's `'connectionAttemptFailed'`: the kernel refused an address, and
    /// the next one is tried if there is one. Emitted from the poll phase, or from the pending
    /// phase if connect(2) failed at once; before `error`.
    on_connection_attempt_failed once_connection_attempt_failed "connectionAttemptFailed" =
        |entry| &mut entry.cold().connection_attempt_failed => (attempt: &Attempt, error: &Error);
    /// Adds a listener for Node's `'connectionAttemptTimeout'`: an address did not answer in
    /// [time](crate::ConnectOptions::auto_select_family_attempt_timeout), and the next one is
    /// tried. Emitted from the timers phase.
    on_connection_attempt_timeout once_connection_attempt_timeout "connectionAttemptTimeout" =
        |entry| &mut entry.cold().connection_attempt_timeout => (attempt: &Attempt);
    /// Adds a listener for Node's `'pipe'`: the socket named began to be piped into this one.
    /// Emitted from a tick (Node: inside the call).
    on_pipe once_pipe "pipe" = |entry| &mut entry.cold().pipe => (source: SocketId);
    /// Adds a listener for Node's `'unpipe'`: the socket named is not piped into this one any more,
    /// by [`unpipe`](Socket::unpipe) or because this one has finished, failed or closed. Emitted
    /// from a tick (Node: inside the call).
    on_unpipe once_unpipe "unpipe" = |entry| &mut entry.cold().unpipe => (source: SocketId);
}

impl Socket<'_> {
    /// Adds a listener for Node's `'data'`: bytes have come. They are lent for the call; at most as
    /// many as the [read buffer](crate::Loop::set_read_buffer) holds (64 KiB) come at once. Emitted
    /// from the poll phase, or, for bytes that waited, from a tick.
    ///
    /// Unless the socket is paused, this lets the data flow, from a tick on.
    pub fn on_data(&mut self, listener: impl FnMut(&mut Socket<'_>, &[u8]) + 'static) -> &mut Self {
        let listener: Box<super::OnData> = Box::new(listener);
        self.listen_to("data", |entry| &mut entry.listeners.data, listener, false);
        self.flow_for_data();
        self
    }

    /// As [`on_data`](Socket::on_data), for one call only: Node's `once`. The data goes on flowing,
    /// into nothing if nobody else listens.
    pub fn once_data(
        &mut self,
        listener: impl FnOnce(&mut Socket<'_>, &[u8]) + 'static,
    ) -> &mut Self {
        let mut listener = Some(listener);
        let once: Box<super::OnData> = Box::new(move |socket, chunk| {
            if let Some(listener) = listener.take() {
                listener(socket, chunk);
            }
        });
        self.listen_to("data", |entry| &mut entry.listeners.data, once, true);
        self.flow_for_data();
        self
    }

    /// Adds a listener for Node's `'readable'`: there is something to [`read`](Socket::read), or the
    /// end has come. Emitted from a tick. The data does not flow by itself any more.
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop
    ///     .create_server(|socket| {
    ///         socket.end_with("hello");
    ///         let server = socket.server().unwrap();
    ///         socket.event_loop().server_at(server).close();
    ///     })
    ///     .listen(("127.0.0.1", 0), |server| {
    ///         let port = server.port().unwrap();
    ///         let mut socket = server.event_loop().connect_to(("127.0.0.1", port)).unwrap();
    ///         socket.once_readable(|socket| {
    ///             assert_eq!(socket.read(Some(4)), Some(b"hell".to_vec()));
    ///             assert_eq!(socket.read(Some(4)), None); // not so many yet
    ///             assert_eq!(socket.read(None), Some(b"o".to_vec()));
    ///         });
    ///         socket.on_readable(|socket| assert_eq!(socket.read(None), None)); // the end, too
    ///     })?;
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn on_readable(&mut self, listener: impl FnMut(&mut Socket<'_>) + 'static) -> &mut Self {
        let listener: Box<super::Plain> = Box::new(listener);
        self.listen_to(
            "readable",
            |entry| &mut entry.cold().readable,
            listener,
            false,
        );
        self.read_by_hand();
        self
    }

    /// As [`on_readable`](Socket::on_readable), for one call only: Node's `once`. When the last
    /// listener has gone, data flows to those who listen for it, from the next tick on: so a head
    /// is read, and the rest handed over.
    pub fn once_readable(&mut self, listener: impl FnOnce(&mut Socket<'_>) + 'static) -> &mut Self {
        let mut listener = Some(listener);
        let once: Box<super::Plain> = Box::new(move |socket| {
            if let Some(listener) = listener.take() {
                socket
                    .event_loop
                    .socket_tick(socket.id, SocketTick::WhoReads);
                listener(socket);
            }
        });
        self.listen_to("readable", |entry| &mut entry.cold().readable, once, true);
        self.read_by_hand();
        self
    }

    /// A socket that is gone takes no listeners: nothing will ever be emitted.
    fn listen_to<F: ?Sized>(
        &mut self,
        event: &'static str,
        slot: impl Fn(&mut SocketEntry) -> &mut super::Slot<F>,
        listener: Box<F>,
        is_once: bool,
    ) -> &mut Self {
        self.event_loop.last_listener = (Subject::Socket(self.id), event);
        if let Some(entry) = self.event_loop.entry(self.id) {
            slot(entry).add(listener, is_once);
        }
        self
    }

    /// Gives a name to the listener that has just been added to this socket, so that
    /// [`off`](Socket::off) can take it away. Call it right after `on_*` or `once_*`.
    pub fn named(&mut self, listener: ListenerId) -> &mut Self {
        let (subject, event) = self.event_loop.last_listener;
        if subject == Subject::Socket(self.id)
            && let Some(slot) = self.slot(event)
        {
            slot.name_last(listener);
        }
        self
    }

    /// Takes a listener away that was [`named`](Socket::named): Node's `off(event, listener)` and
    /// `removeListener`. `event` is Node's name for it, such as `connectionAttempt`. Of several
    /// listeners with the same name the one added last goes. It may be the one that is running; while
    /// an event is emitted, those that it was to call are still called, as in Node. An event or a name
    /// that does not exist changes nothing.
    ///
    /// When the last listener of `readable` has gone, data flows to those who listen for it, from the
    /// next tick on. When the last one of `data` has gone, data goes on flowing, and is dropped.
    ///
    /// The head of a message is read by hand, and the rest flows, as in the documentation of Node's
    /// streams:
    ///
    /// ```
    /// use netloop::{EventLoop, ListenerId, Socket};
    ///
    /// fn parse_head(socket: &mut Socket<'_>, parsed: impl FnOnce(&mut Socket<'_>, String) + 'static) {
    ///     let (this, mut parsed, mut head) = (ListenerId::unique(), Some(parsed), Vec::new());
    ///     let on_readable = move |socket: &mut Socket<'_>| {
    ///         while let Some(chunk) = socket.read(None) {
    ///             head.extend(chunk);
    ///             let Some(end) = head.windows(2).position(|pair| pair == b"\n\n") else {
    ///                 continue;
    ///             };
    ///             socket.off("readable", this).unshift(&head[end + 2..]);
    ///             if let Some(parsed) = parsed.take() {
    ///                 parsed(socket, String::from_utf8_lossy(&head[..end]).into_owned());
    ///             }
    ///             return;
    ///         }
    ///     };
    ///     socket.on_readable(on_readable).named(this);
    /// }
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let mut server = event_loop.create_server(|socket| {
    ///     parse_head(socket, |socket, head| {
    ///         assert_eq!(head, "head");
    ///         socket.on_data(|_, body| assert_eq!(body, b"body"));
    ///     });
    ///     let server = socket.server().unwrap();
    ///     socket.event_loop().server_at(server).close();
    /// });
    /// let port = server.listen_on(())?.port().unwrap();
    /// event_loop.connect_to(port)?.end_with("head\n\nbody");
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn off(&mut self, event: &str, listener: ListenerId) -> &mut Self {
        let turn = self.event_loop.agenda.turns;
        if let Some(slot) = self.slot(event) {
            slot.remove(listener, turn);
        }
        self.look_who_reads(event)
    }

    /// Takes all listeners of an event away: Node's `removeAllListeners(event)`; see
    /// [`off`](Socket::off). Other than in Node a [pipe](Socket::pipe) is no listener, and goes on.
    pub fn remove_all_listeners(&mut self, event: &str) -> &mut Self {
        if let Some(slot) = self.slot(event) {
            slot.clear();
        }
        if event == "close" || event == "finish" {
            self.event_loop.forget_who_hears_the_end_of(self.id);
        }
        self.look_who_reads(event)
    }

    fn slot(&mut self, event: &str) -> Option<&mut dyn AnySlot> {
        self.event_loop.entry(self.id)?.slot_mut(event)
    }

    fn look_who_reads(&mut self, event: &str) -> &mut Self {
        if event == "readable" && self.event_loop.entry_ref(self.id).is_some() {
            self.event_loop.socket_tick(self.id, SocketTick::WhoReads);
        }
        self
    }

    /// How many listeners an event has, by Node's name for it, such as `connectionAttempt`: Node's
    /// `listenerCount`, without the one that Node keeps for itself on `end`, and without those that
    /// are being called. 0 for a name that is no event.
    pub fn listener_count(&self, event: &str) -> usize {
        let entry = self.event_loop.entry_ref(self.id);
        let slot = entry.and_then(|entry| entry.slot(event));
        slot.map_or(0, AnySlot::len)
    }
}

macro_rules! slot_by_name {
    ($name:ident, $cold:ident, $($borrow:tt)+) => {
        /// The listeners of an event, by Node's name for it.
        fn $name($($borrow)+ self, event: &str) -> Option<$($borrow)+ dyn AnySlot> {
            match event {
                "data" => return Some($($borrow)+ self.listeners.data),
                "end" => return Some($($borrow)+ self.listeners.end),
                "error" => return Some($($borrow)+ self.listeners.error),
                "close" => return Some($($borrow)+ self.listeners.close),
                "drain" => return Some($($borrow)+ self.listeners.drain),
                _ => {}
            }
            let cold = self.cold.$cold()?;
            match event {
                "connect" => Some($($borrow)+ cold.connect),
                "ready" => Some($($borrow)+ cold.ready),
                "prefinish" => Some($($borrow)+ cold.prefinish),
                "finish" => Some($($borrow)+ cold.finish),
                "timeout" => Some($($borrow)+ cold.timeout),
                "pause" => Some($($borrow)+ cold.pause),
                "resume" => Some($($borrow)+ cold.resume),
                "readable" => Some($($borrow)+ cold.readable),
                "lookup" => Some($($borrow)+ cold.lookup),
                "connectionAttempt" => Some($($borrow)+ cold.connection_attempt),
                "connectionAttemptFailed" => Some($($borrow)+ cold.connection_attempt_failed),
                "connectionAttemptTimeout" => Some($($borrow)+ cold.connection_attempt_timeout),
                "pipe" => Some($($borrow)+ cold.pipe),
                "unpipe" => Some($($borrow)+ cold.unpipe),
                _ => None,
            }
        }
    };
}

impl SocketEntry {
    slot_by_name!(slot, as_deref, &);
    slot_by_name!(slot_mut, as_deref_mut, &mut);
}
