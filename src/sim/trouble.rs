//! What can go wrong in a world, at the wish of its test or by chance.

use std::time::Duration;

use super::{Host, World};
pub use crate::kernel::sim::{Fault, Faults, Resource};

impl World {
    /// Sets how often things go wrong on a host from now on. Which calls it strikes follows from the world's
    /// seed. See [`Fault`] for what there is.
    ///
    /// ```
    /// use netloop::sim::{Fault, Faults, World};
    ///
    /// for seed in 0..20 {
    ///     let mut world = World::new(seed);
    ///     let server = world.add_host("server")?;
    ///     let client = world.add_host("client")?;
    ///     let mut faults = Faults::none();
    ///     world.set_faults(server, faults.set(Fault::Receive, 0.5).set(Fault::Send, 0.5).clone());
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
    /// As [`address`](World::address).
    pub fn set_faults(&mut self, host: Host, faults: Faults) {
        self.network().set_faults(host.0, faults);
    }

    /// Sets how many descriptors a program on this host may have open, from now on: RLIMIT_NOFILE. Standard
    /// input, output and error and the loop's epoll instance count. Without a limit there is none.
    /// Beyond it, what needs a descriptor fails with `EMFILE`.
    ///
    /// # Panics
    /// As [`address`](World::address).
    pub fn set_descriptor_limit(&mut self, host: Host, limit: Option<usize>) {
        let limit = limit.unwrap_or(usize::MAX);
        self.network().set_descriptor_limit(host.0, limit);
    }

    /// Lets a host run out of something for a while, beginning now.
    ///
    /// # Panics
    /// As [`address`](World::address).
    pub fn exhaust(&mut self, host: Host, resource: Resource, span: Duration) {
        self.network().exhaust(host.0, resource, span);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io;

    use super::*;
    use crate::Error;
    use crate::kernel::sim::Place;

    /// The names of errors in a cell of the table.
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
            let mut dealt: BTreeSet<String> = errnos.map(|errno| name(*errno)).collect();
            if fault == Fault::LookUp {
                dealt.insert("ENOTFOUND".to_owned());
            }
            assert_eq!(names(cells[3]), dealt, "{fault:?}");
        }
    }
}
