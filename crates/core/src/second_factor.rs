//! The second factor of an account on the server: how it stands, setting it up, doing without it.
//!
//! Invariant: nothing of it is kept here. Each step but the first shows the server the password anew, so that it also works for
//! someone whom the server lets in only once they have set one up.

use std::sync::Arc;

use hugmedo_chat_protocol as wire;
use qrcode::{Color, QrCode};

use crate::{
    address::ServerAddress,
    api::Api,
    core::Core,
    error::{Error, ErrorCode},
    view::{SecondFactorOffer, SecondFactorProof, SecondFactorView},
};

impl Core {
    /// How it stands with the second factor of whoever is signed in.
    ///
    /// # Errors
    /// If nobody is, or the server cannot be asked or has no such thing.
    pub async fn second_factor(&self) -> Result<SecondFactorView, Error> {
        let account = self.account()?;
        let status = account
            .authorised(|token| {
                let api = account.api.clone();
                async move { api.second_factor(&token).await }
            })
            .await?;
        let wire::SecondFactorStatus { in_use, required, recovery_codes_left } = status;
        Ok(SecondFactorView { in_use, required, recovery_codes_left })
    }

    /// Asks for a secret to put into an authenticator. In use once a code of it was shown, see [`Core::confirm_second_factor`].
    ///
    /// # Errors
    /// `Unauthorized` for a wrong password, `OtpRequired` where one is in use and its code is missing or wrong.
    pub async fn offer_second_factor(&self, proof: SecondFactorProof) -> Result<SecondFactorOffer, Error> {
        let (api, request) = self.with_password(proof)?;
        let wire::SecondFactorOffer { secret, uri } = api.offer_second_factor(&request).await?;
        let qr = qr_rows(uri.expose())?;
        Ok(SecondFactorOffer { secret, uri, qr })
    }

    /// Puts the offered secret into use. Answers the recovery codes, which nobody sees again.
    ///
    /// # Errors
    /// `OtpRequired` if the code is not one of the offered secret, `NotFound` if none was offered or too long ago.
    pub async fn confirm_second_factor(&self, proof: SecondFactorProof) -> Result<Vec<wire::Secret>, Error> {
        let (api, request) = self.with_password(proof)?;
        Ok(api.confirm_second_factor(&request).await?.recovery_codes)
    }

    /// Does without a second factor from now on.
    ///
    /// # Errors
    /// `Forbidden` where the organisation requires one, `OtpRequired` if the code is missing or wrong.
    pub async fn remove_second_factor(&self, proof: SecondFactorProof) -> Result<(), Error> {
        let (api, request) = self.with_password(proof)?;
        Ok(api.remove_second_factor(&request).await?)
    }

    fn with_password(&self, proof: SecondFactorProof) -> Result<(Api, wire::SecondFactorRequest), Error> {
        let SecondFactorProof { server, allow_insecure, username, password, otp } = proof;
        let server = ServerAddress::parse(&server, allow_insecure)?;
        // A password goes there.
        self.inner.check_policy(&server)?;
        let api = Api::new(Arc::clone(&self.inner.network(&server).http));
        Ok((api, wire::SecondFactorRequest { username: username.trim().to_owned(), password, otp }))
    }
}

/// A square of `1` (dark) and `0`, row by row, without the quiet zone.
fn qr_rows(text: &str) -> Result<Vec<String>, Error> {
    let code = QrCode::new(text).map_err(|_| Error::new(ErrorCode::Internal, "no QR code can hold the address"))?;
    let dots = code.to_colors();
    let row = |row: &[Color]| row.iter().map(|dot| if *dot == Color::Dark { '1' } else { '0' }).collect();
    Ok(dots.chunks(code.width()).map(row).collect())
}
