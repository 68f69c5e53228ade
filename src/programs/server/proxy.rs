//! The PROXY protocol: a proxy begins each connection with a header that says for whom it has connected.
//! It is believed only if the proxy is one of those named.

use std::time::Duration;

use netloop::{BlockList, ListenerId, Socket, TimerId};
use proxy_header::{Error, ParseConfig, ProxyHeader};

use super::identity::Route;
use super::reason::Reason;

/// How long a proxy may take for its header. The protocol recommends three seconds at least, for a
/// packet that is lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a header begins: in version 1, which is a line, and in version 2.
const LINE: &[u8] = b"PROXY ";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The version and the command of a proxy that has connected for itself, in version 2.
const LOCAL: u8 = 0x20;

/// How long a header may be: in version 1 the protocol says so, in version 2 it allows 64 KiB, which no
/// proxy needs.
const LONGEST_LINE: usize = 107;
const LONGEST: usize = 4096;

/// The proxies that are believed.
#[derive(Default)]
pub(crate) struct Proxies {
    pub(crate) addresses: BlockList,
    /// Every peer on a Unix-domain socket.
    pub(crate) is_unix: bool,
}

/// What a proxy has said: the client, or none if it has connected for itself, as for a health check, or
/// for a client that has no address.
pub(super) type Said = Result<Option<Route>, Reason>;

/// What is called with it.
type Then = dyn FnOnce(&mut Socket<'_>, Said);

/// The header of which a part is still to come: kept by its socket.
struct Awaited {
    came: Vec<u8>,
    timer: TimerId,
    listener: ListenerId,
    then: Box<Then>,
}

impl Proxies {
    /// Whether this connection begins with a header.
    pub(super) fn include(&self, socket: &mut Socket<'_>) -> bool {
        if self.addresses.size() == 0 && !self.is_unix {
            return false;
        }
        match socket.remote_address() {
            Some(address) => self.addresses.check(address.to_canonical()),
            None => self.is_unix,
        }
    }
}

/// Whether the header has still to come.
pub(super) fn is_awaited(socket: &Socket<'_>) -> bool {
    socket.data::<Awaited>().is_some()
}

/// Calls back once the header has come, or will not come. What follows it is left to be read.
pub(super) fn await_header(
    socket: &mut Socket<'_>,
    then: impl FnOnce(&mut Socket<'_>, Said) + 'static,
) {
    let listener = ListenerId::unique();
    let timer = socket.after(PATIENCE, |socket| finish(socket, Err(Reason::LateHeader)));
    socket.set_data(Awaited {
        came: Vec::new(),
        timer,
        listener,
        then: Box::new(then),
    });
    socket.on_readable(readable).named(listener);
    socket.on_close(|socket, had_error| {
        let came = |awaited: &Awaited| !awaited.came.is_empty();
        let has_begun = socket.data().is_some_and(came);
        let reason = match had_error {
            Some(true) => Reason::Failed,
            _ if has_begun => Reason::PartOfHeader,
            _ => Reason::Closed,
        };
        finish(socket, Err(reason));
    });
}

fn readable(socket: &mut Socket<'_>) {
    let Some(bytes) = socket.read(None) else {
        return;
    };
    let Some(awaited) = socket.data_mut::<Awaited>() else {
        return;
    };
    awaited.came.extend_from_slice(&bytes);
    match parse(&awaited.came) {
        Header::Partial => {}
        Header::Malformed => finish(socket, Err(Reason::NoHeader)),
        Header::Whole { route, length } => {
            let rest = awaited.came.split_off(length);
            if !rest.is_empty() {
                socket.unshift(rest);
            }
            finish(socket, Ok(route));
        }
    }
}

/// Awaits the header no more.
fn finish(socket: &mut Socket<'_>, said: Said) {
    if let Some(awaited) = socket.take_data::<Awaited>() {
        socket.off("readable", awaited.listener);
        socket.event_loop().clear_timeout(awaited.timer);
        (awaited.then)(socket, said);
    }
}

/// What some bytes at the start of a connection are.
#[derive(Debug, PartialEq)]
enum Header {
    Partial,
    Malformed,
    Whole { route: Option<Route>, length: usize },
}

fn parse(bytes: &[u8]) -> Header {
    // At once, and not when as many bytes have come as the shortest header has.
    let begins = |start: &[u8]| {
        bytes
            .iter()
            .zip(start)
            .all(|(byte, expected)| byte == expected)
    };
    if !begins(LINE) && !begins(SIGNATURE) {
        return Header::Malformed;
    }
    let length = length(bytes);
    match length {
        Some(length) if length > LONGEST => return Header::Malformed,
        Some(length) if length > bytes.len() => return Header::Partial,
        // Whatever else it says is to be ignored; the crate would want it to be right.
        Some(length) if bytes[SIGNATURE.len()] == LOCAL => {
            return Header::Whole {
                route: None,
                length,
            };
        }
        _ => {}
    }
    match ProxyHeader::parse(bytes, ParseConfig::default()) {
        // The crate bounds only a line whose end has not come.
        Ok((_, length)) if begins(LINE) && length > LONGEST_LINE => Header::Malformed,
        Ok((header, length)) => Header::Whole {
            route: header.proxied_address().map(|addresses| Route {
                client: addresses.source,
                destination: addresses.destination,
            }),
            length,
        },
        Err(Error::BufferTooShort) if length.is_none() => Header::Partial,
        Err(_) => Header::Malformed,
    }
}

/// How long a header of version 2 says it is.
fn length(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(SIGNATURE)?;
    let [high, low] = *rest.get(2..4)? else {
        return None;
    };
    Some(SIGNATURE.len() + 4 + usize::from(u16::from_be_bytes([high, low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses of a client and its destination, with a blank between; or none.
    fn whole(addresses: &str, length: usize) -> Header {
        let addresses = addresses.split_once(' ');
        let route = addresses.map(|(client, destination)| Route {
            client: client.parse().unwrap(),
            destination: destination.parse().unwrap(),
        });
        Header::Whole { route, length }
    }

    /// A header of version 2.
    fn second(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, rest].concat()
    }

    /// A header of version 1 that is this long.
    fn line(length: usize) -> Vec<u8> {
        let (begin, end) = (b"PROXY UNKNOWN", b"\r\n");
        let blanks = vec![b' '; length - begin.len() - end.len()];
        [&begin[..], &blanks, end].concat()
    }

    /// Headers, and what they name.
    fn headers() -> Vec<(Vec<u8>, &'static str)> {
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0x30, 0x39, 1, 0xbb];
        let mut v6 = [0; 36];
        v6[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
        v6[15] = 1;
        v6[31] = 1;
        v6[33] = 80;
        v6[34..].copy_from_slice(&[1, 0xbb]);
        let more = [&v4[..], &[4, 0, 3, 0, 0, 0]].concat();
        vec![
            (
                b"PROXY TCP4 192.0.2.1 192.0.2.2 12345 443\r\n".to_vec(),
                "192.0.2.1:12345 192.0.2.2:443",
            ),
            (
                b"PROXY TCP6 2001:db8::1 ::1 80 443\r\n".to_vec(),
                "[2001:db8::1]:80 [::1]:443",
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), ""),
            (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec(), ""),
            (line(LONGEST_LINE), ""),
            (second(0x21, 0x11, &v4), "192.0.2.1:12345 192.0.2.2:443"),
            (second(0x21, 0x11, &more), "192.0.2.1:12345 192.0.2.2:443"),
            (second(0x21, 0x21, &v6), "[2001:db8::1]:80 [::1]:443"),
            (second(0x21, 0x31, &[7; 216]), ""),
            (second(0x21, 0, b""), ""),
            (second(0x20, 0, b""), ""),
            // What a health check says beside being one is ignored.
            (second(0x20, 0x11, &v4), ""),
            (second(0x20, 0x11, b""), ""),
            (second(0x20, 0x77, b"any"), ""),
        ]
    }

    #[test]
    fn a_header_is_known_once_it_is_whole_and_not_before() {
        for (header, named) in headers() {
            for end in 0..header.len() {
                assert_eq!(parse(&header[..end]), Header::Partial, "{header:x?} {end}");
            }
            assert_eq!(parse(&header), whole(named, header.len()));
            let more = [&header[..], b"PROXY and what follows"].concat();
            assert_eq!(parse(&more), whole(named, header.len()));
        }
    }

    #[test]
    fn what_is_no_header_is_known_by_its_first_wrong_byte() {
        let too_long = u16::try_from(LONGEST).unwrap().to_be_bytes();
        for wrong in [
            &b"G"[..],
            b"PROXY\t",
            b"PROXYS",
            b"\r\n\r\n\0\r\nQUIT\r",
            b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
            b"PROXY TCP4 2001:db8::1 ::1 80 443\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx",
            b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
            &[b"PROXY UNKNOWN", &[b' '; 107][..]].concat(),
            &line(LONGEST_LINE + 1),
            &line(100_000),
            &second(0x31, 0x11, &[0; 12]),
            &second(0x22, 0x11, &[0; 12]),
            &second(0x21, 0x11, &[0; 11]),
            &second(0x21, 0x21, &[0; 35]),
            &second(0x21, 0x31, &[0; 215]),
            &second(0x21, 0x41, &[0; 216]),
            &[SIGNATURE, &[0x21, 0x11], &too_long].concat(),
        ] {
            assert_eq!(parse(wrong), Header::Malformed, "{wrong:x?}");
        }
        let longest = vec![0; LONGEST - 16];
        assert_eq!(parse(&second(0x20, 0, &longest)), whole("", LONGEST));
    }

    /// A sequence that looks random, and is the same each time.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % sides as u64) as usize
        }
    }

    #[test]
    fn whatever_comes_is_partial_malformed_or_no_longer_than_it_is() {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let headers = headers();
        for _ in 0..200_000 {
            let mut bytes = headers[dice.roll(headers.len())].0.clone();
            for _ in 0..dice.roll(4) {
                let at = dice.roll(bytes.len());
                match dice.roll(3) {
                    0 => bytes[at] = dice.roll(256) as u8,
                    1 => bytes.insert(at, dice.roll(256) as u8),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            let found = parse(&bytes);
            match found {
                Header::Whole { length, .. } => {
                    assert!(length <= bytes.len(), "{bytes:x?}");
                    assert_eq!(parse(&bytes[..length]), found, "{bytes:x?}");
                }
                // What is wrong stays wrong, whatever follows.
                Header::Malformed => {
                    bytes.push(dice.roll(256) as u8);
                    assert_eq!(parse(&bytes), Header::Malformed, "{bytes:x?}");
                }
                Header::Partial => {
                    let longest = match bytes.starts_with(LINE) {
                        true => LONGEST_LINE,
                        false => LONGEST,
                    };
                    assert!(bytes.len() < longest, "{bytes:x?}");
                }
            }
        }
    }
}
