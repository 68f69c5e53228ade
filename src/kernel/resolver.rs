//! `getaddrinfo` on threads of its own, because it blocks; the answers come through a mailbox.
//!
//! Threads are started on demand, and never joined: a loop that ends does not wait for a name server.
//! There are a few of them, so that a slow name does not hold up the others. A call of `getaddrinfo`
//! cannot be interrupted: it occupies its thread even when its socket is gone.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use dns_lookup::{AddrInfoHints, LookupError, SockType, getaddrinfo};

use super::Failed;
use super::host_name::{self, Unresolved};
use super::mailbox::{Mailbox, Sender};
use super::reactor::Reactor;
use crate::values::address::is_ipv6;

/// A question: `host` is the name in ASCII, `family` is 0, 4 or 6, `hints` are getaddrinfo's
/// `ai_flags`.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(super) ticket: u64,
    pub(super) host: String,
    pub(super) family: u8,
    hints: i32,
}

impl Question {
    /// # Errors
    /// If the name cannot be looked up.
    pub(crate) fn new(
        ticket: u64,
        host: &str,
        family: u8,
        hints: i32,
    ) -> Result<Question, Unresolved> {
        let host = host_name::to_ask_for(host)?;
        Ok(Question {
            ticket,
            host,
            family,
            hints,
        })
    }
}

/// The addresses in getaddrinfo's order, with their zones and the port 0, or why there are none.
pub(crate) type Answer = Result<Vec<SocketAddr>, Unresolved>;

/// How many questions are answered at once: the size of libuv's thread pool.
const THREADS_MAX: usize = 4;

#[derive(Debug)]
pub(crate) struct Resolver {
    answers: Mailbox<(u64, Answer)>,
    /// Each thread is started with a clone.
    worker: Worker,
    threads: usize,
    /// How many questions have no answer yet.
    asked: usize,
}

/// What a thread needs to run.
#[derive(Clone, Debug)]
struct Worker {
    queue: Arc<(Mutex<Queue>, Condvar)>,
    answers: Sender<(u64, Answer)>,
}

/// The questions, which the threads share.
#[derive(Debug, Default)]
struct Queue {
    questions: VecDeque<Question>,
    /// How many questions have been taken and not been answered.
    in_work: usize,
    /// The resolver is gone: no answer is awaited.
    is_closed: bool,
}

impl Resolver {
    pub(crate) fn start<T>(reactor: &mut Reactor<T>) -> Result<Resolver, Failed> {
        let answers = Mailbox::new(reactor).map_err(|error| ("eventfd", error))?;
        let worker = Worker {
            queue: Arc::default(),
            answers: answers.sender(),
        };
        let mut resolver = Resolver {
            answers,
            worker,
            threads: 0,
            asked: 0,
        };
        let spawned = resolver.spawn();
        spawned.map_err(|error| ("pthread_create", error))?;
        Ok(resolver)
    }

    fn spawn(&mut self) -> io::Result<()> {
        let worker = self.worker.clone();
        thread::Builder::new()
            .name("netloop-resolver".into())
            .spawn(move || worker.run())?;
        self.threads += 1;
        Ok(())
    }

    /// Gives a question to the next free thread, or to a new one.
    pub(crate) fn ask(&mut self, question: Question) {
        let mut queue = self.worker.queue();
        queue.questions.push_back(question);
        self.asked += 1;
        let wanted = queue.questions.len() + queue.in_work;
        drop(queue);
        if wanted > self.threads
            && self.threads < THREADS_MAX
            && let Err(error) = self.spawn()
        {
            log::debug!(target: "netloop::resolver", "no more than {}: {error}", self.threads);
        }
        self.worker.queue.1.notify_one();
    }

    /// Takes back a question that no thread has taken yet.
    pub(crate) fn withdraw(&mut self, ticket: u64) {
        let mut queue = self.worker.queue();
        let before = queue.questions.len();
        queue.questions.retain(|question| question.ticket != ticket);
        self.asked -= before - queue.questions.len();
    }

    pub(crate) fn next_answer(&mut self) -> Option<(u64, Answer)> {
        let answer = self.answers.next()?;
        self.asked -= 1;
        Some(answer)
    }

    /// Whether an answer is still to come.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked > 0
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.worker.queue().is_closed = true;
        self.worker.queue.1.notify_all();
    }
}

impl Worker {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers question after question, until the resolver is gone.
    fn run(&self) {
        while let Some(question) = self.next_question() {
            let answer = resolve(&question);
            self.queue().in_work -= 1;
            if self.answers.send((question.ticket, answer)).is_err() {
                return;
            }
        }
    }

    fn next_question(&self) -> Option<Question> {
        let is_idle = |queue: &mut Queue| queue.questions.is_empty() && !queue.is_closed;
        let queue = self.queue.1.wait_while(self.queue(), is_idle);
        let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
        if queue.is_closed {
            return None;
        }
        queue.in_work += 1;
        queue.questions.pop_front()
    }
}

/// Parses an address, with or without a zone; the port is 0. No name server is asked.
pub(crate) fn literal(host: &str) -> Option<SocketAddr> {
    let Some((address, _)) = host.split_once('%').filter(|_| is_ipv6(host)) else {
        return Some(SocketAddr::new(host.parse().ok()?, 0));
    };
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        flags: libc::AI_NUMERICHOST,
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(host), None, Some(hints)).ok();
    let found = found.and_then(|mut found| found.next()?.ok());
    // An unknown zone is left out, as in Node.
    let unzoned = || Some(SocketAddr::new(address.parse().ok()?, 0));
    found.map(|found| found.sockaddr).or_else(unzoned)
}

/// An address as a text that [`literal`] reads.
pub(crate) fn to_text(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}

fn resolve(question: &Question) -> Answer {
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        address: match question.family {
            4 => libc::AF_INET,
            6 => libc::AF_INET6,
            _ => 0,
        },
        flags: question.hints,
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(&question.host), None, Some(hints)).map_err(unresolved)?;
    Ok(found.flatten().map(|found| found.sockaddr).collect())
}

/// From netdb.h: the crate libc does not have these.
const EAI_NODATA: i32 = -5;
const EAI_ADDRFAMILY: i32 = -9;

/// Node calls a name without an address `ENOTFOUND`, and anything else by its name in netdb.h. The
/// numbers are libuv's.
fn unresolved(error: LookupError) -> Unresolved {
    let (name, number) = match error.error_num() {
        libc::EAI_SYSTEM => return Unresolved::System(error.into()),
        EAI_ADDRFAMILY => ("EAI_ADDRFAMILY", -3000),
        libc::EAI_AGAIN => ("EAI_AGAIN", -3001),
        libc::EAI_BADFLAGS => ("EAI_BADFLAGS", -3002),
        libc::EAI_FAIL => ("EAI_FAIL", -3004),
        libc::EAI_FAMILY => ("EAI_FAMILY", -3005),
        libc::EAI_MEMORY => ("EAI_MEMORY", -3006),
        EAI_NODATA => ("ENOTFOUND", -3007),
        libc::EAI_OVERFLOW => ("EAI_OVERFLOW", -3009),
        libc::EAI_SERVICE => ("EAI_SERVICE", -3010),
        libc::EAI_SOCKTYPE => ("EAI_SOCKTYPE", -3011),
        _ => return Unresolved::NOT_FOUND,
    };
    Unresolved::Code(name, number)
}
