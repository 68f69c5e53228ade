//! The page of a recording, in a browser.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use netloop::study::{Kind, Recording};

use crate::program::{Program, netloop};
use crate::show::{Kept, shown};
use crate::stage::own_path;
use crate::support;

/// What is done with a page: it is driven by keys, and what it says is written down.
const DRIVER: &str = r"
const told = []
window.addEventListener('error', event => told.push(`error: ${event.message}`))
const press = key => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
const links = id => [...document.querySelectorAll(`#${id} li:not(.wire, .asked) a`)].map(it => it.hash.slice(2)).join(' ')
press('3')
press('Home')
for (let before = null; before !== location.hash; press('j')) {
  before = location.hash
  const number = location.hash.slice(2)
  const isShown = document.querySelector('.row.chosen')?.id === `row-${number}`
  const wire = [...document.querySelectorAll('#why .wire, #why .asked')].map(it => it.textContent).join('; ')
  const state = document.getElementById('whose').textContent
  const lit = document.querySelectorAll('rect.lit').length
  const waits = document.getElementById('waits').textContent
  const now = document.getElementById('now').textContent.replace(/[|\n]/g, ' ')
  const across = document.querySelector('.row.chosen .across')
  const kernels = across?.scrollWidth <= across?.clientWidth ? across.textContent.replaceAll('|', ' ') : ''
  const followed = document.getElementById('next').textContent
  const hasState = !document.getElementById('states').hidden && !document.getElementById('whose').hidden
  told.push([number, isShown, links('why'), wire, state, lit, waits, now, kernels, followed, hasState].join('|'))
}
document.title = 'driven'
document.body.append(Object.assign(document.createElement('pre'), { id: 'told', textContent: told.join('\n') }))
";

/// A browser without a window; none if there is no Chromium.
pub(crate) fn browser() -> Option<Command> {
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "chrome-headless-shell",
    ];
    let is_there = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let Some(name) = names.into_iter().find(is_there) else {
        support::skipped("a recording's page in a browser", "no Chromium");
        return None;
    };
    let mut command = Command::new(name);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-extensions",
        // A page is stepped through faster than by hand.
        "--disable-ipc-flooding-protection",
    ]);
    command.args([
        "--enable-logging=stderr",
        "--virtual-time-budget=5000",
        "--window-size=1280,900",
        "--dump-dom",
    ]);
    Some(command)
}

/// The page as it is after its script has run. It has nothing to complain of.
pub(crate) fn opened(mut browser: Command, page: &Path) -> String {
    let profile = own_path(&format!("profile-{}", page.file_name().unwrap().display()));
    browser.arg(format!("--user-data-dir={}", profile.display()));
    let output = browser
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    _ = std::fs::remove_dir_all(profile);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!log.contains(":CONSOLE"), "{log}");
    String::from_utf8(output.stdout).unwrap()
}

/// The demo with its recording and its page.
fn demo(name: &str) -> (Recording, Kept) {
    let (file, page) = (Kept::new(name), Kept::page(name));
    let arguments = ["demo", "--record", file.path(), "--html", page.path()];
    let (status, _, errors) = Program::netloop(&arguments).end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    let file = std::fs::read(file.path()).unwrap();
    (Recording::read(&*file), page)
}

/// What the page says of each record, from the first to the last: a line each, with bars between its parts.
fn told(browser: Command, page: &Kept) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(page.path()).unwrap();
    let (before, policy) = text.split_once("<meta http-equiv").unwrap();
    let (_, after) = policy.split_once(">\n").unwrap();
    let driven = PathBuf::from(page.path()).with_extension("driven.html");
    std::fs::write(&driven, format!("{before}{after}<script>{DRIVER}</script>")).unwrap();
    let text = opened(browser, &driven);
    std::fs::remove_file(driven).unwrap();
    let (_, told) = text
        .split_once("<pre id=\"told\">")
        .expect("the driver has come to its end");
    let told = told.split("</pre>").next().unwrap();
    let told = told.replace("&gt;", ">").replace("&lt;", "<");
    let parts = |line: &str| line.split('|').map(str::to_owned).collect();
    told.lines().map(parts).collect()
}

#[test]
fn the_page_of_the_demo_opens_and_its_style_and_script_are_those_that_it_allows() {
    let Some(browser) = browser() else { return };
    let (_, page) = demo("page-opens");
    let text = opened(browser, Path::new(page.path()));
    assert!(text.contains("turn 2") && text.contains("EPOLLOUT"));
    assert!(text.contains("A statement of the program's, outside of all callbacks"));
}

#[test]
fn the_page_steps_through_every_record_and_its_why_is_that_of_the_model() {
    let Some(browser) = browser() else { return };
    let (recording, page) = demo("page-steps");
    let told = told(browser, &page);
    assert_eq!(told.len(), recording.entries.len());
    for (entry, told) in recording.entries.iter().zip(&told) {
        let why = recording.why(entry.number).skip(1);
        let why: Vec<String> = why.map(|it| it.number.to_string()).collect();
        let expected = [entry.number.to_string(), "true".into(), why.join(" ")];
        assert_eq!(told[..3], expected);
        if entry.kind == Kind::Ready {
            // Whole, and without their beginning.
            assert_eq!(
                told[8],
                entry.more[0].replace("EPOLL", "").replace('|', " ")
            );
        }
    }
    // The answer to the last: what it says of the records whose words are these.
    let of = |kind: Kind, words: &str, part: usize| {
        let index = recording
            .entries
            .iter()
            .rposition(|it| it.kind == kind && it.words == words);
        told[index.unwrap()][part].as_str()
    };
    // What the client has written is what `data` of the server has got; its end is the client's.
    assert!(of(Kind::Callback, "data", 3).contains("was sent by #"));
    assert!(of(Kind::Callback, "data", 3).ends_with("client: send: 2 bytes"));
    assert!(of(Kind::Callback, "close", 3).contains("accepted: close"));
    let connection = of(Kind::Callback, "connection", 3);
    assert!(
        connection.contains("was asked for by #")
            && connection.ends_with("client: connect: EINPROGRESS")
    );
    // The state is told, and lit in the picture: an open socket with its halves.
    assert_eq!(
        of(Kind::Step, "FinishDue", 4),
        "The state of accepted: open (read ended, write finished)"
    );
    assert_eq!(of(Kind::Step, "FinishDue", 5), "2");
    assert_eq!(of(Kind::Step, "Bound", 4), "The state of server: listening");
    assert_eq!(of(Kind::Step, "Bound", 5), "1");
    assert!(
        of(Kind::Callback, "set_interval", 6)
            .starts_with("loop: set_interval (queue: timers, queued by #")
    );
}

#[test]
fn the_page_of_a_recording_with_a_wire_has_its_segments_in_a_lane() {
    let Some(browser) = browser() else { return };
    let (file, page) = (Kept::new("page-wire"), Kept::page("page-wire"));
    let arguments = [
        "lesson",
        "lost",
        "--record",
        file.path(),
        "--html",
        page.path(),
    ];
    assert!(netloop(&arguments).output().unwrap().status.success());
    let recording = Recording::read(&*std::fs::read(file.path()).unwrap());
    let text = opened(browser, Path::new(page.path()));
    assert!(text.contains(">wire</span>") && text.contains("⇐"));
    let told = told(self::browser().unwrap(), &page);
    let count = recording.entries.len() + recording.segments.len();
    assert_eq!((told.len(), recording.segments.len()), (count, 18));
    // They stand between the records, and have no whole numbers.
    let segments: Vec<_> = told.iter().filter(|it| it[0].contains('.')).collect();
    let says = |words: &str| segments.iter().filter(|it| it[7].contains(words)).count();
    assert_eq!((says("✗ LOST"), says("↻ sent again")), (1, 1));
    assert_eq!(says("SYN: asks for a connection"), 2);
    let why = |index: usize| {
        let first = segments[index][2].split(' ').next().unwrap();
        let entry = first.parse().ok().and_then(|first| recording.get(first));
        entry.map(|entry| entry.words.as_str())
    };
    // SYN, SYN ACK, ACK, the five with the bytes, the FIN.
    assert_eq!((why(0), why(1), why(2)), (Some("connect"), None, None));
    assert_eq!((why(4), why(8)), (Some("send"), Some("shutdown")));
    assert!(segments[4][7].contains("bytes 1449 to 2896"));
    assert!(segments[4][7].contains("seq 1449, ack 1, 1448 bytes"));
    assert!(segments[1][7].contains("From the server to the client"));
    // A recording without a wire has no such lane.
    let (_, page) = demo("page-no-wire");
    let text = opened(self::browser().unwrap(), Path::new(page.path()));
    assert!(!text.contains(">wire</span>"));
}

#[test]
fn the_page_of_the_demo_has_the_run_of_node_beside_it() {
    let Some(browser) = browser() else { return };
    let (_, page) = demo("page-node");
    let text = opened(browser, Path::new(page.path()));
    assert!(text.contains("Beside it, a recorded run of Node v26."));
    let shown = include_str!("../../src/programs/demo/node.txt")
        .lines()
        .count()
        - 1;
    let same = text.matches("\">= ").count();
    let words = format!("Of its {shown} callbacks, {same} come in the same order here (=).");
    assert!(same > shown / 2 && text.contains(&words), "{same}");
    assert!(text.contains("<i>  as in Node, at "));
    // A recording that is only shown has nothing beside it.
    let (file, page) = (Kept::of("page-alone", []), Kept::page("page-alone"));
    assert!(
        netloop(&["show", file.path(), "--html", page.path()])
            .output()
            .unwrap()
            .status
            .success()
    );
    let text = std::fs::read_to_string(page.path()).unwrap();
    assert!(!text.contains("Node v"));
}

#[test]
fn the_page_links_what_no_cause_leads_to_and_shows_no_state_before_one_is_known() {
    let Some(browser) = browser() else { return };
    let records = [
        r#""k":"wait","w":1,"turn":1,"who":"loop""#,
        r#""k":"ready","w":"writable","more":"EPOLLOUT","turn":1,"who":"socket#1""#,
        r#""c":2,"k":"call","w":"end","turn":1,"who":"socket#1""#,
        r#""c":3,"k":"step","w":"EndCalled","more":["open","open (write ending)"],"turn":1,"who":"socket#1""#,
        r#""c":3,"k":"done","turn":1,"who":"socket#1""#,
        r#""c":2,"k":"system","w":"shutdown","turn":1,"who":"socket#1""#,
    ];
    let file = Kept::of("page-links", records.map(str::to_owned));
    let page = Kept::page("page-links");
    assert!(shown(&file, &["--html", page.path()]).is_empty());
    let told = told(browser, &page);
    // The readiness that the wait has reported follows from it.
    assert_eq!(told[0][9], "#2 socket: ready: writable");
    // The readiness led to the shutdown, and the program had asked for it.
    assert_eq!(told[5][2], "2");
    assert_eq!(told[5][3], "it was asked for by #3 socket: calls end");
    let states = told.iter().map(|told| (&*told[4], &*told[10]));
    let states: Vec<_> = states.collect();
    assert_eq!(states[0], ("", "false"));
    assert_eq!(
        states[5],
        ("The state of socket: open (write ending)", "true")
    );
}

#[test]
fn the_page_tells_once_what_many_wait_for() {
    let Some(browser) = browser() else { return };
    let records = (1..=100).flat_map(|who| {
        [
            format!(r#""k":"holds","w":true,"who":"socket#{who}""#),
            format!(r#""k":"queued","w":"ticks","more":"begin to connect","who":"socket#{who}""#),
        ]
    });
    let (file, page) = (Kept::of("page-many", records), Kept::page("page-many"));
    assert!(shown(&file, &["--html", page.path()]).is_empty());
    let told = told(browser, &page);
    let waits = &told.last().unwrap()[6];
    assert!(
        waits.starts_with("socket#1 and 99 more: begin to connect"),
        "{waits}"
    );
    assert_eq!(waits.matches("begin to connect").count(), 1);
}

#[test]
fn the_page_groups_the_same_work_of_one_socket() {
    let Some(browser) = browser() else { return };
    let queued = r#""k":"queued","w":"ticks","more":"begin to connect","who":"socket#1""#;
    let (file, page) = (
        Kept::of("page-twice", [queued; 2].map(str::to_owned)),
        Kept::page("page-twice"),
    );
    assert!(shown(&file, &["--html", page.path()]).is_empty());
    let told = told(browser, &page);
    let waits = |index: usize| told[index][6].as_str();
    assert!(waits(0).starts_with("socket: begin to connect"));
    assert!(waits(1).starts_with("socket, twice: begin to connect"));
}

/// The callbacks of a run, without their times.
fn callbacks(run: &str) -> Vec<&str> {
    let lines = run.lines().skip(1);
    lines.map(|line| line.split_once(' ').unwrap().1).collect()
}

/// The lessons without a run of Node beside their page, as the questions name them.
const ALONE: [&str; 6] = ["stream", "drain", "hundred", "lost", "handshake", "edge"];

#[test]
fn the_questions_name_the_lessons_without_a_run_of_node() {
    let lessons = std::fs::read_dir("src/programs/lessons").unwrap();
    let folders = lessons
        .map(|it| it.unwrap().path())
        .filter(|it| it.is_dir());
    let alone = folders.filter(|it| !it.join("node.txt").exists());
    let alone: BTreeSet<String> = alone
        .map(|it| it.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(alone, ALONE.map(str::to_owned).into());
    let guide = std::fs::read_to_string("src/guide/questions.md").unwrap();
    let last = guide.rsplit("# 15.").next().unwrap();
    for name in ALONE {
        assert!(last.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_recorded_runs_of_node_are_what_node_still_runs() {
    let Some(node) = support::node() else {
        let why = "no Node 26 (NETLOOP_NODE, or node on the path)";
        return support::skipped("the recorded runs of Node", why);
    };
    let lessons = std::fs::read_dir("src/programs/lessons").unwrap();
    let mut folders: Vec<PathBuf> = lessons.map(|it| it.unwrap().path()).collect();
    folders.push("src/programs/demo".into());
    folders.retain(|it| it.join("node.txt").exists());
    for folder in folders {
        let mut command = Command::new(&node);
        command
            .arg("tests/node_run.js")
            .arg(folder.join("program.js"));
        let output = command.env_remove("NODE_OPTIONS").output().unwrap();
        let run = String::from_utf8(output.stdout).unwrap();
        let recorded = std::fs::read_to_string(folder.join("node.txt")).unwrap();
        assert!(recorded.starts_with("Node v26."));
        assert_eq!(
            callbacks(&run),
            callbacks(&recorded),
            "{}: tests/node_run.js makes it again",
            folder.display()
        );
    }
}

#[test]
fn the_page_of_a_peer_that_sends_markup_shows_it_as_text() {
    let Some(browser) = browser() else { return };
    let evil = r#"</script><script id='evil'>document.title='pwned'</script><img src=x onerror=alert(1)><!--"#;
    let kinds = [
        "callback",
        "ready",
        "queued",
        "system",
        "__proto__",
        "constructor",
        evil,
    ];
    let records = kinds.iter().map(|kind| {
        format!(r#""k":"{kind}","w":"{evil}","more":"{evil}","at":"{evil}","who":"socket#{evil}""#)
    });
    let file = Kept::of("page-evil", records);
    let page = Kept::page("page-evil");
    let shown = netloop(&["show", file.path(), "--html", page.path()])
        .output()
        .unwrap();
    assert!(shown.status.success() && shown.stdout.is_empty());
    let text = opened(browser, Path::new(page.path()));
    assert!(text.contains("&lt;script id='evil'&gt;"));
    assert!(!text.contains("<script id=") && !text.contains("<img"));
    assert!(text.contains("<title>netloop: a recording</title>"));
    let told = told(self::browser().unwrap(), &page);
    assert_eq!(told.len(), kinds.len());
}

#[test]
fn the_page_allows_its_own_style_and_script_and_nothing_else() {
    let (_, page) = demo("page-policy");
    let text = std::fs::read_to_string(page.path()).unwrap();
    for (tag, policy) in [("style", "style-src"), ("script", "script-src")] {
        let (_, inside) = text.rsplit_once(&format!("<{tag}>")).unwrap();
        let inside = inside.split(&format!("</{tag}>")).next().unwrap();
        let hash = "import base64, hashlib, sys; print(end=base64.b64encode(hashlib.sha256(sys.stdin.buffer.read()).digest()).decode())";
        let mut command = Command::new("python3");
        command
            .args(["-c", hash])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let Ok(mut python) = command.spawn() else {
            return support::skipped("the policy of a page", "no python3");
        };
        python
            .stdin
            .take()
            .unwrap()
            .write_all(inside.as_bytes())
            .unwrap();
        let hash = python.wait_with_output().unwrap().stdout;
        let hash = String::from_utf8(hash).unwrap();
        assert!(
            text.contains(&format!("{policy} 'sha256-{hash}'")),
            "{tag}: {hash}"
        );
    }
    assert!(text.contains("content=\"default-src 'none'; "));
}

#[test]
fn a_damaged_recording_has_a_page_that_says_so() {
    let file = Kept::new("page-damaged");
    std::fs::write(
        file.path(),
        "{\"netloop\":1}\n{\"n\":1,\"k\":\"call\"}\n{\"n\":2",
    )
    .unwrap();
    let page = Kept::page("page-damaged");
    let shown = netloop(&["show", file.path(), "--html", page.path()])
        .output()
        .unwrap();
    assert_eq!(shown.status.code(), Some(1));
    let text = std::fs::read_to_string(page.path()).unwrap();
    assert!(text.contains("line 3: expected a whole record"));
    let nowhere = netloop(&["demo", "--html", "/nowhere/at/all.html"])
        .output()
        .unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
    let error = String::from_utf8_lossy(&nowhere.stderr);
    assert!(
        error.starts_with("netloop demo: --html /nowhere/at/all.html: "),
        "{error}"
    );
}
