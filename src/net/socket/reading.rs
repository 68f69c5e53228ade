//! The calls by which a program reads: `pause`, `resume`, `read`, `unshift`, `set_encoding`; and how the
//! socket follows the rules of [`receiving`](crate::rules::receiving).

use super::{Socket, SocketEntry};
use crate::net::error::words;
use crate::net::event_loop::errands::Errands;
use crate::net::queues::SocketTick;
use crate::net::trace::Why;
use crate::rules::receiving::{Action, Facts, Kept, Receiving, Then};
use crate::rules::state::socket::Input;
use crate::values::decoder::Encoding;

impl SocketEntry {
    /// Applies a rule of `receiving`. The box for what is kept is allocated only when something is.
    pub(super) fn with_kept<R>(
        &mut self,
        tell: impl FnOnce(&mut Receiving, &mut Kept, Facts) -> R,
    ) -> R {
        let facts = self.facts();
        if let Some(cold) = &mut self.cold {
            return tell(&mut self.receiving, &mut cold.kept, facts);
        }
        let mut kept = Kept::default();
        let answer = tell(&mut self.receiving, &mut kept, facts);
        if !kept.is_as_default() {
            self.cold().kept = kept;
        }
        answer
    }

    fn facts(&self) -> Facts {
        let state = self.state;
        Facts {
            is_connected: state.is_receiving(),
            has_ended: state.has_peer_ended(),
            is_destroyed: state.is_destroyed(),
            is_broken: state.is_broken(),
        }
    }

    /// Performs the actions of a rule.
    pub(super) fn follow_reading(&mut self, then: Then, errands: &mut Errands<'_>) {
        for action in then.actions() {
            if action == Action::Start {
                // No edge comes for what arrived before the kernel was read, not even for the end.
                self.join_again(Why::BeganToRead, errands);
            }
            self.follow_action(action, errands);
        }
    }

    /// The same for a connection that was just made: edges report what there is to read.
    pub(super) fn follow_connected(&mut self, then: Then, errands: &mut Errands<'_>) {
        for action in then.actions() {
            self.follow_action(action, errands);
        }
    }

    fn follow_action(&mut self, action: Action, errands: &mut Errands<'_>) {
        match action {
            Action::Start | Action::Stop => self.update_hold(errands),
            Action::Queue(tick) => errands.tick(SocketTick::Receiving(tick)),
            Action::Delivered => self.feed(Input::Delivered, errands),
        }
    }

    pub(super) fn pause(&mut self, errands: &mut Errands<'_>) {
        let then = self.with_kept(|receiving, kept, facts| receiving.pause(kept, facts));
        self.follow_reading(then, errands);
    }

    pub(super) fn resume(&mut self, errands: &mut Errands<'_>) {
        let then = self.with_kept(|receiving, kept, facts| receiving.resume(kept, facts));
        self.follow_reading(then, errands);
    }

    /// Takes waiting bytes, and asks for more: Node's `read(size)`.
    pub(super) fn read(
        &mut self,
        size: Option<usize>,
        errands: &mut Errands<'_>,
    ) -> Option<Vec<u8>> {
        let (taken, then) =
            self.with_kept(|receiving, kept, facts| receiving.read(size, kept, facts));
        self.follow_reading(then, errands);
        taken
    }

    /// A listener of `data` was added, or a pipe.
    pub(super) fn data_was_added(&mut self, errands: &mut Errands<'_>) {
        let has_readers = self.has_readers();
        let then =
            self.with_kept(|receiving, kept, facts| receiving.data_added(has_readers, kept, facts));
        self.follow_reading(then, errands);
    }

    /// A listener of `readable` was added.
    pub(super) fn readable_was_added(&mut self, errands: &mut Errands<'_>) {
        if self.state.is_end_emitted() {
            return;
        }
        let then = self.with_kept(|receiving, kept, _| receiving.readable_added(kept));
        self.follow_reading(then, errands);
    }

    /// After `connect`: reads if bytes were asked for before.
    pub(super) fn read_if_asked(&mut self, errands: &mut Errands<'_>) {
        let then = self.with_kept(|receiving, _, facts| receiving.connected(facts));
        self.follow_connected(then, errands);
    }

    /// After `ready`: reads, unless the socket was paused meanwhile.
    pub(super) fn read_unless_paused(&mut self, errands: &mut Errands<'_>) {
        if !self.receiving.flow().is_paused() {
            let then =
                self.with_kept(|receiving, kept, facts| receiving.read(Some(0), kept, facts).1);
            self.follow_connected(then, errands);
        }
    }

    #[track_caller]
    fn unshift(&mut self, bytes: &[u8], errands: &mut Errands<'_>) {
        let state = self.state;
        if bytes.is_empty() || state.is_destroyed() || state.is_broken() {
            return;
        }
        if state.is_end_emitted() {
            return self.destroy(Some(words::unshift_after_end()), errands);
        }
        let then = self.with_kept(|receiving, kept, _| receiving.unshift(bytes.to_vec(), kept));
        self.follow_reading(then, errands);
    }

    /// Whether received bytes go to a listener of `data`, be it one that is being called, or into a pipe.
    pub(super) fn hears_data(&self) -> bool {
        let is_piped = self.cold.as_ref().is_some_and(|it| !it.pipes.is_empty());
        is_piped || (self.listeners.data).is_heard(self.receiving.is_emitting())
    }

    /// Whether there is a listener of `readable`, apart from those that are being called.
    pub(super) fn has_readers(&self) -> bool {
        let cold = self.cold.as_ref();
        cold.is_some_and(|cold| !cold.listeners.readable.is_empty())
    }

    #[inline]
    pub(super) fn has_own_buffer(&self) -> bool {
        let cold = self.cold.as_ref();
        cold.is_some_and(|cold| cold.kept.has_own_buffer())
    }

    /// Whether no received bytes wait.
    #[inline]
    pub(super) fn keeps_nothing(&self) -> bool {
        let cold = self.cold.as_ref();
        cold.is_none_or(|cold| cold.kept.is_empty())
    }
}

impl Socket<'_> {
    /// Stops `data`: Node's `pause()`. Received bytes are kept, up to the high-water mark; then reading
    /// stops, and the peer has to wait. Until then the socket notices the peer's end and reset, and holds
    /// the loop. `pause` is emitted from a tick.
    #[track_caller]
    pub fn pause(&mut self) -> &mut Self {
        self.calls("pause", SocketEntry::pause);
        self
    }

    /// Lets `data` flow, from a tick on: Node's `resume()`. Without a listener of `data` the bytes are
    /// dropped. While `readable` has a listener, data does not flow, as in Node. On a destroyed socket this
    /// does nothing.
    #[track_caller]
    pub fn resume(&mut self) -> &mut Self {
        self.calls("resume", SocketEntry::resume);
        self
    }

    /// Whether the socket is paused: Node's `isPaused()`.
    pub fn is_paused(&self) -> bool {
        let entry = self.event_loop.entry_ref(self.id);
        entry.is_some_and(|entry| entry.receiving.flow().is_paused())
    }

    /// Whether the data flows: Node's `readableFlowing`. `None`, Node's `null`, until data is asked for.
    pub fn readable_flowing(&self) -> Option<bool> {
        let entry = self.event_loop.entry_ref(self.id)?;
        entry.receiving.flow().is_flowing()
    }

    /// Takes waiting bytes: Node's `read([size])`, but without emitting `data` for them. Without a `size`
    /// it takes one chunk as it was received (with an encoding, all of the text); with a `size` exactly
    /// that many bytes, or what is left after the end. `None` if there are not enough yet. A `size` of 0
    /// takes nothing, but asks for more, or, if the high-water mark is reached, causes another `readable`.
    ///
    /// A `size` above the high-water mark raises the mark to the next power of two, at most to 1 GiB, so
    /// that enough bytes can wait. After [`set_encoding`](Socket::set_encoding), `size` counts units of
    /// UTF-16, as JavaScript does; a character of two units is not split.
    #[track_caller]
    pub fn read(&mut self, size: Option<usize>) -> Option<Vec<u8>> {
        self.calls("read", |socket, errands| socket.read(size, errands))
            .flatten()
    }

    /// Puts bytes back before those that wait: Node's `unshift()`. While the data flows, they come again as
    /// `data`, from a tick and in the order of the calls; otherwise with the next `readable`. If the socket
    /// was not read from yet, reading starts, up to the high-water mark. After `end` the socket is
    /// destroyed with `ERR_STREAM_UNSHIFT_AFTER_END_EVENT`.
    #[track_caller]
    pub fn unshift(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.calls("unshift", |socket, errands| {
            socket.unshift(bytes.as_ref(), errands)
        });
        self
    }

    /// Sets the encoding by which received bytes become text: Node's `setEncoding`. Chunks then consist of
    /// whole characters, as UTF-8; a character that is split over two chunks comes with the second. Waiting
    /// bytes are converted, too, unless an encoding set before has converted them.
    ///
    /// ```
    /// use netloop::{Encoding, EventLoop};
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// event_loop
    ///     .create_server(|socket| {
    ///         socket.end_with([0xe2, 0x82]); // two bytes of the three of a euro sign
    ///         let server = socket.server().unwrap();
    ///         socket.event_loop().server_at(server).close();
    ///     })
    ///     .listen(("127.0.0.1", 0), |server| {
    ///         let port = server.port().unwrap();
    ///         let mut socket = server.event_loop().connect_to(("127.0.0.1", port)).unwrap();
    ///         socket
    ///             .set_encoding(Encoding::Utf8)
    ///             .on_data(|_, text| assert_eq!(std::str::from_utf8(text), Ok("\u{fffd}")));
    ///     })?;
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn set_encoding(&mut self, encoding: Encoding) -> &mut Self {
        self.calls("set_encoding", |socket, _| {
            socket.with_kept(|_, kept, facts| kept.set_encoding(encoding, facts.has_ended));
        });
        self
    }

    /// The number of received bytes that wait to be read: Node's `readableLength`. After
    /// [`set_encoding`](Socket::set_encoding) it counts units of UTF-16, as JavaScript does.
    pub fn readable_length(&self) -> usize {
        let entry = self.event_loop.entry_ref(self.id);
        let cold = entry.and_then(|entry| entry.cold.as_ref());
        cold.map_or(0, |cold| cold.kept.len())
    }
}
