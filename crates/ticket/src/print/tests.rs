//! Pages for people of every script, and for those who try what a ticket bears.

use super::*;
use crate::signed_text;
use kernel::{EventId, ServerKeys, TypedId};
use std::time::{Duration, Instant};

/// Title, place and name.
const PEOPLE: [(&str, &str, &str, &str); 8] = [
    (
        "latin",
        "Rust Delhi: async from the ground up",
        "India Habitat Centre, Lodhi Road, New Delhi",
        "Åsa Nordström-O’Brien",
    ),
    (
        "greek-cyrillic",
        "Αλγόριθμοι και εφαρμογές — Алгоритмы и приложения",
        "Μέγαρο Μουσικής, Αθήνα",
        "Щербакова Юлия Ґжицька",
    ),
    (
        "indic",
        "क्षेत्रीय सम्मेलन: प्रौद्योगिकी और संस्कृति — தமிழ் இலக்கிய விழா",
        "বাংলা একাডেমি · తెలుగు భవనం · ಬೆಂಗಳೂರು · മലയാളം · ગુજરાત · ਪੰਜਾਬ",
        "श्रीकृष्ण த்ரிவிக்ரம்",
    ),
    (
        "arabic-hebrew",
        "مؤتمر البرمجة العربية 2027: لغة Rust من الصفر",
        "מרכז הכנסים, תל אביב 12",
        "لَيْلَى بنت عبد الرحمن",
    ),
    (
        "thai-cjk",
        "การประชุมวิชาการประจำปีเรื่องเทคโนโลยีสารสนเทศ 東京技術大会 서울 기술 대회",
        "東京都千代田区丸の内一丁目",
        "王小明 김철수 สมชาย",
    ),
    ("emoji", "Party 🎉👩‍👩‍👧‍👦🏳️‍🌈 1️⃣ ☺ ✈", "🏠🇮🇳", "😀"),
    (
        "markup",
        "<script>alert('x')</script> & {{ title }} \u{202E}txt.exe\u{0}\u{7}\r\n(\\) Tj ET",
        "",
        "\u{200B}\u{FEFF}\u{200D}",
    ),
    ("empty", "", "", ""),
];

fn ticket(title: &str, place: &str, name: &str) -> Result<Vec<u8>, PrintError> {
    let code = "01AB89XYZT0K".parse().unwrap();
    let keys = ServerKeys::new(vec![1; 32], Vec::new());
    let event = EventId::from_uuid(uuid::Uuid::from_u128(7));
    let signed = signed_text(&keys, &code, event).unwrap();
    print(&Sheet {
        title,
        when: "Saturday, 24 October 2026, 22:00 (UTC+02:00) – Sunday, 25 October 2026, 06:00 (UTC+01:00), Europe/Berlin",
        place,
        name,
        code: &code,
        signed_text: &signed,
        reference: "01905e5e-0000-7000-8000-000000000001",
    })
}

/// Leaves the files where `PODIUM_TEST_PICTURES` says, to be looked at.
fn keep(name: &str, file: &[u8]) {
    #[expect(
        clippy::disallowed_methods,
        reason = "testkit, which reads it for others, stands above this crate"
    )]
    let folder = std::env::var_os("PODIUM_TEST_PICTURES");
    if let Some(folder) = folder {
        std::fs::write(
            std::path::Path::new(&folder).join(format!("ticket-{name}.pdf")),
            file,
        )
        .unwrap();
    }
}

fn assert_is_one_page(file: &[u8], what: &str) {
    assert!(
        file.starts_with(b"%PDF-1.") && file.trim_ascii_end().ends_with(b"%%EOF"),
        "{what}"
    );
    let text = String::from_utf8_lossy(file);
    let pages = text.matches("/Type /Page\n").count()
        + text.matches("/Type/Page\n").count()
        + text.matches("/Type/Page/").count();
    assert_eq!(pages, 1, "{what}");
    assert!(!text.contains("/CreationDate"), "{what}");
}

#[test]
fn people_of_every_script_get_one_page() {
    for (what, title, place, name) in PEOPLE {
        let file = ticket(title, place, name).unwrap();
        assert_is_one_page(&file, what);
        keep(what, &file);
        assert_eq!(file, ticket(title, place, name).unwrap(), "{what} twice");
    }
}

#[test]
fn what_is_too_much_takes_neither_more_pages_nor_more_time() {
    let much = [
        ("words", "Überlange Wörter und noch mehr davon ".repeat(6)),
        ("one-word", "W".repeat(200)),
        ("cjk", "東京技術大会".repeat(34)),
        ("ligatures", "\u{FDFD}".repeat(200)),
        ("marks", format!("Z{}", "\u{301}\u{489}\u{20DD}".repeat(66))),
        ("thai-marks", "ที่".repeat(10) + &"\u{E49}".repeat(170)),
        ("directions", "\u{202E}a\u{2066}ب\u{202D}1\u{200F}".repeat(25)),
        ("joiners", "👩\u{200D}".repeat(100)),
        ("virama", "क\u{94D}".repeat(100)),
        ("unknown", "\u{10FFFD}\u{E000}\u{1F3FB}\u{378}".repeat(50)),
        ("scripts", ('\u{1000}'..='\u{10C7}').collect()),
        ("hangul", "\u{1100}\u{1161}\u{11A8}".repeat(66)),
        ("spaces", "\u{3000}\u{2003}\t\u{A0}".repeat(50)),
        ("endless", "word ".repeat(100_000)),
    ];
    for (what, text) in much {
        let begun = Instant::now();
        let file = ticket(&text, &text, &text).unwrap();
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{what}: {:?}",
            begun.elapsed()
        );
        assert_is_one_page(&file, what);
        assert!(file.len() < 400_000, "{what}: {} bytes", file.len());
        keep(&format!("much-{what}"), &file);
    }
}

/// Letters from all over, in any order.
#[test]
fn no_letters_in_any_order_are_too_much() {
    let mut seed = 7_u64;
    let mut next = move |most: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    let blocks = [
        (0x20, 0x7f),
        (0x300, 0x70),
        (0x590, 0x170),
        (0x900, 0x480),
        (0xe00, 0x300),
        (0x1000, 0x800),
        (0x1780, 0x80),
        (0x2000, 0x70),
        (0x3000, 0x200),
        (0x4e00, 0x5000),
        (0xac00, 0x2b00),
        (0xfb00, 0x500),
        (0x1f300, 0x400),
        (0xe0000, 0x200),
    ];
    for round in 0..60 {
        let mut text = String::new();
        for _ in 0..80 {
            let (from, many) = blocks[usize::try_from(next(14)).unwrap()];
            let letters = 1 + next(4);
            for _ in 0..letters {
                text.extend(char::from_u32(from + u32::try_from(next(many)).unwrap()));
            }
        }
        let file = ticket(&text, &text, &text);
        assert!(file.is_ok(), "{round}: {text:?}");
    }
}
