//! What the shells complete.

use std::fmt::Write;

use super::table::COMMANDS;
use super::{Choice, Command, Value};

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
    let words = command.words.iter().map(|word| (*word).to_owned());
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
        --path) COMPREPLY=($(compgen -f -- \"$word\")); return ;;
        --host) COMPREPLY=($(compgen -A hostname -- \"$word\")); return ;;
",
    );
    _ = writeln!(text, "        {}) return ;;", valued().join("|"));
    text.push_str("    esac\n    case $COMP_CWORD:${COMP_WORDS[1]} in\n");
    _ = writeln!(
        text,
        "        1:*) COMPREPLY=($(compgen -W \"{} --help --version\" -- \"$word\")) ;;",
        names()
    );
    for command in COMMANDS {
        _ = writeln!(
            text,
            "        *:{}) COMPREPLY=($(compgen -W \"{}\" -- \"$word\")) ;;",
            command.name,
            words(command)
        );
    }
    text.push_str("    esac\n}\ncomplete -F _netloop netloop\n");
    text
}

/// The options whose value nobody can complete.
fn valued() -> Vec<String> {
    let choices = COMMANDS.iter().flat_map(Command::choices);
    let is_free =
        |choice: &&Choice| !matches!(choice.value, Value::None | Value::Path | Value::Host);
    let mut options: Vec<String> = choices
        .filter(is_free)
        .map(|choice| format!("--{}", choice.name))
        .collect();
    options.sort();
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
        if !command.words.is_empty() {
            let words = format!("1:word:({})", command.words.join(" "));
            _ = write!(text, " \\\n            {}", quoted(&words));
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
        other => ("=", format!(":{}: ", other.name())),
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
        for word in command.words {
            _ = writeln!(text, "{here} -a {word}");
        }
        for choice in command.choices() {
            let value = match choice.value {
                Value::None => "",
                Value::Path => " -r -F",
                Value::Host => " -x -a '(__fish_print_hostnames)'",
                _ => " -x",
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
