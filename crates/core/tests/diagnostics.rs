//! What a person shows to whoever helps them.

use anyhow::Result;
use hugmedo_chat_core::view::{Delivery, NotifyAbout};
use hugmedo_chat_testkit::Hospital;

#[tokio::test]
async fn diagnostics_tell_how_it_is_and_why_it_was_silent_and_nothing_of_anyone() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    sato.core.change_preferences(|preferences| preferences.notify_about = NotifyAbout::Important).await?;
    suzuki.say(&"general".into(), "マーカーの検体です").await?;
    sato.watch.until_message(&"general".into(), "マーカーの検体です", None).await?;
    sato.say(&"general".into(), "マーカーを見ました").await?;
    sato.watch.until_message(&"general".into(), "マーカーを見ました", Some(Delivery::Sent)).await?;

    let told = sato.core.diagnostics().await;
    let line = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
    assert!(line("HugMeDo Chat ").starts_with(env!("CARGO_PKG_VERSION")), "{told}");
    assert!(line("Versions: webview none, ").ends_with("protocol 1, the server's 1"), "{told}");
    assert!(line("Connection: ").starts_with("Live since "), "{told}");
    assert_eq!(line("Not sent: "), "0", "{told}");
    assert!(line("Notifications: ").contains("about Important"), "{told}");
    assert!(told.lines().any(|line| line.ends_with("Z Quiet")), "why nothing was raised: {told}");
    for secret in ["マーカー", "佐藤", "鈴木", "sato", "suzuki", "general", "hugmedo-demo", &hospital.url()] {
        assert!(!told.contains(secret), "{secret} is in it");
    }

    sato.core.sign_out().await?;
    let told = sato.core.diagnostics().await;
    assert!(told.contains("Session: none"), "{told}");
    assert_eq!(sato.core.about().server_protocol, None, "of no server");
    Ok(())
}
