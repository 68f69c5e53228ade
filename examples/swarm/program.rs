//! The program of a seed: steps, each with the callback in which it is done. So any step can be left out.

use std::fmt;

use super::choose::{actor, manner, server_action, socket_action, world_action};
use super::dice::Dice;

/// A program, and the world that it runs in.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) seed: u64,
    /// The kernel's buffers for sending and receiving.
    pub(super) buffers: Option<(usize, usize)>,
    /// The seeds of what goes wrong on each host.
    pub(super) faults: [Option<u64>; HOSTS],
    /// How each end behaves: those that connect, then those that are accepted.
    pub(super) manners: [Vec<Manner>; 2],
    pub(super) steps: Vec<Step>,
}

/// How an end of a connection behaves, apart from its steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) reading: Reading,
    pub(super) is_half_open: bool,
    /// Its high-water mark, and how much may wait; only for ends that connect.
    pub(super) mark: Option<usize>,
    pub(super) limit: Option<usize>,
    /// It has no listener for `error`: the run ends with it.
    pub(super) lacks_error_listener: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reading {
    /// By `data`.
    #[default]
    Flowing,
    /// By `read`, whenever `readable` is emitted.
    ByHand,
    /// Not at all, unless a step asks for it.
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) when: When,
    pub(super) action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Outside all callbacks, one such step after the other, on a host.
    World(usize),
    /// In the callback of this number; 0 is the call that makes the socket or the server.
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
    SocketAfter(u64),
    Interval(u64),
    ClearTimer,
    RefreshTimer,
    Abort(usize),
    Stop,
    On(Actor, Box<Action>),
    Panic,
    // The world's.
    Advance(u64),
    Partition(usize),
    Heal(usize),
    Kill,
    Raise,
    Break(usize),
    Crash,
    Restart,
    Freeze(u64),
    Suspend(u64),
    Exhaust(u64),
    Descriptors(Option<usize>),
}

const BUFFER_MIN: usize = 256;
/// How many hosts there are.
pub(super) const HOSTS: usize = 3;
/// A connection to this server is one to a port without a listener; to the next, to a name without a host.
pub(super) const NO_SERVER: usize = 2;

impl Program {
    /// The program of a seed.
    pub(super) fn new(seed: u64) -> Program {
        let mut dice = Dice::new(!seed);
        let connections = 1 + dice.below(6);
        let manners = [(); 2].map(|()| (0..connections).map(|_| manner(&mut dice)).collect());
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
        let mut program = Program {
            seed,
            buffers,
            faults,
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
            // What is made outside of callbacks does not panic.
            if nth > 0 || !action.panics() {
                program.add(When::Callback(actor, nth), action);
            }
        }
        for _ in 0..dice.below(8) {
            let step = world_action(&mut dice);
            program.steps.push(step);
        }
        if buffers.is_some_and(|(send, receive)| send.min(receive) < BUFFER_MIN) {
            program
                .steps
                .iter_mut()
                .for_each(|step| step.action.limit());
        }
        program
    }

    /// The servers, and what connects to them, now or in a callback of another connection.
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

    fn add(&mut self, when: When, action: Action) {
        self.steps.push(Step { when, action });
    }

    /// Whether calls of the kernel fail, or machines die: a connection may end at one end only.
    pub(super) fn is_faulty(&self) -> bool {
        let fails = |step: &Step| {
            let action = &step.action;
            matches!(
                action,
                Action::Exhaust(_) | Action::Descriptors(_) | Action::Crash
            )
        };
        self.faults.iter().any(Option::is_some) || self.steps.iter().any(fails)
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
    /// Through a smaller buffer it writes less: byte by byte it takes long.
    fn limit(&mut self) {
        match self {
            Action::Write(size) | Action::WriteThen(size) | Action::EndWith(size) => {
                *size %= BUFFER_MIN;
            }
            Action::On(_, action) => action.limit(),
            _ => {}
        }
    }

    fn panics(&self) -> bool {
        match self {
            Action::On(_, action) => action.panics(),
            action => *action == Action::Panic,
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
