//! Writing: back-pressure, and what a write was given.

use netloop::{Encoding, Socket};

use crate::stage::*;
use crate::story::*;

const LENGTH: usize = 8 << 20;
const PIECE: usize = 1 << 18;

row!(
    net_throttle,
    ["write false", "all came, with 3 pauses"],
    |t, l| {
        let (got, pauses) = (shared(Vec::new()), shared(0));
        l.create_server(move |c| {
            let mut went_on = true;
            for piece in pattern(LENGTH).chunks(1 << 20) {
                went_on = c.write(piece);
            }
            assert!(c.writable_length() > 0);
            t.log(format!("write {went_on}"));
            c.end().resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s)
                .on_data(move |c, chunk| {
                    append(got, chunk);
                    if pauses.get() < 3 {
                        count_up(pauses);
                        c.pause();
                        let id = c.id();
                        c.event_loop().set_timeout(ms(1), move |l| {
                            l.socket_at(id).resume();
                        });
                    }
                })
                .on_end(move |_| {
                    assert!(got.take() == pattern(LENGTH));
                    t.log(format!("all came, with {} pauses", pauses.get()));
                });
        })
        .unwrap();
    }
);

row!(
    net_stream,
    ["error", "close hadError=true", "server close"],
    |t, l| {
        l.create_server(move |c| {
            for _ in 0..20 {
                c.write(vec![b'a'; 1 << 20]);
            }
            assert!(c.writable_length() > 0);
            c.on_error(move |_, error| {
                assert!(
                    matches!(error.code(), Some("EPIPE" | "ECONNRESET")),
                    "{error:?}"
                );
                t.log("error");
            })
            .on_close(move |c, had_error| {
                t.log(format!("close hadError={}", undefined(had_error)));
                close_server_telling(t, c);
            });
        })
        .listen((HOST, 0), |s| {
            connect(s).on_data(|c, _| {
                c.pause();
                let id = c.id();
                c.event_loop().set_timeout(ms(1), move |l| {
                    l.socket_at(id).destroy();
                });
            });
        })
        .unwrap();
    }
);

/// Writes until it is told to stop, goes on at `drain`, and ends after so many rounds.
fn write_rounds(c: &mut Socket<'_>, piece: Vec<u8>, left: u32) {
    if left == 0 {
        c.end();
        return;
    }
    while c.write(&piece) {}
    c.once_drain(move |c| write_rounds(c, piece, left - 1));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .map(|one| one.to_digit(16).expect("a digit"))
        .collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

row!(
    net_write_fully_async_hex_string,
    ["before 00ff connected c0de", "all rounds came whole"],
    |t, l| {
        let (before, after) = ("00ff", "c0de");
        l.create_server(move |c| {
            c.set_encoding(Encoding::Hex);
            let all = shared(String::new());
            c.on_data(move |_, chunk| {
                all.set(all.take() + std::str::from_utf8(chunk).unwrap());
            })
            .on_end(move |c| {
                let all = all.take();
                t.log(format!("before {} connected {}", &all[..4], &all[4..8]));
                let piece = hex(&pattern(PIECE));
                let pieces = (all.len() - 8) / piece.len();
                assert!(pieces >= 3 && all[8..] == piece.repeat(pieces));
                t.log("all rounds came whole");
                close_server(c);
            });
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            c.write(from_hex(before));
            c.on_connect(move |c| {
                c.write(from_hex(after));
                write_rounds(c, from_hex(&hex(&pattern(PIECE))), 3);
            });
        })
        .unwrap();
    }
);

/// What the kernel does with an idle connection: the delay, the interval and the count.
fn probes(c: &mut Socket<'_>) -> String {
    let kernel = kernel(c);
    assert!(kernel.keepalive().unwrap());
    let delay = kernel.tcp_keepalive_time().unwrap();
    let interval = kernel.tcp_keepalive_interval().unwrap();
    let count = kernel.tcp_keepalive_retries().unwrap();
    format!("{} s, {} s, {count}", delay.as_secs(), interval.as_secs())
}

row!(
    net_persistent_keepalive,
    Real::Descriptors,
    [
        "kept 7 s, 1 s, 10",
        "then 9 s, 5 s, 3",
        "a zero changes nothing 9 s, 5 s, 3",
        "survived",
    ],
    |t, l| {
        l.create_server(|c| {
            c.resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            c.set_keep_alive(true, ms(7000)).on_connect(move |c| {
                t.log(format!("kept {}", probes(c)));
                c.set_keep_alive_with(true, ms(9999), ms(5000), 3);
                t.log(format!("then {}", probes(c)));
                c.set_keep_alive_with(true, ms(7000), ms(999), 3);
                t.log(format!("a zero changes nothing {}", probes(c)));
                let id = c.id();
                c.event_loop().set_timeout(ms(30), move |l| {
                    let mut c = l.socket_at(id);
                    assert_eq!(c.ready_state(), "open");
                    t.log("survived");
                    c.end();
                });
            });
        })
        .unwrap();
    }
);

row!(
    net_socket_tos,
    Real::Descriptors,
    ["before connect 0, then 184", "kernel 184, then 16"],
    |t, l| {
        farewell(l, HOST, move |s| {
            let address = s.address().unwrap();
            let mut c = s.event_loop().socket();
            let before = c.type_of_service();
            let then = c.set_type_of_service(0xb8).type_of_service();
            t.log(format!("before connect {before}, then {then}"));
            c.resume().on_connect(move |c| {
                let told = kernel(c).tos_v4().unwrap();
                assert_eq!(u32::from(c.type_of_service()), told);
                let then = c.set_type_of_service(0x10).type_of_service();
                assert_eq!(kernel(c).tos_v4().unwrap(), u32::from(then));
                t.log(format!("kernel {told}, then {then}"));
            });
            c.connect_to(address).unwrap();
        });
    }
);
