//! Where a person is signed in, by the server's list, and ending it there.

use hugmedo_chat_protocol::{DeviceId, OwnDevice};

use crate::{core::Core, error::Error, view::DeviceView};

impl Core {
    /// The devices of whoever is signed in, the one that was heard of last first.
    ///
    /// # Errors
    /// If nobody is, or the server cannot be asked or keeps no such list.
    pub async fn devices(&self) -> Result<Vec<DeviceView>, Error> {
        let account = self.account()?;
        let list = account
            .authorised(|token| {
                let api = account.api.clone();
                async move { api.devices(&token).await }
            })
            .await?;
        let view = |device: OwnDevice| DeviceView {
            id: device.id,
            first_signed_in_at: device.first_signed_in_at,
            seen_at: device.seen_at,
            is_signed_in: device.is_signed_in,
            is_this: device.is_this,
            erase_asked_at: device.erase_asked_at,
            erase_told_at: device.erase_told_at,
        };
        Ok(list.devices.into_iter().map(view).collect())
    }

    /// Signs the person out on one of their devices, which removes what it has stored as soon as it is heard of.
    ///
    /// # Errors
    /// If nobody is signed in, the server cannot be asked, or they have no such device.
    pub async fn revoke_device(&self, device: &DeviceId) -> Result<(), Error> {
        let account = self.account()?;
        account
            .authorised(|token| {
                let (api, device) = (account.api.clone(), device.clone());
                async move { api.revoke_device(&token, &device).await }
            })
            .await?;
        Ok(())
    }
}
