//! The program's own data, kept by the loop, a socket or a server. It is lent together with its owner,
//! which can be used meanwhile.

use super::Loop;
use super::trace::Subject;
use crate::net::server::Server;
use crate::net::socket::Socket;
use crate::rules::data::Data;

/// A value that is out of its place. Dropping the loan puts it back, also during a panic.
struct Loan<'l, T: 'static> {
    event_loop: &'l mut Loop,
    owner: Subject,
    value: Option<Box<T>>,
}

impl<T: 'static> Drop for Loan<'_, T> {
    fn drop(&mut self) {
        let data = self.event_loop.data_mut_of(self.owner);
        if let (Some(data), Some(value)) = (data, self.value.take()) {
            data.give_back(value);
        }
    }
}

impl Loop {
    fn data_of(&self, owner: Subject) -> Option<&Data> {
        match owner {
            Subject::Loop => Some(&self.data),
            Subject::Socket(id) => self.entry_ref(id)?.data(),
            Subject::Server(id) => Some(&self.server_ref(id)?.data),
        }
    }

    /// The place for a new value. A socket that has none makes one.
    fn data_to_set(&mut self, owner: Subject) -> Option<&mut Data> {
        match owner {
            Subject::Socket(id) => Some(self.entry(id)?.data_to_set()),
            Subject::Loop | Subject::Server(_) => self.data_mut_of(owner),
        }
    }

    fn data_mut_of(&mut self, owner: Subject) -> Option<&mut Data> {
        match owner {
            Subject::Loop => Some(&mut self.data),
            Subject::Socket(id) => self.entry(id)?.data_mut(),
            Subject::Server(id) => Some(&mut self.server(id)?.data),
        }
    }

    #[track_caller]
    fn lend_of<T: 'static, R>(
        &mut self,
        owner: Subject,
        call: impl FnOnce(&mut T, &mut Loop) -> R,
    ) -> Option<R> {
        let value = self.data_mut_of(owner)?.lend()?;
        let mut loan = Loan {
            event_loop: self,
            owner,
            value: Some(value),
        };
        let Loan {
            event_loop, value, ..
        } = &mut loan;
        Some(call(value.as_mut()?, event_loop))
    }
}

/// The methods of an owner, which is bound to `$this`.
macro_rules! keeps_data {
    ($owner:ty, |$this:ident| $event_loop:expr, $subject:expr; $(#[$set:meta])*) => {
        impl $owner {
            $(#[$set])*
            ///
            /// # Panics
            /// If a value of this type is [lent](Self::lend) at the time.
            #[track_caller]
            pub fn set_data<T: 'static>(&mut self, value: T) -> &mut Self {
                let $this = &mut *self;
                let owner = $subject;
                if let Some(data) = $event_loop.data_to_set(owner) {
                    data.set(value);
                }
                self
            }

            /// The value of this type, if one was [set](Self::set_data).
            ///
            /// # Panics
            /// If it is [lent](Self::lend) at the time.
            #[track_caller]
            pub fn data<T: 'static>(&self) -> Option<&T> {
                let $this = self;
                $event_loop.data_of($subject)?.get()
            }

            /// A mutable reference to the value of this type, if one was [set](Self::set_data). To act on
            /// sockets meanwhile, use [`lend`](Self::lend).
            ///
            /// # Panics
            /// If it is [lent](Self::lend) at the time.
            #[track_caller]
            pub fn data_mut<T: 'static>(&mut self) -> Option<&mut T> {
                let $this = self;
                let owner = $subject;
                $event_loop.data_mut_of(owner)?.get_mut()
            }

            /// Removes the value of this type, if one was [set](Self::set_data), and returns it.
            ///
            /// # Panics
            /// If it is [lent](Self::lend) at the time.
            #[track_caller]
            pub fn take_data<T: 'static>(&mut self) -> Option<T> {
                let $this = self;
                let owner = $subject;
                $event_loop.data_mut_of(owner)?.take()
            }
        }
    };
}

keeps_data! { Loop, |this| this, Subject::Loop;
    /// Keeps a value of the program's own in the loop, one of each type; a second one of the same
    /// type replaces the first. It is dropped with the loop.
    ///
    /// Keep the state that callbacks share here, and not in an `Rc<RefCell<…>>`: [`lend`](Loop::lend) gives
    /// it to a callback together with the loop.
}

keeps_data! { Socket<'_>, |this| this.event_loop, Subject::Socket(this.id);
    /// Keeps a value of the program's own with the socket, one of each type, as a Node program adds a
    /// property to the object; a second one of the same type replaces the first.
    ///
    /// The value is dropped when the socket is gone: after `close`, and the ticks that it queued. Listeners
    /// of `close`, and write callbacks that run after them, still find it. A socket that connects again
    /// keeps it. If the socket is gone already, the value is dropped at once. A socket without data pays
    /// nothing.
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    ///
    /// struct Nick(String);
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let (ours, mut theirs) = UnixStream::pair().unwrap();
    /// event_loop
    ///     .socket_from_fd(ours)?
    ///     .set_data(Nick("nobody".into()))
    ///     .on_data(|socket, chunk| {
    ///         socket.lend(|nick: &mut Nick, socket| {
    ///             nick.0 = String::from_utf8_lossy(chunk).into_owned();
    ///             socket.write(format!("hello, {}", nick.0));
    ///         });
    ///     })
    ///     .on_close(|socket, _| assert_eq!(socket.data::<Nick>().unwrap().0, "alice"));
    /// std::io::Write::write_all(&mut theirs, b"alice").unwrap();
    /// theirs.shutdown(std::net::Shutdown::Write).unwrap();
    /// event_loop.run()?;
    /// assert_eq!(std::io::read_to_string(theirs).unwrap(), "hello, alice");
    /// # Ok::<(), netloop::Error>(())
    /// ```
}

keeps_data! { Server<'_>, |this| this.event_loop, Subject::Server(this.id);
    /// Keeps a value of the program's own with the server, one of each type; a second one of the
    /// same type replaces the first. Like the server itself, it lives as long as the loop.
}

impl Loop {
    /// Lends the value of this type to a closure, together with the loop: the closure can change the value
    /// and write to sockets, without `Rc` and `RefCell`. Returns what the closure returns; without such a
    /// value the closure is not called, and the answer is `None`.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use netloop::{EventLoop, Loop, SocketId};
    ///
    /// #[derive(Default)]
    /// struct Rooms {
    ///     members: BTreeMap<&'static str, Vec<SocketId>>,
    /// }
    ///
    /// impl Rooms {
    ///     fn say(&mut self, room: &str, words: &str, event_loop: &mut Loop) {
    ///         for member in self.members.get(room).into_iter().flatten() {
    ///             event_loop.socket_at(*member).write(words);
    ///         }
    ///     }
    /// }
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// event_loop.set_data(Rooms::default());
    /// event_loop.next_tick(|event_loop| {
    ///     event_loop.lend(|rooms: &mut Rooms, event_loop| {
    ///         rooms.say("lobby", "hello", event_loop);
    ///     });
    /// });
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// The value is out of its place during the call, and put back after it, also when the closure panics.
    /// The closure runs at once, as a part of the program's own statement; it is not a callback. Since no
    /// method runs callbacks before it returns, only the closure itself can ask for a value that is lent.
    /// Values of other types, and those of sockets and servers, can be lent inside it.
    ///
    /// # Panics
    /// If the value is lent already.
    #[track_caller]
    pub fn lend<T: 'static, R>(&mut self, call: impl FnOnce(&mut T, &mut Loop) -> R) -> Option<R> {
        self.lend_of(Subject::Loop, call)
    }
}

impl Socket<'_> {
    /// Lends the socket's value of this type to a closure, together with the socket; see
    /// [`Loop::lend`]. Without such a value, or when the socket is gone, the closure is not called,
    /// and the answer is `None`.
    ///
    /// # Panics
    /// If the value is lent already.
    #[track_caller]
    pub fn lend<T: 'static, R>(
        &mut self,
        call: impl FnOnce(&mut T, &mut Socket<'_>) -> R,
    ) -> Option<R> {
        let id = self.id;
        self.event_loop
            .lend_of(Subject::Socket(id), |value, event_loop| {
                call(value, &mut event_loop.socket_at(id))
            })
    }
}

impl Server<'_> {
    /// Lends the server's value of this type to a closure, together with the server; see
    /// [`Loop::lend`]. Without such a value the closure is not called, and the answer is `None`.
    ///
    /// ```
    /// struct Greeting(&'static str);
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let mut server = event_loop.create_server(|socket| {
    ///     let id = socket.server().unwrap();
    ///     let greeting = socket.event_loop().server_at(id).data::<Greeting>().unwrap().0;
    ///     socket.write(greeting);
    /// });
    /// server.set_data(Greeting("Welcome"));
    /// server.lend(|greeting: &mut Greeting, server| {
    ///     greeting.0 = if server.is_listening() { "Welcome" } else { "Too early" };
    /// });
    /// assert_eq!(server.data::<Greeting>().unwrap().0, "Too early");
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the value is lent already.
    #[track_caller]
    pub fn lend<T: 'static, R>(
        &mut self,
        call: impl FnOnce(&mut T, &mut Server<'_>) -> R,
    ) -> Option<R> {
        let id = self.id;
        self.event_loop
            .lend_of(Subject::Server(id), |value, event_loop| {
                call(value, &mut event_loop.server_at(id))
            })
    }
}
