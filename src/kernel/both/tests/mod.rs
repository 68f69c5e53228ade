//! The simulated kernel is true: random programs get the same answers from it and from Linux over
//! loopback, and the same readiness, wherever Linux promises them.
//!
//! Not promised, and so not compared: numbers of descriptors and ports; how many bytes the buffers of a
//! connection take, and in how many pieces bytes arrive; how many edges there are, as long as each change
//! is followed by one, and none reports what is not so; how soon anything happens. So soon after a
//! connection, another one between the same ports may be refused or not (TIME_WAIT), and a port may be
//! connected with itself. While a port is shared (SO_REUSEPORT), one more socket on `::` may share it although
//! another one that does not share it is in its way.
//!
//! `NETLOOP_SIM_PROGRAMS` is the number of programs, `NETLOOP_SIM_SEED` the seed of the first.

mod machine;
mod map;
mod place;
mod town;

use std::collections::BTreeSet;
use std::env;

use self::machine::{Call, Machine, Told, covers};
use self::map::Map;
use self::place::Kind;
use self::town::Town;
use crate::kernel::reactor::Reactor;
use crate::kernel::sim::Dice;

const STEPS: usize = 60;

fn next_call(dice: &mut Dice, sides: usize) -> Call {
    let side = dice.below(sides);
    let count = 1 + dice.below(2000);
    match dice.below(if sides == 0 { 3 } else { 40 }) {
        0 => Call::Connect,
        1 if dice.one_in(3) => Call::ConnectToNobody,
        1..=6 => Call::Accept,
        7..=16 => Call::Send(side, count),
        17..=24 => Call::Receive(side, count),
        25 | 26 => Call::HasMore(side),
        27 | 28 => Call::Connected(side),
        29 | 30 => Call::HasPeer(side),
        31 | 32 => Call::ShutDown(side),
        33 | 34 => Call::Close(side),
        35 => Call::Reset(side),
        36 => match dice.below(4) {
            0 => Call::NoDelay(side),
            1 => Call::KeepAlive(side, dice.below(3) as u64 * 40_000),
            2 => Call::TypeOfService(side, None),
            _ => Call::TypeOfService(side, Some(dice.below(256) as u8)),
        },
        37 if dice.one_in(4) => Call::CloseListener,
        38 if dice.one_in(4) => Call::Flood(side),
        _ => Call::Connect,
    }
}

/// What holds and did not.
fn news(before: &Told, now: &Told) -> Told {
    let nothing = BTreeSet::new();
    let of = |(number, names): (&usize, &BTreeSet<String>)| {
        let former = before.get(number).unwrap_or(&nothing);
        (*number, names.difference(former).cloned().collect())
    };
    now.iter().map(of).collect()
}

fn compare(seed: u64) {
    let mut dice = Dice::new(seed);
    let kind = Kind::ALL[dice.below(4)];
    let name = format!("netloop-{}-{seed}", std::process::id());
    let real = Reactor::new().expect("a reactor");
    let mut simulated = Machine::simulated(kind, &name);
    let mut real = Machine::new(real, kind, &name);
    let mut before = simulated.level();
    let mut calls = Vec::new();
    for _ in 0..STEPS {
        let call = next_call(&mut dice, simulated.sides());
        calls.push(call);
        let expected = simulated.perform(call);
        let found = real.perform_until(call, expected);
        assert_eq!(
            expected, found,
            "seed {seed}, {kind:?}, the last of {calls:#?}: simulated, real"
        );
        let expected = simulated.told();
        let level = simulated.level();
        assert!(
            covers(&expected, &news(&before, &level)),
            "seed {seed}, {kind:?}, after {calls:#?}: {level:#?} holds, and only {expected:#?} is reported"
        );
        let expected = simulated.promised(expected);
        let found = real.told_until(&expected);
        assert!(
            covers(&found, &expected),
            "seed {seed}, {kind:?}, after {calls:#?}: Linux does not report {expected:#?}, but {found:#?}"
        );
        assert!(
            covers(&level, &found),
            "seed {seed}, {kind:?}, after {calls:#?}: Linux reports {found:#?}, and {level:#?} holds"
        );
        before = level;
        if simulated.is_overfull() {
            // The client tries again after a second.
            break;
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    let text = env::var(name).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn random_programs_get_the_answers_of_linux() {
    let first = number("NETLOOP_SIM_SEED", 1);
    for seed in first..first + number("NETLOOP_SIM_PROGRAMS", 300) {
        compare(seed);
    }
}

fn compare_places(seed: u64) {
    let (mut dice, map) = (Dice::new(seed), Map::of(seed));
    let (mut simulated, mut real) = (Town::simulated(), Town::real());
    let mut calls = Vec::new();
    for _ in 0..STEPS {
        let call = map.next_call(&mut dice, simulated.listeners(), simulated.connections());
        calls.push(call.clone());
        let (expected, found) = (simulated.perform(&call), real.perform(&call));
        assert_eq!(
            expected, found,
            "seed {seed}, the last of {calls:#?}: simulated, real"
        );
    }
}

#[test]
fn random_programs_listen_and_connect_where_linux_lets_them() {
    let first = number("NETLOOP_SIM_SEED", 1);
    for seed in first..first + number("NETLOOP_SIM_PROGRAMS", 300) {
        compare_places(seed);
    }
}
