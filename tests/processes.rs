//! Scenarios that start processes: Node's own, and twins with children. A binary of their own: a
//! process that is being started holds a copy of each descriptor, and `close` in a test beside it
//! would end nothing.

mod support;

const IS_SIMULATED: bool = false;

#[allow(dead_code, reason = "the other twins use the rest")]
#[macro_use]
#[path = "scenarios/story.rs"]
mod story;

#[path = "scenarios/children.rs"]
mod children;
#[path = "support/peers.rs"]
mod peers;

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use support::{LIMIT, node, recorded, skipped};

/// Two at a time, each with a clock of its own, which moves only when nothing else is left to do:
/// a script says "30 ms later" where it means "once all this has happened".
#[test]
fn node_still_prints_what_was_recorded() {
    let Some(node) = node() else {
        return skipped(
            "what Node prints",
            "no Node 26 (NETLOOP_NODE, or node on the path)",
        );
    };
    let Some(clock) = support::compiled("scenarios/held_clock.c") else {
        return skipped("what Node prints", "no C compiler");
    };
    let names = Mutex::new(recorded::names().into_iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(name) = { names.lock().unwrap().next() } {
                    if let Some(why) = recorded::cannot_run(&name) {
                        skipped(&name, why);
                    } else if let Some(told) = differs_in_node(&node, &clock, &name) {
                        wrong.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn differs_in_node(node: &Path, clock: &Path, name: &str) -> Option<String> {
    let told = printed(node, clock, name);
    let expected = recorded::expected(name);
    (told != expected).then(|| format!("{name}\n--- recorded:\n{expected}--- now:\n{told}"))
}

/// What a script prints. It is the head of a process group, so that nothing it has started
/// outlives it, and prints into a file, which nobody can keep open for us.
fn printed(node: &Path, clock: &Path, name: &str) -> String {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{name}-{}.printed", std::process::id()));
    let mut command = Command::new(node);
    command
        .arg(recorded::folder().join(format!("{name}.js")))
        .stdout(File::create(&file).expect("a file of our own"))
        .stderr(Stdio::null())
        .env("LD_PRELOAD", clock)
        .process_group(0);
    for coloured in ["FORCE_COLOR", "NO_COLOR", "NODE_OPTIONS"] {
        command.env_remove(coloured);
    }
    let mut script = command.spawn().expect("Node runs");
    let start = Instant::now();
    let mut has_ended = false;
    while !has_ended && start.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(5));
        has_ended = script.try_wait().expect("a child of ours").is_some();
    }
    if !has_ended {
        let group = format!("-{}", script.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
        killed.expect("kill runs");
    }
    script.wait().expect("a child of ours");
    let told = String::from_utf8_lossy(&std::fs::read(&file).expect("it was made")).into_owned();
    std::fs::remove_file(file).expect("it was made");
    if has_ended {
        told
    } else {
        format!("{told}(it did not end within {LIMIT:?})\n")
    }
}
