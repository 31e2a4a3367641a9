//! The QR code as a picture.
//!
//! Invariants: it has a quiet zone of four modules on each side, as ISO/IEC 18004 asks; the same text gives the same bytes.

use qrcode::{Color, EcLevel, QrCode, Version};
use std::fmt::Write;

/// Empty modules around the code.
const QUIET: usize = 4;

/// A PNG has so many pixels on each side at least.
const LEAST_PIXELS: usize = 600;

/// A text as a QR code.
#[derive(Debug, Clone)]
pub struct QrImage {
    dark: Vec<bool>,
    width: usize,
    version: i16,
}

/// No QR code, or no picture of it, can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no QR code can be made: {0}")]
pub struct NoQrCode(String);

impl QrImage {
    /// The code of a text, with medium error correction: 15 % of it may be dirty or torn.
    pub fn of(text: &str) -> Result<Self, NoQrCode> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M)
            .map_err(|error| NoQrCode(error.to_string()))?;
        let version = match code.version() {
            Version::Normal(version) | Version::Micro(version) => version,
        };
        let width = code.width();
        let dark = code
            .into_colors()
            .into_iter()
            .map(|color| color == Color::Dark)
            .collect();
        Ok(Self { dark, width, version })
    }

    /// From 1 to 40: how fine the code is.
    pub fn version(&self) -> i16 {
        self.version
    }

    /// Modules on each side, with the quiet zone.
    pub fn modules(&self) -> usize {
        self.width + 2 * QUIET
    }

    /// The dark modules, those beside each other as one: column, row and how many. The quiet zone is counted.
    pub(crate) fn bars(&self) -> Vec<(usize, usize, usize)> {
        let mut bars: Vec<(usize, usize, usize)> = Vec::new();
        for (row, modules) in self.dark.chunks(self.width.max(1)).enumerate() {
            for (column, _) in modules.iter().enumerate().filter(|(_, dark)| **dark) {
                match bars.last_mut() {
                    Some((from, in_row, length))
                        if *in_row == row + QUIET && *from + *length == column + QUIET =>
                    {
                        *length += 1;
                    }
                    _ => bars.push((column + QUIET, row + QUIET, 1)),
                }
            }
        }
        bars
    }

    /// The dark modules as the path of an SVG image that is as wide as there are [`modules`](Self::modules).
    pub fn outline(&self) -> String {
        let mut path = String::new();
        for (column, row, length) in self.bars() {
            // Writing into a String cannot fail.
            let _ = write!(path, "M{column} {row}h{length}v1h-{length}z");
        }
        path
    }

    /// As an image that stands alone: dark on light, whatever is around it.
    pub fn svg(&self) -> String {
        let (modules, path) = (self.modules(), self.outline());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {modules} {modules}\" width=\"600\" height=\"600\" \
             shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"QR code of the ticket\">\
             <path fill=\"#ffffff\" d=\"M0 0h{modules}v{modules}h-{modules}z\"/><path fill=\"#000000\" d=\"{path}\"/></svg>"
        )
    }

    /// As a picture of one bit per pixel, at least 600 pixels wide.
    pub fn png(&self) -> Result<Vec<u8>, NoQrCode> {
        let scale = LEAST_PIXELS.div_ceil(self.modules());
        let side = self.modules() * scale;
        let stride = side.div_ceil(8);
        let mut pixels = vec![0xff_u8; stride * side];
        for (column, row, length) in self.bars() {
            for y in row * scale..(row + 1) * scale {
                for x in column * scale..(column + length) * scale {
                    pixels[y * stride + x / 8] &= !(0x80 >> (x % 8));
                }
            }
        }
        let failed = |error: png::EncodingError| NoQrCode(error.to_string());
        let side = u32::try_from(side).map_err(|error| NoQrCode(error.to_string()))?;
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signed_text;
    use kernel::{EventId, ServerKeys, TypedId};

    fn text() -> String {
        let keys = ServerKeys::new(vec![1; 32], Vec::new());
        let event = EventId::from_uuid(uuid::Uuid::from_u128(u128::MAX));
        signed_text(&keys, &"ZZZZZZZZZZZZ".parse().unwrap(), event).unwrap()
    }

    /// A picture as a scanner sees it.
    fn scanned(png: &[u8]) -> String {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert!(info.width >= 600 && info.width == info.height);
        let (width, stride) = (info.width as usize, info.line_size);
        let lit = |x: usize, y: usize| pixels[y * stride + x / 8] & (0x80 >> (x % 8)) != 0;
        // The quiet zone.
        let quiet = width / QrImage::of(&text()).unwrap().modules() * QUIET;
        for at in 0..width {
            for edge in 0..quiet {
                assert!(
                    lit(at, edge) && lit(edge, at) && lit(at, width - 1 - edge) && lit(width - 1 - edge, at)
                );
            }
        }
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(width, width, |x, y| if lit(x, y) { 255 } else { 0 });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_scanner_reads_what_was_written_and_it_is_not_fine() {
        let image = QrImage::of(&text()).unwrap();
        assert_eq!(scanned(&image.png().unwrap()), text());
        assert!(image.version() <= 10, "version {}", image.version());
    }

    #[test]
    fn the_same_text_gives_the_same_pictures() {
        let (one, two) = (QrImage::of(&text()).unwrap(), QrImage::of(&text()).unwrap());
        assert_eq!(one.png().unwrap(), two.png().unwrap());
        assert_eq!(one.svg(), two.svg());
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        assert!(QrImage::of(&"x".repeat(5_000)).is_err());
    }
}
