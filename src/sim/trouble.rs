//! Faults, limits and shortages in a world.

use std::time::Duration;

use super::{Host, World};
pub use crate::kernel::sim::{Fault, Faults, Resource};

impl World {
    /// Sets how often each [kind of fault](Fault) happens on a host. Which calls fail follows from the seed.
    ///
    /// ```
    /// use netloop::sim::{Fault, Faults, World};
    ///
    /// for seed in 0..20 {
    ///     let mut world = World::new(seed);
    ///     let server = world.add_host("server")?;
    ///     let client = world.add_host("client")?;
    ///     let faults = Faults::none().with(Fault::Receive, 0.5).with(Fault::Send, 0.5);
    ///     world.set_faults(server, faults);
    ///
    ///     world.event_loop(server).create_server(|socket| {
    ///         socket.on_data(|socket, chunk| _ = socket.write(chunk));
    ///     }).listen_on(8000)?;
    ///     let event_loop = world.event_loop(client).set_data(0_usize);
    ///     let mut socket = event_loop.connect_to(("server", 8000))?;
    ///     socket.end_with([7; 10_000]).on_data(|socket, chunk| {
    ///         *socket.event_loop().data_mut::<usize>().unwrap() += chunk.len();
    ///     });
    ///     world.run()?;
    ///     assert_eq!(world.event_loop(client).data(), Some(&10_000_usize));
    /// }
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn set_faults(&mut self, host: Host, faults: Faults) {
        self.network().set_faults(self.index(host), faults);
    }

    /// Sets how many descriptors the program of a host may have open: RLIMIT_NOFILE. Standard input, output and
    /// error and the loop's epoll instance count. A call that would exceed the limit fails with `EMFILE`. `None`,
    /// the default, means no limit.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn set_descriptor_limit(&mut self, host: Host, limit: Option<usize>) {
        let limit = limit.unwrap_or(usize::MAX);
        self.network().set_descriptor_limit(self.index(host), limit);
    }

    /// How many descriptors the program of a host has open, counted as for the
    /// [limit](World::set_descriptor_limit). A test can check that none is leaked.
    ///
    /// ```
    /// let mut world = netloop::sim::World::new(1);
    /// let host = world.add_host("host")?;
    /// let before = world.descriptors(host);
    /// let mut server = world.event_loop(host).create_server(|_| {});
    /// let server = server.listen_on(8000)?.id();
    /// assert!(world.descriptors(host) > before);
    /// world.event_loop(host).server_at(server).close();
    /// world.run()?;
    /// assert_eq!(world.descriptors(host), before);
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn descriptors(&self, host: Host) -> usize {
        self.network().descriptors(self.index(host))
    }

    /// Lets a host run out of a resource for a while. If the shortage lasts already, the later end counts. It
    /// outlives a [`kill`](World::kill) and a [`crash`](World::crash).
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn exhaust(&mut self, host: Host, resource: Resource, span: Duration) {
        self.network().exhaust(self.index(host), resource, span);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io;

    use super::*;
    use crate::Error;
    use crate::kernel::sim::Place;

    /// The names of the errors in a cell of the table.
    fn names(cell: &str) -> BTreeSet<String> {
        let words = cell.split('`').skip(1).step_by(2);
        let errnos = words.filter(|word| word.starts_with('E') && !word.starts_with("EAI"));
        errnos.map(str::to_owned).collect()
    }

    fn name(errno: i32) -> String {
        let error = Error::of_call("call", &io::Error::from_raw_os_error(errno));
        error.code().expect("a known errno").to_owned()
    }

    #[test]
    fn the_table_of_faults_has_what_they_lead_to() {
        let source = include_str!("../kernel/sim/faults.rs");
        for fault in Fault::ALL {
            let start = format!("/// | `{fault:?}` |");
            let row = source.lines().find(|line| line.starts_with(&start));
            let cells: Vec<&str> = row.expect("a row").split(" | ").collect();
            let places = [Place::Path, Place::Near, Place::Far];
            let errnos = places.iter().flat_map(|place| fault.errnos(*place));
            let mut injected: BTreeSet<String> = errnos.map(|errno| name(*errno)).collect();
            if *fault == Fault::LookUp {
                injected.insert("ENOTFOUND".to_owned());
            }
            assert_eq!(names(cells[3]), injected, "{fault:?}");
        }
    }
}
