//! The driver of a server's state machine: it feeds inputs and performs actions.

use std::time::Duration;

use super::events::{CLOSE, ERROR, LISTENING};
use super::{Server, ServerEntry};
use crate::net::ServerId;
use crate::net::error::{Error, words};
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::firing::TimerTask;
use crate::net::event_loop::queues::FollowUp;
use crate::net::holder::Holder;
use crate::net::queues::ServerTick;
use crate::net::trace::{Subject, What, Why};
use crate::rules::state::server::{Action, Input, step};

const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// How long handshakes in progress may take once the backlog is empty: longer than a round trip around the
/// world, and shorter than the second after which a client without an answer tries again.
const HANDSHAKES: Duration = Duration::from_millis(250);

impl ServerEntry {
    /// Feeds the machine, and performs its actions. No action of a server emits.
    pub(super) fn feed(&mut self, input: Input, errands: &mut Errands<'_, ServerId>) {
        let from = self.state;
        let (to, actions) = step(from, input);
        if from == to && actions.is_empty() {
            return;
        }
        self.state = to;
        let (from, input, to) = (&from, &input, &to);
        let what = What::Transition { from, input, to };
        let trace = &mut errands.agenda.trace;
        let former = trace.enter(Subject::Server(errands.id), what);
        self.update_hold(errands);
        for &action in actions {
            self.perform(action, errands);
        }
        errands.agenda.trace.leave(former);
    }

    fn perform(&mut self, action: Action, errands: &mut Errands<'_, ServerId>) {
        match action {
            Action::QueueListening => errands.tick(ServerTick::Listening),
            Action::QueueClose => errands.tick(ServerTick::Close),
            Action::StartBackOff => self.start_back_off(errands),
            Action::EndBackOff => self.end_back_off(errands),
            Action::AcceptAgain => self.accept_again(Why::MayWait, errands),
            Action::RefuseNew => self.refuse_new(),
            Action::AwaitHandshakes => self.await_handshakes(errands),
            Action::EndAwait => self.end_timer(errands),
            Action::Release => self.release(errands),
        }
    }

    fn update_hold(&mut self, errands: &mut Errands<'_, ServerId>) {
        let (subject, must_hold) = (Subject::Server(errands.id), self.must_hold());
        (errands.agenda).count_hold(subject, &mut self.holds, must_hold);
    }

    fn must_hold(&self) -> bool {
        self.is_held && self.state.is_listening()
    }

    /// Whether it holds the loop until a timer fires.
    pub(in crate::net) fn waits_for_time(&self) -> bool {
        self.holds && self.state.waits_for_time()
    }

    /// How the server holds the loop, if it does.
    pub(in crate::net) fn holder(&self, id: ServerId) -> Option<Holder> {
        let listener = self.listener.as_ref();
        let address = listener.and_then(|listener| listener.local_address());
        self.must_hold().then(|| Holder::Listening {
            server: id,
            address,
            path: self.path.clone().filter(|_| address.is_none()),
        })
    }

    /// Closes the listener.
    fn release(&mut self, errands: &mut Errands<'_, ServerId>) {
        let Some(mut listener) = self.listener.take() else {
            return;
        };
        if listener.may_have_duplicate() {
            errands.registry.deregister(&mut listener);
        }
        let subject = Subject::Server(errands.id);
        errands.agenda.trace.system(subject, "close", Ok(None));
        errands.leave(FollowUp::EndBackOffs);
    }

    /// Makes the kernel refuse new connections. If that fails, it goes on taking them, and they are
    /// accepted as well.
    fn refuse_new(&self) {
        if let Some(listener) = &self.listener
            && let Err(error) = listener.refuse_new()
        {
            log::debug!(target: "netloop::server", "the listener takes on more: {error}");
        }
    }

    fn start_back_off(&mut self, errands: &mut Errands<'_, ServerId>) {
        let back_off = self.back_off;
        self.back_off = (back_off * 2).min(BACK_OFF_MAX);
        let task = TimerTask::BackOff(errands.id);
        self.timer = Some(errands.agenda.arm(back_off.as_millis() as u32, task));
        errands.agenda.backing_off.push(errands.id);
    }

    fn end_back_off(&mut self, errands: &mut Errands<'_, ServerId>) {
        let id = errands.id;
        errands.agenda.backing_off.retain(|other| *other != id);
        self.end_timer(errands);
    }

    fn await_handshakes(&mut self, errands: &mut Errands<'_, ServerId>) {
        let task = TimerTask::Handshakes(errands.id);
        self.timer = Some(errands.agenda.arm(HANDSHAKES.as_millis() as u32, task));
    }

    fn end_timer(&mut self, errands: &mut Errands<'_, ServerId>) {
        if let Some(timer) = self.timer.take() {
            errands.agenda.cancel(timer);
        }
    }

    /// The back-off is over.
    pub(in crate::net) fn try_again(&mut self, errands: &mut Errands<'_, ServerId>) {
        self.feed(Input::RetryDue, errands);
    }

    fn forget_aborts(&mut self, errands: &mut Errands<'_, ServerId>) {
        for signal in std::mem::take(&mut self.aborts) {
            let target = Subject::Server(errands.id);
            errands.aborts.forget(errands.home, signal, target);
        }
    }

    /// A socket of this server was destroyed.
    pub(in crate::net) fn leave(&mut self, errands: &mut Errands<'_, ServerId>) {
        self.connections -= 1;
        self.feed_emptied(errands);
    }

    fn feed_emptied(&mut self, errands: &mut Errands<'_, ServerId>) {
        if self.connections == 0 {
            self.feed(Input::Emptied, errands);
        }
    }

    fn close(&mut self, errands: &mut Errands<'_, ServerId>) {
        self.forget_listen(errands);
        self.feed(Input::CloseCalled, errands);
        self.feed_emptied(errands);
    }

    fn close_after_backlog(&mut self, errands: &mut Errands<'_, ServerId>) {
        match &self.listener {
            // The socket is shared: the others accept what waits.
            Some(listener) if !listener.may_have_duplicate() => {
                self.feed(Input::LastCalled, errands);
            }
            _ => self.close(errands),
        }
    }

    /// Feeds an input that may close the listener.
    pub(super) fn feed_end(&mut self, input: Input, errands: &mut Errands<'_, ServerId>) {
        self.feed(input, errands);
        self.feed_emptied(errands);
    }

    /// The time for handshakes is over.
    pub(in crate::net) fn handshakes_due(&mut self, errands: &mut Errands<'_, ServerId>) {
        self.feed(Input::HandshakesDue, errands);
    }
}

impl Served<'_, ServerId> {
    pub(super) fn emit_server_error(&mut self, error: Error) -> Result<(), Error> {
        let error = error.of(Subject::Server(self.id));
        let was_heard = self.emit(ERROR, |listener, server| listener(server, &error));
        if was_heard {
            Ok(())
        } else {
            Err(error.unheard())
        }
    }

    /// Runs a tick of the library's own.
    pub(in crate::net) fn run_server_tick(&mut self, tick: ServerTick) -> Result<(), Error> {
        match tick {
            ServerTick::Listening => {
                if self
                    .entry_ref()
                    .is_some_and(|server| server.state.is_listening())
                {
                    self.emit(LISTENING, |listener, server| listener(server));
                }
            }
            ServerTick::Error(error) => return self.emit_server_error(error),
            ServerTick::Close => {
                self.with(ServerEntry::forget_aborts);
                self.emit(CLOSE, |listener, server| listener(server));
            }
            ServerTick::Bind(listen) => {
                self.with(|server, errands| server.bind_wanted(listen, errands));
            }
            ServerTick::LookUp(listen) => return self.look_up_wanted(listen),
            ServerTick::Abort => {
                self.with(ServerEntry::close);
            }
            ServerTick::Connections(callback) => {
                let what = What::Callback("get_connections");
                let former = (self.event_loop.agenda.trace).enter(Subject::Server(self.id), what);
                callback(&mut self.event_loop.server_at(self.id));
                self.event_loop.agenda.trace.leave(former);
            }
        }
        Ok(())
    }
}

impl Server<'_> {
    /// Stops listening at once: Node's `server.close()`. The file of a path is removed. Connections that
    /// wait to be accepted are reset; open ones go on. `close` is emitted, from a tick, once the last of
    /// them is destroyed, and also if the server was not listening. The server may listen again.
    #[track_caller]
    pub fn close(&mut self) -> &mut Self {
        self.calls("close", ServerEntry::close);
        self
    }

    /// As [`close`](Server::close), but without resetting connections that wait to be accepted. Those
    /// whose handshake the kernel has completed are accepted first,
    /// [`accepts_per_turn`](crate::ServerOptions::accepts_per_turn) in each turn and each with its
    /// `connection`, and over TCP also those whose handshake is under way and ends within 250 ms. After
    /// that time, and not before the backlog is found empty once more, the listener closes: a loop that
    /// was held up serves what has come meanwhile. The kernel begins no new connection meanwhile, and
    /// refuses attempts as soon as the listener has closed. Until then the [`state`](Server::state) is
    /// `Closing`, `AwaitingHandshakes` when the backlog is empty, and `Finishing` when the time is over.
    /// Node has nothing like it.
    ///
    /// If the descriptor is shared ([`ListenOptions::fd`](crate::ListenOptions::fd),
    /// [`duplicate_fd`](Server::duplicate_fd)), the server closes at once, and leaves waiting connections
    /// to the others. If descriptors or memory run out, the connections that still wait are reset. While
    /// time is [held](crate::Loop::pause_time), the 250 ms pass by [`advance`](crate::Loop::advance) and
    /// [`run_for`](crate::EventLoop::run_for).
    ///
    /// ```
    /// use std::net::TcpStream;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let mut server = event_loop.create_server(|socket| {
    ///     socket.end_with("welcome, and goodbye").destroy_soon();
    /// });
    /// let port = server.listen_on(())?.port().unwrap();
    /// let mut late = TcpStream::connect(("127.0.0.1", port))?; // not accepted yet
    /// server.close_after_backlog();
    /// event_loop.run()?;
    /// assert_eq!(std::io::read_to_string(&mut late)?, "welcome, and goodbye");
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn close_after_backlog(&mut self) -> &mut Self {
        self.calls("close_after_backlog", ServerEntry::close_after_backlog);
        self
    }

    /// As [`close`](Server::close), with a listener for the next `close`: Node's
    /// `server.close(callback)`. It gets `ERR_SERVER_NOT_RUNNING` if the server was not listening.
    #[track_caller]
    pub fn close_then(
        &mut self,
        callback: impl FnOnce(&mut Server<'_>, Result<(), Error>) + 'static,
    ) -> &mut Self {
        let result = if self.is_listening() {
            Ok(())
        } else {
            Err(words::not_running().of(Subject::Server(self.id)))
        };
        self.once_close(move |server| callback(server, result));
        self.calls("close_then", ServerEntry::close);
        self
    }

    /// Lets the server hold the loop again: Node's `server.ref()`. This is the default, and applies while
    /// it listens.
    #[track_caller]
    pub fn ref_(&mut self) -> &mut Self {
        self.hold("ref_", true)
    }

    /// Lets the loop end although this server listens: Node's `server.unref()`. It may be called before
    /// `listen`. The server's connections still hold the loop.
    #[track_caller]
    pub fn unref(&mut self) -> &mut Self {
        self.hold("unref", false)
    }

    #[track_caller]
    fn hold(&mut self, name: &'static str, is_held: bool) -> &mut Self {
        self.calls(name, |server, errands| {
            server.is_held = is_held;
            server.update_hold(errands);
        });
        self
    }
}
