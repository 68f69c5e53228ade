//! The lookup of the name that is connected to, and its answer.

use std::net::{IpAddr, SocketAddr};

use super::attempts::alternate;
use crate::net::SocketId;
use crate::net::error::Error;
use crate::net::event_loop::Loop;
use crate::net::lookups::{Asker, LookupFunction};
use crate::net::queues::SocketTick;
use crate::net::socket::connecting::{Lookup, Target};
use crate::net::socket::events::LOOKUP;
use crate::net::socket::{LookupAnswer, SocketEntry};
use crate::net::trace::Subject;

impl Loop {
    pub(in crate::net::socket) fn ask_lookup(&mut self, id: SocketId) {
        let Some(connecting) = self.entry(id).and_then(SocketEntry::connecting) else {
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
            let connecting = event_loop.entry(id).and_then(SocketEntry::connecting);
            if let Some(connecting) = connecting {
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
        let Some(connecting) = self.entry(id).and_then(SocketEntry::connecting) else {
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
                let destroy = SocketTick::Destroy(Some(error));
                self.with_socket(id, |_, errands| errands.tick(destroy));
            }
        }
    }

    fn name_found(&mut self, id: SocketId, host: &str, found: &[SocketAddr]) {
        for address in found {
            self.emit_lookup(id, host, Some(address.ip()), None);
            if self.entry(id).and_then(SocketEntry::connecting).is_none() {
                return;
            }
        }
        self.with_socket(id, SocketEntry::touch);
        let Some(connecting) = self.entry(id).and_then(SocketEntry::connecting) else {
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
