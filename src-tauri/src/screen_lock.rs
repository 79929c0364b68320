//! Whether the computer's screen is locked, on macOS and Windows, which tell it to who asks. On Linux the desktop tells it by
//! itself, see `away`.
//!
//! Their own ways of telling need calls that Rust cannot check, which this program is without (`unsafe_code = "forbid"`). So
//! programs that belong to each system are asked. A program that is missing or hangs tells nothing; the idle time locks then.

#[cfg(any(target_os = "macos", windows))]
use std::{process::Stdio, time::Duration};

#[cfg(any(target_os = "macos", windows))]
use tokio::{process::Command, time::timeout};

/// The longest an answer may take.
#[cfg(any(target_os = "macos", windows))]
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the screen is locked now, as far as the system tells.
#[cfg(target_os = "macos")]
pub(crate) async fn is_locked() -> bool {
    told("/usr/sbin/ioreg", &["-n", "Root", "-d1", "-a"]).await.is_some_and(|told| says_locked(&told))
}

/// Whether the screen is locked now, as far as the system tells.
#[cfg(windows)]
pub(crate) async fn is_locked() -> bool {
    let own = format!("PID eq {}", std::process::id());
    let Some(own) = told("tasklist", &["/FI", &own, "/NH", "/FO", "CSV"]).await else { return false };
    let Some(session) = session_of(&own) else { return false };
    let here = format!("SESSION eq {session}");
    // The program that shows the lock screen runs while it is there.
    let asked = ["/FI", "IMAGENAME eq LogonUI.exe", "/FI", &here, "/NH", "/FO", "CSV"];
    told("tasklist", &asked).await.is_some_and(|told| session_of(&told).is_some())
}

#[cfg(any(target_os = "macos", windows))]
async fn told(program: &str, arguments: &[&str]) -> Option<String> {
    let mut asked = Command::new(program);
    asked.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    #[cfg(windows)]
    asked.creation_flags(0x0800_0000); // CREATE_NO_WINDOW
    let output = timeout(PATIENCE, asked.output()).await.ok()?.ok()?;
    String::from_utf8(output.stdout).ok()
}

/// Whether macOS's registry says so of the session at the screen.
#[cfg(any(target_os = "macos", test))]
fn says_locked(registry: &str) -> bool {
    let value = |key: &str| {
        let (_, after) = registry.split_once(&format!("<key>{key}</key>"))?;
        Some(after.trim_start().starts_with("<true/>"))
    };
    [value("CGSSessionScreenIsLocked"), value("IOConsoleLocked")].contains(&Some(true))
}

/// The session of the process that a list of Windows's names first: `"name","id","session's name","session","memory"`.
#[cfg(any(windows, test))]
fn session_of(list: &str) -> Option<u32> {
    list.lines().find(|line| line.starts_with('"'))?.split("\",\"").nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_says_that_its_screen_is_locked() {
        let registry = |locked: &str| {
            format!("<dict><key>IOConsoleLocked</key>\n\t<{locked}/>\n<key>IOConsoleUsers</key><array/></dict>")
        };
        assert!(says_locked(&registry("true")) && !says_locked(&registry("false")) && !says_locked(""));
        assert!(says_locked("<key>CGSSessionScreenIsLocked</key>\n\t\t\t<true/>"));
    }

    #[test]
    fn windows_says_in_which_session_a_process_runs() {
        let list = "\r\n\"LogonUI.exe\",\"4\",\"Console\",\"1\",\"60,200 K\"\r\n";
        assert_eq!(session_of(list), Some(1));
        for none in ["", "INFO: No tasks are running which match the specified criteria.", "\"a\",\"b\""] {
            assert_eq!(session_of(none), None);
        }
    }
}
