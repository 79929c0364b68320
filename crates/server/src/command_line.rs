//! The words of the command line. Every flag can also be set as `HUGMEDO_CHAT_…` in the environment.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use hugmedo_chat_protocol::{RoomKind, Secret, UserType};
use ipnet::IpNet;
use tracing_subscriber::filter::LevelFilter;

/// The chat server of HugMeDo Chat: Socket.IO and HTTP over a store in one SQLite file or a Postgres database.
#[derive(Debug, Parser)]
#[command(name = "hugmedo-chat-server", version, args_conflicts_with_subcommands = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// A TOML file of settings, named as the flags are; the environment and flags go before it
    // Looked for before the rest can be read; it stands here for --help.
    #[arg(long, global = true, env = "HUGMEDO_CHAT_CONFIG")]
    #[allow(dead_code, reason = "see crate::settings")]
    pub(crate) config: Option<PathBuf>,
    /// The folder that holds the store, or what lies beside it if that is in a database; made if it is missing
    #[arg(long, global = true, env = "HUGMEDO_CHAT_DATA_DIR", default_value = "hugmedo-chat-data")]
    pub(crate) data_dir: PathBuf,
    /// The Postgres database that holds the store, as postgres://user:password@host/name. Better in the environment or the file:
    /// arguments are seen by every user of the machine
    #[arg(long, global = true, env = "HUGMEDO_CHAT_DATABASE", hide_env_values = true, hide_default_value = true, value_parser = secret)]
    pub(crate) database: Option<Secret>,
    /// The authority of the database's certificate, as PEM, if the system does not know it
    #[arg(long, global = true, env = "HUGMEDO_CHAT_DATABASE_CA_FILE")]
    pub(crate) database_ca_file: Option<PathBuf>,
}

/// Takes everything, so that no message of the parser repeats it.
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text))
}

// Which of them go together is looked at in `crate::settings`: what comes from a file counts for clap as not given.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "HUGMEDO_CHAT_LISTEN", default_value = "127.0.0.1:3011")]
    pub(crate) listen: SocketAddr,
    /// The certificate to speak TLS with, and those between it and the authority, as PEM; looked at again every half minute
    #[arg(long, env = "HUGMEDO_CHAT_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, as PEM
    #[arg(long, env = "HUGMEDO_CHAT_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A proxy whose X-Forwarded-For and X-Forwarded-Proto are believed: an address or a network; repeatable
    #[arg(long, env = "HUGMEDO_CHAT_TRUSTED_PROXY", value_delimiter = ',', value_parser = network)]
    pub(crate) trusted_proxy: Vec<IpNet>,
    /// Speak plain HTTP to everyone on an address others can reach, because something else keeps the network closed
    #[arg(long, env = "HUGMEDO_CHAT_ALLOW_PLAIN_HTTP", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) allow_plain_http: bool,
    /// Most connections at a time
    #[arg(long, env = "HUGMEDO_CHAT_MAX_CONNECTIONS", default_value_t = 20_000)]
    pub(crate) max_connections: usize,
    /// Most connections, and most sockets, from one address at a time; a whole hospital may stand behind one
    #[arg(long, env = "HUGMEDO_CHAT_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 5_000)]
    pub(crate) max_connections_per_address: usize,
    /// Fill an empty store with sample people and rooms and let simulated people live in it; loopback only
    #[arg(long, env = "HUGMEDO_CHAT_DEMO", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) demo: bool,
    /// With --demo: the sample data without the simulated people
    #[arg(long, env = "HUGMEDO_CHAT_DEMO_QUIET", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) demo_quiet: bool,
    /// An Origin whose pages may connect; repeatable. Native clients send no Origin and are not asked
    #[arg(long, env = "HUGMEDO_CHAT_ALLOW_ORIGIN", value_delimiter = ',')]
    pub(crate) allow_origin: Vec<String>,
    /// Whose password needs a second factor beside it, separated by commas; anyone may set one up
    #[arg(long, env = "HUGMEDO_CHAT_SECOND_FACTOR", value_enum, value_delimiter = ',')]
    pub(crate) second_factor: Vec<Type>,
    /// An OpenID Connect issuer whose access tokens are accepted beside our own, exactly as its tokens name it
    #[arg(long, env = "HUGMEDO_CHAT_OIDC_ISSUER")]
    pub(crate) oidc_issuer: Option<String>,
    /// What the issuer's tokens have to be meant for (`aud`)
    #[arg(long, env = "HUGMEDO_CHAT_OIDC_AUDIENCE")]
    pub(crate) oidc_audience: Option<String>,
    /// The claim of the issuer's tokens that holds the name a person signs in with here
    #[arg(long, env = "HUGMEDO_CHAT_OIDC_USER_CLAIM", default_value = "sub")]
    pub(crate) oidc_user_claim: String,
    /// Where the issuer's keys are, if it has no discovery document
    #[arg(long, env = "HUGMEDO_CHAT_OIDC_JWKS_URL")]
    pub(crate) oidc_jwks_url: Option<String>,
    /// The authority of the issuer's certificate, as PEM, if the system does not know it
    #[arg(long, env = "HUGMEDO_CHAT_OIDC_CA_FILE")]
    pub(crate) oidc_ca_file: Option<PathBuf>,
    /// The Redis over which servers on one database tell each other at once, as redis://:password@host/; like the database's, better in
    /// the environment or the file
    #[arg(long, env = "HUGMEDO_CHAT_REDIS", hide_env_values = true, hide_default_value = true, value_parser = secret)]
    pub(crate) redis: Option<Secret>,
    /// Largest file that may be sent, in MiB
    #[arg(long, env = "HUGMEDO_CHAT_MAX_ATTACHMENT_MB", default_value_t = 25)]
    pub(crate) max_attachment_mb: u64,
    /// Days a device may keep what it has stored without hearing from this server; 0 for ever
    #[arg(long, env = "HUGMEDO_CHAT_LEASE_DAYS", default_value_t = 0)]
    pub(crate) lease_days: u32,
    /// Answer GET /metrics to other machines too, not to this one alone
    #[arg(long, env = "HUGMEDO_CHAT_METRICS_FOR_ALL", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) metrics_for_all: bool,
    /// How to log: as text for people or as one JSON object per line
    #[arg(long, env = "HUGMEDO_CHAT_LOG_FORMAT", value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// How much to log on standard error: off, error, warn, info, debug
    #[arg(long, env = "HUGMEDO_CHAT_LOG", default_value = "info")]
    pub(crate) log: LevelFilter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Serve (what happens without a command, too)
    Serve(Box<ServeArgs>),
    /// Add people, set passwords (from standard input), close accounts
    #[command(subcommand)]
    User(User),
    /// Add rooms, add and remove members
    #[command(subcommand)]
    Room(Room),
    /// Choose how long rooms keep what is said in them
    #[command(subcommand)]
    Retention(Retention),
    /// Copy everything into a new folder, also while a server runs; the copy is checked
    Backup {
        /// The folder to make
        into: PathBuf,
    },
    /// Put a copy into a data folder without a store, for a server to start on; everyone has to sign in again
    Restore {
        /// The copy
        from: PathBuf,
    },
    /// Tell a database that was put back from a copy so, before the first server starts on it; everyone has to sign in again
    Restored,
    /// Look after the audit of who did what
    #[command(subcommand)]
    Audit(Audit),
    /// List a person's devices, and have one removed of what it has stored
    #[command(subcommand)]
    Device(Device),
    /// Issue access tokens for people who sign in elsewhere
    #[command(subcommand)]
    Token(Token),
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Print everyone, one JSON object per line
    List,
    /// Let a person administer this server over its API; it opens no room to them
    Admin {
        /// The name to sign in with
        username: String,
        /// Take it from them instead
        #[arg(long)]
        off: bool,
    },
    /// Add a person; the password is read from standard input
    Add {
        /// The name to sign in with
        username: String,
        /// The name shown to others
        #[arg(long)]
        name: Option<String>,
        /// What the person is to the organisation
        #[arg(long, value_enum, default_value_t = Type::Clinician)]
        r#type: Type,
        /// A ward or function, shown beside the name
        #[arg(long)]
        role: Option<String>,
    },
    /// Set a password, read from standard input, and sign the person out everywhere
    Passwd {
        /// The name to sign in with
        username: String,
    },
    /// Put a person on call: urgent messages that nobody takes on are brought to them
    OnCall {
        /// The name to sign in with
        username: String,
        /// Take them off call instead
        #[arg(long)]
        off: bool,
    },
    /// Remove a person's second factor, for someone who has lost it and the recovery codes too
    ResetSecondFactor {
        /// The name to sign in with
        username: String,
    },
    /// Close an account and end its sessions
    Disable {
        /// The name to sign in with
        username: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Type {
    Clinician,
    Patient,
    Staff,
}

/// `10.0.0.0/8`, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let one = |_| text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(one).map_err(|_| "an address or a network such as 10.0.0.0/8 is expected".to_owned())
}

impl From<Type> for UserType {
    fn from(r#type: Type) -> Self {
        match r#type {
            Type::Clinician => Self::Clinician,
            Type::Patient => Self::Patient,
            Type::Staff => Self::Staff,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Room {
    /// Print every room, one JSON object per line
    List,
    /// Add a room without members
    Add {
        /// The room's id
        id: String,
        /// The name shown in the list
        #[arg(long)]
        name: Option<String>,
        /// Who the room is for
        #[arg(long, value_enum, default_value_t = Kind::Staff)]
        kind: Kind,
    },
    /// Hold a room: nothing of it is lost, whatever the retention says and its members take back
    Hold {
        /// The room's id
        room: String,
        /// Let it go again, and with it what was kept
        #[arg(long)]
        off: bool,
    },
    /// Print what messages of a held room were before they were changed or taken back, one JSON object per line
    Kept {
        /// The room's id
        room: String,
    },
    /// Make a person a member, or end the membership
    Member(MemberChange),
    /// Choose how long an urgent message may wait before it is brought to those on call
    Escalate {
        /// The room's id
        room: String,
        /// Minutes until then
        #[arg(long, required_unless_present = "off", value_parser = clap::value_parser!(u64).range(1..=1440))]
        after: Option<u64>,
        /// Let urgent messages wait for ever
        #[arg(long, conflicts_with = "after")]
        off: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct MemberChange {
    /// The room's id
    pub(crate) room: String,
    /// The person's user name
    pub(crate) user: String,
    /// End the membership instead
    #[arg(long)]
    pub(crate) remove: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    Patient,
    Staff,
    Announcement,
}

impl From<Kind> for RoomKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Patient => Self::Patient,
            Kind::Staff => Self::Staff,
            Kind::Announcement => Self::Announcement,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Retention {
    /// Print the rules, one JSON object per line
    List,
    /// Set the rule of a kind of rooms; older messages are removed soon after
    Set {
        /// Which rooms
        #[arg(value_enum)]
        kind: Kind,
        /// For how many days messages are kept
        #[arg(long, required_unless_present = "off")]
        days: Option<u32>,
        /// Keep them for ever
        #[arg(long, conflicts_with = "days")]
        off: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Look for edits, deletions, another order and a cut-off end; fails if there are any
    Verify,
    /// Print the entries, one JSON object per line
    Export {
        /// Only those after this place
        #[arg(long, default_value_t = 0)]
        after: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Print the devices a person has signed in on, one JSON object per line, the one that was heard of last first
    List {
        /// The person's user name
        user: String,
    },
    /// Sign the person out on a device; it removes what it has stored for them as soon as it is heard of
    Revoke {
        /// The person's user name
        user: String,
        /// The device, as `device list` names it
        device: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Print a fresh access token on standard output
    Issue {
        /// The person's user name
        user: String,
        /// How long it opens sockets and routes, in minutes, at most a day
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1440))]
        minutes: u64,
    },
}
