//! Runs a program in a world of its own, and checks it throughout.

use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use netloop::Error;
use netloop::sim::{Fault, Faults, Host, Resource, World};

use super::host::signal;
use super::play::{Broken, NAMES, Planned, Play};
use super::program::{Action, Actor, HOSTS, Program, When};
use super::trace::{Trace, follow};

/// How long a server rests at most in a shortage, a program is stopped, and a machine is suspended: in all.
const PROMPT: Duration = Duration::from_secs(3);
/// The most panics and unheard errors of a run.
const THROWS_MAX: usize = 500;
/// How many turns the loops may run while no time passes.
const TURNS_MAX: usize = 50_000;
/// How many turns the loops may run for each callback, and for each byte.
const TURNS_PER_CALLBACK: usize = 200;
const TURNS_PER_BYTE: usize = 4;
/// How long a world may take to come to rest. Programs wait for some minutes, kernels for a quarter of an hour.
const REST_MAX: Duration = Duration::from_secs(4 * 3600);

thread_local! {
    /// Where the last panic was, and its message.
    pub(super) static LAST_PANIC: RefCell<(String, String)> =
        const { RefCell::new((String::new(), String::new())) };
}

struct Run {
    world: World,
    hosts: Vec<Host>,
    play: Play,
    throws: usize,
    /// The pairs of hosts between which urgent data was sent.
    sent_urgent: HashSet<(usize, usize)>,
    /// When the last shortage ends.
    shortage_end: Duration,
}

/// Runs a program. Returns the hash of its course of events; an error is a broken rule.
pub(super) fn run(program: &Program, trace: Trace) -> Result<u64, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut run = Run::new(program, trace);
        run.all(program);
        run.play.check_end();
        run.play.with(|state| match state.fault.take() {
            Some(fault) => Err(fault),
            None => Ok(state.course.number()),
        })
    }));
    outcome.unwrap_or_else(|_| {
        let (place, message) = LAST_PANIC.take();
        Err(format!("a panic at {place}: {message}"))
    })
}

impl Run {
    fn new(program: &Program, trace: Trace) -> Run {
        let mut world = World::new(program.seed);
        world.set_turn_limit(TURNS_MAX);
        if let Some((send, receive)) = program.buffers {
            world.set_buffers(send, receive);
        }
        let (play, mut hosts) = (Play::new(program), Vec::new());
        for name in NAMES {
            let host = world.add_host(name).expect("a host");
            if let Some(seed) = program.faults[hosts.len()] {
                let mut faults = Faults::of_seed(seed);
                if program.has_paths() {
                    faults = faults.with(Fault::Accept, 0.0).with(Fault::Register, 0.0);
                }
                world.set_faults(host, faults);
            }
            let event_loop = world.event_loop(host);
            if trace != Trace::Off {
                let burst_max = program.burst_max(hosts.len());
                follow(event_loop, hosts.len(), trace, burst_max, play.clone());
            }
            play.boot(event_loop, hosts.len());
            hosts.push(host);
        }
        Run {
            world,
            hosts,
            play,
            throws: 0,
            sent_urgent: HashSet::new(),
            shortage_end: Duration::ZERO,
        }
    }

    fn all(&mut self, program: &Program) {
        for step in &program.steps {
            if let When::World(host) = step.when {
                self.step(host % HOSTS, &step.action);
            }
        }
        for host in self.hosts.clone() {
            self.world.set_faults(host, Faults::none());
            self.world.set_descriptor_limit(host, None);
            self.world.restart(host);
        }
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            self.world.heal(self.hosts[one], self.hosts[other]);
        }
        self.advance(self.shortage_end.saturating_sub(self.world.now()) + PROMPT);
        for host in 0..HOSTS {
            self.check_backlogs(host);
        }
        self.rest();
        self.resume_all();
        self.rest();
        self.play.forget_steps();
        self.play.drop_handles();
        self.destroy();
        self.run();
        for (at, (host, name)) in self.hosts.iter().zip(NAMES).enumerate() {
            let count = self.world.descriptors(*host);
            let own = self.play.own_descriptors(at);
            // The waker is created when it is first needed.
            if !(own - 1..=own).contains(&count) {
                self.play
                    .fault(format!("descriptors are leaked: {count} of {name}"));
            }
            if let Some(info) = self.world.sockets(*host).first() {
                self.play
                    .fault(format!("a kernel keeps a socket: {info} of {name}"));
            }
            let left = self.world.event_loop(*host).holders();
            if !left.is_empty() {
                self.play
                    .fault(format!("a loop is still held: {name} by {left:?}"));
            }
        }
    }

    fn step(&mut self, host: usize, action: &Action) {
        let (play, here) = (self.play.clone(), self.hosts[host]);
        match action {
            Action::Serve(number) => play.serve(self.world.event_loop(here), host, *number),
            Action::Connect(number, server) => {
                play.connect(self.world.event_loop(here), host, *number, *server);
            }
            Action::Advance(millis) => self.advance(Duration::from_millis(*millis)),
            Action::CloseAfterBacklog if play.host(Actor::Server(0)) == Some(host) => {
                play.act_on_server(self.world.event_loop(here), 0, action);
            }
            Action::Partition(other) if *other != host => {
                self.world.partition(here, self.hosts[*other]);
            }
            Action::Heal(other) => self.world.heal(here, self.hosts[*other]),
            Action::Kill => {
                self.world.kill(here);
                self.note_death(host, false);
                play.boot(self.world.event_loop(here), host);
            }
            Action::Crash => {
                self.world.crash(here);
                self.note_death(host, true);
                play.boot(self.world.event_loop(here), host);
            }
            Action::Restart => self.world.restart(here),
            Action::ResetConnections(other) => self.world.reset(here, self.hosts[*other]),
            Action::StopProgram(millis) => self.world.stop(here, Duration::from_millis(*millis)),
            Action::Suspend(millis) => self.world.suspend(here, Duration::from_millis(*millis)),
            Action::Exhaust(millis) => {
                let resource = match millis % 2 {
                    0 => Resource::Files,
                    _ => Resource::Memory,
                };
                let span = Duration::from_millis(*millis);
                self.world.exhaust(here, resource, span);
                self.shortage_end = self.shortage_end.max(self.world.now() + span);
            }
            // Only once: a second urgent byte would make the first one part of the stream.
            Action::SendUrgent(other) if self.sent_urgent.insert((host, *other)) => {
                self.world.send_urgent(here, self.hosts[*other]);
            }
            Action::RemoveFile(number) => {
                let path = play.place(*number).path(*number);
                self.world.remove_file(here, path);
            }
            Action::Descriptors(limit) => self.world.set_descriptor_limit(here, *limit),
            Action::Raise(number) => {
                for number in if *number == 2 {
                    0..2
                } else {
                    *number..number + 1
                } {
                    self.world.raise(here, signal(number));
                    play.note_signal(host, signal(number));
                }
            }
            _ => {}
        }
    }

    /// Checks that no connection waits at a host whose program is not disturbed.
    fn check_backlogs(&mut self, host: usize) {
        if self.play.is_undisturbed(host) {
            (self.play).check_backlogs(&mut self.world, host, self.hosts[host]);
        }
    }

    /// Notes that the program of a host is gone, and perhaps its machine.
    fn note_death(&self, host: usize, host_has_crashed: bool) {
        self.play.with(|state| {
            for end in state.ends.iter_mut().filter(|end| end.host == host) {
                end.is_killed |= !end.has_closed;
                end.host_has_crashed |= host_has_crashed;
            }
            state.servers.retain(|_, keeper| keeper.host != host);
        });
    }

    /// Runs the world until it is at rest, and checks it.
    fn rest(&mut self) {
        self.run();
        self.play.check_kernels(&mut self.world, &self.hosts);
        self.play.check_rest(&mut self.world, &self.hosts);
        self.play.check_loops(&mut self.world, &self.hosts);
    }

    /// Runs the world until it is at rest.
    fn run(&mut self) {
        let end = self.world.now() + REST_MAX;
        let mut span = Duration::from_millis(1);
        let mut is_at_rest = false;
        while !is_at_rest && self.world.now() < end {
            let next = end.min(self.world.now() + span);
            is_at_rest = self.run_on(|world| world.run_within(next.saturating_sub(world.now())));
            if !is_at_rest {
                let wait = |world: &mut World| world.advance(next.saturating_sub(world.now()));
                self.run_on(|world| wait(world).map(|()| true));
            }
            self.play.check_kernels(&mut self.world, &self.hosts);
            span *= 2;
        }
        if !is_at_rest {
            self.play.fault("a world does not come to rest");
        }
    }

    /// Runs the world for a time.
    fn advance(&mut self, time: Duration) {
        let end = self.world.now() + time;
        self.run_on(|world| {
            world
                .advance(end.saturating_sub(world.now()))
                .map(|()| true)
        });
    }

    /// Runs the world, and goes on after each panic and each unheard error.
    fn run_on(&mut self, run: impl Fn(&mut World) -> Result<bool, Error>) -> bool {
        while self.throws < THROWS_MAX && !self.play.is_broken() {
            let world = &mut self.world;
            match catch_unwind(AssertUnwindSafe(|| run(world))) {
                Ok(Ok(is_at_rest)) => {
                    self.check_turns();
                    return is_at_rest;
                }
                Ok(Err(error)) => self.unheard(&error),
                Err(thrown) if thrown.is::<Planned>() => self.play.note_throw(),
                Err(broken) if broken.is::<Broken>() => return true,
                Err(panic) => resume_unwind(panic),
            }
            self.throws += 1;
        }
        if !self.play.is_broken() {
            self.play.fault("a run throws without end");
        }
        true
    }

    fn unheard(&mut self, error: &Error) {
        let socket = error.socket();
        let is_allowed = self.play.with(|state| {
            let mut ends = state.ends.iter_mut().rev();
            let end = ends.find(|end| Some(end.id) == socket && !end.is_killed);
            let deaf = end
                .filter(|end| end.manner.lacks_error_listener)
                .map(|end| {
                    end.note_throw();
                    end.host
                });
            state.note_throw_on(deaf);
            deaf.is_some()
        });
        if !is_allowed {
            self.play.fault(format!("a run ends: {error}"));
        }
    }

    /// Checks that the loops do not spin: few turns have neither a callback nor bytes.
    fn check_turns(&mut self) {
        let hosts = self.hosts.iter();
        let turns: u64 = hosts.map(|host| self.world.event_loop(*host).turns()).sum();
        let (callbacks, bytes) = self.play.with(|state| {
            let written = state.ends.iter().map(|end| end.written + end.received);
            (state.callbacks, written.sum::<usize>())
        });
        let most = (callbacks + 50) * TURNS_PER_CALLBACK + bytes * TURNS_PER_BYTE;
        if turns > most as u64 {
            self.play.fault(format!(
                "the loops spin: {turns} turns for {callbacks} callbacks"
            ));
        }
    }

    /// Lets all ends read, send and hold their loops.
    fn resume_all(&mut self) {
        let play = self.play.clone();
        let ends = play.with(|state| {
            state
                .ends
                .iter_mut()
                .for_each(|end| (end.was_unreferenced, end.is_stopped) = (false, false));
            state
                .servers
                .values_mut()
                .for_each(|it| it.was_unreferenced = false);
            let servers: Vec<_> = state.servers.values().map(|it| (it.host, it.id)).collect();
            let ends: Vec<_> = state.ends.iter().map(|end| (end.host, end.id)).collect();
            (servers, ends)
        });
        for (host, id) in ends.0 {
            self.world.event_loop(self.hosts[host]).server_at(id).ref_();
        }
        for (host, id) in ends.1 {
            let mut socket = self.world.event_loop(self.hosts[host]).socket_at(id);
            socket.ref_().resume();
            while socket.writable_corked() > 0 {
                socket.uncork();
            }
        }
    }

    /// Destroys all sockets, and closes all servers.
    fn destroy(&mut self) {
        let (ends, servers) = self.play.with(|state| {
            let ends: Vec<_> = state.ends.iter().map(|end| (end.host, end.id)).collect();
            let servers: Vec<_> = state.servers.values().map(|it| (it.host, it.id)).collect();
            (ends, servers)
        });
        for (host, id) in servers {
            self.world
                .event_loop(self.hosts[host])
                .server_at(id)
                .close();
        }
        for (host, id) in ends {
            self.world
                .event_loop(self.hosts[host])
                .socket_at(id)
                .destroy();
        }
    }
}
