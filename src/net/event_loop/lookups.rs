//! Lookups of host names: by `getaddrinfo` on a helper thread, or by the program's own function.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::queues::Tick;
use super::trace::{Subject, What};
use super::{Entry, Loop};
use crate::kernel::Resolver;
use crate::kernel::reactor::Reactor;
use crate::kernel::resolver::Question;
use crate::net::error::Error;
use crate::net::holder::Holder;
use crate::net::socket::LookupAnswer;
use crate::net::{LookupId, ServerId, SocketId};

/// How many lookups of one loop may be unanswered at once.
const LOOKUPS_MAX: usize = 10_000;

/// The arguments of a lookup function: Node's `(hostname, options)` of the `lookup` option.
///
/// ```
/// # fn main() -> Result<(), netloop::Error> {
/// use netloop::EventLoop;
/// let mut event_loop = EventLoop::new()?;
/// event_loop.set_lookup(|event_loop, request| {
///     assert_eq!(request.host, "printer.example");
///     event_loop.answer_lookup(request.id, Ok(vec!["127.0.0.1".parse().unwrap()]));
/// });
/// event_loop.connect_to(("printer.example", 9100))?.on_lookup(|socket, lookup| {
///     assert!(lookup.address.unwrap().is_loopback());
///     socket.destroy(); // it has shown what it is to show
/// });
/// event_loop.run()
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LookupRequest {
    /// The id to answer with, by [`answer_lookup`](Loop::answer_lookup), in place of Node's callback.
    pub id: LookupId,
    /// The name to look up.
    pub host: String,
    /// Node's `options.family`: 4 or 6 if only that family is wanted, otherwise 0.
    pub family: u8,
    /// Node's `options.hints`, the `ai_flags` of getaddrinfo(3); `AI_ADDRCONFIG` (32) for a
    /// socket that takes both families, unless its options say otherwise.
    pub hints: i32,
    /// Node's `options.all`: whether all addresses are wanted, or only the first.
    pub all: bool,
}

/// The socket or server that a lookup is for.
#[derive(Clone, Copy, Debug)]
pub(in crate::net) enum Asker {
    Socket(SocketId),
    Server(ServerId),
}

/// A lookup that has not been answered.
#[derive(Debug)]
struct Asked {
    asker: Asker,
    host: String,
}

pub(in crate::net) type LookupFunction = dyn FnMut(&mut Loop, LookupRequest);

#[derive(Default)]
pub(in crate::net) struct Lookups {
    lookup: Option<Box<LookupFunction>>,
    resolver: Option<Resolver>,
    next: u64,
    /// The unanswered lookups, by their ticket.
    asked: HashMap<u64, Asked>,
}

impl Lookups {
    pub(in crate::net) fn are_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// The unanswered lookups, the oldest first.
    pub(super) fn holders(&self) -> Vec<Holder> {
        let mut asked: Vec<_> = self.asked.iter().collect();
        asked.sort_unstable_by_key(|(ticket, _)| **ticket);
        let holder = |(_, Asked { asker, host }): (&u64, &Asked)| Holder::Lookup {
            asker: match asker {
                Asker::Socket(id) => Subject::Socket(*id),
                Asker::Server(id) => Subject::Server(*id),
            },
            host: host.clone(),
        };
        asked.into_iter().map(holder).collect()
    }

    /// Whether a lookup is in progress on the helper threads.
    pub(in crate::net) fn are_being_resolved(&self) -> bool {
        let is_asked = self.resolver.as_ref().is_some_and(Resolver::is_asked);
        is_asked && self.are_asked()
    }

    /// Whether the program has set a lookup function for the whole loop.
    pub(in crate::net) fn has_own_lookup(&self) -> bool {
        self.lookup.is_some()
    }

    /// Forgets a lookup: its answer will be ignored.
    pub(in crate::net) fn forget(&mut self, ticket: u64) {
        let was_asked = self.asked.remove(&ticket).is_some();
        if let Some(resolver) = self.resolver.as_mut().filter(|_| was_asked) {
            resolver.withdraw(ticket);
        }
    }

    fn new_ticket(&mut self, asker: Asker, host: &str) -> Result<u64, Error> {
        if self.asked.len() >= LOOKUPS_MAX {
            return Err(Error::with_code("ENOBUFS", "too many lookups at once"));
        }
        self.next += 1;
        let host = host.to_owned();
        self.asked.insert(self.next, Asked { asker, host });
        Ok(self.next)
    }
}

impl Lookups {
    fn ask_resolver(
        &mut self,
        ticket: u64,
        request: &LookupRequest,
        reactor: &mut Reactor<Entry>,
    ) -> Result<(), Error> {
        let host = &request.host;
        let question = Question::new(ticket, host, request.family, request.hints)
            .map_err(|why| Error::of_lookup(&why, host))?;
        let resolver = match self.resolver.take() {
            Some(resolver) => resolver,
            None => {
                Resolver::start(reactor).map_err(|(call, error)| Error::of_call(call, &error))?
            }
        };
        self.resolver.insert(resolver).ask(question);
        Ok(())
    }
}

impl Loop {
    /// Sets the function that looks host names up, in place of `getaddrinfo` on a helper thread: the
    /// `lookup` option of Node's `connect`, for all sockets and servers of this loop.
    ///
    /// The function is called in the tick after `connect` or `listen` (Node: inside the call). It answers
    /// with [`answer_lookup`](Loop::answer_lookup), at once or later; until then, or until its socket is
    /// destroyed, the lookup holds the loop. It is called for names, `localhost` included, but never for IP
    /// addresses. [`ConnectOptions::lookup`](crate::ConnectOptions::lookup) takes precedence. At most 10000
    /// lookups may be unanswered at once: beyond that `connect` fails with `ENOBUFS`.
    #[track_caller]
    pub fn set_lookup(&mut self, lookup: impl FnMut(&mut Loop, LookupRequest) + 'static) {
        self.calls("set_lookup", |event_loop| {
            event_loop.lookups.lookup = Some(Box::new(lookup));
        });
    }

    /// Answers a lookup: the callback of Node's `lookup` option. The answer is a list of addresses or an
    /// error; [`Error::not_found`](crate::Error::not_found) makes the one that Node would report. An empty
    /// list counts as `ENOTFOUND`.
    ///
    /// `lookup` is emitted in a tick, once for each address; the socket then connects. An error is emitted
    /// with one `lookup`, then as `error`. An answer to a lookup that is over does nothing.
    #[track_caller]
    pub fn answer_lookup(&mut self, lookup: LookupId, answer: Result<Vec<IpAddr>, Error>) {
        if let Some(ticket) = self.home.key(lookup.0) {
            let without_port = |ip| SocketAddr::new(ip, 0);
            let answer = answer.map(|found| found.into_iter().map(without_port).collect());
            self.calls("answer_lookup", |event_loop| {
                event_loop.agenda.tick(Tick::Lookup(ticket, answer));
            });
        }
    }

    /// Looks a name up. `keep` stores the ticket of the answer with the asker, before the lookup begins.
    pub(in crate::net) fn ask_name(
        &mut self,
        asker: Asker,
        (host, family, hints, all): (&str, u8, i32, bool),
        own: Option<Box<LookupFunction>>,
        keep: impl FnOnce(&mut Loop, u64),
    ) -> Result<(), Error> {
        let ticket = self.lookups.new_ticket(asker, host)?;
        keep(self, ticket);
        let request = LookupRequest {
            id: LookupId(self.home.name(ticket)),
            host: host.to_owned(),
            family,
            hints,
            all,
        };
        if own.is_none() && self.lookups.lookup.is_none() {
            let asked = self
                .lookups
                .ask_resolver(ticket, &request, &mut self.reactor);
            if asked.is_err() {
                self.lookups.asked.remove(&ticket);
            }
            return asked;
        }
        let what = What::Callback("lookup function");
        let former = self.agenda.trace.enter(Subject::Loop, what);
        if let Some(mut lookup) = own {
            lookup(self, request);
        } else if let Some(lookup) = self.lookups.lookup.take() {
            self.call_and_then(
                lookup,
                |lookup, event_loop| lookup(event_loop, request),
                |event_loop, lookup| _ = event_loop.lookups.lookup.get_or_insert(lookup),
            );
        }
        self.agenda.trace.leave(former);
        Ok(())
    }

    /// Takes the answers of the helper threads.
    pub(in crate::net) fn take_answers(&mut self) -> Result<(), Error> {
        while let Some((ticket, answer)) = self
            .lookups
            .resolver
            .as_mut()
            .and_then(Resolver::next_answer)
        {
            let asked = self.lookups.asked.get(&ticket);
            let host = asked.map_or("", |asked| &asked.host);
            let answer = answer.map_err(|why| Error::of_lookup(&why, host));
            self.name_answered(ticket, answer)?;
            self.drain()?;
        }
        Ok(())
    }

    pub(in crate::net) fn name_answered(
        &mut self,
        ticket: u64,
        answer: LookupAnswer,
    ) -> Result<(), Error> {
        let Some(Asked { asker, host }) = self.lookups.asked.remove(&ticket) else {
            return Ok(());
        };
        match asker {
            Asker::Socket(id) => {
                self.served(id).socket_name_answered(&host, answer);
                Ok(())
            }
            Asker::Server(id) => self.served(id).server_name_answered(&host, answer),
        }
    }
}
