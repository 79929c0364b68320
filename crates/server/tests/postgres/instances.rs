//! Postgres and Redis of the tests' own: in temporary folders, on sockets of the file system, as someone without rights.
//!
//! Every process here is started by a test and ended by its id: with the test, or, for the Postgres that all tests of a run share,
//! with the run.

use std::{
    fs::{self, File},
    os::unix::{fs::PermissionsExt as _, process::parent_id},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use hugmedo_chat_protocol::Secret;
use hugmedo_chat_server::{Database, Redis};

/// Only how long a broken test hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where Postgres' programs are.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut versions: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
        versions.retain(|bin| bin.join("initdb").exists());
        versions.sort();
        versions
            .pop()
            .expect("these tests need Debian's packages postgresql and redis-server; `npm test` skips them without")
    })
}

fn is_root() -> bool {
    // The folder of this process belongs to whom it runs as.
    std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) == 0
}

/// Runs a program as someone without rights, because Postgres refuses root. It gets this signal when this thread ends.
fn unprivileged(program: &Path, at_end: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", at_end]);
    if is_root() {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]);
    }
    command.arg(program).current_dir("/").stdin(Stdio::null());
    command
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A folder that whoever Postgres runs as can use.
fn folder(path: &Path) {
    fs::create_dir_all(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    if is_root() {
        succeed(Command::new("chown").arg("postgres:postgres").arg(path));
    }
}

fn init(folder_path: &Path) {
    folder(folder_path);
    let mut init = unprivileged(&programs().join("initdb"), "KILL");
    init.arg("-D").arg(folder_path.join("data"));
    succeed(init.args(["-U", "chat", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]));
}

fn arguments(folder: &Path) -> Vec<String> {
    let folder = folder.display();
    let settings = ["listen_addresses=", &format!("unix_socket_directories={folder}"), "max_connections=200"];
    let mut arguments = vec!["-D".to_owned(), format!("{folder}/data")];
    arguments.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting.to_owned()]));
    arguments
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_ready(folder: &Path) -> bool {
    let mut asked = Command::new(programs().join("pg_isready"));
    asked.arg("-q").arg("-h").arg(folder).args(["-U", "chat"]).status().unwrap().success()
}

/// A database by this name, made if it is not there.
fn database(folder: &Path, name: &str) -> Database {
    let mut create = Command::new(programs().join("createdb"));
    let output = create.arg("-h").arg(folder).args(["-U", "chat", name]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || said.contains("already exists"), "{said}");
    let host = folder.to_str().unwrap().replace('/', "%2F");
    Database { url: Secret::new(format!("postgres://chat@{host}/{name}")), ca_file: None }
}

/// A database in the Postgres that all tests of a run share.
pub(crate) fn shared_database(name: &str) -> Database {
    let run = std::env::temp_dir().join(format!("hugmedo-chat-postgres-{}", parent_id()));
    let lock = File::create(run.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !run.join("data/postmaster.pid").exists() {
        init(&run);
        let as_whom = if is_root() { "setpriv --reuid postgres --regid postgres --clear-groups" } else { "" };
        let program = programs().join("postgres");
        let script = format!(
            "{as_whom} {} {} >/dev/null 2>&1 & it=$!
             while kill -0 {run_id} 2>/dev/null && kill -0 $it 2>/dev/null; do sleep 1; done
             kill -QUIT $it 2>/dev/null; wait $it; rm -rf '{}' '{}'",
            program.display(),
            arguments(&run).join(" "),
            run.display(),
            run.with_extension("lock").display(),
            run_id = parent_id(),
        );
        let mut keeper = Command::new("setsid");
        keeper.args(["--fork", "sh", "-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(keeper.status().unwrap().success());
        until("the Postgres of this run", || is_ready(&run));
    }
    lock.unlock().unwrap();
    database(&run, name)
}

/// A server of one test, ended with it.
struct Process(Child);

impl Process {
    fn signal(&self, signal: &str) {
        succeed(Command::new("kill").arg(signal).arg(self.0.id().to_string()));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Postgres that a test stops and starts.
pub(crate) struct Postgres {
    process: Option<Process>,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// Ends without waiting for anybody, but gives back the memory its processes share, which a kill leaves behind.
    const AT_ONCE: &str = "QUIT";

    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        init(folder.path());
        let mut postgres = Self { process: None, folder };
        postgres.start_again();
        postgres
    }

    pub(crate) fn start_again(&mut self) {
        let mut command = unprivileged(&programs().join("postgres"), Postgres::AT_ONCE);
        command.args(arguments(self.folder.path())).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Process(command.spawn().unwrap()));
        until("Postgres", || is_ready(self.folder.path()));
    }

    /// As an operator does: whoever is connected is cut off.
    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        process.signal("-INT");
        process.0.wait().unwrap();
    }

    pub(crate) fn database(&self) -> Database {
        database(self.folder.path(), "chat")
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal(&format!("-{}", Self::AT_ONCE));
            let _ = process.0.wait();
        }
    }
}

/// A Redis that a test stops and starts.
pub(crate) struct RedisServer {
    process: Option<Process>,
    folder: tempfile::TempDir,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        let folder_path = tempfile::tempdir().unwrap();
        folder(folder_path.path());
        let mut redis = Self { process: None, folder: folder_path };
        redis.start_again();
        redis
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    pub(crate) fn start_again(&mut self) {
        let mut command = unprivileged(Path::new("/usr/bin/redis-server"), "KILL");
        let socket = self.socket();
        command
            .args(["--port", "0", "--save", "", "--dir", "/", "--unixsocketperm", "700", "--unixsocket"])
            .arg(&socket);
        self.process = Some(Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()));
        until("Redis", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
    }

    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        process.signal("-TERM");
        process.0.wait().unwrap();
    }

    pub(crate) fn redis(&self) -> Redis {
        Redis { url: Secret::new(format!("redis+unix://{}", self.socket().display())) }
    }
}
