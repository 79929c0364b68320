//! A command stands in six places, each in another language or tool. This reads the sources and names what differs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "all of this file is a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What stands between `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no `{start}`"));
    rest.split_once(end).unwrap_or_else(|| panic!("no `{end}` after `{start}`")).0
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

fn identifier(text: &str) -> String {
    text.trim().chars().take_while(|character| character.is_alphanumeric() || "_|:".contains(*character)).collect()
}

/// Command name to its argument names, in camelCase as they cross.
type Commands = BTreeMap<String, BTreeSet<String>>;

fn typescript_interface() -> Commands {
    let source = read("src/lib/backend/backend.ts");
    let body = between(&source, "export interface Backend {", "\n}");
    let methods = body.lines().map(str::trim).filter(|line| line.ends_with(">;") && !line.starts_with(['*', '/']));
    let mut commands = Commands::new();
    for method in methods {
        let (name, rest) = method.split_once('(').unwrap();
        let parameters = rest.rsplit_once("): Promise").unwrap().0;
        // `onItem: (item: ChannelItem) => void` is one parameter: what is in parentheses does not count.
        let mut depth = 0;
        let top: String = parameters
            .chars()
            .filter(|character| {
                depth += i32::from(*character == '(') - i32::from(*character == ')');
                depth == 0
            })
            .collect();
        let names = top.split(',').filter(|part| part.contains(':')).map(identifier);
        let names = names.map(|name| name.trim_end_matches(':').to_owned()).collect();
        commands.insert(snake_case(name), names);
    }
    commands
}

fn isolation_hook() -> Commands {
    let source = read("src-tauri/isolation/isolation.js");
    let body = between(&source, "__proto__: null,", "});");
    let entries = body.lines().map(str::trim).filter_map(|line| line.trim_end_matches(',').split_once(": {"));
    entries
        .filter(|(name, _)| !name.starts_with('\''))
        .map(|(name, shape)| {
            let arguments = shape.trim_end_matches('}').split(',').filter(|part| part.contains(':'));
            (name.to_owned(), arguments.map(|part| identifier(part).trim_end_matches(':').to_owned()).collect())
        })
        .collect()
}

fn handler() -> BTreeSet<String> {
    let source = read("src-tauri/src/commands/mod.rs");
    let body = between(&source, "generate_handler![", "]");
    body.split(',').filter_map(|path| path.trim().rsplit_once("::")).map(|(_, name)| name.to_owned()).collect()
}

fn build_script() -> BTreeSet<String> {
    let source = read("src-tauri/build.rs");
    between(&source, "COMMANDS: &[&str] = &[", "];").split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn permissions() -> Vec<String> {
    let capability: serde_json::Value = serde_json::from_str(&read("src-tauri/capabilities/main-window.json")).unwrap();
    assert_eq!(capability["windows"], serde_json::json!(["main"]));
    assert!(capability.get("remote").is_none(), "no address of the network may call a command");
    capability["permissions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Fails with the commands that stand in one list only.
fn assert_same(what: &str, left: &BTreeSet<String>, right: &BTreeSet<String>) {
    let differing: Vec<_> = left.symmetric_difference(right).collect();
    assert!(differing.is_empty(), "{what} and the TypeScript interface differ in {differing:?}");
}

#[test]
fn every_list_of_commands_holds_the_methods_of_the_typescript_interface() {
    let interface = typescript_interface();
    let expected: BTreeSet<String> = interface.keys().cloned().collect();
    assert!(expected.len() >= 15, "the interface was not understood: {expected:?}");

    assert_same("generate_handler!", &handler(), &expected);
    assert_same("build.rs", &build_script(), &expected);
    assert_same("the isolation hook", &isolation_hook().into_keys().collect(), &expected);
}

#[test]
fn the_window_may_call_the_commands_and_nothing_else() {
    let allowed: BTreeSet<String> =
        permissions().iter().map(|name| name.strip_prefix("allow-").unwrap_or(name).replace('-', "_")).collect();
    assert_same("the capability", &allowed, &typescript_interface().into_keys().collect());
}

#[test]
fn the_isolation_hook_lets_through_the_arguments_of_the_typescript_interface() {
    let interface = typescript_interface();
    for (command, arguments) in isolation_hook() {
        assert_eq!(Some(&arguments), interface.get(&command), "arguments of {command}");
    }
}

#[test]
fn every_command_takes_the_arguments_of_the_typescript_interface() {
    let sources: String = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src-tauri/src/commands"))
        .unwrap()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    for (command, arguments) in typescript_interface() {
        let signature = [format!("fn {command}("), format!("fn {command}<")]
            .iter()
            .find_map(|start| sources.split_once(start.as_str()))
            .unwrap_or_else(|| panic!("no function {command}"))
            .1
            .split_once(") ->")
            .unwrap()
            .0;
        for argument in arguments {
            assert!(signature.contains(&format!("{}: ", snake_case(&argument))), "{command} lacks `{argument}`");
        }
    }
}
