//! The program of a seed: steps, each with the callback in which it runs, so that any step can be left out.

use std::fmt;

use super::choose::{
    actor, bounds, last_connections, manner, put_back, server_action, shortage, socket_action,
    venue, world_action,
};
use super::dice::Dice;

/// A program, and the world that it runs in.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) seed: u64,
    /// The sizes of the kernels' send and receive buffers.
    pub(super) buffers: Option<(usize, usize)>,
    /// The seeds of the faults of each host.
    pub(super) faults: [Option<u64>; HOSTS],
    /// The read bounds of each host's loop.
    pub(super) bounds: [Bounds; HOSTS],
    /// Where the servers listen, and with which options.
    pub(super) venues: [Venue; 2],
    /// How each end behaves: the clients, then the accepted sockets.
    pub(super) manners: [Vec<Manner>; 2],
    pub(super) steps: Vec<Step>,
}

/// How many bytes a loop reads in one call, and in one turn of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) buffer: Option<usize>,
    pub(super) burst: Option<usize>,
}

/// Where a server listens, and the options of its sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Venue {
    pub(super) place: Place,
    pub(super) pauses: bool,
    pub(super) is_tuned: bool,
    pub(super) mark: Option<usize>,
    pub(super) limit: Option<usize>,
    pub(super) backlog: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// On a port, at all addresses.
    #[default]
    Any,
    Ipv4,
    Ipv6,
    /// At the address that the name of its host has.
    Name,
    /// On the port of the first server, with SO_REUSEPORT.
    Shared,
    Path,
    Abstract,
}

/// How a connection is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Route {
    /// To a name.
    #[default]
    Name,
    Ipv6,
    Address,
    /// To an address, from a local address.
    From,
    /// To a name with several addresses, which are found after this many milliseconds.
    Several(u64),
}

/// How an end of a connection behaves, apart from its steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) reading: Reading,
    pub(super) is_half_open: bool,
    /// The high-water mark and the write limit, for clients only.
    pub(super) mark: Option<usize>,
    pub(super) limit: Option<usize>,
    /// For clients only: the route, more options, and whether the socket is created before it connects.
    pub(super) route: Route,
    pub(super) is_tuned: bool,
    pub(super) is_made_first: bool,
    pub(super) never_connects: bool,
    /// There is no listener for `error`, so an error ends the run.
    pub(super) lacks_error_listener: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reading {
    /// With `data`.
    #[default]
    Flowing,
    /// With `read`, at each `readable`.
    ByHand,
    /// Into a buffer of its own of this size, for clients only.
    OwnBuffer(usize),
    /// Not at all, unless a step reads.
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) when: When,
    pub(super) action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Outside of all callbacks, on a host, in the order of the steps.
    World(usize),
    /// In the actor's callback of this number; 0 is the call that creates the socket or the server.
    Callback(Actor, usize),
}

/// One end of the connection of this number, or a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Actor {
    Client(usize),
    Accepted(usize),
    Server(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    // A socket's.
    Write(usize),
    WriteThen(usize),
    End,
    EndThen,
    EndWith(usize),
    Destroy,
    DestroyWith,
    DestroySoon,
    Reset,
    Pause,
    Resume,
    Read(Option<usize>),
    Unshift(usize),
    Cork,
    Uncork,
    IdleTimeout(u64),
    HalfOpen(bool),
    Options,
    Encoding,
    Ref,
    Unref,
    Pipe(Actor, bool),
    Unpipe,
    OnceData,
    OnceReadable,
    AddListener(usize),
    OnceListener(usize),
    RemoveListener,
    RemoveListeners(usize),
    SetValue(usize),
    TakeValue,
    LendValue,
    SocketAfter(u64),
    SocketInterval(u64),
    TimeoutOnce(u64),
    Flood(usize, usize),
    Reconnect(usize, usize),
    // A server's.
    Listen,
    Close,
    CloseThen,
    CloseAfterBacklog,
    MaxConnections(Option<usize>),
    GetConnections,
    // A loop's.
    Serve(usize),
    Connect(usize, usize),
    Tick,
    Microtask,
    Immediate,
    After(u64),
    Interval(u64),
    ClearTimer,
    RefreshTimer,
    UnrefTimer,
    ClearImmediate,
    ReadBounds(usize, usize),
    Listens(usize),
    Post,
    Hold,
    LetGo,
    Abort(usize),
    Stop,
    On(Actor, Box<Action>),
    Panic,
    // The world's.
    Advance(u64),
    Partition(usize),
    Heal(usize),
    Kill,
    Raise(usize),
    ResetConnections(usize),
    Crash,
    Restart,
    StopProgram(u64),
    Suspend(u64),
    Exhaust(u64),
    Descriptors(Option<usize>),
    SendUrgent(usize),
    RemoveFile(usize),
}

const BUFFER_MIN: usize = 256;
/// The default size of a loop's reads.
const READ_BUFFER: usize = 64 * 1024;
/// The default backlog.
const BACKLOG: usize = 511;
/// One program in this many puts bytes back; one has a crowd of connections in a shortage, and one before its server
/// closes. And the number that derives the dice for that from the seed.
const PUT_BACK_ONE_IN: usize = 12;
const CROWD_ONE_IN: usize = 12;
const PUT_BACK: u64 = 0x7075_745f_6261;
/// For how many milliseconds a kernel retransmits what a closed connection has sent: `net.ipv4.tcp_orphan_retries`.
const ORPHAN_LIMIT: u64 = 102_200;
/// How many hosts there are.
pub(super) const HOSTS: usize = 3;
/// As a server's number: a port without a listener. The next number stands for a name without a host.
pub(super) const NO_SERVER: usize = 2;

impl Program {
    /// The program of a seed.
    pub(super) fn new(seed: u64) -> Program {
        let mut dice = Dice::new(!seed);
        let connections = 1 + dice.below(6);
        let mut manners = [(); 2]
            .map(|()| -> Vec<Manner> { (0..connections).map(|_| manner(&mut dice)).collect() });
        for accepted in &mut manners[1] {
            if accepted.has_own_buffer() {
                accepted.reading = Reading::Flowing;
            }
        }
        let buffers = dice.one_in(2).then(|| {
            let least = if dice.one_in(8) { 0 } else { 8 };
            let mut size = || 1 << (least + dice.below(17 - least));
            (size(), size())
        });
        let is_faulty = dice.one_in(3);
        let faults = [(); HOSTS].map(|()| {
            let seed = dice.below(1 << 16) as u64;
            (is_faulty && dice.one_in(2)).then_some(seed)
        });
        let venues = [(); 2].map(|()| venue(&mut dice));
        let bounds = [(); HOSTS].map(|()| bounds(&mut dice));
        let mut program = Program {
            seed,
            buffers,
            faults,
            bounds,
            venues,
            manners,
            steps: Vec::new(),
        };
        program.begin(&mut dice, connections);
        for _ in 0..10 + dice.below(70) {
            let actor = actor(&mut dice, connections);
            let bound = 1 + dice.below(12);
            let nth = dice.below(bound);
            let action = match actor {
                Actor::Server(_) => server_action(&mut dice, connections),
                _ => socket_action(&mut dice, connections),
            };
            // Outside of callbacks, nothing panics.
            if nth > 0 || !action.panics() {
                program.add(When::Callback(actor, nth), action);
            }
        }
        let has_paths = program.has_paths();
        for _ in 0..dice.below(8) {
            let step = world_action(&mut dice);
            if !(has_paths && step.action.takes_descriptors()) {
                program.steps.push(step);
            }
        }
        // Its own dice leave the other programs unchanged.
        let mut dice = Dice::new(seed ^ PUT_BACK);
        if dice.one_in(PUT_BACK_ONE_IN) {
            put_back(&mut dice, &mut program);
        }
        match dice.below(CROWD_ONE_IN) {
            0 if !has_paths => shortage(&mut dice, &mut program),
            1 => last_connections(&mut dice, &mut program),
            _ => {}
        }
        if buffers.is_some_and(|(send, receive)| send.min(receive) < BUFFER_MIN) {
            program
                .steps
                .iter_mut()
                .for_each(|step| step.action.limit());
        }
        program
    }

    /// Adds the servers, and the connects to them: at the start or in a callback of another connection.
    fn begin(&mut self, dice: &mut Dice, connections: usize) {
        self.add(When::World(0), Action::Serve(0));
        if dice.one_in(3) {
            self.add(When::World(dice.below(HOSTS)), Action::Serve(1));
        }
        for number in 0..connections {
            let server = match dice.below(12) {
                0 => NO_SERVER + dice.below(2),
                1..=3 => 1,
                _ => 0,
            };
            let when = match number {
                0 => When::World(1),
                _ if dice.one_in(2) => When::World(dice.below(HOSTS)),
                _ => When::Callback(actor(dice, number), dice.below(4)),
            };
            self.add(when, Action::Connect(number, server));
        }
    }

    pub(super) fn add(&mut self, when: When, action: Action) {
        self.steps.push(Step { when, action });
    }

    /// Whether calls may fail, or machines may crash, so that a connection may end on one side only.
    pub(super) fn is_faulty(&self) -> bool {
        let fails = |step: &Step| {
            let action = &step.action;
            matches!(
                action,
                Action::Exhaust(_) | Action::Descriptors(_) | Action::Crash
            )
        };
        let is_cut = |step: &Step| matches!(step.action, Action::Partition(_) | Action::Suspend(_));
        // In a long partition, the kernel gives up the FIN of a closed connection.
        let spans = self.steps.iter().map(|step| match step.action {
            Action::Advance(millis) => millis,
            _ => 0,
        });
        let is_long = spans.sum::<u64>() > ORPHAN_LIMIT;
        let mut manners = self.manners.iter().flatten();
        // Keep-alive ends a connection in a partition.
        let is_kept_alive =
            manners.any(|it| it.is_tuned) || self.venues.iter().any(|venue| venue.is_tuned);
        self.faults.iter().any(Option::is_some)
            || self.steps.iter().any(fails)
            || (is_kept_alive || is_long) && self.steps.iter().any(is_cut)
    }

    /// Whether each connection that is made is also accepted: no server closes before its backlog is served.
    pub(super) fn accepts_all(&self) -> bool {
        let mut manners = self.manners.iter().flatten();
        !self.is_faulty()
            && !(self.steps.iter()).any(|step| step.action.may_prevent_accepting())
            && !manners.any(|manner| manner.lacks_error_listener)
            && self.venues.iter().all(|venue| venue.backlog.is_none())
    }

    /// Whether some connections are known only by their position in a backlog, so that none may be dropped.
    pub(super) fn has_paths(&self) -> bool {
        self.venues.iter().any(|venue| venue.place.is_path())
    }

    /// Whether a kernel may forget a connection before it is accepted.
    pub(super) fn may_forget(&self) -> bool {
        self.is_faulty() || self.venues.iter().any(|venue| venue.backlog.is_some())
    }

    /// The most bytes that one turn reads from a socket of a host: `usize::MAX` by default, `None` if it varies.
    pub(super) fn burst_max(&self, host: usize) -> Option<usize> {
        let mut actions = self.steps.iter().map(|step| step.action.innermost());
        if actions.any(|action| matches!(action, Action::ReadBounds(..))) {
            return None;
        }
        let Some(burst) = self.bounds[host].burst else {
            return Some(usize::MAX);
        };
        let own = self.manners[0].iter().map(|manner| match manner.reading {
            Reading::OwnBuffer(size) => size,
            _ => 0,
        });
        let buffer = self.bounds[host].buffer.unwrap_or(READ_BUFFER);
        Some(burst + buffer.max(own.max().unwrap_or(0)))
    }

    /// The backlog of a server.
    pub(super) fn backlog(&self, server: usize) -> usize {
        let venue = self.venues.get(server);
        venue
            .and_then(|it| it.backlog)
            .map_or(BACKLOG, |backlog| backlog as usize)
    }

    pub(super) fn manner(&self, actor: Actor) -> Manner {
        let manner = match actor {
            Actor::Client(number) => self.manners[0].get(number),
            Actor::Accepted(number) => self.manners[1].get(number),
            Actor::Server(_) => None,
        };
        manner.copied().unwrap_or_default()
    }
}

impl Action {
    /// Whether a server may drop connections for lack of descriptors.
    fn takes_descriptors(&self) -> bool {
        matches!(self, Action::Exhaust(_) | Action::Descriptors(_))
    }

    /// Whether the action needs only the loop, and not the actor's socket or server.
    pub(super) fn is_of_loop(&self) -> bool {
        matches!(
            self,
            Action::Immediate
                | Action::ClearImmediate
                | Action::After(_)
                | Action::Interval(_)
                | Action::ClearTimer
                | Action::RefreshTimer
                | Action::UnrefTimer
                | Action::ReadBounds(..)
                | Action::Listens(_)
                | Action::Post
                | Action::Hold
                | Action::LetGo
        )
    }

    /// Writes less, for a small buffer.
    fn limit(&mut self) {
        match self {
            Action::Write(size) | Action::WriteThen(size) | Action::EndWith(size) => {
                *size %= BUFFER_MIN;
            }
            Action::Flood(_, size) => *size %= BUFFER_MIN,
            Action::On(_, action) => action.limit(),
            _ => {}
        }
    }

    /// Whether a connection that is made may not be accepted after this.
    pub(super) fn may_prevent_accepting(&self) -> bool {
        matches!(
            self.innermost(),
            Action::Close
                | Action::CloseThen
                | Action::MaxConnections(_)
                | Action::Panic
                | Action::Listens(_)
                | Action::Unref
                | Action::UnrefTimer
                | Action::Partition(_)
                | Action::Kill
                | Action::Crash
                | Action::Exhaust(_)
                | Action::Descriptors(_)
                | Action::ResetConnections(_)
                | Action::Suspend(_)
                | Action::Stop
        )
    }

    fn panics(&self) -> bool {
        *self.innermost() == Action::Panic
    }

    /// What is done in the end, by whichever actor.
    fn innermost(&self) -> &Action {
        match self {
            Action::On(_, action) => action.innermost(),
            action => action,
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((send, receive)) = self.buffers {
            writeln!(out, "  buffers of {send} and {receive} bytes")?;
        }
        for (host, faults) in self.faults.iter().enumerate() {
            if let Some(seed) = faults {
                writeln!(out, "  host {host}: faults of the seed {seed}")?;
            }
        }
        for (host, bounds) in self.bounds.iter().enumerate() {
            if *bounds != Bounds::default() {
                writeln!(out, "  host {host}: {bounds:?}")?;
            }
        }
        for (number, venue) in self.venues.iter().enumerate() {
            if *venue != Venue::default() {
                writeln!(out, "  server {number}: {venue:?}")?;
            }
        }
        for (side, manners) in ["Client", "Accepted"].iter().zip(&self.manners) {
            for (number, manner) in manners.iter().enumerate() {
                if *manner != Manner::default() {
                    writeln!(out, "  {side}({number}): {manner:?}")?;
                }
            }
        }
        for Step { when, action } in &self.steps {
            match when {
                When::World(host) => writeln!(out, "  host {host}: {action:?}")?,
                When::Callback(actor, nth) => writeln!(out, "  {actor:?}, {nth}: {action:?}")?,
            }
        }
        Ok(())
    }
}
