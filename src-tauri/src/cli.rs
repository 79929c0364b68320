//! The command line. No secret is ever an argument: arguments are visible to every user of the computer.

use std::path::PathBuf;

use clap::Parser;

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
        assert_eq!(cli, Cli { data_dir: Some("/tmp/sato".into()), hidden: true });
    }

    #[test]
    fn no_argument_carries_a_password() {
        assert!(Cli::try_parse_from(["hugmedo-chat", "--password", "x"]).is_err());
        assert!(Cli::try_parse_from(["hugmedo-chat", "x"]).is_err());
    }

    #[test]
    fn a_second_start_shows_the_window_unless_it_is_to_stay_hidden() {
        assert!(asks_for_window(&["hugmedo-chat".into()]));
        assert!(!asks_for_window(&["hugmedo-chat".into(), "--hidden".into()]));
    }
}
