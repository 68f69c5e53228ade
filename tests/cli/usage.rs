//! The command line: what is wrong is answered in one line, and help is there.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use crate::program::netloop;

/// The status and the one line that a wrong command line is answered with.
fn refused(arguments: &[&str]) -> String {
    let output = netloop(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

const NO_DURATION: &str =
    "is not a duration (200ms, 1s, 1h30m, or a number of milliseconds, at most 24 days)";

#[test]
fn wrong_use_is_answered_in_one_line_that_says_what_is_right() {
    let cases: [(&[&str], &str); 15] = [
        (
            &["server", "--path", "/tmp/x", "--port", "1"],
            "netloop server: --path and --port exclude each other",
        ),
        (
            &["client", "--host", "x", "--path", "/tmp/x"],
            "netloop client: --path and --host exclude each other",
        ),
        (
            &["server", "--path", ""],
            r#"netloop server: --path: "" is not a path of 1 to 107 bytes"#,
        ),
        (
            &["server", "--host", ""],
            r#"netloop server: --host: "" is not a name or an IP address"#,
        ),
        (
            &["client", "--port", "0"],
            r#"netloop client: --port: "0" is not a port (1 to 65535)"#,
        ),
        (
            &["server", "--max-connections", "18446744073709551616"],
            r#"netloop server: --max-connections: "18446744073709551616" is not a number (0 or more)"#,
        ),
        (
            &["serve"],
            r#"netloop: "serve" is not a command (server, client, demo, show, lesson, unit, man or completions; see netloop --help)"#,
        ),
        (
            &["show"],
            "netloop show: a file is missing (see netloop show --help)",
        ),
        (
            &["show", "a", "b"],
            r#"netloop show: "b" is one too many (see netloop show --help)"#,
        ),
        (
            &["show", "a", "--turns", "5..3"],
            r#"netloop show: --turns: "5..3" is not a range of turns (3..5, 3.., ..5 or 3)"#,
        ),
        (
            &["lesson", "none"],
            r#"netloop lesson: there is no "none" (see netloop lesson)"#,
        ),
        (
            &["lesson", "--lang", "fr"],
            r#"netloop lesson: --lang: "fr" is not a language of the lessons (en or ko)"#,
        ),
        (
            &["lesson", "two-programs", "b"],
            r#"netloop lesson: "b" is one too many (see netloop lesson --help)"#,
        ),
        (
            &["help", "serve"],
            r#"netloop: "serve" is not a command (server, client, demo, show, lesson, unit, man or completions; see netloop --help)"#,
        ),
        (
            &[],
            "netloop: a command is missing (server, client, demo, show, lesson, unit, man or completions; see netloop --help)",
        ),
    ];
    for (arguments, answer) in cases {
        assert_eq!(refused(arguments), answer);
    }
    for wrong in [
        "", " ", "80000", "65536", "-1", "+80", "0x50", "80 ", "8e1", "x",
    ] {
        let answer = format!("netloop server: --port: {wrong:?} is not a port (0 to 65535)");
        assert_eq!(refused(&["server", "--port", wrong]), answer);
    }
    for wrong in ["", "-1", "+1", "1.5", "many"] {
        let answer = format!("netloop client: --count: {wrong:?} is not a number (0 or more)");
        assert_eq!(refused(&["client", "--count", wrong]), answer);
    }
    for wrong in [
        "",
        "5 apples",
        "1h-2m",
        "1.5ms",
        "25d",
        "-5",
        "2147483648",
        "18446744073709551616ms",
    ] {
        let answer = format!("netloop client: --interval: {wrong:?} {NO_DURATION}");
        assert_eq!(refused(&["client", "--interval", wrong]), answer);
    }
}

#[test]
fn what_is_not_an_option_is_named_and_the_help_with_it() {
    let cases: [(&[&str], &str); 9] = [
        (&["--prot", "1"], r#""--prot" is not an option"#),
        (&["-p"], r#""-p" is not an option"#),
        (&["8000"], r#""8000" is not an option"#),
        (&["--", "8000"], r#""8000" is not an option"#),
        (&["--\x1b[31m"], r#""--\u{1b}[31m" is not an option"#),
        (
            &["\u{9b}\u{202e}\n"],
            r#""\u{9b}\u{202e}\n" is not an option"#,
        ),
        (&["--port"], "--port: needs a value"),
        (
            &["--port", "1", "--port", "2"],
            "--port: given more than once",
        ),
        (&["--echo=yes"], "--echo: takes no value"),
    ];
    for (arguments, answer) in cases {
        let answer = format!("netloop server: {answer} (see netloop server --help)");
        assert_eq!(refused(&[&["server"], arguments].concat()), answer);
    }
}

#[test]
fn what_is_not_utf_8_is_named_too() {
    let mut command = netloop(&["client", "--message"]);
    command.arg(OsStr::from_bytes(b"\xff\x1b"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr, b"netloop: \"\\xFF\\u{1b}\" is not UTF-8\n");
}

/// The options of the server.
pub(crate) const SERVER: [&str; 27] = [
    "host",
    "port",
    "path",
    "listen",
    "proxy-protocol",
    "mode",
    "backlog",
    "reuse-port",
    "welcome",
    "whoami",
    "echo",
    "max-connections",
    "max-connections-per-peer",
    "allow",
    "deny",
    "max-owed",
    "idle-timeout",
    "keep-alive",
    "grace",
    "drain-timeout",
    "metrics",
    "log-rate",
    "quiet",
    "trace",
    "record",
    "payloads",
    "help",
];

/// The options of the client.
pub(crate) const CLIENT: [&str; 12] = [
    "host",
    "port",
    "path",
    "connect-timeout",
    "message",
    "interval",
    "count",
    "goodbye-timeout",
    "trace",
    "record",
    "payloads",
    "help",
];

/// The options of `show`.
pub(crate) const SHOW: [&str; 6] = ["all", "only", "turns", "html", "perfetto", "help"];

#[test]
fn help_names_every_option_and_the_version_is_told() {
    let text = |arguments: &[&str]| {
        let output = netloop(arguments).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        String::from_utf8(output.stdout).unwrap()
    };
    let names = |help: &str, option: &str| {
        let mut lines = help.lines().map(str::trim_start);
        lines.any(|line| line.split([' ', ',']).next() == Some(&format!("--{option}")))
    };
    let server = text(&["server", "--help"]);
    for option in SERVER {
        assert!(names(&server, option), "{option}");
    }
    let client = text(&["client", "--help"]);
    for option in CLIENT {
        assert!(names(&client, option), "{option}");
    }
    let show = text(&["show", "--help"]);
    for option in SHOW {
        assert!(names(&show, option), "{option}");
    }
    assert!(show.starts_with("Usage: netloop show FILE [OPTIONS]\n"));
    let demo = text(&["demo", "--help"]);
    assert!(names(&demo, "record") && names(&demo, "html"));
    assert!(text(&["--help"]).contains("Exit status: 0"));
    assert_eq!(text(&["help"]), text(&["--help"]));
    assert_eq!(text(&["help", "server"]), server);
    let version = format!("netloop {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&["--version"]), version);
}

#[test]
fn a_filter_of_the_log_that_is_wrong_is_told_and_ends_nothing() {
    let told = |errors: Stdio| {
        let mut command = netloop(&["--version"]);
        command
            .env("RUST_LOG", "a=b=c")
            .stderr(errors)
            .stdout(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.starts_with(b"netloop "));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(told(Stdio::piped()).matches("RUST_LOG").count(), 1);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    told(writer.into());
    told(
        File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
            .into(),
    );
}

#[test]
fn the_help_of_each_command_fits_one_screen() {
    for command in ["server", "client", "demo", "unit", "man", "completions"] {
        let output = netloop(&[command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.lines().count() <= 50, "{command}");
        assert!(
            help.lines().all(|line| line.chars().count() <= 80),
            "{help}"
        );
    }
}
