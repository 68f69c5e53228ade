//! Programs that are killed or stopped, and machines that crash, sleep and restart.

use std::mem;
use std::time::Duration;

use super::process::Process;
use super::{Host, World};

/// # Outages
///
/// A program can be [stopped](World::stop) or [killed](World::kill); a machine can [sleep](World::suspend),
/// [crash](World::crash) and [restart](World::restart). Their effects while another outage lasts:
///
/// | | on a stopped program | on a sleeping machine | on a machine that is off |
/// | --- | --- | --- | --- |
/// | `stop` | the later end counts | the program goes on when both are over | none |
/// | `suspend` | the program goes on when both are over | the later end counts | none |
/// | `kill` | the program dies at once; the next one is not stopped | the program dies at once; its peers notice when the machine wakes | the next program loses what it was given |
/// | `crash` | as on a running program | as on a machine that is awake | as `kill` |
/// | `restart` | none | the machine wakes at once | the machine is turned on |
impl World {
    /// Kills the program of a host, as SIGKILL does: none of its callbacks run, and the kernel closes its
    /// sockets. The files of its Unix sockets remain. The host gets a new, empty loop.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn kill(&mut self, host: Host) {
        let index = self.index(host);
        self.network().kill_program(index);
        let process = &mut self.processes[index];
        let next = Process::new(process.kernel.of_successor());
        drop(mem::replace(process, next));
        self.trace(index);
    }

    /// Crashes the machine of a host, as a power failure does: its program and its sockets are gone, and
    /// nothing is sent to their peers. What is sent to the host meanwhile is late, as in a
    /// [partition](World::partition). The host gets a new, empty loop, which runs after
    /// [`restart`](World::restart), and whose time begins then.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn crash(&mut self, host: Host) {
        self.network().crash(self.index(host));
        self.kill(host);
    }

    /// Turns the machine of a host on. After a crash, it answers segments of earlier connections with a reset.
    /// If it is asleep, it wakes, and its program goes on. If it is on, nothing happens.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn restart(&mut self, host: Host) {
        self.network().turn_on(self.index(host));
    }

    /// Stops the program of a host for a while, as SIGSTOP does, or a hypervisor that does not schedule it. Its
    /// kernel keeps running: connections are made and bytes arrive until the buffers are full. When the program
    /// goes on, its clock has jumped, and its wait fails with `EINTR`: timers that are due run before readiness
    /// is served.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn stop(&mut self, host: Host, span: Duration) {
        self.network().stop(self.index(host), span);
    }

    /// Suspends the machine of a host for a while. Nothing reaches it, and its clock (CLOCK_MONOTONIC) stands
    /// still: for its program, and for the time-outs of its connections, no time passes.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn suspend(&mut self, host: Host, span: Duration) {
        self.network().suspend(self.index(host), span);
    }
}
