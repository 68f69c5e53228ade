//! The demo and the lessons with a seed: the same seed leads to the same run. With another seed the run differs, and
//! the claims of the lesson still hold.

use crate::program::netloop;

/// The exit status, the standard output and the standard error of a command.
fn ran(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = netloop(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[cfg(not(feature = "sim"))]
#[test]
fn without_the_feature_a_seed_is_refused_and_the_feature_is_named() {
    for command in [["demo", "--seed", "7"], ["lesson", "--seed", "7"]] {
        let (status, text, error) = ran(&command);
        assert_eq!((status, &*text), (Some(2), ""));
        let words = "--seed: this program was built without the feature sim, which simulates a \
                     kernel (cargo build --release --features sim)\n";
        assert_eq!(error, format!("netloop {}: {words}", command[0]));
    }
    for command in ["demo", "lesson"] {
        let (_, help, _) = ran(&[command, "--help"]);
        let (option, feature) = ("--seed N", format!("--features sim -- {command}"));
        assert!(help.contains(option) && help.contains(&feature), "{help}");
    }
}

#[cfg(feature = "sim")]
mod simulated {
    use std::fs;
    use std::path::Path;

    use netloop::study::Recording;

    use super::ran;
    use crate::page::{browser, opened};
    use crate::show::Kept;

    /// The output of a run with a seed: its text, its page and its recording.
    fn left(test: &str, command: &[&str], seed: &str) -> [String; 3] {
        let (page, file) = (Kept::page(test), Kept::new(test));
        let outputs = ["--html", page.path(), "--record", file.path()];
        let (status, text, error) = ran(&[command, &["--seed", seed], &outputs].concat());
        assert_eq!((status, &*error), (Some(0), ""), "{command:?}: {text}");
        let read = |kept: &Kept| fs::read_to_string(kept.path()).unwrap();
        [text, read(&page), read(&file)]
    }

    /// The lessons that can be replayed.
    const LESSONS: [&str; 8] = [
        "two-programs",
        "ready",
        "queues",
        "stream",
        "ending",
        "drain",
        "hundred",
        "addresses",
    ];

    #[test]
    fn the_same_seed_leads_to_the_same_bytes_and_another_seed_to_others() {
        let lessons = LESSONS.map(|name| vec!["lesson", name]);
        for command in lessons.into_iter().chain([vec!["demo"]]) {
            let [first, again, other] =
                ["7", "7", "8"].map(|seed| left("seed-same", &command, seed));
            for (index, kept) in ["text", "page", "recording"].iter().enumerate() {
                assert!(first[index] == again[index], "{command:?}: the {kept}");
                assert!(first[index] != other[index], "{command:?}: the {kept}");
            }
        }
    }

    #[test]
    fn what_a_lesson_says_is_true_of_each_seed() {
        for name in LESSONS {
            for seed in 0..50 {
                let (status, text, _) = ran(&["lesson", name, "--seed", &seed.to_string()]);
                assert_eq!(status, Some(0), "{name}, seed {seed}: {text}");
            }
        }
    }

    #[test]
    fn a_lesson_prints_from_a_seed_what_it_prints_on_a_machine() {
        let prints = |text: &str| {
            let (_, below) = text.split_once("What it prints\n\n").unwrap();
            let lines = below.lines().take_while(|line| !line.is_empty());
            // The kernel chooses the ports.
            let words = lines.map(|line| line.trim_end_matches(|it: char| it.is_ascii_digit()));
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        for name in LESSONS {
            let [text, ..] = left("seed-prints", &["lesson", name], "1");
            let (_, real, _) = ran(&["lesson", name]);
            assert_eq!(prints(&text), prints(&real), "{name}");
        }
    }

    #[test]
    fn a_run_from_a_seed_says_what_it_is() {
        let [text, page, file] = left("seed-said", &["demo"], "18446744073709551615");
        let words = "This run is simulated, from seed 18446744073709551615:";
        assert!(text.contains(words));
        if let Some(browser) = browser() {
            let file = Kept::page("seed-opened");
            fs::write(file.path(), page).unwrap();
            let page = opened(browser, Path::new(file.path()));
            let words = "--seed 18446744073709551615 · simulated, seed 18446744073709551615 · ";
            assert!(page.contains(words));
        }
        let recording = Recording::read(file.as_bytes());
        assert_eq!(recording.seed, Some(u64::MAX));
        assert_eq!(
            recording.args.join(" "),
            "netloop demo --seed 18446744073709551615"
        );
        let last = recording.entries.last().unwrap();
        assert!(last.at.as_millis() >= 600, "three intervals of 200 ms");
    }

    #[test]
    fn a_lesson_that_needs_a_machine_says_why_it_has_no_seed() {
        let reasons = [
            (
                "lost",
                "the wire of this lesson is a device of a real machine",
            ),
            (
                "handshake",
                "the wire of this lesson is a device of a real machine",
            ),
            ("edge", "the server of this lesson is a program of its own"),
            (
                "path",
                "this lesson looks at a file, and a simulated host has none",
            ),
            (
                "blocking",
                "in a simulated world a callback takes no time, however long it blocks",
            ),
        ];
        for (name, reason) in reasons {
            let (status, text, error) = ran(&["lesson", name, "--seed", "7"]);
            assert_eq!((status, &*text), (Some(1), ""));
            assert_eq!(error, format!("netloop lesson {name}: --seed: {reason}\n"));
        }
        let (_, listed, _) = ran(&["lesson"]);
        let count = listed.lines().filter(|line| line.starts_with("  ")).count();
        assert_eq!(count, reasons.len() + LESSONS.len());
    }
}
