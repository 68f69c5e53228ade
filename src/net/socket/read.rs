//! Reading as a program asks for it: `pause`, `resume`, `read`, `unshift`, `set_encoding`.

use super::super::error::words;
use super::super::queues::SocketTick;
use super::{Flow, Socket, SocketEntry};
use crate::rules::decoder::{Decoder, Encoding};

impl Socket<'_> {
    /// Stops `data`: Node's `pause()`. Received bytes are kept, up to the high-water mark; then reading
    /// stops, and the peer has to wait. Until then the socket notices the peer's end and reset, and holds
    /// the loop. `pause` is emitted from a tick.
    pub fn pause(&mut self) -> &mut Self {
        let id = self.id;
        let Some(entry) = self.event_loop.entry(id) else {
            return self;
        };
        if entry.connection.state.is_destroyed() {
            return self;
        }
        entry.cold().reading.is_paused = true;
        if entry.has_own_buffer() {
            entry.is_reading = false;
        }
        if entry.flow != Flow::Paused {
            entry.flow = Flow::Paused;
            self.event_loop.socket_tick(id, SocketTick::Paused);
        }
        self.event_loop.update_hold(id);
        self
    }

    /// Lets `data` flow, from a tick on: Node's `resume()`. Without a listener of `data` the bytes are
    /// dropped. While `readable` has a listener, data does not flow, as in Node. A destroyed socket stays
    /// as it is.
    pub fn resume(&mut self) -> &mut Self {
        let id = self.id;
        let Some(entry) = self.event_loop.entry(id) else {
            return self;
        };
        if entry.connection.state.is_destroyed() {
            return self;
        }
        if let Some(cold) = &mut entry.cold {
            cold.reading.is_paused = false;
        }
        if entry.flow != Flow::Flowing {
            entry.flow = if entry.is_read_by_hand() {
                Flow::Paused
            } else {
                Flow::Flowing
            };
            self.queue_resume();
        }
        let entry = self.event_loop.entry_ref(id);
        if entry.is_some_and(SocketEntry::has_own_buffer) {
            // A callback that answered `false` has stopped the reading, but not the flow.
            self.event_loop.start_reading(id);
        }
        self
    }

    /// A connection that is read from, with nothing waiting and nobody listening for `resume`,
    /// needs no tick for it: the next chunk finds it flowing.
    fn queue_resume(&mut self) {
        let id = self.id;
        let Some(entry) = self.event_loop.entry(id) else {
            return;
        };
        if entry.is_reading && entry.cold.is_none() {
            return;
        }
        if !std::mem::replace(&mut entry.cold().reading.resume_is_queued, true) {
            self.event_loop.socket_tick(id, SocketTick::Resume);
        }
    }

    pub(super) fn flow_for_data(&mut self) {
        if self
            .event_loop
            .entry_ref(self.id)
            .is_some_and(|entry| entry.flow != Flow::Paused)
        {
            self.resume();
        }
    }

    /// The first listener of `readable` stops the flow; another one changes nothing, so that one
    /// that goes after its call may be followed by the next.
    pub(super) fn read_by_hand(&mut self) {
        let id = self.id;
        let Some(entry) = self.event_loop.entry(id) else {
            return;
        };
        let has_ended = entry.connection.state.is_end_emitted();
        let reading = &mut entry.cold().reading;
        if has_ended || reading.is_by_hand {
            return;
        }
        reading.is_by_hand = true;
        reading.wants_readable = true;
        reading.readable_is_queued = false;
        entry.flow = Flow::Paused;
        if !entry.cold().inbox.is_empty() {
            self.event_loop.queue_readable(id);
        } else if !entry.cold().reading.asked {
            self.event_loop.socket_tick(id, SocketTick::ReadNothing);
        }
    }

    /// Whether the socket is paused: Node's `isPaused()`.
    pub fn is_paused(&self) -> bool {
        self.event_loop.entry_ref(self.id).is_some_and(|entry| {
            entry.flow == Flow::Paused
                || entry
                    .cold
                    .as_ref()
                    .is_some_and(|cold| cold.reading.is_paused)
        })
    }

    /// Whether the data flows: Node's `readableFlowing`. `None`, Node's `null`, until data is asked for.
    pub fn readable_flowing(&self) -> Option<bool> {
        match self.event_loop.entry_ref(self.id)?.flow {
            Flow::Unasked => None,
            Flow::Paused => Some(false),
            Flow::Flowing => Some(true),
        }
    }

    /// Takes waiting bytes: Node's `read([size])`, but without emitting `data` for them. Without a `size` it
    /// takes one chunk as it was received (with an encoding, all of the text); with a `size` exactly that
    /// many bytes, or what is left after the end. `None` if there are not enough yet. A `size` of 0 takes
    /// nothing, but asks for more, or has `readable` emitted again if the high-water mark is reached.
    ///
    /// A `size` above the high-water mark raises the mark to the next power of two, at most to 1 GiB, so
    /// that enough bytes can wait. After [`set_encoding`](Socket::set_encoding), `size` counts units of
    /// UTF-16, as JavaScript does; a character of two units is not split.
    pub fn read(&mut self, size: Option<usize>) -> Option<Vec<u8>> {
        self.event_loop.read(self.id, size)
    }

    /// Puts bytes back before those that wait: Node's `unshift()`. They come again as `data`, from a tick,
    /// or with the next `readable`. If the socket was not read from yet, reading starts, up to the
    /// high-water mark. After `end` the socket is destroyed with `ERR_STREAM_UNSHIFT_AFTER_END_EVENT`.
    pub fn unshift(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let (id, bytes) = (self.id, bytes.as_ref());
        let Some(entry) = self.event_loop.entry(id) else {
            return self;
        };
        let state = entry.connection.state;
        if bytes.is_empty() || state.is_destroyed() || state.is_broken() {
            return self;
        }
        if state.is_end_emitted() {
            return self.destroy_with(words::unshift_after_end());
        }
        let is_flowing = entry.flow == Flow::Flowing;
        let cold = entry.cold();
        cold.inbox.unshift(bytes.to_vec());
        if is_flowing {
            self.event_loop.socket_tick(id, SocketTick::Unshifted);
        } else if cold.reading.wants_readable {
            self.event_loop.queue_readable(id);
        }
        self.event_loop.ask_from_a_tick(id);
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
    pub fn set_encoding(&mut self, encoding: Encoding) -> &mut Self {
        let Some(entry) = self.event_loop.entry(self.id) else {
            return self;
        };
        let has_ended = entry.has_peer_ended();
        let mut decoder = Decoder::new(encoding);
        let cold = entry.cold();
        let mut text = cold.inbox.become_text(|bytes| decoder.write(bytes));
        if has_ended {
            text.append(&mut decoder.end());
        }
        if !text.is_empty() {
            cold.inbox.push(text);
        }
        cold.decoder = Some(decoder);
        self
    }

    /// The number of received bytes that wait to be read: Node's `readableLength`. After
    /// [`set_encoding`](Socket::set_encoding) it counts units of UTF-16, as JavaScript does.
    pub fn readable_length(&self) -> usize {
        let cold = self
            .event_loop
            .entry_ref(self.id)
            .and_then(|entry| entry.cold.as_ref());
        cold.map_or(0, |cold| cold.inbox.len())
    }
}
