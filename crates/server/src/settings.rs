//! Settings from a file, below the environment, below the arguments.
//!
//! Invariant: every setting of a file or of the environment that cannot be used is named before anything starts, all of them at
//! once; no value of a file is repeated but by the parser that refuses it.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, Command, CommandFactory as _, FromArgMatches as _, builder::Resettable};
use toml::Value;

use crate::command_line::{CommandLine, ServeArgs, Task};

/// The command line, with the settings of the file it names. The problems, one line each, if there are any.
pub(crate) fn read(arguments: Vec<OsString>) -> Result<CommandLine, Vec<String>> {
    let mut problems = Vec::new();
    let mut command = CommandLine::command();
    let bare = without_environment(command.clone());
    for arg in settings(&command) {
        if let (Some(variable), Some(value)) = (arg.get_env(), arg.get_env().and_then(std::env::var_os))
            && !is_switch(&arg)
            && let Err(problem) = try_value(&bare, &arg, &value)
        {
            problems.push(format!("{}: {problem}", variable.display()));
        }
    }
    if let Some(file) = named_file(&arguments) {
        match load(&bare, &file) {
            Ok(values) => {
                for (arg, values) in values {
                    command = with_default(command, &arg, &values);
                }
            }
            Err(more) => problems.extend(more.into_iter().map(|problem| format!("{}: {problem}", file.display()))),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // What is wrong with an argument clap says itself, with its usage, and ends the program.
    let matches = command.try_get_matches_from(arguments).unwrap_or_else(|error| error.exit());
    let read = CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let args: &ServeArgs = match &read.task {
        None => &read.serve,
        Some(Task::Serve(args)) => args,
        Some(_) => return Ok(read),
    };
    let contradictions = contradictions(args);
    if !contradictions.is_empty() {
        return Err(contradictions);
    }
    Ok(read)
}

/// What no value shows alone.
fn contradictions(args: &ServeArgs) -> Vec<String> {
    let mut found = Vec::new();
    if args.demo && !args.listen.ip().is_loopback() {
        found.push(hugmedo_chat_server::Error::DemoNotLoopback(args.listen).to_string());
    }
    if args.demo_quiet && !args.demo {
        found.push("demo-quiet is about the sample data; it needs demo".to_owned());
    }
    let together = [
        ("tls-cert", args.tls_cert.is_some(), "tls-key", args.tls_key.is_some()),
        ("tls-key", args.tls_key.is_some(), "tls-cert", args.tls_cert.is_some()),
        ("oidc-issuer", args.oidc_issuer.is_some(), "oidc-audience", args.oidc_audience.is_some()),
        ("oidc-audience", args.oidc_audience.is_some(), "oidc-issuer", args.oidc_issuer.is_some()),
        ("oidc-jwks-url", args.oidc_jwks_url.is_some(), "oidc-issuer", args.oidc_issuer.is_some()),
        ("oidc-ca-file", args.oidc_ca_file.is_some(), "oidc-issuer", args.oidc_issuer.is_some()),
    ];
    for (name, is_set, other, other_is_set) in together {
        if is_set && !other_is_set {
            found.push(format!("{name} needs {other} beside it"));
        }
    }
    if args.max_attachment_mb == 0 {
        found.push("max-attachment-mb is 0: no file could be sent".to_owned());
    }
    for origin in &args.allow_origin {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
            found.push(format!(
                "allow-origin: '{origin}' is no origin such as https://chat.example.org, without a path"
            ));
        }
    }
    found
}

/// The file that is named by an argument or else by the environment.
fn named_file(arguments: &[OsString]) -> Option<PathBuf> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--config" {
            return rest.next().map(PathBuf::from);
        }
        if let Some(path) = argument.to_str().and_then(|argument| argument.strip_prefix("--config=")) {
            return Some(PathBuf::from(path));
        }
    }
    std::env::var_os("HUGMEDO_CHAT_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// What can be set: the arguments of `serve`, and those of every command.
fn settings(command: &Command) -> Vec<Arg> {
    let serve = command.find_subcommand("serve").into_iter().flat_map(Command::get_arguments);
    let all = serve.chain(command.get_arguments().filter(|arg| arg.is_global_set()));
    all.filter(|arg| arg.get_long().is_some_and(|long| !matches!(long, "config" | "help" | "version")))
        .cloned()
        .collect()
}

fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

fn without_environment(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let mut command = command.mut_args(|arg| arg.env(Resettable::<clap::builder::OsStr>::Reset));
    for name in names {
        command = command.mut_subcommand(name, without_environment);
    }
    command
}

/// Whether an argument takes a value; in one line why not.
fn try_value(bare: &Command, arg: &Arg, value: &OsStr) -> Result<(), String> {
    let mut argument = OsString::from(format!("--{}=", arg.get_long().unwrap_or_default()));
    argument.push(value);
    let tried = bare.clone().try_get_matches_from([
        OsStr::new("hugmedo-chat-server"),
        OsStr::new("serve"),
        argument.as_os_str(),
    ]);
    tried.map(|_| ()).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

/// The settings of a file.
fn load(bare: &Command, file: &Path) -> Result<Vec<(Arg, Vec<String>)>, Vec<String>> {
    let text = std::fs::read_to_string(file).map_err(|error| vec![format!("cannot be read: {error}")])?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
        vec![format!("line {at}: {}", error.message())]
    })?;
    let known = settings(bare);
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for (key, value) in table {
        let Some(arg) =
            known.iter().find(|arg| arg.get_long().is_some_and(|long| long.replace('-', "_") == key.replace('-', "_")))
        else {
            problems.push(format!("{key}: there is no such setting"));
            continue;
        };
        match words(arg, value) {
            Err(problem) => problems.push(format!("{key}: {problem}")),
            Ok(words) => {
                let wrong = |word: &String| try_value(bare, arg, OsStr::new(word)).err();
                match words.iter().filter(|_| !is_switch(arg)).find_map(wrong) {
                    Some(problem) => problems.push(format!("{key}: {problem}")),
                    None => values.push((arg.clone(), words)),
                }
            }
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// A value as it would stand on the command line.
fn words(arg: &Arg, value: Value) -> Result<Vec<String>, &'static str> {
    let is_list = matches!(arg.get_action(), ArgAction::Append);
    match value {
        Value::Boolean(on) if is_switch(arg) => Ok(vec![on.to_string()]),
        _ if is_switch(arg) => Err("true or false is expected"),
        Value::String(text) => Ok(vec![text]),
        Value::Integer(number) => Ok(vec![number.to_string()]),
        Value::Array(list) if is_list => {
            let word =
                |value| if let Value::String(text) = value { Ok(text) } else { Err("a list of texts is expected") };
            list.into_iter().map(word).collect()
        }
        _ => Err("a text or a number is expected"),
    }
}

/// Puts values below the environment and the arguments.
fn with_default(command: Command, arg: &Arg, values: &[String]) -> Command {
    let set = |command: Command| {
        if command.get_arguments().any(|known| known.get_id() == arg.get_id()) {
            command.mut_arg(arg.get_id().as_str(), |known| known.default_values(values.to_vec()))
        } else {
            command
        }
    };
    set(command).mut_subcommand("serve", set)
}
