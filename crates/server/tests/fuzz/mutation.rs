//! How a request is spoilt: its method, path, query, headers or body, a little at a time.

use serde_json::Value;

/// Random numbers that are the same in every run (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }

    /// From 0 to `count - 1`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % count
    }

    /// True once in so many times.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}

/// Texts that have broken programs before, written so that a URL can carry them.
const PATH_PARTS: &[&str] = &[
    "",
    ".",
    "..",
    "%2e%2e",
    "%00",
    "%ff",
    "%",
    "%zz",
    "me",
    "null",
    "0",
    "-1",
    "1e400",
    "%F0%9F%8E%9F",
    "'--",
    "*",
    "a%2Fb",
    "018f0000-0000-7000-8000-000000000000",
    "00000000-0000-0000-0000-000000000000",
    "{id}",
    "~",
    "@",
    ":",
    ";a=b",
    "events",
];
const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
];
const PARAMETERS: &[&str] = &[
    "limit",
    "cursor",
    "q",
    "from",
    "to",
    "location",
    "format",
    "status",
    "organizer_id",
    "has_seats",
    "sort",
    "event_id",
    "attendee_id",
    "include_total",
    "nonsense",
    "",
    "limit%00",
    "q[]",
];
const VALUES: &[&str] = &[
    "",
    "1",
    "0",
    "-1",
    "101",
    "18446744073709551616",
    "1e400",
    "true",
    "false",
    "draft",
    "published",
    "virtual",
    "2030-01-15",
    "9999-12-31",
    "-262144-01-01",
    "starts_at",
    "-created_at",
    "%25",
    "_",
    "%5C",
    "%27%20OR%201=1",
    "%00",
    "%ff",
    "%F0%9F%8E%9F",
    "018f0000-0000-7000-8000-000000000000",
    "AAAA",
    "eyJhIjoxfQ",
    "%2B",
    "+",
    "null",
    "NaN",
];
const HEADERS: &[(&str, &[u8])] = &[
    ("if-match", b"\"1-1\""),
    ("if-match", b"*"),
    ("if-match", b"\"18446744073709551615-0\", W/\"x\""),
    ("if-match", b"\xff\xfe"),
    ("if-none-match", b"*"),
    ("if-none-match", b"\"99999999999999999999999-1\""),
    ("idempotency-key", b"k"),
    ("idempotency-key", b"\xc3\xa9"),
    ("idempotency-key", b""),
    ("content-type", b"application/json; charset=\"utf-8"),
    ("content-type", b"\xff"),
    ("content-encoding", b"gzip"),
    ("content-encoding", b"identity"),
    ("accept", b"image/png"),
    ("accept-encoding", b"br;q=nonsense"),
    ("cookie", b"podium_access=x; podium_refresh=y"),
    ("cookie", b"podium_access=\"\"; =; ;;"),
    ("cookie", b"\xff=\xfe"),
    ("origin", b"null"),
    ("origin", b"https://evil.example"),
    ("x-request-id", b"<script>\xff"),
    ("x-forwarded-for", b"203.0.113.9, nonsense, ::1"),
    ("forwarded", b"for=\"[::1\""),
    ("user-agent", b"\xff\xfe and more"),
    ("range", b"bytes=0-"),
    ("authorization", b"Bearer"),
    ("authorization", b"Basic \xff"),
];
const SCRAPS: &[&[u8]] = &[
    b"\0",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xf0\x9f",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b",",
    b":",
    b"null",
    b"1e400",
    b"-0",
    b"99999999999999999999",
    b"'; DROP TABLE events; --",
    "\u{202e}🎟".as_bytes(),
    b"\\\"",
    b"  ",
    b"\n",
];

/// A request that can still be told apart into its parts.
pub struct Spoilt {
    pub method: String,
    pub path: String,
    pub query: String,
    pub media_type: Option<String>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Option<Vec<u8>>,
}

impl Spoilt {
    /// Spoils one thing.
    pub fn spoil(&mut self, dice: &mut Dice) {
        match dice.below(12) {
            0 => dice.of(METHODS).clone_into(&mut self.method),
            1 | 2 => self.spoil_path(dice),
            3..=5 => {
                let (name, value) = (dice.of(PARAMETERS), dice.of(VALUES));
                let sign = if self.query.is_empty() { "" } else { "&" };
                self.query = format!("{}{sign}{name}={value}", self.query);
            }
            6 | 7 => {
                let (name, value) = HEADERS[dice.below(HEADERS.len())];
                self.headers.push((name.to_owned(), value.to_vec()));
            }
            8 | 9 => self.spoil_field(dice),
            _ => self.spoil_bytes(dice),
        }
    }

    fn spoil_path(&mut self, dice: &mut Dice) {
        let mut parts: Vec<String> = self.path.split('/').map(str::to_owned).collect();
        let at = 3 + dice.below(parts.len() - 2);
        let part = dice.of(PATH_PARTS).to_owned();
        match parts.get_mut(at) {
            Some(old) if dice.one_in(2) => *old = part,
            _ => parts.insert(at.min(parts.len()), part),
        }
        self.path = parts.join("/");
    }

    /// Another value for a field, or a field less, or one more.
    fn spoil_field(&mut self, dice: &mut Dice) {
        let Some(Ok(Value::Object(mut fields))) = self.body.as_deref().map(serde_json::from_slice) else {
            return self.spoil_bytes(dice);
        };
        let names: Vec<String> = fields.keys().cloned().collect();
        let name = match names.len() {
            0 => "nonsense".to_owned(),
            count => names[dice.below(count)].clone(),
        };
        let value = match dice.below(12) {
            0 => Value::Null,
            1 => Value::from(i64::MAX),
            2 => Value::from(-1),
            3 => Value::from(1.5e300),
            4 => Value::from(true),
            5 => Value::Array(vec![Value::Object(fields.clone())]),
            6 => Value::Object(fields.clone()),
            7 => Value::from("x".repeat(dice.below(30_000))),
            8 => Value::from("\0"),
            9 => Value::from(format!(
                "2030-{:02}-{:02}T25:00:00+14:00",
                dice.below(14),
                dice.below(33)
            )),
            10 => Value::from(u32::try_from(dice.below(4)).unwrap_or(0)),
            _ => Value::from("🎟 '\"\\%_"),
        };
        if dice.one_in(6) {
            fields.remove(&name);
        } else if dice.one_in(8) {
            fields.insert("nonsense".to_owned(), value);
        } else {
            fields.insert(name, value);
        }
        self.body = Some(Value::Object(fields).to_string().into_bytes());
    }

    fn spoil_bytes(&mut self, dice: &mut Dice) {
        let body = self.body.get_or_insert_with(|| b"{}".to_vec());
        let at = dice.below(body.len() + 1);
        match dice.below(5) {
            0 => body.truncate(at),
            1 => {
                let scrap = dice.of(SCRAPS);
                body.splice(at..at, scrap.iter().copied());
            }
            2 => {
                if let Some(byte) = body.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            3 => {
                let tail = body[at..].to_vec();
                body.extend(tail);
            }
            _ => {
                let end = (at + dice.below(9)).min(body.len());
                body.drain(at..end);
            }
        }
    }

    /// The request as it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let query = if self.query.is_empty() {
            String::new()
        } else {
            format!("?{}", self.query)
        };
        let mut bytes = format!(
            "{} {}{query} HTTP/1.1\r\nhost: podium\r\nconnection: close\r\n",
            self.method, self.path
        )
        .into_bytes();
        if let Some(media_type) = &self.media_type {
            bytes.extend(format!("content-type: {media_type}\r\n").into_bytes());
        }
        for (name, value) in &self.headers {
            bytes.extend(name.as_bytes());
            bytes.extend(b": ");
            bytes.extend(value);
            bytes.extend(b"\r\n");
        }
        if let Some(body) = &self.body {
            bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
            bytes.extend(body);
        } else {
            bytes.extend(b"\r\n");
        }
        bytes
    }
}
