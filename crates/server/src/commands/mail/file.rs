//! Mails that were written as files: where one is, and its text, as far as our own mails go (RFC 2045, RFC 2046).

use crate::mail_files::path_of;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::OutboxId;
use std::path::{Path, PathBuf};

/// The file of a message, if there is one.
pub fn find(folder: &Path, id: OutboxId) -> Option<PathBuf> {
    Some(path_of(folder, id)).filter(|path| path.is_file())
}

/// The first plain text in a mail.
pub fn text_of(mail: &str) -> Option<String> {
    let (head, body) = mail.split_once("\r\n\r\n")?;
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let media_type = header(&head, "content-type").unwrap_or("text/plain");
    if media_type.starts_with("multipart/") {
        let boundary = media_type.split_once("boundary=\"")?.1.split('"').next()?;
        let boundary = format!("\r\n--{boundary}");
        // The first boundary may stand at the very beginning.
        return format!("\r\n{body}")
            .split(&boundary)
            .skip(1)
            .find_map(|part| text_of(part.strip_prefix("\r\n")?));
    }
    if !media_type.starts_with("text/plain") {
        return None;
    }
    let bytes = match header(&head, "content-transfer-encoding") {
        Some("base64") => {
            let compact: String = body.split_whitespace().collect();
            STANDARD.decode(compact).ok()?
        }
        Some("quoted-printable") => unquoted(body.as_bytes()),
        _ => body.as_bytes().to_vec(),
    };
    Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'=' {
            plain.push(byte);
        } else if let Some(after) = rest.strip_prefix(b"\r\n") {
            rest = after;
        } else if let Some((digits, after)) = rest.split_first_chunk::<2>()
            && let Some(byte) = hexadecimal(*digits)
        {
            plain.push(byte);
            rest = after;
        } else {
            plain.push(byte);
        }
    }
    plain
}

fn hexadecimal(digits: [u8; 2]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_found_in_whatever_it_is_wrapped() {
        let mail = "Subject: x\r\nContent-Type: multipart/mixed;\r\n boundary=\"outer\"\r\n\r\n\
             --outer\r\nContent-Type: multipart/alternative; boundary=\"inner\"\r\n\r\n\
             --inner\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\n\
             Gr=C3=BC=C3=9Fe: a =3D b =\r\nand\r\n--\r\nno boundary\r\n\
             --inner\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--inner--\r\n\
             --outer\r\nContent-Type: text/calendar\r\n\r\nno\r\n--outer--\r\n";
        assert_eq!(text_of(mail).unwrap(), "Grüße: a = b and\n--\nno boundary");
        let encoded =
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LD\r\nvMOfZQ==\r\n";
        assert_eq!(text_of(encoded).unwrap(), "Grüße");
        let plain = "Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHello";
        assert_eq!(text_of(plain).unwrap(), "Hello");
        assert_eq!(text_of("nonsense"), None);
    }
}
