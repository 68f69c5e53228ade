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
fn follow(from: socket::Standing, told: Told, input: socket::Input) -> (socket::Standing, Told) {
    use socket::{Action, Input, State};
    let is_new_life = from.life == State::Closed && input == Input::ConnectCalled;
    let (mut next, actions) = socket::step(from, input);
    let mut told = if is_new_life { Told::default() } else { told };
    for &action in actions {
        let was_queued = matches!(action, Action::EmitPrefinish | Action::EmitFinish);
        assert!(
            told.closes == 0 || was_queued,
            "{action:?} after close: {from:?} {input:?}"
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
    use socket::{Input, Readable, Standing, State, Writable};
    let reached = walk((Standing::NEW, Told::default()), |(socket, told)| {
        Input::ALL.map(|input| follow(socket, told, input)).to_vec()
    });
    for (socket, told) in &reached {
        let counts = [
            told.connects,
            told.fins,
            told.finishes,
            told.ends,
            told.closes,
            told.releases,
        ];
        let is_once = counts.iter().all(|count| *count <= 1);
        assert!(is_once, "{socket:?} {told:?}");
        let is_closed = socket.life == State::Closed;
        assert_eq!(is_closed, told.closes == 1, "{socket:?} {told:?}");
        assert_eq!(
            socket.is_destroyed(),
            told.releases == 1,
            "{socket:?} {told:?}"
        );
    }
    let mut reached: HashSet<Standing> = reached.into_iter().map(|(socket, _)| socket).collect();
    // Both halves are over only while the last of the two events is emitted: `Destroy` follows.
    reached.insert(Standing {
        receiving: Readable::Ended,
        sending: Writable::Finished,
        ..Standing::OPEN
    });
    assert_eq!(reached, HashSet::from_iter(Standing::all()));
}

/// Calls with each step that there is: where from, by what, where to, and what is to be done.
fn each_step(
    mut check: impl FnMut(socket::Standing, socket::Input, socket::Standing, &[socket::Action]),
) {
    for from in socket::Standing::all() {
        for input in socket::Input::ALL {
            let (next, actions) = socket::step(from, input);
            check(from, input, next, actions);
        }
    }
}

#[test]
fn a_destroyed_socket_closes_and_tells_nothing_but_what_was_queued() {
    use socket::{Action, Input, Readable, Standing, State, Writable};
    for socket in Standing::all() {
        let (left, actions) = socket::step(socket, Input::DestroyCalled);
        assert!(left.is_destroyed(), "{socket:?}");
        assert!(actions.iter().all(|action| !action.emits()), "{socket:?}");
    }
    each_step(|from, input, next, actions| {
        if from.life != State::Destroyed {
            return;
        }
        assert!(next.is_destroyed(), "{from:?} {input:?}");
        let is_told = match input {
            Input::EndDue => from.receiving == Readable::Due && from.sending != Writable::Broken,
            Input::FinishDue => matches!(from.sending, Writable::Sent | Writable::Due),
            Input::CloseDue => {
                let closed = (from.at(State::Closed), &[Action::EmitClose][..]);
                assert_eq!((next, actions), closed);
                true
            }
            _ => false,
        };
        assert_eq!(!actions.is_empty(), is_told, "{from:?} {input:?}");
    });
}

#[test]
fn what_a_call_feeds_emits_nothing() {
    for input in socket::Input::ALL {
        let mut emits = false;
        each_step(|_, fed, _, actions| {
            emits |= fed == input && actions.iter().any(|action| action.emits());
        });
        assert_eq!(emits, input.may_emit(), "{input:?}");
    }
}

#[test]
fn an_input_moves_one_part_of_a_socket() {
    each_step(|from, input, next, _| {
        let moved = [
            from.life != next.life,
            from.receiving != next.receiving,
            from.sending != next.sending,
        ];
        let count = moved.iter().filter(|moved| **moved).count();
        let is_new_life = from.life == socket::State::Closed && moved[0];
        assert!(count <= 1 || is_new_life, "{from:?} {input:?} {next:?}");
    });
}

#[test]
fn the_second_half_that_is_over_destroys_the_socket_and_an_end_offers_our_own() {
    use socket::{Action, Readable, Standing, Writable};
    let ended = Standing {
        receiving: Readable::Ended,
        ..Standing::OPEN
    };
    let over = Standing {
        sending: Writable::Finished,
        ..ended
    };
    each_step(|from, input, next, actions| {
        let is_new = from != next;
        let destroys = actions.contains(&Action::Destroy);
        assert_eq!(destroys, is_new && next == over, "{from:?} {input:?}");
        let offers = actions.contains(&Action::OfferEnd);
        assert_eq!(offers, is_new && next == ended, "{from:?} {input:?}");
    });
}

#[test]
fn once_a_write_has_failed_what_the_peer_does_goes_unheard_and_its_end_is_read_once() {
    use socket::{Input, Readable, State, Writable};
    each_step(|from, input, next, actions| {
        if (from.life, from.sending) == (State::Open, Writable::Broken) {
            let receiving = match (from.receiving, input) {
                (Readable::Open, Input::PeerEnded) => Readable::Eof,
                (same, _) => same,
            };
            assert_eq!(receiving, next.receiving, "{from:?} {input:?}");
            assert!(
                !actions.contains(&socket::Action::EmitEnd),
                "{from:?} {input:?}"
            );
        }
    });
}

#[test]
fn our_fin_leaves_only_after_everything_else_has() {
    use socket::{Action, Input, State, Writable};
    each_step(|from, input, _, actions| {
        if actions.contains(&Action::QueueShutdown) {
            assert_eq!((from.life, from.sending), (State::Open, Writable::Ending));
            assert_eq!(input, Input::Flushed);
        }
    });
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
fn a_server_has_a_timer_exactly_while_it_backs_off_or_awaits_handshakes() {
    use server::{Action, Input, State};
    let timers = [
        (State::BackingOff, Action::StartBackOff, Action::EndBackOff),
        (
            State::AwaitingHandshakes,
            Action::AwaitHandshakes,
            Action::EndAwait,
        ),
    ];
    for state in State::ALL {
        for input in Input::ALL {
            let (next, actions) = server::step(state, input);
            for (waiting, start, end) in timers {
                let is_new = state != waiting && next == waiting;
                let is_over = state == waiting && next != waiting;
                assert_eq!(actions.contains(&start), is_new, "{state:?} {input:?}");
                assert_eq!(actions.contains(&end), is_over, "{state:?} {input:?}");
            }
        }
    }
}

#[test]
fn a_server_that_accepts_its_last_connections_ends_for_whatever_stops_it() {
    use server::{Action, Input, State};
    for state in State::ALL {
        for input in [Input::Exhausted, Input::Failed] {
            let (next, actions) = server::step(state, input);
            let is_last = matches!(
                state,
                State::Closing | State::AwaitingHandshakes | State::Finishing
            );
            let ends = next == State::Draining && actions.contains(&Action::Release);
            assert_eq!(ends, is_last, "{state:?} {input:?}");
        }
    }
    // The last look at the backlog comes after the time for handshakes, however late that ends.
    let late = server::step(State::AwaitingHandshakes, Input::HandshakesDue);
    let expected = [Action::EndAwait, Action::AcceptAgain];
    assert_eq!(late, (State::Finishing, &expected[..]));
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

/// Which inputs move a half of a socket, by its life.
fn hears() -> String {
    use socket::{Input, Standing, State};
    let heard = |life: State, moves: &dyn Fn(Standing, Standing) -> bool| {
        let mut names = Vec::new();
        for input in Input::ALL {
            each_step(|from, fed, next, _| {
                let name = format!("{input:?}");
                let is_heard = fed == input && from.life == life && moves(from, next);
                if is_heard && next.life == life && !names.contains(&name) {
                    names.push(name);
                }
            });
        }
        names.join(", ")
    };
    let mut page = String::from(
        "| life | the receiving half hears | the sending half hears |\n| --- | --- | --- |\n",
    );
    for life in State::ALL {
        let receiving = heard(life, &|from, next| from.receiving != next.receiving);
        let sending = heard(life, &|from, next| from.sending != next.sending);
        page += &format!("| {life} | {receiving} | {sending} |\n");
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
