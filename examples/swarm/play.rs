//! Runs the steps of a program, each in its callback.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::panic::resume_unwind;
use std::rc::Rc;

use netloop::{Error, Loop};

use super::course::Course;
use super::end::End;
use super::host::LoopState;
use super::program::{Action, Actor, HOSTS, Program, When};
use super::server::ServerState;

/// The hosts' names.
pub(super) const NAMES: [&str; 3] = ["server", "one", "two"];
/// The payload of a panic that a step asks for.
pub(super) struct Planned;
/// The payload of the panic that ends a run after a broken rule.
pub(super) struct Broken;

/// What the callbacks share.
pub(super) struct State {
    pub(super) program: Program,
    steps: HashMap<(Actor, usize), Vec<Action>>,
    pub(super) ends: Vec<End>,
    pub(super) by_actor: HashMap<Actor, usize>,
    pub(super) servers: BTreeMap<usize, ServerState>,
    pub(super) loops: [LoopState; HOSTS],
    /// The actor whose callback is running.
    pub(super) current: Option<Actor>,
    pub(super) callbacks: usize,
    /// The last error of a socket.
    pub(super) last_error: Option<Error>,
    /// The addresses that are found for the clients, and were not told.
    pub(super) found: HashMap<usize, Vec<IpAddr>>,
    pub(super) course: Course,
    /// The first broken rule.
    pub(super) fault: Option<String>,
}

#[derive(Clone)]
pub(super) struct Play(pub(super) Rc<RefCell<State>>);

impl State {
    /// The number of the end that an actor's socket is at present: another one after a reconnect.
    pub(super) fn end_of(&self, actor: Actor) -> Option<usize> {
        let number = *self.by_actor.get(&actor)?;
        let me = self.ends[number].me.upgrade();
        Some(me.map_or(number, |me| me.get()))
    }

    /// Whether what is written to one actor's socket comes, through the pipes, to another's.
    pub(super) fn leads_to(&self, to: Actor, goal: Actor) -> bool {
        let (mut seen, mut open) = (HashSet::new(), vec![to.peer()]);
        while let Some(actor) = open.pop() {
            if !seen.insert(actor) {
                continue;
            }
            let ends = self.ends.iter().filter(|end| end.actor == actor);
            let targets: Vec<_> = ends.flat_map(|end| &end.piped_into).collect();
            let into = self.ends.iter().filter(|end| targets.contains(&&end.id));
            open.extend(into.map(|end| end.actor.peer()));
        }
        seen.contains(&goal)
    }

    /// Notes that a callback has thrown on a host.
    pub(super) fn note_throw_on(&mut self, host: Option<usize>) {
        let ends = self.ends.iter_mut();
        ends.filter(|end| Some(end.host) == host)
            .for_each(|end| end.host_has_thrown = true);
        if let Some(host) = host {
            self.loops[host].has_thrown = true;
        }
    }
}

impl Play {
    pub(super) fn new(program: &Program) -> Play {
        let mut steps: HashMap<(Actor, usize), Vec<Action>> = HashMap::new();
        for step in &program.steps {
            if let When::Callback(actor, nth) = step.when {
                let all = steps.entry((actor, nth)).or_default();
                all.push(step.action.clone());
            }
        }
        Play(Rc::new(RefCell::new(State {
            program: program.clone(),
            steps,
            ends: Vec::new(),
            by_actor: HashMap::new(),
            servers: BTreeMap::new(),
            loops: Default::default(),
            current: None,
            callbacks: 0,
            last_error: None,
            found: HashMap::new(),
            course: Course::new(),
            fault: None,
        })))
    }

    pub(super) fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.0.borrow_mut())
    }

    pub(super) fn end<R>(&self, number: usize, change: impl FnOnce(&mut End) -> R) -> R {
        self.with(|state| change(&mut state.ends[number]))
    }

    pub(super) fn fault(&self, words: impl Into<String>) {
        self.with(|state| _ = state.fault.get_or_insert(words.into()));
    }

    /// Forgets the steps that were not run, because the run ends and destroys everything.
    pub(super) fn forget_steps(&self) {
        self.with(|state| {
            state.steps.clear();
            state
                .ends
                .iter_mut()
                .for_each(|end| end.may_be_destroyed = true);
        });
    }

    /// Notes that the running callback has thrown.
    pub(super) fn note_throw(&self) {
        self.with(|state| {
            let actor = state.current.take();
            let host = match actor {
                Some(Actor::Server(number)) => state.servers.get_mut(&number).map(|server_state| {
                    server_state.has_thrown = true;
                    server_state.host
                }),
                Some(actor) => state.by_actor.get(&actor).map(|number| {
                    let end = &mut state.ends[*number];
                    end.note_throw();
                    end.host
                }),
                None => None,
            };
            state.note_throw_on(host);
        });
    }

    /// Whether a callback has thrown on a host.
    pub(super) fn has_thrown(&self, host: usize) -> bool {
        self.with(|state| state.loops[host].has_thrown)
    }

    /// Whether a rule is broken.
    pub(super) fn is_broken(&self) -> bool {
        self.with(|state| state.fault.is_some())
    }

    /// Runs the steps of an actor's next callback.
    pub(super) fn act(&self, event_loop: &mut Loop, actor: Actor) {
        if self.is_broken() {
            resume_unwind(Box::new(Broken));
        }
        let now = event_loop.now();
        let actions = self.with(|state| {
            state.current = Some(actor);
            state.callbacks += 1;
            let count = match actor {
                Actor::Server(number) => state.servers.get_mut(&number).map(|it| &mut it.callbacks),
                _ => (state.by_actor.get(&actor)).map(|number| &mut state.ends[*number].callbacks),
            };
            let nth = count.map_or(0, |count| {
                *count += 1;
                *count
            });
            state.course.note((actor, nth, now));
            state.steps.remove(&(actor, nth)).unwrap_or_default()
        });
        self.do_all(event_loop, actor, &actions);
        self.with(|state| state.current = None);
    }

    /// Panics in the callback of an actor.
    pub(super) fn panic(&self, actor: Actor) {
        self.with(|state| state.current = Some(actor));
        resume_unwind(Box::new(Planned));
    }

    fn do_all(&self, event_loop: &mut Loop, actor: Actor, actions: &[Action]) {
        for action in actions {
            self.perform(event_loop, actor, action);
        }
    }

    /// Runs the steps of the call that has created an actor.
    pub(super) fn begin(&self, event_loop: &mut Loop, actor: Actor) {
        let actions = self.with(|state| state.steps.remove(&(actor, 0)));
        self.do_all(event_loop, actor, &actions.unwrap_or_default());
    }

    pub(super) fn host(&self, actor: Actor) -> Option<usize> {
        self.with(|state| match actor {
            Actor::Server(number) => state.servers.get(&number).map(|it| it.host),
            _ => state.by_actor.get(&actor).map(|it| state.ends[*it].host),
        })
    }

    fn perform(&self, event_loop: &mut Loop, actor: Actor, action: &Action) {
        let Some(host) = self.host(actor) else { return };
        match action {
            Action::On(other, action) => {
                if self.host(*other) == Some(host) {
                    self.perform(event_loop, *other, action);
                }
            }
            Action::Serve(number) => self.serve(event_loop, host, *number),
            Action::Connect(number, server) => self.connect(event_loop, host, *number, *server),
            Action::Abort(number) => {
                let handle = self.with(|state| {
                    let number = *state.by_actor.get(&Actor::Client(*number))?;
                    let end = &mut state.ends[number];
                    end.may_be_destroyed |= end.host == host;
                    end.abort
                });
                if let Some(handle) = handle {
                    event_loop.abort(handle);
                }
            }
            Action::Stop => event_loop.stop(),
            Action::Panic => resume_unwind(Box::new(Planned)),
            Action::Tick | Action::Microtask => {
                let later = self.clone();
                let act = move |event_loop: &mut Loop| later.act(event_loop, actor);
                match action {
                    Action::Tick => event_loop.next_tick(act),
                    _ => event_loop.queue_microtask(act),
                }
            }
            action if action.is_of_loop() => self.act_on_loop(event_loop, host, actor, action),
            _ => match actor {
                Actor::Server(number) => self.act_on_server(event_loop, number, action),
                _ => {
                    let Some(number) = self.with(|state| state.end_of(actor)) else {
                        return;
                    };
                    self.act_on_socket(event_loop, number, action);
                    let id = self.end(number, |end| end.id);
                    let socket = event_loop.socket_at(id);
                    self.with(|state| {
                        state.course.note(action);
                        state.course.note_socket(&socket);
                    });
                }
            },
        }
    }
}
