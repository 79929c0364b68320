//! Pictures: how large they are, and a small copy to show first.
//!
//! Invariant: nothing is decoded before its header was found to be within the limits; a file of a few kilobytes that claims
//! to be huge costs a refusal.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits, codecs::jpeg::JpegEncoder, metadata::Orientation};

/// Most pixels: more than any phone's camera, less than hurts.
const MAX_PIXELS: u64 = 64_000_000;
/// Most bytes a decoder may take.
const MAX_MEMORY: u64 = 512 * 1024 * 1024;
/// Longest side of a small copy, in pixels.
const SMALL: u32 = 320;
const QUALITY: u8 = 80;

/// Why a picture is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Unreadable,
    TooManyPixels,
}

/// Width and height, as it is to be shown. Only the header is read.
pub(super) fn size(path: &Path) -> Result<(u32, u32), Refused> {
    let mut decoder = decoder(path)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Refused::TooManyPixels);
    }
    let is_turned = matches!(
        decoder.orientation().unwrap_or(Orientation::NoTransforms),
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    Ok(if is_turned { (height, width) } else { (width, height) })
}

fn decoder(path: &Path) -> Result<impl image::ImageDecoder, Refused> {
    let file = File::open(path).map_err(|_| Refused::Unreadable)?;
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(|_| Refused::Unreadable)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    reader.into_decoder().map_err(|_| Refused::Unreadable)
}

/// Where the small copy of a file lies.
pub(crate) fn small_path(path: &Path) -> PathBuf {
    path.with_extension("small")
}

/// Writes a small copy beside the file, as JPEG, or as PNG if there is something to see through. Call [`size`] before.
pub(super) fn shrink(path: &Path) -> image::ImageResult<()> {
    let unreadable = |_| image::ImageError::IoError(std::io::ErrorKind::InvalidData.into());
    let mut decoder = decoder(path).map_err(unreadable)?;
    let orientation = decoder.orientation()?;
    let mut small = DynamicImage::from_decoder(decoder)?;
    if small.width() > SMALL || small.height() > SMALL {
        small = small.thumbnail(SMALL, SMALL);
    }
    small.apply_orientation(orientation);
    let mut file = File::create(small_path(path))?;
    if small.color().has_alpha() {
        small.write_to(&mut file, image::ImageFormat::Png)?;
    } else {
        small.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut file, QUALITY))?;
    }
    file.sync_all()?;
    Ok(())
}
