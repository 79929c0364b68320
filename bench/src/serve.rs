//! The server as a process of its own, with the terms of a run. Ends in good form when its standard input ends.

use std::{io::Write as _, net::SocketAddr, path::Path};

use anyhow::Result;
use tokio::io::AsyncReadExt as _;

use crate::ward;

pub(crate) async fn run(listen: SocketAddr, folder: &Path) -> Result<()> {
    let server = hugmedo_chat_server::start(ward::terms(listen, folder)).await?;
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "listening on {}", server.url())?;
        out.flush()?;
    }
    let _ = tokio::io::stdin().read(&mut [0; 1]).await;
    server.shutdown().await;
    Ok(())
}
