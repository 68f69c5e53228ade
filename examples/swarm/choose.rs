//! What the seed of a program chooses.

use super::dice::Dice;
use super::program::{Action, Actor, HOSTS, Manner, Reading, Step, When};

pub(super) fn manner(dice: &mut Dice) -> Manner {
    let size = |dice: &mut Dice| {
        let bits = dice.below(18);
        dice.below(1 << bits)
    };
    Manner {
        reading: match dice.below(10) {
            0..=6 => Reading::Flowing,
            7 | 8 => Reading::ByHand,
            _ => Reading::Nothing,
        },
        is_half_open: dice.one_in(3),
        mark: dice.one_in(4).then(|| size(dice)),
        limit: dice.one_in(8).then(|| size(dice)),
        lacks_error_listener: dice.one_in(8),
    }
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
    match dice.below(64) {
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
        28 => Action::Unshift(1 + dice.below(50)),
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
        44 => Action::Reconnect(connections + dice.below(4), dice.below(2)),
        45 => Action::SocketAfter(dice.below(300) as u64),
        46..=52 => {
            let actor = actor(dice, connections);
            let action = match actor {
                Actor::Server(_) => server_action(dice, connections),
                _ => socket_action(dice, connections),
            };
            Action::On(actor, Box::new(action))
        }
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
    match dice.below(12) {
        0 | 1 => Action::Tick,
        2 => Action::Microtask,
        3 | 4 => Action::Immediate,
        5 | 6 => Action::After(dice.below(300) as u64),
        7 => Action::Interval(dice.below(100) as u64),
        8 => Action::ClearTimer,
        9 => Action::RefreshTimer,
        10 => match dice.below(4) {
            0 => Action::Stop,
            1 => Action::Serve(1),
            _ => Action::Abort(dice.below(connections)),
        },
        _ => Action::Panic,
    }
}

pub(super) fn world_action(dice: &mut Dice) -> Step {
    let (host, other) = (dice.below(HOSTS), dice.below(HOSTS));
    let action = match dice.below(16) {
        0 => Action::Partition(other),
        1 => Action::Heal(other),
        2 if dice.one_in(3) => Action::Kill,
        2 => Action::Crash,
        3 => Action::Restart,
        4 => Action::Break(other),
        5 => Action::Raise,
        6 => Action::Freeze(dice.below(1000) as u64),
        7 => Action::Suspend(dice.below(1000) as u64),
        8 => Action::Exhaust(dice.below(1000) as u64),
        9 => Action::Descriptors(dice.one_in(2).then(|| 4 + dice.below(8))),
        10 => Action::Advance(dice.below(200_000) as u64),
        _ => Action::Advance(dice.below(500) as u64),
    };
    Step {
        when: When::World(host),
        action,
    }
}
