//! The sounds of notifications, ours (`scripts/sounds.mjs` makes them), and playing one where the desktop does not.
//!
//! Invariant: a computer that cannot play one stays silent, and nothing else is worse for it.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use hugmedo_chat_core::host::Sound;
use tokio::process::Command;

/// What plays a file, of which each desktop has one: PipeWire's, PulseAudio's and ALSA's own.
const PLAYERS: [&str; 3] = ["pw-play", "paplay", "aplay"];

/// The sounds as files, which is what the desktop and players want.
pub(super) struct Sounds {
    folder: PathBuf,
}

impl Sounds {
    pub(super) fn in_folder(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("sounds") }
    }

    /// The file of a sound, written if it is not there yet.
    pub(super) fn file(&self, sound: Sound) -> Option<PathBuf> {
        let (name, bytes): (_, &[u8]) = match sound {
            Sound::Routine => ("routine.wav", include_bytes!("../../sounds/routine.wav")),
            Sound::Urgent => ("urgent.wav", include_bytes!("../../sounds/urgent.wav")),
        };
        let path = self.folder.join(name);
        // A newer version of the app may bring another.
        if std::fs::read(&path).is_ok_and(|there| there == bytes) {
            return Some(path);
        }
        let written = std::fs::create_dir_all(&self.folder).and_then(|()| std::fs::write(&path, bytes));
        written.ok().map(|()| path)
    }
}

/// Plays a file by whatever player there is. Does not wait for its end.
pub(super) fn play(file: &Path) {
    for player in PLAYERS {
        let started =
            Command::new(player).arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        match started {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return tracing::info!(player, "the sound was not played"),
            Ok(mut playing) => {
                tauri::async_runtime::spawn(async move { playing.wait().await });
                return;
            }
        }
    }
    tracing::info!("nothing on this computer plays sounds");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sound_is_a_file_of_its_own_that_is_mended_when_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let sounds = Sounds::in_folder(folder.path());
        let [routine, urgent] = [Sound::Routine, Sound::Urgent].map(|sound| sounds.file(sound).unwrap());
        let bytes = std::fs::read(&routine).unwrap();
        assert!(bytes.starts_with(b"RIFF") && bytes != std::fs::read(&urgent).unwrap());
        std::fs::write(&routine, b"other").unwrap();
        assert_eq!(std::fs::read(sounds.file(Sound::Routine).unwrap()).unwrap(), bytes);
    }
}
