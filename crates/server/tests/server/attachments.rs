//! Files: brought, sent, fetched, refused, forgotten.

use std::io::{Cursor, Write as _};

use image::{DynamicImage, ImageEncoder as _, ImageFormat, RgbImage, RgbaImage, codecs::jpeg::JpegEncoder};
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::backing::{self, Store};
use crate::hospital::{Hospital, says};

/// A form with one file, as a browser writes it.
pub(crate) fn form(field: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut form = format!(
        "--cut\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         Content-Type: application/x-made-up\r\n\r\n"
    )
    .into_bytes();
    form.extend(bytes);
    form.extend(b"\r\n--cut--\r\n");
    form
}

impl Hospital {
    async fn bring_form(&self, token: &str, form: Vec<u8>) -> (StatusCode, Value) {
        let answer = self
            .http
            .post(self.url() + "/api/attachments")
            .bearer_auth(token)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
            .body(form)
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn bring(&self, token: &str, name: &str, bytes: &[u8]) -> (StatusCode, Value) {
        self.bring_form(token, form("file", name, bytes)).await
    }

    pub(crate) async fn fetch(&self, token: &str, path: &str) -> Response {
        self.http.get(format!("{}/api/attachments/{path}", self.url())).bearer_auth(token).send().await.unwrap()
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder().join("attachments")).unwrap().count()
    }
}

fn with(files: &[Value]) -> Value {
    json!({ "roomId": "ward", "content": "", "attachments": files, "metadata": {} })
}

pub(crate) fn picture(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn archive(entries: &[&str]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for entry in entries {
        archive.start_file(*entry, stored).unwrap();
        archive.write_all(b"<xml/>").unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn open_document() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file("mimetype", stored).unwrap();
    archive.write_all(b"application/vnd.oasis.opendocument.text").unwrap();
    archive.finish().unwrap().into_inner()
}

/// A picture of a few bytes that says it is this large.
fn bomb(side: u32) -> Vec<u8> {
    let mut bytes = picture(RgbImage::new(1, 1), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&side.to_be_bytes());
    bytes[20..24].copy_from_slice(&side.to_be_bytes());
    let mut sum = u32::MAX;
    for byte in &bytes[12..29] {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    bytes[29..33].copy_from_slice(&(!sum).to_be_bytes());
    bytes
}

#[tokio::test]
async fn a_picture_is_brought_sent_and_fetched_by_members_only() {
    let hospital = Hospital::open().await;
    let (alice, bob) = (hospital.token("alice").await, hospital.token("bob").await);
    let bytes = picture(RgbImage::new(800, 400), ImageFormat::Png);
    let (status, brought) = hospital.bring(&alice, "写真 \u{202e}1.png", &bytes).await;
    assert_eq!(status, StatusCode::OK, "{brought}");
    let id = brought["id"].as_str().unwrap();
    let expected = json!({
        "id": id, "name": "写真 1.png", "mediaType": "image/png", "size": bytes.len(),
        "sha256": brought["sha256"], "width": 800, "height": 400,
    });
    assert_eq!(brought, expected);
    assert_eq!(brought["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(hospital.fetch(&alice, id).await.status(), StatusCode::OK, "who brought it");
    assert_eq!(hospital.fetch(&bob, id).await.status(), StatusCode::FORBIDDEN, "before it is sent");

    let mut listening = hospital.enter("bob", "ward").await;
    let mut talking = hospital.connect("alice").await;
    let lie = json!({ "id": id, "name": "evil.exe", "mediaType": "text/html", "size": 1 });
    assert_eq!(talking.ask("message", with(&[lie])).await["ok"], true);
    let heard = listening.event_named("new_message").await;
    assert_eq!(heard["attachments"], json!([expected]), "the server's truth, not the sender's");

    let fetched = hospital.fetch(&bob, id).await;
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "attachment; filename=\"__ 1.png\"; filename*=UTF-8''%E5%86%99%E7%9C%9F%201.png"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(fetched.headers()[name], value, "{name}");
    }
    assert_eq!(fetched.bytes().await.unwrap(), bytes);
    let stretch = hospital
        .http
        .get(format!("{}/api/attachments/{id}", hospital.url()))
        .bearer_auth(&bob)
        .header("range", "bytes=1-3")
        .send()
        .await
        .unwrap();
    assert_eq!(stretch.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(stretch.headers()["content-range"], format!("bytes 1-3/{}", bytes.len()));
    assert_eq!(&stretch.bytes().await.unwrap()[..], b"PNG");
    let small = hospital.fetch(&bob, &format!("{id}/thumbnail")).await;
    assert_eq!(small.headers()["content-type"], "image/jpeg");
    let small = image::load_from_memory(&small.bytes().await.unwrap()).unwrap();
    assert_eq!((small.width(), small.height()), (320, 160));

    for stranger in ["carol", "dave"] {
        let token = hospital.token(stranger).await;
        for path in [id, &format!("{id}/thumbnail"), "file-unknown", "..%2fserver.sqlite3", "%00"] {
            let answer = hospital.fetch(&token, path).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{stranger} {path}");
            assert_eq!(answer.json::<Value>().await.unwrap()["code"], "forbidden");
        }
    }
    let mut delete = json!({ "roomId": "ward" });
    delete["messageId"] = heard["id"].clone();
    assert_eq!(talking.ask("delete_message", delete).await["ok"], true);
    assert_eq!(hospital.fetch(&bob, id).await.status(), StatusCode::FORBIDDEN, "taken back");
}

#[tokio::test]
async fn a_message_carries_only_what_its_sender_brought_and_what_is_not_of_ours_passes_as_it_is() {
    let hospital = Hospital::open().await;
    let alice = hospital.token("alice").await;
    let (_, brought) = hospital.bring(&alice, "a.txt", "薬".as_bytes()).await;
    let ours = json!({ "id": brought["id"] });
    let (mut alice, mut bob) = (hospital.connect("alice").await, hospital.connect("bob").await);
    assert_eq!(bob.ask("message", with(std::slice::from_ref(&ours))).await["code"], "bad_request", "not his");
    assert_eq!(alice.ask("message", with(&[json!({ "id": "file-unknown" })])).await["code"], "bad_request");
    let foreign = json!({ "id": "7", "url": "https://example.org/7" });
    let mut wish = with(&[ours.clone(), foreign.clone(), ours]);
    wish["clientMessageId"] = json!("0198c5a2-0000-7000-8000-000000000003");
    let first = alice.ask("message", wish.clone()).await;
    assert_eq!(first["ok"], true, "{first}");
    let token = hospital.token("bob").await;
    let history = hospital.get("/api/rooms/ward/messages", &token).await;
    assert_eq!(history["messages"][0]["attachments"], json!([brought, foreign, brought]));
    alice.ask("delete_message", json!({ "roomId": "ward", "messageId": first["id"] })).await;
    assert_eq!(alice.ask("message", wish).await, first, "a repeat, even after the files have gone");
    assert_eq!(bob.ask("message", with(&[brought])).await["code"], "bad_request", "nobody's");
}

#[tokio::test]
async fn a_file_is_what_it_holds_whatever_it_is_called() {
    let hospital = Hospital::open().await;
    let alice = hospital.token("alice").await;
    let png = picture(RgbaImage::new(400, 10), ImageFormat::Png);
    let word = archive(&["[Content_Types].xml", "_rels/.rels", "docProps/app.xml", "a/b.xml", "word/document.xml"]);
    let excel = archive(&["xl/workbook.xml"]);
    let office = "application/vnd.openxmlformats-officedocument";
    for (name, bytes, kept, media_type) in [
        ("a.exe", png.as_slice(), "a.exe.png", "image/png".to_owned()),
        ("a.JPG", &picture(RgbImage::new(4, 4), ImageFormat::Jpeg), "a.JPG", "image/jpeg".to_owned()),
        ("a", &picture(RgbImage::new(4, 4), ImageFormat::WebP), "a.webp", "image/webp".to_owned()),
        ("a.gif", &picture(RgbaImage::new(4, 4), ImageFormat::Gif), "a.gif", "image/gif".to_owned()),
        ("検査.pdf", b"%PDF-1.7\n\x80", "検査.pdf", "application/pdf".to_owned()),
        ("a.docm", &word, "a.docm.docx", format!("{office}.wordprocessingml.document")),
        ("a.xlsx", &excel, "a.xlsx", format!("{office}.spreadsheetml.sheet")),
        ("a.odt", &open_document(), "a.odt", "application/vnd.oasis.opendocument.text".to_owned()),
        ("a.mp4", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", "a.mp4", "video/mp4".to_owned()),
        ("a.mp3", b"ID3\x04\0\0\0\0\0\0", "a.mp3", "audio/mpeg".to_owned()),
        ("a.csv", "氏名,血圧\n".as_bytes(), "a.csv", "text/plain".to_owned()),
        ("a.csv", b"\x8e\x81\x96\xbc,120", "a.csv", "text/plain".to_owned()),
        ("a.bat", b"del *.*\r\n", "a.bat.txt", "text/plain".to_owned()),
        ("../../a.txt", b"x", "a.txt", "text/plain".to_owned()),
    ] {
        let (_, brought) = hospital.bring(&alice, name, bytes).await;
        assert_eq!((&brought["name"], &brought["mediaType"]), (&json!(kept), &json!(media_type)), "{name} {brought}");
        let fetched = hospital.fetch(&alice, brought["id"].as_str().unwrap()).await;
        assert_eq!(fetched.bytes().await.unwrap(), bytes, "{name}");
    }
    let (_, brought) = hospital.bring(&alice, "a.png", &png).await;
    let small = hospital.fetch(&alice, &format!("{}/thumbnail", brought["id"].as_str().unwrap())).await;
    assert_eq!(small.headers()["content-type"], "image/png", "so that one sees through it");
    let (_, brought) = hospital.bring(&alice, "a.txt", b"text").await;
    let none = hospital.fetch(&alice, &format!("{}/thumbnail", brought["id"].as_str().unwrap())).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_turned_photograph_is_measured_and_shown_upright() {
    let hospital = Hospital::open().await;
    let alice = hospital.token("alice").await;
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new(&mut bytes);
    // One entry: orientation, a quarter turn.
    encoder.set_exif_metadata(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec()).unwrap();
    encoder.encode_image(&RgbImage::new(640, 320)).unwrap();
    let (_, brought) = hospital.bring(&alice, "a.jpg", &bytes).await;
    assert_eq!((&brought["width"], &brought["height"]), (&json!(320), &json!(640)), "{brought}");
    let small = hospital.fetch(&alice, &format!("{}/thumbnail", brought["id"].as_str().unwrap())).await;
    let small = image::load_from_memory(&small.bytes().await.unwrap()).unwrap();
    assert_eq!((small.width(), small.height()), (160, 320));
}

#[tokio::test]
async fn what_is_not_taken_is_refused_with_its_reason_and_leaves_nothing() {
    let hospital = Hospital::open_with(|config| config.max_attachment_bytes = 1000).await;
    let (alice, dave) = (hospital.token("alice").await, hospital.token("dave").await);
    let macros = archive(&["word/document.xml", "word/vbaProject.bin"]);
    let mut cut = picture(RgbImage::new(4, 4), ImageFormat::Png);
    cut.truncate(20);
    for (name, bytes, status, code) in [
        ("empty.txt", b"".as_slice(), StatusCode::BAD_REQUEST, "bad_request"),
        ("large.txt", &[b'x'; 1001], StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        ("larger.txt", &[b'x'; 200_000], StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        ("photo.png", b"MZ\x90\0\x03\0\0\0", StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type"),
        ("notes.txt", b"\x7fELF\x02\x01\x01\0", StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type"),
        ("notes.txt", b"#!/bin/sh\nrm -r /", StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type"),
        ("notes.txt", b"<html><script>", StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type"),
        ("notes.txt", b"text\0text", StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type"),
        ("a.docx", &archive(&["setup.exe"]), StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type"),
        ("a.docx", &macros, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type"),
        ("a.docx", b"PK\x03\x04", StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type"),
        ("cut.png", &cut, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type"),
        ("bomb.png", &bomb(60_000), StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
    ] {
        let (found, refused) = hospital.bring(&alice, name, bytes).await;
        assert_eq!((found, &refused["code"]), (status, &json!(code)), "{name} {refused}");
    }
    for wrong in [form("another", "a.txt", b"x"), b"--cut--\r\n".to_vec(), b"nothing".to_vec(), Vec::new()] {
        assert_eq!(hospital.bring_form(&alice, wrong).await.0, StatusCode::BAD_REQUEST);
    }
    let (status, _) = hospital.call(Method::POST, "/api/attachments", Some(&alice), Some(says("ward", "x"))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(hospital.bring(&dave, "a.txt", b"x").await.0, StatusCode::FORBIDDEN, "a member of nothing");
    let (status, _) = hospital.bring(&dave, "larger.txt", &[b'x'; 200_000]).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "before anything of the file is looked at");
    assert_eq!(hospital.files(), 0);
    assert_eq!(hospital.bring(&alice, "fits.txt", &[b'x'; 1000]).await.0, StatusCode::OK);
    assert_eq!(hospital.files(), 1);
}

#[tokio::test]
async fn a_picture_broken_behind_its_header_is_taken_without_a_small_copy() {
    let hospital = Hospital::open().await;
    let alice = hospital.token("alice").await;
    let (status, brought) = hospital.bring(&alice, "a.png", &bomb(7_000)).await;
    assert_eq!((status, &brought["width"]), (StatusCode::OK, &json!(7_000)), "{brought}");
    let id = brought["id"].as_str().unwrap();
    assert_eq!(hospital.fetch(&alice, id).await.status(), StatusCode::OK);
    assert_eq!(hospital.fetch(&alice, &format!("{id}/thumbnail")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(hospital.files(), 1);
}

#[tokio::test]
async fn what_was_never_sent_is_forgotten_after_a_day_and_what_was_sent_is_kept() {
    let hospital = Hospital::open().await;
    let alice = hospital.token("alice").await;
    let bytes = picture(RgbImage::new(4, 4), ImageFormat::Png);
    let (_, sent) = hospital.bring(&alice, "sent.png", &bytes).await;
    let (_, old) = hospital.bring(&alice, "old.png", &bytes).await;
    let (_, fresh) = hospital.bring(&alice, "fresh.png", &bytes).await;
    let (_, taken_back) = hospital.bring(&alice, "back.png", &bytes).await;
    let mut talking = hospital.connect("alice").await;
    talking.ask("message", with(std::slice::from_ref(&sent))).await;
    let said = talking.ask("message", with(&[sent.clone(), taken_back.clone()])).await;
    talking.ask("delete_message", json!({ "roomId": "ward", "messageId": said["id"] })).await;
    if !backing::IS_SHARED {
        // Where another server may share the folder, it may be taking this in.
        std::fs::write(hospital.folder().join("attachments").join("file-nobody-knows"), "x").unwrap();
    }
    let store = Store::of(hospital.folder());
    let ends = |id: &Value| -> Option<i64> {
        let sql = format!("SELECT expires_at FROM attachment WHERE id = '{}'", id.as_str().unwrap());
        store.dump(&sql).trim().parse().ok()
    };
    assert_eq!(ends(&sent["id"]), None);
    let day = ends(&old["id"]).unwrap() - ends(&fresh["id"]).unwrap();
    assert!(day.abs() < 60_000, "both end a day after they came");
    let sooner = "UPDATE attachment SET expires_at = expires_at - 86400000";
    store.change(&format!("{sooner} WHERE id = '{}'", old["id"].as_str().unwrap()));

    let hospital = hospital.restart().await;
    for gone in [&old, &taken_back] {
        let path = gone["id"].as_str().unwrap();
        while hospital.fetch(&alice, path).await.status() != StatusCode::FORBIDDEN {}
    }
    // Rows go before files.
    while hospital.files() > 4 {
        tokio::task::yield_now().await;
    }
    for kept in [&sent, &fresh] {
        for path in [kept["id"].as_str().unwrap(), &format!("{}/thumbnail", kept["id"].as_str().unwrap())] {
            assert_eq!(hospital.fetch(&alice, path).await.status(), StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn whoever_hoards_files_is_told_to_send_them_first_and_every_handing_out_is_in_the_audit() {
    let hospital = Hospital::open_with(|config| config.max_attachment_bytes = 10).await;
    let alice = hospital.token("alice").await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        let (status, brought) = hospital.bring(&alice, "a.txt", &[b'x'; 10]).await;
        assert_eq!(status, StatusCode::OK);
        ids.push(json!({ "id": brought["id"] }));
    }
    let (status, refused) = hospital.bring(&alice, "a.txt", b"x").await;
    assert_eq!((status, &refused["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limited")));
    hospital.connect("alice").await.ask("message", with(&ids)).await;
    assert_eq!(hospital.bring(&alice, "a.txt", b"x").await.0, StatusCode::OK);
    let bob = hospital.token("bob").await;
    let id = ids[0]["id"].as_str().unwrap();
    hospital.fetch(&bob, id).await;
    let entries = crate::hospital::entries(hospital.server.admin()).await;
    let told: Vec<_> = entries
        .iter()
        .filter(|entry| entry["object"] == ids[0]["id"])
        .map(|entry| (entry["actor"].as_str().unwrap(), entry["action"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("alice", "upload"), ("bob", "download")]);
}
