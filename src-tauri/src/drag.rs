//! Files that the person drags over the window and lets go there, where its engine keeps them from the page: since 2.50.3
//! WebKitGTK gives a page none (decision 45). The other engines give them to the page themselves, and nothing is told of here.
//!
//! Invariants: the page learns of no place on this computer, and reads nothing but files that came to the window from another
//! program; what the page itself lets be dragged is none of them.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hugmedo_chat_core::{
    error::{Error, ErrorCode},
    view::{DragView, DroppedFile},
};
use hugmedo_chat_protocol::Sensitive;
use tauri::{Runtime, WebviewWindow, ipc::Channel};

/// The page hands files over in pieces of this length.
const PIECE_BYTES: u64 = 512 * 1024;

/// What has been dropped since the app started, and who is told of it.
#[derive(Default)]
pub(crate) struct Drags(Mutex<Known>);

#[derive(Default)]
struct Known {
    listener: Option<Channel<DragView>>,
    /// Whether the page has been told that files are over the window.
    over: bool,
    last_id: u32,
    files: HashMap<u32, PathBuf>,
}

impl Drags {
    /// Tells this listener from now on, and no other.
    pub(crate) fn listen(&self, listener: Channel<DragView>) {
        self.known().listener = Some(listener);
    }

    /// Files are over the window, or are not any more.
    #[cfg_attr(not(all(unix, not(target_os = "macos"))), allow(dead_code, reason = "the engine tells the page itself"))]
    fn hover(&self, over: bool) {
        let mut known = self.known();
        if known.over != over {
            known.over = over;
            known.tell(if over { DragView::Over } else { DragView::Gone });
        }
    }

    /// Files were let go. Answers whether there were any.
    #[cfg_attr(not(all(unix, not(target_os = "macos"))), allow(dead_code, reason = "the engine tells the page itself"))]
    fn dropped(&self, paths: Vec<PathBuf>) -> bool {
        let mut known = self.known();
        known.over = false;
        let files: Vec<_> = paths.into_iter().filter_map(|path| known.take(path)).collect();
        let any = !files.is_empty();
        known.tell(DragView::Dropped { files });
        any
    }

    /// The bytes of a dropped file from `offset` on, at most [`PIECE_BYTES`] of them.
    ///
    /// # Errors
    /// `NotFound` if no such file was dropped, or it cannot be read any more.
    pub(crate) fn piece(&self, id: u32, offset: u32) -> Result<Vec<u8>, Error> {
        let path = self.known().files.get(&id).cloned();
        let path = path.ok_or_else(|| Error::new(ErrorCode::NotFound, "no such file was dropped"))?;
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(offset.into()))?;
            let mut piece = Vec::new();
            file.take(PIECE_BYTES).read_to_end(&mut piece)?;
            Ok(piece)
        };
        read().map_err(|_| Error::new(ErrorCode::NotFound, "a dropped file cannot be read"))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn take(&mut self, path: PathBuf) -> Option<DroppedFile> {
        let name = Sensitive::new(path.file_name()?.to_string_lossy().into_owned());
        self.last_id += 1;
        let id = self.last_id;
        // What is no file is told of as an empty one, which the page refuses by its name; a pipe would never end.
        let length = fs::metadata(&path).ok().filter(fs::Metadata::is_file).map_or(0, |file| file.len());
        if length > 0 {
            self.files.insert(id, path);
        }
        Some(DroppedFile { id, name, size: u32::try_from(length).unwrap_or(u32::MAX) })
    }

    fn tell(&self, drag: DragView) {
        if let Some(listener) = &self.listener
            && listener.send(drag).is_err()
        {
            tracing::info!("the page is gone; nobody hears of what is dropped");
        }
    }
}

/// Sees to it that files which are dropped on the window reach the page, where its engine does not.
#[cfg(all(unix, not(target_os = "macos")))]
pub(crate) fn watch<R: Runtime>(window: &WebviewWindow<R>) {
    use gtk::{
        gdk::{Atom, DragAction, DragContext},
        glib,
        prelude::{DragContextExtManual, WidgetExt},
    };
    use tauri::Manager;

    const FILES: &str = "text/uri-list";

    /// From a program that shows files: a link of a browser brings what it is called too, and is the engine's, as is what the page
    /// itself lets be dragged.
    fn brings_files(drag: &DragContext) -> bool {
        let offered = drag.list_targets();
        let offers = |kind: &str| offered.iter().any(|target| target.name() == kind);
        drag.drag_get_source_widget().is_none() && offers(FILES) && !offers("text/html")
    }

    let app = window.app_handle().clone();
    let asked = window.with_webview(move |webview| {
        let view = webview.inner();
        let moved = app.clone();
        view.connect_drag_motion(move |_, drag, _, _, time| {
            let brings = brings_files(drag);
            if brings {
                moved.state::<Drags>().hover(true);
                drag.drag_status(DragAction::COPY, time);
            }
            brings
        });
        let left = app.clone();
        view.connect_drag_leave(move |_, _, _| left.state::<Drags>().hover(false));
        view.connect_drag_drop(|view, drag, _, _, time| {
            let brings = brings_files(drag);
            if brings {
                view.drag_get_data(drag, &Atom::intern(FILES), time);
            }
            brings
        });
        view.connect_drag_data_received(move |view, drag, _, _, data, _, time| {
            if !brings_files(drag) {
                return;
            }
            glib::signal::signal_stop_emission_by_name(view, "drag-data-received");
            let paths = data.uris().into_iter().filter_map(|uri| glib::filename_from_uri(&uri).ok());
            let taken = app.state::<Drags>().dropped(paths.map(|(path, _)| path).collect());
            drag.drag_finish(taken, false, time);
        });
    });
    if asked.is_err() {
        tracing::warn!("files cannot be dropped on the window");
    }
}

/// The engine does it.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(crate) fn watch<R: Runtime>(_: &WebviewWindow<R>) {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drags, and what a page would hear of them.
    fn heard() -> (Drags, std::sync::mpsc::Receiver<serde_json::Value>) {
        let (tx, rx) = std::sync::mpsc::channel();
        let drags = Drags::default();
        drags.listen(Channel::new(move |body| {
            tx.send(body.deserialize().unwrap()).unwrap();
            Ok(())
        }));
        (drags, rx)
    }

    #[test]
    fn what_is_dropped_is_told_by_its_name_and_read_piece_by_piece() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("創部.png");
        let bytes: Vec<u8> = (0..PIECE_BYTES + 7).map(|at| (at % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        let (drags, heard) = heard();
        assert!(drags.dropped(vec![path.clone()]));
        let told = heard.recv().unwrap();
        assert_eq!(told["kind"], "dropped");
        assert_eq!(told["files"], serde_json::json!([{ "id": 1, "name": "創部.png", "size": bytes.len() }]));
        let whole = [drags.piece(1, 0).unwrap(), drags.piece(1, PIECE_BYTES as u32).unwrap()].concat();
        assert!(whole == bytes);
        fs::remove_file(path).unwrap();
        assert_eq!(drags.piece(1, 0).unwrap_err().code(), ErrorCode::NotFound);
        assert_eq!(drags.piece(2, 0).unwrap_err().code(), ErrorCode::NotFound);
    }

    #[test]
    fn what_is_no_file_or_empty_is_told_as_empty_and_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty.txt"), "").unwrap();
        let (drags, heard) = heard();
        let paths = vec![folder.path().to_owned(), folder.path().join("empty.txt"), folder.path().join("gone.txt")];
        assert!(drags.dropped(paths));
        let told = heard.recv().unwrap();
        let sizes: Vec<_> = told["files"].as_array().unwrap().iter().map(|file| file["size"].clone()).collect();
        assert_eq!(sizes, [0, 0, 0]);
        assert!((1..=3).all(|id| drags.piece(id, 0).is_err()));
    }

    #[test]
    fn a_drag_is_told_once_when_it_comes_and_once_when_it_goes() {
        let (drags, heard) = heard();
        for over in [true, true, true, false, false] {
            drags.hover(over);
        }
        drags.hover(true);
        assert!(!drags.dropped(Vec::new()), "nothing was in it");
        let kinds: Vec<_> = heard.try_iter().map(|told| told["kind"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kinds, ["over", "gone", "over", "dropped"]);
    }
}
