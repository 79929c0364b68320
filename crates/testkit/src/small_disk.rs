//! A small disk that can really be full.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// A memory disk of its own. Unmounted when dropped.
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts a disk of so many MiB.
    ///
    /// # Errors
    /// With the reason, where mounting is not allowed: only root on Linux may. A test then says so and skips.
    pub fn mount(mebibytes: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let size = format!("size={mebibytes}m");
        mount(&["-t", "tmpfs", "-o", &size, "hugmedo-chat-test"], folder.path())?;
        Ok(Self { folder })
    }

    /// Its root.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills it to the last byte.
    ///
    /// # Errors
    /// If filling fails for another reason than a full disk.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut filler = std::fs::File::create(self.filler())?;
        for block in [64 * 1024, 4096, 512, 1] {
            let block = vec![0x5a; block];
            loop {
                match filler.write(&block) {
                    Ok(written) if written > 0 => {}
                    Ok(_) => break,
                    Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Makes room again.
    ///
    /// # Errors
    /// If what fills it cannot be removed.
    pub fn make_room(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    /// Makes it a disk of so many MiB, with everything on it.
    ///
    /// # Errors
    /// With the reason.
    pub fn resize(&self, mebibytes: u32) -> Result<(), String> {
        mount(&["-o", &format!("remount,size={mebibytes}m")], self.path())
    }

    /// Lets nobody, not even root, write to it, or lets them again.
    ///
    /// # Errors
    /// With the reason.
    pub fn set_read_only(&self, read_only: bool) -> Result<(), String> {
        mount(&["-o", if read_only { "remount,ro" } else { "remount,rw" }], self.path())
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).output();
    }
}

fn mount(options: &[&str], target: &Path) -> Result<(), String> {
    let output = Command::new("mount").args(options).arg(target).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}
