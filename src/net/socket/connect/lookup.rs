//! The lookup of the name that is connected to, and its answer.

use std::net::{IpAddr, SocketAddr};

use super::super::LookupAnswer;
use super::super::events::LOOKUP;
use super::Target;
use super::attempts::alternate;
use crate::net::SocketId;
use crate::net::error::Error;
use crate::net::event_loop::Loop;
use crate::net::lookups::{Asker, LookupFunction};
use crate::net::queues::SocketTick;
use crate::net::trace::Subject;

/// What a lookup found: the arguments `err`, `address`, `family` and `host` of Node's `'lookup'`,
/// whose `family` the address tells.
///
/// ```
/// use netloop::{EventLoop, Lookup};
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.set_lookup(|event_loop, request| {
///     event_loop.answer_lookup(request.id, Ok(vec!["127.0.0.1".parse().unwrap()]));
/// });
/// event_loop.connect_to(("printer.example", 9100))?.on_lookup(|socket, lookup: &Lookup| {
///     assert_eq!(lookup.host, "printer.example");
///     assert!(lookup.address.unwrap().is_loopback() && lookup.error.is_none());
///     socket.destroy();
/// });
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// The name that was looked up.
    pub host: String,
    /// One of its addresses; none with an error.
    pub address: Option<IpAddr>,
    /// Why there is none, such as `ENOTFOUND`; the socket's `error` is the same.
    pub error: Option<Error>,
}

impl Loop {
    pub(in crate::net::socket) fn ask_lookup(&mut self, id: SocketId) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        let Target::Name(host) = &connecting.target else {
            return;
        };
        let host = host.clone();
        let (family, hints) = (connecting.family, connecting.hints);
        let (all, own) = (connecting.tries_all, connecting.lookup.take());
        let own = own.map(|own| -> Box<LookupFunction> {
            Box::new(move |event_loop, request| own.get()(event_loop, request))
        });
        let question = (&*host, family, hints, all);
        let asked = self.ask_name(Asker::Socket(id), question, own, |event_loop, ticket| {
            if let Some(connecting) = event_loop.connecting(id) {
                connecting.ticket = Some(ticket);
            }
        });
        if let Err(error) = asked {
            self.socket_name_answered(id, &host, Err(error));
        }
    }

    /// The answer to a socket's lookup.
    pub(in crate::net) fn socket_name_answered(
        &mut self,
        id: SocketId,
        host: &str,
        answer: LookupAnswer,
    ) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        connecting.ticket = None;
        let tries_all = connecting.tries_all;
        let found = match answer {
            Ok(found) if found.is_empty() => Err(Error::not_found(host)),
            other => other,
        };
        match found {
            Ok(mut found) => {
                if !tries_all {
                    found.truncate(1);
                }
                self.name_found(id, host, &found);
            }
            Err(error) => {
                self.emit_lookup(id, host, None, Some(error.clone()));
                self.socket_tick(id, SocketTick::Destroy(Some(error)));
            }
        }
    }

    fn name_found(&mut self, id: SocketId, host: &str, found: &[SocketAddr]) {
        for address in found {
            self.emit_lookup(id, host, Some(address.ip()), None);
            if self.connecting(id).is_none() {
                return;
            }
        }
        self.touch(id);
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        connecting.addresses = alternate(found);
        for address in &mut connecting.addresses {
            address.set_port(connecting.port);
        }
        let attempted = connecting.is_multiple().then(Vec::new);
        if let Some(entry) = self.entry(id) {
            entry.cold().attempted = attempted;
        }
        self.attempt(id);
    }

    fn emit_lookup(
        &mut self,
        id: SocketId,
        host: &str,
        address: Option<IpAddr>,
        error: Option<Error>,
    ) {
        let host = host.to_owned();
        let lookup = Lookup {
            host,
            address,
            error: error.map(|error| error.of(Subject::Socket(id))),
        };
        self.emit_socket(id, LOOKUP, |listener, socket| listener(socket, &lookup));
    }
}
