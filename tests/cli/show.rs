//! `netloop show`: a recording as text.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use crate::program::{Program, netloop};
use crate::stage::{connect, own_path, read};

const HEADER: &str = r#"{"netloop":1,"args":["netloop","test"]}"#;

/// A file that goes with its test.
pub(crate) struct Kept(PathBuf);

impl Kept {
    pub(crate) fn new(name: &str) -> Kept {
        Kept(own_path(name))
    }

    /// A page, which a browser knows by its name.
    pub(crate) fn page(name: &str) -> Kept {
        Kept(own_path(name).with_extension("html"))
    }

    /// A recording with these records, numbered from 1.
    pub(crate) fn of(name: &str, records: impl IntoIterator<Item = String>) -> Kept {
        let file = Kept::new(name);
        let mut text = format!("{HEADER}\n");
        for (index, record) in records.into_iter().enumerate() {
            text.push_str(&format!("{{\"n\":{},{record}}}\n", index + 1));
        }
        std::fs::write(&file.0, text).unwrap();
        file
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

/// The demo with a recording, and what it has printed.
pub(crate) fn demo(name: &str) -> (Kept, Vec<String>) {
    let file = Kept::new(name);
    let (status, lines, errors) = Program::netloop(&["demo", "--record", file.path()]).end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    (file, lines)
}

fn output(file: &Kept, options: &[&str]) -> Output {
    let arguments = [&["show", file.path()], options].concat();
    netloop(&arguments).output().unwrap()
}

/// What is shown of a recording without fault, line by line.
pub(crate) fn shown(file: &Kept, options: &[&str]) -> Vec<String> {
    let output = output(file, options);
    assert!(output.status.success() && output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The status, what is shown, and the one line of complaint.
fn refused(path: &Path) -> (Option<i32>, String, String) {
    let output = netloop(&["show", path.to_str().unwrap()]).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let errors = text(output.stderr);
    assert_eq!(errors.lines().count(), 1, "{errors}");
    (output.status.code(), text(output.stdout), errors)
}

fn has(lines: &[String], words: &str) -> bool {
    lines.iter().any(|line| line.contains(words))
}

#[test]
fn all_of_a_recording_is_the_trace_that_was_printed_when_it_was_made() {
    let (file, printed) = demo("show-all");
    let is_of_trace = |line: &&String| {
        line.starts_with("turn ") || line.starts_with(' ') && !line.contains(" prints ")
    };
    let begin = printed
        .iter()
        .position(|line| line == "before the first turn");
    let printed: Vec<&String> = printed[begin.unwrap()..]
        .iter()
        .filter(is_of_trace)
        .collect();
    let shown = shown(&file, &["--all"]);
    let end = shown
        .iter()
        .position(|line| line == "at this point")
        .unwrap();
    let shown: Vec<&String> = shown[..end].iter().filter(is_of_trace).collect();
    assert_eq!(shown, printed);
}

#[test]
fn the_story_is_waits_readiness_system_calls_and_the_programs_own() {
    let (file, _) = demo("show-story");
    let story = shown(&file, &[]);
    for words in [
        "waited",
        "ready: writable  EPOLLOUT",
        "send: 7 bytes",
        "callback: data: 2 bytes",
    ] {
        assert!(has(&story, words), "{words}");
    }
    assert!(has(&story, "calls write: 2 bytes  client.rs:"));
    assert!(!has(&story, "─") && !has(&story, "tick: "));
    assert!(has(
        &story,
        "nothing runs, nothing waits, and nothing holds the loop"
    ));
    let wide = |line: &&String| line.chars().count() > 80;
    assert_eq!(story.iter().find(wide), None);
}

#[test]
fn one_socket_and_some_turns_can_be_picked() {
    let (file, _) = demo("show-only");
    let client = shown(&file, &["--only", "client", "--turns", "1..2"]);
    let titles = client.iter().filter(|line| line.starts_with("turn "));
    assert_eq!(titles.collect::<Vec<_>>(), ["turn 1", "turn 2"]);
    assert!(has(&client, "client") && !has(&client, "accepted  "));
    // What waits is told of that point.
    assert!(has(&client, "set_interval (timers, queued by"));
    let output = output(&file, &["--only", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "netloop show: --only: there is no \"nobody\", but loop, server, client, accepted\n"
    );
}

#[test]
fn what_led_to_the_lines_that_are_picked_stands_with_them() {
    let (file, _) = demo("show-causes");
    let lines = shown(&file, &["--turns", "3"]);
    let at = |words: &str| lines.iter().position(|line| line.contains(words)).unwrap();
    let set = at("calls set_interval");
    assert_eq!(lines[set - 1], "turn 1, what led to the lines below");
    let number = lines[set].split_whitespace().next().unwrap();
    let due = format!("(set by {number}, for 200 ms)");
    assert!(set < at("turn 3") && at("turn 3") < at(&due), "{lines:#?}");
}

#[test]
fn a_recording_of_the_demo_tells_what_the_programs_have_printed() {
    let (file, _) = demo("show-prints");
    let lines = shown(&file, &[]);
    let at = |words: &str| lines.iter().position(|line| line.contains(words)).unwrap();
    assert_eq!(at("prints Client connected"), at("callback: connect ") + 1);
    let first = shown(&file, &["--turns", "..1"]);
    assert!(has(&first, "prints Client connected") && !has(&first, "prints Welcome"));
}

#[test]
fn a_recording_with_a_wire_tells_what_it_has_carried() {
    let file = Kept::new("show-wire");
    let lesson = netloop(&["lesson", "lost", "--record", file.path()]).output();
    let lesson = String::from_utf8(lesson.unwrap().stdout).unwrap();
    let of_wire = |line: &&str| line.starts_with("      wire ");
    let told: Vec<&str> = lesson.lines().filter(of_wire).collect();
    let lines = shown(&file, &[]);
    let carried: Vec<&str> = lines.iter().map(String::as_str).filter(of_wire).collect();
    assert_eq!((&carried, carried.len()), (&told, 18));
    assert!(lines[0].starts_with("netloop lesson lost --wire "));
    assert_eq!(lines[2], "on the wire: 18 segments, 1 lost");
    let at = |words: &str| lines.iter().position(|line| line.contains(words)).unwrap();
    let lost = at("client → server  bytes 1449 to 2896  LOST");
    assert!(at("send: 6000 bytes") < lost && lost < at("recv: 4552 bytes"));
    // Only those that were sent in the turns that are shown, and none that is of one socket.
    let some = shown(&file, &["--turns", "5"]);
    assert!(has(&some, "bytes 1449 to 2896") && !has(&some, "LOST"));
    assert!(!has(&shown(&file, &["--only", "client"]), " wire "));
}

#[test]
fn a_line_under_a_fold_stands_under_the_one_that_caused_it() {
    let records = (1..=9).map(|index| {
        let cause = if index == 9 { r#""c":8,"# } else { "" };
        let kind = if index == 9 {
            r#""call","w":"close""#
        } else {
            r#""callback","w":"close""#
        };
        format!(
            r#"{cause}"k":{kind},"turn":1,"who":"socket#{}""#,
            index.min(8)
        )
    });
    let lines = shown(&Kept::of("show-under", records), &[]);
    let begin = lines.iter().position(|line| line == "turn 1").unwrap();
    let expected = [
        "   1  socket#1              callback: close",
        "      … and 6 more: socket#2 to socket#7, lines 2 to 7",
        "   8  socket#8              callback: close",
        "   9    socket#8            calls close",
    ];
    assert_eq!(lines[begin + 1..begin + 5], expected);
}

#[test]
fn a_fold_begins_with_a_line_that_stands_under_none_of_it() {
    let records = (1..=13).map(|index| match index {
        1 => r#""k":"callback","w":"set_timeout","turn":1,"who":"loop""#.to_owned(),
        13 => r#""c":11,"k":"call","w":"close","turn":1,"who":"loop""#.to_owned(),
        _ if index % 2 == 0 => {
            let cause = index - 1;
            format!(r#""c":{cause},"k":"call","w":"next_tick","turn":1,"who":"loop""#)
        }
        _ => r#""k":"callback","w":"next_tick","turn":1,"who":"loop""#.to_owned(),
    });
    let lines = shown(&Kept::of("show-fold", records), &[]);
    let begin = lines.iter().position(|line| line == "turn 1").unwrap();
    let expected = [
        "   1  loop                  callback: set_timeout",
        "   2    loop                calls next_tick",
        "   3  loop                  callback: next_tick",
        "   4    loop                calls next_tick",
        "      … and 3 times the same, lines 5 to 10",
        "  11  loop                  callback: next_tick",
        "  12    loop                calls next_tick",
        "  13    loop                calls close",
    ];
    assert_eq!(lines[begin + 1..begin + 9], expected);
}

#[test]
fn what_many_sockets_do_alike_is_printed_once() {
    let records = (0..100).flat_map(|index| {
        let (ready, who) = (3 * index + 1, index + 7);
        [
            format!(r#""k":"ready","w":"readable","more":"EPOLLIN","turn":1,"who":"socket#{who}""#),
            format!(
                r#""c":{ready},"k":"system","w":"recv","bytes":4,"turn":1,"who":"socket#{who}""#
            ),
            format!(r#""c":{ready},"k":"callback","w":"data","turn":1,"who":"socket#{who}""#),
        ]
    });
    let file = Kept::of("show-many", records);
    let lines = shown(&file, &[]);
    let recv = lines.iter().filter(|line| line.contains("recv"));
    assert_eq!(recv.count(), 1);
    let more = "      … and 99 more: socket#8 to socket#106, lines 4 to 300";
    assert!(lines.iter().any(|line| line == more), "{lines:#?}");
    // One of them is shown in full.
    assert!(has(
        &shown(&file, &["--only", "socket#90"]),
        "recv: 4 bytes"
    ));
}

#[test]
fn what_many_do_alike_has_a_range_only_where_their_numbers_ascend() {
    let records = [7, 2, 9, 4, 3].map(|who| {
        format!(r#""k":"ready","w":"readable","more":"EPOLLIN","turn":1,"who":"socket#{who}""#)
    });
    let lines = shown(&Kept::of("show-order", records), &[]);
    let more = "      … and 4 more, lines 2 to 5";
    assert!(lines.iter().any(|line| line == more), "{lines:#?}");
}

#[test]
fn how_long_it_took_is_printed_of_a_callback_and_not_again_of_a_call_in_it() {
    let records = [
        r#""k":"callback","w":"drain","turn":1,"who":"socket#1""#,
        r#""c":1,"k":"call","w":"end","turn":1,"who":"socket#1""#,
        r#""c":2,"k":"done","t":20000000,"turn":1,"who":"socket#1""#,
        r#""c":1,"k":"done","t":20000000,"turn":1,"who":"socket#1""#,
    ];
    let lines = shown(&Kept::of("show-took", records.map(str::to_owned)), &[]);
    let took: Vec<_> = lines.iter().filter(|line| line.contains("took")).collect();
    assert_eq!(took.len(), 1, "{lines:#?}");
    assert!(took[0].starts_with("   4  "), "{took:?}");
}

#[test]
fn a_recording_of_many_connections_opens_as_text_as_a_page_and_as_a_trace() {
    let file = Kept::new("show-load");
    let common = ["server", "--port", "0", "--quiet", "--welcome=", "--echo"];
    let options = ["--record", file.path()];
    let mut server = Program::netloop(&[&common[..], &options].concat());
    let port = server.port();
    let mut peers: Vec<_> = (0..300).map(|_| connect(port)).collect();
    for peer in &mut peers {
        peer.write_all(b"ping").unwrap();
    }
    for peer in &mut peers {
        assert_eq!(read(peer, 4), b"ping");
    }
    drop(peers);
    server.signal("TERM");
    assert_eq!(server.end().0.code(), Some(0));
    let lines = shown(&file, &[]);
    assert!(has(&lines, " more: accepted#"), "{lines:#?}");
    assert!(has(&lines, "calls close_after_backlog"));
    let (page, trace) = (Kept::page("show-load-page"), Kept::new("show-load-trace"));
    shown(&file, &["--html", page.path(), "--perfetto", trace.path()]);
    let html = std::fs::read_to_string(page.path()).unwrap();
    assert!(html.contains("accepted#"));
    assert!(std::fs::metadata(trace.path()).unwrap().len() > 10_000);
}

#[test]
fn a_recording_that_was_full_says_that_its_program_ran_on() {
    let records = [
        r#""k":"call","w":"listen","who":"server#1""#,
        r#""k":"stopped","w":"it is full, its program ran on","who":"loop""#,
    ];
    let lines = shown(&Kept::of("show-full", records.map(str::to_owned)), &[]);
    assert!(has(
        &lines,
        "the recording ends: it is full, its program ran on"
    ));
}

#[test]
fn a_recording_that_ends_early_tells_what_waits_and_what_holds_the_loop() {
    let records = [
        r#""k":"holds","w":true,"who":"server#1""#,
        r#""k":"callback","w":"data","who":"socket#2""#,
        r#""c":2,"k":"call","w":"write","bytes":70,"who":"socket#2""#,
        r#""c":2,"k":"queued","w":"immediates","more":"set_immediate","who":"loop""#,
    ];
    let file = Kept::of("show-early", records.map(str::to_owned));
    let lines = shown(&file, &[]);
    for words in [
        "runs     socket: callback data, since line 2",
        "waits    loop: set_immediate (immediates, queued by 2): it runs in the check",
        "socket: 70 bytes wait to be sent: ",
        "holds    server",
    ] {
        assert!(has(&lines, words), "{words}: {lines:#?}");
    }
}

#[test]
fn a_damaged_recording_is_shown_up_to_the_damage_which_is_told_with_its_line() {
    let (file, _) = demo("show-damaged");
    let whole = std::fs::read_to_string(&file.0).unwrap();
    let half = &whole[..whole.len() / 2];
    assert!(!half.ends_with('\n'));
    std::fs::write(&file.0, half).unwrap();
    let (status, shown, error) = refused(&file.0);
    let line = half.lines().count();
    assert_eq!(status, Some(1));
    assert!(shown.contains("callback: connect"));
    let expected = format!(
        "netloop show: {}: line {line}: expected a whole record",
        file.path()
    );
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn what_is_no_recording_is_refused() {
    let file = Kept::new("show-alien");
    std::fs::write(&file.0, b"\x7fELF\x02\x01\x1b[2J\n\0\0").unwrap();
    let (status, shown, error) = refused(&file.0);
    assert_eq!((status, shown.as_str()), (Some(1), ""));
    assert!(error.ends_with(
        ": line 1: expected the header of a recording, {\"netloop\":1,…}, found something else\n"
    ));
    let (status, _, error) = refused(Path::new("/nowhere/at/all"));
    assert_eq!(status, Some(1));
    assert_eq!(
        error,
        "netloop show: /nowhere/at/all: No such file or directory (os error 2)\n"
    );
    assert_eq!(refused(Path::new("/")).0, Some(1));
}

#[test]
fn an_empty_recording_is_none_that_is_damaged() {
    let file = Kept::of("show-empty", []);
    assert_eq!(shown(&file, &[]), ["The recording has no records."]);
    let page = Kept::page("show-empty-page");
    assert!(shown(&file, &["--html", page.path()]).is_empty());
    assert!(
        std::fs::read_to_string(page.path())
            .unwrap()
            .starts_with("<!doctype html>")
    );
}

#[test]
fn a_recording_holds_the_bytes_only_when_it_is_asked_to() {
    let words = |file: &Kept, words: &str| has(&shown(file, &[]), words);
    let (file, _) = demo("show-no-payloads");
    assert!(words(&file, "recv: 7 bytes") && !words(&file, "bytes \""));
    let file = Kept::new("show-payloads");
    let arguments = ["demo", "--record", file.path(), "--payloads", "4"];
    assert_eq!(Program::netloop(&arguments).end().0.code(), Some(0));
    assert!(words(&file, "calls write: 2 bytes \"hi\""));
    assert!(words(&file, "recv: 7 bytes \"Welc…\""));
    for wrong in [
        &["--payloads", "4"][..],
        &["--record", "x", "--payloads", "65K"],
    ] {
        let output = netloop(&[&["client"], wrong].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn the_bytes_of_a_peer_stay_text_in_a_recording() {
    let file = Kept::new("show-hostile");
    let record = ["--record", file.path(), "--payloads", "64K"];
    let mut server = Program::netloop(&[&["server", "--port", "0"], &record[..]].concat());
    let mut peer = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    peer.write_all(b"\x1b[2J</script><b>\xff\xc3\"\n\xe2\x80\xae")
        .unwrap();
    drop(peer);
    while server.line() != "client disconnected" {}
    server.signal("INT");
    server.end();
    let lines = shown(&file, &[]);
    let recv = lines.iter().position(|line| line.contains("recv: 23 "));
    let recv = lines[recv.unwrap()..][..2].concat();
    assert!(recv.contains(r"\u{1b}[2J</script><b>\xff\xc3"), "{recv}");
    let page = Kept::page("show-hostile");
    assert!(shown(&file, &["--html", page.path()]).is_empty());
    let page = std::fs::read_to_string(page.path()).unwrap();
    assert!(page.contains(r"\u003c/script>\u003cb>\\xff\\xc3"));
    assert!(!page.contains("<b>\\"));
}

#[test]
fn a_recording_may_say_any_number_of_bytes() {
    let most = u64::MAX;
    let addresses = [
        r#""more":["1.1.1.1:5","1.1.1.1:80"],"who":"socket#1""#,
        r#""more":["1.1.1.1:80","1.1.1.1:5"],"who":"socket#2""#,
    ];
    let births = addresses.map(|it| format!(r#""k":"connected","w":7,{it}"#));
    let calls = ["send", "recv"].into_iter().cycle().take(6);
    let calls =
        calls.map(|name| format!(r#""k":"system","w":"{name}","bytes":{most},"who":"socket#1""#));
    let written =
        [1, 2].map(|_| format!(r#""k":"call","w":"write","bytes":{most},"who":"socket#1""#));
    let file = Kept::of("show-most", births.into_iter().chain(calls).chain(written));
    let segment = format!(r#"{{"k":"segment","port":5,"seq":{most},"bytes":{most},"t":{most}}}"#);
    let text = std::fs::read_to_string(&file.0).unwrap() + &segment;
    std::fs::write(&file.0, text).unwrap();
    assert!(has(&shown(&file, &[]), "calls write"));
    let page = Kept::page("show-most");
    assert!(shown(&file, &["--html", page.path()]).is_empty());
}

#[test]
fn a_recording_cannot_steer_a_terminal() {
    let evil = r"\u001b[2J\u009b\n\u202e";
    let records = [
        format!(r#""k":"callback","w":"{evil}","at":"{evil}","who":"socket#{evil}""#),
        format!(r#""k":"ready","w":"{evil}","more":"{evil}","who":"{evil}""#),
        format!(r#""k":"queued","w":"{evil}","more":"{evil}","who":"{evil}""#),
        format!(
            r#""k":"{evil}","w":"{}","who":"{}""#,
            "x".repeat(300),
            "y".repeat(300)
        ),
    ];
    let file = Kept::of("show-evil", records);
    for line in shown(&file, &["--all"]) {
        let is_harmless = |it: char| !it.is_control() && it != '\u{202e}';
        assert!(line.chars().all(is_harmless), "{line:?}");
        assert!(line.chars().count() <= 80, "{line}");
    }
    let output = output(&file, &["--only", "\x1b[2J"]);
    assert!(!output.stderr.contains(&0x1b));
}

#[test]
fn a_recording_comes_from_standard_input_too() {
    let mut show = netloop(&["show", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let record = r#"{"n":1,"k":"call","w":"listen","who":"server#1"}"#;
    let mut stdin = show.stdin.take().unwrap();
    write!(stdin, "{HEADER}\n{record}\n").unwrap();
    drop(stdin);
    let output = show.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stdout)
            .contains("   1  server                calls listen\n")
    );
}
