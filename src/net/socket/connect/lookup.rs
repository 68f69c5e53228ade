//! The lookup of the host name, and its answer.

use std::net::{IpAddr, SocketAddr};

use super::attempts::alternate;
use crate::net::error::Error;
use crate::net::event_loop::Served;
use crate::net::lookups::{Asker, LookupFunction};
use crate::net::queues::SocketTick;
use crate::net::socket::connecting::{Lookup, Target};
use crate::net::socket::events::LOOKUP;
use crate::net::socket::{LookupAnswer, SocketEntry};
use crate::net::trace::Subject;

impl Served<'_> {
    pub(in crate::net::socket) fn ask_lookup(&mut self) {
        let Some(connecting) = self.entry().and_then(SocketEntry::connecting) else {
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
        let (id, asker) = (self.id, Asker::Socket(self.id));
        let asked = self
            .event_loop
            .ask_name(asker, question, own, |event_loop, ticket| {
                let connecting = event_loop.entry(id).and_then(SocketEntry::connecting);
                if let Some(connecting) = connecting {
                    connecting.ticket = Some(ticket);
                }
            });
        if let Err(error) = asked {
            self.socket_name_answered(&host, Err(error));
        }
    }

    /// Takes the answer to a socket's lookup.
    pub(in crate::net) fn socket_name_answered(&mut self, host: &str, answer: LookupAnswer) {
        let Some(connecting) = self.entry().and_then(SocketEntry::connecting) else {
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
                self.name_found(host, &found);
            }
            Err(error) => {
                self.emit_lookup(host, None, Some(error.clone()));
                let destroy = SocketTick::Destroy(Some(error));
                self.with(|_, errands| errands.tick(destroy));
            }
        }
    }

    fn name_found(&mut self, host: &str, found: &[SocketAddr]) {
        for address in found {
            self.emit_lookup(host, Some(address.ip()), None);
            if self.entry().and_then(SocketEntry::connecting).is_none() {
                return;
            }
        }
        self.with(SocketEntry::touch);
        let Some(connecting) = self.entry().and_then(SocketEntry::connecting) else {
            return;
        };
        connecting.addresses = alternate(found);
        for address in &mut connecting.addresses {
            address.set_port(connecting.port);
        }
        let attempted = connecting.is_multiple().then(Vec::new);
        if let Some(entry) = self.entry() {
            entry.cold().attempted = attempted;
        }
        self.attempt();
    }

    fn emit_lookup(&mut self, host: &str, address: Option<IpAddr>, error: Option<Error>) {
        let host = host.to_owned();
        let lookup = Lookup {
            host,
            address,
            error: error.map(|error| error.of(Subject::Socket(self.id))),
        };
        self.emit(LOOKUP, |listener, socket| listener(socket, &lookup));
    }
}
