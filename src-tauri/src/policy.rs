//! Where the organisation's policy for this computer lies, and telling an administrator what is wrong with it.
//!
//! Invariant: only an administrator can write there. On Linux and macOS core checks that of the file and its folders; on Windows
//! the policy is in the part of the registry that nobody else can write to.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use hugmedo_chat_core::policy::Policy;
#[cfg(unix)]
use hugmedo_chat_core::policy::{Trust, read};

#[cfg(target_os = "macos")]
const PLACE: &str = "/Library/Application Support/HugMeDo Chat/policy.json";
#[cfg(all(unix, not(target_os = "macos")))]
const PLACE: &str = "/etc/hugmedo-chat/policy.json";
/// The key under `HKEY_LOCAL_MACHINE`, and its value, a text.
#[cfg(windows)]
const PLACE: (&str, &str) = (r"SOFTWARE\Policies\HugMeDo Chat", "Policy");

/// Names another file while developing and in tests; a release build knows no other place.
#[cfg(debug_assertions)]
const VARIABLE: &str = "HUGMEDO_CHAT_POLICY_FILE";

/// The policy as it is now. It is read when the app starts.
pub(crate) fn of_this_computer() -> Policy {
    #[cfg(debug_assertions)]
    if let Some(file) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        return read_from_own_folder(&file);
    }
    let policy = from_its_place();
    for problem in policy.problems() {
        tracing::error!(key = problem.key.as_deref(), fault = ?problem.fault, "the policy cannot be followed");
    }
    policy
}

#[cfg(unix)]
fn from_its_place() -> Policy {
    read(std::path::Path::new(PLACE), Trust::of_this_computer())
}

#[cfg(windows)]
fn from_its_place() -> Policy {
    /// There is no such key or value, as Windows says it.
    const ABSENT: i32 = -2_147_024_894;
    let (key, value) = PLACE;
    match windows_registry::LOCAL_MACHINE.open(key).and_then(|key| key.get_string(value)) {
        Ok(text) => Policy::parse(text.as_bytes()),
        Err(error) if error.code().0 == ABSENT => Policy::default(),
        Err(_) => Policy::unusable(hugmedo_chat_core::view::PolicyFault::Unreadable),
    }
}

/// As the administrator's, if it is its folder's owner's.
#[cfg(debug_assertions)]
fn read_from_own_folder(file: &std::path::Path) -> Policy {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let Some(folder) = file.parent() else { return Policy::default() };
        let Ok(metadata) = folder.metadata() else { return Policy::default() };
        read(file, Trust { owner: metadata.uid(), from: folder })
    }
    #[cfg(not(unix))]
    std::fs::read(file).map_or_else(|_| Policy::default(), |text| Policy::parse(&text))
}

/// Tells what a policy decides and what is wrong with it: this computer's or, before it is handed out, the one in a file.
/// Fails if something is wrong.
pub(crate) fn check(file: Option<&PathBuf>) -> ExitCode {
    let policy = match file {
        Some(file) => match std::fs::read(file) {
            Ok(text) => Policy::parse(&text),
            Err(error) => {
                let _ = writeln!(io::stderr(), "hugmedo-chat: {}: {error}", file.display());
                return ExitCode::FAILURE;
            }
        },
        None => of_this_computer(),
    };
    let _ = write!(io::stdout(), "{policy}");
    if policy.problems().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
