//! Many connections, one thread.

mod program;

use netloop::study::{Kind, Model};

use super::lesson::{Claim, Lesson, seen};

pub(super) const LESSON: Lesson = lesson!("hundred", CLAIMS);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "One wait, one system call, reported 101 at once: the server and a hundred clients.",
        seen: |run| {
            let wait = run.wait_of(1)?;
            seen(wait.words == "101", [wait])
        },
    },
    Claim {
        sentence: "Two hundred sockets were open at the same time: all were connected before one closed.",
        seen: |run| {
            let last = run.callbacks("client", "connect").last()?;
            let model = run.after(last.number);
            let open = model
                .standings()
                .filter(|(_, it)| it.state.starts_with("open"));
            let accepted = run.told("accepted", Kind::Accepted).next()?;
            let connect = run.callback("client", "connect")?;
            let mut entries = run.recording.entries.iter();
            let close = entries.find(|it| it.kind == Kind::System && it.words == "close")?;
            let is_so = open.count() == 200 && last.number < close.number;
            seen(is_so, [accepted, connect, close])
        },
    },
    Claim {
        sentence: "All clients were accepted and answered, and have closed.",
        seen: |run| {
            let connections = run.callbacks("accepted", "connection");
            let (data, close) = (
                run.callbacks("client", "data"),
                run.callbacks("client", "close"),
            );
            let counts = (connections.count(), data.count(), close.count());
            let first = ["data", "close"].map(|event| run.callback("client", event));
            let connection = run.callback("accepted", "connection")?;
            seen(
                counts == (100, 100, 100),
                [
                    connection,
                    first[0]?,
                    first[1]?,
                    run.printed("100 answers")?,
                ],
            )
        },
    },
    Claim {
        sentence: "No callback began before the one before it had returned.",
        seen: |run| {
            let mut model = Model::default();
            let is_so = run.recording.entries.iter().all(|entry| {
                model.step(entry);
                let running = model.running().iter().filter(|it| it.is_callback);
                running.count() <= 1
            });
            seen(is_so, [])
        },
    },
    Claim {
        sentence: "All of it took fewer than ten turns.",
        seen: |run| {
            let waits = run.told("loop", Kind::Wait);
            let last = waits.last()?;
            seen(last.turn < 10, [last])
        },
    },
];
