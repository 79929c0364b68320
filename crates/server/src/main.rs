//! The command line of the chat server: `serve`, and the administration of a store, which a running server notices.
//!
//! Invariant: passwords come from a pipe or a prompt, never from the arguments, which every user of the machine can read.

mod command_line;
mod settings;

use std::{io::Write as _, time::Duration};

use anyhow::Context as _;
use hugmedo_chat_protocol::{DeviceId, RoomId, Secret, UserId, UserType};
use hugmedo_chat_server::{Admin, Config, Database, IssuerSettings, Redis, TlsFiles, start};
use tracing_subscriber::{Layer as _, filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use command_line::{
    Audit, CommandLine, Device, LogFormat, MemberChange, Retention, Room, ServeArgs, StoreArgs, Task, Token, User,
};

fn main() -> std::process::ExitCode {
    let command_line = match settings::read(std::env::args_os().collect()) {
        Ok(command_line) => command_line,
        Err(problems) => {
            for problem in problems {
                let _ = writeln!(std::io::stderr(), "hugmedo-chat-server: {problem}");
            }
            return std::process::ExitCode::from(2);
        }
    };
    if let Err(error) = run(command_line) {
        let _ = writeln!(std::io::stderr(), "hugmedo-chat-server: {error:#}");
        return std::process::ExitCode::FAILURE;
    }
    std::process::ExitCode::SUCCESS
}

fn run(command_line: CommandLine) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let CommandLine { task, store, serve: args } = command_line;
    match task {
        None => runtime.block_on(serve(store, args)),
        Some(Task::Restore { from }) => {
            anyhow::ensure!(store.database.is_none(), "a store in a database is put back with pg_restore");
            runtime.block_on(restore(&store.data_dir, &from))
        }
        Some(Task::Serve(args)) => runtime.block_on(serve(store, *args)),
        Some(task) => runtime.block_on(administer(&store, task)),
    }
}

fn database(store: &StoreArgs) -> Option<Database> {
    let ca_file = store.database_ca_file.clone();
    store.database.clone().map(|url| Database { url, ca_file })
}

async fn serve(store: StoreArgs, args: ServeArgs) -> anyhow::Result<()> {
    log_to_stderr(args.log, args.log_format);
    let mut config = Config::new(args.listen, &store.data_dir);
    config.database = database(&store);
    config.redis = args.redis.map(|url| Redis { url });
    config.tls = args.tls_cert.zip(args.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
    config.trusted_proxies = args.trusted_proxy;
    config.allow_plain_http = args.allow_plain_http;
    config.limits.connections = args.max_connections;
    config.limits.connections_per_address = args.max_connections_per_address;
    config.limits.sockets_per_address = args.max_connections_per_address;
    config.demo = args.demo;
    config.demo_quiet = args.demo_quiet;
    config.allowed_origins = args.allow_origin;
    config.metrics_for_all = args.metrics_for_all;
    config.lease = (args.lease_days > 0).then(|| Duration::from_secs(u64::from(args.lease_days) * 24 * 60 * 60));
    config.issuer = args.oidc_issuer.zip(args.oidc_audience).map(|(issuer, audience)| IssuerSettings {
        user_claim: args.oidc_user_claim,
        jwks_url: args.oidc_jwks_url,
        ca_file: args.oidc_ca_file,
        ..IssuerSettings::new(issuer, audience)
    });
    config.second_factor_for = args.second_factor.into_iter().map(UserType::from).collect();
    config.max_attachment_bytes = args.max_attachment_mb.saturating_mul(1024 * 1024);
    // Listened for before anyone is told that the server is there.
    let stop = stop_signal()?;
    let server = start(config).await?;
    say(&format!("listening on {}", server.url()))?;
    stop.await;
    tracing::info!("stopping");
    server.shutdown().await;
    Ok(())
}

/// Logs of our own code only: the libraries below would log frames and tokens at their finer levels.
fn log_to_stderr(level: LevelFilter, format: LogFormat) {
    let ours = tracing_subscriber::filter::Targets::new()
        .with_target("hugmedo_chat_server", level)
        .with_default(level.min(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}

#[cfg(unix)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without the signal the process can only be ended from outside.
            std::future::pending::<()>().await;
        }
    })
}

async fn administer(store: &StoreArgs, task: Task) -> anyhow::Result<()> {
    let data_dir = store.data_dir.as_path();
    let admin = Admin::open_with(data_dir, database(store).as_ref())?;
    let done = match task {
        Task::Serve(_) | Task::Restore { .. } => Ok(()),
        Task::Backup { into } => match admin.backup(data_dir, &into).await {
            Ok(backup) => say(&format!(
                "{}: {} entries of the audit, {} files",
                into.display(),
                backup.audit_entries,
                backup.attachments()
            )),
            Err(error) => Err(error.into()),
        },
        Task::Restored => admin.begin_anew(data_dir).await.map_err(Into::into),
        Task::User(task) => user(&admin, task).await,
        Task::Room(task) => room(&admin, task).await,
        Task::Retention(Retention::List) => admin.retention().await.map_err(Into::into).and_then(|rules| list(&rules)),
        Task::Retention(Retention::Set { kind, days, off: _ }) => {
            admin.set_retention(kind.into(), days).await.map_err(Into::into)
        }
        Task::Audit(task) => audit(&admin, data_dir, task).await,
        Task::Device(Device::List { user }) => {
            admin.devices(&UserId::new(user)).await.map_err(Into::into).and_then(|devices| list(&devices))
        }
        Task::Device(Device::Revoke { user, device }) => {
            admin.revoke_device(&UserId::new(user), &DeviceId::new(device)).await.map_err(Into::into)
        }
        Task::Token(Token::Issue { user, minutes }) => {
            let token = admin.issue_token(&UserId::new(user), Duration::from_secs(minutes * 60)).await;
            token.map_err(Into::into).and_then(|token| say(token.expose()))
        }
    };
    admin.close().await;
    done
}

async fn restore(data_dir: &std::path::Path, from: &std::path::Path) -> anyhow::Result<()> {
    let backup = hugmedo_chat_server::restore(from, data_dir).await?;
    say(&format!("{}: as it was at {}; everyone has to sign in again", data_dir.display(), backup.taken_at))
}

async fn audit(admin: &Admin, data_dir: &std::path::Path, task: Audit) -> anyhow::Result<()> {
    match task {
        Audit::Verify => {
            let report = admin.verify_audit(data_dir).await?;
            for finding in &report.findings {
                say(&finding.to_string())?;
            }
            let (entries, checkpoints, found) = (report.entries, report.checkpoints, report.findings.len());
            say(&format!("{entries} entries, {checkpoints} checkpoints, {found} findings"))?;
            anyhow::ensure!(found == 0, "the audit is not as it was written");
        }
        Audit::Export { after } => {
            admin.export_audit(after, |line| writeln!(std::io::stdout(), "{line}")).await?;
        }
    }
    Ok(())
}

/// One JSON object per line.
fn list(rows: &[impl serde::Serialize]) -> anyhow::Result<()> {
    for row in rows {
        say(&serde_json::to_string(row)?)?;
    }
    Ok(())
}

async fn user(admin: &Admin, task: User) -> anyhow::Result<()> {
    match task {
        User::List => list(&admin.users().await?)?,
        User::Admin { username, off } => admin.set_admin(&UserId::new(username), !off).await?,
        User::Add { username, name, r#type, role } => {
            let user_type = r#type.into();
            let name = name.unwrap_or_else(|| username.clone());
            admin.add_person(&username, password()?, name.as_str().into(), user_type, role).await?;
        }
        User::Passwd { username } => admin.set_password(&UserId::new(username), password()?).await?,
        User::OnCall { username, off } => admin.set_on_call(&UserId::new(username), !off).await?,
        User::ResetSecondFactor { username } => admin.reset_second_factor(&UserId::new(username)).await?,
        User::Disable { username } => admin.disable_user(&UserId::new(username)).await?,
    }
    Ok(())
}

async fn room(admin: &Admin, task: Room) -> anyhow::Result<()> {
    match task {
        Room::List => list(&admin.rooms().await?)?,
        Room::Add { id, name, kind } => {
            let name = name.unwrap_or_else(|| id.clone());
            admin.add_room(&id, name.as_str(), kind.into()).await?;
        }
        Room::Hold { room, off } => admin.set_hold(&RoomId::new(room), !off).await?,
        Room::Kept { room } => list(&admin.kept(&RoomId::new(room)).await?)?,
        Room::Escalate { room, after, off: _ } => {
            let after = after.map(|minutes| Duration::from_secs(minutes * 60));
            admin.set_escalation(&RoomId::new(room), after).await?;
        }
        Room::Member(MemberChange { room, user, remove }) => {
            let (room, user) = (RoomId::new(room), UserId::new(user));
            if remove { admin.remove_member(&room, &user).await? } else { admin.add_member(&room, &user).await? }
        }
    }
    Ok(())
}

/// One line of standard input; at a terminal it is asked for, and not shown while it is typed.
fn password() -> anyhow::Result<Secret> {
    use std::io::IsTerminal as _;
    let is_asked = std::io::stdin().is_terminal();
    if is_asked {
        write!(std::io::stderr(), "Password: ")?;
        std::io::stderr().flush()?;
    }
    let echo = is_asked.then(NoEcho::start);
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    drop(echo);
    read.context("the password could not be read")?;
    let password = Secret::new(line.trim_end_matches(['\r', '\n']));
    if password.expose().is_empty() {
        anyhow::bail!("no password on standard input");
    }
    Ok(password)
}

/// The terminal does not show what is typed until this is dropped.
struct NoEcho;

impl NoEcho {
    fn start() -> Self {
        stty("-echo");
        Self
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        stty("echo");
        let _ = writeln!(std::io::stderr());
    }
}

// By the system's own tool: the alternative is unsafe code or one more dependency. Where there is none, what is typed shows.
fn stty(mode: &str) {
    let _ = std::process::Command::new("stty").arg(mode).status();
}

/// One line on standard output, at once.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
