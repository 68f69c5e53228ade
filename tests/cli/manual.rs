//! The manual page and the completions, read by the real programs.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::program::netloop;
use crate::stage::own_path;
use crate::support;
use crate::usage::{CLIENT, SERVER, SHOW};

fn printed(arguments: &[&str]) -> String {
    let output = netloop(arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

/// What a program makes of an input: its output and what it complains of. None if it is missing.
fn made_by(program: &str, arguments: &[&str], input: &str) -> Option<(String, String)> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        support::skipped(
            "what netloop prints for other programs",
            &format!("no {program}"),
        );
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || _ = stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Some((text(output.stdout), text(output.stderr)))
}

#[test]
fn the_manual_page_renders_without_a_warning_and_names_every_option() {
    let page = printed(&["man"]);
    let arguments = ["-man", "-Tutf8", "-ww", "-b", "-rLL=78n", "-P-cbou"];
    let Some((text, warnings)) = made_by("groff", &arguments, &page) else {
        return;
    };
    assert_eq!(warnings, "");
    for option in SERVER.iter().chain(&CLIENT).chain(&SHOW) {
        assert!(text.contains(&format!("--{option}")), "{option}: {text}");
    }
    for part in ["NAME", "SYNOPSIS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES"] {
        assert!(text.lines().any(|line| line == part), "{part}");
    }
    // What an apostrophe or a dash begins is text, and no request.
    assert!(text.contains("'' for none"));
}

/// What bash completes when the last word is at the cursor.
fn bash(words: &[&str]) -> Option<Vec<String>> {
    let script = printed(&["completions", "bash"]);
    let input = format!(
        "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _netloop; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        words.join(" "),
        words.len() - 1
    );
    let (text, warnings) = made_by("bash", &["--norc"], &input)?;
    assert_eq!(warnings, "");
    let lines = text.lines().map(str::to_owned);
    Some(lines.filter(|line| !line.is_empty()).collect())
}

#[test]
fn bash_completes_commands_options_and_words() {
    let Some(commands) = bash(&["netloop", "''"]) else {
        return;
    };
    for command in [
        "server",
        "client",
        "demo",
        "show",
        "lesson",
        "unit",
        "man",
        "completions",
    ] {
        assert!(commands.iter().any(|word| word == command), "{command}");
    }
    let options = bash(&["netloop", "server", "--"]).unwrap();
    let all: Vec<String> = SERVER.iter().map(|name| format!("--{name}")).collect();
    assert_eq!(options, all);
    assert_eq!(bash(&["netloop", "unit", "so"]).unwrap(), ["socket"]);
    assert_eq!(bash(&["netloop", "completions", "z"]).unwrap(), ["zsh"]);
    assert_eq!(
        bash(&["netloop", "lesson", "two"]).unwrap(),
        ["two-programs"]
    );
    let languages = bash(&["netloop", "lesson", "--lang", "''"]).unwrap();
    assert_eq!(languages, ["en", "ko"]);
    // A file, where one is due.
    let files = bash(&["netloop", "show", "Cargo.to"]).unwrap();
    assert_eq!(files, ["Cargo.toml"]);
    let files = bash(&["netloop", "demo", "--record", "Cargo.to"]).unwrap();
    assert_eq!(files, ["Cargo.toml"]);
    // A value is not an option.
    assert!(
        bash(&["netloop", "server", "--port", "--"])
            .unwrap()
            .is_empty()
    );
}

#[test]
fn zsh_loads_the_completions_and_completes_by_them() {
    let folder = own_path("zsh");
    std::fs::create_dir_all(&folder).unwrap();
    let script = printed(&["completions", "zsh"]);
    std::fs::write(folder.join("_netloop"), script).unwrap();
    // The widget is called in a terminal of its own, which shows what it lists.
    let input = format!(
        r#"
zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z "PS1=; fpath=({0} \$fpath); autoload -Uz compinit; compinit -u -d {0}/dump; zstyle ':completion:*' verbose no; LISTMAX=0; stty rows 60 cols 200; print READY-\$((1+1))"
until [[ $all == *READY-2* ]]; do zpty -r z line || break; all+=$line; done
zpty -w -n z $'netloop server --\t\t'
all=
until [[ $all == *--welcome* && $all == *--idle-timeout* ]]; do zpty -r -m z line '*e' 2>/dev/null || zpty -r z line || break; all+=$line; done
print -r -- $all
"#,
        folder.display()
    );
    let made = made_by("zsh", &["-f"], &input);
    std::fs::remove_dir_all(&folder).unwrap();
    let Some((text, warnings)) = made else {
        return;
    };
    assert_eq!(warnings, "");
    assert!(
        text.contains("--idle-timeout") && text.contains("--welcome"),
        "{text}"
    );
}

#[test]
fn fish_completes_commands_options_and_words() {
    let script = printed(&["completions", "fish"]);
    let complete = |line: &str| {
        let input = format!("{script}\ncomplete -C '{line}'\n");
        let (text, warnings) = made_by("fish", &["--no-config"], &input)?;
        assert_eq!(warnings, "");
        let word = |line: &str| line.split('\t').next().unwrap().to_owned();
        Some(text.lines().map(word).collect::<Vec<_>>())
    };
    let Some(commands) = complete("netloop ") else {
        return;
    };
    assert!(commands.contains(&"completions".to_owned()), "{commands:?}");
    let mut options = complete("netloop server --").unwrap();
    options.sort();
    let mut all: Vec<String> = SERVER.iter().map(|name| format!("--{name}")).collect();
    all.sort();
    assert_eq!(options, all);
    assert_eq!(complete("netloop unit so").unwrap(), ["socket"]);
    assert_eq!(complete("netloop show Cargo.to").unwrap(), ["Cargo.toml"]);
    assert_eq!(complete("netloop lesson --lang ").unwrap(), ["en", "ko"]);
}
