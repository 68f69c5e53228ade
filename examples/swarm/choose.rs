//! The random choices of a program.

use super::dice::Dice;
use super::extras::EVENTS;
use super::program::{
    Action, Actor, Bounds, HOSTS, Manner, Place, Program, Reading, Route, Step, Venue, When,
};

/// The most bytes of a write in a flood. A peer that reads few bytes a turn needs many turns for more.
const FLOOD_MAX: usize = 16 * 1024;
/// How many connections are made by sockets that connect again.
const RECONNECTS: usize = 4;

pub(super) fn manner(dice: &mut Dice) -> Manner {
    let size = |dice: &mut Dice| {
        let bits = dice.below(18);
        dice.below(1 << bits)
    };
    Manner {
        reading: match dice.below(12) {
            0..=6 => Reading::Flowing,
            7 | 8 => Reading::ByHand,
            9 | 10 => Reading::OwnBuffer(1 + size(dice)),
            _ => Reading::Nothing,
        },
        is_half_open: dice.one_in(3),
        mark: dice.one_in(4).then(|| size(dice)),
        limit: dice.one_in(8).then(|| size(dice)),
        route: match dice.below(12) {
            0 => Route::Ipv6,
            1 | 2 => Route::Address,
            3 => Route::From,
            4 | 5 => Route::Several(dice.below(3) as u64 * dice.below(60) as u64),
            _ => Route::Name,
        },
        is_tuned: dice.one_in(6),
        is_made_first: dice.one_in(6),
        never_connects: dice.one_in(8),
        lacks_error_listener: dice.one_in(8),
    }
}

pub(super) fn venue(dice: &mut Dice) -> Venue {
    Venue {
        place: match dice.below(20) {
            0 | 1 => Place::Ipv4,
            2 | 3 => Place::Ipv6,
            4..=6 => Place::Shared,
            7 | 8 => Place::Path,
            9 => Place::Abstract,
            10 | 11 => Place::Name,
            _ => Place::Any,
        },
        pauses: dice.one_in(8),
        is_tuned: dice.one_in(8),
        mark: dice.one_in(8).then(|| dice.below(20_000)),
        limit: dice.one_in(10).then(|| dice.below(200_000)),
        backlog: dice.one_in(8).then(|| 1 + dice.below(4) as u32),
    }
}

pub(super) fn bounds(dice: &mut Dice) -> Bounds {
    let is_set = dice.one_in(3);
    Bounds {
        buffer: (is_set && dice.one_in(2)).then(|| read_size(dice)),
        burst: (is_set && dice.one_in(2)).then(|| read_size(dice)),
    }
}

/// The size of a loop's reads, at least 64 bytes: smaller reads would take too many turns.
fn read_size(dice: &mut Dice) -> usize {
    let bits = 6 + dice.below(12);
    dice.below(1 << bits) + 64
}

pub(super) fn actor(dice: &mut Dice, connections: usize) -> Actor {
    match dice.below(9) {
        0..=3 => Actor::Client(dice.below(connections)),
        4..=7 => Actor::Accepted(dice.below(connections)),
        _ => Actor::Server(dice.below(2)),
    }
}

fn size(dice: &mut Dice) -> usize {
    match dice.below(6) {
        0 => dice.below(200_000),
        1 => dice.below(20_000),
        2 => dice.below(4),
        _ => dice.below(2000),
    }
}

pub(super) fn socket_action(dice: &mut Dice, connections: usize) -> Action {
    match dice.below(80) {
        0..=5 => Action::Write(size(dice)),
        6..=12 => Action::WriteThen(size(dice)),
        13 => Action::End,
        14 => Action::EndThen,
        15 => Action::EndWith(size(dice)),
        16 => Action::Destroy,
        17 => Action::DestroyWith,
        18 => Action::DestroySoon,
        19 => Action::Reset,
        20..=22 => Action::Pause,
        23..=25 => Action::Resume,
        26 => Action::Read(None),
        27 => Action::Read(Some(dice.below(100))),
        28 | 64 | 65 => Action::Unshift(1 + dice.below(50)),
        29 | 30 => Action::Cork,
        31..=33 => Action::Uncork,
        34 => Action::IdleTimeout(dice.below(2000) as u64),
        35 => Action::HalfOpen(dice.one_in(2)),
        36 => Action::Options,
        37 => Action::Encoding,
        38 => Action::Unref,
        39 => Action::Ref,
        40 => Action::Pipe(actor(dice, connections), dice.one_in(2)),
        41 => Action::Unpipe,
        42 => Action::OnceData,
        43 => Action::OnceReadable,
        44 => Action::Reconnect(connections + dice.below(RECONNECTS), dice.below(2)),
        45 => Action::SocketAfter(dice.below(300) as u64),
        46..=52 => {
            let actor = actor(dice, connections);
            let action = match actor {
                Actor::Server(_) => server_action(dice, connections),
                _ => socket_action(dice, connections),
            };
            Action::On(actor, Box::new(action))
        }
        66..=70 => match dice.below(5) {
            0 | 1 => Action::AddListener(dice.below(EVENTS.len())),
            2 => Action::OnceListener(dice.below(EVENTS.len())),
            3 => Action::RemoveListener,
            _ => Action::RemoveListeners(dice.below(EVENTS.len())),
        },
        71 => Action::SetValue(dice.below(100)),
        72 => Action::TakeValue,
        73 => Action::LendValue,
        74 => Action::SocketInterval(dice.below(100) as u64),
        75 => Action::TimeoutOnce(dice.below(2000) as u64),
        76 if dice.one_in(3) => Action::Flood(1 + dice.below(20), size(dice) % FLOOD_MAX),
        _ => loop_action(dice, connections),
    }
}

pub(super) fn server_action(dice: &mut Dice, connections: usize) -> Action {
    match dice.below(12) {
        0 => Action::Listen,
        1 => Action::Close,
        2 => Action::CloseThen,
        3 => Action::CloseAfterBacklog,
        4 => Action::MaxConnections(dice.one_in(2).then(|| dice.below(3))),
        5 => Action::GetConnections,
        6 => Action::Unref,
        7 => Action::Ref,
        _ => loop_action(dice, connections),
    }
}

fn loop_action(dice: &mut Dice, connections: usize) -> Action {
    match dice.below(21) {
        0..=2 => Action::Tick,
        3 | 4 => Action::Microtask,
        5 | 6 => Action::Immediate,
        7..=9 => Action::After(dice.below(300) as u64),
        10 => Action::Interval(dice.below(100) as u64),
        11 => Action::ClearTimer,
        12 => Action::RefreshTimer,
        13 => Action::Abort(dice.below(connections)),
        14 => match dice.below(6) {
            0 => Action::Stop,
            1 => Action::Serve(1),
            2 => Action::UnrefTimer,
            3 => Action::ClearImmediate,
            4 => Action::ReadBounds(read_size(dice), read_size(dice)),
            _ => Action::Hold,
        },
        15 => Action::LetGo,
        16 | 17 => Action::Listens(dice.below(4)),
        18 => Action::Post,
        _ => Action::Panic,
    }
}

pub(super) fn world_action(dice: &mut Dice) -> Step {
    let (host, other) = (dice.below(HOSTS), dice.below(HOSTS));
    let action = match dice.below(18) {
        0 => Action::Partition(other),
        1 => Action::Heal(other),
        2 if dice.one_in(3) => Action::Kill,
        2 => Action::Crash,
        3 => Action::Restart,
        4 => Action::ResetConnections(other),
        5 => Action::Raise(dice.below(3)),
        6 => Action::StopProgram(dice.below(1000) as u64),
        7 => Action::Suspend(dice.below(1000) as u64),
        8 => Action::Exhaust(dice.below(1000) as u64),
        9 => Action::Descriptors(dice.one_in(2).then(|| 4 + dice.below(8))),
        10 => Action::Advance(dice.below(200_000) as u64),
        11 => Action::SendUrgent(other),
        12 if dice.one_in(4) => Action::RemoveFile(dice.below(2)),
        _ => Action::Advance(dice.below(500) as u64),
    };
    Step {
        when: When::World(host),
        action,
    }
}

/// Adds steps that rarely meet at random: connections come while the host of their server is short of something, and
/// the server may close after its backlog.
pub(super) fn shortage(dice: &mut Dice, program: &mut Program) {
    let server = When::World(0);
    let shortage = match dice.below(3) {
        0 => Action::Descriptors(Some(8 + dice.below(10))),
        _ => Action::Exhaust(1 + dice.below(20_000) as u64),
    };
    let is_late = dice.one_in(3);
    if !is_late {
        program.add(server, shortage.clone());
    }
    crowd(dice, program);
    program.add(server, short_time(dice));
    if dice.one_in(2) {
        program.add(server, Action::CloseAfterBacklog);
    }
    if is_late {
        program.add(server, short_time(dice));
        program.add(server, shortage);
    }
    program.add(server, Action::Advance(dice.below(5000) as u64));
}

/// Adds steps that rarely meet at random: a server closes after its backlog while connections come, and nothing
/// prevents that all of them are accepted.
pub(super) fn last_connections(dice: &mut Dice, program: &mut Program) {
    program.faults = Default::default();
    program.venues.iter_mut().for_each(|it| it.backlog = None);
    let manners = program.manners.iter_mut().flatten();
    manners.for_each(|it| it.lacks_error_listener = false);
    (program.steps).retain(|step| !step.action.may_prevent_accepting());
    crowd(dice, program);
    program.add(When::World(0), short_time(dice));
    program.add(When::World(0), Action::CloseAfterBacklog);
    if dice.one_in(2) {
        program.add(When::World(0), short_time(dice));
        let span = dice.below(1000) as u64;
        program.add(When::World(0), Action::StopProgram(span));
    }
    if dice.one_in(2) {
        let last = if dice.one_in(2) {
            Action::Listen
        } else {
            Action::CloseAfterBacklog
        };
        program.add(When::Callback(Actor::Server(0), 2 + dice.below(4)), last);
    }
}

/// At most some hundred milliseconds, and often none.
fn short_time(dice: &mut Dice) -> Action {
    let bound = 1 << dice.below(9);
    Action::Advance(dice.below(bound) as u64)
}

/// Connects some clients at the same time.
fn crowd(dice: &mut Dice, program: &mut Program) {
    let first = program.manners[0].len() + RECONNECTS;
    for number in first..=first + dice.below(6) {
        let client = When::World(dice.below(HOSTS));
        program.add(client, Action::Connect(number, dice.below(2)));
    }
}

/// Adds steps that rarely meet at random: one end reads by hand, and puts bytes back while its peer ends.
pub(super) fn put_back(dice: &mut Dice, program: &mut Program) {
    let (one, other) = match dice.one_in(2) {
        true => (Actor::Client(0), Actor::Accepted(0)),
        false => (Actor::Accepted(0), Actor::Client(0)),
    };
    // Nothing else happens on this connection.
    program.steps.retain(|step| match step.when {
        When::Callback(Actor::Client(0) | Actor::Accepted(0), _) => {
            matches!(step.action, Action::Connect(..))
        }
        _ => true,
    });
    for step in &mut program.steps {
        if let Action::Connect(0, server) = &mut step.action {
            *server = 0;
        }
    }
    for manners in &mut program.manners {
        manners[0] = Manner::default();
    }
    let side = usize::from(one == Actor::Accepted(0));
    program.manners[side][0].reading = Reading::ByHand;
    program.manners[side][0].is_half_open = dice.one_in(2);
    program.add(
        When::Callback(other, 0),
        Action::Write(1 + dice.below(2000)),
    );
    program.add(When::Callback(other, dice.below(2)), Action::End);
    if dice.one_in(3) {
        program.add(When::Callback(one, dice.below(4)), Action::End);
    }
    for nth in 1..12 {
        // After a callback that puts nothing back, the next one waits for the peer.
        if dice.one_in(2) {
            continue;
        }
        let when = When::Callback(one, nth);
        program.add(when, Action::Unshift(1 + dice.below(20)));
        if dice.one_in(3) {
            program.add(when, Action::Read(Some(dice.below(40))));
        }
        if dice.one_in(2) {
            program.add(when, Action::Tick);
            program.add(When::Callback(one, nth + 1), Action::Read(None));
        }
    }
}
