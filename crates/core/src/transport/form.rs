//! A form with one file (`multipart/form-data`, RFC 7578), as it goes over the wire.
//!
//! Invariant: whatever a file is called, its name stays inside its quotes. The length is told beforehand, so that a server can
//! refuse a file before it has taken it.

use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use uuid::Uuid;

type Bytes = BoxStream<'static, std::io::Result<Vec<u8>>>;

/// The body of a call, with what its headers say of it.
pub(super) struct Form {
    pub(super) content_type: String,
    pub(super) length: u64,
    pub(super) body: Bytes,
}

/// The form with this file.
pub(super) fn of(name: &str, size: u64, bytes: Bytes) -> Form {
    // Random, so that no file can hold it but by chance.
    let boundary = Uuid::new_v4().simple().to_string();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n",
        quoted(name)
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let length = size.saturating_add((head.len() + tail.len()) as u64);
    let part = |text: String| stream::once(async move { Ok(text.into_bytes()) });
    let body = part(head).chain(bytes).chain(part(tail)).boxed();
    Form { content_type: format!("multipart/form-data; boundary={boundary}"), length, body }
}

/// As browsers write a file's name.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A").replace('\\', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_cannot_leave_its_quotes_and_the_length_is_true() {
        let bytes = stream::iter([Ok(b"%PDF".to_vec()), Ok(b"-1.7".to_vec())]).boxed();
        let form = of("a\"; x=\"y\r\n\r\nz\\\".pdf", 8, bytes);
        let sent: Vec<u8> = form.body.map(|part| part.expect("is there")).concat().await;
        assert_eq!(sent.len() as u64, form.length);
        let sent = String::from_utf8(sent).expect("is text");
        let boundary = form.content_type.rsplit('=').next().expect("is named");
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22; x=%22y%0D%0A%0D%0Az_%22.pdf\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n%PDF-1.7\r\n--{boundary}--\r\n"
        );
        assert_eq!(sent, expected);
    }
}
