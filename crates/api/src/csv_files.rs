//! CSV files (RFC 4180): lists of people that go out, and those that come in.

use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};
use kernel::Invalid;
use registration::{ImportLine, SeatHolder};
use std::borrow::Cow;

/// What a spreadsheet that reads UTF-8 only when told so looks for at the beginning.
pub const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// Lines of a list at the most: they are one transaction, and others wait for the event.
pub const MOST_LINES: usize = 2_000;

/// The columns of the list of seat holders.
const COLUMNS: [&str; 7] = [
    "name",
    "email",
    "status",
    "registered_at",
    "checked_in_at",
    "ticket_code",
    "registration_id",
];

/// The first line of the list of seat holders.
pub fn heading() -> Vec<u8> {
    written([COLUMNS.map(Cow::Borrowed)])
}

/// Lines of the list of seat holders.
pub fn lines(holders: &[SeatHolder]) -> Vec<u8> {
    let time = |at: &kernel::Instant| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    written(holders.iter().map(|holder| {
        let (registration, attendee) = (&holder.registration, &holder.attendee);
        [
            harmless(attendee.name.as_str()),
            harmless_address(attendee.email.as_str()),
            Cow::Borrowed(registration.status.as_str()),
            Cow::Owned(time(&registration.registered_at)),
            Cow::Owned(registration.checked_in_at.as_ref().map(time).unwrap_or_default()),
            Cow::Owned(registration.ticket_code.grouped()),
            Cow::Owned(registration.id.to_string()),
        ]
    }))
}

fn written<'a>(rows: impl IntoIterator<Item = [Cow<'a, str>; 7]>) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        // Rows of one length, into memory: neither can fail.
        let _ = writer.write_record(row.iter().map(|cell| cell.as_bytes()));
    }
    writer.into_inner().unwrap_or_default()
}

/// What people wrote, so that no spreadsheet takes it for a formula: an apostrophe stands before whatever would begin one
/// (<https://owasp.org/www-community/attacks/CSV_Injection>), at the beginning and behind everything that some program
/// takes for the end of a cell.
fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(begins_formula) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 1);
    let mut at_start = true;
    for c in text.chars() {
        if at_start && begins_formula(c) {
            safe.push('\'');
        }
        safe.push(c);
        at_start = ends_cell(c) || (at_start && is_passed_over(c));
    }
    Cow::Owned(safe)
}

/// Undoes [`harmless`] for a cell that comes back, exactly: of the apostrophes before what would begin a formula the last is
/// ours.
fn as_it_was(cell: &str) -> String {
    let mut was = String::with_capacity(cell.len());
    for c in cell.chars() {
        if begins_formula(c) && was.ends_with('\'') {
            was.pop();
        }
        was.push(c);
    }
    was
}

/// An address so that no spreadsheet takes it for a formula. Nothing in it ends a cell, and an `@` in its midst stays as it is.
fn harmless_address(address: &str) -> Cow<'_, str> {
    if address.trim_start_matches('\'').starts_with(begins_formula) {
        Cow::Owned(format!("'{address}"))
    } else {
        Cow::Borrowed(address)
    }
}

/// Undoes [`harmless_address`], exactly.
fn address_as_it_was(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(begins_formula) => rest,
        _ => cell,
    }
}

fn begins_formula(c: char) -> bool {
    matches!(
        c,
        '=' | '+' | '-' | '@' | '\t' | '\r' | '\n'
            // the same, as wide or as small as other scripts write them
            | '＝' | '＋' | '－' | '＠' | '﹦' | '﹢' | '﹣' | '﹫' | '−'
    )
}

fn ends_cell(c: char) -> bool {
    matches!(c, ',' | ';' | '|' | '\t' | '"' | '\'' | '\r' | '\n' | '，' | '；')
}

fn is_passed_over(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}')
}

/// Where the list has what.
struct Places {
    name: usize,
    email: usize,
    /// How many cells a line has, where nothing but these two is in it.
    exactly: Option<usize>,
}

/// Reads a list of people: a name and an address on each line, or the columns that a first line names so. Commas,
/// semicolons and tabs separate, whichever the first line has most of. What is wrong with a line stands in the line.
pub fn read_people(text: &str) -> Result<Vec<ImportLine>, Invalid> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(text))
        .from_reader(text.as_bytes());
    let mut places = Places {
        name: 0,
        email: 1,
        exactly: Some(2),
    };
    let mut lines = Vec::new();
    let mut is_first = true;
    for record in reader.records() {
        let record = record.map_err(|error| Invalid::field("", "format", error.to_string()))?;
        if std::mem::take(&mut is_first)
            && let Some(named) = Places::named_by(&record)?
        {
            places = named;
            continue;
        }
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if lines.len() == MOST_LINES {
            let detail = format!("A list has {MOST_LINES} lines at the most; send it in parts.");
            return Err(Invalid::field("", "length", detail));
        }
        lines.push(places.line(text, &record));
    }
    if lines.is_empty() {
        return Err(Invalid::field("", "missing", "There is nobody on the list."));
    }
    Ok(lines)
}

impl Places {
    /// The columns that a first line names; none if it is a line like the others.
    fn named_by(first: &StringRecord) -> Result<Option<Self>, Invalid> {
        let place = |names: &[&str]| {
            first.iter().position(|cell| {
                let cell = cell.trim().to_lowercase().replace('_', " ");
                names.contains(&cell.as_str())
            })
        };
        let Some(email) = place(&["email", "e-mail", "mail", "email address", "e-mail address"]) else {
            return Ok(None);
        };
        match place(&["name", "full name", "attendee name", "attendee"]) {
            Some(name) => Ok(Some(Self {
                name,
                email,
                exactly: None,
            })),
            None => Err(Invalid::field(
                "/1/name",
                "missing",
                "The first line names a column with addresses, and none called `name`.",
            )),
        }
    }

    fn line(&self, text: &str, record: &StringRecord) -> ImportLine {
        let number = line_of(text, record);
        let mut invalid = Invalid::none();
        if self.exactly.is_some_and(|cells| record.len() != cells) {
            let detail = "A line has a name and an address, and nothing else.";
            invalid.add(&format!("/{number}"), "format", detail);
            return ImportLine {
                number,
                person: Err(invalid),
            };
        }
        let cell = |place: usize| record.get(place).unwrap_or_default().trim();
        let (name, email) = (as_it_was(cell(self.name)), address_as_it_was(cell(self.email)));
        let name = invalid.take(&format!("/{number}/name"), "format", name.parse());
        let email = invalid.take(&format!("/{number}/email"), "format", email.parse());
        let person = match (name, email) {
            (Some(name), Some(email)) => Ok((name, email)),
            _ => Err(invalid),
        };
        ImportLine { number, person }
    }
}

/// The line on which a record begins, from 1. The reader's own count is that of where it stopped reading the one before.
fn line_of(text: &str, record: &StringRecord) -> u32 {
    let byte = record
        .position()
        .and_then(|position| usize::try_from(position.byte()).ok())
        .unwrap_or_default();
    let line = record.position().map_or(1, csv::Position::line);
    let skipped = text.get(byte..).map_or(0, |rest| {
        let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        rest[..blank].matches('\n').count()
    });
    u32::try_from(line)
        .unwrap_or(u32::MAX)
        .saturating_add(u32::try_from(skipped).unwrap_or(0))
}

/// What the first line has most of, outside of quotes; a comma if it has none.
fn separator(text: &str) -> u8 {
    let (mut counts, mut quoted) = ([(b',', 0), (b';', 0), (b'\t', 0)], false);
    for byte in text.trim_start().bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            byte if !quoted => {
                for (separator, count) in &mut counts {
                    *count += u32::from(*separator == byte);
                }
            }
            _ => {}
        }
    }
    let mut most = counts[0];
    for count in counts {
        if count.1 > most.1 {
            most = count;
        }
    }
    most.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_person_wrote_is_a_formula() {
        for (text, safe) in [
            ("Asha Rao", "Asha Rao"),
            ("Anne-Marie O'Neil", "Anne-Marie O'Neil"),
            ("a@b.example", "a@b.example"),
            ("=1+1", "'=1+1"),
            ("+91 98 76", "'+91 98 76"),
            ("-", "'-"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("\n=1", "'\n'=1"),
            ("  =1", "  '=1"),
            ("\u{A0}\u{200B}=1", "\u{A0}\u{200B}'=1"),
            ("a;=1", "a;'=1"),
            ("a,=1", "a,'=1"),
            ("a\"=1", "a\"'=1"),
            ("a|-1", "a|'-1"),
            ("'=1", "''=1"),
            ("＝1", "'＝1"),
            ("＠x＋", "'＠x＋"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), safe, "{text:?}");
        }
    }

    /// Number, name and address of each line, or the pointers to what is wrong with it.
    fn people(text: &str) -> Vec<(u32, String)> {
        let lines = read_people(text).unwrap_or_else(|invalid| panic!("{text:?}: {invalid:?}"));
        lines
            .into_iter()
            .map(|line| {
                let said = match line.person {
                    Ok((name, email)) => format!("{}|{}", name.as_str(), email.as_str()),
                    Err(invalid) => invalid.0.iter().map(|error| error.pointer.as_str()).collect(),
                };
                (line.number, said)
            })
            .collect()
    }

    #[test]
    fn a_list_is_read_however_a_spreadsheet_writes_it() {
        let two = [
            (1, "Asha Rao|asha@example.org".to_owned()),
            (2, "Ben, \"B\"|ben@example.org".to_owned()),
        ];
        for text in [
            "Asha Rao,asha@example.org\n\"Ben, \"\"B\"\"\",ben@example.org\n",
            "\u{FEFF}Asha Rao;asha@example.org\r\n\"Ben, \"\"B\"\"\";ben@example.org",
            "Asha Rao\tasha@example.org\r\n\"Ben, \"\"B\"\"\"\t ben@example.org \r\n\r\n",
        ] {
            assert_eq!(people(text), two, "{text:?}");
        }
        for heading in [
            "name,email",
            "E-Mail,Phone,Full name",
            "\u{FEFF}\"Name\",\"Email_Address\",x",
        ] {
            let row = if heading.starts_with("E-") {
                "asha@example.org,+91,Asha Rao"
            } else {
                "Asha Rao,asha@example.org"
            };
            let text = format!("{heading}\r\n{row}\r\n");
            assert_eq!(
                people(&text),
                [(2, "Asha Rao|asha@example.org".to_owned())],
                "{heading}"
            );
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let bad = |text: &str| -> Vec<(u32, String)> { people(text) };
        for end in ["\n", "\r\n"] {
            let text = [
                "name,email",
                "",
                "",
                "x,",
                "",
                ",a@example.org",
                "\"a",
                "b\",c@example.org",
                "d,e",
            ]
            .join(end);
            assert_eq!(
                bad(&text),
                [
                    (4, "/4/email".to_owned()),
                    (6, "/6/name".to_owned()),
                    (7, "/7/name".to_owned()),
                    (9, "/9/email".to_owned()),
                ],
                "{end:?}"
            );
        }
        assert_eq!(bad("a,b@example.org,c\nd")[0], (1, "/1".to_owned()));
        assert_eq!(bad("a,b@example.org,c\nd")[1], (2, "/2".to_owned()));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let refusal = |text: &str| read_people(text).unwrap_err().0.remove(0);
        for nothing in ["", "\n\n", "\u{FEFF}", "name,email\n", " , \n"] {
            assert_eq!(refusal(nothing).code, "missing", "{nothing:?}");
        }
        assert_eq!(refusal("email\na@example.org").pointer, "/1/name");
        let many = "A,a@example.org\n".repeat(MOST_LINES);
        assert_eq!(read_people(&many).unwrap().len(), MOST_LINES);
        assert_eq!(refusal(&format!("{many}A,a@example.org")).code, "length");
    }

    #[test]
    fn what_went_out_comes_in_again() {
        // All texts of up to six of these.
        let letters = ['a', '\'', '=', '@', ' ', ',', '\u{200B}'];
        let mut texts = vec![String::new()];
        let mut longest = 0..1;
        for _ in 0..6 {
            let from = texts.len();
            for number in longest {
                for letter in letters {
                    texts.push(format!("{}{letter}", texts[number]));
                }
            }
            longest = from..texts.len();
        }
        for text in texts {
            assert_eq!(as_it_was(&harmless(&text)), text, "{text:?}");
            let address = harmless_address(&text);
            assert!(!address.starts_with(begins_formula));
            assert_eq!(address_as_it_was(&address), text, "{text:?}");
        }
        assert_eq!(harmless_address("o'@example.org"), "o'@example.org");
        assert_eq!(harmless_address("-o@example.org"), "'-o@example.org");
    }
}
