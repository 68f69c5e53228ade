//! The client of the pair: it connects, sends a message at each tick, and prints what comes.
//!
//! Its life is the machine of [`netloop::state::client`]; this file feeds it and does what it
//! says.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use netloop::state::client::{Action, Input, State, step};
use netloop::{ConnectOptions, Encoding, Error, EventLoop, Loop, Socket, SocketId, TimerId};

use super::{fail, output, status, stopping, trace};

pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: Option<PathBuf>,
    pub(crate) message: String,
    pub(crate) interval: Duration,
    pub(crate) count: Option<u64>,
    pub(crate) connect_timeout: Duration,
    /// How long a client that has said all waits for the server's end.
    pub(crate) goodbye_timeout: Duration,
    pub(crate) told: trace::Told,
}

/// The program's state, kept with its socket.
struct Client {
    settings: Settings,
    state: State,
    said: u64,
    timer: Option<TimerId>,
    /// What it waits for, the connection or the server's end, is to come before this.
    deadline: Option<TimerId>,
}

pub(crate) fn run(settings: Settings) -> ExitCode {
    match talk(settings) {
        Ok(code) => code,
        Err(error) => {
            output::complaint(&format!("netloop client: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn talk(settings: Settings) -> Result<ExitCode, Error> {
    output::is_live();
    let mut event_loop = EventLoop::new()?;
    settings.told.follow(&mut event_loop)?;
    let client = start(&mut event_loop, settings);
    stopping::on_request(&mut event_loop, move |event_loop, status| {
        let mut socket = event_loop.socket_at(client);
        let is_talking = |client: &Client| client.state == State::Talking;
        if !socket.data().is_some_and(is_talking) {
            // There is no server to say goodbye to, or that is done.
            output::finish();
            std::process::exit(status);
        }
        socket.lend(Client::leave);
    })?;
    event_loop.run()?;
    Ok(status(&event_loop))
}

/// Starts the client on a loop.
pub(crate) fn start(event_loop: &mut Loop, settings: Settings) -> SocketId {
    let mut socket = event_loop.socket();
    socket
        .set_data(Client {
            settings,
            state: State::Idle,
            said: 0,
            timer: None,
            deadline: None,
        })
        .set_encoding(Encoding::Utf8)
        .on_ready(|socket| {
            if !socket.is_destroyed() {
                told(socket, Input::Connected);
            }
        })
        .on_data(|_, text| output::line(&String::from_utf8_lossy(text)))
        .on_end(|socket| {
            output::line("Client disconnected");
            told(socket, Input::PeerEnded);
        })
        .on_error(|socket, error| failed(socket.event_loop(), error))
        .on_close(|socket, _| told(socket, Input::Closed));
    told(&mut socket, Input::Started);
    socket.id()
}

/// Something has happened.
fn told(socket: &mut Socket<'_>, input: Input) {
    socket.lend(|client: &mut Client, socket| client.feed(socket, input));
}

fn failed(event_loop: &mut Loop, error: &Error) {
    log::error!("{error}");
    fail(event_loop);
}

impl Client {
    /// Tells the machine what happened, and does what it says.
    fn feed(&mut self, socket: &mut Socket<'_>, input: Input) {
        let from = self.state;
        let (to, actions) = step(from, input);
        self.state = to;
        log::debug!("client: {from} --{input:?}--> {to}");
        for action in actions {
            self.perform(socket, *action);
        }
        if from != to {
            self.arrive(socket, from, to);
        }
    }

    /// What it waits for in this state has its time.
    fn arrive(&mut self, socket: &mut Socket<'_>, from: State, to: State) {
        if let Some(timer) = self.deadline.take() {
            socket.event_loop().clear_timeout(timer);
        }
        let (limit, words) = match to {
            State::Connecting => (self.settings.connect_timeout, "connect: no answer"),
            State::Leaving => (
                self.settings.goodbye_timeout,
                "the server did not end the connection",
            ),
            State::Stopped if from != State::Connecting => return self.settle(socket),
            _ => return,
        };
        if !limit.is_zero() {
            let timer = socket.after(limit, move |socket| {
                socket.destroy_with(Error::new(format!("{words} within {limit:?}, cut")));
            });
            self.deadline = Some(timer);
        }
    }

    /// Whether all was said that was to be said.
    fn settle(&self, socket: &mut Socket<'_>) {
        if let Some(count) = self.settings.count.filter(|count| self.said < *count) {
            log::error!(
                "sent {} of {count} messages, then the connection ended",
                self.said
            );
            fail(socket.event_loop());
        }
    }

    fn perform(&mut self, socket: &mut Socket<'_>, action: Action) {
        match action {
            Action::Connect => self.connect(socket),
            Action::StartTicking => self.start_ticking(socket),
            Action::StopTicking => {
                if let Some(timer) = self.timer.take() {
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
        let connected = socket.connect(place, |socket| {
            let peer = socket.peer();
            if let Some(peer) = peer.filter(|peer| socket.address() == Some(*peer)) {
                // There is no listener, but the kernel has chosen that very port as our own.
                let words = format!("connect ECONNREFUSED {peer}: connected to itself");
                socket.destroy_with(Error::new(words));
            } else {
                output::line("Client connected");
            }
        });
        if let Err(error) = connected.map(|_| ()) {
            failed(socket.event_loop(), &error);
        }
    }

    fn start_ticking(&mut self, socket: &mut Socket<'_>) {
        if self.settings.count == Some(0) {
            return self.feed(socket, Input::CountReached);
        }
        let id = socket.id();
        // A timer of the loop: one of the socket would end with it, and only the machine ends this.
        let ticked =
            move |event_loop: &mut Loop| told(&mut event_loop.socket_at(id), Input::Ticked);
        let interval = self.settings.interval;
        self.timer = Some(socket.event_loop().set_interval(interval, ticked));
    }

    fn say(&mut self, socket: &mut Socket<'_>) {
        if !output::is_read() {
            // The reader has gone, as in `netloop client | head`: the pipeline ends only if we do.
            return self.leave(socket);
        }
        socket.write(&self.settings.message);
        self.said += 1;
        if self.settings.count == Some(self.said) {
            self.feed(socket, Input::CountReached);
        }
    }

    /// Sends no more: what was sent was all.
    fn leave(&mut self, socket: &mut Socket<'_>) {
        self.settings.count = Some(self.said);
        self.feed(socket, Input::CountReached);
    }
}
