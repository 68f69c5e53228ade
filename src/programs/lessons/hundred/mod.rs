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
        sentence: "Two hundred sockets were open at the same time.",
        seen: |run| {
            let last = run.callbacks("client", "connect").last()?;
            let model = run.after(last.number);
            let open = model
                .standings()
                .filter(|(_, it)| it.state.starts_with("open"));
            seen(open.count() == 200, [last])
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
            let last = run.callbacks("client", "close").last()?;
            let counts = (connections.count(), data.count(), close.count());
            seen(counts == (100, 100, 100), [last])
        },
    },
    Claim {
        sentence: "No callback began before the one before it had returned.",
        seen: |run| {
            let mut model = Model::default();
            let last = run.recording.entries.last()?;
            let is_so = run.recording.entries.iter().all(|entry| {
                model.step(entry);
                let running = model.running().iter().filter(|it| it.is_callback);
                running.count() <= 1
            });
            seen(is_so, [last])
        },
    },
    Claim {
        sentence: "All of it took fewer than thirty turns.",
        seen: |run| {
            let waits = run.told("loop", Kind::Wait);
            let last = waits.last()?;
            seen(last.turn < 30, [last])
        },
    },
];
