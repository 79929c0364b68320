//! How the page is drawn on a computer without a graphics processor, such as a thin client or a virtual desktop.
//!
//! WebKitGTK draws through OpenGL there too, and the system then imitates a graphics processor: three times slower than drawing
//! on the processor itself (see bench/README.md). WebKit takes the choice from its environment, before its first process.

use std::{os::unix::process::CommandExt, path::Path, process::Command};

const ON_THE_PROCESSOR: &str = "WEBKIT_SKIA_ENABLE_CPU_RENDERING";

/// Begins the app anew, drawing on the processor, where nothing else can draw. Whoever has set the variable has chosen.
pub(crate) fn choose() {
    if std::env::var_os(ON_THE_PROCESSOR).is_some() || has_graphics_processor(Path::new("/dev")) {
        return;
    }
    // The own environment cannot be changed safely once there are threads, and a library may have begun one.
    if let Ok(program) = std::env::current_exe() {
        let mut command = Command::new(program);
        command.args(std::env::args_os().skip(1)).env(ON_THE_PROCESSOR, "1");
        // Returns only if it fails, and then the app is slower and works.
        let _ = command.exec();
    }
}

fn has_graphics_processor(devices: &Path) -> bool {
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect::<Vec<_>>()
    };
    names(&devices.join("dri")).iter().any(|name| name.starts_with("renderD"))
        || names(devices).iter().any(|name| name == "nvidiactl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_draws_is_known_by_its_name() {
        let devices = tempfile::tempdir().unwrap();
        let is_there = || has_graphics_processor(devices.path());
        assert!(!is_there());
        std::fs::create_dir(devices.path().join("dri")).unwrap();
        // A screen without a processor of its own, as virtual machines have.
        std::fs::write(devices.path().join("dri/card0"), "").unwrap();
        assert!(!is_there());
        std::fs::write(devices.path().join("dri/renderD128"), "").unwrap();
        assert!(is_there());
    }
}
