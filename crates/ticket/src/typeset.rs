//! Text of any script on a page: which font has which letters, in which direction they run, where lines break.
//!
//! Invariants: the fonts are read once; what a person wrote takes no more room than it is given.

use krilla::color::rgb;
use krilla::geom::Point;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use parley::fontique::{Blob, Collection, CollectionOptions, FamilyId, GenericFamily};
use parley::{
    Alignment, AlignmentOptions, FontContext, FontFamily, FontFamilyName, Layout, LayoutContext, LineHeight,
    OverflowWrap, Run, StyleProperty,
};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

macro_rules! fonts {
    ($($name:literal),+ $(,)?) => {
        [$(include_bytes!(concat!("../fonts/", $name)).as_slice()),+]
    };
}

/// The fonts that come with the program: the first that has a letter gives it.
const FONTS: [&[u8]; 22] = fonts![
    "NotoSans-Regular.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansBengali-Regular.ttf",
    "NotoSansGurmukhi-Regular.ttf",
    "NotoSansGujarati-Regular.ttf",
    "NotoSansOriya-Regular.ttf",
    "NotoSansTamil-Regular.ttf",
    "NotoSansTelugu-Regular.ttf",
    "NotoSansKannada-Regular.ttf",
    "NotoSansMalayalam-Regular.ttf",
    "NotoSansSinhala-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansLao-Regular.ttf",
    "NotoSansKhmer-Regular.ttf",
    "NotoSansMyanmar-Regular.ttf",
    "NotoSansGeorgian-Regular.ttf",
    "NotoSansArmenian-Regular.ttf",
    "NotoSansEthiopic-Regular.ttf",
    "DroidSansFallbackFull.ttf",
    "NanumSquareR.ttf",
];

/// Where systems keep fonts, which have what ours lack.
const SYSTEM: [&str; 2] = ["/usr/share/fonts", "/usr/local/share/fonts"];

/// Files that the system has are asked in the order of their families' names, at most so many: who writes a letter that no font has
/// makes us look into each.
const MOST_OF_SYSTEM: usize = 400;

static LIBRARY: LazyLock<FontContext> = LazyLock::new(library);

/// Reads the fonts if nobody has yet: the first page would do so otherwise.
pub fn read_fonts() {
    LazyLock::force(&LIBRARY);
}

/// Those that stand idle.
static IDLE: Mutex<Vec<Press>> = Mutex::new(Vec::new());

/// What sets text; one for each that works at a time.
pub(crate) struct Press {
    fonts: FontContext,
    layouts: LayoutContext<()>,
    /// By the data's number and the font's place in it. None: the file is no font that can be written to a PDF.
    written: HashMap<(u64, u32), Option<Font>>,
}

/// How a piece of text is set: the first size at which it fits into the height is taken.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) sizes: &'static [f32],
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) color: (u8, u8, u8),
    pub(crate) centred: bool,
}

/// A piece of text in lines.
pub(crate) struct Piece {
    text: String,
    layout: Layout<()>,
    manner: Manner,
}

impl Piece {
    /// What it takes, at most what it was given.
    pub(crate) fn height(&self) -> f32 {
        self.layout.height().min(self.manner.height)
    }
}

/// Works with an idle press, or with a new one. One that fails is not used again.
pub(crate) fn with_press<T>(work: impl FnOnce(&mut Press) -> T) -> T {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut press = idle.unwrap_or_else(Press::new);
    let done = work(&mut press);
    IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(press);
    done
}

impl Press {
    fn new() -> Self {
        Self {
            fonts: LIBRARY.clone(),
            layouts: LayoutContext::new(),
            written: HashMap::new(),
        }
    }

    pub(crate) fn set(&mut self, text: &str, manner: Manner) -> Piece {
        let mut sizes = manner.sizes.iter().copied();
        let mut layout = self.lay_out(text, sizes.next().unwrap_or(12.0), manner);
        for smaller in sizes {
            if layout.height() <= manner.height {
                break;
            }
            layout = self.lay_out(text, smaller, manner);
        }
        Piece {
            text: text.to_owned(),
            layout,
            manner,
        }
    }

    fn lay_out(&mut self, text: &str, size: f32, manner: Manner) -> Layout<()> {
        let mut builder = self.layouts.ranged_builder(&mut self.fonts, text, 1.0, false);
        let family = FontFamily::Single(FontFamilyName::Generic(GenericFamily::SansSerif));
        builder.push_default(StyleProperty::FontFamily(family));
        builder.push_default(StyleProperty::FontSize(size));
        builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(1.3)));
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        let mut layout: Layout<()> = builder.build(text);
        layout.break_all_lines(Some(manner.width));
        let alignment = if manner.centred {
            Alignment::Center
        } else {
            Alignment::Start
        };
        layout.align(alignment, AlignmentOptions::default());
        layout
    }

    /// Draws the lines that have room, with the left end of the first at `left` and its top at `top`.
    pub(crate) fn draw(&mut self, surface: &mut Surface<'_>, piece: &Piece, left: f32, top: f32) {
        let (red, green, blue) = piece.manner.color;
        surface.set_fill(Some(Fill {
            paint: rgb::Color::new(red, green, blue).into(),
            ..Fill::default()
        }));
        for line in piece.layout.lines() {
            let metrics = line.metrics();
            // Sums of heights in floating point.
            if metrics.block_max_coord > piece.manner.height + 0.5 {
                break;
            }
            let mut x = left + metrics.offset;
            for run in line.runs() {
                let (glyphs, advance) = glyphs_of(&run);
                let font = run.font();
                let key = (font.data.id(), font.index);
                let written = self.written.entry(key).or_insert_with(|| {
                    let (data, _) = font.data.clone().into_raw_parts();
                    Font::new(data.into(), font.index)
                });
                if let Some(written) = written {
                    let start = Point::from_xy(x, top + metrics.baseline);
                    let size = run.font_size();
                    surface.draw_glyphs(start, &glyphs, written.clone(), &piece.text, size, false);
                }
                x += advance;
            }
        }
    }
}

/// The glyphs of a run from left to right, each with the letters that it stands for, and how far they go.
fn glyphs_of(run: &Run<'_, ()>) -> (Vec<KrillaGlyph>, f32) {
    let size = run.font_size();
    let mut glyphs: Vec<KrillaGlyph> = Vec::new();
    let mut advance = 0.0;
    // Letters that were drawn together with the next ones, as they come from right to left.
    let mut together: Option<usize> = None;
    for cluster in run.visual_clusters() {
        let range = cluster.text_range();
        if cluster.is_ligature_continuation() {
            if run.is_rtl() {
                together = Some(together.unwrap_or(0).max(range.end));
            } else if let Some(glyph) = glyphs.last_mut() {
                glyph.text_range.end = range.end;
            }
            continue;
        }
        let end = together.take().map_or(range.end, |end| end.max(range.end));
        for glyph in cluster.glyphs() {
            glyphs.push(KrillaGlyph::new(
                GlyphId::new(glyph.id),
                glyph.advance / size,
                glyph.x / size,
                // Down here, up there.
                -glyph.y / size,
                0.0,
                range.start..end,
                None,
            ));
            advance += glyph.advance;
        }
    }
    (glyphs, advance)
}

/// All fonts under the one name by which text is set, ours first.
fn library() -> FontContext {
    let mut collection = Collection::new(CollectionOptions {
        shared: false,
        system_fonts: false,
    });
    let mut families: Vec<FamilyId> = Vec::new();
    for font in FONTS {
        let registered = collection.register_fonts(Blob::new(Arc::new(font)), None);
        families.extend(registered.into_iter().map(|(family, _)| family));
    }
    collection.load_fonts_from_paths(SYSTEM);
    let names: Vec<String> = collection.family_names().map(str::to_owned).collect();
    let mut of_system: Vec<(String, FamilyId)> = names
        .into_iter()
        .filter_map(|name| collection.family_id(&name).map(|family| (name, family)))
        .filter(|(_, family)| !families.contains(family))
        .collect();
    of_system.sort_unstable_by(|one, two| one.0.cmp(&two.0));
    let emoji: Vec<FamilyId> = of_system
        .iter()
        .filter(|(name, _)| name.to_lowercase().contains("emoji"))
        .map(|(_, family)| *family)
        .collect();
    families.extend(
        of_system
            .into_iter()
            .map(|(_, family)| family)
            .take(MOST_OF_SYSTEM),
    );
    collection.set_generic_families(GenericFamily::SansSerif, families.into_iter());
    collection.set_generic_families(GenericFamily::Emoji, emoji.into_iter());
    FontContext {
        collection,
        ..FontContext::default()
    }
}
