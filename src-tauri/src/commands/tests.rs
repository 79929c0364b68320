//! The commands behind Tauri's real access control, without a window: the mock runtime with the app's own configuration.

use std::sync::Arc;

use hugmedo_chat_core::Config;
use hugmedo_chat_testkit::{MemorySecrets, RecordingNotifier};
use serde_json::{Value, json};
use tauri::{
    App, WebviewWindow, WebviewWindowBuilder,
    ipc::{CallbackFn, InvokeBody},
    test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder},
    webview::InvokeRequest,
};
use tempfile::TempDir;

use crate::{core_handle::CoreHandle, drag::Drags, ipc::Stream, window};

/// The app as it is configured, with secrets in memory.
fn app(data_dir: &TempDir) -> App<MockRuntime> {
    mock_builder()
        .manage(Stream::default())
        .manage(Drags::default())
        .manage(CoreHandle::new(
            Config::new(data_dir.path()),
            Arc::new(MemorySecrets::default()),
            RecordingNotifier::new().0,
        ))
        .invoke_handler(super::handler())
        .build(tauri::generate_context!(test = true))
        .unwrap()
}

fn window(app: &App<MockRuntime>, label: &str) -> WebviewWindow<MockRuntime> {
    WebviewWindowBuilder::new(app, label, Default::default()).build().unwrap()
}

fn invoke(window: &WebviewWindow<MockRuntime>, command: &str, arguments: Value) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.into(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: window.url().unwrap(),
        body: InvokeBody::Json(arguments),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.into(),
    };
    get_ipc_response(window, request).map(|body| body.deserialize().unwrap())
}

#[test]
fn a_failed_command_answers_code_message_and_whether_to_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder);
    let main = window(&app, window::MAIN);
    let error = invoke(&main, "open_room", json!({ "roomId": "general" })).unwrap_err();
    assert_eq!(error["code"], "notSignedIn");
    assert_eq!(error["retryable"], false);
    assert!(error["message"].is_string());
}

#[test]
fn a_malformed_argument_is_refused_in_the_same_shape_and_never_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder);
    let main = window(&app, window::MAIN);
    let request = json!({ "request": { "server": "s", "remember": true, "credentials": { "kind": "hunter2" } } });
    let error = invoke(&main, "sign_in", request).unwrap_err();
    assert_eq!(error["code"], "internal");
    assert_eq!(error["message"], "argument `request` of `sign_in` is malformed");
}

#[test]
fn an_address_that_is_no_page_is_not_opened_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder);
    let main = window(&app, window::MAIN);
    for address in ["file:///etc/passwd", "javascript:alert(1)", "https://a:himitsu@example.jp"] {
        let error = invoke(&main, "open_link", json!({ "url": address })).unwrap_err();
        assert_eq!(error["code"], "refused");
        assert!(!error["message"].as_str().unwrap().contains("himitsu"), "{error}");
    }
}

#[test]
fn another_window_may_call_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder);
    let other = window(&app, "other");
    for command in ["subscribe", "sign_out", "open_room"] {
        let error = invoke(&other, command, json!({})).unwrap_err();
        assert!(error.as_str().unwrap().contains("not allowed"), "{command}: {error}");
    }
}

#[test]
fn the_window_may_call_no_plugin_and_nothing_of_tauri_itself() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder);
    let main = window(&app, window::MAIN);
    for command in [
        "plugin:window|set_title",
        "plugin:event|emit",
        "plugin:notification|notify",
        "plugin:app|version",
        "plugin:opener|open_url",
    ] {
        let error = invoke(&main, command, json!({ "label": "main", "value": "x" })).unwrap_err();
        assert!(error.as_str().unwrap().contains("not allowed"), "{command}: {error}");
    }
}

#[test]
fn subscribing_answers_the_present_state_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let app = app(&folder);
    let main = window(&app, window::MAIN);
    for channel in ["__CHANNEL__:1", "__CHANNEL__:2"] {
        let snapshot = invoke(&main, "subscribe", json!({ "onItem": channel })).unwrap();
        assert_eq!(snapshot["connection"]["state"], "idle");
        assert_eq!(snapshot["session"], Value::Null);
    }
}

#[test]
fn a_core_that_could_not_start_starts_once_the_cause_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("data");
    std::fs::write(&blocked, "a file where the folder should be").unwrap();
    let core = CoreHandle::new(Config::new(&blocked), Arc::new(MemorySecrets::default()), RecordingNotifier::new().0);
    tauri::async_runtime::block_on(async {
        assert!(core.get().await.is_err());
        assert!(core.running().is_none());
        std::fs::remove_file(&blocked).unwrap();
        assert!(core.get().await.is_ok());
        assert!(core.running().is_some());
    });
}
