//! A ticket as a page to print: PDF, A4, with margins that suit US Letter too.
//!
//! Invariants: one page whatever is written on it; the QR code stands where nothing else can; the same ticket gives the same bytes.

use crate::plain::plain;
use crate::typeset::{Manner, Press, with_press};
use crate::{NoQrCode, QrImage, TicketCode};
use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Rect};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A4 in points.
const PAGE: (f32, f32) = (595.28, 841.89);
const LEFT: f32 = 54.0;
const TOP: f32 = 54.0;
const WIDTH: f32 = 487.0;

/// Where the QR code begins, and how wide it is: 8 cm. All that people wrote ends above.
const CODE_TOP: f32 = 440.0;
const CODE_SIDE: f32 = 227.0;

const INK: (u8, u8, u8) = (0x1b, 0x1c, 0x1e);
const SOFT: (u8, u8, u8) = (0x54, 0x57, 0x5c);

/// More than titles, names and places can have.
const LONGEST: usize = 400;

/// What is printed on a ticket.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// The event's title.
    pub title: &'a str,
    /// From when to when it is, in its own zone, with the zone's name.
    pub when: &'a str,
    /// Where it is.
    pub place: &'a str,
    /// Who holds the seat.
    pub name: &'a str,
    /// The code.
    pub code: &'a TicketCode,
    /// What the QR code says.
    pub signed_text: &'a str,
    /// By what the organiser finds the registration.
    pub reference: &'a str,
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// The signed text does not fit.
    #[error(transparent)]
    NoQrCode(#[from] NoQrCode),
    /// The file could not be written.
    #[error("the PDF cannot be written: {0}")]
    NotWritten(String),
    /// A mistake in what sets the text.
    #[error("the ticket cannot be set")]
    NotSet,
}

/// The ticket as a PDF. Takes milliseconds of computing, so it is no work for threads on which others wait.
pub fn print(sheet: &Sheet<'_>) -> Result<Vec<u8>, PrintError> {
    let code = QrImage::of(sheet.signed_text)?;
    // Text of any script passes through much code; what it cannot set must not end more than this ticket.
    catch_unwind(AssertUnwindSafe(|| {
        with_press(|press| write(sheet, &code, press))
    }))
    .unwrap_or(Err(PrintError::NotSet))
}

fn write(sheet: &Sheet<'_>, code: &QrImage, press: &mut Press) -> Result<Vec<u8>, PrintError> {
    let mut document = Document::new();
    let title = plain(sheet.title, LONGEST);
    document.set_metadata(
        Metadata::new()
            .title(format!("Ticket: {title}"))
            .language("en".to_owned())
            .creator("Podium".to_owned()),
    );
    let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or(PrintError::NotSet)?;
    let mut page = document.start_page_with(settings);
    let mut surface = page.surface();
    draw_words(sheet, &title, press, &mut surface);
    draw_code(code, &mut surface);
    draw_below(sheet, press, &mut surface);
    surface.finish();
    page.finish();
    document
        .finish()
        .map_err(|error| PrintError::NotWritten(format!("{error:?}")))
}

/// Title, time, place and name, one under the other, each in the room that it has.
fn draw_words(sheet: &Sheet<'_>, title: &str, press: &mut Press, surface: &mut Surface<'_>) {
    let small = Manner {
        sizes: &[10.0],
        width: WIDTH,
        height: 14.0,
        color: SOFT,
        centred: false,
    };
    let heading = press.set(
        "Ticket",
        Manner {
            sizes: &[12.0],
            height: 18.0,
            ..small
        },
    );
    press.draw(surface, &heading, LEFT, TOP);
    let mut y = TOP + 22.0;
    let piece = press.set(
        title,
        Manner {
            sizes: &[26.0, 22.0, 19.0, 16.0, 13.0, 10.0],
            height: 136.0,
            color: INK,
            ..small
        },
    );
    press.draw(surface, &piece, LEFT, y);
    y += piece.height() + 14.0;
    draw_rectangle(surface, LEFT, y, WIDTH, 0.75, SOFT);
    y += 12.0;
    for (label, text, height) in [
        ("When", sheet.when, 40.0),
        ("Where", sheet.place, 58.0),
        ("Name", sheet.name, 40.0),
    ] {
        let piece = press.set(label, small);
        press.draw(surface, &piece, LEFT, y);
        y += 14.0;
        let piece = press.set(
            &plain(text, LONGEST),
            Manner {
                sizes: &[15.0, 13.0, 11.0, 9.0, 7.5],
                height,
                color: INK,
                ..small
            },
        );
        press.draw(surface, &piece, LEFT, y);
        y += piece.height() + 9.0;
    }
}

/// On white of its own, so that no letter of what stands above reaches into it.
fn draw_code(code: &QrImage, surface: &mut Surface<'_>) {
    let left = (PAGE.0 - CODE_SIDE) / 2.0;
    draw_rectangle(surface, left, CODE_TOP, CODE_SIDE, CODE_SIDE, (0xff, 0xff, 0xff));
    let module = CODE_SIDE / small(code.modules());
    let mut path = PathBuilder::new();
    for (column, row, length) in code.bars() {
        let bar = Rect::from_xywh(
            left + small(column) * module,
            CODE_TOP + small(row) * module,
            small(length) * module,
            module,
        );
        if let Some(bar) = bar {
            path.push_rect(bar);
        }
    }
    if let Some(path) = path.finish() {
        surface.set_fill(Some(fill((0, 0, 0))));
        surface.draw_path(&path);
    }
}

/// The code to read out, and what helps at the entrance and with questions.
fn draw_below(sheet: &Sheet<'_>, press: &mut Press, surface: &mut Surface<'_>) {
    let mut y = CODE_TOP + CODE_SIDE + 2.0;
    let reference = format!("Registration {}", plain(sheet.reference, LONGEST));
    let code = sheet.code.grouped();
    let lines: [(&str, &'static [f32], f32, _); 3] = [
        (&code, &[20.0], 28.0, INK),
        (
            "Show this code at the entrance, on paper or on a phone.",
            &[10.5],
            15.0,
            INK,
        ),
        (&reference, &[9.0], 14.0, SOFT),
    ];
    for (text, sizes, height, color) in lines {
        let manner = Manner {
            sizes,
            width: WIDTH,
            height,
            color,
            centred: true,
        };
        let piece = press.set(text, manner);
        press.draw(surface, &piece, LEFT, y);
        y += height + 2.0;
    }
}

fn draw_rectangle(
    surface: &mut Surface<'_>,
    left: f32,
    top: f32,
    width: f32,
    height: f32,
    color: (u8, u8, u8),
) {
    let mut path = PathBuilder::new();
    if let Some(rectangle) = Rect::from_xywh(left, top, width, height) {
        path.push_rect(rectangle);
    }
    if let Some(path) = path.finish() {
        surface.set_fill(Some(fill(color)));
        surface.draw_path(&path);
    }
}

fn fill((red, green, blue): (u8, u8, u8)) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        ..Fill::default()
    }
}

/// Modules are a few hundred at the most.
fn small(count: usize) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests;
