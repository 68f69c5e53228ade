//! The state machines, walked whole: every state with every input, and every word of
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
    let is_new_life = matches!((state, input), (State::Closed(..), Input::ConnectCalled));
    let (mut next, actions) = socket::step(state, input);
    let mut told = if is_new_life { Told::default() } else { told };
    for &action in actions {
        let was_queued = matches!(action, Action::EmitPrefinish | Action::EmitFinish);
        assert!(
            told.closes == 0 || was_queued,
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
        let is_closed = matches!(state, State::Closed(..));
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
fn a_destroyed_socket_closes_and_tells_nothing_but_what_was_queued() {
    use socket::{Action, Input, Readable, State, Writable};
    for state in State::all() {
        let (left, actions) = socket::step(state, Input::DestroyCalled);
        assert!(left.is_destroyed(), "{state:?}");
        assert!(actions.iter().all(|action| !action.emits()), "{state:?}");
        let State::Destroyed(receiving, sending) = left else {
            continue;
        };
        let closed = (State::Closed(receiving, sending), &[Action::EmitClose][..]);
        assert_eq!(socket::step(left, Input::CloseDue), closed);
        let is_end_due = receiving == Readable::Due && sending != Writable::Broken;
        let is_finish_due = matches!(sending, Writable::Sent | Writable::Due);
        for input in Input::ALL {
            let (next, actions) = socket::step(left, input);
            let emits = match input {
                Input::CloseDue => true,
                Input::EndDue => is_end_due,
                Input::FinishDue => is_finish_due,
                _ => false,
            };
            assert_eq!(!actions.is_empty(), emits, "{left:?} {input:?}");
            assert!(next.is_destroyed(), "{left:?} {input:?}");
        }
    }
}

#[test]
fn what_a_call_feeds_emits_nothing() {
    use socket::{Input, State};
    for input in Input::ALL {
        let steps = State::all()
            .into_iter()
            .map(|state| socket::step(state, input).1);
        let emits = steps.flatten().any(|action| action.emits());
        assert_eq!(emits, input.may_emit(), "{input:?}");
    }
}

#[test]
fn an_input_moves_one_part_of_a_socket() {
    use socket::{Input, State};
    for state in State::all() {
        for input in Input::ALL {
            let (next, _) = socket::step(state, input);
            let is_new_life = matches!((state, input), (State::Closed(..), Input::ConnectCalled));
            let (receiving, sending) = state.halves();
            let (received, sent) = next.halves();
            let moved = [
                life(state) != life(next),
                receiving != received,
                sending != sent,
            ];
            let count = moved.iter().filter(|moved| **moved).count();
            assert!(count <= 1 || is_new_life, "{state:?} {input:?} {next:?}");
        }
    }
}

#[test]
fn the_second_half_that_is_over_destroys_the_socket_and_an_end_offers_our_own() {
    use socket::{Action, Input, Readable, State, Writable};
    for state in State::all() {
        for input in Input::ALL {
            let (next, actions) = socket::step(state, input);
            let is_over = next == State::Open(Readable::Ended, Writable::Finished);
            let destroys = actions.contains(&Action::Destroy);
            assert_eq!(destroys, is_over && state != next, "{state:?} {input:?}");
            let may_write = next == State::Open(Readable::Ended, Writable::Open);
            let offers = actions.contains(&Action::OfferEnd);
            assert_eq!(offers, may_write && state != next, "{state:?} {input:?}");
        }
    }
}

#[test]
fn once_a_write_has_failed_what_the_peer_does_goes_unheard() {
    use socket::{Input, Readable, State, Writable};
    for receiving in Readable::ALL {
        let broken = State::Open(receiving, Writable::Broken);
        for input in [
            Input::PeerEnded,
            Input::Drained,
            Input::Unshifted,
            Input::EndDue,
        ] {
            assert_eq!(socket::step(broken, input), (broken, &[][..]), "{input:?}");
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
        ("socket/life", page(&socket::life::rows())),
        ("socket/receiving", page(&socket::receiving::rows())),
        ("socket/sending", page(&socket::sending::rows())),
        ("socket/hears", hears()),
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

/// A state's life, without its halves.
fn life(state: socket::State) -> String {
    state.to_string().split(' ').next().unwrap().to_owned()
}

/// Which inputs move a half of a socket, by its life.
fn hears() -> String {
    use socket::{Input, State};
    let heard = |name: &str, moves: &dyn Fn(State, State) -> bool| {
        let is_heard = |input: &&Input| {
            State::all().into_iter().any(|state| {
                let (next, _) = socket::step(state, **input);
                life(state) == name && life(next) == name && moves(state, next)
            })
        };
        let inputs = Input::ALL.iter().filter(is_heard);
        let names: Vec<String> = inputs.map(|input| format!("{input:?}")).collect();
        names.join(", ")
    };
    let mut page = String::from(
        "| life | the receiving half hears | the sending half hears |\n| --- | --- | --- |\n",
    );
    for name in ["idle", "opening", "open", "destroyed", "closed"] {
        let receiving = heard(name, &|state, next| state.halves().0 != next.halves().0);
        let sending = heard(name, &|state, next| state.halves().1 != next.halves().1);
        page += &format!("| {name} | {receiving} | {sending} |\n");
    }
    page
}

fn page<S, I, A>(rows: &[state::Row<S, I, A>]) -> String
where
    S: std::fmt::Display + PartialEq,
    I: Debug,
    A: Debug,
{
    state::table(rows)
}
