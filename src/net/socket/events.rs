//! Listeners: `on_*` and `once_*` add them, `off` removes them.

use std::sync::{Arc, Mutex};

use super::connecting::{Attempt, Lookup};
use super::{Socket, SocketEntry};
use crate::net::error::Error;
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::events::{Event, events, listeners};
use crate::net::listeners::{AnySlot, Slot};
use crate::net::queues::SocketTick;
use crate::net::shared::Shared;
use crate::net::trace::Subject;
use crate::net::{ListenerId, SocketId};
use crate::rules::receiving::Tick;

pub(super) type Plain = dyn FnMut(&mut Socket<'_>);
pub(super) type OnData = dyn FnMut(&mut Socket<'_>, &[u8]);
type OnError = dyn FnMut(&mut Socket<'_>, &Error);
type OnClose = dyn FnMut(&mut Socket<'_>, Option<bool>);
type OnLookup = dyn FnMut(&mut Socket<'_>, &Lookup);
type OnAttempt = dyn FnMut(&mut Socket<'_>, &Attempt);
type OnAttemptFailed = dyn FnMut(&mut Socket<'_>, &Attempt, &Error);
type OnPipe = dyn FnMut(&mut Socket<'_>, SocketId);

events! {
    SocketEntry:

    /// Listeners of the events that every connection sees.
    struct Listeners at |entry| Some(&entry.listeners), Some(&mut entry.listeners);
    DATA = "data" in data: OnData;
    END = "end" in end: Plain;
    ERROR = "error" in error: OnError;
    CLOSE = "close" in close: OnClose;
    DRAIN = "drain" in drain: Plain;

    /// Listeners of the other events, which most connections never have.
    struct RareListeners at |entry|
        entry.cold.as_deref().map(|cold| &cold.listeners),
        entry.cold.as_deref_mut().map(|cold| &mut cold.listeners);
    CONNECT = "connect" in connect: Plain;
    READY = "ready" in ready: Plain;
    PREFINISH = "prefinish" in prefinish: Plain;
    FINISH = "finish" in finish: Plain;
    TIMEOUT = "timeout" in timeout: Plain;
    PAUSE = "pause" in pause: Plain;
    RESUME = "resume" in resume: Plain;
    READABLE = "readable" in readable: Plain;
    LOOKUP = "lookup" in lookup: OnLookup;
    CONNECTION_ATTEMPT = "connectionAttempt" in connection_attempt: OnAttempt;
    CONNECTION_ATTEMPT_FAILED = "connectionAttemptFailed"
        in connection_attempt_failed: OnAttemptFailed;
    CONNECTION_ATTEMPT_TIMEOUT = "connectionAttemptTimeout"
        in connection_attempt_timeout: OnAttempt;
    PIPE = "pipe" in pipe: OnPipe;
    UNPIPE = "unpipe" in unpipe: OnPipe;
}

type OnReadCallback = dyn FnMut(&mut Socket<'_>, &[u8]) -> bool;

/// A buffer into which the socket receives, and the callback that gets each chunk: Node's `onread`
/// option.
///
/// ```
/// use netloop::{ConnectOptions, EventLoop, OnRead};
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop
///     .create_server(|socket| {
///         socket.end_with("hello");
///         let server = socket.server().unwrap();
///         socket.event_loop().server_at(server).close();
///     })
///     .listen(("127.0.0.1", 0), |server| {
///         let on_read = OnRead::new(vec![0; 2], |_socket, chunk| {
///             assert!(["he", "ll", "o"].map(str::as_bytes).contains(&chunk));
///             true
///         });
///         let options = ConnectOptions::from(server.address().unwrap()).on_read(on_read);
///         server.event_loop().connect_to(options).unwrap();
///     })?;
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// The callback is called from the poll phase, in place of `data`. It stops the reading until
/// [`resume`](crate::Socket::resume) by returning `false`. `end`, `error` and `close` are emitted as usual.
#[derive(Clone)]
pub struct OnRead {
    pub(super) buffer: Box<[u8]>,
    pub(super) callback: Shared<OnReadCallback>,
}

pub(super) const ON_READ: Event<SocketEntry, OnRead> = Event {
    name: "on_read",
    slot: |socket| Some(&mut socket.cold.as_mut()?.on_read),
};

impl OnRead {
    /// Makes the option from a buffer, Node's `onread.buffer`, and a callback, Node's `onread.callback`.
    /// The buffer is reused, so a chunk is at most as long as the buffer. An empty buffer becomes one byte.
    pub fn new(
        buffer: impl Into<Box<[u8]>>,
        callback: impl FnMut(&mut Socket<'_>, &[u8]) -> bool + 'static,
    ) -> OnRead {
        let mut buffer = buffer.into();
        if buffer.is_empty() {
            buffer = Box::new([0]);
        }
        OnRead {
            buffer,
            callback: Shared::new(Arc::new(Mutex::new(callback))),
        }
    }
}

listeners! {
    Socket:

    /// Adds a listener for Node's `'data'`: bytes were received. They are lent for the call, at most as
    /// many at once as the [read buffer](crate::Loop::set_read_buffer) holds (64 KiB). Emitted from the
    /// poll phase, or, for bytes that waited, from a tick.
    ///
    /// Unless the socket is paused, adding a listener makes the data flow, from a tick on.
    on_data once_data("The data goes on flowing; without another listener it is dropped.") =
        DATA => (socket: &mut Socket<'_>, chunk: &[u8]);
    /// Adds a listener for Node's `'end'`: the peer has sent its FIN, and everything before it was
    /// delivered. It is not emitted while received bytes wait to be read. Emitted from a tick, in a later
    /// turn than the last `data`. Unless the socket is [half open](Socket::set_allow_half_open), our
    /// [`end`](Socket::end) follows a tick later.
    on_end once_end = END => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'error'`: the error that ends the socket. Emitted from a tick, at most
    /// once for each connection; `close` follows. Codes of the kernel are those of connect(2), read(2),
    /// write(2) and shutdown(2), such as `ECONNREFUSED`, `ECONNRESET` or `EPIPE`; see [`Error`] for
    /// Node's own.
    ///
    /// If it has no listener, [`run`](crate::EventLoop::run) ends and returns the error.
    on_error once_error = ERROR => (socket: &mut Socket<'_>, error: &Error);
    /// Adds a listener for Node's `'close'`: the descriptor is closed. The argument says whether an error
    /// was the reason. Emitted from the closing phase, for the socket destroyed last first. If the socket
    /// was never connected, it is emitted from a tick, with `None`, Node's `undefined`. In the listener,
    /// and in the ticks it queues, [`connect`](Socket::connect) connects the socket again; to connect
    /// later, make a new socket.
    ///
    /// Usually it is the last event; only callbacks of writes may follow it. If a callback panics, or an
    /// `error` ends [`run`](crate::EventLoop::run), the remaining ticks wait for the next callback, as in
    /// Node. If that is `close`, `error` is emitted after it.
    on_close once_close = CLOSE => (socket: &mut Socket<'_>, had_error: Option<bool>);
    /// Adds a listener for Node's `'drain'`: a write had returned `false`, and by now everything is sent.
    /// Emitted just before the callback of the write that was sent last: from the poll phase, the pending
    /// phase or a tick. Not emitted after `end`.
    on_drain once_drain = DRAIN => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'connect'`: the socket is connected. Emitted from the poll phase. The
    /// callback of [`connect`](Socket::connect) is such a listener.
    on_connect once_connect = CONNECT => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'ready'`, which follows `connect` at once, with no tick between
    /// them.
    on_ready once_ready = READY => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'prefinish'`: our FIN is sent. Emitted from the pending phase, or from
    /// the poll phase in which the last byte was sent. A socket that was never connected sends no FIN, and
    /// emits this from the tick of `finish`.
    on_prefinish once_prefinish = PREFINISH => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'finish'`: our half has ended, and the kernel has taken all bytes.
    /// Emitted from the tick that follows `prefinish`, after the callbacks of `end`.
    on_finish once_finish = FINISH => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'timeout'`: nothing was sent or received for the time given to
    /// [`set_timeout`](Socket::set_timeout). Nothing is closed. Emitted from the timers phase, and not
    /// again until there was activity.
    on_timeout once_timeout = TIMEOUT => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'pause'`: [`pause`](Socket::pause) was called, and the socket was not
    /// paused before. Emitted from a tick (Node: inside the call).
    on_pause once_pause = PAUSE => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'resume'`: the data begins to flow. Emitted from a tick, before
    /// the `data` that waited.
    on_resume once_resume = RESUME => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'lookup'`: a host name was looked up. It is called once for each
    /// address, or once for the error: from the poll phase, in which the answers of the helper threads
    /// arrive, or from the tick of [`answer_lookup`](crate::Loop::answer_lookup). Not emitted for IP
    /// addresses and paths.
    on_lookup once_lookup = LOOKUP => (socket: &mut Socket<'_>, lookup: &Lookup);
    /// Adds a listener for Node's `'connectionAttempt'`: connect(2) is about to be called; for a path,
    /// where Node emits it inside the call, it was called already. Emitted from a tick, from where the
    /// lookup was answered, or from where an earlier address failed.
    on_connection_attempt once_connection_attempt =
        CONNECTION_ATTEMPT => (socket: &mut Socket<'_>, attempt: &Attempt);
    /// Adds a listener for Node's `'connectionAttemptFailed'`: the kernel refused an address, and
    /// the next one is tried if there is one. Emitted from the poll phase, or from the pending
    /// phase if connect(2) failed at once; before `error`.
    on_connection_attempt_failed once_connection_attempt_failed =
        CONNECTION_ATTEMPT_FAILED => (socket: &mut Socket<'_>, attempt: &Attempt, error: &Error);
    /// Adds a listener for Node's `'connectionAttemptTimeout'`: an address did not answer in
    /// [time](crate::ConnectOptions::auto_select_family_attempt_timeout), and the next one is
    /// tried. Emitted from the timers phase.
    on_connection_attempt_timeout once_connection_attempt_timeout =
        CONNECTION_ATTEMPT_TIMEOUT => (socket: &mut Socket<'_>, attempt: &Attempt);
    /// Adds a listener for Node's `'pipe'`: the socket named is now piped into this one.
    /// Emitted from a tick (Node: inside the call).
    on_pipe once_pipe = PIPE => (socket: &mut Socket<'_>, source: SocketId);
    /// Adds a listener for Node's `'unpipe'`: the socket named is no longer piped into this one, because of
    /// [`unpipe`](Socket::unpipe) or because this one has finished, failed or closed. Emitted from a tick
    /// (Node: inside the call).
    on_unpipe once_unpipe = UNPIPE => (socket: &mut Socket<'_>, source: SocketId);
}

impl Socket<'_> {
    /// Adds a listener for Node's `'readable'`: there are bytes to [`read`](Socket::read), or the end was
    /// reached. Emitted from a tick. With such a listener the data no longer flows by itself.
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
    #[track_caller]
    pub fn on_readable(&mut self, listener: impl FnMut(&mut Socket<'_>) + 'static) -> &mut Self {
        self.add_listener(READABLE, Box::new(listener), false)
    }

    /// As [`on_readable`](Socket::on_readable), for one call only: Node's `once`. When the last listener is
    /// gone, data flows to the listeners of `data` from the next tick on. So a program can read a header,
    /// and hand the rest over.
    #[track_caller]
    pub fn once_readable(&mut self, listener: impl FnOnce(&mut Socket<'_>) + 'static) -> &mut Self {
        let mut listener = Some(listener);
        let once = move |socket: &mut Socket<'_>| {
            if let Some(listener) = listener.take() {
                socket.with(|_, errands| listener_has_gone(READABLE.name, errands));
                listener(socket);
            }
        };
        self.add_listener(READABLE, Box::new(once), true)
    }

    /// A socket that is gone takes no listeners: nothing will ever be emitted.
    #[track_caller]
    fn add_listener<F: ?Sized>(
        &mut self,
        event: Event<SocketEntry, F>,
        listener: Box<F>,
        is_once: bool,
    ) -> &mut Self {
        let listener_of = (Subject::Socket(self.id), event.name);
        self.event_loop.last_listener = listener_of;
        self.event_loop.agenda.trace.listens(listener_of);
        if let Some(entry) = self.event_loop.entry(self.id) {
            if (event.slot)(entry).is_none() {
                entry.cold();
            }
            if let Some(slot) = (event.slot)(entry) {
                slot.add(listener, is_once);
            }
        }
        // As Node's `Readable.prototype.on`.
        match (event.name, is_once) {
            ("data", false) => _ = self.calls("on_data", SocketEntry::data_was_added),
            ("data", true) => _ = self.calls("once_data", SocketEntry::data_was_added),
            ("readable", false) => _ = self.calls("on_readable", SocketEntry::readable_was_added),
            ("readable", true) => _ = self.calls("once_readable", SocketEntry::readable_was_added),
            _ => {}
        }
        self
    }

    /// Names the listener that was just added to this socket, so that [`off`](Socket::off) can remove it.
    /// Call it right after `on_*` or `once_*`.
    pub fn named(&mut self, listener: ListenerId) -> &mut Self {
        let (subject, event) = self.event_loop.last_listener;
        if subject == Subject::Socket(self.id)
            && let Some(slot) = self.slot(event)
        {
            slot.name_last(listener);
        }
        self
    }

    /// Removes a listener that was [`named`](Socket::named): Node's `off(event, listener)` and
    /// `removeListener`. `event` is Node's name of the event, such as `connectionAttempt`. Of several
    /// listeners with the same name, the one added last is removed. A listener may remove itself. While an
    /// event is emitted, removed listeners that were to be called for it still are, as in Node. An event or
    /// a name that does not exist changes nothing.
    ///
    /// When the last listener of `readable` is gone, data flows to the listeners of `data` from the next
    /// tick on. When the last one of `data` is gone, data goes on flowing, and is dropped.
    ///
    /// Here the head of a message is read with `read`, and the rest flows, as in the documentation of
    /// Node's streams:
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
    #[track_caller]
    pub fn off(&mut self, event: &str, listener: ListenerId) -> &mut Self {
        self.calls("off", |socket, errands| {
            if let Some(slot) = socket.slot_mut(event) {
                slot.remove(listener);
            }
            listener_has_gone(event, errands);
        });
        self
    }

    /// Removes all listeners of an event: Node's `removeAllListeners(event)`; see [`off`](Socket::off).
    /// Unlike in Node, a [pipe](Socket::pipe) is no listener, and goes on.
    #[track_caller]
    pub fn remove_all_listeners(&mut self, event: &str) -> &mut Self {
        self.calls("remove_all_listeners", |socket, errands| {
            if let Some(slot) = socket.slot_mut(event) {
                slot.clear();
            }
            listener_has_gone(event, errands);
        });
        if event == "close" || event == "finish" {
            self.forget_pipe_ends();
        }
        self
    }

    fn slot(&mut self, event: &str) -> Option<&mut dyn AnySlot> {
        self.event_loop.entry(self.id)?.slot_mut(event)
    }

    /// How many listeners an event has, by Node's name for it, such as `connectionAttempt`: Node's
    /// `listenerCount`, without those that are being called. As in Node, some work of the library's own
    /// counts: a first write that waits for the connection, on `connect` and `close`;
    /// [`reset_and_destroy`](Socket::reset_and_destroy), on `connect`; and
    /// [`destroy_soon`](Socket::destroy_soon), on `finish`. The listeners that Node keeps for reading do
    /// not exist here. 0 for a name that is no event.
    pub fn listener_count(&self, event: &str) -> usize {
        let entry = self.event_loop.entry_ref(self.id);
        let slot = entry.and_then(|entry| entry.slot(event));
        slot.map_or(0, AnySlot::len)
    }
}

/// As Node's `Readable.prototype.removeListener`.
fn listener_has_gone(event: &str, errands: &mut Errands<'_>) {
    if event == "readable" {
        errands.tick(SocketTick::Receiving(Tick::CountReaders));
    }
}
