//! The network between the hosts of a world: partitions, latencies, buffers, and what befalls connections.

use std::ops::Range;
use std::time::Duration;

use super::{Host, World};

impl World {
    /// Lets nothing pass between two hosts, in either direction, until they are [healed](World::heal). What
    /// is sent meanwhile is late, not lost. As in Linux, connecting fails with `ETIMEDOUT` after 127 seconds,
    /// and so does a connection after a quarter of an hour, if it has something to send, or when its
    /// [keep-alive](crate::Socket::set_keep_alive) has no answer.
    ///
    /// A host always reaches itself: a partition of a host from itself has no effect.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn partition(&mut self, one: Host, other: Host) {
        self.partition_oneway(one, other);
        self.partition_oneway(other, one);
    }

    /// Lets nothing pass from one host to another, as [`partition`](World::partition) does. What the other
    /// one sends arrives, and stays without an answer.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn partition_oneway(&mut self, from: Host, to: Host) {
        self.network().cut(self.index(from), self.index(to));
    }

    /// Ends a partition, in both directions. What was sent meanwhile arrives within moments.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn heal(&mut self, one: Host, other: Host) {
        self.heal_oneway(one, other);
        self.heal_oneway(other, one);
    }

    /// Ends a partition from one host to another, and no other one.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn heal_oneway(&mut self, from: Host, to: Host) {
        self.network().mend(self.index(from), self.index(to));
    }

    /// Sets how long a segment takes from one host to another, from now on: one to five milliseconds by
    /// default. On one host nothing takes time. If the range is empty, it is its start.
    pub fn set_latency(&mut self, latency: Range<Duration>) {
        self.network().set_latency(latency);
    }

    /// Sets how long a segment takes between two hosts, in either direction, from now on, whatever the
    /// [others](World::set_latency) take.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn set_link_latency(&mut self, one: Host, other: Host, latency: Range<Duration>) {
        let (one, other) = (self.index(one), self.index(other));
        self.network().set_link_latency(one, other, latency);
    }

    /// Sets how many bytes the kernel keeps for each connection that is made from now on: those that were
    /// sent and have not arrived, and those that arrived and were not read. By default 256 and 128 KiB; at
    /// least one byte each.
    pub fn set_buffers(&mut self, send: usize, receive: usize) {
        self.network().set_buffers(send, receive);
    }

    /// Resets all TCP connections between two hosts, at both ends, as a firewall does that has forgotten
    /// them. What has arrived can still be read. The two may be one host.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn reset(&mut self, one: Host, other: Host) {
        self.network().reset(self.index(one), self.index(other));
    }

    /// Lets each TCP connection from one host to another send a byte of urgent data to it (tcp(7), MSG_OOB),
    /// as programs do that are written without this library. The byte is `!`. It splits the stream: a read
    /// ends before it, and passes over it. It becomes a byte of the stream if another one is sent before the
    /// reader has come to it.
    ///
    /// None is sent on a connection that is shut down, or has bytes to send for which there is no room.
    ///
    /// # Panics
    /// If a host is of another world.
    #[track_caller]
    pub fn send_urgent(&mut self, from: Host, to: Host) {
        self.network().urge(self.index(from), self.index(to));
    }
}
