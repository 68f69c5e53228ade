//! The network between the hosts of a world: partitions, latencies, buffers, resets and urgent data.

use std::ops::Range;
use std::time::Duration;

use super::{Host, World};

impl World {
    /// Partitions two hosts: nothing passes between them, in either direction, until the partition is
    /// [healed](World::heal). What is sent meanwhile is late, not lost, until its kernel gives up. As in Linux
    /// 6.18, a connect fails with `ETIMEDOUT` after 131 seconds, and a connection after 15 minutes with
    /// unacknowledged data or unanswered probes of a closed window, or when its
    /// [keep-alive](crate::Socket::set_keep_alive) probes give up. The kernel drops an orphan, a connection that
    /// its program has closed, after 102 seconds with unacknowledged data, or after 60 seconds in FIN-WAIT-2;
    /// and a connection in SYN-RECV after 63 seconds. The peer notices that only when it sends.
    ///
    /// Acknowledgements and resets are late as well. Linux does not retransmit them, and may leave a host with a
    /// connection that the other one has lost. For a test of that, [crash](World::crash) the machine of the other.
    ///
    /// A host always reaches itself: partitioning it from itself has no effect.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn partition(&mut self, one: Host, other: Host) {
        self.partition_oneway(one, other);
        self.partition_oneway(other, one);
    }

    /// As [`partition`](World::partition), in one direction: what `to` sends arrives at `from`, but no answer
    /// comes back.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn partition_oneway(&mut self, from: Host, to: Host) {
        self.network().cut(self.index(from), self.index(to));
    }

    /// Ends a partition, in both directions. What was sent meanwhile arrives soon: its next retransmission is
    /// due within 200 ms.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn heal(&mut self, one: Host, other: Host) {
        self.heal_oneway(one, other);
        self.heal_oneway(other, one);
    }

    /// Ends a partition in one direction.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn heal_oneway(&mut self, from: Host, to: Host) {
        self.network().heal(self.index(from), self.index(to));
    }

    /// Sets the latency of the network: how long a segment takes from one host to another. By default it is one
    /// to five milliseconds. An empty range stands for its start. On a single host nothing takes time.
    pub fn set_latency(&mut self, latency: Range<Duration>) {
        self.network().set_latency(latency);
    }

    /// Sets the latency of the link between two hosts, in both directions. It replaces
    /// [that of the network](World::set_latency).
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn set_link_latency(&mut self, one: Host, other: Host, latency: Range<Duration>) {
        let (one, other) = (self.index(one), self.index(other));
        self.network().set_link_latency(one, other, latency);
    }

    /// Sets the sizes of the send and receive buffers of new sockets, in bytes: at least 1 each, by default
    /// 256 KiB and 128 KiB. The send buffer holds what is not acknowledged, the receive buffer what is not read.
    pub fn set_buffers(&mut self, send: usize, receive: usize) {
        self.network().set_buffers(send, receive);
    }

    /// Resets all TCP connections between two hosts at both ends, like a firewall that has dropped its state.
    /// Bytes that have arrived can still be read. Both hosts may be the same.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn reset(&mut self, one: Host, other: Host) {
        self.network().reset(self.index(one), self.index(other));
    }

    /// Sends a byte of urgent data, `!`, on each TCP connection from one host to another (tcp(7), MSG_OOB).
    /// The library has no call for this, but its peers may do it. Urgent data splits the stream: a read ends
    /// before the byte, and the next one skips it. If another urgent byte arrives before the reader has reached
    /// the first, the first becomes part of the stream.
    ///
    /// Nothing is sent on a connection whose half is shut down, or that has bytes waiting to be sent.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn send_urgent(&mut self, from: Host, to: Host) {
        self.network()
            .send_urgent_to(self.index(from), self.index(to));
    }
}
