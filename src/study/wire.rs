//! What went over the wire from one socket of a recording to another one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;

use super::entry::{Entry, Kind};

/// The peers of sockets, and which `send` sent what a `recv` received.
#[derive(Default)]
pub(super) struct Wire<'a> {
    pub(super) peers: BTreeMap<&'a str, &'a str>,
    /// From the record of a send to that of the recv that got some of its bytes, from that of a connect to
    /// that of the accepted socket, from that of a shutdown to that of the end.
    pub(super) links: Vec<[u64; 2]>,
    flows: HashMap<&'a str, Flow>,
}

/// The bytes from one socket to its peer.
#[derive(Default)]
struct Flow {
    /// The records of what was sent and not received, and how many bytes had been sent with each.
    sent: VecDeque<(u64, u64)>,
    count: u64,
    received: u64,
    /// The record of the connect.
    begin: Option<u64>,
    /// The record that has ended it.
    end: Option<u64>,
}

impl<'a> Wire<'a> {
    pub(super) fn of(entries: &'a [Entry]) -> Wire<'a> {
        let mut wire = Wire {
            peers: peers(entries),
            ..Wire::default()
        };
        for entry in entries {
            match entry.kind {
                // A connect goes on after its call.
                Kind::System if entry.errno.is_none() || entry.words == "connect" => {
                    wire.follow(entry);
                }
                Kind::Accepted => wire.arrive(entry),
                _ => {}
            }
        }
        wire
    }

    /// A connection: it was asked for at the other end.
    fn arrive(&mut self, entry: &'a Entry) {
        let peer = self.peers.get(&*entry.who);
        let flow = peer.and_then(|peer| self.flows.get(peer));
        if let Some(begin) = flow.and_then(|flow| flow.begin) {
            self.links.push([begin, entry.number]);
        }
    }

    fn follow(&mut self, entry: &'a Entry) {
        let Some(peer) = self.peers.get(&*entry.who) else {
            return;
        };
        match (entry.words.as_str(), entry.bytes) {
            ("connect", _) => {
                let flow = self.flows.entry(&entry.who).or_default();
                flow.begin = Some(entry.number);
            }
            ("send", Some(bytes)) => {
                let flow = self.flows.entry(&entry.who).or_default();
                flow.count = flow.count.saturating_add(bytes);
                flow.sent.push_back((entry.number, flow.count));
            }
            ("shutdown" | "close", _) => {
                let flow = self.flows.entry(&entry.who).or_default();
                flow.end.get_or_insert(entry.number);
            }
            ("recv", Some(bytes)) => {
                let flow = self.flows.entry(peer).or_default();
                let from = match bytes {
                    0 => flow.end.into_iter().collect(),
                    bytes => flow.take(bytes),
                };
                let links = from.into_iter().map(|from| [from, entry.number]);
                self.links.extend(links);
            }
            _ => {}
        }
    }
}

impl Flow {
    /// The records that have sent the next of the bytes.
    fn take(&mut self, bytes: u64) -> Vec<u64> {
        self.received = self.received.saturating_add(bytes);
        let mut from = Vec::new();
        while let Some((number, until)) = self.sent.front().copied() {
            from.push(number);
            if until > self.received {
                break;
            }
            self.sent.pop_front();
            if until == self.received {
                break;
            }
        }
        from
    }
}

/// Both ends of a connection are in the recording if the address of the one is the peer's of the other.
fn peers(entries: &[Entry]) -> BTreeMap<&str, &str> {
    let mut ends: HashMap<(String, String), &str> = HashMap::new();
    let mut peers = BTreeMap::new();
    let births = [Kind::Accepted, Kind::Connected];
    for entry in entries.iter().filter(|entry| births.contains(&entry.kind)) {
        let [local, remote] = entry.more.as_slice() else {
            continue;
        };
        if local.is_empty() || remote.is_empty() {
            continue;
        }
        let (local, remote) = (unmapped(local), unmapped(remote));
        // A port that has been before may be there again.
        if let Some(peer) = ends.remove(&(remote.clone(), local.clone())) {
            peers.insert(&*entry.who, peer);
            peers.insert(peer, &*entry.who);
        } else {
            ends.insert((local, remote), &entry.who);
        }
    }
    peers
}

/// An address, without the prefix of one that is mapped into IPv6: only one of both ends may have it.
fn unmapped(address: &str) -> String {
    let parsed = address.parse::<SocketAddr>();
    parsed.map_or_else(
        |_| address.to_owned(),
        |address| SocketAddr::new(address.ip().to_canonical(), address.port()).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::numbered;
    use super::*;

    #[test]
    fn bytes_are_followed_from_the_send_to_the_recv() {
        let lines = [
            r#""k":"system","w":"connect","errno":115,"who":"socket#1""#,
            r#""k":"accepted","more":["1.1.1.1:80","1.1.1.1:5"],"who":"socket#2""#,
            r#""k":"system","w":"send","bytes":7,"who":"socket#2""#,
            r#""k":"connected","more":["1.1.1.1:5","1.1.1.1:80"],"who":"socket#1""#,
            r#""k":"system","w":"send","bytes":3,"who":"socket#2""#,
            r#""k":"system","w":"recv","bytes":8,"who":"socket#1""#,
            r#""k":"system","w":"recv","bytes":2,"who":"socket#1""#,
            r#""k":"system","w":"shutdown","who":"socket#2""#,
            r#""k":"system","w":"recv","bytes":0,"who":"socket#1""#,
            r#""k":"system","w":"recv","errno":11,"who":"socket#1""#,
            r#""k":"system","w":"recv","bytes":5,"who":"socket#3""#,
        ];
        let entries = numbered(&lines);
        let wire = Wire::of(&entries);
        assert_eq!(wire.peers.get("socket#1"), Some(&"socket#2"));
        assert_eq!(wire.links, [[1, 2], [3, 6], [5, 6], [5, 7], [8, 9]]);
    }
}
