//! The command line. No secret is ever an argument: arguments are visible to every user of the computer.

use std::path::PathBuf;

use clap::Parser;
use hugmedo_chat_core::DeepLink;

/// HugMeDo Chat, the desktop chat for clinicians.
#[derive(Debug, Clone, Default, PartialEq, Eq, Parser)]
#[command(name = "hugmedo-chat", version)]
pub(crate) struct Cli {
    /// Keep everything of this instance in DIR instead of the person's application data folder.
    #[arg(long, value_name = "DIR", env = "HUGMEDO_CHAT_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Start without showing the window; starting the app again, or a click on a notification, shows it.
    #[arg(long)]
    pub(crate) hidden: bool,

    /// Tell what the organisation's policy for this computer decides and what is wrong with it, and end. With FILE: what one in
    /// that file would.
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub(crate) check_policy: Option<Option<PathBuf>>,

    /// A place to show, hugmedo-chat://room/ID or hugmedo-chat://room/ID/message/ID, or a server to sign in to,
    /// hugmedo-chat://server/NAME.
    #[arg(value_name = "LINK", value_parser = link)]
    pub(crate) link: Option<DeepLink>,
}

/// Clap quotes what it does not take, and so do logs of it: a link that is none is left out of both.
fn link(text: &str) -> Result<DeepLink, String> {
    DeepLink::parse(text).map_err(|_| "not a link of HugMeDo Chat".to_owned())
}

/// The place that a later start of the app, which handed us its arguments, asks for.
pub(crate) fn link_in(arguments: &[String]) -> Option<DeepLink> {
    arguments.iter().skip(1).find_map(|argument| DeepLink::parse(argument).ok())
}

/// Whether a later start of the app, which handed us its arguments, wants the window shown.
pub(crate) fn asks_for_window(arguments: &[String]) -> bool {
    !arguments.iter().skip(1).any(|argument| argument == "--hidden")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_and_the_hidden_start_are_understood() {
        let cli = Cli::try_parse_from(["hugmedo-chat", "--data-dir", "/tmp/sato", "--hidden"]).unwrap();
        assert_eq!(cli, Cli { data_dir: Some("/tmp/sato".into()), hidden: true, ..Cli::default() });
        let cli = Cli::try_parse_from(["hugmedo-chat", "hugmedo-chat://room/general/message/m1"]).unwrap();
        assert_eq!(cli.link, DeepLink::parse("hugmedo-chat://room/general/message/m1").ok());
    }

    #[test]
    fn a_policy_is_checked_where_it_lies_or_before_it_is_handed_out() {
        let asked = |arguments: &[&str]| Cli::try_parse_from(arguments).unwrap().check_policy;
        assert_eq!(asked(&["hugmedo-chat"]), None);
        assert_eq!(asked(&["hugmedo-chat", "--check-policy"]), Some(None));
        assert_eq!(asked(&["hugmedo-chat", "--check-policy", "policy.json"]), Some(Some("policy.json".into())));
    }

    #[test]
    fn no_argument_carries_a_password() {
        assert!(Cli::try_parse_from(["hugmedo-chat", "--password", "x"]).is_err());
        assert!(Cli::try_parse_from(["hugmedo-chat", "x"]).is_err());
    }

    #[test]
    fn a_later_start_may_bring_a_link_and_no_more() {
        let brought = |link: &str| link_in(&["hugmedo-chat".into(), "--data-dir=/tmp/x".into(), link.into()]);
        assert!(brought("hugmedo-chat://room/general").is_some());
        assert!(brought("https://example.jp").is_none() && brought("--hidden").is_none());
    }

    #[test]
    fn a_second_start_shows_the_window_unless_it_is_to_stay_hidden() {
        assert!(asks_for_window(&["hugmedo-chat".into()]));
        assert!(!asks_for_window(&["hugmedo-chat".into(), "--hidden".into()]));
    }
}
