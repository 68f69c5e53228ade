//! The client of the pair: it connects, says something at each tick, and prints what comes.
//!
//! Its life is the machine of [`netloop::state::client`]; this file feeds it and does what it
//! says.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use netloop::state::client::{Action, Input, State, step};
use netloop::{ConnectOptions, Encoding, Error, EventLoop, Loop, Socket, SocketId, TimerId};

use super::{output, stopping, trace};

/// How long a client that was asked to end waits for the server's goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: Option<PathBuf>,
    pub(crate) message: String,
    pub(crate) interval: Duration,
    pub(crate) count: Option<u64>,
    pub(crate) is_traced: bool,
}

/// The program: where it stands, and what it needs to do what it is told.
pub(crate) struct Client {
    settings: Settings,
    pub(crate) socket: SocketId,
    state: Cell<State>,
    said: Cell<u64>,
    timer: RefCell<Option<TimerId>>,
    code: Rc<Cell<ExitCode>>,
}

pub(crate) fn run(settings: Settings) -> ExitCode {
    let code = Rc::new(Cell::new(ExitCode::SUCCESS));
    let outcome = EventLoop::new().and_then(|mut event_loop| {
        if settings.is_traced {
            event_loop.on_trace(trace::to_stderr());
        }
        let client = start(&mut event_loop, settings, Rc::clone(&code));
        stopping::on_request(&mut event_loop, move |event_loop, status| {
            if client.state.get() != State::Talking {
                // There is nobody to say goodbye to, or it has been said.
                std::process::exit(status);
            }
            client.leave(&mut event_loop.socket_at(client.socket));
        })?;
        event_loop.run()
    });
    match outcome {
        Ok(()) => code.get(),
        Err(error) => {
            output::complaint(&format!("netloop client: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Starts the client on a loop.
pub(crate) fn start(
    event_loop: &mut Loop,
    settings: Settings,
    code: Rc<Cell<ExitCode>>,
) -> Rc<Client> {
    let mut socket = event_loop.socket();
    let client = Rc::new(Client {
        settings,
        socket: socket.id(),
        state: Cell::new(State::Idle),
        said: Cell::new(0),
        timer: RefCell::new(None),
        code,
    });
    client.listen(&mut socket);
    client.feed(&mut socket, Input::Started);
    client
}

impl Client {
    fn listen(self: &Rc<Self>, socket: &mut Socket<'_>) {
        let told = |input| {
            let client = Rc::clone(self);
            move |socket: &mut Socket<'_>| client.feed(socket, input)
        };
        let client = Rc::clone(self);
        let (ended, closed) = (told(Input::PeerEnded), told(Input::Closed));
        socket
            .set_encoding(Encoding::Utf8)
            .on_ready(told(Input::Connected))
            .on_data(|_, text| {
                output::line(&String::from_utf8_lossy(text));
            })
            .on_end(move |socket| {
                output::line("Client disconnected");
                ended(socket);
            })
            .on_error(move |_, error| client.failed(error))
            .on_close(move |socket, _| closed(socket));
    }

    /// Tells the machine what happened, and does what it says.
    fn feed(self: &Rc<Self>, socket: &mut Socket<'_>, input: Input) {
        let from = self.state.get();
        let (to, actions) = step(from, input);
        self.state.set(to);
        log::debug!("client: {from} --{input:?}--> {to}");
        for action in actions {
            self.perform(socket, *action);
        }
    }

    fn perform(self: &Rc<Self>, socket: &mut Socket<'_>, action: Action) {
        match action {
            Action::Connect => self.connect(socket),
            Action::StartTicking => self.start_ticking(socket),
            Action::StopTicking => {
                if let Some(timer) = self.timer.borrow_mut().take() {
                    socket.event_loop().clear_interval(timer);
                }
            }
            Action::Say => self.say(socket),
            Action::End => {
                socket.end();
            }
        }
    }

    fn connect(&self, socket: &mut Socket<'_>) {
        let place: ConnectOptions = match &self.settings.path {
            Some(path) => path.into(),
            None => (self.settings.host.clone(), self.settings.port).into(),
        };
        if let Err(error) = socket.connect(place, |_| output::line("Client connected")) {
            self.failed(&error);
        }
    }

    fn failed(&self, error: &Error) {
        output::line(&error.to_string());
        log::error!("{error}");
        self.code.set(ExitCode::FAILURE);
    }

    fn start_ticking(self: &Rc<Self>, socket: &mut Socket<'_>) {
        if self.settings.count == Some(0) {
            return self.feed(socket, Input::CountReached);
        }
        let (client, id) = (Rc::clone(self), socket.id());
        // The loop's, not the socket's, which would end with it: the machine alone ends it.
        let interval = self.settings.interval;
        let timer = socket
            .event_loop()
            .set_interval(interval, move |event_loop| {
                client.feed(&mut event_loop.socket_at(id), Input::Ticked);
            });
        self.timer.replace(Some(timer));
    }

    fn say(self: &Rc<Self>, socket: &mut Socket<'_>) {
        if !output::is_read() {
            // As of `netloop client | head`: without end, the pipeline would have none either.
            return self.leave(socket);
        }
        socket.write(&self.settings.message);
        self.said.set(self.said.get() + 1);
        if self.settings.count == Some(self.said.get()) {
            self.feed(socket, Input::CountReached);
        }
    }

    /// Says no more, and waits for the server's end, but not for ever.
    fn leave(self: &Rc<Self>, socket: &mut Socket<'_>) {
        self.feed(socket, Input::CountReached);
        let code = Rc::clone(&self.code);
        let id = self.socket;
        let timer = socket.event_loop().set_timeout(GOODBYE, move |event_loop| {
            log::warn!("no goodbye from the server, cut");
            code.set(ExitCode::FAILURE);
            event_loop.socket_at(id).destroy();
        });
        socket.event_loop().unref_timer(timer);
    }
}
