//! Programs and machines that die, stop, sleep and begin again.

use std::mem;
use std::time::Duration;

use super::process::Process;
use super::{Host, World};

/// # Programs and machines that do not run
///
/// A program is [stopped](World::stop) or [killed](World::kill); a machine [sleeps](World::suspend),
/// [dies](World::crash) and is [turned on](World::restart). What each means while another one lasts:
///
/// | | the program is stopped | the machine sleeps | the machine is off |
/// | --- | --- | --- | --- |
/// | `stop` | the later end counts | it goes on when both are over | no effect |
/// | `suspend` | it goes on when both are over | the later end counts | no effect |
/// | `kill` | it dies at once; the next one is not stopped | it dies; peers learn of that when the machine wakes | what the next one was given is forgotten |
/// | `crash` | as if it ran | as if it was awake | as `kill` |
/// | `restart` | no effect | it wakes at once | it is on |
impl World {
    /// Kills the program of a host, as SIGKILL does: no callback of it runs, and the kernel closes its
    /// sockets. The host gets a new, empty loop. The files of its Unix sockets remain.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn kill(&mut self, host: Host) {
        let index = self.index(host);
        self.network().die(index);
        let process = &mut self.processes[index];
        let next = Process::new(process.kernel.of_successor());
        drop(mem::replace(process, next));
    }

    /// Lets the machine of a host die, as without power: its program and its sockets are gone, and no peer
    /// learns of that. What is sent to it meanwhile is late, as in a [partition](World::partition). The host
    /// gets a new, empty loop, which runs after [`restart`](World::restart), and whose time begins then.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn crash(&mut self, host: Host) {
        self.network().crash(self.index(host));
        self.kill(host);
    }

    /// Turns the machine of a host on. If it was off, it answers what it is sent on connections from before
    /// the crash with a reset. If it was asleep, it wakes, and its program goes on. If it is on, nothing
    /// happens.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn restart(&mut self, host: Host) {
        self.network().turn_on(self.index(host));
    }

    /// Stops the program of a host for a while, beginning now, as SIGSTOP does, or a hypervisor that has no
    /// time for it. Its kernel goes on: connections are made, bytes arrive, until the buffers are full. When
    /// the program goes on, its clock has jumped, and its wait was interrupted: what is due by then comes
    /// before what is ready.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn stop(&mut self, host: Host, span: Duration) {
        self.network().stop(self.index(host), span);
    }

    /// Lets the machine of a host sleep for a while, beginning now. Nothing reaches it, and its clock stands
    /// still (CLOCK_MONOTONIC): to its program no time passes.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn suspend(&mut self, host: Host, span: Duration) {
        self.network().suspend(self.index(host), span);
    }
}
