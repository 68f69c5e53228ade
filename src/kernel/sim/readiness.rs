//! Readiness as epoll reports it, edge-triggered: once for each change, with the flags at the time of the wait.

use std::io;

use libc::{EINTR, EPOLLIN};
use mio::Token;

use super::event::Event;
use super::faults::Fault;
use super::network::Network;
use super::socket::{Key, Socket, State, failed};

/// Whether an event is the first for its socket.
fn is_first_of_socket(event: &Event, reported: &[Event]) -> bool {
    reported.iter().all(|other| other.token != event.token)
}

impl Network {
    /// Whether a wait would report something.
    pub(crate) fn is_ready(&self, host: usize) -> bool {
        self.hosts[host].is_ready()
    }

    /// epoll_wait(2) without waiting.
    ///
    /// # Errors
    /// `EINTR` if the program was stopped meanwhile, or if nothing is ready and a fault is injected.
    pub(super) fn ready(&mut self, host: usize, capacity: usize) -> io::Result<Vec<Event>> {
        if std::mem::take(&mut self.hosts[host].was_stopped) {
            return Err(failed(EINTR));
        }
        let mut events = self.hosts[host].own_events();
        let mut left = self.hosts[host].ready.len();
        if self.settings.is_perturbed && self.dice.one_in(8) {
            // The next wait reports the rest.
            left = self.dice.below(left + 1);
        }
        for _ in 0..left.min(capacity.saturating_sub(events.len())) {
            let Some(key) = self.hosts[host].ready.pop_front() else {
                break;
            };
            if let Some(socket) = self.sockets.get_mut(&key) {
                socket.is_listed = false;
            }
            events.extend(self.event_of(key));
        }
        if self.settings.is_perturbed && self.dice.one_in(16) && events.len() < capacity {
            events.extend(self.redundant(host, &events));
        }
        if events.len() < capacity && self.is_injected(host, Fault::Wait) {
            events.extend(self.spurious(host, &events));
        }
        self.interrupt(host, events.is_empty())?;
        Ok(events)
    }

    fn event_of(&mut self, key: Key) -> Option<Event> {
        let socket = self.sockets.get_mut(&key)?;
        let event = Event {
            token: socket.token?,
            flags: socket.flags(),
        };
        (event.flags != 0).then_some(event)
    }

    /// An event of a socket on which nothing has changed.
    fn redundant(&mut self, host: usize, reported: &[Event]) -> Option<Event> {
        let key = self.any_registered(host)?;
        self.event_of(key)
            .filter(|event| is_first_of_socket(event, reported))
    }

    /// Spurious readiness: a socket is reported as readable and has nothing to read (select(2), BUGS). Linux
    /// reports neither a full socket as writable, nor a connecting one before its outcome.
    fn spurious(&mut self, host: usize, reported: &[Event]) -> Option<Event> {
        let key = self.any_registered(host)?;
        let socket = self.sockets.get(&key)?;
        let event = Event {
            token: socket.token?,
            flags: EPOLLIN,
        };
        let can_be = matches!(socket.state, State::Listening(_) | State::Connected);
        (can_be && is_first_of_socket(&event, reported)).then_some(event)
    }

    fn any_registered(&mut self, host: usize) -> Option<Key> {
        let registered = |(key, socket): (&Key, &Socket)| {
            let is_here = socket.host == host && socket.token.is_some();
            is_here.then_some(*key)
        };
        let all: Vec<Key> = self.sockets.iter().filter_map(registered).collect();
        all.get(self.dice.below(all.len())).copied()
    }

    /// Puts a socket on the ready list: something has changed.
    pub(super) fn wake(&mut self, key: Key) {
        if let Some(socket) = self.sockets.get_mut(&key)
            && socket.token.is_some()
            && !std::mem::replace(&mut socket.is_listed, true)
        {
            self.hosts[socket.host].ready.push_back(key);
        }
    }

    /// A signal arrives at the program of a host.
    pub(crate) fn raise(&mut self, host: usize, signal: i32) {
        self.hosts[host].raise(signal);
    }

    pub(super) fn register(&mut self, key: Key, token: Token) -> io::Result<()> {
        self.inject_on(key, Fault::Register)?;
        if let Some(socket) = self.sockets.get_mut(&key) {
            socket.token = Some(token);
            if socket.flags() != 0 {
                self.wake(key);
            }
        }
        Ok(())
    }

    pub(super) fn deregister(&mut self, key: Key) {
        if let Some(socket) = self.sockets.get_mut(&key) {
            socket.token = None;
        }
    }

    pub(super) fn watch(&mut self, host: usize, signal: i32) {
        self.hosts[host].watch(signal);
    }

    pub(super) fn arrived(&mut self, host: usize) -> Vec<i32> {
        self.hosts[host].arrived()
    }
}

#[cfg(test)]
mod tests {
    use libc::EPOLLOUT;

    use super::super::faults::Faults;
    use super::super::socket::Domain;
    use super::*;
    use crate::kernel::listener::BindOptions;

    /// Runs all events.
    fn pass(network: &mut Network) {
        while let Some(next) = network.next_time() {
            network.move_to(next);
        }
    }

    #[test]
    fn a_socket_that_connects_or_is_full_is_never_reported_as_writable() {
        let mut network = Network::new(1, true);
        let (here, there) = (network.add_host("here"), network.add_host("there"));
        network.set_faults(here, Faults::none().with(Fault::Wait, 1.0));
        let address = (network.address(there), 8000).into();
        let listener = network.open(there, Domain::Ipv4).expect("a socket");
        let options = BindOptions {
            backlog: 10,
            ..BindOptions::default()
        };
        network.bind(listener, address, &options).expect("bound");
        let key = network.open(here, Domain::Ipv4).expect("a socket");
        _ = network.connect(key, address).expect("begun");
        network.register(key, Token(7)).expect("registered");
        for _ in 0..100 {
            let events = network.ready(here, 10).unwrap_or_default();
            assert!(events.is_empty(), "its outcome is not known: {events:?}");
        }

        network.listen(listener, &options, None).expect("listens");
        pass(&mut network);
        while network.transmit(key, &[0; 1_000_000]).is_ok() {
            pass(&mut network);
        }
        let mut seen = 0;
        for _ in 0..100 {
            let events = network.ready(here, 10).unwrap_or_default();
            seen |= events.iter().fold(0, |seen, event| seen | event.flags);
        }
        assert_eq!(seen & EPOLLOUT, 0, "it is full");
        assert_ne!(seen & EPOLLIN, 0, "it seems to be readable, and is not");
    }
}
