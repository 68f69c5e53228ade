//! The command line: what is wrong is answered in one line, and help is there.

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

#[test]
fn wrong_use_is_answered_in_one_line_that_says_what_is_right() {
    let cases: [(&[&str], &str); 9] = [
        (
            &["server", "--port", "80000"],
            r#"netloop server: --port: "80000" is not a port (0 to 65535)"#,
        ),
        (
            &["client", "--port=x"],
            r#"netloop client: --port: "x" is not a port (0 to 65535)"#,
        ),
        (
            &["client", "--interval", "1h"],
            r#"netloop client: --interval: "1h" is not a duration (200ms, 1s, 2m, or a number of milliseconds, at most 24 days)"#,
        ),
        (
            &["server", "--max-connections", "-1"],
            r#"netloop server: --max-connections: "-1" is not a number (0 or more)"#,
        ),
        (
            &["server", "--path", "/tmp/x", "--port", "1"],
            "netloop server: --path and --port: a server is at a path or at a port, not both",
        ),
        (
            &["server", "--path", ""],
            r#"netloop server: --path: "" is not a path of 1 to 107 bytes"#,
        ),
        (
            &["server", "8000"],
            r#"netloop server: "8000" is not an option (see netloop server --help)"#,
        ),
        (
            &["serve"],
            r#"netloop: "serve" is not a command (server, client or demo; see netloop --help)"#,
        ),
        (
            &[],
            "netloop: which command? (server, client or demo; see netloop --help)",
        ),
    ];
    for (arguments, answer) in cases {
        assert_eq!(refused(arguments), answer);
    }
    assert!(refused(&["server", "--prot", "1"]).contains("(see netloop server --help)"));
}

#[test]
fn help_names_every_option_and_the_version_is_told() {
    let text = |arguments: &[&str]| {
        let output = netloop(arguments).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        String::from_utf8(output.stdout).unwrap()
    };
    let server = text(&["server", "--help"]);
    for option in [
        "--host",
        "--port",
        "--path",
        "--welcome",
        "--echo",
        "--max-connections",
        "--idle-timeout",
        "--drain-timeout",
        "--quiet",
        "--trace",
    ] {
        assert!(server.contains(option), "{option}");
    }
    let client = text(&["client", "--help"]);
    for option in [
        "--host",
        "--port",
        "--path",
        "--message",
        "--interval",
        "--count",
        "--trace",
    ] {
        assert!(client.contains(option), "{option}");
    }
    assert!(text(&["--help"]).contains("Exit status: 0"));
    let version = format!("netloop {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&["--version"]), version);
}
