//! x
use crate::{admin::Admin, app::App, error::Error};
use std::sync::Arc;
pub(crate) async fn fill(_app: &Arc<App>, _admin: &Admin) -> Result<(), Error> {
    Ok(())
}
