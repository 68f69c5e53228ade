//! What the shells complete.

use std::fmt::Write;

use super::table::COMMANDS;
use super::{Choice, Command, Operand, Value};

/// The completions of a shell, which is one of the words of the command.
pub(crate) fn of(shell: &str) -> String {
    match shell {
        "bash" => bash(),
        "zsh" => zsh(),
        _ => fish(),
    }
}

fn names() -> String {
    let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
    names.join(" ")
}

/// The words and options of a command, with a blank between them.
fn words(command: &Command) -> String {
    let words = command
        .operand
        .words()
        .iter()
        .map(|word| (*word).to_owned());
    let options = command.choices().map(|choice| format!("--{}", choice.name));
    words.chain(options).collect::<Vec<_>>().join(" ")
}

fn bash() -> String {
    let mut text = String::from(
        "\
_netloop() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    case $before in
        --host) COMPREPLY=($(compgen -A hostname -- \"$word\")); return ;;
",
    );
    let files = options(|value| value == Value::Path).join("|");
    _ = writeln!(
        text,
        "        {files}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;"
    );
    for choice in worded() {
        _ = writeln!(
            text,
            "        --{}) COMPREPLY=($(compgen -W \"{}\" -- \"$word\")); return ;;",
            choice.name,
            choice.value.words().join(" ")
        );
    }
    let is_free = |value: Value| {
        !matches!(value, Value::None | Value::Path | Value::Host) && value.words().is_empty()
    };
    _ = writeln!(text, "        {}) return ;;", options(is_free).join("|"));
    text.push_str("    esac\n    case $COMP_CWORD:${COMP_WORDS[1]} in\n");
    _ = writeln!(
        text,
        "        1:*) COMPREPLY=($(compgen -W \"{} --help --version\" -- \"$word\")) ;;",
        names()
    );
    for command in COMMANDS {
        let files = match command.operand {
            Operand::File => "-f ",
            _ => "",
        };
        _ = writeln!(
            text,
            "        *:{}) COMPREPLY=($(compgen {files}-W \"{}\" -- \"$word\")) ;;",
            command.name,
            words(command)
        );
    }
    text.push_str("    esac\n}\ncomplete -F _netloop netloop\n");
    text
}

/// The options whose value is one of a few words.
fn worded() -> impl Iterator<Item = &'static Choice> {
    let choices = COMMANDS.iter().flat_map(Command::choices);
    choices.filter(|choice| !choice.value.words().is_empty())
}

/// The options whose value is such a one.
fn options(is_such: impl Fn(Value) -> bool) -> Vec<String> {
    let choices = COMMANDS.iter().flat_map(Command::choices);
    let mut options: Vec<String> = choices
        .filter(|choice| is_such(choice.value))
        .map(|choice| format!("--{}", choice.name))
        .collect();
    options.sort_unstable();
    options.dedup();
    options
}

fn zsh() -> String {
    let mut text = String::from("#compdef netloop\n_netloop() {\n");
    text.push_str("    if (( CURRENT == 2 )); then\n        local -a commands=(\n");
    for command in COMMANDS {
        _ = writeln!(text, "            {}", quoted(&described(command)));
    }
    text.push_str(
        "        )\n        _describe command commands\n        return\n    fi\n    \
         local command=$words[2]\n    shift words; (( CURRENT-- ))\n    case $command in\n",
    );
    for command in COMMANDS {
        _ = write!(text, "        {}) _arguments", command.name);
        for choice in command.choices() {
            _ = write!(text, " \\\n            {}", quoted(&argument(choice)));
        }
        let operand = match command.operand {
            Operand::None => None,
            Operand::Word(words) | Operand::Name(words) => {
                Some(format!("1:word:({})", words.join(" ")))
            }
            Operand::File => Some("1:FILE:_files".to_owned()),
        };
        if let Some(operand) = operand {
            _ = write!(text, " \\\n            {}", quoted(&operand));
        }
        text.push_str(" ;;\n");
    }
    text.push_str(
        "    esac\n}\nif [ \"$funcstack[1]\" = _netloop ]; then _netloop \"$@\"; else compdef \
         _netloop netloop; fi\n",
    );
    text
}

fn described(command: &Command) -> String {
    format!("{}:{}", command.name, command.summary)
}

/// An option in the language of `_arguments`.
fn argument(choice: &Choice) -> String {
    let star = if choice.is_repeated { "*" } else { "" };
    let help = choice.help.replace('[', "\\[").replace(']', "\\]");
    let (equals, value) = match choice.value {
        Value::None => ("", String::new()),
        Value::Path => ("=", ":PATH:_files".into()),
        Value::Host => ("=", ":HOST:_hosts".into()),
        other => {
            let words = match other.words() {
                [] => " ".to_owned(),
                words => format!("({})", words.join(" ")),
            };
            ("=", format!(":{}:{words}", other.name()))
        }
    };
    format!(
        "{star}--{}{equals}[{}]{value}",
        choice.name,
        help.replace(':', "\\:")
    )
}

fn fish() -> String {
    let mut text = String::from("complete -c netloop -f\n");
    for command in COMMANDS {
        let here = format!(
            "complete -c netloop -n '__fish_seen_subcommand_from {}'",
            command.name
        );
        _ = writeln!(
            text,
            "complete -c netloop -n __fish_use_subcommand -a {} -d {}",
            command.name,
            fish_quoted(command.summary)
        );
        for word in command.operand.words() {
            _ = writeln!(text, "{here} -a {word}");
        }
        if let Operand::File = command.operand {
            _ = writeln!(text, "{here} -F");
        }
        for choice in command.choices() {
            let value = match choice.value {
                Value::None => String::new(),
                Value::Path => " -r -F".into(),
                Value::Host => " -x -a '(__fish_print_hostnames)'".into(),
                other => match other.words() {
                    [] => " -x".into(),
                    words => format!(" -x -a '{}'", words.join(" ")),
                },
            };
            let help = fish_quoted(choice.help);
            _ = writeln!(text, "{here} -l {}{value} -d {help}", choice.name);
        }
    }
    text
}

/// A word of a POSIX shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn fish_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
