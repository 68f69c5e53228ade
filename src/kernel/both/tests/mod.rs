//! The simulated kernel behaves as Linux does: random programs get the same results and the same readiness from
//! both, over loopback, wherever Linux promises them.
//!
//! What Linux does not promise is not compared:
//!
//! | what | why |
//! | --- | --- |
//! | the numbers of descriptors and of ephemeral ports | any free one |
//! | how many bytes a connection buffers, and the sizes of the pieces in which they arrive | buffers grow, segments are coalesced; a send to a path takes more room than its bytes |
//! | how much a side that was full takes, and when it has room again | a window opens when much of it is free |
//! | the number of edges | an edge follows each change, and none is spurious |
//! | how soon anything happens | so a program ends when a full backlog or a refusing listener drops a SYN: the client retransmits it after a second |
//! | another connection with the same addresses, soon after one was closed | TIME_WAIT; connections at chosen ports are reset |
//! | a connect to the port that the socket is bound to | the socket may connect to itself |
//! | one more socket on `::` that shares its port (SO_REUSEPORT), if another one that blocks it does not | the kernel checks only the last one that shares the port |
//!
//! `NETLOOP_SIM_PROGRAMS` is the number of programs, `NETLOOP_SIM_SEED` the seed of the first.

mod call;
mod machine;
mod map;
mod place;
mod told;
mod town;

use std::collections::BTreeSet;
use std::env;

use self::call::Call;
use self::machine::{Machine, Told};
use self::map::Map;
use self::place::Kind;
use self::told::covers;
use self::town::Town;
use crate::kernel::reactor::Reactor;
use crate::kernel::sim::Dice;

const STEPS: usize = 60;

/// The flags that were not set before.
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
        let call = Call::next(&mut dice, simulated.sides());
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
        let found = simulated.known(real.told_until(&expected));
        assert!(
            covers(&found, &expected),
            "seed {seed}, {kind:?}, after {calls:#?}: Linux does not report {expected:#?}, but {found:#?}"
        );
        assert!(
            covers(&level, &found),
            "seed {seed}, {kind:?}, after {calls:#?}: Linux reports {found:#?}, and {level:#?} holds"
        );
        before = level;
        if simulated.is_dropped(call) {
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
