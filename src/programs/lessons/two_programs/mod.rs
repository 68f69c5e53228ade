//! Where it began: a server, a client, and a port.

mod program;

use std::time::Duration;

use netloop::study::Kind;

use super::lesson::{Claim, Lesson, in_order, seen};

pub(super) const LESSON: Lesson = lesson!("two-programs", CLAIMS, beside);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "One wait reported both ends: `connection` ran, then `connect`, in one turn.",
        seen: |run| {
            let connection = run.callback("accepted", "connection")?;
            let connect = run.callback("client", "connect")?;
            let wait = run.wait_of(connect.turn)?;
            let is_so = connection.number < connect.number && wait.words == "2";
            seen(
                is_so && connection.turn == connect.turn,
                [wait, connection, connect],
            )
        },
    },
    Claim {
        sentence: "`Welcome` was sent before the client's program knew of the connection.",
        seen: |run| {
            let send = run.system("accepted", "send")?;
            let connect = run.callback("client", "connect")?;
            in_order([send, connect])
        },
    },
    Claim {
        sentence: "Still it was received a turn after `connect`.",
        seen: |run| {
            let connect = run.callback("client", "connect")?;
            let data = run.callback("client", "data")?;
            seen(data.turn == connect.turn + 1, [connect, data])
        },
    },
    Claim {
        sentence: "Until the timer was due, the loop slept in the kernel.",
        seen: |run| {
            let timer = run.why(run.call("client", "write")?, "timers")?;
            let wait = run.wait_of(timer.turn)?;
            let slept = wait.most > Some(Duration::ZERO) && wait.words == "0";
            seen(slept, [wait, timer])
        },
    },
    Claim {
        sentence: "Meanwhile the loop was held by the server, both sockets and the interval.",
        seen: |run| {
            let timer = run.why(run.call("client", "write")?, "timers")?;
            let wait = run.wait_of(timer.turn)?;
            let model = run.after(wait.number);
            let (who, queued) = model.holders();
            let works: Vec<&str> = queued.iter().map(|it| it.work.as_str()).collect();
            let is_so = who.len() == 3 && works == ["set_interval"];
            let listen = run.system("server", "listen")?;
            let accepted = run.told("accepted", Kind::Accepted).next()?;
            let connected = run.told("client", Kind::Connected).next()?;
            let interval = run.call("client", "set_interval")?;
            seen(is_so, [listen, accepted, connected, interval])
        },
    },
    Claim {
        sentence: "Each `hi` was one send, one recv and one `data`, of two bytes.",
        seen: |run| {
            let send: Vec<_> = run.systems("client", "send").collect();
            let recv: Vec<_> = run.systems("accepted", "recv").collect();
            let data: Vec<_> = run.callbacks("accepted", "data").collect();
            let ([one, two], [first, second, _]) = (&send[..], &recv[..]) else {
                return None;
            };
            let all = [*one, *first, *data.first()?, *two, *second, *data.get(1)?];
            seen(all.iter().all(|it| it.bytes == Some(2)), all)
        },
    },
    Claim {
        sentence: "The client's `end` was a shutdown, and to the server a recv of nothing.",
        seen: |run| {
            let shutdown = run.system("client", "shutdown")?;
            let end = run.systems("accepted", "recv").last()?;
            let is_so = end.bytes == Some(0) && shutdown.number < end.number;
            seen(is_so, [shutdown, end])
        },
    },
    Claim {
        sentence: "The server's own end was its close, without a shutdown; then the client received `end`.",
        seen: |run| {
            let close = run.system("accepted", "close")?;
            let end = run.callback("client", "end")?;
            let is_so = run.system("accepted", "shutdown").is_none();
            in_order([close, end]).filter(|_| is_so)
        },
    },
    Claim {
        sentence: "At last all three were closed. Nothing held the loop, and it ended.",
        seen: |run| {
            let last = run.recording.entries.last()?;
            let model = run.after(last.number);
            let (who, queued) = model.holders();
            let is_so = who.is_empty() && queued.is_empty();
            let closes = ["accepted", "server", "client"].map(|who| run.system(who, "close"));
            seen(is_so, [closes[0]?, closes[1]?, closes[2]?])
        },
    },
];
