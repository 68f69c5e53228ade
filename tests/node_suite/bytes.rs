//! Bytes: none is lost or changed, and all are counted.

use netloop::{Encoding, Socket};

use crate::stage::*;
use crate::story::*;

/// The bytes that text stands for in Latin-1.
fn latin1(text: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(text).expect("whole characters");
    text.chars()
        .map(|one| u8::try_from(u32::from(one)).expect("Latin-1"))
        .collect()
}

row!(
    net_binary,
    ["as one write: the same", "byte by byte: the same"],
    |t, l| {
        l.create_server(move |c| {
            c.set_encoding(Encoding::Latin1)
                .on_data(|c, chunk| _ = c.write(latin1(chunk)));
        })
        .listen((HOST, 0), move |s| {
            let server = s.id();
            let every: Vec<u8> = (0..=255).collect();
            let twice: Vec<u8> = every.iter().chain(&every).copied().collect();
            let all = shared(Vec::new());
            let mut c = connect(s);
            c.set_encoding(Encoding::Latin1).on_data(move |c, chunk| {
                append(all, &latin1(chunk));
                let got = all.take();
                if got.len() == 512 {
                    c.end();
                    c.event_loop().server_at(server).close();
                    for (word, half) in ["as one write", "byte by byte"].iter().zip([0, 256]) {
                        assert_eq!(got[half..half + 256], twice[half..half + 256]);
                        t.log(format!("{word}: the same"));
                    }
                }
                all.set(got);
            });
            c.write(&every);
            for byte in every {
                c.write([byte]);
            }
        })
        .unwrap();
    }
);

row!(
    net_large_string,
    ["120000 bytes, 40000 characters"],
    |t, l| {
        let text = "あ".repeat(40_000);
        l.create_server(move |c| {
            c.set_encoding(Encoding::Utf8);
            let chunks = shared(0);
            c.on_data(move |_, chunk| {
                std::str::from_utf8(chunk).expect("no character is cut");
                count_up(chunks);
            });
            collect(c, move |c, all| {
                let text = String::from_utf8(all).unwrap();
                assert!(chunks.get() > 1, "one chunk could not have been cut");
                t.log(format!(
                    "{} bytes, {} characters",
                    text.len(),
                    text.chars().count()
                ));
                assert!(text.chars().all(|one| one == 'あ'));
                close_server(c);
            });
        })
        .listen((HOST, 0), move |s| {
            connect(s).end_with(text);
        })
        .unwrap();
    }
);

row!(net_bytes_read, ["end 2000000", "close 2000000"], |t, l| {
    l.create_server(|c| {
        c.end_with(pattern(2_000_000)).resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let seen = shared(0);
        connect(s)
            .on_data(move |c, chunk| {
                let before = seen.replace(c.bytes_read());
                assert_eq!(c.bytes_read(), before + chunk.len() as u64);
            })
            .on_end(move |c| {
                assert_eq!(c.bytes_read(), seen.get(), "all of it came by `data`");
                t.log(format!("end {}", c.bytes_read()));
            })
            .on_close(move |c, _| t.log(format!("close {}", c.bytes_read())));
    })
    .unwrap();
});

const TEN_MB: usize = 10 * 1024 * 1024;

row!(
    net_bytes_written_large,
    [
        "buffer 10485760 at once, 10485760 in the callback, 10485760 at the peer",
        "text 10485760 at once, 10485760 in the callback, 10485760 at the peer",
        "corked pair 10485760 at once, 10485760 in the callback, 10485760 at the peer",
    ],
    |t, l| {
        type Act = fn(&mut Socket<'_>);
        let acts: [(&str, Act); 3] = [
            ("buffer", |_| {}),
            ("text", |_| {}),
            ("corked pair", |c| {
                c.cork();
                c.write(vec![b'a'; TEN_MB / 2]);
            }),
        ];
        for (word, begin) in acts {
            let (at_once, at_peer) = (shared(0), shared(0));
            let in_callback = shared(0);
            l.create_server(move |c| {
                c.resume().on_end(move |c| {
                    at_peer.set(c.bytes_read());
                    close_server(c);
                });
            })
            .listen((HOST, 0), move |s| {
                connect(s).on_connect(move |c| {
                    begin(c);
                    let left = TEN_MB - c.bytes_written() as usize;
                    let told = move |c: &mut Socket<'_>| in_callback.set(c.bytes_written());
                    if word == "text" {
                        c.end_with_then("a".repeat(left), move |c, _| told(c));
                    } else {
                        c.end_with_then(vec![b'a'; left], move |c, _| told(c));
                    }
                    at_once.set(c.bytes_written());
                });
            })
            .unwrap();
            t.run(l);
            let (now, then, peer) = (at_once.get(), in_callback.get(), at_peer.get());
            t.log(format!(
                "{word} {now} at once, {then} in the callback, {peer} at the peer"
            ));
        }
    }
);

row!(
    net_buffersize,
    ["1 2 3 4 5 6 7 8 9 10 of 10", "finish 0 of 10"],
    |t, l| {
        l.create_server(|c| {
            c.resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            let mut lengths = Vec::new();
            for _ in 0..10 {
                c.write("x");
                lengths.push(c.writable_length().to_string());
            }
            t.log(format!("{} of {}", lengths.join(" "), c.bytes_written()));
            c.on_finish(move |c| {
                let (left, written) = (c.writable_length(), c.bytes_written());
                t.log(format!("finish {left} of {written}"));
            });
            c.end();
        })
        .unwrap();
    }
);
