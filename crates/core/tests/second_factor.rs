//! A second factor from the app's side, with the real server.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "all of this file is a test")]

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use hugmedo_chat_core::{
    Core, Error, ErrorCode,
    view::{Credentials, SecondFactorProof, SignInRequest},
};
use hugmedo_chat_protocol::{Secret, UserType};
use hugmedo_chat_testkit::{Clinician, Hospital};

const PASSWORD: &str = "hugmedo-demo";

/// A code of this secret, so many steps from now.
fn code(secret: &Secret, steps: u64) -> Secret {
    let secret = totp_rs::Secret::try_from_base32(secret.expose()).expect("base32");
    let totp = totp_rs::Builder::new().with_secret(secret).build().expect("a usable secret");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    Secret::new(totp.generate(now + steps * 30).to_string())
}

async fn sign_in(core: &Core, hospital: &Hospital, otp: Option<&Secret>) -> Result<(), Error> {
    let credentials =
        Credentials::Password { username: "sato".to_owned(), password: PASSWORD.into(), otp: otp.cloned() };
    core.sign_in(SignInRequest { server: hospital.url(), credentials, remember: true, allow_insecure: false })
        .await
        .map(|_| ())
}

fn proof(hospital: &Hospital, otp: Option<&Secret>) -> SecondFactorProof {
    SecondFactorProof {
        server: hospital.url(),
        allow_insecure: false,
        username: "sato".to_owned(),
        password: PASSWORD.into(),
        otp: otp.cloned(),
    }
}

fn code_of<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.expect_err("refused").code()
}

#[tokio::test]
async fn who_is_required_to_have_one_sets_it_up_signs_in_with_it_and_is_told_how_it_stands() -> Result<()> {
    let hospital = Hospital::open_with(|config| config.second_factor_for = vec![UserType::Clinician]).await?;
    let clinician = Clinician::at_a_computer().await?;
    let core = &clinician.core;
    assert_eq!(code_of(sign_in(core, &hospital, None).await), ErrorCode::OtpSetupRequired);

    let offer = core.offer_second_factor(proof(&hospital, None)).await?;
    assert!(offer.uri.expose().starts_with("otpauth://totp/"));
    assert!(offer.qr.len() >= 21 && offer.qr.iter().all(|row| row.len() == offer.qr.len()), "a square");
    assert!(offer.qr[0].starts_with("1111111"), "with a finder in its corner");
    let wrong = Secret::new("000000");
    assert_eq!(code_of(core.confirm_second_factor(proof(&hospital, Some(&wrong))).await), ErrorCode::OtpRequired);
    let recovery_codes = core.confirm_second_factor(proof(&hospital, Some(&code(&offer.secret, 0)))).await?;
    assert_eq!(recovery_codes.len(), 10);

    assert_eq!(code_of(sign_in(core, &hospital, None).await), ErrorCode::OtpRequired);
    assert_eq!(code_of(sign_in(core, &hospital, Some(&wrong)).await), ErrorCode::OtpRequired);
    sign_in(core, &hospital, Some(&code(&offer.secret, 1))).await?;
    let stands = core.second_factor().await?;
    assert!(stands.in_use && stands.required);
    assert_eq!(stands.recovery_codes_left, 10);
    let removed = core.remove_second_factor(proof(&hospital, Some(&recovery_codes[0]))).await;
    assert_eq!(code_of(removed), ErrorCode::Forbidden);
    Ok(())
}
