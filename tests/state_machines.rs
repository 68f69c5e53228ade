//! The three state machines, walked whole: every state with every input, and every word of
//! inputs there is, of whatever length, since the walk follows each pair of a state and what was
//! emitted so far only once.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;

use netloop::state::{self, client, server, socket};

/// What one life of a socket has told and done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Told {
    connects: u8,
    fins: u8,
    finishes: u8,
    ends: u8,
    closes: u8,
    releases: u8,
}

impl Told {
    fn by(mut self, action: socket::Action) -> Told {
        use socket::Action;
        match action {
            Action::EmitConnect => self.connects += 1,
            Action::QueueShutdown => self.fins += 1,
            Action::EmitFinish => self.finishes += 1,
            Action::EmitEnd => self.ends += 1,
            Action::Release | Action::QueueClose => self.releases += 1,
            Action::EmitClose => self.closes += 1,
            Action::EmitPrefinish
            | Action::QueueFinish
            | Action::QueueEnd
            | Action::OfferEnd
            | Action::Destroy
            | Action::Reset => {}
        }
        self
    }
}

/// Follows every edge from every node that can be reached, each once.
fn walk<N: Copy + Eq + Hash>(start: N, next: impl Fn(N) -> Vec<N>) -> HashSet<N> {
    let mut seen = HashSet::from([start]);
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        for next in next(node) {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}

/// Actions that themselves feed an input, as every driver does.
fn follow(state: socket::State, told: Told, input: socket::Input) -> (socket::State, Told) {
    use socket::{Action, Input, State};
    let is_new_life = state == State::Closed && input == Input::ConnectCalled;
    let (mut next, actions) = socket::step(state, input);
    let mut told = if is_new_life { Told::default() } else { told };
    for &action in actions {
        assert!(
            told.closes == 0,
            "{action:?} after close: {state:?} {input:?}"
        );
        told = told.by(action);
        if matches!(action, Action::Destroy | Action::Reset) {
            (next, told) = follow(next, told, Input::DestroyCalled);
        }
    }
    (next, told)
}

#[test]
fn no_word_of_inputs_makes_a_socket_tell_anything_twice_or_after_close() {
    use socket::{Input, Readable, State, Writable};
    let start = (State::Idle(Writable::Open), Told::default());
    let reached = walk(start, |(state, told)| {
        let follow = |input| follow(state, told, input);
        Input::ALL.map(follow).to_vec()
    });
    for (state, told) in &reached {
        let counts = [
            told.connects,
            told.fins,
            told.finishes,
            told.ends,
            told.closes,
            told.releases,
        ];
        assert!(counts.iter().all(|count| *count <= 1), "{state:?} {told:?}");
        let is_closed = *state == State::Closed;
        assert_eq!(is_closed, told.closes == 1, "{state:?} {told:?}");
        assert_eq!(
            state.is_destroyed(),
            told.releases == 1,
            "{state:?} {told:?}"
        );
    }
    let mut states: HashSet<State> = reached.iter().map(|(state, _)| *state).collect();
    // Both halves are over only while the last of the two events is emitted: `Destroy` follows.
    states.insert(State::Open(Readable::Ended, Writable::Finished));
    for state in State::all() {
        assert!(states.contains(&state), "{state:?} cannot be reached");
    }
}

#[test]
fn whatever_the_state_a_destroyed_socket_closes_and_does_nothing_else() {
    use socket::{Action, Input, State};
    for state in State::all() {
        let (destroyed, _) = socket::step(state, Input::DestroyCalled);
        assert!(destroyed.is_destroyed(), "{state:?}");
        let (closed, actions) = socket::step(State::Destroyed, Input::CloseDue);
        assert_eq!((closed, actions), (State::Closed, &[Action::EmitClose][..]));
        for input in Input::ALL {
            if input != Input::CloseDue {
                let told = socket::step(State::Destroyed, input);
                assert_eq!(told, (State::Destroyed, &[][..]), "{input:?}");
            }
        }
    }
}

#[test]
fn our_fin_leaves_only_after_everything_else_has() {
    use socket::{Action, Input, State, Writable};
    for state in State::all() {
        for input in Input::ALL {
            let (_, actions) = socket::step(state, input);
            if actions.contains(&Action::QueueShutdown) {
                assert!(
                    matches!(state, State::Open(_, Writable::Ending)),
                    "{state:?}"
                );
                assert_eq!(input, Input::Flushed);
            }
        }
    }
}

#[test]
fn a_server_that_is_closed_and_emptied_is_idle_and_told_so_once() {
    use server::{Action, Input, State};
    let reached = walk(State::Idle, |state| {
        Input::ALL
            .map(|input| server::step(state, input).0)
            .to_vec()
    });
    assert_eq!(reached.len(), State::ALL.len());
    for state in State::ALL {
        let (draining, actions) = server::step(state, Input::CloseCalled);
        assert_eq!(draining, State::Draining, "{state:?}");
        assert_eq!(actions.contains(&Action::Release), state.is_listening());
        let told = server::step(draining, Input::Emptied);
        assert_eq!(told, (State::Idle, &[Action::QueueClose][..]));
    }
}

#[test]
fn a_resting_server_always_has_a_timer_and_a_listening_one_never() {
    use server::{Action, Input, State};
    for state in State::ALL {
        for input in Input::ALL {
            let (next, actions) = server::step(state, input);
            let starts = actions.contains(&Action::StartRest);
            let ends = actions.contains(&Action::EndRest);
            assert_eq!(starts, state != State::Resting && next == State::Resting);
            assert_eq!(ends, state == State::Resting && next != State::Resting);
        }
    }
}

#[test]
fn the_client_ticks_only_while_it_talks() {
    use client::{Action, Input, State};
    for state in State::ALL {
        for input in Input::ALL {
            let (next, actions) = client::step(state, input);
            let starts = actions.contains(&Action::StartTicking);
            let stops = actions.contains(&Action::StopTicking);
            assert_eq!(starts, state != State::Talking && next == State::Talking);
            assert_eq!(stops, state == State::Talking && next != State::Talking);
        }
    }
}

#[test]
fn the_printed_tables_are_those_of_the_machines() {
    let pages = BTreeMap::from([
        ("socket", page(&socket::rows())),
        ("server", page(&server::rows())),
        ("client", page(&client::rows())),
    ]);
    for (machine, page) in pages {
        let path = format!(
            "{}/src/rules/state/{machine}.md",
            env!("CARGO_MANIFEST_DIR")
        );
        if std::env::var_os("NETLOOP_WRITE_TABLES").is_some() {
            std::fs::write(&path, &page).expect("the table can be written");
        }
        let printed = std::fs::read_to_string(&path).expect("the table is there");
        assert!(
            printed == page,
            "{path} is not what the machine says; \
             NETLOOP_WRITE_TABLES=1 cargo test --test state_machines writes it anew"
        );
    }
}

fn page<S, I, A>(rows: &[state::Row<S, I, A>]) -> String
where
    S: std::fmt::Display + PartialEq,
    I: Debug,
    A: Debug,
{
    state::table(rows)
}
