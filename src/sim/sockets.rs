//! The sockets of a world as its kernels know them.

use super::{Host, World};
pub use crate::kernel::sim::SocketInfo;
use crate::{ServerId, SocketId};

impl World {
    /// The sockets of a host as its kernel knows them, the oldest first: what `ss -a` prints. They show what a
    /// program cannot see, such as unread bytes, connections in a backlog, and connections that the program has
    /// closed and the kernel is still finishing.
    ///
    /// ```
    /// use netloop::sim::World;
    ///
    /// let mut world = World::new(4);
    /// let server = world.add_host("server")?;
    /// let client = world.add_host("client")?;
    /// world.event_loop(server).create_server(|socket| _ = socket.pause()).listen_on(8000)?;
    /// let mut socket = world.event_loop(client).connect_to(("server", 8000))?;
    /// socket.write("hello");
    /// let id = socket.id();
    /// world.run()?;
    ///
    /// let ours = world.sockets(client);
    /// assert_eq!(ours[0].to_string(), "ESTAB 0 0 10.0.0.2:32768 10.0.0.1:8000");
    /// assert_eq!((ours[0].sent, ours[0].socket()), (5, Some(id)));
    /// assert_eq!(world.sockets(server)[0].to_string(), "LISTEN 0 511 [::]:8000 *");
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn sockets(&self, host: Host) -> Vec<SocketInfo> {
        self.network().sockets_of(self.index(host))
    }
}

impl SocketInfo {
    /// The id of the program's socket, if it is registered with epoll.
    pub fn socket(&self) -> Option<SocketId> {
        let id = self.id.filter(|_| self.state != "LISTEN");
        id.map(SocketId)
    }

    /// The id of the program's server, if its listener is registered with epoll.
    pub fn server(&self) -> Option<ServerId> {
        let id = self.id.filter(|_| self.state == "LISTEN");
        id.map(ServerId)
    }
}
